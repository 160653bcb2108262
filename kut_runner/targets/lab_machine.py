# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's machine in QEMU: arm64 Linux at EL2 with nested virtualization, fully emulated.

Its virtio console has the ports that `lab/init` describes; what is behind them is the caller's. The
machine is the same for the boot that is saved and for each test that is restored from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.targets.qemu import SANDBOX

if TYPE_CHECKING:
    from kut_runner.lab.kernel import Kernel
    from kut_runner.targets.qemu import Qemu

#: Names of the chardevs: the kernel's console, then the ports 1 to 4.
CONSOLE: Final = "console"
SERIAL, REPORT, FILES, CONTROL = PORTS = ("serial", "report", "files", "control")

#: MiB of the lab's machine, and of QEMU when a test runs.
MEMORY: Final = 1024
RESIDENT: Final = 384

_MACHINE: Final = (
    "-nodefaults",
    "-no-reboot",  # a panic of the kernel ends the run
    *("-display", "none"),
    *("-monitor", "none"),
    *("-machine", "virt,virtualization=on,gic-version=3"),
    # With 52-bit addresses KVM takes seconds to free the tables of each nested vCPU.
    *("-cpu", "max,lpa2=off"),
    *("-smp", "1"),
    *("-m", str(MEMORY)),
    # Time of the guest follows its instructions, so that its timeouts do not depend on the host.
    *("-icount", "shift=2,sleep=off"),
    *("-serial", f"chardev:{CONSOLE}"),
    *("-device", "virtio-serial-pci"),
)
#: Warnings and errors only; an oops ends the run.
_KERNEL_ARGUMENTS: Final = (
    "console=ttyAMA0 loglevel=5 oops=panic panic=-1 kvm-arm.mode=nested nokaslr"
)


def booting(qemu: "Qemu", kernel: "Kernel", initramfs: Path) -> tuple[str, ...]:
    """Return the command line of a machine that boots, without chardevs."""
    files = ("-kernel", str(kernel.image), "-initrd", str(initramfs))
    return (*_machine(qemu), *files, "-append", _KERNEL_ARGUMENTS)


def restoring(qemu: "Qemu", state: Path) -> tuple[str, ...]:
    """Return the command line of a machine that goes on from a saved state, without chardevs."""
    return (*_machine(qemu), "-incoming", f"file:{state}")


def _machine(qemu: "Qemu") -> tuple[str, ...]:
    ports = (
        ("-device", f"virtserialport,nr={number},chardev={name},name=kut.{name}")
        for number, name in enumerate(PORTS, start=1)
    )
    sandbox = SANDBOX if qemu.has_sandbox else ()
    return (str(qemu.program), *sandbox, *_MACHINE, *(option for port in ports for option in port))


@dataclass(frozen=True, slots=True)
class Files:
    """Files behind the chardevs of a test."""

    serial: str
    report: Path
    console: Path
    files: Path


def chardevs(files: Files) -> tuple[str, ...]:
    """Return the options for the chardevs of a test, all but `CONTROL`."""
    return (
        *outputs(files.serial, files.report, files.console),
        *from_file(FILES, files.files),
    )


def outputs(serial: str, report: Path, console: Path) -> tuple[str, ...]:
    """Return the options for the chardevs of what the lab prints."""
    return (
        *to_file(SERIAL, serial),
        *to_file(REPORT, report),
        *to_file(CONSOLE, console),
    )


def to_file(chardev: str, path: Path | str) -> tuple[str, ...]:
    """Return the options for a chardev that writes to a file."""
    return ("-chardev", f"file,id={chardev},path={_escaped(path)}")


def from_file(chardev: str, path: Path) -> tuple[str, ...]:
    """Return the options for a chardev that reads a file, and discards output."""
    return ("-chardev", f"file,id={chardev},path=/dev/null,input-path={_escaped(path)}")


def to_socket(chardev: str, descriptor: int) -> tuple[str, ...]:
    """Return the options for a chardev on a connected socket that QEMU inherits."""
    return ("-chardev", f"socket,id={chardev},fd={descriptor}")


def to_nothing(chardev: str) -> tuple[str, ...]:
    """Return the options for a chardev that discards output and has no input."""
    return ("-chardev", f"null,id={chardev}")


def _escaped(path: Path | str) -> str:
    """Return a path as a value of an option of QEMU."""
    return str(path).replace(",", ",,")
