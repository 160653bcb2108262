# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows about accesses to system registers, and the tables of asm/conform-sysreg.h for them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables import sysreg_needs
from kut_model.traps.cases import Case, Changes, cases, outcome_of
from kut_model.traps.controls import FIELDS, base
from kut_model.traps.registers import Register, registers
from kut_model.traps.result import Kind, Outcome

#: C names of the places, in the order of enum sysreg_place.
_PLACES: Final = {"el1": "SYSREG_EL1", "el0": "SYSREG_EL0", "host-el0": "SYSREG_HOST_EL0"}
#: Values of writes that must not be what the register held (enum sysreg_value).
_VALUES: Final = {
    "DAIF": "DAIF",
    "ICC_EOIR0_EL1": "SPURIOUS",
    "ICC_EOIR1_EL1": "SPURIOUS",
    "ICC_DIR_EL1": "SPURIOUS",
    "CNTP_CTL_EL0": "ZERO",
    "CNTV_CTL_EL0": "ZERO",
    "CNTP_TVAL_EL0": "FUTURE",
    "CNTV_TVAL_EL0": "FUTURE",
}
#: Instructions whose operand is an address that they access.
_ADDRESSED: Final = ("DC_", "IC_IV", "AT_S1E1", "AT_S1E0")
#: Registers whose write is not made: without ICC_CTLR_EL1.EOImode it is UNPREDICTABLE.
_NOT_EXECUTED: Final = frozenset({("ICC_DIR_EL1", True)})
_EL1_REGISTERS: Final = ("SPSR_EL1", "ELR_EL1", "ESR_EL1", "FAR_EL1", "TFSR_EL1")
_CURRENT_EL: Final = {"EL2": 2 << 2, "CurrentEL": 1 << 2}


@dataclass(slots=True)
class Tables:
    """C tables as they grow: each entry by its text, to its number."""

    insns: dict[tuple[str, bool], int] = field(default_factory=dict)
    insn_lines: list[str] = field(default_factory=list)
    code: list[int] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    sets: dict[tuple[Changes, tuple[str, ...]], int] = field(default_factory=dict)
    set_lines: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)


def area(name: str, title: str, *, e2h: int) -> Area:
    """Return the area of all registers below a host with HCR_EL2.E2H."""
    return Area(name, title, lambda: _rows(name, e2h), lambda: _header(e2h))


@cache
def cases_of(*, e2h: int) -> tuple[Case, ...]:
    """Return the cases of an area, in the order of its rows."""
    return tuple(
        case
        for register in registers()
        if not sysreg_needs.UNKNOWABLE.intersection(register.features)
        for case in cases(register, e2h=e2h)
        if _is_known(case)
    )


def _is_known(case: Case) -> bool:
    """Whether the outcome is one, and making it does not change the machine."""
    if case.outcome.kind is Kind.IMPLEMENTATION_DEFINED:
        return False
    if _is_disputed(case):
        return False
    return (
        case.outcome.kind is Kind.EXCEPTION or (case.register.name, case.write) not in _NOT_EXECUTED
    )


def _is_disputed(case: Case) -> bool:
    """Whether two versions of Arm's pseudocode differ.

    CNTPCT_EL0 at EL0 without E2H: CNTHCTL_EL2.EL1PCTEN in the field's description, EL1PCEN in one
    version. PMUSERENR_EL0 at EL0, ICC_BPR1_EL1: UNDEFINED or a trap. SCXTNUM_EL1 with NV1: a trap
    in the field's description, none in the register's accessor; TFSR_EL1 the other way round, and
    SCXTNUM_EL0 at EL0 of a host with VHE for HCR_EL2.EnSCXT.
    """
    changed = {name for name, _ in case.changes}
    match case.register.name:
        case "CNTPCT_EL0" | "CNTPCTSS_EL0":
            counter = {"CNTHCTL_EL2.EL1PCTEN", "CNTHCTL_EL2.EL1PCEN"}
            return case.place.el == 0 and not case.e2h and not counter.isdisjoint(changed)
        case "SCXTNUM_EL0":
            return bool(case.place.tge and case.e2h and "HCR_EL2.EnSCXT" in changed)
        case "PMUSERENR_EL0":
            return case.place.el == 0 and case.write and "MDCR_EL2.TPM" in changed
        case "SCXTNUM_EL1" | "TFSR_EL1":
            return (
                dict(case.changes).get("HCR_EL2.NV1") == 1 and not dict(case.changes)["HCR_EL2.NV2"]
            )
        case "ICC_BPR1_EL1":
            return "ICC_SRE_EL1.SRE" in changed
    return False


def _rows(name: str, e2h: int) -> list[Row]:
    return [
        Row(
            id=_id(name, case),
            rule=rule_of(case),
            expected=str(case.outcome),
            needs=_needs(case),
            kind=UNDEFINED if case.outcome.is_undefined else "",
        )
        for case in cases_of(e2h=e2h)
    ]


def _id(name: str, case: Case) -> str:
    insn = insn_name(case.register, write=case.write)
    return f"{name}.{set_name(case.changes)}.{insn}.{case.place}"


def _needs(case: Case) -> tuple[str, ...]:
    if is_always_undefined(case):
        return ()
    every = (
        *sysreg_needs.of_register(case.register),
        *sysreg_needs.of_changes(case),
        *sysreg_needs.of_case(case),
    )
    return tuple(dict.fromkeys(every))


def is_always_undefined(case: Case) -> bool:
    """Whether no control matters, and so no feature either: an absent register is UNDEFINED."""
    base_outcome = outcome_of(case.register, case.place, (), write=case.write, e2h=case.e2h)
    return case.outcome.is_undefined and base_outcome.is_undefined


def insn_name(register: Register, *, write: bool) -> str:
    """Return the part of an id for an instruction, as in "sctlr_el1.read", "dc_zva.exec"."""
    kind = "exec" if register.is_instruction else "write" if write else "read"
    return f"{register.name.lower()}.{kind}"


def set_name(changes: Changes) -> str:
    """Return the part of an id for controls, as in "hcr.tid3", "cptr.fpen-0", "nv-nv2", "base"."""
    if is_others(changes):
        return "others"
    if changes and changes[0][0] == "HCR_EL2.NV":
        return "-".join(name.partition(".")[2].lower() for name, value in changes if value)
    return ".".join(_change_name(name, value) for name, value in changes) or "base"


def is_others(changes: Changes) -> bool:
    """Whether they are all the traps that a register is none of."""
    return len(changes) > 3  # noqa: PLR2004 - NV, NV1 and NV2 are the most that are meant by name


def _change_name(name: str, value: int) -> str:
    register, _, field_ = name.partition(".")
    register = register if register.startswith("SCTLR") else register.removesuffix("_EL2")
    return f"{register}.{field_}".lower() + ("" if value == 1 else f"-{value}")


def rule_of(case: Case) -> str:
    """Return the key of the rule that decides a case."""
    outcome = case.outcome
    if len(case.changes) == 2:  # noqa: PLR2004 - a pair
        return "sysreg.priority"
    if case.changes and case.changes[0][0] == "HCR_EL2.NV":
        return "sysreg.nv"
    if outcome.is_undefined:
        return "sysreg.undefined"
    if outcome.kind is not Kind.EXCEPTION:
        return "sysreg.permitted"
    assert outcome.taken  # noqa: S101 - by its kind
    if not case.changes:
        return "sysreg.identification"
    register = case.changes[0][0].partition(".")[0]
    return (
        "sysreg.trap.fgt"
        if register.startswith(("HFG", "HDFG", "HAFG"))
        else f"sysreg.trap.{_LEVEL[register]}"
    )


_LEVEL: Final = {
    **dict.fromkeys(("HCR_EL2", "HCRX_EL2"), "hcr"),
    "MDCR_EL2": "mdcr",
    "CPTR_EL2": "cptr",
    "CNTHCTL_EL2": "cnthctl",
    **dict.fromkeys(("ICH_HCR_EL2", "ICC_SRE_EL2", "ICC_SRE_EL1"), "gic"),
    **dict.fromkeys(("MPAM2_EL2", "MPAMHCR_EL2"), "mpam"),
    **dict.fromkeys(
        (
            "SCTLR_EL1",
            "SCTLR_EL2",
            "CPACR_EL1",
            "CNTKCTL_EL1",
            "MDSCR_EL1",
            "PMUSERENR_EL0",
            "AMUSERENR_EL0",
        ),
        "el1",
    ),
}


def _header(e2h: int) -> str:
    tables = Tables()
    for case in cases_of(e2h=e2h):
        insn = _insn(tables, case.register, write=case.write)
        chosen = _set(tables, case)
        outcome = tables.outcomes.setdefault(_outcome(case.outcome), len(tables.outcomes))
        always = str(is_always_undefined(case)).lower()
        tables.rows.append(
            f"{{ {insn}, {chosen}, {outcome}, {_PLACES[str(case.place)]}, {always} }}"
        )
    return "".join(_text(tables, e2h))


def _insn(tables: Tables, register: Register, *, write: bool) -> int:
    """Return the number of an instruction; a write comes behind the read of its register."""
    key = (register.name, write)
    if key in tables.insns:
        return tables.insns[key]
    reads = "SYSREG_NO_READ"
    if write and "r" in register.el1 and "nv" not in register.el1:
        reads = str(_insn(tables, register, write=False))
    number = tables.insns[key] = len(tables.insns)
    rt = 1 + number % 30
    limit = next(
        (sysreg_needs.LIMITS[word] for word in register.features if word in sysreg_needs.LIMITS),
        "NONE",
    )
    iss = register.iss(write=write) | rt << 5
    tables.insn_lines.append(
        f'{{ "{insn_name(register, write=write)}", {_bits(sysreg_needs.of_register(register))},'
        f" {iss:#x}, {reads}, {rt}, SYSREG_VALUE_{_value(register)},"
        f" SYSREG_LIMIT_{limit}, {register.index if limit != 'NONE' else 0} }}"
    )
    tables.code.append(register.opcode(write=write) | rt)
    return number


def _value(register: Register) -> str:
    if register.is_instruction:
        return (
            "ADDRESS"
            if register.name.startswith(_ADDRESSED) and not register.name.endswith("SW")
            else "ZERO"
        )
    return _VALUES.get(register.name, "HELD")


def _bits(needs: Iterable[str]) -> str:
    return " | ".join(f"BIT(CONFORM_{need})" for need in needs) or "0"


def _set(tables: Tables, case: Case) -> int:
    """Return the number of a case's controls with their needs."""
    needs = tuple(dict.fromkeys((*sysreg_needs.of_changes(case), *sysreg_needs.of_case(case))))
    key = (case.changes, needs)
    if key not in tables.sets:
        tables.sets[key] = len(tables.sets)
        lines = list(changes_in_c(case.changes, case.e2h))
        name = set_name(case.changes)
        tables.set_lines.append(
            f'{{ "{name}", {_bits(needs)}, {len(tables.changes)}, {len(lines)} }}'
        )
        tables.changes += lines
    return tables.sets[key]


def changes_in_c(changes: Iterable[tuple[str, int]], e2h: int) -> Iterator[str]:
    """Yield struct control_change, one for each register, without fields of the other layout."""
    changes = tuple(changes)
    others = is_others(changes)
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
            fixed or (name in sysreg_needs.MAY_BE_FIXED and not others),
        )
    for register, (mask, bits, fixed) in by_register.items():
        yield f"{{ CONTROL_{register}, {str(fixed).lower()}, {mask:#x}, {bits:#x} }}"


def _outcome(outcome: Outcome) -> str:
    """Return struct sysreg_outcome."""
    if outcome.taken:
        esr = outcome.taken.esr
        esr = esr & ~0x1FFFFFF if outcome.taken.ec == 0x18 else esr  # noqa: PLR2004
        return f"{{ SYSREG_EXCEPTION, {outcome.taken.el}, 0, {esr:#x} }}"
    if outcome.kind is Kind.MEMORY:
        return f"{{ SYSREG_MEMORY, 0, {outcome.offset:#x}, 0 }}"
    if outcome.name in _CURRENT_EL:
        return f"{{ SYSREG_READS, 0, {_CURRENT_EL[outcome.name]}, 0 }}"
    return "{ SYSREG_EXECUTES, 0, 0, 0 }"


def _text(tables: Tables, e2h: int) -> Iterator[str]:
    yield "#include <asm/conform-sysreg.h>\n\n"
    yield "/* The instructions, each before an HVC */\n#define SYSREG_CODE \\\n"
    yield "\n".join(f'\t".inst {word:#x}, 0xd4000002\\n" \\' for word in tables.code)
    yield '\n\t""\n\n'
    yield from _array("struct sysreg_insn", "insns", tables.insn_lines)
    yield from _array("struct control_change", "changes", tables.changes or ["{ 0 }"])
    yield from _array("struct sysreg_set", "sets", tables.set_lines)
    yield from _array("struct control_change", "base", list(changes_in_c(_base(e2h), e2h)))
    yield from _array("struct sysreg_outcome", "outcomes", list(tables.outcomes))
    yield from _array("struct sysreg_row", "rows", tables.rows)


def _base(e2h: int) -> Iterator[tuple[str, int]]:
    """Yield every field with its value in the base; SCTLR_EL2 has other fields without E2H."""
    for name in FIELDS[e2h]:
        if e2h or not name.startswith("SCTLR_EL2"):
            yield name, base(e2h=e2h)[name]


def _array(kind: str, name: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"static const {kind} sysreg_{name}[] = {{\n"
    yield from (f"\t{line},\n" for line in lines)
    yield "};\n\n"
