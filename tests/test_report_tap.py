# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP 13, read by an independent parser."""

import contextlib
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap.line import Bail, Diagnostic, Plan, Result, Unknown, Version
from tap.parser import Parser
from test_views import ALL, FAILS, NEEDY, PASSES, result, show

from kut_runner.errors import ExitCode, UsageError
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.report_tap import Tap

GOLDEN = Path(__file__).with_name("golden")


def stream(results: list[object], *, missing: int = 0) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        show(Tap(Path("-")), results, missing=missing)  # type: ignore[arg-type]
    return text.getvalue()


def lines(text: str) -> list[object]:
    return [*Parser().parse(io.StringIO(text))]


def test_as_a_whole() -> None:
    assert stream([*ALL]) == (GOLDEN / "results.tap").read_text()


def test_a_parser_reads_what_was_meant() -> None:
    version, *points, plan = lines(stream([*ALL]))
    assert isinstance(version, Version)
    assert isinstance(plan, Plan)
    assert plan.expected_tests == len(ALL)
    assert all(isinstance(point, Result) for point in points)
    assert [
        (point.number, point.ok, point.skip, point.description)
        for point in points
        if isinstance(point, Result)
    ] == [
        (1, True, False, "- ok"),
        (2, False, False, "- broken"),
        (3, False, False, "- dies"),
        (4, False, False, "- hangs"),
        (5, False, False, "- refused"),
        (6, True, True, "- needy"),
    ]
    broken = points[1]
    assert isinstance(broken, Result)
    assert broken.yaml_block
    assert broken.yaml_block["checks"] == ["FAIL: b: c"]
    assert broken.yaml_block["message"] == "1 of 2 checks failed"


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status.FLAKY, "ok 1 - ok"),
        (Status.XFAIL, "not ok 1 - ok # TODO why"),
        (Status.KFAIL, "not ok 1 - ok # TODO why"),
        (Status.XPASS, "not ok 1 - ok"),
    ],
)
def test_statuses_that_are_neither_black_nor_white(status: Status, line: str) -> None:
    verdict = Verdict(status, "why", ExitCode.OK)
    assert stream([replace(PASSES, verdict=verdict)]).splitlines()[1] == line


def test_a_run_cut_short_has_no_plan() -> None:
    *_, last = lines(stream([PASSES], missing=3))
    assert isinstance(last, Bail)
    assert last.reason == "3 tests have no result"


def test_no_test_at_all() -> None:
    _, plan = lines(stream([]))
    assert isinstance(plan, Plan)
    assert (plan.expected_tests, plan.skip) == (0, True)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_nothing_that_a_guest_says_looks_like_tap(data: bytes, text: str) -> None:
    forged = b"FAIL: x\nok 7 - forged\n1..9\nBail out!\n  ...\n" + data
    hostile = replace(result("a#b", forged), log=f"{text}\nok 8")
    skips = replace(NEEDY, verdict=Verdict(Status.SKIP, f"{text}\n1..3", ExitCode.NOTHING_RAN))
    found = lines(stream([hostile, skips]))
    assert [type(line) for line in found] == [Version, Result, Result, Plan]
    assert not any(isinstance(line, Diagnostic | Unknown) for line in found)


def test_a_file_is_written_as_tests_end(tmp_path: Path) -> None:
    path = tmp_path / "r.tap"
    path.write_text("of an earlier run, and longer than the first line of this one\n")
    view = Tap(path)
    assert path.read_text() == "TAP version 13\n"
    view.on_result(FAILS)
    assert path.read_text().splitlines()[1] == "not ok 1 - broken"
    show(view, [])


def test_a_file_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        Tap(tmp_path)
