# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases for tests of what surrounds a target: definitions, images and a target made up for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kut_runner.build.builder import Image
from kut_runner.definitions.config import TestDef
from kut_runner.definitions.needs import Accelerator
from kut_runner.process.boot import Launch
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.targets.case import Case
from kut_runner.targets.protocol import Target
from kut_runner.targets.qemu import Qemu
from kut_runner.targets.qemu_machine import QemuExits
from kut_runner.targets.tcg import Tcg


def definition(name: str = "t", **changes: Any) -> TestDef:  # noqa: ANN401 - of TestDef
    """A test with little of everything."""
    values: dict[str, Any] = {
        "image": name,
        "args": "",
        "smp": 1,
        "memory": 128,
        "cpu": "max",
        "machine": (),
        "groups": (),
        "timeout": 30.0,
        "needs": (),
        "qemu_args": (),
    }
    return TestDef(name, **(values | changes))


@dataclass(frozen=True, slots=True)
class FakeTarget(QemuExits):
    """A target whose machines are commands: `program` gets the path of the image."""

    program: str = "/nonexistent/fake"
    name: str = "fake"
    version: str = "7.2.0"
    times_key: str = "fake 7.2.0"
    properties: str = ""

    def unmet_need(self, test: TestDef) -> str:
        """Return why `test` cannot run here: only if its definition says so."""
        return test.skip

    def launch(
        self,
        test: TestDef,  # noqa: ARG002 - they are all alike
        image: Image,
        log: Path,
        timeout: float,
        *,
        inspect: bool,  # noqa: ARG002 - there is nothing to see
    ) -> Launch:
        """Return the process that runs `image`."""
        return Launch((self.program, str(image.flat)), log, timeout, uninspectable="a fake")

    def cost(self, test: TestDef) -> Resources:
        """Return the CPUs and the memory that a QEMU would take."""
        return Resources(float(test.smp), test.memory + OVERHEAD)


FAKE = FakeTarget()


def case_of(test: TestDef, image: Path | Image | None = None, target: Target = FAKE) -> Case:
    """A case of a test; its image need not exist."""
    path = image or Path("/nonexistent") / test.image
    return Case(test, target, path if isinstance(path, Image) else Image(test.image, path, path))


def tcg(program: Path, version: tuple[int, int, int] = (7, 2, 0), properties: str = "") -> Tcg:
    """A QEMU that emulates, wherever it is."""
    return Tcg(Qemu(program, version), Accelerator("tcg", properties))
