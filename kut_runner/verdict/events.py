# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines in, events out: what a test image says on its serial line.

`parse` is a pure generator without state between lines. A line is an event of its own kind
only when it is whole and has exactly the shape of the protocol; anything else, a garbled, cut
or half-forged line among them, is `Output`. What the events mean together is for `results`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from kut_runner.verdict.status import Status


@dataclass(frozen=True, slots=True)
class Event:
    """A line that was said; printable, without its newline."""

    line: str

    @property
    def text(self) -> str:
        """What follows the first ": "."""
        return self.line.partition(": ")[2]


@dataclass(frozen=True, slots=True)
class Check(Event):
    """One counted check: `PASS: prefix: prefix: message` and its kin."""

    status: Status
    place: str = ""
    """Where a failed check is in the source, as "arm/stage2.c:123"; empty when not known."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The line as it was printed, and that of its place."""
        return (self.line, f"{_AT}{self.place}") if self.place else (self.line,)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """All parts of the text but the last; a ": " within a message counts as one more."""
        return tuple(self.text.split(": ")[:-1])

    @property
    def message(self) -> str:
        """The last part of the text."""
        return self.text.rsplit(": ", 1)[-1]


@dataclass(frozen=True, slots=True)
class At(Event):
    """`    at FILE:LINE`: where the check in the line before is in the source."""

    @property
    def place(self) -> str:
        """File, relative to the source tree, and line."""
        return self.line.removeprefix(_AT)


class Info(Event):
    """`INFO: text`, which is not counted."""

    __slots__ = ()


class Abort(Event):
    """`ABORT: text`: the test itself says that it cannot go on."""

    __slots__ = ()


class Fatal(Event):
    """The library's words for an unhandled exception or a failed assertion."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Syndrome(Event):
    """`ESR_ELn: value, description` of an exception dump."""

    description: str


@dataclass(frozen=True, slots=True)
class Stack(Event):
    r"""`\tSTACK: @insn ret ret ...`: hex offsets from the start of the image."""

    addresses: tuple[int, ...]
    exact: bool
    """The first address is an instruction's own, not one to return to."""


@dataclass(frozen=True, slots=True)
class Summary(Event):
    """`SUMMARY: N tests, ...`: how many checks were made, silent ones included."""

    tests: int
    unexpected: int
    known: int
    expected: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Exit(Event):
    """`EXIT: STATUS=n` with n = (code << 1) | 1, the last words before power-off."""

    status: int


class Output(Event):
    """Any other line, and an unfinished last one whatever it looks like."""

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
    r"(?:Unhandled exception|Stack overflow)\b.*|\S+:[0-9]+: assert failed: .*"
)
_SYNDROME: Final = re.compile(r"ESR_EL[123]: *[0-9a-f]{8,16}, (.+)")


#: How lines begin, or what they hold, that are more than `Output`; the quickest look at a flood.
_MARK: Final = ": "
_AT: Final = "    at "
_UNMARKED: Final = ("ESR_EL", "Unhandled exception", "Stack overflow", _AT)
_PLACE: Final = re.compile(rf"{_AT}[^\s:]+:[1-9][0-9]{{0,6}}")


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """Yield one event per line; `lines` are as `lines.split` gives them."""
    for line in lines:
        if not line.endswith("\n"):
            yield Output(line)
        elif _MARK in line or line.startswith(_UNMARKED):
            yield _event(line[:-1])
        else:
            yield Output(line[:-1])


def _event(line: str) -> Event:
    word, colon, _ = line.partition(_MARK)
    if colon and (status := _CHECKS.get(word)):
        return Check(line, status)
    if colon and (kind := _REMARKS.get(word)):
        return kind(line)
    return _ending(line) or Output(line)


def _ending(line: str) -> Event | None:
    """Return the event of a line that belongs to the end of a run, if it is one."""
    if match := _SUMMARY.fullmatch(line):
        return Summary(line, *(int(count or 0) for count in match.groups()))
    if match := _EXIT.fullmatch(line):
        return Exit(line, int(match[1]))
    if match := _STACK.fullmatch(line):
        words = match[1].split()
        addresses = tuple(int(word.removeprefix("@"), 16) for word in words)
        return Stack(line, addresses, exact=words[0].startswith("@"))
    if match := _SYNDROME.fullmatch(line):
        return Syndrome(line, match[1])
    if line.startswith(_AT):
        return At(line) if _PLACE.fullmatch(line) else None
    return Fatal(line) if _FATAL.fullmatch(line) else None
