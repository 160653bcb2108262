# SPDX-License-Identifier: GPL-2.0-or-later
"""The complete page."""

import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from kut_runner.records.cells import cell_table
from kut_runner.records.document import RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.targets.selection import label
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status
from kut_runner.views.html import chart
from kut_runner.views.html.cells import grid
from kut_runner.views.html.test import test
from kut_runner.views.html.text import Budget, shown

#: Maximum number of failed tests that are expanded when the page is opened.
_MOST_OPEN: Final = 10
_HERE: Final = Path(__file__).parent


def page(run: Run, metadata: RunMetadata, budget: Budget | None = None) -> str:
    """Return the page of a run: failed tests first, all in the order in which they ended."""
    budget = budget or Budget()
    ordered = sorted(run.results, key=lambda result: not result.status.is_failure)
    rows = [(f"t{number}", result) for number, result in enumerate(ordered, 1)]
    style, script = ((_HERE / name).read_text("utf-8") for name in ("page.css", "page.js"))
    body = "".join(
        (
            *_head(run, metadata),
            _grid(run, rows),
            _filters(run),
            '<main id="tests">\n',
            *_tests(rows, budget),
            "</main>",
            f"<footer>kut {shown(metadata.kut)}</footer>",
        )
    )
    return document(_title(run), style, body, script)


def document(title: str, style: str, body: str, script: str = "") -> str:
    """Return a page that may load nothing, and runs `script` only; `title` is plain text."""
    return "".join(
        (
            "<!doctype html>\n<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n",
            f'<html lang="en"><head><meta charset="utf-8">{_policy(style, script)}',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{title} · kut</title><style>{style}</style></head><body>{body}",
            f"<script>{script}</script>" if script else "",
            "</body></html>\n",
        )
    )


def _policy(style: str, script: str) -> str:
    """Return the content security policy, which allows this style and this script only."""
    hashes = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = hashes
    content = (
        f"default-src 'none'; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}';"
        " base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">'


def _title(run: Run) -> str:
    failed = sum(result.status.is_failure for result in run.results)
    count = len(run.results)
    tests = f"{count} test{'' if count == 1 else 's'}"
    return f"{failed} of {tests} failed" if failed else f"{tests}, none failed"


def _head(run: Run, metadata: RunMetadata) -> Iterator[str]:
    is_good = not run.exit_code and run.is_complete
    yield f'<header><h1 class="{"good" if is_good else "bad"}">{_title(run)}</h1>'
    if not run.is_complete:
        left = run.selected - len(run.results)
        yield f'<p class="warning">The run was cut short: {left} tests have no result.</p>'
    yield "<ul class=metadata>"
    yield from (
        f"<li>{name} <b>{shown(value)}</b></li>" for name, value in _metadata(run, metadata)
    )
    yield "</ul></header>"


def _metadata(run: Run, metadata: RunMetadata) -> Iterator[tuple[str, str]]:
    yield "started", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(run.started))
    yield "duration", f"{run.seconds:.2f} s"
    if metadata.compiler:
        yield "built with", "-".join(filter(None, (metadata.compiler, metadata.variant)))
    if metadata.version:
        yield label(metadata.target), metadata.version
    if metadata.host:
        host = (str(metadata.host.get(key, "")) for key in ("system", "release", "machine"))
        yield "host", " ".join(filter(None, host))
    if metadata.run:
        yield "run", metadata.run
    if metadata.rerun_of:
        yield "rerun of", metadata.rerun_of
    if metadata.seed is not None:
        yield "seed", str(metadata.seed)
    yield "exit code", str(int(run.exit_code))


def _grid(run: Run, rows: list[tuple[str, TestResult]]) -> str:
    """Return the table of tests and targets, "" where there is one target."""
    table = cell_table(run.results)
    return grid(table, {result.id: ident for ident, result in rows}) if table else ""


def _charts(rows: list[tuple[str, TestResult]]) -> str:
    bars = chart.slowest(rows)
    times = f'<details class="times-of" open><summary>Slowest tests</summary>{bars}</details>'
    counts = Counter(result.status for _, result in rows)
    return f'<section class="charts">{chart.statuses(counts)}{times if bars else ""}</section>\n'


def _filters(run: Run) -> str:
    """Return the filter controls, which the script shows."""
    counts = Counter(result.status for result in run.results)
    buttons = [
        f'<button type="button" class="{status.value}" data-status="{status.value}"'
        f' aria-pressed="false"><b>{counts[status]}</b> {status.value}</button>'
        for status in Status
        if counts[status]
    ]
    return (
        f'<nav>{"".join(buttons)}<input type="search" hidden placeholder="Filter by name or text"'
        ' aria-label="Filter by name or text"><output></output></nav>'
    )


def _tests(rows: list[tuple[str, TestResult]], budget: Budget) -> Iterator[str]:
    """Yield the tests, failed ones first, with the charts below the failures."""
    failures = sum(result.status.is_failure for _, result in rows)
    for number, (ident, result) in enumerate(rows):
        if number == failures:
            yield _charts(rows)
        yield test(result, ident, budget, is_open=number < min(failures, _MOST_OPEN))
        yield "\n"
    if failures == len(rows):
        yield _charts(rows)
