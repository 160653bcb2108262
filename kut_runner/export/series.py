# SPDX-License-Identifier: GPL-2.0-or-later
"""The export as a series of changes: the library by subject, then a change for each test."""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.export import build_files, parts
from kut_runner.export.framework import BRIDGE_HEADER, Sources

_MAKEFILE: Final = "arm/Makefile.arm64"
_OFFSETS: Final = "lib/arm64/asm-offsets.c"
_UNITTESTS: Final = "arm/unittests.cfg"
#: Files of kvm-unit-tests that get lines; all others are new.
EDITED: Final = frozenset({_MAKEFILE, _OFFSETS, _UNITTESTS})
#: Behind the licence
_FIRST_COMMENT: Final = re.compile(r"\A//[^\n]*\n/\*(.*?)\*/", re.DOTALL)
_COMMENT_START: Final = re.compile(r"^ \*(?: |$)", re.MULTILINE)
_MESSAGE_COLUMNS: Final = 72


@dataclass(frozen=True, slots=True)
class Change:
    """A step of the series: the subject and reason of its commit, and new texts by path."""

    subject: str
    reason: str
    files: Mapping[str, str]


def changes(sources: Sources, checkout: Path, tests: Sequence[tuple[str, int]]) -> list[Change]:
    """Return what adds the framework and tests, each of which has its number of CPUs."""
    library = sources.library()
    added = {name: sources.test(name) for name, _ in tests}
    texts = [*library.values(), *(text for files in added.values() for text in files.values())]
    library[BRIDGE_HEADER] = sources.bridge_header(texts)
    edits = _Edits(checkout, sources.offsets)
    series = [
        Change(part.subject, part.reason, files | edits.for_library(files))
        for part, files in parts.split(library)
    ]
    seen: set[str] = set()
    for name, cpus in tests:
        files = {path: text for path, text in added[name].items() if path not in seen}
        seen |= files.keys()
        new = files | edits.for_test(name, cpus, files)
        series.append(Change(f"arm64: Add test {name}", _reason(files[f"arm/{name}.c"]), new))
    return series


def _reason(source: str) -> str:
    """Return the comment at the start of a test."""
    match = _FIRST_COMMENT.match(source)
    text = _COMMENT_START.sub("", match[1]).strip() if match else ""
    return "\n\n".join(
        textwrap.fill(paragraph, _MESSAGE_COLUMNS) for paragraph in text.split("\n\n")
    )


class _Edits:
    """Files of the checkout that get lines, as of the last change."""

    def __init__(self, checkout: Path, offsets: str) -> None:
        self._checkout, self._offsets = checkout, offsets
        self._texts: dict[str, str] = {}

    def for_library(self, files: Mapping[str, str]) -> dict[str, str]:
        """Return the new texts that build new files of the library."""
        objects, assembly = _objects(files)
        edited = self._edit(
            _MAKEFILE, lambda old: build_files.library_objects(old, objects, assembly)
        )
        if parts.OFFSETS in files:
            edited |= self._edit(_OFFSETS, lambda old: build_files.asm_offsets(old, self._offsets))
        return edited

    def for_test(self, name: str, cpus: int, files: Mapping[str, str]) -> dict[str, str]:
        """Return the new texts that build and run a test, which has the files."""
        objects, assembly = _objects(files)
        beside = [each for each in objects if each != f"arm/{name}"]
        return self._edit(
            _MAKEFILE, lambda old: build_files.test_objects(old, name, beside, assembly)
        ) | self._edit(_UNITTESTS, lambda old: build_files.unittests(old, name, cpus))

    def _edit(self, path: str, change: Callable[[str], str]) -> dict[str, str]:
        old = self._texts.get(path) or self._old(path)
        try:
            self._texts[path] = change(old)
        except build_files.Missing as missing:
            raise UsageError(
                f"{self._checkout / path} has no line {missing.args[0]!r}",
                "the export knows kvm-unit-tests of 2026: commit 1da1819e",
            ) from None
        return {path: self._texts[path]}

    def _old(self, path: str) -> str:
        try:
            return (self._checkout / path).read_text()
        except (OSError, UnicodeDecodeError):
            raise UsageError(
                f"{self._checkout / path} cannot be read", "name a checkout of kvm-unit-tests"
            ) from None


def _objects(files: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return paths without suffix: of all sources, and of those in assembly."""
    sources = [Path(path) for path in files if path.endswith((".c", ".S"))]
    return (
        [str(path.with_suffix("")) for path in sources],
        [str(path.with_suffix("")) for path in sources if path.suffix == ".S"],
    )
