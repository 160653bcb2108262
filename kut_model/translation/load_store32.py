# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads and stores of AArch32 that abort at stage 2: ISS[24:14], and registers as AArch64 has them.

ISV is set for loads and stores of one register, ordered ones too, without writeback and without R15
(DDI 0487, D24.2.40, ISS encoding for an exception from a Data Abort, ISV; D1.6.4, mapping of the
general-purpose registers between the Execution states).
"""

from dataclasses import dataclass
from typing import Final

from kut_model.bits import placed

USR, FIQ, IRQ, SVC, ABT, UND, SYS = 0x10, 0x11, 0x12, 0x13, 0x17, 0x1B, 0x1F
#: R13 and R14 of modes that have their own.
_BANKED: Final = {IRQ: (17, 16), SVC: (19, 18), ABT: (21, 20), UND: (23, 22), FIQ: (29, 30)}
_SP: Final = 13
_FIRST_OF_FIQ, _FIQ_TO_AARCH64 = 8, 16


def register(mode: int, number: int) -> int:
    """Return the number of an AArch64 register that holds R0 to R14 of a mode."""
    if number >= _SP and mode in _BANKED:
        return _BANKED[mode][number - _SP]
    if mode == FIQ and number >= _FIRST_OF_FIQ:
        return number + _FIQ_TO_AARCH64
    return number


@dataclass(frozen=True, slots=True)
class Form:
    """A load or store, with its address in R1."""

    opcode: int
    """Of Rt R0; T32 has the first halfword in bits 15:0, and the second in bits 31:16."""
    size: int = 2
    """log2 of the bytes."""
    write: bool = False
    signed: bool = False
    ordered: bool = False
    isv: bool = True
    shift: int = 12
    """Place of Rt."""
    rt: int = 3
    """Rt without ISV."""
    halfwords: int = 2

    def instruction(self, rt: int) -> int:
        """Return the instruction with Rt."""
        return self.opcode | rt << self.shift

    def syndrome(self, mode: int, rt: int) -> int:
        """Return ISS[24:14]; SF is 0."""
        if not self.isv:
            return 0
        srt = placed(register(mode, rt), 16, 5)
        fields = placed(self.size, 22, 2) | placed(self.signed, 21, 1) | placed(self.ordered, 14, 1)
        return 1 << 24 | fields | srt

    @property
    def il(self) -> int:
        """ESR_ELx.IL: that of the instruction's length with ISV only (AArch64.ExceptionClass)."""
        return int(self.halfwords > 1 or not self.isv)


#: A32 (F5.1); R2 is an offset of 0.
A32: Final = {
    "ldr": Form(0xE5910000),
    "str": Form(0xE5810000, write=True),
    "ldr-register": Form(0xE7910002),
    "str-register": Form(0xE7810002, write=True),
    "ldrb": Form(0xE5D10000, 0),
    "strb": Form(0xE5C10000, 0, write=True),
    "ldrh": Form(0xE1D100B0, 1),
    "strh": Form(0xE1C100B0, 1, write=True),
    "ldrsb": Form(0xE1D100D0, 0, signed=True),
    "ldrsh": Form(0xE1D100F0, 1, signed=True),
    "lda": Form(0xE1910C9F, ordered=True),
    "ldab": Form(0xE1D10C9F, 0, ordered=True),
    "ldah": Form(0xE1F10C9F, 1, ordered=True),
    "stl": Form(0xE181FC90, write=True, ordered=True, shift=0),
    "stlb": Form(0xE1C1FC90, 0, write=True, ordered=True, shift=0),
    "stlh": Form(0xE1E1FC90, 1, write=True, ordered=True, shift=0),
    "ldr-post": Form(0xE4910004, isv=False),
    "ldr-pre": Form(0xE5B10000, isv=False),
    "str-post": Form(0xE4810004, write=True, isv=False),
    "ldrt": Form(0xE4B10000, isv=False),
    "strt": Form(0xE4A10000, write=True, isv=False),
    "ldrd": Form(0xE1C100D0, isv=False, rt=4),
    "strd": Form(0xE1C100F0, write=True, isv=False, rt=4),
    "ldm": Form(0xE8910018, isv=False, rt=0),
    "stm": Form(0xE8810018, write=True, isv=False, rt=0),
    "ldrex": Form(0xE1910F9F, isv=False),
    "ldaex": Form(0xE1910E9F, isv=False),
}
#: T32 of 16 bits (F5.1).
T16: Final = {
    "ldr": Form(0x6808, shift=0, halfwords=1),
    "ldrb": Form(0x7808, 0, shift=0, halfwords=1),
    "ldrh": Form(0x8808, 1, shift=0, halfwords=1),
    "str": Form(0x6008, write=True, shift=0, halfwords=1),
    "strb": Form(0x7008, 0, write=True, shift=0, halfwords=1),
    "strh": Form(0x8008, 1, write=True, shift=0, halfwords=1),
    "ldr-register": Form(0x5888, shift=0, halfwords=1),
    "ldrsb-register": Form(0x5688, 0, signed=True, shift=0, halfwords=1),
    "ldrsh-register": Form(0x5E88, 1, signed=True, shift=0, halfwords=1),
    "str-register": Form(0x5088, write=True, shift=0, halfwords=1),
    "ldm": Form(0xC918, isv=False, halfwords=1, rt=0),
}
#: T32 of 32 bits.
T32: Final = {
    "ldr": Form(0x0000F8D1, shift=28),
    "ldrb": Form(0x0000F891, 0, shift=28),
    "ldrh": Form(0x0000F8B1, 1, shift=28),
    "ldrsb": Form(0x0000F991, 0, signed=True, shift=28),
    "ldrsh": Form(0x0000F9B1, 1, signed=True, shift=28),
    "str": Form(0x0000F8C1, write=True, shift=28),
    "strb": Form(0x0000F881, 0, write=True, shift=28),
    "strh": Form(0x0000F8A1, 1, write=True, shift=28),
    "ldrt": Form(0x0E00F851, shift=28),
    "strt": Form(0x0E00F841, write=True, shift=28),
    "lda": Form(0x0FAFE8D1, ordered=True, shift=28),
    "stl": Form(0x0FAFE8C1, write=True, ordered=True, shift=28),
    "ldr-post": Form(0x0B04F851, isv=False, shift=28),
    "ldrd": Form(0x4500E9D1, isv=False, rt=0),
    "ldrex": Form(0x0F00E851, isv=False, shift=28),
}
