# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2walk`: a stage-2 descriptor of each kind, at every level of tables of every shape."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, OutcomeTable, array, initialiser, names
from kut_model.translation.access import OPERATIONS
from kut_model.translation.codes import Scene, codes_of_access, codes_of_at, describe_all
from kut_model.translation.controls import Stage1Control
from kut_model.translation.coverage import covered
from kut_model.translation.descriptors import AF, CONTIGUOUS, has_blocks
from kut_model.translation.granules import LAST_LEVEL, Granule
from kut_model.translation.processor import PA_BITS, Processor
from kut_model.translation.tables import (
    DATA,
    Shape,
    needs_pa_bits,
    shapes,
    strongest,
    table,
)
from kut_model.translation.translate import Machine, alternatives

_EVERY_OP: Final = ("read", "write", "exec", "at-read")
OPS: Final = (*_EVERY_OP, "fetch")
#: Of a stage 2 that does not map the code of the other accesses: `fetch` begins at the address.
_ROOT_OPS: Final = ("fetch", "at-read")
_MODEL: Final = Processor(pa_bits=52, lpa2=True)
_LEAF: Final = 0x7FC  # read and write, Normal, Inner Shareable, AF; without bits 1:0
_BLOCK, _TABLE = 0b01, 0b11
_SOFTWARE: Final = 0xF << 55  # ignored in leaves
_IGNORED: Final = 0x7F << 52  # ignored in tables, with bits 11:2, of which DS uses 9:8
_PAGE_NAMES: Final = ("the page", "the page with the bit set")
#: What a descriptor's address is: enum s2_path_target.
_NOTHING, _DATA, _BELOW = range(3)
_PS_40: Final = 2
_BITS_48: Final = 48


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """A kind of descriptor."""

    name: str
    bits: int
    target: int
    ha: int = 0
    ps: int | None = None  # VTCR_EL2.PS; None: 40 bits, or the least PARange of the shape
    high: int = 0  # a bit of the output address that is set
    root: int = 0  # a bit of VTTBR_EL2.BADDR that is set
    ops: tuple[str, ...] = ("read", "at-read")
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    shape: Shape
    level: int
    descriptor: _Descriptor
    op: str

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        return f"s2walk.{self.shape.name}.level{self.level}.{self.descriptor.name}.{self.op}"

    @property
    def needs(self) -> tuple[str, ...]:
        """Those of the shape and of the descriptor."""
        return strongest((*self.shape.needs, *self.descriptor.needs))

    @property
    def bits(self) -> int:
        """The descriptor, with the high bit of its address but not with the rest of it."""
        return self.descriptor.bits | _encode_high(self.shape, self.descriptor.high)

    @property
    def ps(self) -> int:
        """VTCR_EL2.PS."""
        if self.descriptor.ps is not None:
            return self.descriptor.ps
        least = max(40, self.shape.least_pa_bits)
        return next(n for n, bits in enumerate(PA_BITS) if bits >= least)

    @property
    def rule(self) -> str:
        """Key of its rule."""
        name = self.descriptor.name
        if self.descriptor.root:
            return "s2.walk.root"
        if self.descriptor.high:
            return "s2.walk.address-size"
        if "-ps40" in name:
            return "s2.walk.output-size"
        if "contiguous" in name:
            return "s2.walk.contiguous"
        return "s2.access-flag" if "-af" in name else "s2.walk.type"


def _encode_high(shape: Shape, bit: int) -> int:
    """Return bit 32..51 of an address in its place in a descriptor (D8.3.1)."""
    if bit < 48:  # noqa: PLR2004
        return 1 << bit if bit else 0
    if shape.granule is Granule.K64:
        return 1 << (bit - 48 + 12)
    return 1 << bit if bit < 50 else 1 << (bit - 50 + 8)  # noqa: PLR2004


def _high_bits(shape: Shape) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield PS, a bit of the output address, and the features that they need.

    PS has every IPA: the rows of less are those of -ps40.
    """
    for ps, bit, needs in _all_high_bits(shape):
        if PA_BITS[ps] >= shape.least_pa_bits:
            yield ps, bit, needs


def _all_high_bits(shape: Shape) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    yield 0, 32, ()
    yield 1, 36, ()
    yield 1, 39, ()
    yield 2, 40, ()
    yield 2, 47, ()
    yield 4, 44, needs_pa_bits(44)
    yield 5, 47, needs_pa_bits(48)
    if shape.ds:
        # With 64K pages and less than 52 bits the text has descriptor bits 15:12 RES0 (D8.3.1),
        # and the pseudocode takes them for bits of the address: no rows.
        yield 2, 51, ("FEAT_LPA",)
        yield 5, 48, ("FEAT_LPA",)
        yield 5, 50, ("FEAT_LPA",)
    if shape.ds or shape.granule is Granule.K64:
        yield 6, 49, ("FEAT_LPA",)
        yield 6, 51, ("FEAT_LPA",)


#: VTCR_EL2.PS above PARange: PARange, PS, a bit of an address between them, and the feature.
_CLAMPED: Final = (
    (40, 5, 40, "PARange_is_40"),
    (40, 6, 47, "PARange_is_40"),
    (44, 5, 44, "PARange_is_44"),
    (44, 6, 47, "PARange_is_44"),
)


def _between(shape: Shape, lowest: int) -> Iterator[tuple[str, int, int, tuple[str, ...]]]:
    """Yield PS above PARange, and a bit of an address from `lowest` on that only PS permits.

    With a part of ids, and the CPU. Both sizes of FEAT_LPA2 and of 64K with FEAT_LPA are 52 bits.
    """
    if shape.ds:
        return
    for pa_bits, ps, bit, need in _CLAMPED:
        if shape.least_pa_bits <= pa_bits and lowest <= bit:
            yield f"bit{bit}-ps{PA_BITS[ps]}-pa{pa_bits}", ps, bit, (need,)


def _attributes(shape: Shape) -> int:
    """Return a leaf's bits but type and address, which with DS has the place of SH."""
    return _LEAF & ~0x300 if shape.ds else _LEAF


def _leaves(shape: Shape, level: int) -> Iterator[_Descriptor]:
    """Yield descriptors that map a page or block."""
    kind = _TABLE if level == LAST_LEVEL else _BLOCK
    leaf = _attributes(shape) | kind
    name = "page" if level == LAST_LEVEL else "block"
    hardware = ("FEAT_HAFDBS",)
    yield _Descriptor(name, leaf, _DATA, ops=_EVERY_OP)
    if shape.least_pa_bits > PA_BITS[_PS_40]:
        yield _Descriptor(f"{name}-ps40", leaf, _DATA, ps=_PS_40)
    yield _Descriptor(f"{name}-software", leaf | _SOFTWARE, _DATA)
    yield _Descriptor(f"{name}-no-af", leaf & ~AF, _DATA, ops=_EVERY_OP)
    yield _Descriptor(f"{name}-no-af-ha", leaf & ~AF, _DATA, ha=1, ops=("read",), needs=hardware)
    granule = shape.granule
    set_bits = granule.contiguous_bits(level)
    if set_bits and granule.leaf_bits(level) + set_bits < shape.ipa_bits:
        yield _Descriptor(f"{name}-contiguous", leaf | CONTIGUOUS, _DATA)
        yield _Descriptor(f"{name}-contiguous-no-af", leaf & ~AF | CONTIGUOUS, _DATA)
    for ps, bit, needs in _high_bits(shape):
        if bit < granule.leaf_bits(level):
            continue  # RES0 in this descriptor
        # What is beyond RAM can be translated, but not accessed.
        ops = ("at-read",) if bit < PA_BITS[ps] else ("read", "at-read")
        yield _Descriptor(
            f"{name}-bit{bit}-ps{PA_BITS[ps]}", leaf, _DATA, ps=ps, high=bit, ops=ops, needs=needs
        )
    for suffix, ps, bit, needs in _between(shape, granule.leaf_bits(level)):
        yield _Descriptor(f"{name}-{suffix}", leaf, _DATA, ps=ps, high=bit, needs=needs)
    # The address is checked before the access flag.
    if max(granule.leaf_bits(level), shape.ipa_bits) <= 40:  # noqa: PLR2004
        yield _Descriptor(f"{name}-bit40-no-af", leaf & ~AF, _DATA, ps=_PS_40, high=40)


def _tables(shape: Shape) -> Iterator[_Descriptor]:
    """Yield descriptors of tables, above level 3."""
    yield _Descriptor("table", _TABLE, _BELOW)
    low = 0xFFC & ~0x300 if shape.ds else 0xFFC
    yield _Descriptor("table-ignored", _TABLE | _IGNORED | low & ~AF, _BELOW)
    for ps, bit, needs in _high_bits(shape):
        if bit >= PA_BITS[ps]:
            name = f"table-bit{bit}-ps{PA_BITS[ps]}"
            yield _Descriptor(name, _TABLE, _BELOW, ps=ps, high=bit, needs=needs)
    for suffix, ps, bit, needs in _between(shape, 0):
        yield _Descriptor(f"table-{suffix}", _TABLE, _BELOW, ps=ps, high=bit, needs=needs)


def _roots(shape: Shape, level: int) -> Iterator[_Descriptor]:
    """Yield what is right but for VTTBR_EL2.BADDR, above the output size.

    Not bits 51:48: what VTTBR_EL2[5:2] are with less than 52 bits, text and pseudocode differ on.
    """
    last = level == LAST_LEVEL
    bits, target = (_attributes(shape) | _TABLE, _DATA) if last else (_TABLE, _BELOW)
    for ps, bit, needs in _high_bits(shape):
        if PA_BITS[ps] <= bit < _BITS_48:
            name = f"root-bit{bit}-ps{PA_BITS[ps]}"
            yield _Descriptor(name, bits, target, ps=ps, root=bit, ops=_ROOT_OPS, needs=needs)
    for suffix, ps, bit, needs in _between(shape, 0):
        name = f"root-{suffix}"
        yield _Descriptor(name, bits, target, ps=ps, root=bit, ops=_ROOT_OPS, needs=needs)


def _descriptors(shape: Shape, level: int) -> Iterator[_Descriptor]:
    """Yield the descriptors of a level."""
    if (shape.granule, level) != (Granule.K64, 1):
        yield from _any_descriptors(shape, level)
        return
    # Level 1 has blocks with FEAT_LPA only.
    for found in _any_descriptors(shape, level):
        if not found.name.startswith("block"):
            yield found
            continue
        yield replace(found, needs=(*found.needs, "FEAT_LPA"))
        if not found.high:
            without = (*found.needs, "PARange_to_48")
            yield replace(found, name=f"no-lpa-{found.name}", needs=without)


def _any_descriptors(shape: Shape, level: int) -> Iterator[_Descriptor]:
    yield _Descriptor("zero", 0, _NOTHING, ops=_EVERY_OP)
    leaf = _attributes(shape)
    yield _Descriptor("invalid-00", leaf, _DATA)
    yield _Descriptor("invalid-10", leaf | 2, _DATA)
    yield _Descriptor("invalid-all-ones", (1 << 64) - 2, _NOTHING)
    yield from _leaves(shape, level)
    if level == LAST_LEVEL:
        yield _Descriptor("reserved", leaf | _BLOCK, _DATA, ops=_EVERY_OP)
        yield _Descriptor("reserved-no-af", leaf & ~AF | _BLOCK, _DATA)
    else:
        yield from _tables(shape)
    if level == shape.start:
        yield from _roots(shape, level)


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(
        _Case(shape, level, descriptor, op)
        for shape in shapes()
        for level in range(shape.start, LAST_LEVEL + 1)
        for descriptor in _descriptors(shape, level)
        for op in descriptor.ops
    )


def _processor(case: _Case) -> Processor:
    """Return one that has what a row needs."""
    sizes = {"PARange_is_40": 40, "PARange_is_44": 44, "PARange_to_48": 48}
    found = [bits for need, bits in sizes.items() if need in case.needs]
    return Processor(pa_bits=found[0]) if found else _MODEL


def codes_on(case: _Case, processor: Processor) -> tuple[int, ...]:
    """Return the permitted outcomes on a processor that has what the row needs."""
    shape, descriptor = case.shape, case.descriptor
    leaf = LAST_LEVEL if descriptor.target == _BELOW else case.level
    ipa = shape.ipa(leaf)
    size = shape.granule.leaf_bits(case.level)
    tables = shape.tables(ipa)
    entry = list(tables)[case.level - shape.start]
    tables[entry] = case.bits
    if descriptor.target == _DATA:
        tables[entry] |= DATA >> size << size
    elif descriptor.target == _BELOW:
        tables[entry] |= table(case.level + 1)
    control = shape.control(case.ps, ha=bool(descriptor.ha))
    if descriptor.root:
        control = replace(control, root=control.root | 1 << descriptor.root)
    machine = Machine(processor, Stage1Control(), control, tables)
    page = DATA & ~0xFFF
    scene = Scene(((ipa & ~0xFFF, page), (-1, page | 1 << descriptor.high)), stage2=entry)
    access = OPERATIONS["exec" if case.op == "fetch" else case.op]
    found = alternatives(machine, ipa, access)
    if case.op == "at-read":
        return codes_of_at(found, machine, scene, is_ipa=False)
    return codes_of_access(found, access, machine, scene)


@cache
def _outcomes() -> tuple[tuple[int, ...], ...]:
    return tuple(codes_on(case, _processor(case)) for case in _cases())


def _matrix(case: _Case, codes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    shape, name = case.shape, case.descriptor.name
    has_block = has_blocks(shape.granule, case.level, ds=bool(shape.ds), processor=_processor(case))
    found = {
        "F3": name.startswith("reserved") or ("block" in name and not has_block),
        "F16": shape.ds and shape.ipa_bits > _BITS_48 and "F15" in covered(codes),
        "AT": case.op == "at-read",
        "H1": case.descriptor.ha,
        "G1": name in {"page", "block", "table"},
        "G3": shape.ds,
        "G4": shape.granule is Granule.K64 and "FEAT_LPA" in case.needs,
        "G5": any(need.startswith("PARange_is_") for need in case.needs),
    }
    return (*covered(codes), *(key for key, applies in found.items() if applies))


def _rows() -> list[Row]:
    return [
        Row(
            case.id,
            case.rule,
            describe_all(codes, _PAGE_NAMES),
            case.needs,
            matrix=_matrix(case, codes),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]


def _header() -> str:
    """Return the tables in C."""
    outcomes, needs = OutcomeTable(), NeedsTable()
    kinds = list(dict.fromkeys(case.descriptor.name for case in _cases()))
    rows = [
        initialiser(
            f"UL({case.bits:#x})",
            *(shapes().index(case.shape), case.level, kinds.index(case.descriptor.name)),
            *(OPS.index(case.op), case.descriptor.target, case.descriptor.ha, case.ps),
            *(case.descriptor.high, case.descriptor.root, needs.add(case.needs)),
            outcomes.add(codes),
        )
        for case, codes in zip(_cases(), _outcomes(), strict=True)
    ]
    return "".join(
        [
            names("s2walk_shape_names", [shape.name for shape in shapes()]),
            names("s2walk_kinds", kinds),
            names("s2walk_ops", OPS),
            array(
                "struct s2_shape", "s2walk_shapes", [initialiser(*each.fields) for each in shapes()]
            ),
            outcomes.declaration("s2walk_outcomes"),
            needs.declaration("s2walk_needs"),
            array("struct s2walk_row", "s2walk_rows", rows),
        ]
    )


AREA: Final = Area("s2walk", "stage-2 descriptors at every level of every shape", _rows, _header)
