# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells of a grid: each test on several QEMUs, CPU models, GIC versions, builds and CPU counts.

Values of the axes replace those of the tests. A cell that cannot run (its QEMU is missing, or
refuses the machine) has the reason, and no cases.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import product, zip_longest
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.definitions import plan
from kut_runner.definitions.config import BUILT_IN, TestDef, is_lab
from kut_runner.definitions.overrides import Overrides
from kut_runner.errors import InfrastructureError, TargetUnavailableError, UsageError
from kut_runner.targets import qemu_machine
from kut_runner.targets.case import Case

if TYPE_CHECKING:
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target

#: CPU models that "all" stands for.
CPUS: Final = (
    *("max", "neoverse-v1", "neoverse-n1", "cortex-a76"),
    *("cortex-a72", "cortex-a57", "cortex-a53", "cortex-a35"),
)
_ALL: Final = "all"
#: Name of the build without a variant.
DEFAULT: Final = "default"
#: Characters that an id does not have.
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.+-]")
#: A QEMU with a name of the user, as in "mine=build/qemu-system-aarch64".
_NAMED: Final = re.compile(r"([A-Za-z0-9_.+-]{1,40})=(.+)")
_GIC: Final = "gic-version"
#: Version of a target that tests Linux, without the suffix of Debian's packages.
_LINUX: Final = re.compile(r"Linux (\S+?)(?:\+deb\S*?)?(?:,|$)")


@dataclass(frozen=True, slots=True)
class Axes:
    """Values of each axis; an axis without values leaves those of the tests."""

    targets: tuple[str, ...] = ()
    qemus: tuple[str, ...] = ()
    """Paths or names of QEMUs, also as "LABEL=PATH"."""
    cpus: tuple[str, ...] = ()
    """Models, as QEMU's -cpu takes them."""
    gics: tuple[str, ...] = ()
    """Values of the property gic-version."""
    variants: tuple[str, ...] = ()
    """Variants of the build, `DEFAULT` for none."""
    smps: tuple[int, ...] = ()

    def expanded(self) -> Self:
        """Return the axes with each value once, and the CPU models for "all"."""
        models = (name for cpu in self.cpus for name in (CPUS if cpu == _ALL else (cpu,)))
        unique = {
            name: tuple(dict.fromkeys(getattr(self, name)))
            for name in ("targets", "qemus", "gics", "variants", "smps")
        }
        return replace(self, **unique, cpus=tuple(dict.fromkeys(models)))

    def to_json(self) -> dict[str, Any]:
        """Return the axes for the document of a run."""
        return {name: list(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the axes that `to_json` wrote."""
        return cls(**{name: tuple(data.get(name, ())) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Cell:
    """A combination of the values of all axes."""

    id: str
    target: "Target | None"
    """None where it is not available."""
    cpu: str | None = None
    gic: str | None = None
    variant: str = DEFAULT
    smp: int | None = None
    problem: str = ""
    """Reason why the cell cannot run, "" if it can."""

    def tests(self, tests: Iterable[TestDef]) -> Iterator[TestDef]:
        """Yield the tests on the machine of this cell; of equal ones the first."""
        seen = set[TestDef]()
        for test in Overrides(cpu=self.cpu, smp=self.smp).apply(tests):
            changed = replace(test, machine=_with_gic(test.machine, self.gic))
            key = replace(changed, name="", groups=(), origin="")
            if key not in seen:
                seen.add(key)
                yield changed

    def cases(self, tests: Iterable[TestDef], built: Mapping[str, Case]) -> Iterator[Case]:
        """Yield the cases of this cell, none if it cannot run.

        `built` has a case of each image, in the build of this cell.
        """
        if self.target and not self.problem:
            for test in self.tests(tests):
                yield replace(built[test.image], test=test, target=self.target, cell=self.id)


def _with_gic(
    machine: tuple[tuple[str, str], ...], version: str | None
) -> tuple[tuple[str, str], ...]:
    if version is None:
        return machine
    return (*(each for each in machine if each[0] != _GIC), (_GIC, version))


@dataclass(frozen=True, slots=True)
class _Machine:
    """Target of a column, with its part of the id."""

    label: str
    target: "Target | None" = None
    problem: str = ""
    asked: str = ""
    """The QEMU as the user gave it; "" if he gave its label."""


#: Opens a target by its name and its QEMU; None for the default of each.
OpenTarget = Callable[[str | None, str | None], "Target"]


def cells(axes: Axes, open_target: OpenTarget) -> tuple[Cell, ...]:
    """Return the cells, in the order of the values; the axis that is named first varies least.

    Raises UsageError for an invalid value, and for two cells with the same id.
    """
    axes = axes.expanded()
    for cpu, smp in zip_longest(axes.cpus, axes.smps):
        Overrides(cpu=cpu, smp=smp)  # checks them
    machines = _distinct(_machines(axes, open_target))
    several = [len(values) > 1 for values in (axes.cpus, axes.gics, axes.variants, axes.smps)]
    shows_machine = len(machines) > 1 or not any(several)
    found = []
    for machine, cpu, gic, variant, smp in product(
        machines,
        axes.cpus or (None,),
        axes.gics or (None,),
        axes.variants or (DEFAULT,),
        axes.smps or (None,),
    ):
        values = (cpu, f"gic{gic}", variant, f"smp{smp}")
        parts = [machine.label] if shows_machine else []
        parts += [str(value) for value, shows in zip(values, several, strict=True) if shows]
        id_ = "/".join(_UNFIT.sub("_", part) for part in parts)
        found.append(Cell(id_, machine.target, cpu, gic, variant, smp, machine.problem))
    twice = [id_ for id_, count in Counter(cell.id for cell in found).items() if count > 1]
    if twice:
        raise UsageError(f"two cells are called {twice[0]}", "name a QEMU, as in --qemu new=PATH")
    return tuple(_probed(found))


def _machines(axes: Axes, open_target: OpenTarget) -> Iterator[_Machine]:
    """Yield the targets, each QEMU of one that runs on QEMU."""
    for name in axes.targets or (None,):
        is_qemu = name is None or name in BUILT_IN or is_lab(name)
        for given in axes.qemus if is_qemu and axes.qemus else (None,):
            yield _machine(name, given, open_target, shows_qemu=len(axes.qemus) > 1)


def _machine(
    name: str | None, qemu: str | None, open_target: OpenTarget, *, shows_qemu: bool
) -> _Machine:
    """Return a target, or the reason why it is not available.

    Raises UsageError for a target that does not exist, not for an unfit kernel of a lab.
    """
    named = _NAMED.fullmatch(qemu or "")
    label, path = (named[1], named[2]) if named else ("", qemu)
    kernel = name if name and is_lab(name) else ""
    try:
        target = open_target(name, path)
    except (InfrastructureError, TargetUnavailableError, UsageError) as error:
        if isinstance(error, UsageError) and not kernel:
            raise
        problem = ": ".join(filter(None, (error.message, error.hint)))
        on_qemu = label or path or ""
        shown = "-".join(filter(None, (kernel, on_qemu if shows_qemu or not kernel else "")))
        return _Machine(_UNFIT.sub("_", shown or name or BUILT_IN[0]), None, problem)
    if kernel:
        on_qemu = label or f"qemu-{target.version.rpartition(' ')[2]}"
        shown = "-".join((_label(target), on_qemu)) if shows_qemu else _label(target)
        return _Machine(shown, target, "", "-".join(filter(None, (kernel, path))))
    asked = "" if label else path or target.program
    return _Machine(label or _label(target), target, "", asked)


def _label(target: "Target") -> str:
    if kernel := _LINUX.match(target.version):
        return f"linux-{kernel[1]}"
    if target.name not in BUILT_IN:
        return "-".join(filter(None, (target.name, target.version)))
    accelerator = "" if target.name == BUILT_IN[0] else target.name
    return "-".join(filter(None, (accelerator, "qemu", target.version, target.properties)))


def _distinct(machines: Iterable[_Machine]) -> list[_Machine]:
    """Return the machines; those of one version are called by what the user asked for."""
    found = list(machines)
    counts = Counter(each.label for each in found)
    return [
        replace(each, label=_UNFIT.sub("_", each.asked.strip("/")))
        if counts[each.label] > 1 and each.asked
        else each
        for each in found
    ]


def _probed(found: Iterable[Cell]) -> Iterator[Cell]:
    """Yield the cells; one whose QEMU refuses the machine has its message."""
    for cell in found:
        if cell.target and cell.target.name == BUILT_IN[0]:
            gic = f",{_GIC}={cell.gic}" if cell.gic else ""
            problem = qemu_machine.refusal(
                cell.target.program,
                f"virt,virtualization=on{gic}",
                cpu=cell.cpu or "max",
                smp=cell.smp or 1,
            )
            yield replace(cell, problem=problem)
        else:
            yield cell


def select(workspace: "Workspace", selection: plan.Selection) -> tuple[TestDef, ...]:
    """Return the selected tests; a pattern is also an area or a row of the conformance suite.

    Errors are those of `plan.select` and `Workspace.select_rows`.
    """
    tests = workspace.definitions.tests
    of_rows = tuple(
        pattern
        for pattern in selection.patterns
        if "/" not in pattern and not any(fnmatchcase(test.name, pattern) for test in tests)
    )
    others = tuple(pattern for pattern in selection.patterns if pattern not in of_rows)
    found: dict[str, TestDef] = {}
    if others or selection.groups or selection.keyword or not of_rows:
        chosen = workspace.select(replace(selection, patterns=others))
        found = {test.name: test for test in chosen}
    if of_rows:
        for test in workspace.select_rows(of_rows):
            found.setdefault(test.name, test)
    return tuple(found.values())


def missing(cases: Sequence[Case], done: Mapping[str, str]) -> tuple[Case, ...]:
    """Return the cases without a result; `done` has the build id of each result.

    Raises UsageError when the image of a result has changed since.
    """
    for case in cases:
        before = done.get(case.id)
        if before and before != case.image.build_id:
            raise UsageError(
                f"the image {case.image.name} has changed since the grid was interrupted",
                "start the grid again, without --resume",
            )
    return tuple(case for case in cases if case.id not in done)
