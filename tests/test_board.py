# SPDX-License-Identifier: GPL-2.0-or-later
"""The status board on an emulated terminal, with a fake clock."""

import io
from itertools import pairwise

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.verdict.status import Status
from kut_runner.views import display, tty
from kut_runner.views.board import MOST_LINES, PAUSE, Board


class Terminal(io.StringIO):
    """Emulated terminal that records its screen after each write, with the time."""

    def __init__(self, columns: int = 60, rows: int = 12) -> None:
        super().__init__()
        self.screen = pyte.Screen(columns, rows)
        self.now = 100.0
        self.writes: list[float] = []
        self._parser = pyte.Stream(self.screen)

    def write(self, text: str) -> int:
        self._parser.feed(text.replace("\n", "\r\n"))  # as the line discipline does
        self.writes.append(self.now)
        return len(text)

    def size(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.lines

    @property
    def shown(self) -> list[str]:
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def board(terminal: Terminal, total: int | None = 9) -> Board:
    made = Board(terminal, is_coloured=False, clock=lambda: terminal.now, size=terminal.size)
    made.start(total)
    return made


def due(made: Board) -> float | None:
    return made.due


def wait(made: Board, terminal: Terminal, seconds: float) -> None:
    """Advance the clock, and redraw when due, as a run does."""
    end = terminal.now + seconds
    while (then := due(made)) is not None and then <= end:
        terminal.now = max(then, terminal.now)
        made.draw()
    terminal.now = end


def test_what_a_person_sees() -> None:
    terminal = Terminal()
    made = board(terminal)
    made.begin("stage2")
    made.begin("quick")
    wait(made, terminal, 0.3)
    assert terminal.shown == []
    made.write("PASS     quick")
    made.end("quick", Status.PASS)
    wait(made, terminal, 64)
    made.begin("gic")
    made.mark_slow("stage2")
    wait(made, terminal, 1)
    assert terminal.shown == [
        "PASS     quick",
        " 1:05  1 of 9 done, 1 pass, 2 running",
        " 1:05  stage2  slow",
        " 0:01  gic",
    ]
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 1)
    made.end("stage2", None)
    made.end("gic", Status.FAIL)
    made.write("FAIL     gic", is_urgent=True)
    assert terminal.shown[:2] == ["PASS     quick", "FAIL     gic"]
    assert terminal.shown[2:] == [" 1:05  2 of 9 done, 1 pass, 1 fail, 0 running"]
    made.close()
    made.write("2 tests")
    assert terminal.shown == ["PASS     quick", "FAIL     gic", "2 tests"]


def test_five_drawings_a_second_at_most_and_one_when_only_time_goes_on() -> None:
    terminal = Terminal()
    made = board(terminal)
    for number in range(400):
        made.begin(f"t{number}")
        wait(made, terminal, 0.01)
        made.end(f"t{number}", Status.PASS)
        made.write(f"PASS {number}")
    assert 15 <= len(terminal.writes) <= 20
    assert all(after - before >= PAUSE - 1e-9 for before, after in pairwise(terminal.writes))
    made.begin("long")
    wait(made, terminal, 1)
    terminal.writes.clear()
    wait(made, terminal, 100)
    assert 99 <= len(terminal.writes) <= 101


def test_nobody_is_woken_when_nothing_runs() -> None:
    terminal = Terminal()
    made = board(terminal)
    assert due(made) is None
    made.begin("a")
    assert due(made) is not None
    made.end("a", Status.PASS)
    wait(made, terminal, 2)
    assert due(made) is None


def test_a_quick_run_has_no_board() -> None:
    terminal = Terminal()
    made = board(terminal)
    made.begin("a")
    wait(made, terminal, 0.4)
    made.write("PASS     a")
    made.end("a", Status.PASS)
    made.close()
    assert terminal.shown == ["PASS     a"]
    assert "\x1b" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("rows", "lines", "more"),
    [
        (24, MOST_LINES, "       and 14 more"),
        (5, 4, "       and 18 more"),
        (3, 2, "       and 20 more"),
    ],
)
def test_more_tests_than_lines(rows: int, lines: int, more: str) -> None:
    terminal = Terminal(rows=rows)
    made = board(terminal)
    for number in range(20):
        made.begin(f"t{number}")
    wait(made, terminal, 3)
    assert len(terminal.shown) == lines
    assert terminal.shown[-1] == more
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 0)


@pytest.mark.parametrize("columns", [80, 20, 9, 4])
@pytest.mark.parametrize(
    "name",
    ["x" * 100, "テスト" * 30, "e\u0301" * 60, "\U0001f600" * 40],
    ids=["narrow", "wide", "joined", "emoji"],
)
def test_no_line_reaches_the_edge(name: str, columns: int) -> None:
    terminal = Terminal(columns=columns)
    made = board(terminal)
    made.begin(name)
    made.mark_slow(name)
    wait(made, terminal, 3)
    assert len(terminal.shown) == 2
    assert all(display.width(line.replace(" ", "")) < columns for line in terminal.shown)
    made.close()
    assert terminal.shown == []


def test_a_terminal_that_becomes_narrower() -> None:
    terminal = Terminal(columns=60)
    made = board(terminal)
    made.begin("x" * 50)
    wait(made, terminal, 3)
    terminal.screen.resize(12, 20)
    wait(made, terminal, 3)
    made.close()
    made.write("end")
    assert terminal.shown == ["end"]


NAMES = st.sampled_from(["a", "b", "テ", "long" * 40])
STEPS = st.one_of(
    st.tuples(st.just("begin"), NAMES),
    st.tuples(st.just("end"), NAMES),
    st.tuples(st.just("slow"), NAMES),
    st.tuples(st.just("write"), st.sampled_from(["line", "w" * 30, "w" * 31, "テ" * 40, "a\nb"])),
    st.tuples(st.just("urgent"), st.sampled_from(["FAIL", "F" * 61])),
    st.tuples(st.just("wait"), st.sampled_from(["0.1", "0.7", "5"])),
)


@given(st.lists(STEPS, max_size=30), st.integers(2, 12))
def test_in_the_end_only_what_was_printed_is_there(steps: list[tuple[str, str]], rows: int) -> None:
    terminal, plain = Terminal(30, rows), Terminal(30, rows)
    made = board(terminal, None)
    for step, word in steps:
        if step == "begin":
            made.begin(word)
        elif step == "end":
            made.end(word, Status.PASS)
        elif step == "slow":
            made.mark_slow(word)
        elif step == "wait":
            wait(made, terminal, float(word))
        else:
            made.write(word, is_urgent=step == "urgent")
            plain.write(f"{word}\n")
    made.close()
    # A board at the bottom of the screen has scrolled the lines above it up.
    assert [line for line in plain.shown if line][-rows + 1 :][-len(terminal.shown) :] == (
        terminal.shown
    )


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("テスト", 6), ("e\u0301", 1), ("a\u200bb", 2), ("\U0001f600", 2), ("", 0)],
)
def test_width(text: str, columns: int) -> None:
    assert display.width(text) == columns
    assert display.width(display.padded(text, 9)) == 9
    assert display.clipped(text, columns) == text
    assert display.width(display.clipped(text * 9, 5)) <= 5


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "colour", "has_board"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": ""}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"TERM": "xterm", "CLICOLOR": "0"}, False, True),
        ({"TERM": "dumb", "CLICOLOR_FORCE": "1"}, True, False),
        ({"TERM": "xterm", "CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False, True),
        ({"TERM": "xterm", "CI": "true"}, True, False),
    ],
)
def test_what_a_terminal_is_taken_for(
    environment: dict[str, str], *, colour: bool, has_board: bool
) -> None:
    assert tty.takes_colour(Tty(), environment) is colour
    assert tty.takes_board(Tty(), environment) is has_board
    assert not tty.takes_board(io.StringIO(), environment)


def test_colour_by_force_where_there_is_no_terminal() -> None:
    assert tty.takes_colour(io.StringIO(), {"CLICOLOR_FORCE": "1"})
    assert not tty.takes_colour(io.StringIO(), {"CLICOLOR_FORCE": "0", "TERM": "xterm"})
