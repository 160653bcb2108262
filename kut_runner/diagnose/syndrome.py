# SPDX-License-Identifier: GPL-2.0-or-later
"""Decoding of syndromes, fault addresses and saved processor states (Arm ARM, DDI 0487, D24.2).

The description of a syndrome up to the first semicolon is exactly the text that `lib/arm64/esr.c`
prints; the details after it are decoded only here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kut_runner.diagnose import sysregs

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASSES: Final = {
    0x00: "unknown reason (undefined instruction)",
    0x01: "trapped WFI, WFE, WFIT or WFET",
    0x03: "trapped MCR or MRC, coprocessor 15",
    0x04: "trapped MCRR or MRRC, coprocessor 15",
    0x05: "trapped MCR or MRC, coprocessor 14",
    0x06: "trapped LDC or STC",
    0x07: "trapped SVE, SIMD or floating point",
    0x08: "trapped VMRS",
    0x09: "trapped pointer authentication",
    0x0A: "trapped LD64B, ST64B or other",
    0x0C: "trapped MRRC, coprocessor 14",
    0x0D: "branch target",
    0x0E: "illegal execution state",
    0x11: "SVC, AArch32",
    0x12: "HVC, AArch32",
    0x13: "SMC, AArch32",
    0x14: "trapped MSRR or MRRS",
    0x15: "SVC",
    0x16: "HVC",
    0x17: "SMC",
    0x18: "trapped system register or instruction",
    0x19: "trapped SVE",
    0x1A: "trapped ERET",
    0x1B: "trapped TSTART",
    0x1C: "pointer authentication failure",
    0x1D: "trapped SME",
    0x1E: "granule protection check",
    0x1F: "implementation defined",
    0x20: "instruction abort from a lower EL",
    0x21: "instruction abort",
    0x22: "PC alignment",
    0x24: "data abort from a lower EL",
    0x25: "data abort",
    0x26: "SP alignment",
    0x27: "memory copy or set",
    0x28: "trapped floating point exception, AArch32",
    0x2C: "trapped floating point exception",
    0x2D: "guarded control stack",
    0x2F: "SError",
    0x30: "breakpoint from a lower EL",
    0x31: "breakpoint",
    0x32: "software step from a lower EL",
    0x33: "software step",
    0x34: "watchpoint from a lower EL",
    0x35: "watchpoint",
    0x38: "BKPT, AArch32",
    0x3A: "vector catch, AArch32",
    0x3C: "BRK",
    0x3D: "profiling",
}
_INSTRUCTION_ABORTS: Final = (0x20, 0x21)
_DATA_ABORTS: Final = (0x24, 0x25)
_ABORTS_FROM_BELOW: Final = (0x20, 0x24)
_ABORTS: Final = (*_INSTRUCTION_ABORTS, *_DATA_ABORTS)
_SYS64: Final = 0x18
_BRK: Final = 0x3C

_FAULTS: Final = {
    0x10: "synchronous external abort",
    0x11: "synchronous tag check fault",
    0x21: "alignment fault",
    0x30: "TLB conflict",
    0x29: "address size fault, level -1",
    0x2B: "translation fault, level -1",
    0x31: "unsupported atomic hardware update",
    0x34: "lockdown",
    0x35: "unsupported exclusive or atomic",
}
_FAULTS_WITH_LEVEL: Final = {
    0x00: "address size fault",
    0x04: "translation fault",
    0x08: "access flag fault",
    0x0C: "permission fault",
    0x14: "external abort on a table walk",
}

#: Immediates of BRK in traps of compilers.
_TRAPS: Final = (0x3E8, 0x1)
_UBSAN: Final = 0x5500
_UBSAN_CHECKS: Final = {
    0x00: "add overflow",
    0x01: "builtin unreachable",
    0x03: "divide by zero or overflow",
    0x0A: "load of an invalid value",
    0x0B: "missing return",
    0x0C: "multiply overflow",
    0x0D: "negate overflow",
    0x12: "out of bounds",
    0x13: "pointer overflow",
    0x14: "shift out of bounds",
    0x15: "subtract overflow",
    0x16: "type mismatch (null or misaligned pointer)",
}

#: Classes with one decoded field in the ISS: first bit, mask, descriptions by value.
_ISS_FIELDS: Final = {
    0x01: (0, 3, ("WFI", "WFE", "WFIT", "WFET")),
    0x0A: (0, 3, ("ST64BV", "ST64BV0", "LD64B or ST64B")),
    0x0D: (0, 3, ("BTYPE 0", "BTYPE 1", "BTYPE 2", "BTYPE 3")),
    0x1A: (0, 3, ("ERET", "ERET", "ERETAA", "ERETAB")),
    0x1C: (0, 3, ("instruction, key A", "instruction, key B", "data, key A", "data, key B")),
    0x1D: (0, 7, ("trapped", "illegal in streaming mode", "not in streaming mode", "ZA is off")),
    0x2D: (20, 15, ("data check failed", "EXLOCK", "trapped GCSSTR or GCSSTTR")),
}
_SERROR_SEVERITIES: Final = {
    0: "uncontainable",
    1: "unrecoverable",
    2: "restartable",
    3: "recoverable",
    6: "corrected",
}
_DEBUG_CLASSES: Final = {0x32: "step", 0x33: "step", 0x34: "watchpoint", 0x35: "watchpoint"}

_MODES: Final = {
    0b00000: "EL0t",
    0b00100: "EL1t",
    0b00101: "EL1h",
    0b01000: "EL2t",
    0b01001: "EL2h",
    0b01100: "EL3t",
    0b01101: "EL3h",
    0b10000: "AArch32 User",
    0b10001: "AArch32 FIQ",
    0b10010: "AArch32 IRQ",
    0b10011: "AArch32 Supervisor",
    0b10110: "AArch32 Monitor",
    0b10111: "AArch32 Abort",
    0b11010: "AArch32 Hyp",
    0b11011: "AArch32 Undefined",
    0b11111: "AArch32 System",
}
_FLAGS: Final = {31: "N", 30: "Z", 29: "C", 28: "V"}
_MASKS: Final = {9: "D", 8: "A", 7: "I", 6: "F"}
_STATE_BITS: Final = {
    25: "TCO",
    24: "DIT",
    23: "UAO",
    22: "PAN",
    21: "single-stepping",
    20: "illegal state (IL)",
    13: "ALLINT",
    12: "SSBS",
}


def esr_class(esr: int) -> int:
    """Return the exception class, 0 to 63."""
    return esr >> 26 & 0x3F


def esr_class_name(esr: int) -> str:
    """Return the description of the exception class."""
    return _CLASSES.get(esr_class(esr), "reserved class")


def is_abort(esr: int) -> bool:
    """Return whether the class is an instruction or data abort."""
    return esr_class(esr) in _ABORTS


def esr_summary(esr: int) -> str:
    """Return the text that esr_decode() of the C library prints."""
    kind = esr_class(esr)
    if kind in (0x15, 0x16, 0x17):
        rest = _hash_hex(esr & 0xFFFF)
    elif kind == _BRK:
        rest = _brk_text(esr & 0xFFFF)
    elif kind == _SYS64:
        direction = "read" if esr & 1 else "write"
        rest = f"{direction} of {sysregs.generic(_encoding(esr))}, x{esr >> 5 & 31}"
    elif kind in _ABORTS:
        rest = _abort_text(esr)
    else:
        rest = f"ISS {_hex(_iss(esr))}"
    return f"{esr_class_name(esr)}: {rest}"


def describe_esr(esr: int) -> str:
    """Return the summary and the details of a syndrome in one line."""
    return "; ".join((esr_summary(esr), *_details(esr)))


def page_of_hpfar(hpfar: int) -> int:
    """Return the address of the page in HPFAR_EL2."""
    return (hpfar >> 4 & (1 << 44) - 1) << 12


def has_hpfar(esr: int) -> bool:
    """Return whether HPFAR_EL2 is valid for an abort from a lower EL (DDI 0487, HPFAR_EL2).

    It is for translation, access flag and address size faults, and for faults on stage-1 walks;
    for permission faults it is UNKNOWN.
    """
    is_lower = esr_class(esr) in (0x20, 0x24)
    return is_lower and (esr & 0x3C in (0x00, 0x04, 0x08) or bool(esr & 1 << 7))


def describe_hpfar(hpfar: int, far: int | None = None) -> str:
    """Return the description of a faulting IPA; `far` provides its low 12 bits."""
    page = page_of_hpfar(hpfar)
    if far is None:
        return f"the fault is in the page at IPA {page:#x}"
    return f"the fault is at IPA {page | far & 0xFFF:#x}"


def describe_stage2_fault(esr: int, ipa: int) -> str:
    """Return the state of stage 2 at `ipa` that an abort taken from a lower EL to EL2 shows.

    That of a permission fault may be an older one, held by a TLB. "" for other faults, for cache
    maintenance, whose syndrome does not have the permission, and for stage-1 walks without
    permission, for which HCR_EL2.PTW can be the reason.
    """
    is_walk = bool(esr & 1 << 7)
    what = f"the stage-1 table in the page at IPA {ipa & ~0xFFF:#x}" if is_walk else f"IPA {ipa:#x}"
    kind = _FAULTS_WITH_LEVEL.get(esr & 0x3C)
    if kind == "translation fault":
        return f"stage 2 does not map {what}"
    if kind == "access flag fault":
        return f"stage 2 maps {what} with the access flag clear"
    if kind == "permission fault" and not is_walk and not _is_cache_maintenance(esr):
        permission = _access(esr).replace("fetch", "execute")
        return f"stage 2, or an old TLB entry of it, maps {what} without {permission} permission"
    return ""


def describe_spsr(spsr: int) -> str:
    """Return the description of a PSTATE or SPSR value: mode, masks and flags."""
    parts = [_MODES.get(spsr & 0x1F, f"reserved mode {spsr & 0x1F:#x}")]
    if masks := _set_bits(spsr, _MASKS):
        parts.append(f"{''.join(masks)} masked")
    if flags := _set_bits(spsr, _FLAGS):
        parts.append(f"{''.join(flags)} set")
    if spsr & 0x10 == 0:
        parts += _set_bits(spsr, _STATE_BITS)
    return ", ".join(parts)


def returns_after(esr: int) -> bool:
    """Return whether ELR is after the instruction of an exception, as for SVC and HVC.

    An SMC that reaches EL2 is trapped, and BRK is no call: their ELR is their own address.
    """
    return esr_class(esr) in (0x11, 0x12, 0x15, 0x16)


def level_of(spsr: int) -> int:
    """Return the exception level of a PSTATE or SPSR value, 0 to 3."""
    if spsr & 0x10:
        return {0x10: 0, 0x1A: 2, 0x16: 3}.get(spsr & 0x1F, 1)
    return spsr >> 2 & 3


def _details(esr: int) -> Iterator[str]:
    kind, iss = esr_class(esr), _iss(esr)
    if kind in _ABORTS:
        yield from _abort_details(esr)
    elif kind == _SYS64:
        name = sysregs.name(_encoding(esr))
        if name != sysregs.generic(_encoding(esr)):
            yield name
    elif field := _ISS_FIELDS.get(kind):
        bit, mask, descriptions = field
        value = iss >> bit & mask
        if value < len(descriptions):
            yield descriptions[value]
    elif kind in (0x03, 0x05):
        yield _coprocessor_text(iss)
    elif kind == 0x2F:  # noqa: PLR2004 - SError
        yield from _serror_details(iss)
    elif kind in _DEBUG_CLASSES:
        yield from _debug_details(kind, iss)


def _abort_text(esr: int) -> str:
    status = esr & 0x3F
    fault = _FAULTS.get(status)
    if not fault and (kind := _FAULTS_WITH_LEVEL.get(status & 0x3C)):
        fault = f"{kind}, level {status & 3}"
    if not fault:
        return f"reserved fault status {_hex(status)}"
    walk = ", on a stage-1 table walk" if esr & 1 << 7 else ""
    cache = ", cache maintenance" if _is_cache_maintenance(esr) else ""
    return f"{fault}, {_access(esr)}{walk}{cache}"


def _access(esr: int) -> str:
    """Return the kind of access of an abort."""
    if esr_class(esr) not in _DATA_ABORTS:
        return "fetch"
    return "write" if esr & 1 << 6 else "read"


def _is_cache_maintenance(esr: int) -> bool:
    return esr_class(esr) in _DATA_ABORTS and bool(esr & 1 << 8)


def _abort_details(esr: int) -> Iterator[str]:
    iss, is_data = _iss(esr), esr_class(esr) in _DATA_ABORTS
    if is_data and iss & 1 << 24:
        size = 1 << (iss >> 22 & 3)
        register = f"{'x' if iss & 1 << 15 else 'w'}{iss >> 16 & 31}".replace("31", "zr")
        yield f"{size} byte{'s' * (size > 1)} {'from' if iss & 1 << 6 else 'into'} {register}"
        if iss & 1 << 21:
            yield "sign-extended"
        if iss & 1 << 14:
            yield "acquire or release"
    if esr & 0x3F == 0x10 and iss & 1 << 10:  # noqa: PLR2004 - synchronous external abort
        yield "FAR is not valid"
    if is_data and iss & 1 << 13:
        yield "through VNCR_EL2"


def _serror_details(iss: int) -> Iterator[str]:
    if iss & 1 << 24:
        yield "implementation defined"
    elif iss & 0x3F == 0x11:  # noqa: PLR2004 - the only status with a severity
        yield _SERROR_SEVERITIES.get(iss >> 10 & 7, "reserved severity")
    elif iss & 0x3F == 0:
        yield "uncategorised"


def _debug_details(kind: int, iss: int) -> Iterator[str]:
    if _DEBUG_CLASSES[kind] == "watchpoint":
        yield "cache maintenance" if iss & 1 << 8 else "write" if iss & 1 << 6 else "read"
    elif iss & 1 << 24 and iss & 1 << 6:
        yield "of an exclusive load"


def _coprocessor_text(iss: int) -> str:
    fields = iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7
    opc1, crn, crm, opc2 = fields
    name = "MRC" if iss & 1 else "MCR"
    return f"{name} {opc1}, r{iss >> 5 & 15}, c{crn}, c{crm}, {opc2}"


def _brk_text(immediate: int) -> str:
    if immediate in _TRAPS:
        return f"{_hash_hex(immediate)} (a trap of the compiler's: undefined behaviour?)"
    if check := _UBSAN_CHECKS.get(immediate - _UBSAN):
        return f"{_hash_hex(immediate)} (undefined behaviour: {check})"
    return _hash_hex(immediate)


def _encoding(esr: int) -> sysregs.Encoding:
    iss = _iss(esr)
    return iss >> 20 & 3, iss >> 14 & 7, iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7


def _iss(esr: int) -> int:
    return esr & 0x1FFFFFF


def _set_bits(value: int, names: dict[int, str]) -> list[str]:
    return [name for bit, name in names.items() if value >> bit & 1]


def _hex(value: int) -> str:
    """Return the number in the format of %#x in C, without "0x" for 0."""
    return f"{value:#x}" if value else "0"


def _hash_hex(value: int) -> str:
    return f"#{_hex(value)}"
