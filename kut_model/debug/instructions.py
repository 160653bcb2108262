# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions under debug controls: what they access, and the exception that they are.

Registers: x1 is an address, x0, x2 and x3 are 0. Code that is executed is the instruction, and SVC
or RET.
"""

from dataclasses import dataclass
from typing import Final

from kut_model.traps.outcome import ExceptionClass


@dataclass(frozen=True, slots=True)
class Insn:
    """An instruction."""

    opcode: int
    size: int = 8
    read: bool = False
    write: bool = False
    unprivileged: bool = False
    """Whether it is an access of EL0 at EL1, and at EL2 of a host."""
    block: bool = False
    """Whether it accesses the aligned block of `size` bytes."""
    exclusive: bool = False
    """Whether it is a Load-Exclusive (ISS.EX)."""
    taken: ExceptionClass | None = None
    """The exception that it is."""
    iss: int = 0
    executed: bool = True
    """Whether PSTATE.SS is 0 when the exception is taken (SSAdvance)."""
    is_return: bool = False
    needs: tuple[str, ...] = ()


_LSE: Final = ("FEAT_LSE",)
_ZVA: Final = ("DC_ZVA_64",)
_BRK_ISS: Final = 0x1234

INSTRUCTIONS: Final = {
    "nop": Insn(0xD503201F),
    "isb": Insn(0xD5033FDF),
    "ldr-x": Insn(0xF9400020, read=True),
    "ldrb": Insn(0x39400020, 1, read=True),
    "ldp-x": Insn(0xA9400820, 16, read=True),
    "ldr-q": Insn(0x3DC00020, 16, read=True),
    "ldtr-x": Insn(0xF8400820, read=True, unprivileged=True),
    "ldxr-x": Insn(0xC85F7C20, read=True, exclusive=True),
    "ldaxr-x": Insn(0xC85FFC20, read=True, exclusive=True),
    "ldxp-x": Insn(0xC87F0820, 16, read=True, exclusive=True),
    "ldar-x": Insn(0xC8DFFC20, read=True),
    "str-x": Insn(0xF9000020, write=True),
    "strb": Insn(0x39000020, 1, write=True),
    "stp-x": Insn(0xA9000820, 16, write=True),
    "str-q": Insn(0x3D800020, 16, write=True),
    "sttr-x": Insn(0xF8000820, write=True, unprivileged=True),
    "stlr-x": Insn(0xC89FFC20, write=True),
    "ldadd-x": Insn(0xF8200020, read=True, write=True, needs=_LSE),
    "swp-x": Insn(0xF8208020, read=True, write=True, needs=_LSE),
    "cas-x": Insn(0xC8A07C22, read=True, write=True, needs=_LSE),
    "dc-zva": Insn(0xD50B7421, 64, write=True, block=True, needs=_ZVA),
    "dc-civac": Insn(0xD50B7E21),
    "dc-cvac": Insn(0xD50B7A21),
    "ic-ivau": Insn(0xD50B7521),
    "prfm": Insn(0xF9800020),
    "svc": Insn(0xD4000001 | 0x12 << 5, taken=ExceptionClass.SVC64, iss=0x12),
    "hvc": Insn(0xD4000002 | 0x34 << 5, taken=ExceptionClass.HVC64, iss=0x34),
    "udf": Insn(0x00000000, taken=ExceptionClass.UNKNOWN, executed=False),
    "brk": Insn(
        0xD4200000 | _BRK_ISS << 5, taken=ExceptionClass.BRK64, iss=_BRK_ISS, executed=False
    ),
    "eret": Insn(0xD69F03E0, is_return=True),
}
