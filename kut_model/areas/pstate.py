# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `pstate`: exception returns of EL2, legal or not, and PSTATE at the exception that follows.

The code that a return leads to is BRK or BKPT, which MDCR_EL2.TDE takes to EL2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, array, designated, initialiser
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.pstate import (
    AARCH32,
    AARCH64,
    Controls,
    Pstate,
    after_exception,
    after_return,
)
from kut_model.traps.returns import Below, is_aarch32, target

_DAIF: Final = AARCH64["daif"]
_EL2T, _EL2H, _EL1T, _EL1H, _USR, _SVC = 8, 9, 4, 5, 0x10, 0x13
_AARCH32_EL1: Final = "FEAT_AA32EL1"
_AARCH32_EL0: Final = "FEAT_AA32EL0"
#: Features of fields; the others are in every CPU.
_FEATURES: Final = {
    "tco": "FEAT_MTE2",
    "dit": "FEAT_DIT",
    "uao": "FEAT_UAO",
    "pan": "FEAT_PAN",
    "allint": "FEAT_NMI",
    "ssbs": "FEAT_SSBS",
    "btype": "FEAT_BTI",
}
_ALL: Final = tuple(_FEATURES.values())
#: Fields of SPSR_EL2 in a row of illegal returns.
_FLAGS: Final = {
    "daif": _DAIF,
    "nzcv-daif": AARCH64["nzcv"] | _DAIF,
    "zv-ai": 5 << 28 | 6 << 6,
    "nc-df": 0xA << 28 | 9 << 6,
    "none": 0,
    "pan": AARCH64["pan"] | _DAIF,
    "allint": AARCH64["allint"] | _DAIF,
    "ss": AARCH64["ss"] | _DAIF,
}
#: Contents of SPSR_EL2 from which an exception is taken, by name, beside the mode and the masks.
#: BTYPE has several values; DIT is apart from all others, as QEMU does not keep it.
_CONTENTS64: Final = {
    "none": 0,
    **{name: AARCH64[name] for name in ("nzcv", *_FEATURES, "ss") if name != "btype"},
    **{f"btype-{value}": value << 10 for value in (1, 2, 3)},
    "all": sum(AARCH64[name] for name in ("nzcv", *_FEATURES) if name != "dit"),
}
_CONTENTS32: Final = {
    "none": 0,
    **{name: AARCH32[name] for name in ("nzcv", "q", "dit", "ssbs", "pan", "ss", "ge")},
    "all": sum(AARCH32[name] for name in ("nzcv", "q", "ssbs", "pan", "ge")),
}
#: An IT block with this one instruction, on condition AL.
_IT: Final = {"it": 0b111010 << 10}
_CONTROLS: Final[dict[str, tuple[Controls, tuple[str, ...]]]] = {
    "base": (Controls(), ()),
    "span-0": (Controls(span=False), ("FEAT_PAN",)),
    "dssbs": (Controls(dssbs=True), ("FEAT_SSBS",)),
    "spintmask": (Controls(spintmask=True), ("FEAT_NMI",)),
    "span-0.dssbs.spintmask": (Controls(span=False, dssbs=True, spintmask=True), _ALL),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    name: str
    rule: str
    spsr: int
    below: Below
    controls: Controls
    needs: tuple[str, ...] = ()

    @property
    def before(self) -> Pstate:
        """PSTATE after the return."""
        return after_return(self.spsr, self.below)

    @property
    def after(self) -> Pstate:
        """PSTATE of the handler."""
        return after_exception(self.before, self.below, self.controls)

    @property
    def taken(self) -> Taken:
        """The exception: Illegal Execution state, BRK, or BKPT in A32 or T32."""
        before = self.before
        if before.value & AARCH64["il"]:
            return Taken(2, ExceptionClass.ILLEGAL_STATE, 0, after=False)
        if not before.aarch32:
            return Taken(2, ExceptionClass.BRK64, 0, after=False)
        return Taken(2, ExceptionClass.BKPT32, 0, after=False, il=int(not before.value & 1 << 5))

    @property
    def vector(self) -> int:
        """Offset of the vector (D1.3.1).

        AArch32 counts if the EL below EL2 uses it, or EL0 of a host.
        """
        before, below = self.before, self.below
        el = target(before.value & AARCH64["m"])
        if el == 2:  # noqa: PLR2004
            return 0x200 if before.value & 1 else 0
        host = below.e2h and below.tge
        return 0x600 if (before.aarch32 if host else below.el1_uses_aarch32) else 0x400


def _returns(*, vhe: bool) -> Iterator[_Case]:
    """Yield returns with each SPSR_EL2.M."""
    for rw in (True, False):
        for tge in (False, True):
            below = Below(rw=rw, tge=tge, e2h=vhe)
            for mode in range(32):
                needs: tuple[str, ...] = () if rw else (_AARCH32_EL1,)
                needs += (_AARCH32_EL0,) if mode == _USR else ()
                illegal = after_return(mode, below).illegal
                for flags, bits in _FLAGS.items() if illegal else [("", _DAIF)]:
                    # Bit 9 is D, and E in AArch32.
                    masks = AARCH32["aif"] if is_aarch32(mode) and not illegal else bits
                    yield _Case(
                        ".".join(filter(None, (f"eret.{_name(below)}.m{mode:#04x}", flags))),
                        "pstate.eret.illegal" if illegal else "pstate.eret",
                        *(masks | mode, below, Controls()),
                        needs=(*needs, *_features(flags)),
                    )


def _name(below: Below) -> str:
    return f"rw{below.rw:d}.tge{below.tge:d}"


def _features(field: str) -> tuple[str, ...]:
    """Return what a row about a field needs."""
    if field == "all":
        return _ALL
    name = field.partition("-")[0]
    return (_FEATURES[name],) if name in _FEATURES else ()


def _origins(*, vhe: bool) -> Iterator[tuple[str, int, Below, tuple[str, ...]]]:
    """Yield the states that exceptions to EL2 are taken from, with the bits beside contents."""
    guest, host = Below(e2h=vhe), Below(e2h=vhe, tge=True)
    aarch32 = Below(rw=False, e2h=vhe)
    yield from (("el2h", _EL2H, guest, ()), ("el2t", _EL2T, guest, ()))
    yield "el2h-tge", _EL2H, host, ()
    yield from (("el1h", _EL1H, guest, ()), ("el1t", _EL1T, guest, ()), ("el0", 0, guest, ()))
    yield "host-el0", 0, host, ()
    t32 = AARCH32["t"]
    for suffix, bits in (("a32", 0), ("t32", t32)):
        yield f"el0-{suffix}", _USR | bits, guest, (_AARCH32_EL0,)
        yield f"host-el0-{suffix}", _USR | bits, host, (_AARCH32_EL0,)
        yield f"el1-{suffix}", _SVC | bits, aarch32, (_AARCH32_EL1,)
        yield f"el0-{suffix}.el1-aarch32", _USR | bits, aarch32, (_AARCH32_EL1,)


def _contents(mode: int, below: Below) -> dict[str, int]:
    """Return what SPSR_EL2 has in turn, beside the mode."""
    if is_aarch32(mode & AARCH64["m"]):
        return _CONTENTS32 | (_IT if mode & AARCH32["t"] else {})
    # IL takes its exception to EL2 from here only.
    to_el2 = target(mode) == 2 or below.tge  # noqa: PLR2004
    return _CONTENTS64 | ({"il": AARCH64["il"]} if to_el2 else {})


def _exceptions(*, vhe: bool) -> Iterator[_Case]:
    for origin, mode, below, needs in _origins(vhe=vhe):
        masked = AARCH32["aif"] if is_aarch32(mode & AARCH64["m"]) else _DAIF
        for content, bits in _contents(mode, below).items():
            for control, (controls, more) in _CONTROLS.items():
                if not controls.span and not vhe:
                    continue  # SCTLR_EL2 has no SPAN
                yield _Case(
                    f"exception.{origin}.{content}.{control}",
                    *("pstate.exception", mode | bits | masked, below, controls),
                    needs=tuple(dict.fromkeys((*needs, *_features(content), *more))),
                )


@cache
def cases(*, vhe: bool) -> tuple[_Case, ...]:
    """Return the cases of hosts with VHE, or of those without."""
    return (*_returns(vhe=vhe), *_exceptions(vhe=vhe))


def _describe(case: _Case) -> str:
    how = "an illegal return" if case.before.illegal else "a return"
    return (
        f"{how}, {case.taken}, SPSR_EL2 {_text(case.before)}, PSTATE of the handler"
        f" {_text(case.after)}"
    )


def _text(pstate: Pstate) -> str:
    return f"{pstate.value & pstate.known:#x} (bits {pstate.known:#x})"


def _rows(*, vhe: bool) -> list[Row]:
    return [
        Row(f"pstate.{case.name}", case.rule, _describe(case), case.needs)
        for case in cases(vhe=vhe)
    ]


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    before, after = case.before, case.after
    fields = {
        "name": f'"{case.name}"',
        "needs": needs.add(case.needs),
        "aarch32": int(before.aarch32),
        "rw": int(case.below.rw),
        "tge": int(case.below.tge),
        "pc_unknown": int(before.illegal and is_aarch32(case.spsr & AARCH64["m"])),
        "span": int(case.controls.span),
        "dssbs": int(case.controls.dssbs),
        "spintmask": int(case.controls.spintmask),
        "vector": f"{case.vector:#x}",
        "spsr": f"{case.spsr:#x}",
        "esr": f"{case.taken.esr:#x}",
        "before": f"{before.value & before.known:#x}",
        "before_known": f"{before.known:#x}",
        "after": f"{after.value & after.known:#x}",
        "after_known": f"{after.known:#x}",
    }
    return designated(fields)


def _fields(fields: dict[str, int]) -> Iterator[str]:
    """Yield struct pstate_field: name, mask, feature."""
    for name, mask in fields.items():
        feature = _FEATURES.get(name)
        present = f"&conform_features[CONFORM_{feature}]" if feature else "NULL"
        yield initialiser(f'"{name.upper()}"', f"{mask:#x}", present)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in cases(vhe=vhe)]
    return "".join(
        [
            f"#define PSTATE_VHE {int(vhe)}\n",
            array("struct pstate_field", "pstate_fields64", _fields(AARCH64)),
            array("struct pstate_field", "pstate_fields32", _fields(AARCH32)),
            needs.declaration("pstate_needs"),
            array("struct pstate_row", "pstate_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "exception returns of EL2, and PSTATE at exceptions to it"
    return Area("pstate", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
