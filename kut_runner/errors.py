# SPDX-License-Identifier: GPL-2.0-or-later
"""The exit codes, and the errors a user can meet.

Every error says what is wrong and how to put it right, and owns its exit code::

    KutError
     +-- UsageError              2  a bad option value, an unknown name
     +-- ConfigError             2  bad test definitions: all problems at once
     +-- BuildError              3  the compiler or the linker said no, in its own words
     +-- NothingSelectedError    4  a selection that is empty
     +-- InfrastructureError     5  trouble outside the tests: never a skip, never a pass
     |    +-- MissingToolError   5  no QEMU, no compiler, no ninja
     |         +-- NotUnpackedError  5  a set of `kut toolchain install`, by its name
     +-- MachineRefusedError     6  QEMU does not take the machine, CPU or option given
     +-- SetupError              7  tools cannot be installed on this machine
     +-- TargetUnavailableError  8  the target cannot run on this host, as KVM on x86

Failing tests are results, not errors: they make the exit code 1. Anything that is not a
KutError is a bug in kut.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """Every exit code of `kut` and of the front doors under scripts/."""

    OK = 0
    TESTS_FAILED = 1
    USAGE = 2
    BUILD_FAILED = 3
    NOTHING_RAN = 4
    INFRASTRUCTURE = 5
    MACHINE_REFUSED = 6
    SETUP_IMPOSSIBLE = 7
    TARGET_UNAVAILABLE = 8
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


class KutError(Exception):
    """Base of all errors that a user can meet.

    `message` says what is wrong (file, key, option or tool), `hint` how to put it right;
    the hint may be empty.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INFRASTRUCTURE

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep the message and the hint apart, so that each view can place them."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KutError):
    """A bad option value, or a name that nothing carries."""

    exit_code = ExitCode.USAGE


class ConfigError(KutError):
    """Test definitions that cannot be used; `problems` holds each as "FILE: KEY: what; fix"."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: "Iterable[str]") -> None:
        """Keep every problem: a user wants to mend them all in one go."""
        self.problems = tuple(problems)
        super().__init__("\n".join(("bad test configuration:", *self.problems)))


class BuildError(KutError):
    """The build failed; the message holds the compiler's own words."""

    exit_code = ExitCode.BUILD_FAILED


class NothingSelectedError(KutError):
    """A selection that leaves no test to run, which must never look like a pass."""

    exit_code = ExitCode.NOTHING_RAN


class InfrastructureError(KutError):
    """Trouble outside the tests, in QEMU or on the machine kut runs on."""


class MissingToolError(InfrastructureError):
    """A program that kut needs is not installed."""


class NotUnpackedError(MissingToolError):
    """A set of tools that kut unpacks from packages, and that has not been unpacked."""

    def __init__(self, name: str) -> None:
        """Keep the set's name, which `kut toolchain install` takes."""
        super().__init__(f"{name} is not unpacked", f"`kut toolchain install {name}`")
        self.name = name


class TargetUnavailableError(KutError):
    """The target that was asked for cannot run on this host."""

    exit_code = ExitCode.TARGET_UNAVAILABLE


class MachineRefusedError(KutError):
    """QEMU does not take the machine, the CPU or an option it was given."""

    exit_code = ExitCode.MACHINE_REFUSED


class SetupError(KutError):
    """Tools cannot be installed on this machine."""

    exit_code = ExitCode.SETUP_IMPOSSIBLE
