# SPDX-License-Identifier: GPL-2.0-or-later
"""Instruction syndrome of loads and stores that abort at stage 2: ISS[24:14] (DDI 0487, D24.2.40).

ISV is set for loads and stores of one general-purpose register without writeback, also those with
acquire or release semantics, but not for exclusive ones (ISS encoding for an exception from a Data
Abort, ISV; LSInstructionSyndrome in the pseudocode).
"""

_ISV = 1 << 24
_SAS_SHIFT = 22
_SSE = 1 << 21
_SRT_SHIFT = 16
_SF = 1 << 15
_AR = 1 << 14
_REGISTER = 31


def _field(insn: int, high: int, low: int) -> int:
    return insn >> low & ((1 << (high - low + 1)) - 1)


def _syndrome(insn: int, *, signed: bool, wide: bool, ordered: bool) -> int:
    """Return the fields of a load or store of one register; its size is in bits 31:30."""
    return (
        _ISV
        | _field(insn, 31, 30) << _SAS_SHIFT
        | (_SSE if signed else 0)
        | (insn & _REGISTER) << _SRT_SHIFT
        | (_SF if wide else 0)
        | (_AR if ordered else 0)
    )


def _of_opc(insn: int, *, ordered: bool = False) -> int:
    """Return the fields by size and opc: store, load, load signed to 64 and to 32 bits."""
    size, opc = _field(insn, 31, 30), _field(insn, 23, 22)
    wide = opc == 0b10 or (opc < 0b10 and size == 0b11)  # noqa: PLR2004
    return _syndrome(insn, signed=opc >= 0b10, wide=wide, ordered=ordered)  # noqa: PLR2004


def _is_plain(insn: int) -> bool:
    """Whether it is a load or store of one general-purpose register without writeback."""
    if insn >> 26 & 1:
        return False  # SIMD and FP
    if _field(insn, 25, 24) == 1:
        return True  # unsigned offset
    kind = _field(insn, 11, 10)
    return kind in ((0b10,) if insn >> 21 & 1 else (0b00, 0b10))


def _is(insn: int, form: tuple[int, int]) -> bool:
    """Whether an instruction has the bits of a form: mask and value (C4.1, Loads and stores)."""
    mask, value = form
    return insn & mask == value


_ORDERED = (0x3FA08000, 0x08808000)  # LDAR, STLR
_LDAPR = (0x3FFFFC00, 0x38BFC000)
_RCPC_UNSCALED = (0x3F200C00, 0x19000000)  # LDAPUR, STLUR
_ONE_REGISTER = (0x38000000, 0x38000000)


def instruction_syndrome(insn: int) -> int:
    """Return ISS[24:14] of a data abort at stage 2; 0: ISV is 0."""
    if _is(insn, _ORDERED) or _is(insn, _LDAPR):
        wide = _field(insn, 31, 30) == 0b11  # noqa: PLR2004
        return _syndrome(insn, signed=False, wide=wide, ordered=True)
    if _is(insn, _RCPC_UNSCALED):
        return _of_opc(insn, ordered=True)
    return _of_opc(insn) if _is(insn, _ONE_REGISTER) and _is_plain(insn) else 0


def is_store(insn: int) -> bool:
    """Whether it writes: WnR."""
    if _field(insn, 29, 27) == 0b101 or _field(insn, 29, 24) == 0b001000:  # noqa: PLR2004
        return not insn >> 22 & 1
    opc = _field(insn, 23, 22)
    is_vector_store = insn >> 26 & 1 and opc == 0b10  # noqa: PLR2004 - of 128 bits
    return opc == 0 or bool(is_vector_store)


def transfer_bits(syndrome: int) -> int:
    """Return the size of an access in bits, by SAS."""
    return 8 << _field(syndrome, 23, 22)


def loaded(syndrome: int, value: int) -> int:
    """Return what a load leaves in its register when memory has `value`, by SAS, SSE and SF."""
    bits = transfer_bits(syndrome)
    value &= (1 << bits) - 1
    if syndrome & _SSE and value >> (bits - 1):
        value -= 1 << bits
    return value & ((1 << (64 if syndrome & _SF else 32)) - 1)
