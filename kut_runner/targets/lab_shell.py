# SPDX-License-Identifier: GPL-2.0-or-later
"""A shell in the lab, on the terminal: the saved lab with the kernel's console as its terminal."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from kut_runner.errors import UsageError
from kut_runner.lab.cpio import Archive
from kut_runner.process.child import die_with_parent
from kut_runner.targets import lab_machine

if TYPE_CHECKING:
    from kut_runner.targets.lab import Lab

#: In place of a test: a shell on the console, with a controlling terminal for Ctrl-C.
_COMMAND: Final = """\
exec </dev/ttyAMA0 >/dev/ttyAMA0 2>&1
/bin/busybox --install -s /bin
export PATH=/bin HOME=/test PS1='lab:\\w# '
dmesg -n 7
cat welcome
setsid -c sh
"""
_WELCOME: Final = """
/test has your files. To run an image at EL2: kut-vmm --el2 IMAGE
Ctrl-D ends the lab.
"""
#: Console of the kernel on the terminal; Ctrl-C goes to the lab.
_CONSOLE: Final = ("-chardev", f"stdio,id={lab_machine.CONSOLE},mux=on,signal=off")


def run(lab: "Lab", files: Sequence[Path]) -> int:
    """Run a shell in the lab, which has copies of `files`; return the exit status of QEMU.

    Raises UsageError if a file cannot be read.
    """
    with TemporaryDirectory(prefix="kut-lab-") as directory:
        archive = Path(directory) / "files"
        archive.write_bytes(_files(files))
        argv = (
            *lab.command(),
            *_CONSOLE,
            # Files, as a port without a connection blocks those who write to it.
            *lab_machine.to_file(lab_machine.SERIAL, os.devnull),
            *lab_machine.to_file(lab_machine.REPORT, os.devnull),
            *lab_machine.from_file(lab_machine.FILES, archive),
            *lab_machine.to_nothing(lab_machine.CONTROL),
        )
        done = subprocess.run(argv, check=False, preexec_fn=die_with_parent(SIGKILL))
        return done.returncode


def _files(files: Sequence[Path]) -> bytes:
    archive = Archive()
    archive.add_file("command", _COMMAND.encode())
    archive.add_file("welcome", _WELCOME.encode())
    for path in files:
        try:
            archive.add_file(path.name, path.read_bytes(), executable=True)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}", "give files to copy to the lab") from None
    return archive.finish()
