# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage of a run: checks by row of the coverage table, by area and by missing feature."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kut_runner.errors import UsageError
from kut_runner.records.document import Document
from kut_runner.verdict.rows import NO_COVERAGE, Coverage

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class RunCoverage:
    """Coverage of one run."""

    run: str
    version: str
    """Version of the program that ran it."""
    rows: Mapping[str, Coverage]
    """By row of the coverage table."""
    areas: Mapping[str, Coverage]
    """By test, each of which runs one area."""
    skips: Mapping[str, int]
    """Number of skipped checks by missing feature, the most frequent first."""


def of(document: Document) -> RunCoverage:
    """Return the coverage of a run; raises UsageError if it has no rows of the suite."""
    found = {result.id: area for result in document.results if (area := result.output.rows)}
    if not found:
        name = document.metadata.run or "the document"
        raise UsageError(f"{name} has no rows of the conformance suite", "run `kut conform` first")
    rows, skips = dict[str, Coverage](), Counter[str]()
    for each in found.values():
        skips.update(each.skips)
        for key, coverage in each.matrix.items():
            rows[key] = rows.get(key, NO_COVERAGE) + coverage
    return RunCoverage(
        document.metadata.run,
        document.metadata.version,
        rows,
        {test: Coverage.of(each.counts) for test, each in found.items()},
        dict(skips.most_common()),
    )


def status(coverage: Coverage) -> str:
    """Return the state of a row in one word."""
    if not coverage.checks:
        return "none"
    if coverage.failed:
        return "known" if coverage.known == coverage.failed else "failed"
    if coverage.verified == coverage.checks:
        return "verified"
    return "partly" if coverage.verified else "skipped"


@dataclass(frozen=True, slots=True)
class Table:
    """The coverage table."""

    about: Mapping[str, str]
    """Descriptions by id."""
    not_covered: Mapping[str, str]
    """Why no row of the suite verifies it, by id."""


def as_json(runs: Sequence[RunCoverage], table: Table) -> dict[str, Any]:
    """Return the coverage as JSON values; docs/commands/matrix.md describes the keys."""
    first = runs[0]
    return {
        "schema": SCHEMA,
        "rows": list(_rows(first.rows, table)),
        "areas": [{"id": test, **_counts(each)} for test, each in first.areas.items()],
        "features": [{"id": name, "skipped": count} for name, count in first.skips.items()],
        "runs": [
            {"run": run.run, "version": run.version, "rows": list(_rows(run.rows, table))}
            for run in runs
        ],
    }


def lines(runs: Sequence[RunCoverage], table: Table) -> Iterator[str]:
    """Yield the coverage for a reader: a table, with a column for each further run."""
    keys = [key for key in _keys(table, runs) if any(key in run.rows for run in runs)]
    heads = [run.version or run.run for run in runs[1:]]
    yield _line("row", ("checks", "verified", "skipped", "failed"), "status", heads)
    first = runs[0]
    for key in keys:
        coverage = first.rows.get(key, NO_COVERAGE)
        others = [_cell(run.rows.get(key, NO_COVERAGE)) for run in runs[1:]]
        yield f"{_row(key, coverage, others)}  {table.about.get(key, '')}".rstrip()
    yield ""
    width = max(map(len, first.areas))
    for test, coverage in first.areas.items():
        known = f" ({coverage.known} known)" if coverage.known else ""
        yield f"{test:{width}}  {_cell(coverage)} verified, {coverage.failed} failed{known}"
    if first.skips:
        yield ""
        yield "checks skipped for lack of a feature:"
        yield from (f"{count:9}  {name}" for name, count in first.skips.items())
    yield from _missing([key for key in table.about if key not in keys], table)


def _missing(keys: Sequence[str], table: Table) -> Iterator[str]:
    """Yield what no row of the run verifies, and why none of the suite does."""
    if without := [key for key in keys if key in table.not_covered]:
        yield ""
        yield "not covered:"
        yield from (f"{key:5}{table.about[key]}: {table.not_covered[key]}" for key in without)
    if others := [key for key in keys if key not in table.not_covered]:
        yield ""
        yield f"covered by rows that did not run: {' '.join(others)}"


def _row(key: str, coverage: Coverage, others: Sequence[str]) -> str:
    numbers = (coverage.checks, coverage.verified, coverage.skipped, coverage.failed)
    return _line(key, numbers, status(coverage), others)


def _line(key: str, numbers: Sequence[int | str], state: str, others: Sequence[str]) -> str:
    checks, verified, skipped, failed = numbers
    line = f"{key:5}{checks:>8}{verified:>10}{skipped:>9}{failed:>8}  {state:8}"
    return line + "".join(f"  {each:>13}" for each in others)


def _cell(coverage: Coverage) -> str:
    return f"{coverage.verified}/{coverage.checks}"


def _rows(rows: Mapping[str, Coverage], table: Table) -> Iterator[Mapping[str, int | str]]:
    for key in dict.fromkeys((*table.about, *rows)):
        about = {"about": table.about.get(key, ""), "not_covered": table.not_covered.get(key, "")}
        yield {"id": key, **about, **_counts(rows.get(key, NO_COVERAGE))}


def _counts(coverage: Coverage) -> dict[str, int | str]:
    return {
        "checks": coverage.checks,
        "verified": coverage.verified,
        "skipped": coverage.skipped,
        "failed": coverage.failed,
        "known": coverage.known,
        "status": status(coverage),
    }


def _keys(table: Table, runs: Sequence[RunCoverage]) -> dict[str, None]:
    return dict.fromkeys((*table.about, *(key for run in runs for key in run.rows)))
