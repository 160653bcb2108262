# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports of tests in the documents, compared with real ones.

A report is a line `STATUS NAME SECONDS ...` in a block of a document, with the indented lines below
it. `...` among these stands for any lines. Times, paths of logs and values of registers may differ.

`python tests/transcripts.py` writes the current text of lines that differ into the documents.
"""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import realtree

from kut_runner.definitions import config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

#: The QEMU whose reports the documents have.
QEMU = "7.2"
#: Tests of group nodefault whose reports are compared, as others may take long; and statuses of
#: those of the default tests, as others are those of changed sources.
MISBEHAVING = "misbehave-"
_GOOD = ("PASS", "SKIP")
#: It has reports of tests of kvm-unit-tests.
_OTHER_TESTS = "kvm-unit-tests.md"
ELISION = "..."
_HEADER = re.compile(r"([A-Z]+) +([\w-]+)(?:/qemu-([\d.]+))? +\d")
_INDENTED = re.compile(r" {6}|\.\.\.$")
#: Values that differ between compilers, and what an option adds.
_IGNORED = re.compile(r" +(?:x\d+=|trace:)")
_SUMMARY = re.compile(r"^(\d+) tests? in [\d.]+ s: (\d+ .*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Report:
    """A report in a document."""

    document: Path
    line: int
    """Number of its first line, from 0."""
    test: str
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        """The place of the report, for messages."""
        return f"{self.document.relative_to(realtree.ROOT)}:{self.line + 1}"

    def differences(self, current: Sequence[str]) -> list[str]:
        """Return the lines that the @current report does not have at their place, or lacks."""
        wanted = [line for line in self.lines if not _IGNORED.match(line)]
        rest = [line for line in current if not _IGNORED.match(line)]
        different, elided = [], False
        for line in wanted:
            if line.strip() == ELISION:
                elided = True
                continue
            at = next((n for n, other in enumerate(rest) if _same(line, other)), None)
            if at is None or (at and not elided):
                different.append(line)
                continue
            rest, elided = rest[at + 1 :], False
        return different + ([] if elided or different else rest)


def documents() -> list[Path]:
    """Return the documents that may have reports."""
    return [realtree.ROOT / "README.md", *sorted((realtree.ROOT / "docs").rglob("*.md"))]


def reports() -> Iterator[Report]:
    """Yield the reports of defined tests, on the QEMU of the documents."""
    tests = config.load(realtree.ROOT / "configs").tests
    default = {test.name for test in tests if config.NODEFAULT not in test.groups}
    misbehaving = {test.name for test in tests if test.name.startswith(MISBEHAVING)}
    for document in documents():
        lines = document.read_text().splitlines()
        for number, line in enumerate(lines):
            found = _HEADER.match(line)
            if not found or document.name == _OTHER_TESTS:
                continue
            status, test, qemu = found.groups(default="")
            known = misbehaving if status not in _GOOD else default | misbehaving
            if test in known and (not qemu or qemu.startswith(QEMU)):
                block = itertools.takewhile(_INDENTED.match, lines[number + 1 :])
                yield Report(document, number, test, (line, *block))


def run(names: Iterable[str]) -> dict[str, list[str]]:
    """Run tests; return the report of each."""
    done = realtree.kut(realtree.ROOT, "run", "--compiler", "gcc", *sorted(set(names)))
    found: dict[str, list[str]] = {}
    block: list[str] = []
    for line in done.stdout.splitlines():
        if header := _HEADER.match(line):
            found[header[2]] = block = [line]
        elif _INDENTED.match(line):
            block.append(line)
    return found


def summaries(text: str) -> list[tuple[int, dict[str, int]]]:
    """Return the number of tests, and of tests by status, in each summary of a run."""
    found = []
    for total, counts in _SUMMARY.findall(text):
        pairs = re.findall(r"(\d+) (\w+)", counts)
        found.append((int(total), {status: int(number) for number, status in pairs}))
    return found


def _same(line: str, other: str) -> bool:
    return _normal(line) == _normal(other)


def _normal(line: str, *, places: bool = True) -> str:
    """Return @line without what differs between runs, and the lines of @places."""
    line = re.sub(r"/qemu-[\d.]+", "", line)
    line = re.sub(r" *\b\d+\.\d+ s\b", " T s", line)
    line = re.sub(r"log: .*", "log:", line)
    return line if places else re.sub(r"[:#]\d+|\b\d+\b", "", line)


def _updated(report: Report, current: Sequence[str]) -> list[str]:
    """Return the lines of the report, with those of @current where only numbers differ."""
    lines = []
    for line in report.lines:
        wanted = _normal(line, places=False)
        alike = [each for each in current if _normal(each, places=False) == wanted]
        same = any(_same(line, each) for each in current)
        lines.append(_with_text_of(alike[0], line) if alike and not same else line)
    return lines


def _with_text_of(current: str, line: str) -> str:
    """Return @current, with test and seconds of @line if both have them."""
    fields = re.compile(r"\S.*? \d+\.\d+ s  ")
    old, new = fields.match(line), fields.match(current)
    return old[0] + current[new.end() :] if old and new else current


def main() -> int:
    """Update the documents; return 1 if a report still differs."""
    found = list(reports())
    current = run(report.test for report in found)
    for report in found:
        lines = report.document.read_text().splitlines()
        end = report.line + len(report.lines)
        lines[report.line : end] = _updated(report, current[report.test])
        report.document.write_text("\n".join(lines) + "\n")
    left = [report for report in reports() if report.differences(current[report.test])]
    for report in left:
        print(f"{report.place}: change by hand: {report.differences(current[report.test])}")
    print(f"{len(found)} reports compared, {len(left)} differ", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
