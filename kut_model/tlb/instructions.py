# SPDX-License-Identifier: GPL-2.0-or-later
"""TLBI instructions of the EL1&0 and EL2 regimes, and their operands (DDI 0487, C5.5)."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from kut_model.bits import placed
from kut_model.translation.granules import Granule
from kut_model.traps.registers import Register, by_name

_RT: Final = 1
_FORM: Final = re.compile(
    r"(?P<kind>VMALLS12|VMALL|ASID|ALL|R?IPAS2|R?VAA?)(?P<last>L?)E(?P<el>[12])(?P<domain>IS|OS)?"
    r"(?P<nxs>NXS)?"
)


class Kind(Enum):
    """TLBIOp of the pseudocode: what an instruction drops, by the name in its mnemonic."""

    VMALL = "VMALL"
    VMALLS12 = "VMALLS12"
    ALL = "ALL"
    ASID = "ASID"
    VA = "VA"
    VAA = "VAA"
    RVA = "RVA"
    RVAA = "RVAA"
    IPAS2 = "IPAS2"
    RIPAS2 = "RIPAS2"

    @property
    def is_range(self) -> bool:
        """Whether the operand is a range."""
        return self.value.startswith("R")

    @property
    def is_stage2(self) -> bool:
        """Whether it drops entries of stage 2 alone."""
        return self.value.endswith("IPAS2")

    @property
    def has_asid(self) -> bool:
        """Whether the operand has an ASID."""
        return self in {Kind.ASID, Kind.VA, Kind.RVA}

    @property
    def has_address(self) -> bool:
        """Whether the operand has an address."""
        return self not in {Kind.VMALL, Kind.VMALLS12, Kind.ALL, Kind.ASID}


@dataclass(frozen=True, slots=True)
class Tlbi:
    """A TLBI instruction."""

    register: Register
    kind: Kind
    last: bool
    """Whether it need drop entries of the last level only."""
    el: int
    """EL of its regime: 1 for EL1&0, 2 for EL2 or EL2&0."""
    domain: str
    """"": this CPU only; "IS" or "OS": the CPUs of this domain."""
    nxs: bool

    @property
    def name(self) -> str:
        """Mnemonic in lower case: "vae1isnxs"."""
        return self.register.name.removeprefix("TLBI_").lower()

    @property
    def opcode(self) -> int:
        """The instruction, with the operand in x1."""
        return self.register.opcode(write=True) | _RT

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which it is UNDEFINED; FEAT_TLBIRANGE includes FEAT_TLBIOS."""
        needs = ["FEAT_XS"] if self.nxs else []
        if self.kind.is_range:
            needs.append("FEAT_TLBIRANGE")
        elif self.domain == "OS":
            needs.append("FEAT_TLBIOS")
        return tuple(needs)

    @property
    def at_el1(self) -> bool:
        """Whether EL1 can execute it."""
        return self.register.op1 == 0

    @property
    def els(self) -> tuple[int, ...]:
        """Exception levels that can execute it."""
        return (1, 2) if self.at_el1 else (2,)


def _parse(register: Register) -> Tlbi:
    form = _FORM.fullmatch(register.name.removeprefix("TLBI_"))
    assert form, register.name  # noqa: S101 - of the table of facts
    return Tlbi(
        register,
        Kind(form["kind"]),
        bool(form["last"]),
        int(form["el"]),
        form["domain"] or "",
        bool(form["nxs"]),
    )


@cache
def instructions() -> dict[str, Tlbi]:
    """Return all of them by name."""
    found = [each for name, each in by_name().items() if name.startswith("TLBI_")]
    every = [_parse(each) for each in found]
    return {each.name: each for each in every}


@dataclass(frozen=True, slots=True)
class Operand:
    """Value of the operand's fields; those that an instruction does not have are ignored."""

    address: int = 0
    asid: int = 0
    ttl: int = 0
    """TTL: 4 bits, or 2 bits of a range: the level of the leaf, 0 for any."""
    scale: int = 0
    num: int = 0
    tg: int = 0
    """Granule of a range: 1 for 4K, 2 for 16K, 3 for 64K."""


#: TG of a range by granule.
TG: Final = {Granule.K4: 1, Granule.K16: 2, Granule.K64: 3}
_TG_BITS: Final = {tg: granule.bits for granule, tg in TG.items()}


def hint(granule: Granule, level: int) -> int:
    """Return TTL for leaves of a level: granule and level."""
    return TG[granule] << 2 | level


def encode(tlbi: Tlbi, operand: Operand) -> int:
    """Return the operand in a register."""
    kind = tlbi.kind
    asid = placed(operand.asid, 48, 16) if kind.has_asid else 0
    if not kind.has_address:
        return asid
    if not kind.is_range:
        bits = 40 if kind.is_stage2 else 44
        page = operand.address >> 12 & (1 << bits) - 1
        return asid | placed(operand.ttl, 44, 4) | page
    base = operand.address >> _TG_BITS.get(operand.tg, 12) & (1 << 37) - 1
    fields = ((operand.ttl, 37, 2), (operand.num, 39, 5), (operand.scale, 44, 2))
    return asid | sum(placed(*each) for each in (*fields, (operand.tg, 46, 2))) | base


def range_of(operand: Operand, granule: Granule) -> range:
    """Return the addresses of a range (TLBIRange): none if TG is another granule or reserved."""
    if operand.tg != TG[granule]:
        return range(0)
    bits = granule.bits
    first = operand.address >> bits << bits
    return range(first, first + (operand.num + 1 << 5 * operand.scale + 1 + bits))
