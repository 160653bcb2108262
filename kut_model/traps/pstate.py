# SPDX-License-Identifier: GPL-2.0-or-later
"""PSTATE at an exception return of EL2, and at the exception to EL2 that follows (DDI 0487, D1.3).

PSTATE is an integer with its fields where SPSR_EL2 has them (C5.2, SPSR_EL2). Fields of features
that a CPU lacks are 0.
"""

from dataclasses import dataclass
from typing import Final

from kut_model.traps.returns import Below, is_aarch32, is_illegal

#: Fields of AArch64 by name, as masks.
AARCH64: Final = {
    "nzcv": 0xF << 28,
    "tco": 1 << 25,
    "dit": 1 << 24,
    "uao": 1 << 23,
    "pan": 1 << 22,
    "ss": 1 << 21,
    "il": 1 << 20,
    "allint": 1 << 13,
    "ssbs": 1 << 12,
    "btype": 3 << 10,
    "daif": 0xF << 6,
    "m": 0x1F,
}
#: Fields of AArch32, but for E, which a CPU may not have; IT is in two parts.
AARCH32: Final = {
    "nzcv": 0xF << 28,
    "q": 1 << 27,
    "it": 3 << 25 | 0x3F << 10,
    "dit": 1 << 24,
    "ssbs": 1 << 23,
    "pan": 1 << 22,
    "ss": 1 << 21,
    "il": 1 << 20,
    "ge": 0xF << 16,
    "aif": 7 << 6,
    "t": 1 << 5,
    "m": 0x1F,
}
#: After an illegal return they are UNKNOWN.
_UNKNOWN_IF_ILLEGAL: Final = ("tco", "dit", "uao", "ssbs", "btype")
_EL2H: Final = 9


@dataclass(frozen=True, slots=True)
class Controls:
    """Fields of SCTLR_EL2 that give PSTATE its value at an exception to EL2."""

    span: bool = True
    dssbs: bool = False
    spintmask: bool = False


@dataclass(frozen=True, slots=True)
class Pstate:
    """PSTATE in the format of SPSR_EL2, and the bits of it that are known."""

    value: int
    known: int
    illegal: bool = False
    """Whether an illegal return led to it."""

    @property
    def aarch32(self) -> bool:
        """Whether it is that of AArch32."""
        return is_aarch32(self.value & AARCH64["m"])


def _all(fields: dict[str, int]) -> int:
    return sum(fields.values())


def after_return(spsr: int, below: Below) -> Pstate:
    """ERET at EL2 with EL2h (AArch64.ExceptionReturn, SetPSTATEFromPSR).

    PSTATE.SS is 0, as MDSCR_EL1.SS is (DebugExceptionReturnSS).
    """
    mode = spsr & AARCH64["m"]
    if is_illegal(mode, below):
        unknown = sum(AARCH64[name] for name in _UNKNOWN_IF_ILLEGAL)
        kept = sum(AARCH64[name] for name in ("nzcv", "pan", "allint", "daif"))
        return Pstate(spsr & kept | AARCH64["il"] | _EL2H, _all(AARCH64) & ~unknown, illegal=True)
    fields = AARCH32 if is_aarch32(mode) else AARCH64
    return Pstate(spsr & _all(fields) & ~fields["ss"], _all(fields))


def after_exception(before: Pstate, below: Below, controls: Controls) -> Pstate:
    """PSTATE of EL2's handler (AArch64.TakeException).

    PAN and DIT stay, unless SCTLR_EL2.SPAN of a host sets PAN. The condition flags are left out.
    """
    stay = before.value & (AARCH64["pan"] | AARCH64["dit"])
    value = AARCH64["tco"] | AARCH64["daif"] | _EL2H | stay
    if below.e2h and below.tge and not controls.span:
        value |= AARCH64["pan"]
    value |= AARCH64["ssbs"] if controls.dssbs else 0
    value |= 0 if controls.spintmask else AARCH64["allint"]
    unknown = AARCH64["dit"] & ~before.known
    return Pstate(value, _all(AARCH64) & ~AARCH64["nzcv"] & ~unknown)
