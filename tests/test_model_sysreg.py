# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses to system registers in the model: examples from the manual, and properties."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.traps import aarch32
from kut_model.traps.access import access, rules
from kut_model.traps.cases import PLACES, Case, Place, cases, other_traps, outcome_of, relevant
from kut_model.traps.conditions import CONDITIONS
from kut_model.traps.controls import FIELDS, State, base
from kut_model.traps.registers import Register, by_name, parse, registers
from kut_model.traps.result import Kind, Outcome

EL2_CONTROLS = tuple(name for name in FIELDS[1] if name.partition(".")[0].endswith("_EL2"))
REGISTERS = st.sampled_from(registers())
HOSTS = st.sampled_from([0, 1])


def outcome(name: str, changes: dict[str, int], *, write: bool, el: int) -> Outcome:
    """Outcome of an access with some fields changed, below a host with VHE."""
    state = base(e2h=1).having(changes)
    return access(by_name()[name], state, write=write, el=el)


def trap(el: int, esr: int) -> tuple[int, int]:
    """Exception as the examples have it."""
    return el, esr


def found(result: Outcome) -> str | tuple[int, int]:
    """Exception, or the description of another outcome."""
    return trap(result.taken.el, result.taken.esr) if result.taken else str(result)


#: DDI 0487, D24.2: the descriptions of the fields, and ESR_EL2.
EXAMPLES = [
    ("ID_AA64PFR0_EL1", "read", 1, {"HCR_EL2.TID3": 1}, trap(2, 0x62300009)),
    ("ID_AA64PFR0_EL1", "read", 1, {}, "access to ID_AA64PFR0_EL1"),
    ("ID_AA64PFR0_EL1", "read", 0, {}, trap(1, 0x62300009)),
    ("ID_AA64PFR0_EL1", "write", 1, {"HCR_EL2.TID3": 1}, trap(1, 0x02000000)),
    ("SCTLR_EL1", "write", 1, {"HCR_EL2.TVM": 1}, trap(2, 0x62300400)),
    ("SCTLR_EL1", "read", 1, {"HCR_EL2.TVM": 1}, "access to SCTLR_EL1"),
    ("SCTLR_EL1", "read", 1, {"HFGWTR_EL2.SCTLR_EL1": 1}, "access to SCTLR_EL1"),
    ("SCTLR_EL1", "read", 0, {"HCR_EL2.TRVM": 1}, trap(1, 0x02000000)),
    ("TPIDR_EL0", "write", 0, {"HFGWTR_EL2.TPIDR_EL0": 1}, trap(2, 0x6234F400)),
    ("FPCR", "read", 1, {"CPACR_EL1.FPEN": 0, "CPTR_EL2.FPEN": 0}, trap(1, 0x1FE00000)),
    ("FPCR", "read", 1, {"CPACR_EL1.FPEN": 1, "CPTR_EL2.FPEN": 0}, trap(2, 0x1FE00000)),
    ("FPCR", "read", 0, {"CPACR_EL1.FPEN": 1}, trap(1, 0x1FE00000)),
    ("ZCR_EL1", "read", 1, {"CPTR_EL2.ZEN": 2}, trap(2, 0x66000000)),
    ("SVCR", "read", 0, {"CPACR_EL1.SMEN": 2}, trap(1, 0x76000000)),
    ("PMCCNTR_EL0", "read", 0, {"PMUSERENR_EL0.EN": 0}, "access to PMCCNTR_EL0"),
    ("PMCCNTR_EL0", "write", 0, {"PMUSERENR_EL0.EN": 0}, trap(1, 0x6230E41A)),
    ("DC_CVAU", "write", 0, {"HCR_EL2.TPU": 1, "SCTLR_EL1.UCI": 0}, trap(1, 0x6212DC16)),
    ("TLBI_VMALLE1OS", "write", 1, {"HCR_EL2.TTLBOS": 1}, trap(2, 0x62102002)),
    ("HCR_EL2", "read", 1, {}, trap(1, 0x02000000)),
    ("HCR_EL2", "read", 1, {"HCR_EL2.NV": 1}, trap(2, 0x62310403)),
    (
        "HCR_EL2",
        "read",
        1,
        {"HCR_EL2.NV": 1, "HCR_EL2.NV2": 1},
        "access to memory at VNCR_EL2 + 0x78",
    ),
    ("SPSR_EL2", "read", 1, {"HCR_EL2.NV": 1, "HCR_EL2.NV2": 1}, "access to SPSR_EL1"),
    ("CurrentEL", "read", 1, {"HCR_EL2.NV": 1}, "access to EL2"),
    ("ICC_IAR1_EL1", "read", 1, {"HCR_EL2.IMO": 1}, "access to ICV_IAR1_EL1"),
]


@pytest.mark.parametrize(("name", "direction", "el", "changes", "expected"), EXAMPLES)
def test_examples(
    name: str, direction: str, el: int, changes: dict[str, int], expected: str | tuple[int, int]
) -> None:
    assert found(outcome(name, changes, write=direction == "write", el=el)) == expected


def test_encodings_and_names_are_unique() -> None:
    assert len(by_name()) == len(registers())
    same = [(a.name, b.name) for a, b in combinations(registers(), 2) if a.encoding == b.encoding]
    assert same == [("DBGDTRRX_EL0", "DBGDTRTX_EL0")]


def test_rules_and_their_arguments_exist() -> None:
    every = (*registers(), *aarch32.registers())
    used = {condition for register in every for condition, _ in rules(register)}
    assert used == set(CONDITIONS.values()), "a rule that no register has"
    assert all(len(rules(register)) == len(register.rules) for register in every)


@pytest.mark.parametrize("e2h", [0, 1])
def test_fields_of_a_register_do_not_overlap(e2h: int) -> None:
    taken: dict[tuple[str, int], str] = {}
    for name, (low, width) in FIELDS[e2h].items():
        for bit in range(low, low + width):
            other = taken.setdefault((name.partition(".")[0], bit), name)
            assert other == name, f"bit {bit} of {other} and {name}"


def test_a_wrong_line_of_a_table_is_named() -> None:
    with pytest.raises(ValueError, match=r"^X_EL1 3:0:0:0 r - -: "):
        list(parse("X_EL1 3:0:0:0 r - -"))


@given(register=REGISTERS, write=st.booleans())
def test_iss_and_opcode_decode_back_to_the_encoding(*, register: Register, write: bool) -> None:
    iss = register.iss(write=write)
    fields = (iss >> 20, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7)
    assert fields == register.encoding
    assert iss & 1 == (not write)
    opcode = register.opcode(write=write)
    assert (opcode >> 19 & 3, opcode >> 16 & 7, opcode >> 12 & 15) == register.encoding[:3]
    assert (opcode >> 8 & 15, opcode >> 5 & 7) == register.encoding[3:]
    assert opcode >> 22 == 0xD5000000 >> 22


def some_state(data: st.DataObject, e2h: int, tge: int, names: tuple[str, ...]) -> State:
    """Base with any values of some fields."""
    changed = data.draw(st.sets(st.sampled_from(names), max_size=12))
    chosen = sorted(changed - {"HCR_EL2.E2H", "HCR_EL2.TGE"})
    values = {name: data.draw(st.integers(0, (1 << FIELDS[e2h][name][1]) - 1)) for name in chosen}
    return base(e2h=e2h, tge=tge).having(values)


@given(data=st.data(), register=REGISTERS, write=st.booleans(), e2h=HOSTS)
def test_only_a_control_of_el2_traps_a_guest_to_el2(
    *,
    data: st.DataObject,
    register: Register,
    write: bool,
    e2h: int,
) -> None:
    names = tuple(name for name in FIELDS[e2h] if not name.partition(".")[0].endswith("_EL2"))
    for el in (0, 1):
        result = access(register, some_state(data, e2h, 0, names), write=write, el=el)
        assert result.taken is None or result.taken.el == 1


@given(data=st.data(), register=REGISTERS, write=st.booleans(), e2h=HOSTS)
def test_what_el0_may_never_do_is_never_trapped_to_el2(
    *,
    data: st.DataObject,
    register: Register,
    write: bool,
    e2h: int,
) -> None:
    if register.el0:
        return
    state = some_state(data, e2h, 0, tuple(FIELDS[e2h]))
    result = access(register, state, write=write, el=0)
    assert result.taken is not None
    assert result.taken.el == 1


@given(data=st.data(), register=REGISTERS, write=st.booleans(), e2h=HOSTS)
def test_el0_with_tge_takes_everything_to_el2(
    *,
    data: st.DataObject,
    register: Register,
    write: bool,
    e2h: int,
) -> None:
    state = some_state(data, e2h, 1, tuple(FIELDS[e2h]))
    result = access(register, state, write=write, el=0)
    assert result.taken is None or result.taken.el == 2


@given(data=st.data(), register=REGISTERS, write=st.booleans(), e2h=HOSTS)
def test_only_nested_virtualization_makes_an_access_memory(
    *,
    data: st.DataObject,
    register: Register,
    write: bool,
    e2h: int,
) -> None:
    state = some_state(data, e2h, 0, tuple(FIELDS[e2h]))
    result = access(register, state, write=write, el=1)
    if result.kind is Kind.MEMORY:
        assert state["HCR_EL2.NV"]
        assert state["HCR_EL2.NV2"]
        assert result.offset % 8 == 0
        assert result.offset < 4096


@given(
    data=st.data(),
    register=REGISTERS,
    write=st.booleans(),
    place=st.sampled_from(PLACES),
    e2h=HOSTS,
)
def test_fields_that_are_not_relevant_change_nothing(
    *, data: st.DataObject, register: Register, write: bool, place: Place, e2h: int
) -> None:
    rest = tuple(name for name in FIELDS[e2h] if name not in relevant(register, e2h))
    state = some_state(data, e2h, place.tge, rest)
    expected = outcome_of(register, place, (), write=write, e2h=e2h)
    assert access(register, state, write=write, el=place.el) == expected
    assert (
        outcome_of(register, place, other_traps(relevant(register, e2h), e2h), write=write, e2h=e2h)
        == expected
    )


@given(register=REGISTERS, e2h=HOSTS)
def test_every_relevant_control_has_a_case_of_its_own(register: Register, e2h: int) -> None:
    alone = {changes[0][0] for changes in every(register, e2h) if len(changes) == 1}
    nested = {"HCR_EL2.NV", "HCR_EL2.NV1", "HCR_EL2.NV2"}
    in_layout = {name for name in relevant(register, e2h) if name in FIELDS[e2h]}
    assert in_layout - nested == alone


def every(register: Register, e2h: int) -> list[tuple[tuple[str, int], ...]]:
    """Return the changes of all cases of a register."""
    found_cases: list[Case] = list(cases(register, e2h=e2h))
    return [case.changes for case in found_cases]


def test_a_pair_is_decided_by_one_of_its_two_controls() -> None:
    for register in registers():
        for case in cases(register, e2h=1):
            if len(case.changes) == 2 and not case.label:
                alone = [
                    outcome_of(register, case.place, (change,), write=case.write, e2h=1)
                    for change in case.changes
                ]
                assert case.outcome in alone
                assert alone[0] != alone[1]
