# SPDX-License-Identifier: GPL-2.0-or-later
"""Events on the serial line of a test image, one for each line.

`parse` is a pure generator that keeps no state between lines. A line is more than `Output` only
if it is complete and matches the protocol exactly; garbled and truncated lines are `Output`.
`judge` decides what the events mean together.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from kut_runner.verdict.status import Status


@dataclass(frozen=True, slots=True)
class Event:
    """A line of output; printable, without its newline."""

    line: str

    @property
    def text(self) -> str:
        """Text after the first ": "."""
        return self.line.partition(": ")[2]


@dataclass(frozen=True, slots=True)
class Check(Event):
    """A check: `PASS: prefix: prefix: message`, or FAIL, SKIP, XFAIL, XPASS, KFAIL."""

    status: Status
    place: str = ""
    """Source line of a failed check, as in "arm/stage2.c:123"; empty if unknown."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The line as it was printed, and that of its place."""
        return (self.line, f"{_AT}{self.place}") if self.place else (self.line,)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All parts of the text but the last; a ": " in the message separates parts too."""
        return tuple(self.text.split(": ")[:-1])

    @property
    def message(self) -> str:
        """Last part of the text."""
        return self.text.rsplit(": ", 1)[-1]


@dataclass(frozen=True, slots=True)
class At(Event):
    """`    at FILE:LINE`: source line of the check in the line before."""

    @property
    def place(self) -> str:
        """File, relative to the source tree, and line number."""
        return self.line.removeprefix(_AT)


class Info(Event):
    """`INFO: text`."""

    __slots__ = ()


class Abort(Event):
    """`ABORT: text`: the test cannot continue."""

    __slots__ = ()


class Fatal(Event):
    """The library's message about an unhandled exception or a failed assertion.

    Some forks of kvm-unit-tests print it, and the lines of its dump, after a tab.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Syndrome(Event):
    """`ESR_ELn: value, description` in an exception dump; some forks print `ESR_ELx`."""

    description: str


@dataclass(frozen=True, slots=True)
class Stack(Event):
    r"""`\tSTACK: @insn ret ret ...`: hex offsets from the start of the image."""

    addresses: tuple[int, ...]
    exact: bool
    """Whether the first address is that of an instruction, not a return address."""


@dataclass(frozen=True, slots=True)
class Summary(Event):
    """`SUMMARY: N tests, ...`: number of checks, silent ones included."""

    tests: int
    unexpected: int
    known: int
    expected: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Exit(Event):
    """`EXIT: STATUS=n` with n = (code << 1) | 1, the last line before power-off."""

    status: int


@dataclass(frozen=True, slots=True)
class RowLine(Event):
    """`AREA:`, `REASON:`, `ROWS:` or `ROW:`, about rows of the conformance suite; see `rows`."""

    keyword: str
    area: str
    number: int
    fields: tuple[str, ...]
    """What follows the number."""


class Output(Event):
    """Any other line, and a last line without newline."""

    __slots__ = ()


_CHECKS: Final = {
    "PASS": Status.PASS,
    "FAIL": Status.FAIL,
    "SKIP": Status.SKIP,
    "XFAIL": Status.XFAIL,
    "XPASS": Status.XPASS,
    "KFAIL": Status.KFAIL,
}
_REMARKS: Final[dict[str, type[Event]]] = {"INFO": Info, "ABORT": Abort}
_COUNT: Final = "([0-9]{1,9})"
_SUMMARY: Final = re.compile(
    rf"SUMMARY: {_COUNT} tests?"
    rf"(?:, {_COUNT} unexpected failures?)?"
    rf"(?:, {_COUNT} known failures?)?"
    rf"(?:, {_COUNT} expected failures?)?"
    rf"(?:, {_COUNT} skipped)?"
)
_EXIT: Final = re.compile(r"EXIT: STATUS=([0-9]{1,3})")
_STACK: Final = re.compile(r"\tSTACK:((?: @?[0-9a-f]{1,16})+) ?")
_FATAL: Final = re.compile(
    r"\t*(?:(?:Unhandled (?:exception|vector)|Stack overflow)\b.*|Got bad (?:ec|vector)=.*"
    r"|\S+:[0-9]+: assert failed: .*)"
)
_SYNDROME: Final = re.compile(r"\t*ESR_EL[123x]: *[0-9a-f]{8,16}, (.+)")


#: Patterns of lines about rows of the conformance suite, by keyword: their area, a number, and what
#: follows. They are compiled for the first such line: other tests have none.
_AREA: Final = "([a-z][a-z0-9-]{0,30}) ([0-9]{1,7})"
_ROW_LINES: Final = {
    "AREA": rf"AREA: {_AREA} ([0-9a-f]{{16}})",
    "REASON": rf"REASON: {_AREA} (\S+) (\S+)",
    "ROWS": rf"ROWS: {_AREA}((?: (?:[1-9][0-9]{{0,6}})?(?:[PF]|S[1-9][0-9]{{0,2}}))+)",
    "ROW": rf"ROW: {_AREA}",
}

#: Text in lines that may be more than `Output`, and their beginnings: a quick test for floods.
_MARK: Final = ": "
_AT: Final = "    at "
_UNMARKED: Final = ("ESR_EL", "Unhandled ", "Stack overflow", "Got bad ", "\t", _AT)
_PLACE: Final = re.compile(rf"{_AT}[^\s:]+:[1-9][0-9]{{0,6}}")


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield one event per line; `lines` come from `lines.split`."""
    for line in lines:
        if not line.endswith("\n"):
            yield Output(line)
        elif _MARK in line or line.startswith(_UNMARKED):
            yield _event(line[:-1])
        else:
            yield Output(line[:-1])


def _event(line: str) -> Event:
    keyword, colon, _ = line.partition(_MARK)
    if colon and (status := _CHECKS.get(keyword)):
        return Check(line, status)
    if colon and (kind := _REMARKS.get(keyword)):
        return kind(line)
    if colon and (pattern := _ROW_LINES.get(keyword)):
        match = re.fullmatch(pattern, line)
        if not match:
            return Output(line)
        area, number, *fields = match.groups()
        return RowLine(line, keyword, area, int(number), tuple(fields))
    return _ending(line) or Output(line)


def _ending(line: str) -> Event | None:
    """Return the event of a line from the end of a run, None for any other line."""
    if match := _SUMMARY.fullmatch(line):
        return Summary(line, *(int(count or 0) for count in match.groups()))
    if match := _EXIT.fullmatch(line):
        return Exit(line, int(match[1]))
    if match := _STACK.fullmatch(line):
        numbers = match[1].split()
        addresses = tuple(int(number.removeprefix("@"), 16) for number in numbers)
        return Stack(line, addresses, exact=numbers[0].startswith("@"))
    if match := _SYNDROME.fullmatch(line):
        return Syndrome(line, match[1])
    if line.startswith(_AT):
        return At(line) if _PLACE.fullmatch(line) else None
    return Fatal(line) if _FATAL.fullmatch(line) else None
