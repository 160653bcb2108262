# SPDX-License-Identifier: GPL-2.0-or-later
"""How much is shown, and how it is laid out."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kut_runner.verdict.status import Status

_RED, _GREEN, _YELLOW = "31", "32", "33"
_COLOURS: Final = {Status.PASS: _GREEN, Status.SKIP: _YELLOW, Status.FLAKY: _YELLOW}


@dataclass(frozen=True, slots=True)
class DisplayOptions:
    """What is to be shown of a run."""

    verbosity: int = 0
    """-1: failures only; 0: a line per test; 1: each check as well; 2: the serial line, live."""
    slowest: int = 0
    """How many of the slowest tests to name at the end."""
    github: bool = False
    """Speak to GitHub Actions as well."""


def is_github(environment: Mapping[str, str]) -> bool:
    """Tell whether kut runs in a step of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def coloured(status: Status, text: str) -> str:
    """Return text in the colour of a status."""
    return f"\033[{_COLOURS.get(status, _RED)}m{text}\033[0m"


def width(text: str) -> int:
    """Return the columns that printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def padded(text: str, columns: int) -> str:
    """Return text with blanks up to that width."""
    return text + " " * (columns - width(text))


def clipped(text: str, columns: int) -> str:
    """Return the start of printable text that fits into so many columns."""
    if len(text) <= columns and text.isascii():
        return text
    taken = 0
    for place, char in enumerate(text):
        taken += _columns(char)
        if taken > columns:
            return text[:place]
    return text


def _columns(char: str) -> int:
    """Return 2 for wide characters, 0 for those that join the one before, else 1."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
