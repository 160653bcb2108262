# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite in past runs."""

from collections.abc import Sequence

import pytest

from kut_runner.errors import UsageError
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.history import Past
from kut_runner.records.row_history import are_rows, lines
from kut_runner.verdict.events import Check
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, skipped
from kut_runner.verdict.rows import AreaRows, Reason, runs_of
from kut_runner.verdict.status import Status

IDS = ("at.s1.r", "at.s1.w", "at.s12.r", "hvc.el1")
FAILURE = Check("FAIL: at: at.s1.w: expected 1, found 2", Status.FAIL)


def past(run: str, version: str, verdicts: dict[str, str], *checks: Check) -> Past:
    results = [
        TestResult(
            test,
            skipped(""),
            GuestOutput(
                checks,
                rows=AreaRows("at", 4, "0" * 16, runs_of(text), (Reason("FEAT_A", "A"),), ids=IDS),
            ),
        )
        for test, text in verdicts.items()
    ]
    metadata = RunMetadata(run=run, version=version)
    other = TestResult("v1.2", skipped(""))
    return Past(run, Document(metadata, (*results, other), 1.0, None, is_complete=True))


RUNS = (
    past("r1", "7.2.22", {"conform-at": "P F S1 -", "conform-at-nvhe": "4P"}, FAILURE),
    past("r2", "10.0.2", {"other": "3- P"}),
    past("r3", "11.1.3", {"conform-at": "P C K P"}),
)


def shown(*patterns: str, by_row: bool = False) -> Sequence[str]:
    return list(lines(RUNS, patterns, by_row=by_row))


def test_a_row_has_a_line_per_run_with_the_reason() -> None:
    assert shown("at.s1.w") == [
        "r1  QEMU 7.2.22   conform-at       FAIL   expected 1, found 2",
        "r1  QEMU 7.2.22   conform-at-nvhe  PASS",
        "r3  QEMU 11.1.3   conform-at       CRASH",
    ]
    assert shown("at.s12.*")[0].endswith("conform-at       SKIP   needs FEAT_A (A)")


def test_rows_are_counted_by_verdict() -> None:
    assert shown("at.s1.*", "at.s12.?") == [
        "r1  QEMU 7.2.22   conform-at       1 pass, 1 fail, 1 skip",
        "r1  QEMU 7.2.22   conform-at-nvhe  3 pass",
        "r3  QEMU 11.1.3   conform-at       1 pass, 1 crash, 1 kfail",
    ]


def test_a_table_has_a_mark_for_each_run() -> None:
    assert shown("at.*", "hvc.*", by_row=True) == [
        "conform-at: at.s1.r        . .",
        "conform-at: at.s1.w        F C  failed in 2 of 2",
        "conform-at: at.s12.r       s k",
        "conform-at-nvhe: at.s1.r   .",
        "conform-at-nvhe: at.s1.w   .",
        "conform-at-nvhe: at.s12.r  .",
        "conform-at-nvhe: hvc.el1   .",
        "other: hvc.el1              .",
        "conform-at: hvc.el1          .",
    ]


@pytest.mark.parametrize("by_row", [True, False])
def test_a_row_that_no_run_has(*, by_row: bool) -> None:
    with pytest.raises(UsageError, match=r'no run has a result of row "at\.s2\.\*"'):
        shown("at.s1.r", "at.s2.*", by_row=by_row)


def test_a_name_of_a_test_may_have_dots_too() -> None:
    assert are_rows(RUNS, ["at.s1.r", "at.*"])
    assert not are_rows(RUNS, ["v1.2"])
    assert not are_rows(RUNS, [])
    with pytest.raises(UsageError, match=r'"at\.s1\.r" names rows, and others name tests'):
        are_rows(RUNS, ["at.s1.r", "v1.?"])
