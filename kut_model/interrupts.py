# SPDX-License-Identifier: GPL-2.0-or-later
"""Virtual and physical interrupts and SErrors: which are taken, to which EL, and ISR_EL1.

DDI 0487, D1.3.6. At EL1 and EL0 below a host at EL2, in AArch64, without EL3. EL2 uses AArch64.
"""

from dataclasses import dataclass
from typing import Final

IRQ, FIQ, SERROR = "IRQ", "FIQ", "SError"
KINDS: Final = (IRQ, FIQ, SERROR)

#: ISR_EL1: pending, and with superpriority.
ISR_BITS: Final = {IRQ: 1 << 7, FIQ: 1 << 6, SERROR: 1 << 8}
ISR_NMI_BITS: Final = {IRQ: 1 << 10, FIQ: 1 << 9}

_EC_SERROR: Final = 0x2F
_IL: Final = 1 << 25
#: Bits of VSESR_EL2 that become ESR_EL1.ISS; the bit of VDISR_EL2 that says it is valid.
_ISS_MASK: Final = (1 << 25) - 1
_VDISR_A: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides on interrupts."""

    el: int
    """1 or 0."""
    masks: frozenset[str] = frozenset()
    """PSTATE.I, F and A: kinds that are masked."""
    routed: frozenset[str] = frozenset(KINDS)
    """HCR_EL2.IMO, FMO and AMO."""
    pending: frozenset[str] = frozenset()
    """HCR_EL2.VI, VF and VSE."""
    signalled: frozenset[str] = frozenset()
    """Signals of the virtual CPU interface: IRQ, FIQ."""
    physical: frozenset[str] = frozenset()
    """Physical interrupts that are pending: IRQ, FIQ."""
    tge: bool = False
    e2h: bool = False
    allint: bool = False
    """PSTATE.ALLINT."""
    nmi: bool = False
    """SCTLR_EL1.NMI."""
    spintmask: bool = False
    """SCTLR_EL1.SPINTMASK."""
    superpriority: frozenset[str] = frozenset()
    """HCRX_EL2.VINMI and VFNMI."""

    @property
    def virtual(self) -> frozenset[str]:
        """Return the virtual ones that are pending at EL1 and EL0; none with TGE."""
        if self.tge:
            return frozenset()
        return (self.pending | self.signalled) & self.routed

    @property
    def all_masked(self) -> bool:
        """Whether PSTATE.ALLINT, or SPINTMASK with SP_EL1, masks all interrupts at EL1."""
        return self.el == 1 and (self.allint or self.spintmask)


@dataclass(frozen=True, slots=True)
class Taken:
    """An asynchronous exception that is taken."""

    kind: str
    el: int
    virtual: bool

    def __str__(self) -> str:
        """Return it as in "virtual IRQ to EL1"."""
        return f"{'virtual' if self.virtual else 'physical'} {self.kind} to EL{self.el}"


def _virtual_masks(machine: Machine) -> frozenset[str]:
    """Return the virtual ones that PSTATE masks (AArch64.PendingUnmaskedVirtualInterrupts).

    With SCTLR_EL1.NMI, superpriority overrides PSTATE.I or F, and ALLINT masks all but SErrors.
    """
    masks = machine.masks
    if machine.nmi:
        if machine.all_masked:
            masks |= {IRQ, FIQ}
        else:
            masks -= machine.superpriority & machine.pending
    return masks


def _physical(machine: Machine) -> frozenset[Taken]:
    """Return the physical ones that may be taken (AArch64.PendingUnmaskedPhysicalInterrupts).

    PSTATE does not mask those routed to EL2, except at EL0 of a host with VHE.
    """
    if machine.tge and machine.e2h:
        unmasked = machine.physical - machine.masks
        return frozenset(Taken(kind, 2, virtual=False) for kind in unmasked)
    routed = frozenset(KINDS) if machine.tge else machine.routed
    to_el1 = machine.physical - routed - machine.masks
    return frozenset(
        [Taken(kind, 2, virtual=False) for kind in machine.physical & routed]
        + [Taken(kind, 1, virtual=False) for kind in to_el1]
    )


def may_take(machine: Machine) -> frozenset[Taken]:
    """Return the exceptions of which one is taken; none: no exception.

    Which one of several comes first is IMPLEMENTATION DEFINED (D1.3.6, prioritization of
    asynchronous exceptions).
    """
    virtual = machine.virtual - _virtual_masks(machine)
    return frozenset(Taken(kind, 1, virtual=True) for kind in virtual) | _physical(machine)


def wakes(machine: Machine) -> bool:
    """Return whether WFI completes, as something is pending, masked or not (InterruptPending)."""
    return bool(machine.virtual | machine.physical)


def isr(machine: Machine) -> int:
    """Return ISR_EL1 at EL1: virtual ones where IMO, FMO and AMO route (ISR_EL1, getISR)."""
    shown = machine.virtual | (machine.physical - machine.routed)
    value = sum(ISR_BITS[kind] for kind in shown)
    urgent = machine.superpriority & machine.pending & machine.routed
    return value + sum(ISR_NMI_BITS[kind] for kind in urgent)


def isr_at_el2(machine: Machine) -> int:
    """Return ISR_EL1 at EL2: physical ones only."""
    return sum(ISR_BITS[kind] for kind in machine.physical)


def serror_syndrome(vsesr: int) -> int:
    """Return ESR_EL1 of a virtual SError with FEAT_RAS (AArch64.TakeVirtualSErrorException)."""
    return _EC_SERROR << 26 | _IL | vsesr & _ISS_MASK


def deferred(machine: Machine, vsesr: int) -> int:
    """Return VDISR_EL2 after an ESB that finds VDISR_EL2 0 (AArch64.vESBOperation).

    A virtual SError that is pending and masked is deferred; HCR_EL2.VSE becomes 0.
    """
    if SERROR in machine.virtual & machine.masks:
        return _VDISR_A | vsesr & _ISS_MASK
    return 0
