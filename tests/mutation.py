# SPDX-License-Identifier: GPL-2.0-or-later
"""Mechanical mutations: replacements in a source, each by an operator at one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Replacement of source[start:end] by `text`, which has as many lines."""

    operator: str
    start: int
    end: int
    text: str
    function: str
    """Function or macro that has it, "" for data."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """An edit of a file; its text decides all properties but the name, which has the line."""

    file: str
    source: str
    edit: Edit

    @property
    def name(self) -> str:
        """File, line, column and operator, which no two mutations of a tree share."""
        line = self.source.count("\n", 0, self.edit.start) + 1
        column = self.edit.start - self.source.rfind("\n", 0, self.edit.start)
        return f"{self.file}:{line}:{column}:{self.edit.operator}"

    @property
    def mutated(self) -> str:
        """The source with the mutation."""
        edit = self.edit
        return self.source[: edit.start] + edit.text + self.source[edit.end :]

    @property
    def lines(self) -> tuple[str, str]:
        """The lines that the edit changes, before and after it, with single spaces."""
        edit = self.edit
        begin = self.source.rfind("\n", 0, edit.start) + 1
        end = self.source.find("\n", edit.end)
        end = len(self.source) if end < 0 else end
        before = self.source[begin:end]
        after = self.source[begin : edit.start] + edit.text + self.source[edit.end : end]
        return one_line(before), one_line(after)

    @property
    def diff(self) -> str:
        """The changed lines as a diff, without context."""
        before, after = self.lines
        return f"-{before}\n+{after}"


def one_line(text: str) -> str:
    """@text in one line with single spaces, without the backslashes that continue lines."""
    return " ".join(text.replace("\\\n", "\n").split())


def with_lines(text: str, old: str) -> str:
    """@text with as many lines as @old, which it replaces; macros' lines stay continued."""
    missing = old.count("\n") - text.count("\n")
    return text + (" \\\n" if "\\\n" in old else "\n") * missing
