# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields of registers that enable or trap instructions: where they are, and the base of the rows.

The base permits what EL1 and EL0 can be permitted; every field that it does not name is 0.
Source: DDI 0487, D24.2, the registers' field descriptions.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final


def _fields(register: str, text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield fields from "NAME BIT" and "NAME HIGH:LOW", separated by commas."""
    for field in text.split(","):
        name, bits = field.split()
        high, _, low = bits.partition(":")
        yield f"{register}.{name}", (int(low or high), int(high) - int(low or high) + 1)


def _flags(register: str, first: int, names: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield fields of one bit each in consecutive order; "-" leaves one out."""
    for bit, name in enumerate(names.split(), first):
        if name != "-":
            yield f"{register}.{name}", (bit, 1)


def _of(registers: str, fields: str) -> tuple[str, ...]:
    return tuple(
        f"{register}.{field}" for register in registers.split() for field in fields.split()
    )


_HCR: Final = (
    "FMO 3, IMO 4, AMO 5, VI 7, DC 12, TWI 13, TWE 14, TID0 15, TID1 16, TID2 17, TID3 18, TSC 19,"
    " TIDCP 20, TACR 21, TSW 22, TPC 23, TPU 24, TTLB 25, TVM 26, TGE 27, TDZ 28, HCD 29, TRVM 30,"
    " RW 31, E2H 34, TLOR 35, TERR 36, APK 40, API 41, NV 42, NV1 43, AT 44, NV2 45, FIEN 47,"
    " TID4 49, TICAB 50, TOCU 52, EnSCXT 53, TTLBIS 54, TTLBOS 55, ATA 56, TID5 58"
)
_MDCR: Final = (
    "TPMCR 5, TPM 6, TDE 8, TDA 9, TDOSA 10, TDRA 11, E2PB 13:12, TPMS 14, TTRF 19, TDCC 27"
)
_HFGRTR: Final = (
    "AFSR0_EL1 AFSR1_EL1 AIDR_EL1 AMAIR_EL1 APDAKey APDBKey APGAKey APIAKey APIBKey CCSIDR_EL1"
    " CLIDR_EL1 CONTEXTIDR_EL1 CPACR_EL1 CSSELR_EL1 CTR_EL0 DCZID_EL0 ESR_EL1 FAR_EL1 ISR_EL1"
    " LORC_EL1 LOREA_EL1 LORID_EL1 LORN_EL1 LORSA_EL1 MAIR_EL1 MIDR_EL1 MPIDR_EL1 PAR_EL1"
    " REVIDR_EL1 SCTLR_EL1 SCXTNUM_EL1 SCXTNUM_EL0 TCR_EL1 TPIDR_EL1 TPIDRRO_EL0 TPIDR_EL0"
    " TTBR0_EL1 TTBR1_EL1 VBAR_EL1 ICC_IGRPENn_EL1 ERRIDR_EL1 ERRSELR_EL1 ERXFR_EL1 ERXCTLR_EL1"
    " ERXSTATUS_EL1 ERXMISCn_EL1 ERXPFGF_EL1 ERXPFGCTL_EL1 ERXPFGCDN_EL1 ERXADDR_EL1 - -"
    " nGCS_EL0 nGCS_EL1 nSMPRI_EL1 nTPIDR2_EL0 - nPIRE0_EL1 nPIR_EL1 - nPOR_EL1 -"
    " nMAIR2_EL1 nAMAIR2_EL1"
)
_HFGITR: Final = (
    "ICIALLUIS ICIALLU ICIVAU DCIVAC DCISW DCCSW DCCISW DCCVAU DCCVAP DCCVADP DCCIVAC DCZVA"
    " ATS1E1R ATS1E1W ATS1E0R ATS1E0W ATS1E1RP ATS1E1WP"
    " TLBIVMALLE1OS TLBIVAE1OS TLBIASIDE1OS TLBIVAAE1OS TLBIVALE1OS TLBIVAALE1OS"
    " TLBIRVAE1OS TLBIRVAAE1OS TLBIRVALE1OS TLBIRVAALE1OS"
    " TLBIVMALLE1IS TLBIVAE1IS TLBIASIDE1IS TLBIVAAE1IS TLBIVALE1IS TLBIVAALE1IS"
    " TLBIRVAE1IS TLBIRVAAE1IS TLBIRVALE1IS TLBIRVAALE1IS TLBIRVAE1 TLBIRVAAE1 TLBIRVALE1"
    " TLBIRVAALE1 TLBIVMALLE1 TLBIVAE1 TLBIASIDE1 TLBIVAAE1 TLBIVALE1 TLBIVAALE1"
    " CFPRCTX DVPRCTX CPPRCTX ERET SVC_EL0 SVC_EL1 DCCVAC - - - - - COSPRCTX - ATS1E1A"
)
_HDFGRTR: Final = (
    "DBGBCRn_EL1 DBGBVRn_EL1 DBGWCRn_EL1 DBGWVRn_EL1 MDSCR_EL1 DBGCLAIM DBGAUTHSTATUS_EL1"
    " DBGPRCR_EL1 OSLAR_EL1 OSLSR_EL1 OSECCR_EL1 OSDLR_EL1 PMEVCNTRn_EL0 PMEVTYPERn_EL0"
    " PMCCFILTR_EL0 PMCCNTR_EL0 PMCNTEN PMINTEN PMOVS PMSELR_EL0 PMSWINC_EL0 PMCR_EL0 PMMIR_EL1"
    " PMBLIMITR_EL1 PMBPTR_EL1 PMBSR_EL1 PMSCR_EL1 PMSEVFR_EL1 PMSFCR_EL1 PMSICR_EL1 PMSIDR_EL1"
    " PMSIRR_EL1 PMSLATFR_EL1"
)
#: Fields that exist in only one register of a pair.
_ABSENT: Final = frozenset(
    (
        *_of("HDFGRTR_EL2", "OSLAR_EL1 PMSWINC_EL0 PMCR_EL0 TRFCR_EL1"),
        *_of("HDFGWTR_EL2", "DBGAUTHSTATUS_EL1 OSLSR_EL1 PMMIR_EL1 PMSIDR_EL1 PMCEIDn_EL0"),
        *_of("HFGWTR_EL2", "AIDR_EL1 CCSIDR_EL1 CLIDR_EL1 CTR_EL0 DCZID_EL0 ERRIDR_EL1 ERXFR_EL1"),
        *_of("HFGWTR_EL2", "ERXPFGF_EL1 ISR_EL1 LORID_EL1 MIDR_EL1 MPIDR_EL1 REVIDR_EL1"),
    )
)


def _all_fields() -> Iterator[tuple[str, tuple[int, int]]]:
    yield from _fields("HCR_EL2", _HCR)
    yield from _fields("HCRX_EL2", "FGTnXS 4, SMPME 5, TALLINT 6, SCTLR2En 15, TCR2En 14")
    yield from _fields("MDCR_EL2", _MDCR)
    yield from _fields("ICH_HCR_EL2", "TC 10, TALL0 11, TALL1 12, TDIR 14")
    for number in (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15):
        yield f"HSTR_EL2.T{number}", (number, 1)
    yield from _fields("ICC_SRE_EL2", "SRE 0, Enable 3")
    yield from _fields("ICC_SRE_EL1", "SRE 0")
    yield from _fields("MPAM2_EL2", "TRAPMPAM1EL1 48, TRAPMPAM0EL1 49, TIDR 58")
    yield from _fields("MPAMHCR_EL2", "TRAP_MPAMIDR_EL1 31")
    for register in ("SCTLR_EL1", "SCTLR_EL2"):
        yield from _fields(register, "UMA 9, EnRCTX 10, DZE 14, UCT 15, nTWI 16, nTWE 18, TSCXT 20")
        yield from _fields(register, "UCI 26, EnTP2 60")
    yield from _fields("SCTLR_EL2", "SA0 4")
    yield from _fields("SCTLR_EL1", "SA 3, SA0 4, CP15BEN 5, EnDB 13, EnDA 27, EnIB 30, EnIA 31")
    yield from _fields("CPACR_EL1", "ZEN 17:16, FPEN 21:20, SMEN 25:24")
    yield from _fields("CNTKCTL_EL1", "EL0PCTEN 0, EL0VCTEN 1, EL0VTEN 8, EL0PTEN 9")
    yield from _fields("PMUSERENR_EL0", "EN 0, SW 1, CR 2, ER 3")
    yield from _fields("AMUSERENR_EL0", "EN 0")
    yield from _fields("GCSCRE0_EL1", "nTR 10")
    yield from _fields("MDSCR_EL1", "TDCC 12")
    yield from _flags("HFGITR_EL2", 0, _HFGITR)
    for direction in "RW":
        yield from _flags(f"HFG{direction}TR_EL2", 0, _HFGRTR)
        yield from _flags(f"HDFG{direction}TR_EL2", 0, _HDFGRTR)
        yield from _fields(
            f"HDFG{direction}TR_EL2", "TRFCR_EL1 49, PMUSERENR_EL0 57, PMCEIDn_EL0 58"
        )
    yield from _flags("HAFGRTR_EL2", 0, "AMCNTEN0 " + _numbered("AMEVCNTR0{}_EL0", 4))
    yield from _flags(
        "HAFGRTR_EL2", 17, "AMCNTEN1 " + _numbered("AMEVCNTR1{0}_EL0 AMEVTYPER1{0}_EL0", 16)
    )


def _numbered(names: str, count: int) -> str:
    return " ".join(names.format(n) for n in range(count))


#: Fields in both layouts of CPTR_EL2 and CNTHCTL_EL2: by HCR_EL2.E2H.
_LAYOUTS: Final = {
    0: (
        ("CPTR_EL2", "TZ 8, TFP 10, TSM 12, TAM 30, TCPAC 31"),
        ("CNTHCTL_EL2", "EL1PCTEN 0, EL1PCEN 1, EL1TVT 13, EL1TVCT 14, EL1NVPCT 15, EL1NVVCT 16"),
    ),
    1: (
        ("CPTR_EL2", "ZEN 17:16, FPEN 21:20, SMEN 25:24, TAM 30, TCPAC 31"),
        (
            "CNTHCTL_EL2",
            (
                "EL0PCTEN 0, EL0VCTEN 1, EL0VTEN 8, EL0PTEN 9, EL1PCTEN 10, EL1PTEN 11,"
                " EL1TVT 13, EL1TVCT 14, EL1NVPCT 15, EL1NVVCT 16"
            ),
        ),
    ),
}
#: Low bit and width of each field, by "REGISTER.FIELD", for HCR_EL2.E2H 0 and 1.
FIELDS: Final[tuple[Mapping[str, tuple[int, int]], ...]] = tuple(
    {name: bits for name, bits in _all_fields() if name not in _ABSENT}
    | {name: bits for layout in _LAYOUTS[e2h] for name, bits in _fields(*layout)}
    for e2h in (0, 1)
)
#: Fields that permit something with 1.
_PERMITTING: Final = (
    "PSTATE.SP",
    "AMUSERENR_EL0.EN",
    "SCTLR_EL1.UMA",
    "SCTLR_EL1.CP15BEN",
    *_of("HCR_EL2", "RW APK API EnSCXT ATA FIEN"),
    *_of("HCRX_EL2", "SCTLR2En TCR2En"),
    *_of("ICC_SRE_EL2", "SRE Enable"),
    *_of("ICC_SRE_EL1", "SRE"),
    *_of("CNTKCTL_EL1", "EL0PCTEN EL0VCTEN EL0PTEN EL0VTEN"),
    *_of("PMUSERENR_EL0", "EN SW CR ER"),
    *_of("SCTLR_EL1 SCTLR_EL2", "UCT UCI DZE EnRCTX EnTP2 nTWI nTWE"),
    *_of("HFGRTR_EL2 HFGWTR_EL2", "nSMPRI_EL1 nTPIDR2_EL0 nPIRE0_EL1 nPIR_EL1 nPOR_EL1"),
    *_of("HFGRTR_EL2 HFGWTR_EL2", "nGCS_EL0 nGCS_EL1 nMAIR2_EL1 nAMAIR2_EL1"),
    "GCSCRE0_EL1.nTR",
)
#: Fields of two bits that permit with 3.
_PERMITTING_WIDE: Final = ("MDCR_EL2.E2PB", *_of("CPACR_EL1", "FPEN ZEN SMEN"))
#: The same in registers with two layouts, by HCR_EL2.E2H.
_PERMITTING_LAYOUT: Final = (
    dict.fromkeys(_of("CNTHCTL_EL2", "EL1PCTEN EL1PCEN"), 1),
    dict.fromkeys(_of("CPTR_EL2", "FPEN ZEN SMEN"), 3)
    | dict.fromkeys(
        _of("CNTHCTL_EL2", "EL1PCTEN EL1PTEN EL0PCTEN EL0VCTEN EL0PTEN EL0VTEN"),
        1,
    ),
)


class State(dict[str, int]):
    """Values of fields by "REGISTER.FIELD"; those that are not named are 0."""

    __slots__ = ()

    def __missing__(self, key: str) -> int:
        """Return 0, the value of a field that is not named."""
        return 0

    def having(self, changes: Mapping[str, int]) -> "State":
        """Return a copy with other values of some fields."""
        return State({**self, **changes})


@cache
def base(*, e2h: int, tge: int = 0) -> State:
    """Return the base, to be read, for a host with HCR_EL2.E2H; TGE for its user mode."""
    state = State(dict.fromkeys(_PERMITTING, 1) | dict.fromkeys(_PERMITTING_WIDE, 3))
    state.update(_PERMITTING_LAYOUT[e2h])
    state.update({"HCR_EL2.E2H": e2h, "HCR_EL2.TGE": tge})
    return state
