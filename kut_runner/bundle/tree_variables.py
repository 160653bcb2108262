# SPDX-License-Identifier: GPL-2.0-or-later
"""Variables that a unittests.cfg may expand: those of kvm-unit-tests, not the whole environment.

The command lines of tests are in logs and reports. A file of unknown origin could otherwise put
secrets of the environment into them, such as the tokens of a CI job.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kut_runner.bundle.shell import Environment, ShellError
from kut_runner.definitions.fields import MOST_CPUS
from kut_runner.errors import UsageError
from kut_runner.text import printable

MAX_SMP: Final = "MAX_SMP"
#: Variables that upstream's scripts read, and those that they set for images.
_NAMES: Final = frozenset(
    (
        *(MAX_SMP, "TARGET", "ACCEL", "ACCEL_PROPS", "MACHINE", "TIMEOUT", "CHECK", "EL2"),
        *("QEMU", "QEMU_ARCH", "QEMU_ACCEL", "KVMTOOL", "TESTNAME", "FIRMWARE_OVERRIDE"),
        *("ENVIRON_DEFAULT", "KVM_UNIT_TESTS_ENV"),
        *("EFI_UEFI", "EFI_DIRECT", "EFI_USE_ACPI", "EFI_SMP", "EFI_VARS"),
    )
)
_ERRATA: Final = "ERRATA_"
_POSITIVE: Final = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class TreeVariables(Mapping[str, str]):
    """Variables for a unittests.cfg; to read another one that is set raises ShellError."""

    settings: Mapping[str, str]
    """Settings of config.mak, which upstream's scripts read as variables."""
    environment: Environment
    accelerator: str
    """Name of the accelerator, as in "tcg", the value of ACCEL."""
    trust: bool = False
    """Whether the file may expand all variables of the environment."""

    def __getitem__(self, name: str) -> str:
        """Return the value of a variable; raises KeyError if it is not set."""
        if name == "ACCEL":
            return self.accelerator
        if name in self.settings:
            return self.settings[name]
        value = self.environment[name]
        if self.trust or name in _NAMES or name.startswith(_ERRATA):
            return value
        raise ShellError(f"${name} is not a variable of kvm-unit-tests; --trust allows all")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all variables that are set."""
        return iter({**self.environment, **self.settings, "ACCEL": ""})

    def __len__(self) -> int:
        """Return the number of variables that are set."""
        return sum(1 for _ in self)


def max_smp(environment: Environment, host_cpus: int) -> str:
    """Return $MAX_SMP, by default the CPUs of the host, up to the 512 of QEMU's machine.

    Raises UsageError if it is not a positive number.
    """
    if not (given := environment.get(MAX_SMP)):
        return str(min(host_cpus, MOST_CPUS))
    if not _POSITIVE.fullmatch(given):
        raise UsageError(
            f'${MAX_SMP}: "{printable(given[:40])}" is not a number of CPUs',
            "give 1 or more, or unset it",
        )
    return given
