# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's `virt` machine: its command line for a test, its needs, and the meaning of its exit."""

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.process.boot import Launch
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.targets.inspection import QemuInspector
from kut_runner.targets.protocol import ExitMeaning

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.needs import Need
    from kut_runner.targets.qemu import Qemu

#: QEMU's message where the host has too little memory.
_NO_MEMORY: Final = re.compile("annot set up guest memory|annot allocate memory")


class QemuExits:
    """The meaning of QEMU's exit status.

    It is 0 after a power-off, or the number of the EXIT line, which QEMU's testdev makes its own.
    """

    label: Final = "QEMU"

    def meaning(
        self, code: int, *, stderr: str, has_output: bool, exit_status: int | None
    ) -> ExitMeaning:
        """Return the meaning of exit status `code`; see `ExitReader`."""
        if code in (0, exit_status):
            return ExitMeaning.POWERED_OFF
        if _NO_MEMORY.search(stderr):
            return ExitMeaning.NO_MEMORY
        return ExitMeaning.REFUSED if not has_output and code == 1 else ExitMeaning.FAILED


@dataclass(frozen=True, slots=True)
class Choices:
    """The part of a machine that an accelerator decides."""

    accelerator: Accelerator
    cpu: str
    """Model and features, as -cpu takes them."""


def launch(  # noqa: PLR0913 - see Target.launch
    qemu: "Qemu",
    choices: Choices,
    test: "TestDef",
    image: "Image",
    *,
    log: "Path",
    timeout: float,
    inspect: bool,
) -> Launch:
    """Return the QEMU process that boots `image` as `test` asks."""
    kernel = str(image.flat)
    return Launch(
        command_line(qemu, choices, test, kernel),
        log,
        timeout,
        inspector=partial(QemuInspector, qemu.version, kernel) if inspect else None,
    )


def command_line(qemu: "Qemu", choices: Choices, test: "TestDef", kernel: str) -> tuple[str, ...]:
    """Return QEMU's argument vector that boots `kernel` as `test` asks."""
    machine = ",".join(("virt", *(f"{key}={value}" for key, value in test.machine)))
    return (
        str(qemu.program),
        *_QUIET,
        *("-machine", machine),
        *("-accel", str(choices.accelerator)),
        *("-cpu", choices.cpu),
        *("-smp", str(test.smp)),
        *("-m", str(test.memory)),
        *("-kernel", kernel),
        *(("-append", test.args) if test.args else ()),
        *test.qemu_args,
    )


#: Options that keep QEMU from anything but the machine and its serial line on stdio.
_QUIET: Final = (
    "-nodefaults",  # no devices but the machine's own: less to create, less to go wrong
    "-no-reboot",  # a guest that resets the machine ends the run
    *("-display", "none"),
    *("-monitor", "none"),  # stdio belongs to the serial line alone
    *("-serial", "stdio"),
)


def smallest_machine(program: str, kernel: str) -> tuple[str, ...]:
    """Return the argument vector of a machine with EL2 that is just large enough for `kernel`."""
    machine = ("-machine", "virt,virtualization=on", "-accel", "tcg", "-cpu", "max", "-m", "64")
    return (program, *_QUIET, *machine, "-kernel", kernel)


def unmet_need(qemu: "Qemu", need: "Need", selected: Accelerator) -> str:
    """Return why this QEMU cannot meet a need, "" when it can, or must try."""
    if isinstance(need, QemuVersion) and qemu.version < need.oldest:
        return f"needs {need}, and this is QEMU {qemu.release}"
    if isinstance(need, Accelerator) and need.name != selected.name:
        return f"needs accelerator {need.name}, and this is {selected.name}"
    return ""


def first_unmet(test: "TestDef", answer: "Callable[[Need], str]") -> str:
    """Return the first reason why a test cannot run, "" when it can."""
    return test.skip or next(filter(None, map(answer, test.all_needs)), "")


def cost(test: "TestDef") -> Resources:
    """Return the resources of a QEMU: a CPU for each of the guest's, and its memory."""
    return Resources(float(test.smp), test.memory + OVERHEAD)
