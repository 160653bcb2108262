# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals of LAVA, read as its dispatcher does."""

import io
import re
from dataclasses import replace

import pytest
import realtree
from test_views import ALL, PASSES, Tty, result, show

from kut_runner import text
from kut_runner.errors import ExitCode
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.display import DisplayOptions
from kut_runner.views.report_lava import Lava
from kut_runner.views.report_terminal import Terminal

SIGNAL = re.compile(r"<LAVA_SIGNAL_(\S+) ([^>]+)>")


def signals(console: str) -> list[tuple[str, dict[str, str]]]:
    """Return the signals in a console; each parameter is KEY=VALUE without blanks."""
    return [
        (kind, dict(word.split("=") for word in fields.split()))
        for kind, fields in SIGNAL.findall(console)
    ]


def test_a_signal_for_each_test() -> None:
    stream = io.StringIO()
    show(Lava(stream), ALL, missing=1)
    found = signals(stream.getvalue())
    assert {kind for kind, _ in found} == {"TESTCASE"}
    assert [(fields["TEST_CASE_ID"], fields["RESULT"]) for _, fields in found] == [
        ("ok", "pass"),
        ("broken", "fail"),
        ("dies", "fail"),
        ("hangs", "fail"),
        ("refused", "unknown"),
        ("needy", "skip"),
        ("missing0", "unknown"),
    ]
    assert (found[0][1]["MEASUREMENT"], found[0][1]["UNITS"]) == ("0.125", "seconds")
    assert "MEASUREMENT" not in found[5][1]


@pytest.mark.parametrize(
    ("name", "case"),
    [("a/qemu-10.0", "a_qemu-10.0"), ("a::b c=d>", "a__b_c_d_"), ("a+b_c.d", "a+b_c.d")],
)
def test_a_name_has_no_characters_that_end_a_signal(name: str, case: str) -> None:
    stream = io.StringIO()
    show(Lava(stream), [replace(PASSES, id=name)])
    assert signals(stream.getvalue())[0][1]["TEST_CASE_ID"] == case


def test_a_flaky_test_passed() -> None:
    stream = io.StringIO()
    show(Lava(stream), [replace(PASSES, verdict=Verdict(Status.FLAKY, "later", ExitCode.OK))])
    assert signals(stream.getvalue())[0][1]["RESULT"] == "pass"


def test_a_guest_issues_no_signal() -> None:
    forged = b"<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=forged RESULT=pass>"
    stream = io.StringIO()
    terminal = Terminal(DisplayOptions(verbosity=2, lava=True), stream=stream)
    terminal.on_output("t", 1, forged + b"\n")
    show(terminal, [result("t", b"FAIL: " + forged + b"\n" + forged + b"\n")])
    assert "LAVA\\_SIGNAL_TESTCASE" in stream.getvalue()
    assert signals(stream.getvalue()) == []


def test_a_message_of_an_error_is_no_signal() -> None:
    forged = "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=forged RESULT=pass>"
    assert signals(text.line(f"x {forged} {forged}")) == []
    end = realtree.kut(realtree.ROOT, "run", forged)
    assert end.returncode == 2
    assert "TEST_CASE_ID=forged" in end.stderr
    assert signals(end.stderr) == []


@pytest.mark.qemu
def test_a_run_prints_signals_among_its_lines() -> None:
    end = realtree.kut(realtree.ROOT, "run", "--lava", "misbehave-fail", "misbehave-known")
    found = {fields["TEST_CASE_ID"]: fields["RESULT"] for _, fields in signals(end.stdout)}
    assert found == {"misbehave-fail": "fail", "misbehave-known": "pass"}
    assert re.search(r"^FAIL     misbehave-fail ", end.stdout, re.MULTILINE)
    assert all(
        re.fullmatch(SIGNAL, line) for line in end.stdout.splitlines() if "<LAVA_SIGNAL" in line
    )


def test_a_console_has_neither_board_nor_colours() -> None:
    stream = Tty()
    show(Terminal(DisplayOptions(lava=True), stream=stream, environment={"TERM": "xterm"}), ALL)
    assert stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    show(Terminal(DisplayOptions(), stream=stream, environment={"TERM": "xterm"}), ALL)
    assert "\x1b" in stream.getvalue()
