# SPDX-License-Identifier: GPL-2.0-or-later
"""A stopped machine as data: the registers and stacks of its CPUs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cpu:
    """One CPU of a stopped machine."""

    number: int
    is_halted: bool = False
    """It waits for an interrupt, or it is off."""
    registers: Mapping[str, int] = field(default_factory=dict)
    """x0 to x30, sp, pc, cpsr, and system registers by their names: ESR_EL2 and so on."""
    before: int | None = None
    """The instruction before the one at PC, which is what a CPU waits in; None: not readable."""
    stack: tuple[int, ...] = ()
    """Return addresses, innermost first."""
    host_stack: tuple[int, ...] = ()
    """When the CPU is in a guest: return addresses of the host that entered it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State of a machine, read before it was stopped for good."""

    cpus: tuple[Cpu, ...] = ()
    load: int | None = None
    """Address of the image's first byte."""
    trouble: str = ""
    """Why it is not complete; empty when it is."""
    seconds: float = 0.0
    """Wall time it took."""
