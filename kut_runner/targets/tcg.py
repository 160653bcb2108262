# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `tcg`: QEMU with full emulation, on any host."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.needs import Accelerator
from kut_runner.targets import qemu_machine
from kut_runner.targets.qemu_machine import Choices, QemuTarget

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.boot import Launch
    from kut_runner.process.resources import Resources

NAME: Final = "tcg"


@dataclass(frozen=True, slots=True)
class Tcg(QemuTarget):
    """QEMU with `-accel tcg`; see `Target`."""

    records: bool = False
    """Whether to record each test for a replay; see `recording`."""

    @property
    def name(self) -> str:
        """Name of the target."""
        return NAME

    @property
    def times_key(self) -> str:
        """Version of QEMU and its mode, which determine the speed."""
        mode = "record" if self.records else ""
        return " ".join(filter(None, (self.qemu.release, self.properties, mode)))

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        unmet = qemu_machine.unmet_need(self.qemu, test, self.accelerator)
        if unmet or not self.records:
            return unmet
        from kut_runner.targets import recording

        return recording.unmet_need(test)

    def cost(self, test: "TestDef") -> "Resources":
        """Return the CPUs and the memory of the test's process."""
        is_single = "thread=single" in self._accelerator_of(test).properties
        return qemu_machine.cost(test, 1 if is_single else None)

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> "Launch":
        """Return the QEMU process that boots `image` for `test`."""
        if self.records:
            from kut_runner.targets import recording

            test, image = recording.with_recording(test, log), recording.keep_image(image, log)
        choices = Choices(self._accelerator_of(test), test.cpu)
        return qemu_machine.launch(
            self.qemu, choices, test, image, log=log, timeout=timeout, inspect=inspect
        )

    def _accelerator_of(self, test: "TestDef") -> Accelerator:
        """Return the accelerator for `test`, with the threads that it asks for."""
        accelerator = qemu_machine.accelerator_of(test, self.accelerator)
        if test.threads != "single" or "thread=" in accelerator.properties:
            return accelerator
        properties = (accelerator.properties, "thread=single")
        return Accelerator(NAME, ",".join(filter(None, properties)))
