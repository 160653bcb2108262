# SPDX-License-Identifier: GPL-2.0-or-later
"""State of a stopped machine: registers and stacks of its CPUs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """Place of a guest at its last exit."""

    pc: int
    """ELR_EL2."""
    syndrome: int
    """ESR_EL2."""
    link: int
    """x30."""
    stack: tuple[int, ...] = ()
    """Return addresses, innermost first."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """One CPU of a stopped machine."""

    number: int
    is_halted: bool = False
    """Whether it waits for an interrupt or is off."""
    registers: Mapping[str, int] = field(default_factory=dict)
    """x0 to x30, sp, pc, cpsr, and system registers by name, as in ESR_EL2."""
    before: int | None = None
    """Instruction before PC, which a halted CPU waits in; None if not readable."""
    stack: tuple[int, ...] = ()
    """Return addresses, innermost first."""
    host_stack: tuple[int, ...] = ()
    """Return addresses of the code that runs a guest, if the CPU is in it or handles its exit."""
    guest: GuestPlace | None = None
    """Place of the guest if the CPU is in a handler of its exit."""
    is_between: bool = False
    """Whether it is on its way from a guest to the host or back: x30 may be the guest's."""


@dataclass(frozen=True, slots=True)
class RepeatedExit:
    """An exit of a guest that was seen again and again, with nothing changed in between."""

    cpu: int
    """Number of the CPU."""
    registers: Mapping[str, int]
    """Of the guest: x0 to x30; of EL2, by name, as in ESR_EL2."""
    count: int
    """Exits in a row that were equal."""
    stack: tuple[int, ...] = ()
    """Return addresses of the guest, innermost first."""
    host_code: tuple[int, ...] = ()
    """Addresses of the instructions that EL2 executed after the exit, up to a limit."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of a machine at a timeout, or after an error that stopped it."""

    cpus: tuple[Cpu, ...] = ()
    load: int | None = None
    """Address of the first byte of the image; None if unknown."""
    repeated: RepeatedExit | None = None
    """Exit that repeats, if there is one."""
    error: str = ""
    """Error that stopped the machine before any timeout; empty for none."""
    trouble: str = ""
    """Reason why it is incomplete; empty if it is complete."""
    seconds: float = 0.0
    """Wall time of the inspection."""
