# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows about accesses to system registers."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables import control_needs, sysreg_needs
from kut_model.tables.probes import Entry, Insn, header, set_name
from kut_model.traps.cases import Case, cases, outcome_of
from kut_model.traps.registers import Register, registers
from kut_model.traps.result import Kind

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
#: Write-only registers that are not written: without ICC_CTLR_EL1.EOImode it is UNPREDICTABLE.
_NOT_EXECUTED: Final = frozenset({"ICC_DIR_EL1"})


def area(name: str, title: str, *, e2h: int) -> Area:
    """Return the area of all registers below a host with HCR_EL2.E2H."""
    return Area(name, title, lambda: _rows(name, e2h), lambda: header(_entries(e2h), e2h=e2h))


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
    if case.outcome.kind is Kind.IMPLEMENTATION_DEFINED or _is_disputed(case):
        return False
    return case.outcome.kind is Kind.EXCEPTION or case.register.name not in _NOT_EXECUTED


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
            return {("HCR_EL2.NV1", 1), ("HCR_EL2.NV2", 0)} <= set(case.changes)
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
            matrix=_matrix(case),
        )
        for case in cases_of(e2h=e2h)
    ]


def _matrix(case: Case) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    changes = dict(case.changes)
    found = {
        "N2": bool(changes.get("HCR_EL2.NV2")) and rule_of(case) == "sysreg.nv",
        "AT": "HCR_EL2.AT" in changes and case.register.name.startswith("AT_"),
        "MTE": "HCR_EL2.ATA" in changes and not is_always_undefined(case),
    }
    return tuple(key for key, applies in found.items() if applies)


def _id(name: str, case: Case) -> str:
    insn = insn_name(case.register, write=case.write)
    return f"{name}.{_controls(case)}.{insn}.{case.place}"


def _needs(case: Case) -> tuple[str, ...]:
    if is_always_undefined(case):
        return ()
    every = (
        *sysreg_needs.of_register(case.register),
        *_of_controls(case),
        *sysreg_needs.of_case(case),
    )
    return tuple(dict.fromkeys(every))


def is_always_undefined(case: Case) -> bool:
    """Whether no control matters, and so no feature either: an absent register is UNDEFINED."""
    if not case.outcome.is_undefined:
        return False
    base = outcome_of(case.register, case.place, (), write=case.write, e2h=case.e2h)
    return base.is_undefined


def insn_name(register: Register, *, write: bool) -> str:
    """Return the part of an id for an instruction, as in "sctlr_el1.read", "dc_zva.exec"."""
    kind = "exec" if register.is_instruction else "write" if write else "read"
    return f"{register.name.lower()}.{kind}"


def rule_of(case: Case) -> str:
    """Return the key of the rule that decides a case."""
    if is_always_undefined(case):
        return "sysreg.undefined"
    if len(case.changes) == 2 or case.label.startswith("all"):  # noqa: PLR2004 - a pair
        return "sysreg.priority"
    if case.changes and case.changes[0][0] == "HCR_EL2.NV":
        return "sysreg.nv"
    if case.outcome.kind is not Kind.EXCEPTION:
        return "sysreg.permitted"
    return _rule_of_trap(case)


def _rule_of_trap(case: Case) -> str:
    if not case.changes:
        return "sysreg.identification"
    register = case.changes[0][0].partition(".")[0]
    is_fine = register.startswith(("HFG", "HDFG", "HAFG"))
    return "sysreg.trap.fgt" if is_fine else f"sysreg.trap.{_LEVEL[register]}"


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
            "GCSCRE0_EL1",
            "AMUSERENR_EL0",
        ),
        "el1",
    ),
}


def _entries(e2h: int) -> Iterator[Entry]:
    for case in cases_of(e2h=e2h):
        needs = (*_of_controls(case), *sysreg_needs.of_case(case))
        yield Entry(
            _insn(case.register, write=case.write),
            case.place,
            case.changes,
            _controls(case),
            tuple(dict.fromkeys(needs)),
            case.outcome,
            any_cpu=is_always_undefined(case),
        )


def _of_controls(case: Case) -> tuple[str, ...]:
    """Return the features of changed controls; of all traps, those that the CPU has are set."""
    return () if case.label == "others" else control_needs.of_changes(case.changes)


def _controls(case: Case) -> str:
    return case.label or set_name(case.changes)


@cache
def _insn(register: Register, *, write: bool) -> Insn:
    is_read = write and "r" in register.el1 and "nv" not in register.el1
    limit = sysreg_needs.limit_of(register)
    return Insn(
        insn_name(register, write=write),
        register.opcode(write=write),
        sysreg_needs.of_register(register),
        register.iss(write=write),
        _value(register),
        limit or "NONE",
        register.index if limit else 0,
        reads=_insn(register, write=False) if is_read else None,
    )


def _value(register: Register) -> str:
    if register.is_instruction:
        is_address = register.name.startswith(_ADDRESSED) and not register.name.endswith("SW")
        return "ADDRESS" if is_address else "ZERO"
    return _VALUES.get(register.name, "HELD")
