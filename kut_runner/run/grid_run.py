# SPDX-License-Identifier: GPL-2.0-or-later
"""Run of a grid: all cells in one run, which can be resumed after an interruption."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.definitions.plan import Selection
from kut_runner.errors import ExitCode, NothingSelectedError, UsageError
from kut_runner.process.boot import ExitKind
from kut_runner.records.document import RunMetadata, host_metadata
from kut_runner.records.store import Store
from kut_runner.run import engine
from kut_runner.run import grid as grids
from kut_runner.run.grid import DEFAULT, Axes, Cell
from kut_runner.run.rerun import Joined

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.records.document import Document
    from kut_runner.records.view import View
    from kut_runner.run.options import RunOptions
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult

#: Key of the request among the options of a run.
_KEY: Final = "grid"


@dataclass(frozen=True, slots=True)
class Request:
    """Options that decide what runs in which cells."""

    axes: Axes
    selection: Selection
    compiler: str
    reference: str | None = None
    """Id of the reference cell; None for the first one that can run."""

    def to_json(self) -> dict[str, Any]:
        """Return the request for the document of the run."""
        return {
            "axes": self.axes.to_json(),
            "selection": asdict(self.selection),
            "compiler": self.compiler,
            "reference": self.reference,
        }

    @classmethod
    def of(cls, document: "Document") -> Self:
        """Return the request of a run."""
        data = document.metadata.options[_KEY]
        given = data["selection"]
        selection = Selection(
            tuple(given["patterns"]),
            tuple(given["groups"]),
            given["keyword"],
            tuple(given["excludes"]),
        )
        return cls(Axes.from_json(data["axes"]), selection, data["compiler"], data["reference"])


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of a grid that has ended."""

    code: ExitCode
    run: str
    reference: str
    problems: Mapping[str, str]
    """All cells, with the reason for each that did not run."""


#: Returns the workspace of a variant, None for the build without one.
WorkspaceOf = Callable[[str | None], "Workspace"]
#: Opens the views of a run in a directory.
OpenViews = Callable[[Path, RunMetadata], "Sequence[View]"]


def store_of(tree: Path) -> Store:
    """Return the store of grids, which are not among the runs of a tree."""
    return Store(tree / "build/grid")


def last_request(store: Store) -> "tuple[Request, Document]":
    """Return the request and the results of the last grid, which was interrupted.

    Raises UsageError if there is none, or if it is complete.
    """
    old = store.load_ended("latest")
    if old.is_complete and old.exit_code is not ExitCode.INTERRUPTED:
        raise UsageError("the last grid is complete", "`kut grid` without --resume starts another")
    return Request.of(old), old


def run(  # noqa: PLR0913 - see `execute`
    request: Request,
    workspace_of: WorkspaceOf,
    options: "RunOptions",
    open_views: OpenViews,
    *,
    store: Store,
    old: "Document | None" = None,
) -> Ended:
    """Run all cells, in one run of the store; `old` has results that are kept.

    Raises KutError, also NothingSelectedError when no cell can run.
    """
    first = _workspace(workspace_of, request.axes.variants[0] if request.axes.variants else DEFAULT)
    tests = grids.select(first, request.selection)
    cells = grids.cells(request.axes, lambda name, qemu: first.target(name, qemu=qemu))
    reference = _reference(cells, request.reference)
    built = _built(cells, workspace_of, tests)
    cases = [case for cell in cells for case in cell.cases(tests, built.get(cell.variant, {}))]
    kept = _kept(old, cases)
    metadata = RunMetadata(
        host=host_metadata(),
        compiler=request.compiler,
        options={**options.to_json(), _KEY: request.to_json()},
    )
    with store.begin() as directory:
        opened = open_views(directory.path, replace(metadata, run=directory.run))
        code = engine.run(
            grids.missing(cases, {each.id: each.build_id for each in kept}),
            options,
            [Joined(view, kept, shows_kept=True) for view in opened],
            log_dir=directory.path,
        )
        problems = {cell.id: cell.problem for cell in cells}
        return Ended(code, directory.run, reference, problems)


def _workspace(workspace_of: WorkspaceOf, variant: str) -> "Workspace":
    return workspace_of(None if variant == DEFAULT else variant)


def _reference(cells: Sequence[Cell], wanted: str | None) -> str:
    """Return the id of the reference cell."""
    by_id = {cell.id: cell for cell in cells}
    if wanted is not None:
        if wanted not in by_id:
            raise UsageError(f"no cell is called {wanted}", f"the cells are {', '.join(by_id)}")
        if problem := by_id[wanted].problem:
            raise NothingSelectedError(f"the reference {wanted} cannot run: {problem}")
        return wanted
    for cell in cells:
        if not cell.problem:
            return cell.id
    raise NothingSelectedError(f"no cell can run: {cells[0].id}: {cells[0].problem}")


def _built(
    cells: Iterable[Cell], workspace_of: WorkspaceOf, tests: "Sequence[TestDef]"
) -> "Mapping[str, Mapping[str, Case]]":
    """Build each variant that a cell needs; return by variant a case of each image."""
    found: dict[str, Mapping[str, Case]] = {}
    for cell in cells:
        if cell.target and not cell.problem and cell.variant not in found:
            cases = _workspace(workspace_of, cell.variant).cases(tests, cell.target)
            found[cell.variant] = {case.test.image: case for case in cases}
    return found


def _kept(old: "Document | None", cases: "Iterable[Case]") -> "tuple[TestResult, ...]":
    """Return the results of an interrupted run for cases of this one, but those it cut short."""
    ids = {case.id for case in cases}
    return tuple(
        each
        for each in (old.results if old else ())
        if each.id in ids
        and not (each.process_exit and each.process_exit.kind is ExitKind.INTERRUPTED)
    )
