# SPDX-License-Identifier: GPL-2.0-or-later
"""Needs in a definition: requirements of a test that a target meets or rejects with a reason.

The other keys of a definition imply further needs: see `implied_needs`.
"""

import re
from dataclasses import dataclass
from typing import Final

_ACCELERATOR: Final = re.compile(r"(tcg|kvm)((?:,[a-z][a-z0-9-]*=[A-Za-z0-9_.:/-]+)*)")
_QEMU: Final = re.compile(r"qemu>=([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")


@dataclass(frozen=True, slots=True)
class QemuVersion:
    """A minimum version of QEMU."""

    oldest: tuple[int, ...]
    """One to three numbers: major, minor, micro."""

    def __str__(self) -> str:
        """Return the need in the syntax of a definition."""
        return f"qemu>={'.'.join(map(str, self.oldest))}"


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


def parse_accelerator(text: str) -> Accelerator | None:
    """Return the accelerator in text such as "tcg,thread=single"; None if it is malformed.

    QEMU takes a property `accel` for another accelerator, so it is malformed too.
    """
    match = _ACCELERATOR.fullmatch(text)
    if not match or ",accel=" in match[2]:
        return None
    return Accelerator(match[1], match[2].removeprefix(","))


def parse(text: str) -> QemuVersion | None:
    """Return the need for text such as "qemu>=8.0", None for any other text."""
    if match := _QEMU.fullmatch(text):
        return QemuVersion(tuple(map(int, match[1].split("."))))
    return None
