# SPDX-License-Identifier: GPL-2.0-or-later
"""KTAP 1, read by the grammar of Linux's Documentation/dev-tools/ktap.rst."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_views import ALL, DIES, FAILS, PASSES, result, show

from kut_runner.errors import ExitCode
from kut_runner.verdict.diagnosis import Diagnosis, Frame, Kind
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.report_ktap import Ktap

LINE = re.compile(r"(ok|not ok) ([0-9]+)(?: ([^#]*?))?(?: # (.*))?")


@dataclass
class Point:
    """A result line with its subtests."""

    word: str
    name: str
    data: str
    subtests: "list[Point]" = field(default_factory=list)


def parse(lines: list[str], indent: str = "") -> list[Point]:
    """Read one level of a stream, which must have its version, its plan and nothing unknown."""
    assert lines.pop(0) == f"{indent}KTAP version 1"
    plan = re.fullmatch(rf"{indent}1\.\.([0-9]+)", lines.pop(0))
    assert plan
    points: list[Point] = []
    subtests: list[Point] = []
    while lines and lines[0].startswith(indent):
        line = lines[0].removeprefix(indent)
        if line == "  KTAP version 1":
            subtests = parse(lines, f"{indent}  ")
            continue
        lines.pop(0)
        if line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match, line
        points.append(Point(match[1], match[3] or "", match[4] or "", subtests))
        assert int(match[2]) == len(points)
        subtests = []
    assert len(points) == int(plan[1])
    return points


def stream(path: Path, results: list[TestResult], *, missing: int = 0) -> list[Point]:
    show(Ktap(path / "r.ktap"), results, missing=missing)
    lines = (path / "r.ktap").read_text().splitlines()
    points = parse(lines)
    assert not lines
    return points


def test_a_test_has_its_checks_as_subtests(tmp_path: Path) -> None:
    points = stream(tmp_path, ALL)
    assert [(point.word, point.name, point.data) for point in points] == [
        ("ok", "ok", ""),
        ("not ok", "broken", "1 of 2 checks failed"),
        (
            "not ok",
            "dies",
            "crash: power-off without an EXIT line; last words: last\\x1b words",
        ),
        ("not ok", "hangs", "TIMEOUT no verdict after 2.0 s; last words: half a li"),
        ("not ok", "refused", "ERROR QEMU refused: qemu: no such\\x1b machine"),
        ("ok", "needy", "SKIP needs qemu>=99, and this is QEMU 7.2.0"),
    ]
    assert points[0].subtests == [Point("ok", "a: b", ""), Point("ok", "c", "SKIP")]
    assert points[1].subtests == [Point("ok", "a", ""), Point("not ok", "b: c", "")]
    assert points[5].subtests == []


def test_the_text_of_a_stream(tmp_path: Path) -> None:
    failed = (
        b"FAIL: a\n    at arm/x.c:7\nSUMMARY: 1 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n"
    )
    show(Ktap(tmp_path / "r"), [result("t", failed)])
    assert (tmp_path / "r").read_text() == (
        "KTAP version 1\n"
        "1..1\n"
        "  KTAP version 1\n"
        "  1..1\n"
        "  # at arm/x.c:7\n"
        "  not ok 1 a\n"
        "not ok 1 t # 1 of 1 check failed\n"
    )


def test_the_diagnosis_does_not_repeat_the_reason(tmp_path: Path) -> None:
    found = replace(
        DIES,
        verdict=Verdict(Status.CRASH, "arm/x.c:3: assert failed: a", ExitCode.TESTS_FAILED),
        diagnosis=Diagnosis(
            Kind.EXCEPTION, "arm/x.c:3: assert failed: a", (Frame(16, "f", "arm/x.c", 3),)
        ),
    )
    show(Ktap(tmp_path / "r"), [found])
    assert (tmp_path / "r").read_text() == (
        "KTAP version 1\n1..1\n"
        "  KTAP version 1\n  1..1\n  ok 1 a\n"
        "#   #0 f() at arm/x.c:3\n"
        "not ok 1 dies # crash: arm/x.c:3: assert failed: a\n"
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"XFAIL: a", Point("ok", "a", "XFAIL")),
        (b"KFAIL: a", Point("ok", "a", "XFAIL")),
        (b"XPASS: a", Point("not ok", "a", "")),
        (b"PASS: a # TODO b", Point("ok", "a \\x23 TODO b", "")),
    ],
)
def test_checks_that_are_neither_black_nor_white(
    tmp_path: Path, line: bytes, expected: Point
) -> None:
    (point,) = stream(tmp_path, [result("t", line + b"\n")])
    assert point.subtests == [expected]


def test_a_flaky_test_is_ok(tmp_path: Path) -> None:
    flaky = replace(PASSES, verdict=Verdict(Status.FLAKY, "passed at attempt 2", ExitCode.OK))
    (point,) = stream(tmp_path, [flaky])
    assert (point.word, point.data) == ("ok", "flaky: passed at attempt 2")


def test_what_did_not_run_is_an_error_at_the_end(tmp_path: Path) -> None:
    points = stream(tmp_path, [PASSES], missing=2)
    assert [(point.word, point.name, point.data) for point in points[1:]] == [
        ("not ok", "missing0", "ERROR the test did not run"),
        ("not ok", "missing1", "ERROR the test did not run"),
    ]


def test_without_a_known_number_there_is_no_plan(tmp_path: Path) -> None:
    show(Ktap(tmp_path / "r", has_plan=False), [DIES, DIES])
    lines = (tmp_path / "r").read_text().splitlines()
    assert "1..2" not in lines
    assert [line.split(" # ")[0] for line in lines if line.startswith("not")] == [
        "not ok 1 dies",
        "not ok 2 dies",
    ]


@given(st.binary(max_size=200))
def test_nothing_that_a_guest_says_looks_like_ktap(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    forged = b"FAIL: x\nok 7 - forged\n1..9\nKTAP version 1\nFAIL: y # SKIP\n" + data
    (first, second) = stream(tmp_path_factory.mktemp("k"), [result("t", forged), FAILS])
    assert (first.word, first.name, second.name) == ("not ok", "t", "broken")
    assert [point.data for point in first.subtests][:2] == ["", ""]
