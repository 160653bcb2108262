# SPDX-License-Identifier: GPL-2.0-or-later
"""Display options, and layout of text on a terminal."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kut_runner.verdict.status import Status

_RED, _GREEN, _YELLOW = "31", "32", "33"
_COLOURS: Final = {Status.PASS: _GREEN, Status.SKIP: _YELLOW, Status.FLAKY: _YELLOW}


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """Options that decide how much of a run is shown."""

    verbosity: int = 0
    """-1: failures only; 0: a line per test; 1: each check as well; 2: the serial line, live."""
    slowest: int = 0
    """Number of slowest tests to list at the end."""
    github: bool = False
    """Whether to write annotations and a summary for GitHub Actions."""
    lava: bool = False
    """Whether to print a signal of LAVA for each test."""


def is_github(environment: Mapping[str, str]) -> bool:
    """Return whether kut runs in GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def coloured(status: Status, text: str) -> str:
    """Return text in the colour of a status."""
    return f"\033[{_COLOURS.get(status, _RED)}m{text}\033[0m"


def width(text: str) -> int:
    """Return the number of columns that printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def padded(text: str, columns: int) -> str:
    """Return text padded with blanks to a width."""
    return text + " " * (columns - width(text))


def clipped(text: str, columns: int) -> str:
    """Return the longest prefix of printable text that fits into `columns` columns."""
    if len(text) <= columns and text.isascii():
        return text
    taken = 0
    for index, char in enumerate(text):
        taken += _columns(char)
        if taken > columns:
            return text[:index]
    return text


def _columns(char: str) -> int:
    """Return 2 for wide characters, 0 for combining ones, else 1."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
