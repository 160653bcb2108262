# SPDX-License-Identifier: GPL-2.0-or-later
"""Needs: requirements of a test that a target meets, or answers with the reason why not.

Some are written in a definition (`needs = ["qemu>=8.0"]`), the others follow from its other keys:
a machine with EL2, a version of the GIC, a CPU model, options of QEMU itself.
"""

import re
from dataclasses import dataclass
from typing import Final

_QEMU: Final = re.compile(r"qemu>=([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
#: CPU model that stands for every feature that the target has.
ANY_CPU: Final = "max"


@dataclass(frozen=True, slots=True)
class QemuVersion:
    """A version of QEMU, or a later one."""

    oldest: tuple[int, ...]
    """Major, minor and micro number, as many as the definition gives."""

    def __str__(self) -> str:
        """Return it as a definition has it."""
        return f"qemu>={'.'.join(map(str, self.oldest))}"


@dataclass(frozen=True, slots=True)
class ExceptionLevel2:
    """A machine that boots at EL2, or one without EL2."""

    is_present: bool = True

    def __str__(self) -> str:
        """Return it for messages."""
        return "EL2" if self.is_present else "a machine without EL2"


@dataclass(frozen=True, slots=True)
class GicVersion:
    """A version of the interrupt controller."""

    version: str
    """As QEMU's property gic-version takes it: "2", "3", "4", "host", "max"."""

    def __str__(self) -> str:
        """Return it for messages."""
        return f"GICv{self.version}"


@dataclass(frozen=True, slots=True)
class CpuModel:
    """A CPU model other than the target's own."""

    model: str
    """Model and features, as QEMU's -cpu takes them."""

    def __str__(self) -> str:
        """Return it for messages."""
        return f"CPU {self.model}"


@dataclass(frozen=True, slots=True)
class MachineProperty:
    """Another property of QEMU's `virt` machine."""

    key: str
    value: str

    def __str__(self) -> str:
        """Return it for messages."""
        return f"QEMU's machine property {self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class QemuOptions:
    """Options of QEMU itself."""

    options: tuple[str, ...]

    def __str__(self) -> str:
        """Return it for messages."""
        return f"QEMU's options {' '.join(self.options)}"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """An accelerator of QEMU, with its properties."""

    name: str
    """"tcg" or "kvm"."""
    properties: str = ""
    """As in "thread=single"; empty for none."""

    def __str__(self) -> str:
        """Return it as QEMU's -accel takes it."""
        return f"{self.name},{self.properties}" if self.properties else self.name


Need = (
    QemuVersion
    | ExceptionLevel2
    | GicVersion
    | CpuModel
    | MachineProperty
    | QemuOptions
    | Accelerator
)


def parse(text: str) -> QemuVersion | None:
    """Return the need that a definition names, as in "qemu>=8.0"; None for anything else."""
    if match := _QEMU.fullmatch(text):
        return QemuVersion(tuple(map(int, match[1].split("."))))
    return None
