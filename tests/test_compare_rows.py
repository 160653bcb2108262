# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparison of rows of the conformance suite in two runs."""

import pytest

from kut_runner.errors import ExitCode
from kut_runner.records import compare_rows
from kut_runner.records.compare import compare
from kut_runner.records.compare_rows import RowKind
from kut_runner.records.document import Document, RunMetadata
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.rows import AreaRows, Reason, runs_of
from kut_runner.verdict.status import Status

FAILED = Verdict(Status.FAIL, "some failed", ExitCode.TESTS_FAILED)
REASONS = (Reason("FEAT_A", "A"), Reason("FEAT_B", "B"))


def result(verdicts: str, ids: str = "abcdefgh", test: str = "t") -> TestResult:
    runs = runs_of(verdicts)
    count = sum(each for each, _ in runs)
    rows = AreaRows("some", count, "0" * 16, runs, REASONS, ids=tuple(ids[:count]))
    return TestResult(test, FAILED, GuestOutput(rows=rows))


def changes(before: str, after: str, ids: str = "abcdefgh") -> list[str]:
    found = compare_rows.changes({"t": result(before)}, {"t": result(after, ids)})
    return [f"{each.kind.value}: {each.row} {each.before} {each.after}" for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("3P", "3P", []),
        ("3P", "P F P", ["newly failing: b pass fail"]),
        ("3P", "2P C", ["newly failing: c pass crash"]),
        ("S1 K P", "F F P", ["newly failing: a skip fail", "newly failing: b kfail fail"]),
        ("F C P", "3P", ["fixed: a fail pass", "fixed: b crash pass"]),
        ("F P", "C S1", ["newly skipped: b pass skip", "changed: a fail crash"]),
        (
            "S1 F P",
            "P K K",
            ["changed: a skip pass", "changed: b fail kfail", "changed: c pass kfail"],
        ),
        ("2S1", "2S2", []),
        ("F - P", "- F -", []),
    ],
)
def test_each_row_has_its_change(before: str, after: str, expected: list[str]) -> None:
    assert changes(before, after) == expected


def test_rows_are_compared_by_their_ids() -> None:
    assert changes("2P F P", "F 3P", "xabc") == ["fixed: c fail pass"]


def test_a_row_that_newly_fails_counts_in_a_test_that_failed_before() -> None:
    before, after = (
        Document(RunMetadata(run=name), [result(verdicts)], 1.0, None, is_complete=True)
        for name, verdicts in (("one", "F 2P"), ("other", "2F P"))
    )
    found = compare(before, after)
    assert found.has_newly_failing
    assert not compare(after, before).has_newly_failing
    assert "NEWLY FAILING  t: b  pass -> fail" in list(found.lines())
    assert found.as_json()["rows"] == [
        {"test": "t", "row": "b", "kind": "newly failing", "before": "pass", "after": "fail"}
    ]


def test_of_many_changes_a_reader_sees_the_first_ones() -> None:
    ids = [f"r{number}" for number in range(30)]
    rows = [
        AreaRows("some", 30, "0" * 16, runs_of(verdicts), ids=tuple(ids))
        for verdicts in ("30P", "29F P")
    ]
    old, new = ({"t": TestResult("t", FAILED, GuestOutput(rows=each))} for each in rows)
    found = compare_rows.changes(old, new)
    assert len(found) == 29
    shown = list(compare_rows.lines(found))
    assert len(shown) == 21
    assert shown[-1] == "rows: 29 newly failing"
    assert {each.kind for each in found} == {RowKind.NEWLY_FAILING}
