# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests in a saved log: one, or several one after the other.

A test begins with the command line that runs it (that of run_tests.sh in logs/NAME.log, or with
`-v` on its console), with a line "BEGIN NAME", or with the first line of a test after the EXIT line
of another. It ends with its EXIT line, and the verdict that run_tests.sh prints after it. Lines
after an EXIT line that begin no other test belong to it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.records.surroundings import Saved
from kut_runner.verdict.events import Exit, Output, parse

#: Command line of a machine, after that of timeout(1), whose seconds it names.
_COMMAND: Final = re.compile(
    r"(?:timeout (?:-\S+ (?:[0-9]\S* )?)*([0-9]{1,6}(?:\.[0-9]{1,6})?)s? )?"
    r"(?:\S*/)?(?:qemu-system-\w+|qemu-kvm|lkvm|kvmtool) (?=-|run ).*"
)
_IMAGE: Final = re.compile(r" --?(?:kernel|firmware) (\S+)")
#: Line before a test: of run_tests.sh -v, of a standalone test of kvm-unit-tests, or of others.
_BEGIN: Final = re.compile(
    r"(?:TESTNAME=(?=\S* )|BUILD_HEAD=.*|[-=#* ]*BEGIN\b[:\s]*)([\w./+-]*).*"
)
_LOAD: Final = re.compile(r"\t*Load address: [0-9a-f]+")
#: Verdict of run_tests.sh on a test, and lines of other reports.
_VERDICT: Final = re.compile(r"(PASS|FAIL|SKIP) ([\w.+:-]+)(?: \((.*)\))?")
_TAP: Final = re.compile(r"(not )?ok [0-9]+(?: (?:- )?([\w.+-]+).*)?")
_OF_KUT: Final = re.compile(r"[A-Z]{4,7} +(\S+) +[0-9]+\.[0-9]{2} s  .*")
#: Messages of QEMU that are no error.
_STDERR: Final = re.compile(
    r"(?:\S*/)?qemu(?:-system-\w+|-kvm)?: (?:warning|info|terminating on|module)\b.*"
)
_TIMED_OUT: Final = re.compile(
    r"(?:\S*/)?qemu-\S+: terminating on signal 15 from pid [0-9]+ \((?:\S*/)?timeout\b.*"
)


@dataclass(slots=True)
class SavedTest:
    """Lines that one test printed, and what its log says about its end."""

    name: str = ""
    """Name, or image, of the test; empty if the log has none."""
    lines: list[str] = field(default_factory=list)
    """Each with its newline."""
    seconds: float = 0.0
    """Timeout in its command line; 0 if unknown."""
    was_timed_out: bool = False
    """Whether timeout(1) ended QEMU."""
    is_begun: bool = False
    """Whether the log has a line with which it begins."""
    has_command: bool = False
    """Whether the log has its command line."""
    has_ended: bool = False
    """Whether it has an EXIT line."""
    has_events: bool = False
    """Whether it has any line of a test."""

    @property
    def is_test(self) -> bool:
        """Whether a test was run, not only text printed."""
        return self.has_events or self.is_begun


def tests_of(saved: Saved, shown: str) -> list[SavedTest]:
    """Return the tests of a log, at least one; `shown` is its name.

    Raises UsageError for the report of a test runner, which has no serial output.
    """
    splitter = _Splitter(is_recorded=saved.is_recorded)
    for line in saved.lines:
        splitter.add(line)
    found = splitter.finish()
    if not any(test.has_events for test in found):
        _refuse_reports([line.strip() for line in saved.lines], shown)
    return found


class _Splitter:
    """Divides the lines of a log."""

    def __init__(self, *, is_recorded: bool) -> None:
        self._is_recorded = is_recorded
        self._done: list[SavedTest] = []
        self._test = SavedTest()
        self._after: list[str] = []
        """Lines after an EXIT line that may belong to the next test."""

    def add(self, line: str) -> None:
        """Add a line."""
        text = line.rstrip("\n")
        if match := _BEGIN.fullmatch(text):
            self._begin(PurePath(match[1]).name)
        elif match := _COMMAND.fullmatch(text.strip()):
            self._begin(_image(text))
            self._test.seconds = float(match[1] or 0)
            self._test.has_command = True
        elif (match := _VERDICT.fullmatch(text)) and self._test.has_events and match[3]:
            self._test.name = match[2]
            self._test.was_timed_out |= match[3].startswith("timeout")
            self._end()
        elif _TIMED_OUT.fullmatch(text):
            self._test.was_timed_out = True
        elif not (self._test.has_ended and _STDERR.fullmatch(text)):
            self._add_output(line)

    def finish(self) -> list[SavedTest]:
        """Return the tests."""
        self._end()
        *found, last = self._done
        if found and not last.is_test and not self._is_recorded:
            found[-1].lines += last.lines
        elif last.is_test or not found:
            found.append(last)
        return found

    def _add_output(self, line: str) -> None:
        (event,) = parse([line])
        is_event = not isinstance(event, Output) or bool(_LOAD.fullmatch(line.rstrip("\n")))
        if self._test.has_ended and not is_event:
            self._after.append(line)
            return
        if self._test.has_ended:
            following, self._after = self._after, []
            self._end()
            self._test.lines = following
        self._test.lines.append(line)
        self._test.has_events |= is_event
        self._test.has_ended |= isinstance(event, Exit)

    def _begin(self, name: str) -> None:
        """Begin a test, unless the current one has nothing but the line before its command line."""
        if self._test.has_events or self._test.has_command:
            self._end()
        self._test.lines.clear()
        self._test.is_begun = True
        self._test.name = self._test.name or name

    def _end(self) -> None:
        if not self._is_recorded:
            self._test.lines += self._after
        self._after = []
        self._done.append(self._test)
        self._test = SavedTest()


def _image(command: str) -> str:
    """Return the name of the image in a command line, "" without one."""
    match = _IMAGE.search(command)
    return PurePath(match[1]).stem if match else ""


def _refuse_reports(lines: Iterable[str], shown: str) -> None:
    """Raise UsageError if the lines are the report of a test runner."""
    verdicts: dict[str, list[str]] = {}
    for line in lines:
        if (match := _VERDICT.fullmatch(line)) and match[3]:
            verdicts.setdefault(match[1], []).append(match[2])
        elif match := _TAP.fullmatch(line):
            verdicts.setdefault("not ok" if match[1] else "ok", []).append(match[2] or "NAME")
        elif match := _OF_KUT.fullmatch(line):
            raise UsageError(
                f"{shown} is the report of kut, not the serial output of a test",
                f"parse the log of a test: kut parse build/logs/{match[1]}.log",
            )
    if verdicts:
        counts = ", ".join(f"{len(names)} {status}" for status, names in verdicts.items())
        bad = verdicts.get("FAIL") or verdicts.get("not ok") or next(iter(verdicts.values()))
        raise UsageError(
            f"{shown} is the report of run_tests.sh ({counts}), not the serial output of a test",
            f"parse the log of a test, beside run_tests.sh: kut parse logs/{bad[0]}.log",
        )
