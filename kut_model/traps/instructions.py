# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions that controls trap, or that are exceptions: what they do at EL1 and EL0 in AArch64.

The machine is that of `access`. Nothing is pending that ends WFI or WFE.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from typing import Final

from kut_model.traps.execution import (
    CONDITION_ALWAYS,
    FP,
    SME,
    SVE,
    Execution,
    Unit,
    el1_disables,
    el2_disables,
)
from kut_model.traps.outcome import ExceptionClass
from kut_model.traps.result import Kind, Outcome

_EXECUTES: Final = Outcome(Kind.EXECUTE)
#: Instructions that would be executed, UNDEFINED, an exception, and trapped.
_BEFORE_ALL: Final = (
    ("nop", 0xD503201F),
    ("udf", 0),
    ("svc", 0xD4000001),
    ("hcr_el2.read", 0xD53C1100),
)
_IMMEDIATES: Final = (0x0000, 0x0001, 0x8000, 0x5A5A, 0xFFFF)


class Wait(IntEnum):
    """WFI and the like: ISS.TI of a trapped one (D24.2, ESR_EL2)."""

    WFI = 0
    WFE = 1
    WFIT = 2
    WFET = 3


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction, and what it does."""

    name: str
    """Part of ids, as in "svc.0x5a5a"."""
    opcode: int
    rule: str
    outcome: Callable[[Execution], Outcome]
    els: tuple[int, ...] = (1, 0)
    features: tuple[str, ...] = ()
    value: str = "ZERO"
    """What its registers hold (enum sysreg_value)."""
    limit: str = "NONE"
    """What the CPU may lack beside features (enum sysreg_limit)."""
    may_execute: bool = False
    """Whether a trap is not guaranteed to be taken: it may also execute (C6.2, WFI and WFE)."""
    state: str = ""
    """`Place.state`."""
    host: bool = True
    """Whether there are rows for EL0 of a host."""


def hvc(execution: Execution, imm: int) -> Outcome:
    """HVC (AArch64.CallHypervisor): HCR_EL2.HCD disables it, which EL3 would make RES0."""
    if execution.el == 0 or execution.state["HCR_EL2.HCD"]:
        return execution.undefined()
    return execution.exception(2, ExceptionClass.HVC64, imm, after=True)


def smc(execution: Execution, imm: int) -> Outcome:
    """SMC without EL3 (AArch64.CheckForSMCUndefOrTrap).

    HCR_EL2.TSC then traps with NV. Without NV it is IMPLEMENTATION DEFINED whether it does (D24.2,
    HCR_EL2.TSC), so that UNDEFINED is permitted, too; the pseudocode has no trap.
    """
    state = execution.state
    if execution.el == 0 or not state["HCR_EL2.TSC"]:
        return execution.undefined()
    trap = execution.exception(2, ExceptionClass.SMC64, imm)
    return replace(trap, or_undefined=not state["HCR_EL2.NV"])


def svc(
    execution: Execution, imm: int, ec: ExceptionClass = ExceptionClass.SVC64, il: int = 1
) -> Outcome:
    """SVC (AArch64.CallSupervisor, AArch64.CheckForSVCTrap)."""
    if not execution.host and execution.state[f"HFGITR_EL2.SVC_EL{execution.el}"]:
        return execution.exception(2, ec, imm, il=il)
    return execution.exception(1, ec, imm, after=True, il=il)


def brk(
    execution: Execution, imm: int, ec: ExceptionClass = ExceptionClass.BRK64, il: int = 1
) -> Outcome:
    """BRK, BKPT (AArch64.SoftwareBreakpoint): to EL2 with MDCR_EL2.TDE, or TGE."""
    return execution.exception(2 if execution.state["MDCR_EL2.TDE"] else 1, ec, imm, il=il)


def wait(execution: Execution, kind: Wait, rt: int) -> Outcome:
    """WFI, WFE, WFIT, WFET (AArch64.CheckForWFxTrap): SCTLR_ELx at EL0, then HCR_EL2."""
    field = "TWE" if kind in {Wait.WFE, Wait.WFET} else "TWI"
    timed = kind in {Wait.WFIT, Wait.WFET}
    iss = CONDITION_ALWAYS | (rt << 5 | 1 << 2 if timed else 0) | kind
    sctlr = "SCTLR_EL2" if execution.host else "SCTLR_EL1"
    if execution.el == 0 and not execution.state[f"{sctlr}.n{field}"]:
        return execution.exception(1, ExceptionClass.WFX, iss)
    if not execution.host and execution.state[f"HCR_EL2.{field}"]:
        return execution.exception(2, ExceptionClass.WFX, iss)
    return _EXECUTES


def eret(execution: Execution, iss: int) -> Outcome:
    """ERET, ERETAA, ERETAB at EL1 (AArch64.CheckForERetTrap)."""
    state = execution.state
    if execution.el == 0:
        return execution.undefined()
    trapped = state["HCR_EL2.NV"] or state["HFGITR_EL2.ERET"]
    return execution.exception(2, ExceptionClass.ERET, iss) if trapped else _EXECUTES


def vectors(execution: Execution, units: tuple[Unit, ...]) -> Outcome:
    """Use FP and SIMD, SVE or SME: EL1's controls of all units, then those of EL2."""
    for check in (el1_disables, el2_disables):
        for unit in units:
            if outcome := check(execution, unit):
                return outcome
    return _EXECUTES


def pauth(execution: Execution, enable: str) -> Outcome:
    """PAC and AUT instructions (AddPACIA and the like); PACGA has no `enable`."""
    state = execution.state
    enabled = not enable or state[f"SCTLR_EL1.{enable}"]
    if enabled and not execution.host and not state["HCR_EL2.API"]:
        return execution.exception(2, ExceptionClass.PAC)
    return _EXECUTES


def stack_access(execution: Execution) -> Outcome:
    """Load from SP that is not aligned (CheckSPAlignment): SCTLR_ELx.SA, SA0 at EL0."""
    register = "SCTLR_EL2" if execution.host else "SCTLR_EL1"
    field = "SA" if execution.el else "SA0"
    if execution.state[f"{register}.{field}"]:
        return execution.exception(1, ExceptionClass.SP_ALIGNMENT)
    return _EXECUTES


def illegal_state(execution: Execution) -> Outcome:
    """Any instruction with PSTATE.IL set (AArch64.CheckIllegalState)."""
    return execution.exception(1, ExceptionClass.ILLEGAL_STATE)


def misaligned_pc(execution: Execution) -> Outcome:
    """Any instruction at an address that is not aligned (AArch64.CheckPCAlignment)."""
    return execution.exception(1, ExceptionClass.PC_ALIGNMENT)


def undefined(execution: Execution) -> Outcome:
    """UDF, and instructions of AArch32 that EL0 never has."""
    return execution.undefined()


def instructions() -> Iterator[Instruction]:
    """Yield all of them."""
    yield from _calls()
    yield from _waits()
    yield from _returns()
    yield Instruction("udf.0", 0, "insn.undefined", undefined)
    yield Instruction("fmov", 0x9E660000, "insn.vectors", partial(vectors, units=(FP,)))
    yield Instruction(
        *("ptrue", 0x2518E3E0, "insn.vectors", partial(vectors, units=(SVE, FP))),
        features=("FEAT_SVE",),
    )
    yield Instruction(
        *("rdsvl", 0x04BF5820, "insn.vectors", partial(vectors, units=(SME,))),
        features=("FEAT_SME",),
    )
    yield from _pauth()
    yield Instruction("ldr-sp", 0xF94003E0, "insn.alignment", stack_access)
    for name, opcode in _BEFORE_ALL:
        yield Instruction(name, opcode, "insn.illegal", illegal_state, state="il")
        yield Instruction(name, opcode, "insn.alignment", misaligned_pc, state="pc")


def _calls() -> Iterator[Instruction]:
    for imm in _IMMEDIATES:
        for name, opcode, rule, outcome, els in (
            ("svc", 0xD4000001, "insn.svc", partial(svc, imm=imm), (1, 0)),
            ("smc", 0xD4000003, "insn.smc", partial(smc, imm=imm), (1, 0)),
            ("brk", 0xD4200000, "insn.brk", partial(brk, imm=imm), (1, 0)),
            ("hvc", 0xD4000002, "insn.undefined", partial(hvc, imm=imm), (0,)),
        ):
            yield Instruction(f"{name}.{imm:#06x}", opcode | imm << 5, rule, outcome, els)


def _waits() -> Iterator[Instruction]:
    rt = 3
    for kind, opcode in (
        (Wait.WFI, 0xD503207F),
        (Wait.WFE, 0xD503205F),
        (Wait.WFIT, 0xD5031020 | rt),
        (Wait.WFET, 0xD5031000 | rt),
    ):
        timed = kind in {Wait.WFIT, Wait.WFET}
        yield Instruction(
            *(kind.name.lower(), opcode, "insn.wait", partial(wait, kind=kind, rt=rt)),
            features=("FEAT_WFxT",) if timed else (),
            value="TIMEOUT" if timed else "EVENT",
            may_execute=True,
        )


def _returns() -> Iterator[Instruction]:
    for name, opcode, iss in (
        ("eret", 0xD69F03E0, 0),
        ("eretaa", 0xD69F0BFF, 2),
        ("eretab", 0xD69F0FFF, 3),
    ):
        limit = "POINTER_AUTHENTICATION" if iss else "NONE"
        outcome = partial(eret, iss=iss)
        yield Instruction(name, opcode, "insn.eret", outcome, (1,), value="RETURN", limit=limit)


def _pauth() -> Iterator[Instruction]:
    for kind, base in (("pac", 0xDAC10020), ("aut", 0xDAC11020)):
        for number, key in enumerate(("IA", "IB", "DA", "DB")):
            yield _pauth_instruction(f"{kind}{key.lower()}", base | number << 10, f"En{key}")
    yield _pauth_instruction("pacga", 0x9AC23020, "")


def _pauth_instruction(name: str, opcode: int, enable: str) -> Instruction:
    outcome = partial(pauth, enable=enable)
    limit = "POINTER_AUTHENTICATION"
    return Instruction(name, opcode, "insn.pauth", outcome, limit=limit, host=False)
