# SPDX-License-Identifier: GPL-2.0-or-later
"""What the CPUs of a machine that hangs were doing.

The facts as QEMU tells them; what they mean is for `explain`.
"""

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
    """What was found out about a machine before it was stopped for good."""

    cpus: tuple[Cpu, ...] = ()
    load: int | None = None
    """Address of the image's first byte."""
    trouble: str = ""
    """Why there is not more of it, in words; empty when all is there."""
    seconds: float = 0.0
    """Wall time it took."""
