# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `tcg`: QEMU with full emulation, on any host."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.needs import Accelerator
from kut_runner.targets import qemu_machine
from kut_runner.targets.qemu_machine import Choices, QemuExits

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.boot import Launch
    from kut_runner.process.resources import Resources
    from kut_runner.targets.qemu import Qemu

NAME: Final = "tcg"


@dataclass(frozen=True, slots=True)
class Tcg(QemuExits):
    """QEMU with `-accel tcg`; see `Target`."""

    qemu: "Qemu"
    accelerator: Accelerator
    """With the selected properties."""

    @property
    def name(self) -> str:
        """Name of the target."""
        return NAME

    @property
    def program(self) -> str:
        """Path of QEMU."""
        return str(self.qemu.program)

    @property
    def version(self) -> str:
        """Version of QEMU, as in "7.2.22"."""
        return self.qemu.release

    @property
    def properties(self) -> str:
        """Properties of the accelerator that the user asked for."""
        return self.accelerator.properties

    @property
    def times_key(self) -> str:
        """Version of QEMU and properties of the accelerator, which determine the speed."""
        return " ".join(filter(None, (self.qemu.release, self.properties)))

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        return qemu_machine.unmet_need(self.qemu, test, self.accelerator)

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> "Launch":
        """Return the QEMU process that boots `image` for `test`."""
        accelerator = qemu_machine.accelerator_of(test, self.accelerator)
        choices = Choices(accelerator, test.cpu)
        return qemu_machine.launch(
            self.qemu, choices, test, image, log=log, timeout=timeout, inspect=inspect
        )

    def cost(self, test: "TestDef") -> "Resources":
        """Return the CPUs and the memory of the test's process."""
        return qemu_machine.cost(test)
