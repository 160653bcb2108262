# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of a kvm-unit-tests build: config.mak, which its `configure` writes.

The file is shell; here it is data. A value is the text after "=", without quotes; no variable is
expanded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kut_runner.errors import ConfigError, UsageError
from kut_runner.text import printable

FILE: Final = "config.mak"
#: Largest file in bytes; upstream writes 1 kB.
_LARGEST: Final = 1 << 16
_ENTRY: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_CPU: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+-]{0,199}")
_ARCHITECTURE: Final = "arm64"
_CPU_OF_UPSTREAM: Final = "max"
_PROGRAM: Final = "qemu"


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """What the build decides about the machine of its images."""

    cpu: str = _CPU_OF_UPSTREAM
    """CPU model for tcg (TARGET_CPU, else DEFAULT_QEMU_CPU)."""
    is_efi: bool = False
    """Whether the images are EFI applications (CONFIG_EFI)."""
    has_environment: bool = True
    """Whether the images receive the generated variables (ENVIRON_DEFAULT)."""
    errata: Path | None = None
    """File with the kernel versions of errata (ERRATATXT)."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """All settings by name, which unittests.cfg may expand."""


def read(tree: Path) -> BuildSettings:
    """Return the settings of a source tree; those of upstream's default without config.mak.

    Raises UsageError for a build that is not for arm64 and QEMU, ConfigError for a file that cannot
    be read.
    """
    values = _values(tree / FILE)
    if not values:
        return BuildSettings()
    _require(values, "ARCH", _ARCHITECTURE, "kut runs arm64: configure it with --arch=arm64")
    _require(values, "TARGET", _PROGRAM, "kut runs QEMU: configure it with --target=qemu")
    errata = values.get("ERRATATXT")
    return BuildSettings(
        cpu=_cpu(values),
        is_efi=values.get("CONFIG_EFI") == "y",
        has_environment=values.get("ENVIRON_DEFAULT") != "no",
        errata=Path(errata) if errata else None,
        variables=values,
    )


def _values(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", errors="backslashreplace") as file:
            lines = file.read(_LARGEST).splitlines()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    matches = filter(None, map(_ENTRY.fullmatch, lines))
    return {match[1]: match[2].strip().strip("\"'") for match in matches}


def _require(values: dict[str, str], name: str, here: str, hint: str) -> None:
    """Raise UsageError if a setting has another value; an empty one is that of old versions."""
    if (value := values.get(name, "")) and value != here:
        raise UsageError(f"the tree is configured with {name}={printable(value[:80])}", hint)


def _cpu(values: dict[str, str]) -> str:
    cpu = values.get("TARGET_CPU") or values.get("DEFAULT_QEMU_CPU") or _CPU_OF_UPSTREAM
    if not _CPU.fullmatch(cpu):
        raise ConfigError([f"{FILE}: TARGET_CPU: {printable(cpu[:80])} is not a CPU model"])
    return cpu
