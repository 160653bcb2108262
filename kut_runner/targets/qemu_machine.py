# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's `virt` machine: the command line of a test, unmet needs, and the exit status."""

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.needs import Accelerator
from kut_runner.process.boot import Launch
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.targets.inspection import QemuInspector
from kut_runner.targets.protocol import ExitMeaning
from kut_runner.targets.qemu import SANDBOX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.harness import Harness, Stage
    from kut_runner.targets.qemu import Qemu

#: Messages of QEMU about too little memory on the host.
_NO_MEMORY: Final = re.compile("annot set up guest memory|annot allocate memory")


#: Options, without hyphens, that make QEMU write a trace.
_TRACING: Final = ("d", "trace")

#: Message of QEMU about too many CPUs; the last number is the limit.
_MOST_CPUS: Final = re.compile(r"SMP CPUs.*?\(?([0-9]{1,4})\)?\s*$", re.MULTILINE)
#: Path of no file, so that QEMU ends before it runs anything; seconds for that.
_NO_KERNEL: Final = "/dev/null/no-kernel"
_TIME_LIMIT: Final = 10.0
#: Options that reduce QEMU to the machine, with its serial line on stdio.
_QUIET: Final = (
    "-nodefaults",  # only the devices of the machine itself
    "-no-reboot",  # a guest that resets the machine ends the run
    *("-display", "none"),
    *("-monitor", "none"),  # stdio is for the serial line only
    *("-serial", "stdio"),
)


class QemuExits:
    """Exit status of QEMU: after a power-off, 0 or the status of the EXIT line (testdev)."""

    label: Final = "QEMU"

    def meaning(
        self, code: int, *, stderr: str, has_output: bool, exit_status: int | None
    ) -> ExitMeaning:
        """Interpret exit status `code`; see `ExitReader`."""
        if code in (0, exit_status):
            return ExitMeaning.POWERED_OFF
        if _NO_MEMORY.search(stderr):
            return ExitMeaning.NO_MEMORY
        return ExitMeaning.REFUSED if not has_output and code == 1 else ExitMeaning.FAILED


@dataclass(frozen=True, slots=True)
class QemuTarget(QemuExits):
    """Part of `Target` that is the same with each accelerator."""

    qemu: "Qemu"
    accelerator: Accelerator
    """With the selected properties."""

    @property
    def program(self) -> str:
        """Path of QEMU."""
        return str(self.qemu.program)

    @property
    def version(self) -> str:
        """Version of QEMU, as in "7.2.22"."""
        return self.qemu.release

    @property
    def properties(self) -> str:
        """Properties of the accelerator that the user asked for."""
        return self.accelerator.properties

    def cost(self, test: "TestDef") -> "Resources":
        """Return the CPUs and the memory of the test's process."""
        return cost(test)


@dataclass(frozen=True, slots=True)
class Choices:
    """Options that depend on the accelerator."""

    accelerator: Accelerator
    cpu: str
    """Model and features, the argument of -cpu."""


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
    """Return the QEMU process that boots `image` for `test`."""
    kernel = str(image.flat)
    trace = trace_file(test.qemu_args, log)
    to_trace = () if trace is None or "-D" in test.qemu_args else ("-D", str(trace))
    return Launch(
        (*command_line(qemu, choices, test, kernel), *to_trace),
        log,
        timeout,
        inspector=partial(QemuInspector, qemu.version, kernel) if inspect else None,
        trace=trace,
        harness=_harness(qemu, test, trace),
    )


def trace_file(options: "Sequence[str]", log: "Path") -> "Path | None":
    """Return the file for the output of `-d` and `-trace` among `options`, None without any.

    It is that of `-D`, else one beside `log`, so that a trace is not taken for an error on stderr.
    QEMU takes "%" in the name of the file for the start of a format.
    """
    if not any(option.lstrip("-") in _TRACING for option in options if option.startswith("-")):
        return None
    if "-D" in options[:-1]:
        return log.cwd() / options[len(options) - options[::-1].index("-D")]
    return None if "%" in str(log) else log.with_suffix(".trace")


def _harness(
    qemu: "Qemu", test: "TestDef", trace: "Path | None"
) -> "Callable[[Stage], Harness] | None":
    """Return the harness that a test needs, None for a test that runs by itself."""
    if test.migration:
        from kut_runner.targets.migration import Migration

        return partial(Migration, qemu.version, trace)
    if test.panic:
        from kut_runner.targets.panic import Panic

        return partial(Panic, qemu.version)
    return None


def command_line(qemu: "Qemu", choices: Choices, test: "TestDef", kernel: str) -> tuple[str, ...]:
    """Return the argument vector of a QEMU that boots `kernel` for `test`."""
    machine = ",".join(("virt", *(f"{key}={value}" for key, value in test.machine)))
    return (
        str(qemu.program),
        *(SANDBOX if qemu.has_sandbox and SANDBOX[0] not in test.qemu_args else ()),
        *_QUIET,
        *("-machine", machine),
        *("-accel", str(choices.accelerator)),
        *("-cpu", choices.cpu),
        *("-smp", ",".join(filter(None, (str(test.smp), test.topology)))),
        *("-m", str(test.memory)),
        *("-kernel", kernel),
        *(("-append", test.args) if test.args else ()),
        *test.qemu_args,
    )


def most_cpus(program: str, accelerator: str, wanted: str, *, has_el2: bool) -> int | None:
    """Return the limit that QEMU states if it refuses a machine with `wanted` CPUs, else None."""
    from kut_runner.process.program import call

    machine = "virt,virtualization=on" if has_el2 else "virt"
    options = ("-machine", machine, "-accel", accelerator, "-smp", wanted)
    outcome = call((program, *_QUIET, *options, "-kernel", _NO_KERNEL), _TIME_LIMIT)
    found = _MOST_CPUS.search(outcome.output)
    return int(found[1]) if found else None


def refusal(program: str, machine: str, *, cpu: str, smp: int) -> str:
    """Return the message of a QEMU that refuses a machine of target tcg, "" if it accepts it."""
    from kut_runner.process.program import call

    options = ("-machine", machine, "-accel", "tcg", "-cpu", cpu, "-smp", str(smp))
    outcome = call((program, *_QUIET, *options, "-kernel", _NO_KERNEL), _TIME_LIMIT)
    if _NO_KERNEL in outcome.output:
        return ""
    first = (outcome.output.strip() or f"exit status {outcome.code}").splitlines()[0]
    return f"QEMU refuses the machine: {first.partition(': ')[2] or first}"


def smallest_machine(program: str, kernel: str) -> tuple[str, ...]:
    """Return the argument vector of a machine with EL2 that is just large enough for `kernel`."""
    machine = ("-machine", "virt,virtualization=on", "-accel", "tcg", "-cpu", "max", "-m", "64")
    return (program, *_QUIET, *machine, "-kernel", kernel)


def unmet_need(qemu: "Qemu", test: "TestDef", selected: Accelerator) -> str:
    """Return the reason why this QEMU cannot run `test`, "" if it may.

    QEMU itself rejects a machine, a CPU or an option that it does not support.
    """
    if test.skip:
        return test.skip
    for need in test.needs:
        if qemu.version < need.oldest:
            return f"needs {need}, and this is QEMU {qemu.release}"
    if test.accelerator and not _agree(test.accelerator, selected):
        return f"needs accelerator {test.accelerator}, and this is {selected}"
    return ""


def _agree(wanted: Accelerator, selected: Accelerator) -> bool:
    """Return whether the selected accelerator is the one a test wants, its properties too."""
    is_free = not wanted.properties or not selected.properties
    return wanted.name == selected.name and (is_free or wanted == selected)


def accelerator_of(test: "TestDef", selected: Accelerator) -> Accelerator:
    """Return the accelerator with the properties of the selection, else of the test."""
    return selected if selected.properties else test.accelerator or selected


def cost(test: "TestDef", threads: int | None = None) -> Resources:
    """Return the resources of a QEMU: one CPU for each of the machine's, and its memory.

    `threads` is the number of threads that run the CPUs, None for one each. During a migration
    there are two machines.
    """
    one = Resources(float(threads or test.smp), test.memory + OVERHEAD)
    return one + one if test.migration else one
