# SPDX-License-Identifier: GPL-2.0-or-later
"""Charts as SVG in the colours of the page."""

from collections.abc import Mapping, Sequence
from typing import Final

from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status
from kut_runner.views.html.text import shown

#: Maximum number of bars in the chart of times.
_MOST_BARS: Final = 12
_WIDTH: Final = 1000


def statuses(counts: Mapping[Status, int]) -> str:
    """Return a bar that is divided by the numbers of tests per status."""
    total = sum(counts.values())
    at = 0.0
    parts = []
    for status in Status:
        if number := counts.get(status, 0):
            width = _WIDTH * number / total
            parts.append(
                f'<rect class="{status.value}" x="{at:.1f}" width="{width:.1f}" height="10">'
                f"<title>{number} {status.value}</title></rect>"
            )
            at += width
    return (
        f'<svg class="statuses" viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none" role="img"'
        f' aria-label="tests by status">{"".join(parts)}</svg>'
    )


def slowest(rows: Sequence[tuple[str, TestResult]]) -> str:
    """Return a bar for each of the slowest tests; `rows` are results with their ids in the page."""
    ordered = sorted(rows, key=lambda row: row[1].seconds, reverse=True)[:_MOST_BARS]
    longest = max((result.seconds for _, result in ordered), default=0.0)
    if not longest:
        return ""
    bars = (_bar(ident, result, result.seconds / longest) for ident, result in ordered)
    return f'<div class="times">{"".join(bars)}</div>'


def _bar(ident: str, result: TestResult, fraction: float) -> str:
    width = max(fraction * 100, 0.3)
    return (
        f'<a href="#{ident}"><span class="name">{shown(result.id)}</span>'
        f'<svg aria-hidden="true"><rect class="{result.status.value}" width="{width:.1f}%"'
        f' height="100%" rx="3"/></svg><span class="seconds">{result.seconds:.2f} s</span></a>'
    )
