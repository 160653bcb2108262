# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual CPU interface: list registers, and what the guest's accesses to ICV_* do to them.

Facts of IHI 0069: 4.8 (priorities and preemption), 6.3 (list registers), 12.3 (ICV_*), 12.4
(ICH_*). What software may not do, and what the architecture leaves to an implementation, raises
Unpredictable: there are no rows with it.
"""

from dataclasses import dataclass, field

from kut_model.gic.registers import (
    ACTIVE,
    BOTH,
    EN,
    EOICOUNT_MAX,
    EOICOUNT_SHIFT,
    FIRST_LPI,
    IDLE,
    INVALID,
    MAX_BPR,
    PENDING,
    PREEMPTION_SHIFT,
    SPURIOUS,
    Controls,
    ListRegister,
)

#: ISR_EL1: a virtual interrupt is pending, by its group.
ISR_BITS = (1 << 6, 1 << 7)


class Unpredictable(Exception):  # noqa: N818 - the manual's term
    """The outcome is not defined, or software may not do this."""


@dataclass(frozen=True, slots=True)
class Running:
    """An interrupt that was acknowledged, before its priority drop."""

    intid: int
    group: int
    priority: int
    """Its group priority, which is that of the active priority register."""
    level: int
    """Its priority; if it differs, the register may have that (ICV_RPR_EL1: "as if the BPR was set
    to the minimum")."""

    @property
    def is_exact(self) -> bool:
        """Whether there is no doubt about its bit of the active priority register."""
        return self.priority == self.level


@dataclass(slots=True)
class VirtualInterface:
    """The state of a virtual CPU interface."""

    lrs: list[ListRegister]
    hcr: int = EN
    controls: Controls = field(default_factory=Controls)
    running: list[Running] = field(default_factory=list)
    """The last one is the one of highest priority."""
    dropped: list[int] = field(default_factory=list)
    """Interrupts after the priority drop that are still active (EOImode 1)."""
    deactivated: list[int] = field(default_factory=list)
    """Physical interrupts that were deactivated."""

    def copy(self) -> "VirtualInterface":
        """Return another one, with the same state."""
        return VirtualInterface(
            [lr.copy() for lr in self.lrs],
            self.hcr,
            self.controls.copy(),
            [*self.running],
            [*self.dropped],
            [*self.deactivated],
        )

    @property
    def enabled(self) -> bool:
        """Whether the interface operates (ICH_HCR_EL2.En)."""
        return bool(self.hcr & EN)

    @property
    def eoicount(self) -> int:
        """Return ICH_HCR_EL2.EOIcount."""
        return self.hcr >> EOICOUNT_SHIFT

    # Priorities

    def group_mask(self, group: int) -> int:
        """Return the bits of a priority that are its group priority (4.8.2).

        Group 0 has bits 7 to BPR0 + 1, group 1 bits 7 to BPR1, or those of group 0 with CBPR.
        """
        common = group == 0 or self.controls.cbpr
        lowest = self.controls.bpr[0] + 1 if common else self.controls.bpr[1]
        if lowest > MAX_BPR:
            raise Unpredictable("there is no group priority with a BPR0 of 7")
        return 0xFF << lowest & 0xFF

    def active_priorities(self, group: int) -> int:
        """Return ICH_AP<group>R0_EL2; with `active_priorities_known` only."""
        bits = 0
        for each in self.running:
            if each.group == group:
                bits |= 1 << (each.priority >> PREEMPTION_SHIFT)
        return bits

    @property
    def active_priorities_known(self) -> bool:
        """Whether there is no doubt about ICH_AP0R0_EL2 and ICH_AP1R0_EL2."""
        return all(each.is_exact for each in self.running)

    @property
    def running_priority_known(self) -> int:
        """Return the bits of ICV_RPR_EL1 with a defined value."""
        last = self.running[-1] if self.running else None
        return IDLE & ~(last.priority ^ last.level) if last else IDLE

    @property
    def running_priority(self) -> int:
        """Return ICV_RPR_EL1: the group priority of the interrupt that runs, or 0xff."""
        return self.running[-1].priority if self.running else IDLE

    def highest(self) -> ListRegister | None:
        """Return the pending interrupt of highest priority in a group that is enabled.

        HighestPriorityVirtualInterrupt. Which of equal ones it is depends on the implementation.
        """
        pending = sorted(
            (lr for lr in self.lrs if lr.state == PENDING and self.controls.enabled[lr.group]),
            key=lambda lr: lr.priority,
        )
        if len(pending) > 1 and pending[0].priority == pending[1].priority:
            raise Unpredictable("two pending interrupts have the same priority")
        return pending[0] if pending else None

    def can_signal(self, lr: ListRegister) -> bool:
        """Return whether a pending interrupt is signalled to the PE (CanSignalVirtualInterrupt).

        Its priority must be above the priority mask, and its group priority above the running one.
        Descriptions differ on which bits of the running priority count if the binary points of both
        differ: all, or those of the group priority of the pending interrupt.
        """
        if not self.enabled or lr.priority >= self.controls.pmr:
            return False
        if not self.running:
            return True
        last, mask = self.running[-1], self.group_mask(lr.group)
        compared = (last.priority, last.priority & mask, last.level & mask)
        higher = {lr.priority & mask < priority for priority in compared}
        if len(higher) > 1:
            raise Unpredictable("binary points of the two groups differ, and so do descriptions")
        return higher.pop()

    def signalled(self) -> int:
        """Return ISR_EL1.{I, F} of virtual interrupts: group 0 is FIQ, group 1 IRQ."""
        lr = self.highest() if self.enabled else None
        return ISR_BITS[lr.group] if lr and self.can_signal(lr) else 0

    # Acknowledgement and end

    def read_iar(self, group: int) -> int:
        """Read ICV_IAR<group>_EL1: the interrupt that is signalled becomes active."""
        lr = self.highest() if self.enabled else None
        if lr is None or lr.group != group or not self.can_signal(lr):
            return SPURIOUS
        lr.state = ACTIVE
        priority = lr.priority & self.group_mask(group)
        self.running.append(Running(lr.intid, group, priority, lr.priority))
        return lr.intid

    def read_hppir(self, group: int) -> int:
        """Read ICV_HPPIR<group>_EL1, which is independent of the mask and the running priority."""
        if not self.enabled:
            raise Unpredictable("ICV_HPPIR<n>_EL1 while the interface is disabled")
        lr = self.highest()
        return lr.intid if lr and lr.group == group else SPURIOUS

    def write_eoir(self, group: int, intid: int) -> None:
        """Write ICV_EOIR<group>_EL1: drop the priority; deactivate it with EOImode 0, or an LPI.

        It has to be the interrupt that runs (12.3, ICV_EOIR0_EL1). A deactivation without a list
        register is counted, except that of an LPI (ICH_HCR_EL2.EOIcount).
        """
        last = self.running[-1] if self.running else None
        if last is None or (last.intid, last.group) != (intid, group):
            raise Unpredictable("the end of an interrupt that was not the last one acknowledged")
        if not self.enabled or not self.controls.enabled[group]:
            raise Unpredictable("the end of an interrupt in a group that is disabled")
        self.running.pop()
        if self.controls.eoimode and intid < FIRST_LPI:
            self.dropped.append(intid)
        else:
            self._end(intid)

    def write_dir(self, intid: int) -> None:
        """Write ICV_DIR_EL1: deactivate an interrupt after its priority drop."""
        if not self.enabled or not self.controls.eoimode or intid not in self.dropped:
            raise Unpredictable("the deactivation of an interrupt whose priority was not dropped")
        self.dropped.remove(intid)
        self._end(intid)

    def _end(self, intid: int) -> None:
        found = [lr for lr in self.lrs if lr.intid == intid and lr.state in (ACTIVE, BOTH)]
        if found:
            self._deactivate(found[0])
        elif intid < FIRST_LPI:
            self._count_end()

    def _deactivate(self, lr: ListRegister) -> None:
        """End the active state, and that of the physical interrupt (ICH_LR<n>_EL2.HW)."""
        lr.state = PENDING if lr.state == BOTH else INVALID
        if lr.hw:
            self.deactivated.append(lr.hw)

    def _count_end(self) -> None:
        if self.eoicount == EOICOUNT_MAX:
            raise Unpredictable("EOIcount exceeds its 5 bits")
        self.hcr += 1 << EOICOUNT_SHIFT

    def require_idle(self) -> None:
        """Raise Unpredictable unless priority grouping and EOImode may change."""
        if self.running or self.dropped:
            raise Unpredictable("priority grouping or EOImode changes while an interrupt is active")

    def require_settled(self) -> None:
        """Raise Unpredictable if a list register has an LPI that was acknowledged and not ended.

        LPIs have no active state: descriptions differ on what the list register has meanwhile.
        """
        if any(lr.state == ACTIVE and lr.intid >= FIRST_LPI for lr in self.lrs):
            raise Unpredictable("an LPI is active")
