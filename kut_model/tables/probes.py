# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of asm/conform-sysreg.h: an instruction below EL2, changed controls, and the outcome."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from kut_model.tables import control_needs
from kut_model.tables.arrays import HVC, array, code, initialiser
from kut_model.traps.cases import Changes, Place
from kut_model.traps.controls import FIELDS, base
from kut_model.traps.outcome import ExceptionClass
from kut_model.traps.result import Kind, Outcome

_EL1_REGISTERS: Final = ("SPSR_EL1", "ELR_EL1", "ESR_EL1", "FAR_EL1", "TFSR_EL1")
#: What reads return: CurrentEL, of EL2 with HCR_EL2.NV, and what the image writes to these of EL2.
_READS: Final = {"EL2": 2 << 2, "CurrentEL": 1 << 2, "VPIDR_EL2": 0x5A5A, "VMPIDR_EL2": 0x80005A5A}
#: The next instruction: HVC in A64, SVC in A32; T32 has SVC in the upper half of the first word.
_AFTER: Final = {"a32": 0xEF000000, "t32": 0}


@dataclass(frozen=True, slots=True)
class Insn:
    """An instruction, as struct sysreg_insn has it."""

    name: str
    """As in "sctlr_el1.read"."""
    opcode: int
    needs: tuple[str, ...]
    iss: int = 0
    """When it is trapped with EC 0x18, without Rt."""
    value: str = "ZERO"
    limit: str = "NONE"
    index: int = 0
    has_rt: bool = True
    state: str = ""
    """`Place.state`."""
    reads: "Insn | None" = None
    """The read of the register that it writes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the tables."""

    insn: Insn
    place: Place
    changes: Changes
    controls: str
    """Name of the changes in the id."""
    needs: tuple[str, ...]
    """Features beside the instruction's."""
    outcome: Outcome
    may_execute: bool = False
    any_cpu: bool = False


@dataclass(slots=True)
class _Tables:
    """The tables as they grow; numbers by what has them."""

    insns: dict[Insn, int] = field(default_factory=dict)
    insn_lines: list[str] = field(default_factory=list)
    code: list[tuple[int, int]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    sets: dict[tuple[Changes, str, tuple[str, ...]], int] = field(default_factory=dict)
    set_lines: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)


def header(entries: Iterable[Entry], *, e2h: int) -> str:
    """Return the tables for rows below a host with HCR_EL2.E2H."""
    tables = _Tables()
    for entry in entries:
        insn = _insn(tables, entry.insn)
        chosen = _set(tables, entry, e2h)
        outcome = tables.outcomes.setdefault(_outcome(entry), len(tables.outcomes))
        any_cpu = str(entry.any_cpu).lower()
        place = "SYSREG_" + str(entry.place).upper().replace("-", "_")
        tables.rows.append(initialiser(insn, chosen, outcome, place, any_cpu))
    return "".join(_text(tables, e2h))


def set_name(changes: Changes) -> str:
    """Return the part of an id for controls, as in "hcr.tid3", "cptr.fpen-0", "nv-nv2", "base"."""
    if [name for name, _ in changes] == ["HCR_EL2.NV", "HCR_EL2.NV1", "HCR_EL2.NV2"]:
        return "-".join(name.partition(".")[2].lower() for name, value in changes if value)
    return ".".join(_change_name(name, value) for name, value in changes) or "base"


def _change_name(name: str, value: int) -> str:
    register, _, field_ = name.partition(".")
    register = register if register.startswith("SCTLR") else register.removesuffix("_EL2")
    return f"{register}.{field_}".lower() + ("" if value == 1 else f"-{value}")


def _insn(tables: _Tables, insn: Insn) -> int:
    """Return the number of an instruction; a write comes after the read of its register."""
    if insn in tables.insns:
        return tables.insns[insn]
    reads = str(_insn(tables, insn.reads)) if insn.reads else "SYSREG_NO_READ"
    number = tables.insns[insn] = len(tables.insns)
    rt = 1 + number % 30 if insn.has_rt else 0
    tables.insn_lines.append(
        initialiser(
            *(f'"{insn.name}"', _bits(insn.needs), f"{insn.iss | rt << 5:#x}", reads, rt),
            *(f"SYSREG_VALUE_{insn.value}", f"SYSREG_LIMIT_{insn.limit}", insn.index),
        )
    )
    tables.code.append((insn.opcode | rt, _AFTER.get(insn.state, HVC)))
    return number


def _bits(needs: Iterable[str]) -> str:
    return " | ".join(f"BIT(CONFORM_{need})" for need in needs) or "0"


def _set(tables: _Tables, entry: Entry, e2h: int) -> int:
    """Return the number of a row's controls with their needs."""
    key = (entry.changes, entry.controls, entry.needs)
    if key not in tables.sets:
        tables.sets[key] = len(tables.sets)
        lines = list(_changes(entry.changes, e2h))
        where = (len(tables.changes), len(lines))
        tables.set_lines.append(initialiser(f'"{entry.controls}"', _bits(entry.needs), *where))
        tables.changes += lines
    return tables.sets[key]


def _changes(changes: Iterable[tuple[str, int]], e2h: int) -> Iterator[str]:
    """Yield struct control_change, one for each register, without fields of the other layout."""
    by_register: dict[str, tuple[int, int, bool]] = {}
    for name, value in changes:
        if name not in FIELDS[e2h]:
            continue
        low, width = FIELDS[e2h][name]
        register = name.partition(".")[0]
        mask, bits, fixed = by_register.get(register, (0, 0, False))
        by_register[register] = (
            mask | ((1 << width) - 1) << low,
            bits | value << low,
            fixed or name in control_needs.MAY_BE_FIXED,
        )
    for register, (mask, bits, fixed) in by_register.items():
        is_fixed = str(fixed).lower()
        yield initialiser(f"CONTROL_{register}", is_fixed, f"{mask:#x}", f"{bits:#x}")


def _outcome(entry: Entry) -> str:
    """Return struct sysreg_outcome."""
    outcome = entry.outcome
    if outcome.taken:
        esr = outcome.taken.esr
        if outcome.taken.ec is ExceptionClass.SYS64:
            esr &= ~0x1FFFFFF  # the instruction's
        kind = "MAY_TRAP" if entry.may_execute else "EXCEPTION"
        after = (4 if outcome.taken.il else 2) if outcome.taken.after else 0
        return f"{{ SYSREG_{kind}, {outcome.taken.el}, {after}, {esr:#x} }}"
    if outcome.kind is Kind.MEMORY:
        return f"{{ SYSREG_MEMORY, 0, {outcome.offset:#x}, 0 }}"
    if outcome.name in _READS:
        return f"{{ SYSREG_READS, 0, {_READS[outcome.name]:#x}, 0 }}"
    if outcome.name in _EL1_REGISTERS and not entry.insn.name.startswith(outcome.name.lower()):
        return f"{{ SYSREG_REGISTER, 0, SYSREG_{outcome.name}, 0 }}"
    return "{ SYSREG_EXECUTES, 0, 0, 0 }"


def _text(tables: _Tables, e2h: int) -> Iterator[str]:
    yield "#include <asm/conform-sysreg.h>\n\n"
    yield code("SYSREG_CODE", tables.code)
    yield array("struct sysreg_insn", "sysreg_insns", tables.insn_lines)
    yield array("struct control_change", "sysreg_changes", tables.changes or ["{ 0 }"])
    yield array("struct sysreg_set", "sysreg_sets", tables.set_lines)
    yield array("struct control_change", "sysreg_base", _changes(_base(e2h), e2h))
    yield array("struct sysreg_outcome", "sysreg_outcomes", tables.outcomes)
    yield array("struct sysreg_row", "sysreg_rows", tables.rows)


def _base(e2h: int) -> Iterator[tuple[str, int]]:
    """Yield every field with its value in the base; SCTLR_EL2 has other fields without E2H."""
    for name in FIELDS[e2h]:
        if e2h or not name.startswith("SCTLR_EL2"):
            yield name, base(e2h=e2h)[name]
