# SPDX-License-Identifier: GPL-2.0-or-later
"""Translation in the model: facts of the manual (DDI 0487), and properties of all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.translation import attributes, permissions
from kut_model.translation.access import OPERATIONS, READ, WRITE
from kut_model.translation.attributes import Attributes, Cacheability, Device, Policy, Shareability
from kut_model.translation.choices import Choices, Freedom, outcomes, permitted
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.faults import Fault, FaultType
from kut_model.translation.geometry import Geometry, effective, geometry
from kut_model.translation.granules import Granule
from kut_model.translation.load_store import instruction_syndrome, is_store, loaded
from kut_model.translation.processor import PA_BITS, Processor
from kut_model.translation.stage2 import Output
from kut_model.translation.syndromes import abort, par_of_fault, par_of_output
from kut_model.translation.translate import Machine, alternatives

PLAIN = Processor()
#: A 4K stage 2 of 39 bits: 1G entries in the root, and a page for IPA 0x8000_0000.
ROOT, LEVEL_2, LEVEL_3, PAGE = 0x40500000, 0x40501000, 0x40502000, 0x40600000
IPA = 0x8000_0000
LEAF = PAGE | 0x7FF  # read and write, Normal write-back, Inner Shareable, AF
TABLES = {ROOT + 16: LEVEL_2 | 3, LEVEL_2: LEVEL_3 | 3, LEVEL_3: LEAF}


def machine(tables: dict[int, int], **control: int) -> Machine:
    """A machine with stage 1 off."""
    stage2 = replace(Stage2Control(root=ROOT, ps=2), **control)  # type: ignore[arg-type]
    return Machine(PLAIN, Stage1Control(), stage2, tables)


def only(found: Machine, op: str = "read", el: int = 1, ipa: int = IPA) -> Output | Fault:
    """The outcome where the architecture leaves none open."""
    (outcome,) = alternatives(found, ipa, OPERATIONS[op].at(el))
    assert outcome.result is not None
    return outcome.result


def fault(*args: object, **kwargs: object) -> tuple[FaultType, int]:
    """Type and level of the fault."""
    found = only(*args, **kwargs)  # type: ignore[arg-type]
    assert isinstance(found, Fault)
    return found.type, found.level


def test_outcomes_are_those_of_every_choice() -> None:
    three = Freedom("three", (1, 2, 3))
    both = permitted("both")

    def evaluate(choices: Choices) -> tuple[int, bool] | int:
        first = choices(three)
        return (first, choices(both)) if first == 2 else first

    assert outcomes(evaluate) == (1, 3, (2, True), (2, False))
    assert outcomes(lambda choices: (choices(both), choices(both))) == ((True,) * 2, (False,) * 2)


@pytest.mark.parametrize(
    ("granule", "t0sz", "sl0", "expected"),
    [
        # The examples of D8.2: 4K and 40 bits from level 1 with two tables, from level 2 never
        (Granule.K4, 24, 1, Geometry(24, 1, 40, 10)),
        (Granule.K4, 24, 0, "SL0 inconsistent with T0SZ"),
        (Granule.K4, 20, 2, Geometry(20, 0, 44, 5)),
        (Granule.K4, 20, 1, "SL0 inconsistent with T0SZ"),
        (Granule.K4, 21, 1, Geometry(21, 1, 43, 13)),
        (Granule.K4, 48, 3, Geometry(48, 3, 16, 4)),
        (Granule.K16, 24, 1, Geometry(24, 2, 40, 15)),
        (Granule.K16, 16, 3, "SL0"),
        (Granule.K64, 22, 1, Geometry(22, 2, 42, 13)),
        (Granule.K64, 47, 0, Geometry(47, 3, 17, 1)),
        (Granule.K64, 47, 3, "SL0"),
    ],
)
def test_geometry(granule: Granule, t0sz: int, sl0: int, expected: Geometry | str) -> None:
    control = effective(Stage2Control(granule, t0sz, sl0), PLAIN)
    assert outcomes(lambda choices: geometry(control, PLAIN, choices)) == (expected,)


CONTROLS = st.builds(
    Stage2Control,
    granule=st.sampled_from(Granule),
    t0sz=st.integers(0, 63),
    sl0=st.integers(0, 3),
    sl2=st.integers(0, 1),
    ds=st.integers(0, 1),
)
PROCESSORS = st.builds(
    Processor, pa_bits=st.sampled_from(PA_BITS), ttst=st.booleans(), lpa2=st.booleans()
)


@given(CONTROLS, PROCESSORS)
def test_a_root_has_two_entries_to_sixteen_tables(
    control: Stage2Control, processor: Processor
) -> None:
    control = effective(control, processor)
    for found in outcomes(lambda choices: geometry(control, processor, choices)):
        if isinstance(found, Geometry):
            assert found.root_bits >= 1
            assert found.concatenated(control.granule) in {1, 2, 4, 8, 16}
            assert found.ipa_bits == 64 - found.t0sz <= processor.pa_bits
            below = control.granule.leaf_bits(found.start_level)
            assert found.ipa_bits == found.root_bits + below


@pytest.mark.parametrize(
    ("level", "address", "value", "expected"),
    [
        (3, LEVEL_3, LEAF & ~1, FaultType.TRANSLATION),
        (3, LEVEL_3, LEAF & ~2, FaultType.TRANSLATION),  # reserved at level 3
        (3, LEVEL_3, LEAF & ~0x400, FaultType.ACCESS_FLAG),
        (3, LEVEL_3, LEAF & ~0x40, FaultType.PERMISSION),
        (3, LEVEL_3, LEAF | 1 << 40, FaultType.ADDRESS_SIZE),
        (2, LEVEL_2, 0, FaultType.TRANSLATION),
        (2, LEVEL_2, LEVEL_3 | 3 | 1 << 40, FaultType.ADDRESS_SIZE),
        (1, ROOT + 16, 2, FaultType.TRANSLATION),
    ],
)
def test_a_wrong_descriptor(level: int, address: int, value: int, expected: FaultType) -> None:
    assert fault(machine({**TABLES, address: value})) == (expected, level)


def test_what_no_table_translates_faults_at_level_0() -> None:
    assert fault(machine(TABLES), ipa=1 << 39) == (FaultType.TRANSLATION, 0)
    assert fault(machine(TABLES, root=ROOT | 1 << 40)) == (FaultType.ADDRESS_SIZE, 0)
    assert fault(machine(TABLES, sl0=2, t0sz=25)) == (FaultType.TRANSLATION, 0)


@pytest.mark.parametrize(
    ("xn", "executes"),
    [(0b00, {0, 1}), (0b01, {0}), (0b10, set()), (0b11, {1})],
)
def test_execution_by_exception_level(xn: int, executes: set[int]) -> None:
    tables = {**TABLES, LEVEL_3: LEAF | xn << 53}
    found = {el for el in (0, 1) if isinstance(only(machine(tables), "exec", el), Output)}
    assert found == executes
    without = {el for el in (0, 1) if isinstance(execute_without_xnx(tables, el), Output)}
    assert without == (set() if xn & 2 else {0, 1})


def execute_without_xnx(tables: dict[int, int], el: int) -> Output | Fault:
    """The same on a CPU where bit 53 is RES0."""
    return only(replace(machine(tables), processor=replace(PLAIN, xnx=False)), "exec", el)


@pytest.mark.parametrize(
    ("op", "s2ap", "wnr"),
    [("read", 2, 0), ("write", 1, 1), ("atomic", 0, 0), ("atomic", 1, 1), ("dc-ivac", 1, 1)],
)
def test_the_syndrome_of_a_permission_fault(op: str, s2ap: int, wnr: int) -> None:
    found = only(machine({**TABLES, LEVEL_3: LEAF & ~0xC0 | s2ap << 6}), op)
    assert isinstance(found, Fault)
    taken = abort(found, OPERATIONS[op], from_el=1)
    assert (taken.target_el, taken.ec, taken.iss & 0x7F, taken.hpfar) == (
        *(2, 0x24, wnr << 6 | 0x0F),
        None,
    )
    assert bool(taken.iss & 1 << 8) == op.startswith("dc")


def test_other_faults_name_the_ipa() -> None:
    found = only(machine({**TABLES, LEVEL_3: 0}))
    assert isinstance(found, Fault)
    assert abort(found, READ, from_el=1).hpfar == IPA >> 8
    assert par_of_fault(found) == 0xA0F  # S, RES1, FST 0b000111, F


def test_the_status_codes_of_level_minus_1() -> None:
    assert Fault(FaultType.TRANSLATION, 2, -1).status == 0x2B
    assert Fault(FaultType.ADDRESS_SIZE, 2, -1).status == 0x29


def changed(tables: dict[int, int], op: str, **control: int) -> set[int]:
    """The bits that hardware may have changed in the leaf, in every outcome."""
    found = alternatives(machine(tables, **control), IPA, OPERATIONS[op])
    return {dict(outcome.changes).get(LEVEL_3, tables[LEVEL_3]) for outcome in found}


def test_hardware_updates() -> None:
    clean = LEAF & ~0x480 | 1 << 51
    assert changed({**TABLES, LEVEL_3: clean}, "write", ha=1, hd=1) == {clean | 0x480}
    assert changed({**TABLES, LEVEL_3: clean}, "read", ha=1, hd=1) == {clean | 0x400}
    assert changed({**TABLES, LEVEL_3: clean}, "write", ha=1) == {clean, clean | 0x400}
    assert changed({**TABLES, LEVEL_3: clean}, "at-write", ha=1, hd=1) == {clean, clean | 0x400}
    assert changed({**TABLES, LEVEL_3: clean}, "write", hd=1) == {clean}


@pytest.mark.parametrize(
    ("ap", "el0", "el1"),
    [(0b00, "x", "rwx"), (0b01, "rwx", "rw"), (0b10, "x", "rx"), (0b11, "rx", "rx")],
)
def test_permissions_of_stage_1(ap: int, el0: str, el1: str) -> None:
    for el, expected in ((0, el0), (1, el1)):
        found = permissions.stage1_permissions(ap << 6, 0, READ.at(el), Stage1Control())
        text = "r" * found.read + "w" * found.write + "x" * found.execute
        assert text == expected


def test_pan_hides_what_el0_reaches() -> None:
    access = replace(WRITE, pan=True)
    control = Stage1Control(pan=True)
    assert not permissions.stage1_permissions(0b01 << 6, 0, access, control).write
    assert permissions.stage1_permissions(0b00 << 6, 0, access, control).write
    assert not permissions.stage1_permissions(0, 0, access, replace(control, epan=True)).write


CACHEABILITY = st.builds(
    Cacheability,
    st.sampled_from([Policy.WT, Policy.WB]),
    st.booleans(),
    st.booleans(),
) | st.just(attributes.NON_CACHEABLE)
ATTRIBUTES = st.builds(
    Attributes,
    st.none() | st.sampled_from(Device),
    CACHEABILITY,
    CACHEABILITY,
    st.sampled_from(Shareability),
    xs=st.booleans(),
)


def strength(found: Attributes) -> tuple[int, int]:
    """Type as numbers that grow with what it permits: inner, outer."""
    if found.device is not None:
        return found.device - 4, found.device - 4
    return found.inner.policy, found.outer.policy


@given(ATTRIBUTES, ATTRIBUTES)
def test_the_weaker_type_of_both_stages_is_the_result(one: Attributes, two: Attributes) -> None:
    found = attributes.combine(one, two, PLAIN)
    assert strength(found) == tuple(map(min, strength(one), strength(two)))
    assert strength(attributes.combine(two, one, PLAIN)) == strength(found)
    if found.is_device or found.is_normal(Policy.NC):
        assert found.shareability is Shareability.OSH


@given(ATTRIBUTES, st.sampled_from(Shareability), st.booleans())
def test_fwb_write_back_does_not_depend_on_stage_1(
    one: Attributes,
    sh: Shareability,
    fnxs: bool,  # noqa: FBT001 - by hypothesis
) -> None:
    found = attributes.force(one, 0b0110, sh, fnxs=fnxs, processor=PLAIN)
    assert found.is_normal(Policy.WB)
    assert not found.xs
    assert strength(attributes.force(one, 0b0111, sh, fnxs=fnxs, processor=PLAIN)) == strength(one)


@pytest.mark.parametrize(
    ("attr", "par"),
    [
        *((attr, attr) for attr in (0x00, 0x04, 0x08, 0x0C, 0x44, 0xBB, 0xFF, 0x3B, 0x4F, 0xF0)),
        (0x01, 0x01),  # FEAT_XS: Device-nGnRnE without XS
        (0x40, 0x40),
        (0xA0, 0xA0),
    ],
)
def test_attributes_of_stage_1_as_par_has_them(attr: int, par: int) -> None:
    assert not attributes.is_reserved_mair(attr, PLAIN)
    found = attributes.decode_stage1(attr, Shareability.ISH)
    value = par_of_output(Output(0x12345000, found.effective()), PLAIN)
    device_or_nc = attr >> 4 == 0 or attr in {0x44, 0x40}
    assert value == par << 56 | 0x12345000 | 1 << 11 | (2 if device_or_nc else 3) << 7


def test_reserved_encodings() -> None:
    old = replace(PLAIN, xs=False, mte2=False)
    for attr in (0x02, 0x03, 0x10, 0x50, 0xE0):
        assert attributes.is_reserved_mair(attr, PLAIN)
    for attr in (0x01, 0x40, 0xA0, 0xF0):
        assert attributes.is_reserved_mair(attr, old)
    reserved = {memattr for memattr in range(16) if attributes.is_reserved_with_fwb(memattr)}
    assert reserved == {0b0100, *range(0b1000, 16)}


LEVELS = {1: ROOT + 16, 2: LEVEL_2, 3: LEVEL_3}


@given(
    level=st.sampled_from(sorted(LEVELS)),
    value=st.integers(0, 2**64 - 1),
    op=st.sampled_from(sorted(OPERATIONS)),
    el=st.integers(0, 1),
    control=st.fixed_dictionaries({"ha": st.integers(0, 1), "hd": st.integers(0, 1)}),
)
def test_any_descriptor_has_an_outcome(
    level: int, value: int, op: str, el: int, control: dict[str, int]
) -> None:
    tables = {**TABLES, LEVELS[level]: value}
    access = OPERATIONS[op].at(el)
    for outcome in alternatives(machine(tables, **control), IPA, access):
        result = outcome.result
        if isinstance(result, Fault) and result.stage == 2:
            assert result.ipa == IPA
            assert -1 <= result.level <= 3
            taken = abort(result, access, el)
            assert taken.target_el == 2
            assert (taken.hpfar is None) == (
                result.type in {FaultType.PERMISSION, FaultType.ALIGNMENT}
            )
        for address, new in outcome.changes:
            old = tables.get(address, 0)
            assert address in LEVELS.values() or value & 3 == 3
            assert old & new == old  # bits are set, at stage 2 never cleared
            assert new & ~old & ~0x480 == 0
            assert control["ha"]


@pytest.mark.parametrize(
    ("insn", "iss"),
    [
        (0x39400023, 1 << 24 | 3 << 16),  # ldrb w3, [x1]
        (0xB9800023, 1 << 24 | 2 << 22 | 1 << 21 | 3 << 16 | 1 << 15),  # ldrsw x3, [x1]
        (0x79C0003F, 1 << 24 | 1 << 22 | 1 << 21 | 31 << 16),  # ldrsh wzr, [x1]
        (0xC8DFFC23, 1 << 24 | 3 << 22 | 3 << 16 | 1 << 15 | 1 << 14),  # ldar x3, [x1]
        (0xF8408423, 0),  # ldr x3, [x1], #8
        (0xA9401023, 0),  # ldp x3, x4, [x1]
        (0xC85F7C23, 0),  # ldxr x3, [x1]
        (0x3DC00023, 0),  # ldr q3, [x1]
    ],
)
def test_the_instruction_syndrome(insn: int, iss: int) -> None:
    assert instruction_syndrome(insn) == iss
    assert not is_store(insn)
    assert is_store(0x39000023)  # strb
    assert is_store(0xA9001023)  # stp
    assert is_store(0x3D800023)  # str q3


#: S2PIR_EL2 with the encodings in order, so that the index of a leaf is the encoding.
S2PIR = sum(index << 4 * index for index in range(16))


def indirect(index: int, op: str, el: int = 1, *, dirty: bool = True, hd: bool = False) -> object:
    """The fault of an access to a page with indirect permissions; None: it is made."""
    bits = (index >> 2) << 53 | (index >> 1 & 1) << 51 | (index & 1) << 6 | dirty << 7
    leaf = LEAF & ~0xC0 | bits
    found = only(
        machine({**TABLES, LEVEL_3: leaf}, s2pie=True, s2pir=S2PIR, ha=hd, hd=hd), op, el=el
    )
    return found.type if isinstance(found, Fault) else None


@pytest.mark.parametrize("el", [0, 1])
@pytest.mark.parametrize("index", range(16))
def test_indirect_permissions_are_those_of_the_encoding(index: int, el: int) -> None:
    reads = index in {2, 3, 6, 7} or index >= 8
    assert (indirect(index, "read", el) is None) == reads
    assert (indirect(index, "write", el) is None) == (index == 4 or index >= 12)
    # bit 0 is execution at EL0 and bit 1 at EL1, where bit 3 is set
    assert (indirect(index, "exec", el) is None) == (index >= 8 and bool(index >> el & 1))


def test_a_page_with_indirect_permissions_is_written_only_when_dirty() -> None:
    assert indirect(15, "write", dirty=False) is FaultType.PERMISSION
    assert indirect(15, "read", dirty=False) is None
    assert indirect(15, "write", dirty=False, hd=True) is None
    assert indirect(8, "write", dirty=False, hd=True) is FaultType.PERMISSION


#: Size, sign extension and width of the register of every load.
LOADS = [
    *((size, signed, width) for size in (1, 2) for signed in (0, 1) for width in (4, 8)),
    *((4, 0, 4), (4, 1, 8), (8, 0, 8)),
]


@given(st.integers(0, 2**64 - 1), st.sampled_from(LOADS))
def test_a_load_extends_what_memory_has(value: int, load: tuple[int, int, int]) -> None:
    size, signed, width = load
    syndrome = 1 << 24 | (size.bit_length() - 1) << 22 | signed << 21 | (width == 8) << 15
    memory = value.to_bytes(8, "little")[:size]
    number = int.from_bytes(memory, "little", signed=bool(signed))
    register = number.to_bytes(width, "little", signed=number < 0)
    assert loaded(syndrome, value) == int.from_bytes(register, "little")


@pytest.mark.parametrize(
    ("hole", "level", "stage"),
    [(LEVEL_2, 2, 2), (LEVEL_3, 3, 2), (PAGE, 0, 1)],
)
@pytest.mark.parametrize("tea", [False, True])
def test_a_hole_is_an_external_abort(hole: int, level: int, stage: int, *, tea: bool) -> None:
    found = only(replace(machine(TABLES, tea=tea), holes=frozenset({hole})))
    assert isinstance(found, Fault)
    on_walk = hole != PAGE
    kind = FaultType.EXTERNAL_ON_WALK if on_walk else FaultType.EXTERNAL
    assert (found.type, found.stage, found.level) == (kind, stage, level)
    assert found.status == (0x14 + level if on_walk else 0x10)
    taken = abort(found, READ, 1)
    assert taken.target_el == (2 if on_walk or tea else 1)
    assert taken.hpfar is None
