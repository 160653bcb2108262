# SPDX-License-Identifier: GPL-2.0-or-later
"""Needs that follow from the keys of a definition: EL2, a GIC version, a CPU model, QEMU options.

A module of its own, as the default target meets them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.needs import Accelerator, QemuVersion

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

#: CPU model with all features of the target.
ANY_CPU: Final = "max"
#: Values that enable a property of a machine.
_ON: Final = ("on", "true", "yes")


@dataclass(frozen=True, slots=True)
class ExceptionLevel2:
    """A machine that boots at EL2, or one without EL2."""

    is_present: bool = True

    def __str__(self) -> str:
        """Return a description for messages."""
        return "EL2" if self.is_present else "a machine without EL2"


@dataclass(frozen=True, slots=True)
class GicVersion:
    """A version of the GIC."""

    version: str
    """Value of QEMU's property gic-version: "2", "3", "4", "host" or "max"."""

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"GICv{self.version}"


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model other than `ANY_CPU`."""

    model: str
    """Model and features, as QEMU's -cpu takes them."""

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"CPU {self.model}"


@dataclass(frozen=True, slots=True)
class MachineProperty:
    """Any other property of QEMU's `virt` machine."""

    key: str
    value: str

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"QEMU's machine property {self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class QemuOptions:
    """Additional options of QEMU."""

    options: tuple[str, ...]

    def __str__(self) -> str:
        """Return a description for messages."""
        return f"QEMU's options {' '.join(self.options)}"


@dataclass(frozen=True, slots=True)
class Harness:
    """A harness of QEMU machines."""

    purpose: str

    def __str__(self) -> str:
        """Return a description for messages."""
        return self.purpose


Need = (
    QemuVersion
    | ExceptionLevel2
    | GicVersion
    | CpuModel
    | MachineProperty
    | QemuOptions
    | Accelerator
    | Harness
)


def all_needs(test: "TestDef") -> Iterator[Need]:
    """Yield the needs in a definition, and those that its other keys imply."""
    yield from test.needs
    machine = dict(test.machine)
    yield ExceptionLevel2(machine.pop("virtualization", "off") in _ON)
    if gic := machine.pop("gic-version", ""):
        yield GicVersion(gic)
    for key, value in machine.items():
        yield MachineProperty(key, value)
    if test.cpu != ANY_CPU:
        yield CpuModel(test.cpu)
    if test.accelerator:
        yield test.accelerator
    if test.qemu_args:
        yield QemuOptions(test.qemu_args)
    if test.migration:
        yield Harness("migration")
    if test.panic:
        yield Harness("the report of a panic")
