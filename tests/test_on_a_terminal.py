# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run` on a pseudo-terminal with an emulated screen."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pyte
import pytest

pytestmark = pytest.mark.qemu

#: A QEMU that prints something, then sleeps; it handles or ignores SIGTERM.
SLEEPER = """#!/bin/sh
[ "$1" != --version ] || { echo "QEMU emulator version 7.2.0"; exit; }
trap '%s' TERM
printf 'INFO: hello \\033[31m\\nhalf a line'
while :; do sleep 0.1; done
"""
#: A QEMU with the output of a test that passes.
PASSES = """#!/bin/sh
[ "$1" != --version ] || { echo "QEMU emulator version 7.2.0"; exit; }
printf 'PASS: a\\r\\nSUMMARY: 1 tests\\r\\n\\r\\nEXIT: STATUS=1\\r\\n'
"""


class Terminal:
    """kut on a terminal with 80 columns and 24 lines."""

    def __init__(self, tree: Path, *args: str, **environment: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.kut = pexpect.spawn(
            sys.executable,
            ["-m", "kut_runner", "run", "--qemu", str(tree / "qemu"), *args],
            cwd=str(tree),
            env=os.environ | {"TERM": "xterm"} | environment,
            dimensions=(24, 80),
            timeout=30,
        )
        self.kut.delaybeforesend = None

    @property
    def shown(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def wait_for(self, pattern: str) -> str:
        """Read until the screen shows a text; return the screen."""
        end = time.monotonic() + 30
        while not re.search(pattern, self.shown):
            assert time.monotonic() < end, self.shown
            self._read()
        return self.shown

    def end(self) -> int | None:
        """Read the rest of the output; return the exit code."""
        while self._read():
            pass
        self.kut.close()
        code: int | None = self.kut.exitstatus
        return code

    def _read(self) -> bool:
        try:
            data: bytes = self.kut.read_nonblocking(1 << 16, 0.1)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True


Start = Callable[..., Terminal]


@pytest.fixture
def start(tree: Path) -> Iterator[Start]:
    """Start `kut run ARGS` in the small source tree, with the script `qemu` as QEMU."""
    started: list[Terminal] = []

    def begin(*args: str, qemu: str = SLEEPER % "exit", **environment: str) -> Terminal:
        (tree / "qemu").write_text(qemu)
        (tree / "qemu").chmod(0o755)
        started.append(Terminal(tree, *args, **environment))
        return started[-1]

    yield begin
    for terminal in started:
        terminal.kut.close(force=True)


def test_the_board_comes_and_goes_without_a_trace(start: Start) -> None:
    terminal = start("one", "two", "-j", "2")
    shown = terminal.wait_for(r"0:0\d  one\n 0:0\d  two").splitlines()
    assert re.fullmatch(r" 0:0\d  0 of 2 done, 2 running", shown[0])
    assert (terminal.screen.cursor.x, terminal.screen.cursor.y) == (0, 0)
    terminal.kut.sendintr()
    assert terminal.end() == 130
    lines = terminal.shown.splitlines()
    assert lines[0] == "interrupted: stopping 2 tests, then reporting; interrupt again to kill"
    heads = [line[:12].strip() for line in lines[1:] if not line.startswith(" ")]
    assert sorted(heads[:-1]) == ["ERROR    one", "ERROR    two"]
    assert lines[-1].startswith("2 tests in ")
    assert "running" not in terminal.shown
    assert "^C" not in terminal.shown
    assert terminal.screen.cursor.x == 0
    assert b"\x1b[?" not in terminal.raw


def test_a_second_ctrl_c_does_not_wait(start: Start) -> None:
    terminal = start("one", qemu=SLEEPER % ":")
    terminal.wait_for(r"0:0\d  one")
    terminal.kut.sendintr()
    terminal.wait_for("interrupt again to kill")
    terminal.kut.sendintr()
    assert terminal.end() == 130
    assert "interrupted" in terminal.shown
    assert "1 test in " in terminal.shown.splitlines()[-1]


@pytest.mark.parametrize(
    "environment", [{"TERM": "dumb"}, {"CI": "true", "NO_COLOR": "1"}], ids=["dumb", "ci"]
)
def test_plain_lines_where_a_board_would_be_in_the_way(
    start: Start, environment: dict[str, str]
) -> None:
    terminal = start("one", "--timeout", "2", **environment)
    assert terminal.end() == 1
    assert terminal.raw.startswith(b"TIMEOUT  one")
    assert b"\x1b" not in terminal.raw


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_run_of_a_moment(start: Start, environment: dict[str, str], *, coloured: bool) -> None:
    terminal = start("one", "two", qemu=PASSES, **environment)
    assert terminal.end() == 0
    assert (b"\x1b[32mPASS   \x1b[0m" in terminal.raw) is coloured
    lines = terminal.shown.splitlines()
    assert sorted(line[:13].strip() for line in lines[:-1]) == ["PASS     one", "PASS     two"]


def test_serial_lines_live_and_harmless(start: Start) -> None:
    terminal = start("one", "-vv")
    terminal.wait_for(r"one\| INFO: hello \\x1b\[31m")
    terminal.kut.sendintr()
    assert terminal.end() == 130
    assert "one| half a line" in terminal.shown
    assert b"\x1b[31m\r\n" not in terminal.raw


def test_only_failures_when_quiet_and_the_slowest_in_the_end(start: Start) -> None:
    terminal = start("one", "two", "-q", "--slowest", "1", qemu=PASSES)
    assert terminal.end() == 0
    first, second, last = terminal.shown.splitlines()
    assert first == "slowest 1 of 2:"
    assert re.fullmatch(r" +\d+\.\d\d s  (one|two)", second)
    assert last.endswith("2 pass")
