# SPDX-License-Identifier: GPL-2.0-or-later
"""Harness of a test in the lab: its files go in, the VMM's report and the kernel's log come out.

A message of the kernel about itself, as an oops or a WARNING, fails the test in which it appears,
whatever the image prints: the kernel is what the lab tests.
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.process.harness import Finding, FindingKind
from kut_runner.process.inspector import NoAttachment
from kut_runner.targets import lab_machine, lab_report
from kut_runner.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.process.harness import Stage

#: Messages of a kernel about its own errors.
_ERRORS: Final = re.compile(
    r"(?:Oops|BUG|WARNING|Internal error|Kernel panic|Unable to handle|Unexpected|SError"
    r"|rcu: INFO|watchdog|INFO: task \S+ blocked|Out of memory|Kernel BUG|HYP panic"
    r"|refcount_t|UBSAN|KASAN|list_(?:add|del) corruption)\b.*"
)
_TIMESTAMP: Final = re.compile(r"^\[ *[0-9.]+\] *")
#: Lines of KVM, but for those about an access for which it gives the guest an exception.
_KVM_ERROR: Final = re.compile(
    r"kvm \[[0-9]+\]: (?!Unsupported guest|Unknown exception class|nv: ).*"
)
#: Messages of `init` on the same console.
_LAB_ERROR: Final = re.compile(r"^kut-lab: error: (.*?)\r*$", re.MULTILINE)


class LabHarness:
    """Harness of one test; see `process.harness.Harness`."""

    moves: Final = 0

    def __init__(self, files: "Callable[[], bytes] | None", log: Path, _stage: "Stage") -> None:
        """Write the files of the test, an archive, beside its log; None for a VMM on the host."""
        self._paths = files_of(log)
        if files:
            self._paths.files.write_bytes(files())

    def attach(self) -> NoAttachment:
        """Return no connection."""
        return NoAttachment()

    def on_started(self) -> None:
        """Do nothing: the lab runs by itself."""

    def on_output(self, data: bytes) -> None:
        """Do nothing: output does not matter."""

    def on_spare_exit(self, code: int, stderr: str) -> None:
        """Do nothing: there is no spare machine."""

    def finish(self, stderr: str) -> Finding | None:  # noqa: ARG002 - QEMU's
        """Return the error of the kernel or of KVM, None without one."""
        return finding(read(self._paths.console), read(self._paths.report))

    def close(self) -> None:
        """Remove the files of the test."""
        with suppress(FileNotFoundError):
            self._paths.files.unlink()


def finding(kernel_log: str, report: str) -> Finding | None:
    """Return what a kernel's log and the VMM's report say against the lab; None for nothing."""
    found = lab_report.parse(report)
    if error := kernel_error(kernel_log):
        return Finding(FindingKind.BROKEN, "kernel-log", f"the kernel of the lab: {error}")
    if match := _LAB_ERROR.search(kernel_log):
        return Finding(FindingKind.FAILED, "lab-failed", f"the lab: {printable(match[1])}")
    if found.stuck:
        cpus = ", ".join(map(str, found.stuck))
        text = f"KVM did not let go of CPU {cpus}: KVM_RUN does not return"
        return Finding(FindingKind.BROKEN, "kvm-failed", text)
    if found.error:
        return _of_error(found)
    if found.end or found.status is None:
        return None  # in order, or stopped by kut
    text = f"the VMM ended without a reason, with status {found.status}"
    return Finding(FindingKind.FAILED, "lab-failed", text)


def _of_error(found: lab_report.Report) -> Finding:
    text = printable(found.error)
    if text.startswith("KVM_RUN"):
        return Finding(FindingKind.BROKEN, "kvm-failed", text)
    return Finding(FindingKind.FAILED, "lab-failed", f"the VMM: {text}")


def kernel_error(log: str) -> str:
    """Return the first message of a kernel about an error of its own, "" without one."""
    for line in log.splitlines():
        text = _TIMESTAMP.sub("", line.strip())
        if _ERRORS.match(text) or _KVM_ERROR.fullmatch(text):
            return printable(text)
    return ""


def files_of(log: Path) -> lab_machine.Files:
    """Return the files of the test whose serial line is in `log`: all but the log are beside it."""
    report, console, files = (log.with_suffix(each) for each in (".vmm", ".kernel", ".files"))
    return lab_machine.Files("/dev/fd/1", report, console, files)


def read(path: Path) -> str:
    """Return the text of a file, "" if it does not exist."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""
