# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `el2`: registers by the names that EL2 has for them, and faults of EL2 itself.

A register of EL1 is compared as EL1 sees it, one of EL2 by its name with _EL2. A row flips bits
that change nothing for the code that runs meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Final

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables.arrays import HVC, RET, NeedsTable, array, code, designated
from kut_model.traps.outcome import UNDEFINED as UNDEFINED_EXCEPTION
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.registers import Register, by_name, registers

_MASK: Final = (1 << 64) - 1
_EL1_AARCH32, _EL1_AARCH64 = "FEAT_AA32EL1", "EL1_without_AArch32"

#: Pairs of registers, by the name without _EL1, with the bits that a row flips, and the feature.
_PAIRS: Final[dict[str, tuple[int, str]]] = {
    "SCTLR": (1 << 26 | 1 << 18 | 1 << 15, ""),  # UCI, nTWE, UCT
    "CPACR": (1 << 20, ""),  # FPEN: 0b11 and 0b10, 0b00 and 0b01
    "ZCR": (1, "FEAT_SVE"),
    "SMCR": (1, "FEAT_SME"),
    "TRFCR": (3, "FEAT_TRF"),
    "TTBR0": (1 << 48, ""),  # ASID
    "TTBR1": (1 << 48 | 0x5A5A << 16, "FEAT_VHE"),  # not used: EPD1
    "TCR": (1 << 38 | 3 << 24, ""),  # TBI1, IRGN1
    "MAIR": (0xFF << 56, ""),
    "VBAR": (0x5A5A << 16, ""),  # exceptions are masked
    "CONTEXTIDR": (0x5A5A5A5A, "FEAT_VHE"),
    "CNTKCTL": (0xF << 4, ""),  # EVNTI
    "ESR": (0xFFFFFFFF, ""),
    "FAR": (_MASK, ""),
    "SPSR": (0xF00003C0, ""),
    "ELR": (_MASK & ~3, ""),
    "TFSR": (3, "FEAT_MTE2"),
    "SCXTNUM": (_MASK, "FEAT_CSV2_2"),
    "PIR": (_MASK, "FEAT_S1PIE"),  # not used: TCR2_ELx.PIE
    "PIRE0": (_MASK, "FEAT_S1PIE"),
    "GCSCR": (1 << 5, "FEAT_GCS"),  # RVCHKEN
    "GCSPR": (_MASK & ~7, "FEAT_GCS"),
    "PMSCR": (3, "FEAT_SPE"),
}
#: The names of EL2's registers and of EL1's where they are not the same but for the EL.
_OF_EL2: Final = {"CPACR": "CPTR_EL2", "CNTKCTL": "CNTHCTL_EL2"}
#: Reads: bits that are RES0.
_READS: Final = {
    "MDCCINT_EL1": _MASK & ~(3 << 29),
    "MDCCSR_EL0": _MASK & ~0x7FFFFFFF,
    "DBGDTR_EL0": 0,
    "DBGDTRRX_EL0": _MASK & ~0xFFFFFFFF,
}
#: Registers of AArch32: bits that hold what is written.
_AARCH32: Final = {
    "DACR32_EL2": 0xFFFFFFFF,
    "IFSR32_EL2": 0xF,
    "FPEXC32_EL2": 1 << 30,
    "SPSR_irq": 0xF00001C0,
    "SPSR_abt": 0xF00001C0,
    "SPSR_und": 0xF00001C0,
    "SPSR_fiq": 0xF00001C0,
}
_ABSENT: Final = ("DACR32_EL2", "IFSR32_EL2", "FPEXC32_EL2", "DBGVCR32_EL2")
#: Loads and stores of x3 and others at x1: encoding, whether ISS.WnR is set, feature.
_ACCESSES: Final = {
    "ldr-x": (0xF9400023, False, ""),
    "ldr-w": (0xB9400023, False, ""),
    "ldrb": (0x39400023, False, ""),
    "ldrsh-x": (0x79800023, False, ""),
    "ldr-xzr": (0xF940003F, False, ""),
    "ldtr": (0xF8400823, False, ""),
    "ldar": (0xC8DFFC23, False, ""),
    "ldxr": (0xC85F7C23, False, ""),
    "ldp": (0xA9401023, False, ""),
    "ldr-post": (0xF8408423, False, ""),
    "str-x": (0xF9000023, True, ""),
    "strb": (0x39000023, True, ""),
    "sttr": (0xF8000823, True, ""),
    "stlr": (0xC89FFC23, True, ""),
    "stp": (0xA9001023, True, ""),
    "str-pre": (0xF8000C23, True, ""),
    "ldadd": (0xF8230023, False, "FEAT_LSE"),
    "swp": (0xF8238023, False, "FEAT_LSE"),
}
_TRANSLATION_LEVEL_0: Final = 0b000100
_WNR: Final = 1 << 6
#: Where a PC is misaligned: whether an aligned one there is an instruction abort, if that is known.
_PLACES: Final = ("unmapped", "execute-never", "code")
_STATES: Final = ("el2", "el1", "el0", "host-el0")


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    name: str
    rule: str
    action: str
    expected: str
    needs: tuple[str, ...] = ()
    pair: str = ""
    """Of _PAIRS."""
    insns: tuple[int, ...] = ()
    """A read and a write of a register, or one instruction."""
    mask: int = 0
    """Bits to flip, or those that are 0."""
    taken: Taken | None = None
    place: str = ""
    offset: int = 0
    state: str = "el2"


#: UNDEFINED at EL2.
_UNDEFINED: Final = replace(UNDEFINED_EXCEPTION, el=2)


def _names() -> Iterator[_Case]:
    """Yield accesses to the names that only E2H gives a meaning."""
    for register in registers():
        if not register.name.endswith(("_EL12", "_EL02")):
            continue
        for write in (False, True):
            yield _Case(
                f"name.{register.name.lower()}.{'write' if write else 'read'}",
                *("el2.names", "TAKEN", str(_UNDEFINED)),
                insns=(register.opcode(write=write),),
                taken=_UNDEFINED,
            )


def _pairs(*, vhe: bool) -> Iterator[_Case]:
    """Yield accesses to registers of which EL1 and EL2 have one each."""
    for name, (mask, feature) in _PAIRS.items():
        needs = (feature,) if feature else ()
        own, other = ("EL2", "EL1") if vhe else ("EL1", "EL2")
        make = partial(_Case, rule="el2.redirect", needs=needs, pair=name, mask=mask)
        for write in (False, True):
            verb = "write" if write else "read"
            yield make(
                f"redirect.{name.lower()}_el1.{verb}",
                action=f"{own}_{verb.upper()}",
                expected=f"the register of {own}; that of {other} stays",
            )
            if vhe:
                yield make(
                    f"redirect.{name.lower()}_el12.{verb}",
                    action=f"EL12_{verb.upper()}",
                    expected="the register of EL1; that of EL2 stays",
                )


def _registers() -> Iterator[_Case]:
    """Yield accesses to the DCC, and to registers for AArch32."""
    for name, zero in _READS.items():
        yield _Case(
            f"register.{name.lower()}.read",
            *("el2.dcc", "READ", f"a value with the bits {zero:#x} clear"),
            insns=(by_name()[name].opcode(write=False),),
            mask=zero,
        )
    for name, mask in _AARCH32.items():
        yield _Case(
            f"register.{name.lower()}.holds",
            *("el2.aarch32", "HOLD", f"the bits {mask:#x} are those written"),
            (_EL1_AARCH32,),
            insns=_both(by_name()[name]),
            mask=mask,
        )
    for name in _ABSENT:
        for write, insn in zip((False, True), _both(by_name()[name]), strict=True):
            yield _Case(
                f"register.{name.lower()}.absent.{'write' if write else 'read'}",
                *("el2.aarch32", "TAKEN", str(_UNDEFINED), (_EL1_AARCH64,)),
                insns=(insn,),
                taken=_UNDEFINED,
            )


def _both(register: Register) -> tuple[int, int]:
    return register.opcode(write=False), register.opcode(write=True)


def _aborts() -> Iterator[_Case]:
    """Yield loads and stores of EL2 that abort."""
    for name, (insn, write, feature) in _ACCESSES.items():
        iss = (_WNR if write else 0) | _TRANSLATION_LEVEL_0
        taken = Taken(2, ExceptionClass.DATA_ABORT_SAME_EL, iss, after=False)
        yield _Case(
            f"abort.{name}",
            *("el2.abort", "ABORT", f"{taken} (ISV 0)"),
            (feature,) if feature else (),
            insns=(insn,),
            taken=taken,
        )


def _fetches(*, vhe: bool) -> Iterator[_Case]:
    """Yield fetches at addresses that are misaligned, not mapped or not executable."""
    for state in _STATES:
        if state == "host-el0" and not vhe:
            continue
        el = {"el2": 2, "host-el0": 2}.get(state, 1)
        for place in _PLACES:
            for offset in range(0 if place == "unmapped" else 1, 4):
                taken = Taken(el, ExceptionClass.PC_ALIGNMENT, 0, after=False)
                if not offset:
                    lower = state in {"el0", "host-el0"}
                    abort = ExceptionClass.INSTRUCTION_ABORT_LOWER_EL
                    same = ExceptionClass.INSTRUCTION_ABORT_SAME_EL
                    taken = Taken(el, abort if lower else same, _TRANSLATION_LEVEL_0, after=False)
                yield _Case(
                    f"pc.{place}.{offset}.{state}",
                    *("el2.pc", "FETCH", f"{taken}, FAR that address"),
                    taken=taken,
                    place=place,
                    offset=offset,
                    state=state,
                )


@cache
def cases(*, vhe: bool) -> tuple[_Case, ...]:
    """Return the cases of hosts with VHE, or of those without."""
    return (
        *(() if vhe else _names()),
        *_pairs(vhe=vhe),
        *_registers(),
        *_aborts(),
        *_fetches(vhe=vhe),
    )


def _rows(*, vhe: bool) -> list[Row]:
    return [
        Row(
            f"el2.{case.name}",
            case.rule,
            case.expected,
            case.needs,
            UNDEFINED if case.taken and case.taken.ec is ExceptionClass.UNKNOWN else "",
        )
        for case in cases(vhe=vhe)
    ]


def _of_pair(name: str, suffix: str) -> tuple[int, int]:
    full = _OF_EL2.get(name, f"{name}_EL2") if suffix == "EL2" else f"{name}_{suffix}"
    return _both(by_name()[full])


def _initialiser(case: _Case, first: int, needs: NeedsTable) -> str:
    fields = {
        "name": f'"{case.name}"',
        "action": f"EL2_{case.action}",
        "needs": needs.add(case.needs),
        "code": list(_PAIRS).index(case.pair) if case.pair else first,
        "mask": f"{case.mask:#x}",
        "esr": f"{case.taken.esr:#x}" if case.taken else 0,
        "el": case.taken.el if case.taken else 0,
        "place": f"EL2_AT_{case.place.upper().replace('-', '_')}" if case.place else 0,
        "offset": case.offset,
        "state": f"EL2_FROM_{case.state.upper().replace('-', '_')}",
    }
    return designated(fields)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    insns: list[int] = []
    rows = []
    for case in cases(vhe=vhe):
        rows.append(_initialiser(case, len(insns), needs))
        insns += case.insns
    # Without VHE _EL12 is not used.
    names = ("EL1", "EL12" if vhe else "EL1", "EL2")
    pairs = [insn for pair in _PAIRS for name in names for insn in _of_pair(pair, name)]
    guest = [insn for pair in _PAIRS for insn in _of_pair(pair, "EL1")]
    return "".join(
        [
            f"#define EL2_VHE {int(vhe)}\n",
            code("EL2_CODE", ((insn, RET) for insn in insns)),
            code("EL2_PAIR_CODE", ((insn, RET) for insn in pairs)),
            code("EL2_GUEST_CODE", ((insn, HVC) for insn in guest)),
            needs.declaration("el2_needs"),
            array("struct el2_row", "el2_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    title = "registers by the names of EL2, and faults of EL2 itself"
    return Area("el2", title, partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
