# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases: a state of the virtual CPU interface, accesses of a guest, and what comes of them."""

from dataclasses import dataclass, field
from typing import Final

from kut_model.gic import maintenance
from kut_model.gic.interface import Running, VirtualInterface
from kut_model.gic.operations import (
    ISR,
    Operation,
    Result,
    is_virtual,
    perform,
    perform_physical,
)
from kut_model.gic.registers import EN, INVALID, Controls, ListRegister

#: List registers that rows use: the others stay invalid.
LRS: Final = 4
#: Most operations of a row.
MAX_OPERATIONS: Final = 16


def physical_controls() -> Controls:
    """Return the controls of the physical interface before a row that may access it."""
    return Controls(pmr=0xA8, bpr=[5, 6], enabled=[False, True], eoimode=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A row of area `vgic`."""

    name: str
    rule: str
    state: VirtualInterface
    """Before the operations, which leave it as it is; binary points may be below their minima."""
    operations: tuple[Operation, ...] = ()
    imo: bool = True
    fmo: bool = True
    at_el2: bool = False
    """Whether the operations are those of EL2, and not of EL1."""

    @property
    def has_physical(self) -> bool:
        """Whether accesses may be to the physical interface."""
        return self.at_el2 or not (self.imo and self.fmo)

    def outcome(self) -> "Outcome":
        """Return what the operations read, and the state afterwards; may raise Unpredictable."""
        state, physical = self.state.copy(), physical_controls()
        state.controls.raise_to_minima()
        results = [self._perform(state, physical, each) for each in self.operations]
        state.require_settled()
        return Outcome(state, physical, results)

    @property
    def before(self) -> str:
        """Return registers and list registers before the operations."""
        registers = {
            "ICH_HCR_EL2": self.state.hcr,
            "ICH_VMCR_EL2": self.state.controls.vmcr,
            "ICH_AP0R0_EL2": self.state.active_priorities(0),
            "ICH_AP1R0_EL2": self.state.active_priorities(1),
        }
        named = [f"{name} {value:#x}" for name, value in registers.items()]
        return "; ".join([*named, *_used(self.state)])

    def _perform(self, state: VirtualInterface, physical: Controls, operation: Operation) -> Result:
        register = operation.register
        if register == ISR or (
            not self.at_el2 and is_virtual(register, imo=self.imo, fmo=self.fmo)
        ):
            return perform(state, operation)
        return perform_physical(physical, operation)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a case."""

    state: VirtualInterface
    physical: Controls
    results: list[Result]

    def describe(self, operations: tuple[Operation, ...]) -> str:
        """Return the accesses with what is read, list registers, and the maintenance interrupt."""
        accesses = [
            f"{operation.register.upper()} = {operation.value:#x}"
            if operation.write
            else f"{operation.register.upper()} {result.value:#x}"
            for operation, result in zip(operations, self.results, strict=True)
        ]
        misr = maintenance.misr(self.state) & maintenance.misr_known(self.state)
        ends = [f"EOIcount {self.state.eoicount}"] if self.state.eoicount else []
        end = [*_used(self.state), *ends, f"MISR {maintenance.describe(misr)}"]
        return "; ".join([*accesses, *end])


def _used(state: VirtualInterface) -> list[str]:
    """Return the list registers that have an interrupt, or its end."""
    return [
        f"LR{number} {lr}" for number, lr in enumerate(state.lrs) if lr.state != INVALID or lr.eoi
    ]


@dataclass(slots=True)
class Builder:
    """The state before a case, made of its interrupts."""

    controls: Controls = field(default_factory=Controls)
    hcr: int = EN
    lrs: list[ListRegister] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    def build(self) -> VirtualInterface:
        """Return the state, with list registers without an interrupt behind those that have one."""
        unused = [ListRegister() for _ in range(LRS - len(self.lrs))]
        lrs = [*self.lrs, *unused]
        return VirtualInterface(lrs, self.hcr, self.controls, self.running, self.dropped).copy()

    def group_priority(self, lr: ListRegister) -> int:
        """Return the group priority of an interrupt under the controls."""
        return lr.priority & VirtualInterface([], controls=self.controls).group_mask(lr.group)

    def run(self, lr: ListRegister, *, listed: bool = True) -> None:
        """Add an interrupt that was acknowledged; `listed`: it has a list register."""
        priority = self.group_priority(lr)
        self.running.append(Running(lr.intid, lr.group, priority, priority))
        if listed:
            self.lrs.append(lr)
