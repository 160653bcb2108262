# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of tests and cells in a page: each field leads to the result."""

from collections.abc import Mapping

from kut_runner.records.cells import CellTable, Row
from kut_runner.views.html.text import shown


def grid(table: CellTable, idents: Mapping[str, str]) -> str:
    """Return the table; `idents` has the anchors of results by the ids of their cases."""
    heads = "".join(f"<th>{shown(cell)}" for cell in table.cells)
    rows = "".join(_row(table, row, idents) for row in table.rows)
    return (
        '<details class="times-of" open><summary>Targets</summary><div class="grid">'
        f"<table><tr><th>test{heads}</tr>{rows}</table></div></details>"
    )


def _row(table: CellTable, row: Row, idents: Mapping[str, str]) -> str:
    fields = "".join(_field(row, cell, idents) for cell in table.cells)
    kind = ' class="differs"' if row.differs else ""
    return f'<tr{kind}><td class="name">{shown(row.test)}{fields}</tr>'


def _field(row: Row, cell: str, idents: Mapping[str, str]) -> str:
    result = row.results.get(cell)
    if not result:
        return "<td>-"
    status = result.status.value
    return f'<td><a class="pill {status}" href="#{idents[result.id]}">{status}</a>'
