# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines of failed checks, which are in the line after the check."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import result_from_json, result_to_json
from kut_runner.verdict.events import Check, Output, parse
from kut_runner.verdict.guest_output import GuestOutput, OutputCollector, collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult

AT = "    at arm/stage2.c:123"
PLACE = "arm/stage2.c:123"
END = ProcessExit(ExitKind.EXITED, 0, 1.0, "")


def said(*lines: str) -> GuestOutput:
    return collect(parse(split(["".join(f"{line}\n" for line in lines).encode()])))


def places(*lines: str) -> list[str]:
    return [check.place for check in said(*lines).checks]


def result(output: GuestOutput) -> TestResult:
    return TestResult("t", judge(output, END), output, END)


@pytest.mark.parametrize("word", ["FAIL", "XPASS"])
def test_a_failed_check_has_its_place(word: str) -> None:
    output = said("PASS: a", f"{word}: s2: expected 1, found 2", AT, "PASS: b")
    assert [check.place for check in output.checks] == ["", PLACE, ""]
    failed = output.checks[1]
    assert (failed.line, failed.message) == (
        f"{word}: s2: expected 1, found 2",
        "expected 1, found 2",
    )
    assert output.checks_and_infos == output.checks
    assert output.last[Check] == output.checks[2]
    assert said("FAIL: a", AT).last[Check].line == "FAIL: a"


def test_each_failed_check_has_its_own() -> None:
    lines = ("FAIL: a", "    at a.c:1", "FAIL: b", "FAIL: c", "    at lib/arm64/c.c:9999999")
    assert places(*lines) == ["a.c:1", "", "lib/arm64/c.c:9999999"]


@pytest.mark.parametrize(
    "lines",
    [
        ("PASS: a", AT),
        ("SKIP: a", AT),
        ("XFAIL: a", AT),
        ("KFAIL: a", AT),
        ("FAIL: a", "", AT),
        ("FAIL: a", "any other line", AT),
        ("FAIL: a", "INFO: b", AT),
        ("FAIL: a", "SUMMARY: 1 tests, 1 unexpected failures", AT),
        ("FAIL: a", "PASS: b", AT),
        ("FAIL: a", "    at nowhere", AT),
        (AT, "FAIL: a"),
    ],
)
def test_what_does_not_follow_a_failed_check_is_no_place(lines: tuple[str, ...]) -> None:
    assert set(places(*lines)) == {""}


def test_a_second_place_does_not_replace_the_first() -> None:
    assert places("FAIL: a", "    at a.c:1", "    at b.c:2") == ["a.c:1"]


@pytest.mark.parametrize(
    "line",
    [
        "at arm/x.c:1",
        "   at arm/x.c:1",
        "     at arm/x.c:1",
        "\tat arm/x.c:1",
        "    at arm/x.c",
        "    at arm/x.c:",
        "    at arm/x.c:0",
        "    at arm/x.c:01",
        "    at arm/x.c:-1",
        "    at arm/x.c:12345678",
        "    at arm/x.c:1 ",
        "    at arm/x.c:1: more",
        "    at arm/x y.c:1",
        "    at :1",
        "    at x:y.c:1",
        "    at arm/x.c:1\r\r\x1b",
        "    AT arm/x.c:1",
    ],
)
def test_a_line_of_another_shape_is_no_place(line: str) -> None:
    output = said("FAIL: a", line)
    assert output.checks[0].place == ""
    assert output.last[Output].line == output.last_lines[-1]


def test_a_place_that_is_cut_off_is_none() -> None:
    (check,) = collect(parse(["FAIL: a\n", AT])).checks
    assert check.place == ""


def test_a_place_is_a_line_of_the_output_like_any_other() -> None:
    assert said("FAIL: a", AT).last_lines == ("FAIL: a", AT)
    assert said("EXIT: STATUS=3", AT).after_exit == AT.strip()
    assert said("PASS: a", AT).last[Output].line == AT, "as it was before there were places"


def test_a_place_may_come_in_another_part_than_its_check() -> None:
    collector = OutputCollector()
    for line in ("FAIL: a\n", f"{AT}\n", "PASS: b\n"):
        collector.feed(parse([line]))
    assert [check.place for check in collector.output().checks] == [PLACE, ""]


def test_places_do_not_change_a_verdict() -> None:
    end = ("SUMMARY: 2 tests, 1 unexpected failures", "", "EXIT: STATUS=3")
    with_place = result(said("PASS: a", "FAIL: b", AT, *end))
    without = result(said("PASS: a", "FAIL: b", *end))
    assert with_place.verdict == without.verdict


def test_the_document_has_the_place_of_those_checks_only() -> None:
    before = result(said("FAIL: a: b", AT, "FAIL: c", "PASS: d"))
    data = json.loads(json.dumps(result_to_json(before)))
    assert data["checks"] == [
        {"status": "fail", "prefixes": ["a"], "message": "b", "place": PLACE},
        {"status": "fail", "prefixes": [], "message": "c"},
        {"status": "pass", "prefixes": [], "message": "d"},
    ]
    assert result_from_json(data) == before


def test_a_place_in_a_hostile_document_is_printable() -> None:
    data = result_to_json(result(said("FAIL: a", AT)))
    data["checks"][0]["place"] = "\x1b[31m\u202e:1"
    assert result_from_json(data).output.checks[0].place.isprintable()


LINES = st.lists(
    st.sampled_from([AT, "    at b.c:1", "FAIL: a: b", "XPASS: c", "PASS: d", "INFO: e", "", "x"]),
    max_size=12,
)


@given(LINES)
def test_a_check_has_a_place_if_it_failed_and_the_next_line_is_one(lines: list[str]) -> None:
    expected = []
    for line, following in pairwise([*lines, ""]):
        if line.startswith(("FAIL", "XPASS")):
            is_place = following.startswith("    at ")
            expected.append(following.removeprefix("    at ") if is_place else "")
        elif line.startswith("PASS"):
            expected.append("")
    assert places(*lines) == expected


@given(LINES)
def test_an_output_with_places_comes_back_as_it_was(lines: list[str]) -> None:
    before = result(said(*lines))
    assert result_from_json(json.loads(json.dumps(result_to_json(before)))) == before
