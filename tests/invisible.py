# SPDX-License-Identifier: GPL-2.0-or-later
"""Mechanical mutants that no test can see on QEMU, each with the reason.

An entry of invisible.toml has the file, the lines before the change, and in `becomes` those after
it, all with single spaces; … stands for any text. So it holds when lines move, and is stale as soon
as the lines change.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import realtree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mutation import Mutation

LIST = realtree.ROOT / "tests" / "invisible.toml"
TABLE = "| mutant | why no test sees it |\n|---|---|\n"
_KEYS = {"file", "line", "becomes", "reason"}


@dataclass(frozen=True, slots=True)
class Invisible:
    """An entry: one mutant, or several of a kind."""

    file: str
    line: str
    becomes: tuple[str, ...]
    reason: str
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the patterns."""
        ends = "|".join(_pattern(each) for each in self.becomes)
        pattern = f"{_pattern(self.file)}\n{_pattern(self.line)}\n(?:{ends})"
        object.__setattr__(self, "_pattern", re.compile(pattern))

    def has(self, mutation: Mutation) -> bool:
        """Whether the mutation is one of those that this entry describes."""
        return bool(self._pattern.fullmatch("\n".join((mutation.file, *mutation.lines))))


def load(text: str) -> list[Invisible]:
    """Return the entries of a list; raises ValueError for a malformed one."""
    entries = []
    for entry in tomllib.loads(text).get("mutant", []):
        if set(entry) != _KEYS or not entry["reason"]:
            raise ValueError(f"{entry}: expected {', '.join(sorted(_KEYS))}")
        entries.append(Invisible(**entry | {"becomes": tuple(entry["becomes"])}))
    return entries


def stale(entries: Iterable[Invisible], mutations: list[Mutation]) -> list[Invisible]:
    """Return the entries that describe none of @mutations."""
    return [entry for entry in entries if not any(map(entry.has, mutations))]


def table(entries: Iterable[Invisible]) -> str:
    """Return the entries as a table of Markdown."""
    rows = []
    for entry in entries:
        file = entry.file.removeprefix("lib/arm64/").replace("…", "any file")
        becomes = " or ".join(map(_code, entry.becomes))
        rows.append(f"| `{file}`: {_code(entry.line)} becomes {becomes} | {entry.reason} |\n")
    return TABLE + "".join(rows)


def _pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("…"))


def _code(text: str) -> str:
    quote = "``" if "`" in text else "`"
    return f"{quote}{text.replace('|', chr(92) + '|')}{quote}" if text else "nothing"
