# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of machines, and their replay, with QEMU's `-icount rr`.

A recording has the inputs of a machine that its instructions do not determine: times and events of
devices. QEMU writes it to NAME.rr beside the log. The image is copied to `recorded/` there, so that
a later build does not change what is replayed. Without disks and network, a replay needs the same
version of QEMU, the same options, the image and the recording.
"""

import os
import shutil
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.implied_needs import Harness, all_needs
from kut_runner.process.boot import Launch
from kut_runner.targets.inspection import QemuInspector
from kut_runner.targets.qemu_machine import QemuTarget, trace_file

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef

_OPTION: Final = "-icount"
#: Directory of the images, beside the logs.
_IMAGES: Final = "recorded"


def path_of(log: "Path") -> "Path":
    """Return the recording that belongs to the log of an attempt."""
    return log.with_suffix(".rr")


def unmet_need(test: "TestDef") -> str:
    """Return the reason why `test` cannot be recorded, "" if it can."""
    if test.smp > 1:
        return f"needs {test.smp} CPUs, and QEMU records machines with one CPU only"
    if _OPTION in test.qemu_args:
        return f"has QEMU's option {_OPTION}, which --record sets"
    if harness := next((each for each in all_needs(test) if isinstance(each, Harness)), None):
        return f"needs {harness}, which QEMU does not record"
    return ""


def with_recording(test: "TestDef", log: "Path") -> "TestDef":
    """Return the test with the options that record it."""
    return replace(test, qemu_args=(*test.qemu_args, *_options("record", path_of(log))))


def keep_image(image: "Image", log: "Path") -> "Image":
    """Copy an image beside its log, unless a test of the same run has done so; raises OSError."""
    directory = log.parent / _IMAGES
    directory.mkdir(exist_ok=True)
    kept = replace(image, elf=directory / image.elf.name, flat=directory / image.flat.name)
    for source, copy in ((image.elf, kept.elf), (image.flat, kept.flat)):
        if source.exists() and not copy.exists():
            temporary = copy.with_name(f".{copy.name}.{os.getpid()}")
            shutil.copyfile(source, temporary)
            temporary.replace(copy)
    return kept


@dataclass(frozen=True, slots=True)
class Replay(QemuTarget):
    """Target that repeats one recorded attempt; see `Target`."""

    command: tuple[str, ...]
    """Argument vector of the recorded QEMU."""
    log: "Path"
    """Recorded serial output."""
    qemu_args: tuple[str, ...] = ()
    """Further options of QEMU, which must not change the machine."""

    @property
    def name(self) -> str:
        """Name of the target that was recorded."""
        return self.accelerator.name

    @property
    def times_key(self) -> str:
        """Times of a replay are not kept."""
        return ""

    def unmet_need(self, test: "TestDef") -> str:  # noqa: ARG002 - see `Target`
        """Return "": it ran before."""
        return ""

    def launch(
        self,
        test: "TestDef",  # noqa: ARG002 - it is in the command
        image: "Image",
        log: "Path",
        timeout: float,
        *,
        inspect: bool,
    ) -> Launch:
        """Return the QEMU process that replays the recording."""
        options = (*self._machine(), *self.qemu_args)
        trace = trace_file(options, log)
        to_trace = () if trace is None or "-D" in options else ("-D", str(trace))
        kernel = str(image.flat)
        return Launch(
            (str(self.qemu.program), *options, *to_trace),
            log,
            timeout,
            inspector=partial(QemuInspector, self.qemu.version, kernel) if inspect else None,
            trace=trace,
        )

    def _machine(self) -> tuple[str, ...]:
        """Return the recorded options, with those for the replay in place of the last -icount."""
        at = len(self.command) - 1 - self.command[::-1].index(_OPTION)
        rest = self.command[at + 2 :]
        if rest[-2:] == ("-D", str(self.log.with_suffix(".trace"))):
            rest = rest[:-2]
        return (*self.command[1:at], *_options("replay", path_of(self.log)), *rest)


def _options(mode: str, recording: "Path") -> tuple[str, str]:
    escaped = str(recording).replace(",", ",,")
    return _OPTION, f"shift=auto,rr={mode},rrfile={escaped}"
