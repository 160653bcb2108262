# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a grid: its cells, and its differences with all reasons."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner import __version__
from kut_runner.views.html.page import document
from kut_runner.views.html.text import shown
from kut_runner.views.report_grid import letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.records.grid import Column, Difference, Grid

#: Most differences in a page; the JSON has all.
_MOST: Final = 5000
_HERE: Final = Path(__file__).parent


def page(grid: "Grid", new: frozenset[tuple[str, str]] | None = None) -> str:
    """Return the page of a grid; `new` differences are marked."""
    count = len(grid.differences)
    title = f"grid: {count} of {count + grid.minor + grid.alike} tests and rows differ"
    names = letters(grid)
    body = "".join(
        (
            f'<header><h1 class="{"bad" if count else "good"}">{title}</h1><ul class=metadata>',
            f"<li>reference <b>{shown(grid.reference)}</b>",
            f"<li>skipped in some cells only <b>{grid.minor}</b>",
            f"<li>run <b>{shown(grid.run)}</b></ul></header>",
            '<details class="times-of" open><summary>Cells</summary><div class="grid"><table>',
            *(_cell(grid, column, names) for column in grid.columns),
            "</table></div></details>",
            '<details class="times-of" open><summary>Differences</summary><div class="grid">',
            f"<table><tr><th>test or row{''.join(f'<th>{name}' for name in names.values())}</tr>",
            *(_row(grid, each, names, new) for each in grid.differences[:_MOST]),
            "</table></div></details>",
            f"<p>and {count - _MOST} more</p>" if count > _MOST else "",
            f"<footer>kut {shown(__version__)}</footer>",
        )
    )
    return document(title, (_HERE / "page.css").read_text("utf-8"), body)


def _cell(grid: "Grid", column: "Column", names: "Mapping[str, str]") -> str:
    counts = ", ".join(f"{count} {status}" for status, count in (column.counts or {}).items())
    text = f"cannot run: {column.problem}" if column.problem else counts
    note = " (reference)" if column.id == grid.reference else ""
    name = names.get(column.id, "-")
    return f'<tr><td>{name}<td class="name">{shown(column.id)}{note}<td>{shown(text)}</tr>'


def _row(
    grid: "Grid",
    difference: "Difference",
    names: "Mapping[str, str]",
    new: "frozenset[tuple[str, str]] | None",
) -> str:
    outcomes = {grid.reference: difference.reference, **difference.cells}
    fields = []
    for cell in names:
        is_new = new is not None and (difference.name, cell) in new
        mark = ' class="differs"' if is_new else ""
        status = shown(outcomes[cell].status) if cell in outcomes else ""
        pill = f'<span class="pill {status}">{status}</span>' if status else ""
        fields.append(f"<td{mark}>{pill}")
    reasons = [
        f"<li>{name}: {shown(outcomes[cell].reason)}"
        for cell, name in names.items()
        if cell in outcomes and outcomes[cell].reason
    ]
    name = shown(difference.name)
    details = f"<details><summary>{name}</summary><ul>{''.join(reasons)}</ul></details>"
    return f'<tr><td class="name">{details if reasons else name}{"".join(fields)}</tr>'
