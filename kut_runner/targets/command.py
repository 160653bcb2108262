# SPDX-License-Identifier: GPL-2.0-or-later
"""Target of a command: any program that boots an image and prints its serial line on stdout.

Examples are VMMs such as kvmtool and crosvm, models, and boards controlled by a script. A
definition `[target.NAME]` has its command line and the features that it provides.
"""

import string
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.implied_needs import (
    CpuModel,
    ExceptionLevel2,
    GicVersion,
    Harness,
    MachineProperty,
    QemuOptions,
    all_needs,
)
from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.errors import MissingToolError
from kut_runner.process.boot import Launch
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.targets.protocol import ExitMeaning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TargetDef, TestDef
    from kut_runner.definitions.implied_needs import Need

#: Timeout of the version command, in seconds.
_TIME_LIMIT: Final = 10.0
#: GIC versions that any GIC satisfies.
_ANY_GIC: Final = ("max", "host")


@dataclass(frozen=True, slots=True)
class CommandExits:
    """Exit status of a command: after a power-off, 0 or the status of the EXIT line."""

    label: str

    def meaning(
        self,
        code: int,
        *,
        stderr: str,  # noqa: ARG002 - the messages of the program are unknown
        has_output: bool,
        exit_status: int | None,
    ) -> ExitMeaning:
        """Interpret exit status `code`; see `ExitReader`."""
        if code in (0, exit_status):
            return ExitMeaning.POWERED_OFF
        return ExitMeaning.FAILED if has_output else ExitMeaning.REFUSED


#: Needs that no command can meet.
_QEMU_ONLY: Final = (*(CpuModel, MachineProperty, QemuOptions, QemuVersion, Accelerator, Harness),)


@dataclass(frozen=True, slots=True)
class Command:
    """Target of a command; see `Target`."""

    definition: "TargetDef"
    program: str
    """Absolute path."""
    version: str
    """First line of the version command's output; empty without one."""
    tree: Path
    """Directory for relative paths in the definition."""

    @property
    def name(self) -> str:
        """Name of the target."""
        return self.definition.name

    @property
    def label(self) -> str:
        """Name of the program in messages."""
        return Path(self.program).name

    @property
    def properties(self) -> str:
        """No properties: the definition is the whole command."""
        return ""

    @property
    def times_key(self) -> str:
        """Name and version of the target."""
        return " ".join(filter(None, (self.name, self.version)))

    def meaning(
        self, code: int, *, stderr: str, has_output: bool, exit_status: int | None
    ) -> ExitMeaning:
        """Interpret exit status `code`; see `ExitReader`."""
        return CommandExits(self.label).meaning(
            code, stderr=stderr, has_output=has_output, exit_status=exit_status
        )

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        if test.skip:
            return test.skip
        return next(filter(None, map(self._unmet, all_needs(test))), "")

    def launch(
        self,
        test: "TestDef",
        image: "Image",
        log: Path,
        timeout: float,
        *,
        inspect: bool,  # noqa: ARG002 - not supported
    ) -> Launch:
        """Return the process that boots `image` for `test`."""
        values = {
            "image": str(image.flat),
            "elf": str(image.elf),
            "dtb": str(self.tree / self.definition.dtb),
            "args": test.args,
            "smp": str(test.smp),
            "memory": str(test.memory),
            "virtualization": dict(test.machine).get("virtualization", "off"),
        }
        _, *arguments = (each.format(**values) for each in self.definition.command)
        return Launch(
            (self.program, *arguments),
            log,
            timeout * self.definition.timeout_factor,
            uninspectable=f"target {self.name} has no means to inspect a machine",
        )

    def cost(self, test: "TestDef") -> Resources:
        """Return the CPUs and the memory of the test's process."""
        return Resources(float(test.smp), test.memory + OVERHEAD)

    def _unmet(self, need: "Need") -> str:
        provides = self.definition.provides
        if isinstance(need, ExceptionLevel2):
            if need.is_present == ("el2" in provides) or self._chooses_el2():
                return ""
        elif isinstance(need, GicVersion):
            gics = [each for each in provides if each.startswith("gicv")]
            if f"gicv{need.version}" in gics or (gics and need.version in _ANY_GIC):
                return ""
        elif isinstance(need, _QEMU_ONLY):
            pass
        return f"needs {need}, which target {self.name} does not provide"

    def _chooses_el2(self) -> bool:
        """Return whether the command selects for each test if its machine has EL2."""
        return "el2" in self.definition.provides and any(
            field == "virtualization"
            for argument in self.definition.command
            for _, field, _, _ in string.Formatter().parse(argument)
        )


def find(definition: "TargetDef", tree: Path, environment: "Mapping[str, str]") -> Command:
    """Return the target of a definition; raises MissingToolError if its program is missing.

    A program with a "/" is relative to the source tree; any other is searched in PATH.
    """
    from kut_runner.build.toolchain import find_program

    name = definition.command[0]
    found = find_program(str(tree / name) if "/" in name else name, environment)
    if not found:
        raise MissingToolError(
            f"target {definition.name}: {name} does not exist or is not executable",
            f"install it, or correct command in [target.{definition.name}] of {definition.origin}",
        )
    program = str(Path(found).absolute())
    return Command(definition, program, _ask_version(definition, program, tree), tree)


def _ask_version(definition: "TargetDef", program: str, tree: Path) -> str:
    """Return the first line of the version command's output, "" without a command.

    Raises MissingToolError if the command cannot be started or times out.
    """
    if not definition.version:
        return ""
    from kut_runner.process.program import call

    first, *rest = definition.version
    argv = (program if first == definition.command[0] else first, *rest)
    outcome = call(argv, _TIME_LIMIT, tree)
    if outcome.code is None:
        raise MissingToolError(
            f"target {definition.name}: {' '.join(argv)} printed no version: {outcome.output}",
            f"correct version in [target.{definition.name}] of {definition.origin}",
        )
    return (outcome.output.splitlines() or [""])[0][:100]
