# SPDX-License-Identifier: GPL-2.0-or-later
"""A grid on a terminal: its progress, and the table of differences."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode
from kut_runner.records.view import View
from kut_runner.targets.case import attempt_name
from kut_runner.views.board import Board, Plain
from kut_runner.views.tty import takes_board, takes_colour

if TYPE_CHECKING:
    from kut_runner.records.grid import Difference, Grid
    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Most differences that are shown without -v.
MOST: Final = 50
#: Components of the id of a row that name its kind.
_COMPONENTS: Final = 3
#: Mark of a new difference.
_MARK: Final = "*"
_SAME: Final = "."
#: Status of a row that did not run.
_NONE: Final = "none"


class Progress(View):
    """View with a board on a terminal, and no lines about single tests; it keeps the results."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Show the board on stderr."""
        stream = sys.stderr
        has_board = takes_board(stream, environment)
        is_coloured = takes_colour(stream, environment)
        self._out = Board(stream, is_coloured=is_coloured) if has_board else Plain(stream)
        self.results: Sequence[TestResult] = ()
        """All results, at the end."""
        self.code = ExitCode.OK
        """Exit code of the run with these results."""

    def on_start(self, cases: Sequence[str]) -> None:
        """Start the board."""
        self._out.start(len(cases))

    def on_begin(self, case: str, attempt: int) -> None:
        """Add a case to the board."""
        self._out.begin(attempt_name(case, attempt))

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:  # noqa: ARG002 - see View
        """Mark a case on the board."""
        self._out.mark_slow(attempt_name(case, attempt))

    def on_stop(self, stops: int, running: int) -> None:
        """Print the effect of a request to stop."""
        how = "stopping" if stops == 1 else "killing"
        self._out.write(f"kut: interrupted: {how} {running} running", is_urgent=True)

    @property
    def due(self) -> float | None:
        """Time at which the board is redrawn."""
        return self._out.due

    def on_due(self) -> None:
        """Redraw the board."""
        self._out.draw()

    def on_result(self, result: "TestResult") -> None:
        """Remove the case from the board."""
        self._out.end(attempt_name(result.id, result.attempt), result.status)

    def on_end(self, run: "Run") -> None:
        """Remove the board and keep the results."""
        self._out.close()
        self.results, self.code = run.results, run.exit_code


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the table: a difference, or several with the same outcomes."""

    name: str
    statuses: tuple[str, ...]
    first: "Difference"


def lines(
    grid: "Grid", new: frozenset[tuple[str, str]] | None = None, *, verbose: bool = False
) -> Iterator[str]:
    """Yield the table of the differences, and a line for each cell.

    Rows of the same kind with the same outcomes are one line, and of many lines the first ones are
    shown; with `verbose` all, each with the reasons. `new` are the differences that a saved grid
    does not have, which are marked; None without one.
    """
    names = letters(grid)
    shown = [
        each
        for each in grid.differences
        if new is None or any((each.name, cell) in new for cell in each.counting)
    ]
    table = list(_table(shown, names, new, is_grouped=not verbose))
    listed = table if verbose else table[:MOST]
    width = max((len(each.name) for each in listed), default=0)
    field = max((len(status) for each in listed for status in each.statuses), default=0)
    if listed:
        yield f"{'':{width}}  {_fields(names.values(), field)}"
    for each in listed:
        yield f"{each.name:{width}}  {_fields(each.statuses, field)}"
        if verbose:
            yield from _reasons(each.first, names, grid.reference)
    if len(table) > len(listed):
        yield f"and {len(table) - len(listed)} more lines: -v shows all, --html FILE too"
    if listed:
        yield ""
    yield from _legend(grid, names)
    yield _summary(grid, new)


def _table(
    differences: "Sequence[Difference]",
    names: Mapping[str, str],
    new: frozenset[tuple[str, str]] | None,
    *,
    is_grouped: bool,
) -> Iterator[_Line]:
    """Yield the lines; a group has the rows whose ids begin with the same components."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[Difference]] = {}
    for each in differences:
        kind = ".".join(each.row.split(".")[:_COMPONENTS]) if is_grouped else each.row
        statuses = tuple(_statuses(each, names, new))
        groups.setdefault((each.test, kind, statuses), []).append(each)
    for (test, kind, statuses), found in groups.items():
        name = found[0].name if len(found) == 1 else f"{test} {kind}.*  {len(found)} rows"
        yield _Line(name, statuses, found[0])


def _fields(texts: Iterable[str], width: int) -> str:
    return "  ".join(f"{text:{width}}" for text in texts).rstrip()


def letters(grid: "Grid") -> Mapping[str, str]:
    """Return a short name for each cell that ran: A for the reference, to Z, then A1 and so on."""
    ran = [column.id for column in grid.columns if not column.problem]
    count = len(ascii_uppercase)
    ordered = sorted(ran, key=lambda cell: cell != grid.reference)
    return {
        cell: f"{ascii_uppercase[number % count]}{number // count or ''}"
        for number, cell in enumerate(ordered)
    }


def _statuses(
    difference: "Difference", names: Mapping[str, str], new: frozenset[tuple[str, str]] | None
) -> Iterator[str]:
    """Yield the status in each cell, "." where it is that of the reference."""
    for cell, letter in names.items():
        outcome = difference.cells.get(cell)
        mark = _MARK if new is not None and (difference.name, cell) in new else ""
        if outcome:
            yield f"{outcome.status.upper()}{mark}"
        else:
            yield difference.reference.status.upper() if letter == ascii_uppercase[0] else _SAME


def _reasons(difference: "Difference", names: Mapping[str, str], reference: str) -> Iterator[str]:
    outcomes = {reference: difference.reference, **difference.cells}
    for cell, letter in names.items():
        if cell in outcomes and outcomes[cell].reason:
            yield f"    {letter}: {outcomes[cell].reason}"


def _legend(grid: "Grid", names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each cell; rows that do not run in the reference either are not counted."""
    width = max((len(column.id) for column in grid.columns), default=0)
    reference = next((each for each in grid.columns if each.id == grid.reference), None)
    unselected = (reference.counts or {}).get(_NONE) if reference else None
    for column in grid.columns:
        letter = names.get(column.id, "-")
        if column.problem:
            yield f"{letter:3}{column.id:{width}}  cannot run: {column.problem}"
            continue
        differences = sum(column.id in each.counting for each in grid.differences)
        parts = [
            f"{count} {status}"
            for status, count in (column.counts or {}).items()
            if count and (status, count) != (_NONE, unselected)
        ]
        is_reference = column.id == grid.reference
        parts.append("the reference" if is_reference else f"{differences} different")
        yield f"{letter:3}{column.id:{width}}  {', '.join(parts)}"


def _summary(grid: "Grid", new: frozenset[tuple[str, str]] | None) -> str:
    count = len(grid.columns)
    parts = [f"{count} cell{'' if count == 1 else 's'}", f"{len(grid.differences)} different"]
    if new is not None:
        parts.append(f"{len({name for name, _ in new})} of them new")
    if grid.minor:
        parts.append(f"{grid.minor} skipped in some cells only")
    return ", ".join([*parts, f"{grid.alike} alike"])
