# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `lab`: images as guests of an arm64 Linux with KVM, itself emulated by QEMU.

The system under test is KVM's nested virtualization. Each test is a QEMU that goes on from the
saved boot of the lab (`lab_boot`); it gets its image through a virtio console, and the VMM in the
lab (`lab/vmm`) runs it.
"""

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.config import LAB_TARGET
from kut_runner.process.boot import Launch
from kut_runner.process.resources import Resources
from kut_runner.targets import lab_boot, lab_harness, lab_machine, lab_needs
from kut_runner.targets.lab_inspection import LabInspector
from kut_runner.targets.qemu_machine import QemuExits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.lab.kernel import Kernel
    from kut_runner.targets.lab_boot import BootedLab
    from kut_runner.targets.qemu import Qemu

#: Factor of all timeouts: an exit of a guest's guest takes thousands of emulated instructions.
TIMEOUT_FACTOR: Final = 10.0


@dataclass(frozen=True, slots=True)
class Lab(QemuExits):
    """The lab with one kernel; see `Target`."""

    name: str
    """"lab", or "lab@KERNEL" as the user named it."""
    qemu: "Qemu"
    kernel: "Kernel"
    initramfs: Path
    booted: "BootedLab"

    @property
    def program(self) -> str:
        """Path of QEMU."""
        return str(self.qemu.program)

    @property
    def version(self) -> str:
        """Versions of Linux and QEMU, as in "Linux 7.3.4+deb13-arm64, QEMU 11.1.3"."""
        release = self.kernel.release or self.kernel.name
        return f"Linux {release}, QEMU {self.qemu.release}"

    @property
    def properties(self) -> str:
        """No properties."""
        return ""

    @property
    def times_key(self) -> str:
        """Kernel and QEMU."""
        return f"{LAB_TARGET} {self.version}"

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        return lab_needs.unmet(test, self.qemu, self.booted.capabilities, "this lab")

    def launch(
        self, test: "TestDef", image: "Image", log: Path, timeout: float, *, inspect: bool
    ) -> Launch:
        """Return the QEMU process that runs `image` in the lab."""
        control = lab_machine.CONTROL
        command = (
            *self.command(),
            *lab_machine.chardevs(lab_harness.files_of(log)),
            *(() if inspect else lab_machine.to_nothing(control)),
        )
        return Launch(
            command,
            log,
            timeout * TIMEOUT_FACTOR,
            slowness=TIMEOUT_FACTOR,
            inspector=partial(LabInspector, control, log) if inspect else None,
            harness=partial(lab_harness.LabHarness, partial(_files, test, image), log),
        )

    def command(self) -> tuple[str, ...]:
        """Return the command line of a lab that waits for files, without chardevs."""
        if state := self.booted.state:
            return lab_machine.restoring(self.qemu, state)
        return lab_machine.booting(self.qemu, self.kernel, self.initramfs)

    def cost(self, test: "TestDef") -> Resources:  # noqa: ARG002 - the same for all
        """Return the CPUs and the memory of the test's process."""
        return Resources(1.0, lab_machine.RESIDENT)


def _files(test: "TestDef", image: "Image") -> bytes:
    """Return the archive with the files of a test; raises OSError if one cannot be read."""
    from kut_runner.lab.cpio import Archive

    archive = Archive()
    archive.add_file("image", image.flat.read_bytes())
    initrd = lab_needs.initrd(test)
    if initrd:
        archive.add_file("initrd", Path(initrd).read_bytes())
    options = lab_needs.vmm_options(test, "initrd" if initrd else "")
    argv = ("/bin/kut-vmm", *options, "--control", "/dev/vport0p4", "image")
    archive.add_file("command", f"{shlex.join(argv)}\n".encode())
    return archive.finish()


def open_lab(
    name: str, qemu: "Qemu", tree: Path, environment: "Mapping[str, str]", boots: Path | None = None
) -> Lab:
    """Return the target `name`, "lab" or "lab@KERNEL"; boots the kernel once if it is new.

    `qemu` is one of `lab_qemu.find`; `boots` is the directory for the boot, by default that of all
    labs. Raises TargetUnavailableError if the lab does not boot, MissingToolError if `kut lab
    build` has not been run, and what the build of the VMM raises.
    """
    from kut_runner.lab import assembly

    kernel = assembly.find_kernel(name.partition("@")[2], tree, environment)
    initramfs = assembly.initramfs(tree, environment)
    boots = boots or assembly.boots(environment)
    return Lab(name, qemu, kernel, initramfs, lab_boot.booted(boots, qemu, kernel, initramfs))


def build(kernel: str, qemu: str | None, tree: Path, environment: "Mapping[str, str]") -> Lab:
    """Fetch a kernel, "" for the default, and everything else, and return the target.

    `qemu` is the value of --qemu. Raises what `find` raises, and SetupError if packages cannot be
    fetched.
    """
    from kut_runner.lab import assembly
    from kut_runner.targets import lab_qemu

    lab_qemu.find(qemu, tree, environment, unpack=True)
    assembly.fetch(kernel, tree, environment)
    return find(kernel, qemu, tree, environment)


def find(kernel: str, qemu: str | None, tree: Path, environment: "Mapping[str, str]") -> Lab:
    """Return the target with a kernel that is fetched; arguments as for `build`.

    Raises what `open_lab` and `lab_qemu.find` raise.
    """
    from kut_runner.targets import lab_qemu

    name = f"{LAB_TARGET}@{kernel}" if kernel else LAB_TARGET
    return open_lab(name, lab_qemu.find(qemu, tree, environment), tree, environment)
