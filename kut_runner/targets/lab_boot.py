# SPDX-License-Identifier: GPL-2.0-or-later
"""The first boot of a lab, which shows that it works, and what its KVM offers.

It is done once for each QEMU, kernel and initramfs.
"""

import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.errors import TargetUnavailableError
from kut_runner.lab import store
from kut_runner.lab.cpio import Archive
from kut_runner.process.capture import create
from kut_runner.process.child import Child
from kut_runner.process.cpu_timeout import CpuTimeout, TimeoutState
from kut_runner.targets import lab_machine
from kut_runner.text import printable

if TYPE_CHECKING:
    from kut_runner.lab.kernel import Kernel
    from kut_runner.targets.qemu import Qemu

#: Command in place of a test, and the last line of its output.
_COMMAND: Final = b"/bin/kut-vmm --capabilities >/dev/console; echo kut-lab: ready >/dev/console\n"
_READY: Final = "kut-lab: ready"
_LOG: Final = "boot.log"
_ERRORS: Final = "stderr"
_CAPABILITY: Final = re.compile(r"^vmm: capability (\w+) ([0-9]+)$", re.MULTILINE)
#: Seconds for a boot, which takes 3, without the time that it waits for a CPU.
_LIMIT: Final = 60.0
#: Seconds between looks at QEMU.
_POLL: Final = 0.05
#: Lines of the log in the error about a boot that fails.
_LAST_LINES: Final = 12


def capabilities(kind: Path, qemu: "Qemu", kernel: "Kernel", initramfs: Path) -> Mapping[str, int]:
    """Return what the KVM of a kernel offers, by the VMM's names; boot it if that is not known.

    `kind` is the directory for the logs of boots. Raises TargetUnavailableError if the kernel does
    not boot.
    """
    command = lab_machine.machine(qemu, kernel, initramfs)
    status = qemu.program.stat()
    identity = f"{qemu.release} {status.st_size} {status.st_mtime_ns}"
    parts = [identity, kernel.digest, initramfs.parent.name, *command]

    def make(directory: Path) -> None:
        _boot(directory, command, kernel)
        (directory / store.ABOUT).write_text(f"kernel {kernel.name}, QEMU {qemu.release}\n")

    found = store.made(kind, store.key(parts), make)
    return {name: int(value) for name, value in _CAPABILITY.findall(_text(found / _LOG))}


def _boot(directory: Path, command: tuple[str, ...], kernel: "Kernel") -> None:
    """Boot, and ask KVM what it offers; raises TargetUnavailableError if there is no answer."""
    log, errors = directory / _LOG, directory / _ERRORS
    files = lab_machine.Files("/dev/null", directory / "report", log, directory / "files")
    archive = Archive()
    archive.add_file("command", _COMMAND)
    files.files.write_bytes(archive.finish())
    chardevs = (*lab_machine.chardevs(files), *lab_machine.to_nothing(lab_machine.CONTROL))
    with create(errors) as stderr:
        nothing = subprocess.DEVNULL
        child = Child((*command, *chardevs), stdin=nothing, stdout=nothing, stderr=stderr)
        try:
            _wait(child)
        finally:
            child.reap()
    if _READY not in _text(log):
        raise _not_ready(kernel, _text(log) + _text(errors))


def _wait(child: Child) -> None:
    timeout = CpuTimeout(_LIMIT, time.monotonic())
    while not child.has_ended():
        if timeout.check(time.monotonic(), child.usage()) is TimeoutState.OVER:
            return
        time.sleep(_POLL)


def _not_ready(kernel: "Kernel", log: str) -> TargetUnavailableError:
    lines = [printable(line) for line in log.splitlines() if line.strip()]
    return TargetUnavailableError(
        f"kernel {kernel.name} does not boot to the lab's init",
        "docs/lab.md has the options that it needs; the last lines of its log are above",
        lines[-_LAST_LINES:],
    )


def _text(log: Path) -> str:
    try:
        return log.read_text(errors="replace").replace("\r", "")
    except FileNotFoundError:
        return ""
