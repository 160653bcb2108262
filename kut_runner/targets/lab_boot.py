# SPDX-License-Identifier: GPL-2.0-or-later
"""The boot of a lab, which is saved: each test starts from there.

It is done once for each QEMU, kernel and initramfs, and shows that the lab works and what its KVM
offers. A lab that cannot be saved boots for each test.
"""

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.errors import TargetUnavailableError
from kut_runner.lab import store
from kut_runner.lab.cpio import Archive
from kut_runner.process.capture import create
from kut_runner.process.child import Child
from kut_runner.process.cpu_timeout import CpuTimeout, TimeoutState
from kut_runner.targets import lab_harness, lab_machine, lab_report
from kut_runner.targets.lab_saving import Saving
from kut_runner.targets.remote import RemoteError
from kut_runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.lab.kernel import Kernel
    from kut_runner.targets.qemu import Qemu

#: Line of `init` when it waits for a test.
_READY: Final = "kut-lab: ready"
#: Test of a saved lab, which needs a timer of Linux, and the end of its report.
_CHECK: Final = b"/bin/busybox usleep 10000\n"
_CHECKED: Final = "vmm: status 0"

#: Changes with the way in which a lab is saved.
_FORMAT: Final = "3"
_STATE: Final = "state"
_UNSAVED: Final = "unsaved"
_LOG: Final = "boot.log"
_ERRORS: Final = "stderr"
_VMM_ERROR: Final = re.compile(r"^vmm: error (.*)$", re.MULTILINE)
#: Seconds for a boot, which takes 3, and for that test, without the time that they wait for a CPU.
_BOOT_LIMIT: Final = 60.0
_CHECK_LIMIT: Final = 10.0
#: Boots of a lab until it counts as one that cannot be saved.
_ATTEMPTS: Final = 5
#: Seconds between looks at QEMU.
_POLL: Final = 0.05
#: Lines of the log in the error about a boot that fails.
_LAST_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class BootedLab:
    """A lab that has booted once."""

    capabilities: Mapping[str, int]
    """Capabilities of its KVM, by the VMM's names."""
    state: Path | None = None
    """Its saved state, None if it could not be saved."""
    unsaved: str = ""
    """Reason why it could not."""


def booted(kind: Path, qemu: "Qemu", kernel: "Kernel", initramfs: Path) -> BootedLab:
    """Return the booted lab, kept in the directory `kind`; boot it if it is not there.

    Raises TargetUnavailableError if the kernel does not boot.
    """
    command = lab_machine.booting(qemu, kernel, initramfs)
    status = qemu.program.stat()
    identity = f"{qemu.release} {status.st_size} {status.st_mtime_ns}"
    parts = [_FORMAT, identity, kernel.digest, initramfs.parent.name, *command]

    def make(directory: Path) -> None:
        _boot(directory, qemu, command, kernel)
        (directory / store.ABOUT).write_text(f"kernel {kernel.name}, QEMU {qemu.release}\n")

    found = store.made(kind, store.key(parts), make)
    offered = lab_report.capabilities(_text(found / _LOG))
    if unsaved := _text(found / _UNSAVED).strip():
        return BootedLab(offered, unsaved=unsaved)
    return BootedLab(offered, found / _STATE)


def _boot(directory: Path, qemu: "Qemu", command: tuple[str, ...], kernel: "Kernel") -> None:
    """Boot the lab until it is saved: QEMU may die when it runs on after a migration."""
    unsaved = ""
    for _ in range(_ATTEMPTS):
        if not (unsaved := _save(directory, qemu, command, kernel)):
            return
    (directory / _STATE).unlink(missing_ok=True)
    (directory / _UNSAVED).write_text(f"{unsaved}\n")


def _save(directory: Path, qemu: "Qemu", command: tuple[str, ...], kernel: "Kernel") -> str:
    """Boot the lab and save it; return the reason why that is not possible, "" if it is done."""
    log, nowhere, state = directory / _LOG, Path("/dev/null"), directory / _STATE
    with ExitStack() as stack:
        saving = stack.enter_context(Saving(qemu.version))
        # Connected, so that `init` waits for the files: without a connection a port has ended.
        _ours, files = (stack.enter_context(end) for end in socket.socketpair())
        argv = (
            *command,
            *lab_machine.outputs("/dev/null", nowhere, log),
            *lab_machine.to_socket(lab_machine.FILES, files.fileno()),
            *lab_machine.to_nothing(lab_machine.CONTROL),
            *saving.options,
        )
        ends = (*saving.descriptors, files.fileno())
        child = stack.enter_context(_running(argv, directory, ends))
        saving.on_started()
        files.close()
        if not _wait(child, _BOOT_LIMIT, lambda: _READY in _text(log)):
            raise _not_ready(kernel, _text(log) + _text(directory / _ERRORS))
        if error := _VMM_ERROR.search(_text(log)):
            raise _without_kvm(kernel, printable(error[1]))
        try:
            saving.save(state)
        except RemoteError as error:
            return str(error)
    return "" if _goes_on(directory, qemu) else "it does not go on when it is restored"


def _goes_on(directory: Path, qemu: "Qemu") -> bool:
    """Restore the lab for a test; return whether it passes."""
    names = (directory / f"check.{name}" for name in ("report", "console", "files"))
    files = lab_machine.Files("/dev/null", *names)
    archive = Archive()
    archive.add_file("command", _CHECK)
    files.files.write_bytes(archive.finish())
    command = (
        *lab_machine.restoring(qemu, directory / _STATE),
        *lab_machine.chardevs(files),
        *lab_machine.to_nothing(lab_machine.CONTROL),
    )
    with _running(command, directory) as child:
        return _wait(child, _CHECK_LIMIT, child.has_ended) and _CHECKED in _text(files.report)


@contextmanager
def _running(argv: tuple[str, ...], directory: Path, ends: tuple[int, ...] = ()) -> Iterator[Child]:
    """Start QEMU, and kill it at the end."""
    nothing = subprocess.DEVNULL
    with create(directory / _ERRORS) as stderr:
        child = Child(argv, stdin=nothing, stdout=nothing, stderr=stderr, descriptors=ends)
        try:
            yield child
        finally:
            child.reap()


def _wait(child: Child, limit: float, is_done: "Callable[[], bool]") -> bool:
    """Wait until something is done; return whether it was within `limit` seconds."""
    timeout = CpuTimeout(limit, time.monotonic())
    while not is_done():
        is_over = timeout.check(time.monotonic(), child.usage()) is TimeoutState.OVER
        if is_over or child.has_ended():
            return is_done()
        time.sleep(_POLL)
    return True


def _not_ready(kernel: "Kernel", log: str) -> TargetUnavailableError:
    lines = [printable(line) for line in log.splitlines() if line.strip()]
    return TargetUnavailableError(
        f"kernel {kernel.name} does not boot to the lab's init",
        "docs/lab.md has the options that it needs; the last lines of its log are above",
        lines[-_LAST_LINES:],
    )


def _without_kvm(kernel: "Kernel", error: str) -> TargetUnavailableError:
    return TargetUnavailableError(
        f"kernel {kernel.name} has no KVM that works: {error}",
        "give a kernel with CONFIG_KVM=y, for CPUs with EL2",
    )


def _text(path: Path) -> str:
    return lab_harness.read(path).replace("\r", "")
