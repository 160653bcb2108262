# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the tables: each returns the outcome of an access, or None where it does not apply.

`CONDITIONS` has them by the name that the tables use. Sources: DDI 0487, D24.2, descriptions of the
fields named; pseudocode of the registers' accessors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from kut_model.traps.controls import State
from kut_model.traps.execution import FP, SME, SVE, Execution, Unit, el1_disables, el2_disables
from kut_model.traps.outcome import ExceptionClass
from kut_model.traps.registers import Register
from kut_model.traps.result import Kind, Outcome


@dataclass(frozen=True, slots=True)
class Access(Execution):
    """An access to a register at EL1 or EL0."""

    register: Register
    write: bool

    def trap(self, el: int) -> Outcome:
        """Trap it to `el`, or EL2 if EL1 takes nothing from EL0 (AArch64.SystemAccessTrap)."""
        return self.exception(el, ExceptionClass.SYS64, self.register.iss(write=self.write))

    def made(self, name: str = "") -> Outcome:
        """Return that it is made, to the register `name` if that is another one."""
        if self.register.is_instruction:
            return Outcome(Kind.EXECUTE)
        return Outcome(Kind.ACCESS, name or self.register.name)


Condition: TypeAlias = Callable[[Access, str], Outcome | None]


def _field(register: str, *, value: int = 1, of_host: bool = True) -> Condition:
    """Trap to EL2 where the field of `register` that is the argument has the value.

    `of_host`: EL0 of a host with VHE as well, for which HCR_EL2 and others trap nothing.
    """

    def condition(access: Access, field: str) -> Outcome | None:
        if access.host and not of_host:
            return None
        return access.trap(2) if access.state[f"{register}.{field}"] == value else None

    return condition


_hcr = _field("HCR_EL2", of_host=False)


def _hcrx_write(access: Access, field: str) -> Outcome | None:
    return access.trap(2) if access.write and access.state[f"HCRX_EL2.{field}"] else None


def _vm(access: Access, _argument: str) -> Outcome | None:
    """HCR_EL2.TVM and TRVM: virtual memory controls."""
    return _hcr(access, "TVM" if access.write else "TRVM")


def _fgt_value(access: Access, prefix: str, field: str) -> int | None:
    """Return the fine-grained trap of this direction; None where FGT does not apply."""
    if access.host:
        return None
    return access.state[
        f"{prefix}{'W' if access.write else 'R'}TR_EL2.{field or access.register.name}"
    ]


def _fgt(access: Access, field: str) -> Outcome | None:
    """HFGRTR_EL2 and HFGWTR_EL2."""
    return access.trap(2) if _fgt_value(access, "HFG", field) else None


def _fgt_clear(access: Access, field: str) -> Outcome | None:
    """HFGRTR_EL2 and HFGWTR_EL2, fields that trap with 0."""
    return access.trap(2) if _fgt_value(access, "HFG", field) == 0 else None


def _dfgt(access: Access, field: str) -> Outcome | None:
    """HDFGRTR_EL2 and HDFGWTR_EL2."""
    return access.trap(2) if _fgt_value(access, "HDFG", field) else None


def _dfgt_write(access: Access, field: str) -> Outcome | None:
    """HDFGWTR_EL2 for registers whose reads it does not trap."""
    return _dfgt(access, field) if access.write else None


def _ifgt(access: Access, field: str) -> Outcome | None:
    """HFGITR_EL2: instructions."""
    name = field or access.register.name.replace("_", "")
    return access.trap(2) if not access.host and access.state[f"HFGITR_EL2.{name}"] else None


def _ifgt_nxs(access: Access, field: str) -> Outcome | None:
    """HFGITR_EL2 for an nXS variant, unless HCRX_EL2.FGTnXS exempts it."""
    return None if access.state["HCRX_EL2.FGTnXS"] else _ifgt(access, field)


def _debug(field: str) -> Condition:
    """MDCR_EL2.TDE counts as each of TDA, TDRA and TDOSA, and TGE as TDE (DDI 0487, D24.3)."""

    def condition(access: Access, _argument: str) -> Outcome | None:
        state = access.state
        trapped = state["MDCR_EL2.TDE"] or access.tge or state[f"MDCR_EL2.{field}"]
        return access.trap(2) if trapped else None

    return condition


def _e2pb(access: Access, _argument: str) -> Outcome | None:
    """MDCR_EL2.E2PB: the profiling buffer, unless EL1 owns it (0b1x is 0bx1 here)."""
    return None if access.state["MDCR_EL2.E2PB"] & 1 else access.trap(2)


def _vector(unit: Unit) -> Condition:
    """CPACR_EL1 and CPTR_EL2: registers of FP, SVE or SME."""

    def condition(access: Access, _argument: str) -> Outcome | None:
        return el1_disables(access, unit) or el2_disables(access, unit)

    return condition


def _sctlr(field: str, value: int) -> Condition:
    """SCTLR_EL1 (EL0 of a host with VHE: SCTLR_EL2) traps EL0 where the field has the value."""

    def condition(access: Access, _argument: str) -> Outcome | None:
        if access.el:
            return None
        register = "SCTLR_EL2" if access.host else "SCTLR_EL1"
        return access.trap(1) if access.state[f"{register}.{field}"] == value else None

    return condition


def _uma(access: Access, _argument: str) -> Outcome | None:
    """SCTLR_EL1.UMA: DAIF at EL0, which a host with VHE always traps."""
    trapped = not access.el and (access.host or not access.state["SCTLR_EL1.UMA"])
    return access.trap(1) if trapped else None


def _monitors(access: Access, field: str, *, alternative: bool) -> Outcome | None:
    state = access.state
    permitted = state["PMUSERENR_EL0.EN"] or (alternative and state[f"PMUSERENR_EL0.{field}"])
    return None if access.el or permitted else access.trap(1)


def _pmu(access: Access, field: str) -> Outcome | None:
    """PMUSERENR_EL0.EN; `field` permits it too."""
    return _monitors(access, field, alternative=bool(field))


def _pmu_read(access: Access, field: str) -> Outcome | None:
    """PMUSERENR_EL0.EN; `field` permits reads too."""
    return _monitors(access, field, alternative=not access.write)


def _amu(access: Access, _argument: str) -> Outcome | None:
    return None if access.el or access.state["AMUSERENR_EL0.EN"] else access.trap(1)


def _mdscr_tdcc(access: Access, _argument: str) -> Outcome | None:
    """MDSCR_EL1.TDCC: the debug communications channel at EL0."""
    return access.trap(1) if not access.el and access.state["MDSCR_EL1.TDCC"] else None


def _cp15ben(access: Access, _argument: str) -> Outcome | None:
    """SCTLR_EL1.CP15BEN: barriers of coprocessor 15."""
    return None if access.state["SCTLR_EL1.CP15BEN"] else access.undefined()


def _gcs_ntr(access: Access, _argument: str) -> Outcome | None:
    """GCSCRE0_EL1.nTR: the pointer of a guarded control stack at EL0."""
    return None if access.el or access.state["GCSCRE0_EL1.nTR"] else access.trap(1)


def _sre(access: Access, _argument: str) -> Outcome | None:
    """ICC_SRE_EL1.SRE: system registers of the GIC."""
    return None if access.state["ICC_SRE_EL1.SRE"] else access.trap(1)


def _sgi(access: Access, _argument: str) -> Outcome | None:
    """SGIs of a guest with virtual interrupts: HCR_EL2.FMO or IMO."""
    return access.trap(2) if access.state["HCR_EL2.FMO"] or access.state["HCR_EL2.IMO"] else None


def _icc_sre(access: Access, _argument: str) -> Outcome | None:
    return None if access.state["ICC_SRE_EL2.Enable"] else access.trap(2)


def _gic_virtual(groups: str) -> Condition:
    """Make it to the virtual CPU interface by HCR_EL2.FMO for group 0, IMO for group 1."""

    def condition(access: Access, _argument: str) -> Outcome | None:
        virtual = any(access.state[f"HCR_EL2.{field}"] for field in groups.split())
        return access.made(access.register.name.replace("ICC", "ICV")) if virtual else None

    return condition


def _el0_enable(access: Access, *fields: str) -> Outcome | None:
    """CNTKCTL_EL1 (EL0 of a host with VHE: CNTHCTL_EL2) has none of the fields set."""
    register = "CNTHCTL_EL2" if access.host else "CNTKCTL_EL1"
    enabled = access.el or any(access.state[f"{register}.{field}"] for field in fields)
    return None if enabled else access.trap(1)


def _cntfrq(access: Access, _argument: str) -> Outcome | None:
    return _el0_enable(access, "EL0PCTEN", "EL0VCTEN")


def _cntpct(access: Access, _argument: str) -> Outcome | None:
    """CNTHCTL_EL2.EL1PCTEN, at other bits with E2H."""
    if found := _el0_enable(access, "EL0PCTEN"):
        return found
    enabled = access.host or access.state["CNTHCTL_EL2.EL1PCTEN"]
    return None if enabled else access.trap(2)


def _cntvct(access: Access, _argument: str) -> Outcome | None:
    """CNTHCTL_EL2.EL1TVCT."""
    if found := _el0_enable(access, "EL0VCTEN"):
        return found
    return access.trap(2) if not access.host and access.state["CNTHCTL_EL2.EL1TVCT"] else None


def _cntp(access: Access, _argument: str) -> Outcome | None:
    """CNTHCTL_EL2.EL1PCEN, which is EL1PTEN with E2H."""
    if found := _el0_enable(access, "EL0PTEN"):
        return found
    field = "EL1PTEN" if access.state["HCR_EL2.E2H"] else "EL1PCEN"
    return None if access.host or access.state[f"CNTHCTL_EL2.{field}"] else access.trap(2)


def _cntv(access: Access, _argument: str) -> Outcome | None:
    """CNTHCTL_EL2.EL1TVT."""
    if found := _el0_enable(access, "EL0VTEN"):
        return found
    return access.trap(2) if not access.host and access.state["CNTHCTL_EL2.EL1TVT"] else None


def _timer_of_host(access: Access, _argument: str) -> Outcome | None:
    """EL0 of a host with VHE uses the EL2 timers by their EL0 names."""
    kind = access.register.name[3]
    name = access.register.name.replace(f"CNT{kind}_", f"CNTH{kind}_").replace("EL0", "EL2")
    return access.made(name) if access.host else None


def _sp_el0(access: Access, _argument: str) -> Outcome | None:
    """SP_EL0 is UNDEFINED at EL1 while it is the stack pointer."""
    return None if access.state["PSTATE.SP"] else access.undefined()


def _current_el(access: Access, _argument: str) -> Outcome | None:
    """HCR_EL2.NV: EL1 reads that it is EL2."""
    return access.made("EL2") if access.state["HCR_EL2.NV"] else None


def _virtual(access: Access, name: str) -> Outcome | None:
    """EL1 reads the register of EL2 instead."""
    return access.made(name) if access.el else None


def _vdisr(access: Access, _argument: str) -> Outcome | None:
    """HCR_EL2.AMO: DISR_EL1 is the virtual one."""
    return access.made("VDISR_EL2") if access.state["HCR_EL2.AMO"] else None


def _tidcp(access: Access, _argument: str) -> Outcome | None:
    """HCR_EL2.TIDCP; at EL0 it is IMPLEMENTATION DEFINED whether it traps."""
    if access.el and access.state["HCR_EL2.TIDCP"]:
        return access.trap(2)
    return Outcome(Kind.IMPLEMENTATION_DEFINED)


def _nested(state: State) -> tuple[int, int, int]:
    """HCR_EL2.{NV2, NV1, NV}."""
    return state["HCR_EL2.NV2"], state["HCR_EL2.NV1"], state["HCR_EL2.NV"]


def _memory(argument: str, access: Access) -> Outcome:
    """VNCR_EL2 + the offset "0x400", or "0x400+n" for an array of 8 bytes each."""
    offset = int(argument.removesuffix("+n"), 16)
    each = 8 * access.register.index if argument.endswith("+n") else 0
    return Outcome(Kind.MEMORY, offset=offset + each)


def _nvmem(access: Access, argument: str) -> Outcome | None:
    """NV2 makes the register of EL1 memory, whatever NV1 is (D8.11.9)."""
    nv2, _, nv = _nested(access.state)
    return _memory(argument, access) if access.el and nv2 and nv else None


def _nvmem1(access: Access, argument: str) -> Outcome | None:
    """NV2 and NV1 make the register of EL1 memory."""
    return _memory(argument, access) if access.el and all(_nested(access.state)) else None


def _nv1(access: Access, _argument: str) -> Outcome | None:
    """HCR_EL2.NV1 without NV2 traps the exception registers of EL1, whatever NV is."""
    nv2, nv1, _ = _nested(access.state)
    return access.trap(2) if nv1 and not nv2 else None


def _nv(access: Access, argument: str) -> Outcome | None:
    """NV2 makes the register of EL2 memory, NV traps it; otherwise it is UNDEFINED."""
    nv2, _, nv = _nested(access.state)
    if nv2 and nv and argument:
        return _memory(argument, access)
    return access.trap(2) if nv else access.undefined()


def _nv_register(access: Access, name: str) -> Outcome | None:
    """NV2 makes the register of EL2 that of EL1, for a guest hypervisor with VHE."""
    nv2, _, nv = _nested(access.state)
    return access.made(name) if nv2 and nv else _nv(access, "")


def _nv_tfsr(access: Access, _argument: str) -> Outcome | None:
    """TFSR_EL2 is TFSR_EL1 with NV2, which HCR_EL2.ATA may trap."""
    nv2, _, nv = _nested(access.state)
    if nv2 and nv and not access.state["HCR_EL2.ATA"]:
        return access.trap(2)
    return _nv_register(access, "TFSR_EL1")


def _el12(access: Access, argument: str) -> Outcome | None:
    """_EL12 names: memory with NV2 unless NV1, a trap with NV, or UNDEFINED."""
    nv2, nv1, nv = _nested(access.state)
    if nv2 and nv and not nv1:
        return _memory(argument, access)
    return _nv(access, "")


def _el02(access: Access, argument: str) -> Outcome | None:
    """_EL02 names of timers: as _EL12, and CNTHCTL_EL2.EL1NVPCT or EL1NVVCT trap the memory."""
    offset, _, field = argument.partition(":")
    nv2, nv1, nv = _nested(access.state)
    if nv2 and nv and not nv1 and access.state[f"CNTHCTL_EL2.{field}"]:
        return access.trap(2)
    return _el12(access, offset)


CONDITIONS: Final[dict[str, Condition]] = {
    "afgt": _field("HAFGRTR_EL2", of_host=False),
    "amu": _amu,
    "cntfrq": _cntfrq,
    "cntp": _cntp,
    "cntpct": _cntpct,
    "cntv": _cntv,
    "cntvct": _cntvct,
    "cp15ben": _cp15ben,
    "cptr": _field("CPTR_EL2"),
    "currentel": _current_el,
    "dfgt": _dfgt,
    "dfgtw": _dfgt_write,
    "dze": _sctlr("DZE", 0),
    "e2pb": _e2pb,
    "el02": _el02,
    "el12": _el12,
    "enrctx": _sctlr("EnRCTX", 0),
    "entp2": _sctlr("EnTP2", 0),
    "fgt": _fgt,
    "fgt0": _fgt_clear,
    "fp": _vector(FP),
    "gcsntr": _gcs_ntr,
    "hcr": _hcr,
    "hcr!": _field("HCR_EL2", value=0, of_host=False),
    "hcrx!": _field("HCRX_EL2", value=0, of_host=False),
    "hcrxw": _hcrx_write,
    "hstr": _field("HSTR_EL2", of_host=False),
    "iccsre": _icc_sre,
    "ich": _field("ICH_HCR_EL2"),
    "icv0": _gic_virtual("FMO"),
    "icv01": _gic_virtual("FMO IMO"),
    "icv1": _gic_virtual("IMO"),
    "ifgt": _ifgt,
    "ifgtnxs": _ifgt_nxs,
    "impdef": _tidcp,
    "mdcr": _field("MDCR_EL2"),
    "mpam2": _field("MPAM2_EL2"),
    "mpamhcr": _field("MPAMHCR_EL2"),
    "nv": _nv,
    "nv1": _nv1,
    "nv=": _nv_register,
    "nvmem": _nvmem,
    "nvmem1": _nvmem1,
    "nvtfsr": _nv_tfsr,
    "pmu": _pmu,
    "pmur": _pmu_read,
    "sgi": _sgi,
    "sme": _vector(SME),
    "spsel": _sp_el0,
    "sre": _sre,
    "sve": _vector(SVE),
    "tda": _debug("TDA"),
    "tdcc": _mdscr_tdcc,
    "tdosa": _debug("TDOSA"),
    "tdra": _debug("TDRA"),
    "timer": _timer_of_host,
    "tscxt": _sctlr("TSCXT", 1),
    "uci": _sctlr("UCI", 0),
    "uct": _sctlr("UCT", 0),
    "uma": _uma,
    "vdisr": _vdisr,
    "virtual": _virtual,
    "vm": _vm,
}
