# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface of a target: a program that boots an image and prints its serial line.

Nothing outside this package knows which program that is.
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
    """The meaning of the exit of a program that ended by itself."""

    POWERED_OFF = auto()
    """The guest has switched its machine off."""
    REFUSED = auto()
    """The program does not take the machine, the CPU or an option; the guest never ran."""
    FAILED = auto()
    """The program reports an error of its own."""
    NO_MEMORY = auto()
    """The host has no memory for the machine."""


class ExitReader(Protocol):
    """The part of a target that the verdict needs."""

    @property
    def label(self) -> str:
        """Name of the program in messages, as in "QEMU"."""

    def meaning(
        self, code: int, *, stderr: str, has_output: bool, exit_status: int | None
    ) -> ExitMeaning:
        """Return the meaning of exit status `code`.

        `has_output` is whether the guest has printed anything, `exit_status` the number in its
        last EXIT line, None without one.
        """


class Target(ExitReader, Protocol):
    """A program that runs tests, with all that is known about it on this host."""

    @property
    def name(self) -> str:
        """Name of the target, as --target takes it."""

    @property
    def program(self) -> str:
        """Path of the program."""

    @property
    def version(self) -> str:
        """Version of the program as it writes it; empty when not known."""

    @property
    def times_key(self) -> str:
        """Key under which times are kept: the same for machines of the same speed."""

    def unmet_need(self, test: "TestDef") -> str:
        """Return why `test` cannot run here, "" when it can."""

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> "Launch":
        """Return the process that boots `image` as `test` asks.

        `timeout` is in seconds. With `inspect` the state of its CPUs is read after a timeout, as
        far as the target allows it.
        """

    def cost(self, test: "TestDef") -> "Resources":
        """Return the CPUs and the memory that the test takes while it runs."""
