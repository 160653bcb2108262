# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite: their lines, the verdict on them, and their form in a document."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import output_json, rows_json
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import GuestOutput, collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import AreaRows, Coverage, Reason, coded, runs_of, text_of
from kut_runner.verdict.status import Status

AREA = "AREA: some 9 0123456789abcdef\n"
REASON = "REASON: some 1 FEAT_X ID_X_EL1.X\n"
FAIL = "FAIL: some: some.c: expected 1, found 2\n"
SKIPPED_3 = "SUMMARY: 9 tests, 3 skipped\n\nEXIT: STATUS=1\n"
ALL = "SUMMARY: 9 tests\n\nEXIT: STATUS=1\n"


def output(*lines: str) -> GuestOutput:
    return collect(parse(split(["".join(lines).encode()])))


def rows(*lines: str) -> AreaRows:
    found = output(*lines).rows
    assert found
    return found


def verdict(*lines: str) -> Verdict:
    return judge(output(*lines), ProcessExit(ExitKind.EXITED, 0, 0.1, ""))


def test_blocks_become_verdicts_of_all_rows() -> None:
    found = rows(AREA, "ROWS: some 1 2P\n", REASON, FAIL, "ROWS: some 3 3S1 F P\n")
    assert (found.area, found.count, found.hash) == ("some", 9, "0123456789abcdef")
    assert text_of(found.runs) == "- 2P 3S1 F P -"
    assert list(found.codes()) == ["-", "P", "P", "S1", "S1", "S1", "F", "P", "-"]
    assert found.counts == {"P": 3, "S": 3, "F": 1, "-": 2}
    assert found.reasons == (Reason("FEAT_X", "ID_X_EL1.X"),)
    assert [found.code_of(number) for number in (0, 2, 3, 8)] == ["-", "P", "S1", "-"]
    with pytest.raises(IndexError):
        found.code_of(9)
    assert found.problem == ""


def test_neighbours_with_equal_verdicts_are_one_run() -> None:
    found = rows(AREA, "ROWS: some 4 5P\n", "ROWS: some 0 2P\n", "ROWS: some 2 P P\n")
    assert found.runs == ((9, "P"),)


def test_trace_names_the_row_that_runs() -> None:
    assert rows(AREA).traced is None
    assert rows(AREA, "ROW: some 3\n", "ROWS: some 3 P\n", "ROW: some 4\n").traced == 4


@pytest.mark.parametrize(
    "line",
    [
        "AREA: Some 9 0123456789abcdef",
        "AREA: some 9 0123",
        "ROWS: some 0",
        "ROWS: some 0 0P",
        "ROWS: some 0 P ",
        "ROWS: some 0 S",
        "ROWS: some 0 S0",
        "ROWS: some 0 C",
        "ROWS: some 0 -",
        "ROWS: some x P",
        "ROW: some",
        "REASON: some 1 FEAT_X",
    ],
)
def test_a_garbled_line_is_output(line: str) -> None:
    (event,) = parse([f"{line}\n"])
    assert type(event).__name__ == "Output"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((AREA, AREA), "two AREA lines"),
        (("AREA: some 2000000 0123456789abcdef\n",), ""),
        ((AREA, "ROWS: some 8 2P\n"), "rows 8 to 9 of area some are reported, which do not exist"),
        ((AREA, "ROWS: other 0 P\n"), "rows 0 to 0 of area other are reported"),
        ((AREA, "ROWS: some 0 S1\n"), "skipped for reason 1, which has no REASON line"),
        ((AREA, REASON, "ROWS: some 0 S2\n"), "skipped for reason 2, which has no REASON line"),
        ((AREA, REASON, REASON), "REASON 1 after 1 of them"),
        ((AREA, "ROWS: some 0 3P\n", "ROWS: some 2 P\n"), "row 2 of area some is reported twice"),
        ((AREA, "ROW: some 9\n"), "row 9 of area some begins, which does not exist"),
    ],
)
def test_lines_that_contradict_each_other_are_a_problem(
    lines: tuple[str, ...], problem: str
) -> None:
    found = output(*lines).rows
    assert (problem in found.problem) if found else not problem
    if problem:
        assert verdict(*lines, ALL).cause is Cause.SUMMARY_MISMATCH


@pytest.mark.parametrize(
    ("lines", "status", "reason"),
    [
        ((AREA, "ROWS: some 0 9P\n", ALL), Status.PASS, ""),
        ((AREA, REASON, "ROWS: some 0 6P 3S1\n", SKIPPED_3), Status.PASS, ""),
        (
            (AREA, REASON, "ROWS: some 0 9S1\n", "SUMMARY: 9 tests, 9 skipped\nEXIT: STATUS=77\n"),
            *(Status.SKIP, "FEAT_X (ID_X_EL1.X)"),
        ),
        ((AREA, "ROWS: some 0 9P\n", SKIPPED_3), Status.CRASH, "0 checks skipped, but SUMMARY"),
        ((AREA, REASON, "ROWS: some 0 6P 3S1\n", ALL), Status.CRASH, "3 checks skipped, but"),
        (
            (AREA, "ROWS: some 0 9P\n", "SUMMARY: 8 tests\nEXIT: STATUS=1\n"),
            *(Status.CRASH, "9 checks made, but SUMMARY announces 8"),
        ),
        (
            (
                *(AREA, FAIL, "ROWS: some 0 2P F 6P\n"),
                "SUMMARY: 9 tests, 1 unexpected failures\nEXIT: STATUS=3\n",
            ),
            *(Status.FAIL, "1 of 9 checks failed"),
        ),
        (
            (
                *(AREA, FAIL, "ROWS: some 0 9P\n"),
                "SUMMARY: 10 tests, 1 unexpected failures\nEXIT: STATUS=3\n",
            ),
            *(Status.CRASH, "1 check failed, but ROWS lines have 0 failed rows"),
        ),
        (
            (AREA, "ROWS: some 0 8P F\n", ALL),
            *(Status.CRASH, "0 checks failed, but ROWS lines have 1 failed row"),
        ),
    ],
)
def test_the_verdict(lines: tuple[str, ...], status: Status, reason: str) -> None:
    found = verdict(*lines)
    assert found.status is status
    assert found.reason.startswith(reason)


def test_lines_after_the_exit_do_not_count() -> None:
    assert rows(AREA, "ROWS: some 0 P\n", ALL, "ROWS: some 1 P\n").counts["P"] == 1


def test_a_summary_for_people_names_features() -> None:
    found = rows(AREA, REASON, "ROWS: some 1 2P 3S1 F P\n")
    assert found.summary == "9 rows: 4 verified, 1 failed, 2 did not run, 3 skipped (3 FEAT_X)"
    known = replace(found, verified={"undefined": 2})
    assert known.summary.startswith("9 rows: 4 verified, 2 undefined, 1 failed")


CODES = st.sampled_from(["P", "F", "C", "K", "-", "S1", "S2"])
IDS = st.lists(st.text("ab.0", min_size=1, max_size=5), unique=True, max_size=20)


@given(IDS, st.data())
def test_a_document_keeps_every_row(ids: list[str], data: st.DataObject) -> None:
    codes = data.draw(st.lists(CODES, min_size=len(ids), max_size=len(ids)))
    before = AreaRows(
        *("some", len(ids), "0123456789abcdef", coded(codes)),
        reasons=(Reason("FEAT_A", "A"), Reason("FEAT_B", "B")),
        ids=tuple(ids),
        verified={"undefined": 1},
        matrix={"C": Coverage.of(Counter(code[0] for code in codes))},
    )
    assert list(before.codes()) == codes
    after = rows_json.from_json(json.loads(json.dumps(rows_json.to_json(before))))
    assert after == before


def test_output_of_other_tests_has_no_rows_in_a_document() -> None:
    assert "rows" not in output_json.to_json(output("PASS: a\n"))
    saved = output_json.to_json(output(AREA, "ROWS: some 0 9P\n"))
    assert output_json.from_json(saved).rows == rows(AREA, "ROWS: some 0 9P\n")


@pytest.mark.parametrize("text", ["P1", "0P", "5", "S", "99999999P", "X", "2 P"])
def test_a_text_that_is_no_list_of_runs_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no run of verdicts"):
        runs_of(text)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"count": 8}, "8 rows, 9 verdicts and 0 ids"),
        ({"verdicts": "9S1"}, "a reason that does not exist"),
        ({"ids": ["0*a"]}, "9 rows, 9 verdicts and 1 ids"),
        ({"ids": ["a"] * 9}, "'a' is no id of a row"),
        ({"count": 2_000_000, "verdicts": "2000000P"}, "2000000 rows"),
    ],
)
def test_rows_of_a_damaged_document_are_an_error(change: dict[str, object], error: str) -> None:
    data = rows_json.to_json(rows(AREA, "ROWS: some 0 9P\n"))
    assert rows_json.from_json(data).runs == ((9, "P"),)
    with pytest.raises(ValueError, match=error):
        rows_json.from_json({**data, **change})
