# SPDX-License-Identifier: GPL-2.0-or-later
"""Exit codes and user-facing errors.

Every error has a message, a hint how to fix it, and an exit code::

    KutError
     +-- UsageError              2  a bad option value, an unknown name
     +-- ConfigError             2  bad test definitions, with all problems of all files
     +-- BuildError              3  an error of the compiler or the linker, with its output
     +-- NothingSelectedError    4  an empty selection
     +-- InfrastructureError     5  an error outside the tests: never a skip, never a pass
     |    +-- MissingToolError   5  no QEMU, no compiler, no ninja
     |         +-- NotUnpackedError  5  a toolchain set that is not installed
     +-- MachineRefusedError     6  QEMU rejects the machine, the CPU or an option
     +-- SetupError              7  tools cannot be installed on this host
     +-- TargetUnavailableError  8  the target cannot run on this host (KVM on x86)

Failing tests are results, not errors: they give exit code 1. Any exception other than KutError
is a bug in kut.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Final

from kut_runner.text import coloured_line, line

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Most problems of test definitions in a message; further ones are counted.
_MOST_PROBLEMS: Final = 50


class ExitCode(IntEnum):
    """Exit codes of `kut` and of the entry scripts under scripts/."""

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
    """Base class of user-facing errors.

    `message` describes the problem and names the file, key, option or tool; `hint` describes the
    fix and may be empty. Both may quote foreign text: they are made lines of output here, so that
    no place that raises or shows an error can forget it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INFRASTRUCTURE

    def __init__(self, message: str, hint: str = "", details: "Iterable[str]" = ()) -> None:
        """Store the message and the hint separately: views show them in different places.

        `details` are further lines of the message.
        """
        self.message = "\n".join(map(line, (message, *details)))
        self.hint = line(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        """Return the message."""
        return self.message


class UsageError(KutError):
    """A bad option value or an unknown name."""

    exit_code = ExitCode.USAGE


class ConfigError(KutError):
    """Invalid test definitions; `problems` has one entry each, as "FILE: KEY: problem; fix"."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: "Iterable[str]") -> None:
        """Store every problem, so that a user can fix all of them together."""
        self.problems = tuple(problems)
        shown = self.problems[:_MOST_PROBLEMS]
        more = len(self.problems) - len(shown)
        rest = (f"and {more} more problems",) if more else ()
        super().__init__("bad test configuration:", details=(*shown, *rest))


class BuildError(KutError):
    """A failed build; the message has the compiler's output."""

    exit_code = ExitCode.BUILD_FAILED

    def __init__(self, message: str, hint: str = "", output: "Iterable[str]" = ()) -> None:
        """Add lines of output of a tool to the message, with their colours."""
        super().__init__(message, hint)
        self.message = "\n".join((self.message, *map(coloured_line, output)))


class NothingSelectedError(KutError):
    """A selection without tests, which must never look like a pass."""

    exit_code = ExitCode.NOTHING_RAN


class InfrastructureError(KutError):
    """An error outside the tests: in QEMU or on the host."""


class MissingToolError(InfrastructureError):
    """A required program that is not installed."""


class NotUnpackedError(MissingToolError):
    """A set of tools that `kut toolchain install` provides and that is not unpacked."""

    def __init__(self, name: str) -> None:
        """Store the name of the set, as `kut toolchain install` takes it."""
        super().__init__(f"{name} is not unpacked", f"`kut toolchain install {name}`")
        self.name = name


class TargetUnavailableError(KutError):
    """A target that cannot run on this host."""

    exit_code = ExitCode.TARGET_UNAVAILABLE


class MachineRefusedError(KutError):
    """A machine, CPU or option that QEMU rejects."""

    exit_code = ExitCode.MACHINE_REFUSED


class SetupError(KutError):
    """Tools that cannot be installed on this host."""

    exit_code = ExitCode.SETUP_IMPOSSIBLE


def describe(error: OSError) -> str:
    """Return an error of the operating system: its file, if it has one, and its reason."""
    prefix = f"{error.filename}: " if error.filename else ""
    return f"{prefix}{error.strerror or error}"
