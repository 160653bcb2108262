# SPDX-License-Identifier: GPL-2.0-or-later
"""Interface of a target: a program that boots an image and prints its serial line.

Only this package depends on the program.
"""

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.boot import Launch
    from kut_runner.process.resources import Resources


class ExitMeaning(Enum):
    """Meaning of the exit status of a program that kut did not stop."""

    POWERED_OFF = auto()
    """The guest powered the machine off."""
    REFUSED = auto()
    """The program rejects the machine, the CPU or an option; the guest never ran."""
    FAILED = auto()
    """The program reports an error."""
    NO_MEMORY = auto()
    """The host has no memory for the machine."""


class ExitReader(Protocol):
    """Interpreter of the exit status of a program."""

    @property
    def label(self) -> str:
        """Name of the program in messages, as in "QEMU"."""

    def meaning(
        self, code: int, *, stderr: str, has_output: bool, exit_status: int | None
    ) -> ExitMeaning:
        """Interpret exit status `code`, 0 to 255.

        `has_output` is whether the guest printed anything, `exit_status` the number in its last
        EXIT line, None without one.
        """


class Target(ExitReader, Protocol):
    """A program that runs tests on this host."""

    @property
    def name(self) -> str:
        """Name of the target, the argument of --target."""

    @property
    def program(self) -> str:
        """Path of the program."""

    @property
    def version(self) -> str:
        """Version of the program, as it prints it; empty if unknown."""

    @property
    def properties(self) -> str:
        """Properties of the target that the user asked for, as in "thread=single"; else empty."""

    @property
    def times_key(self) -> str:
        """Key of stored times; the same for machines of the same speed."""

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> "Launch":
        """Return the process that boots `image` for `test`.

        `timeout` is in seconds. With `inspect` the state of the CPUs is read at a timeout, if the
        target supports that.
        """

    def cost(self, test: "TestDef") -> "Resources":
        """Return the CPUs and the memory of the test's process."""
