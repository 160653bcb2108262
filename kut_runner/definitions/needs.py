# SPDX-License-Identifier: GPL-2.0-or-later
"""Needs: requirements of a test that a target meets or rejects with a reason.

A definition lists some of them (`needs = ["qemu>=8.0"]`); its other keys imply the rest: EL2, a GIC
version, a CPU model, options of QEMU.
"""

import re
from dataclasses import dataclass
from typing import Final

_QEMU: Final = re.compile(r"qemu>=([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
#: CPU model with all features of the target.
ANY_CPU: Final = "max"


@dataclass(frozen=True, slots=True)
class QemuVersion:
    """A minimum version of QEMU."""

    oldest: tuple[int, ...]
    """One to three numbers: major, minor, micro."""

    def __str__(self) -> str:
        """Return the need in the syntax of a definition."""
        return f"qemu>={'.'.join(map(str, self.oldest))}"


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
class Accelerator:
    """An accelerator of QEMU and its properties."""

    name: str
    """"tcg" or "kvm"."""
    properties: str = ""
    """Comma-separated properties, as in "thread=single"."""

    def __str__(self) -> str:
        """Return the argument of QEMU's -accel."""
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
    """Return the need for text such as "qemu>=8.0", None for any other text."""
    if match := _QEMU.fullmatch(text):
        return QemuVersion(tuple(map(int, match[1].split("."))))
    return None
