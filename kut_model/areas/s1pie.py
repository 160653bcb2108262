# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s1pie`: permissions of stage 1 by PIR_EL1 and PIRE0_EL1.

A row accesses a block whose descriptor has an index of these registers. All other fields of them
have another value, but for that of the code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, array, sparse
from kut_model.translation import descriptors as d
from kut_model.translation.indirect import RESERVED, Base, permissions
from kut_model.traps.outcome import ExceptionClass, Taken

_PERMISSION_1: Final = 0b001101
_WNR: Final = 1 << 6
_DIRTY_BIT: Final = 1 << 37  # ISS2.DirtyBit in ESR_ELx
_GCS: Final = 0b1001
_FIELDS: Final = 16
#: The field of the code, which both Exception levels may read and execute.
_CODE_INDEX, _CODE_VALUE = 15, 0b1010
#: Bits of a descriptor: PIIndex[0], [1], [2] and [3].
_INDEX_BITS: Final = (d.AP_EL0, d.DBM, d.PXN, d.UXN)
_NDIRTY: Final = d.AP_READ_ONLY


@dataclass(frozen=True, slots=True)
class _Operation:
    """An access at EL1 or EL0, or AT at EL2 for one."""

    symbol: str
    read: bool = False
    write: bool = False
    execute: bool = False
    at: bool = False


_OPERATIONS: Final = {
    "read": _Operation("PROBE_READ", read=True),
    "write": _Operation("PROBE_WRITE", write=True),
    "atomic": _Operation("PROBE_ATOMIC", read=True, write=True),
    "exec": _Operation("PROBE_EXECUTE", execute=True),
    "at-read": _Operation("READ", read=True, at=True),
    "at-write": _Operation("WRITE", write=True, at=True),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    ppi: int
    upi: int
    op: str
    el: int
    pan: bool = False
    ndirty: bool = False
    """Whether the descriptor says that the page is not dirty."""
    ha: bool = False
    hd: bool = False
    direct: bool = False
    """Whether HCRX_EL2.TCR2En is 0, so that the descriptor has the permissions itself."""

    @property
    def id(self) -> str:
        """Id without the name of the area."""
        text = f"p{self.ppi:x}.u{self.upi:x}.{self.op}.el{self.el}"
        if self.pan:
            text += ".pan"
        if self.ndirty or self.ha:
            text += f".clean{int(self.ndirty)}.ha{int(self.ha)}.hd{int(self.hd)}"
        return f"{text}.tcr2en0" if self.direct else text

    @property
    def operation(self) -> _Operation:
        """The access."""
        return _OPERATIONS[self.op]

    @property
    def index(self) -> int:
        """PIIndex of the block."""
        return (self.ppi * 7 + self.upi * 3) % _CODE_INDEX

    @property
    def index_bits(self) -> int:
        """PIIndex in the descriptor."""
        return sum(bit for number, bit in enumerate(_INDEX_BITS) if self.index >> number & 1)

    @property
    def permitted(self) -> Base:
        """What is permitted to the Exception level."""
        if not self.direct:
            return permissions(self.ppi, self.upi, self.el, pan=self.pan)
        bits = self.index_bits
        user = bool(bits & d.AP_EL0)
        write = not self.ndirty and (self.el == 1 or user)
        execute = not bits & (d.UXN if self.el == 0 else d.PXN)
        implicit = self.el == 1 and user and not self.ndirty
        return Base(r=self.el == 1 or user, w=write, x=execute and not implicit)

    @property
    def fault(self) -> tuple[bool, bool] | None:
        """Return WnR and DirtyBit of a permission fault, or None (AArch64.S1CheckPermissions)."""
        operation, permitted = self.operation, self.permitted
        if operation.execute and not permitted.x:
            return False, False
        if operation.read and not permitted.r:
            return False, False
        if operation.write and not permitted.w:
            return True, False
        if operation.write and self.ndirty and not (self.ha and self.hd):
            return True, not self.direct
        return None

    @property
    def esr(self) -> int:
        """ESR_EL1, or 0."""
        fault = self.fault
        if not fault or self.operation.at:
            return 0
        data = ExceptionClass.DATA_ABORT_LOWER_EL
        ec = ExceptionClass.INSTRUCTION_ABORT_LOWER_EL if self.operation.execute else data
        iss = _PERMISSION_1 | (_WNR if fault[0] else 0)
        taken = Taken(1, ExceptionClass(ec + (self.el == 1)), iss, after=False)
        return taken.esr | (_DIRTY_BIT if fault[1] else 0)

    @property
    def becomes_dirty(self) -> bool:
        """Whether hardware clears nDirty; AT does not."""
        writes = self.operation.write and not self.operation.at
        return self.ndirty and writes and self.fault is None and not self.direct

    @property
    def needs(self) -> tuple[str, ...]:
        """Features of the row."""
        gcs = ("FEAT_GCS",) if _GCS in {self.ppi, self.upi} else ()
        pan = ("FEAT_PAN",) if self.pan else ()
        hardware = ("FEAT_HAFDBS_DIRTY",) if self.ha else ()
        lse = ("FEAT_LSE",) if self.op == "atomic" else ()
        return "FEAT_S1PIE", *gcs, *pan, *hardware, *lse


def _cases() -> Iterator[_Case]:
    fields = range(_FIELDS)
    for ppi, upi, op, el in product(fields, fields, _OPERATIONS, (1, 0)):
        yield _Case(ppi, upi, op, el)
        if el == 1 and op in {"read", "write", "exec"} and upi not in RESERVED:
            yield _Case(ppi, upi, op, el, pan=True)
    for ppi, op, el, ndirty, (ha, hd) in product(
        fields,
        ("read", "write", "atomic", "at-write"),
        (1, 0),
        (False, True),
        ((False, False), (True, False), (True, True)),
    ):
        for upi in (ppi, 0b0001):
            case = _Case(ppi, upi, op, el, ndirty=ndirty, ha=ha, hd=hd)
            if (ndirty or ha) and case.permitted.w:
                yield case
    for ppi, op, el, ndirty in product(fields, _OPERATIONS, (1, 0), (False, True)):
        yield _Case(ppi, 0, op, el, ndirty=ndirty, direct=True)


@cache
def cases() -> tuple[_Case, ...]:
    """Return the cases, each once."""
    return tuple(dict.fromkeys(_cases()))


def _describe(case: _Case) -> str:
    fault = case.fault
    if fault is None:
        return "permitted, and nDirty becomes 0" if case.becomes_dirty else "permitted"
    text = f"permission fault, level 1, {'write' if fault[0] else 'read or fetch'}"
    dirty = " with DirtyBit" if fault[1] and not case.operation.at else ""
    return f"{text}{dirty}, {'in PAR_EL1' if case.operation.at else f'ESR_EL1 {case.esr:#x}'}"


def _rows() -> Sequence[Row]:
    return [Row(f"s1pie.{case.id}", "s1.indirect", _describe(case), case.needs) for case in cases()]


def _register(index: int, value: int) -> int:
    """Return PIR_EL1 or PIRE0_EL1 with a field, and another value in all others."""
    other = 0 if value else 0b1110
    fields = [other] * _FIELDS
    fields[_CODE_INDEX] = _CODE_VALUE
    fields[index] = value
    return sum(field << 4 * number for number, field in enumerate(fields))


def _descriptor(case: _Case) -> int:
    return case.index_bits | (_NDIRTY if case.ndirty else 0)


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    operation = case.operation
    at = f"PROBE_S1E{case.el}{operation.symbol[0]}"
    fields: dict[str, object] = {
        "name": f'"{case.id}"',
        "pir": hex(_register(case.index, case.ppi)),
        "pire0": hex(_register(case.index, case.upi)),
        "descriptor": hex(_descriptor(case)),
        "esr": hex(case.esr),
        "op": at if operation.at else operation.symbol,
        "is_at": int(operation.at),
        "denied": int(case.fault is not None),
        "becomes_dirty": int(case.becomes_dirty),
        "el": case.el,
        "pan": int(case.pan),
        "ha": int(case.ha),
        "hd": int(case.hd),
        "direct": int(case.direct),
        "needs": needs.add(case.needs),
    }
    return sparse(fields)


def _header() -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases()]
    return "".join(
        [needs.declaration("s1pie_needs"), array("struct s1pie_row", "s1pie_rows", rows)]
    )


AREA: Final = Area("s1pie", "permissions of stage 1 by index", _rows, _header)
