# SPDX-License-Identifier: GPL-2.0-or-later
r'''Syntax of unittests.cfg, the file in which kvm-unit-tests defines its tests.

    [NAME]              begins a test
    KEY = VALUE         the last one of a key counts
    KEY = """VALUE      up to a line that ends with """; a line that ends with \ joins the next
    # comment

Values are not evaluated here: `shell` does that. A malformed line costs at most the test that it
belongs to.
'''

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kut_runner.errors import ConfigError

#: Largest file in bytes, longest value, and highest number of tests; upstream has 20 kB, 9000, 90.
_LARGEST: Final = 4 << 20
_LONGEST: Final = 32_768
_MOST_TESTS: Final = 20_000
#: Most warnings about ignored lines; further ones are counted.
_MOST_WARNINGS: Final = 10
#: Most characters of a line in a message.
_QUOTE: Final = 40

_HEADER: Final = re.compile(r"\[(.*)\]\s*(?:#.*)?")
_ENTRY: Final = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)")
_QUOTES: Final = '"""'
_JOINED: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\\n")

KEYS: Final = (
    *("file", "smp", "test_args", "qemu_params", "extra_params", "groups"),
    *("arch", "machine", "accel", "timeout", "check", "disabled_if"),
)
#: Options for programs other than QEMU, such as `kvmtool_params`.
_OTHER_PROGRAM: Final = re.compile(r"[a-z0-9]+_params")
_ALIASES: Final = {"extra_params": "qemu_params"}


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a key, not evaluated."""

    text: str
    line: int
    key: str
    """The key as the file spells it."""


@dataclass(slots=True)
class Section:
    """A test of the file."""

    name: str
    line: int
    values: dict[str, Value] = field(default_factory=dict)
    """Values by key; those of extra_params are under qemu_params."""
    problems: list[str] = field(default_factory=list)
    """Reasons why the test cannot run, as "LINE: problem"."""


@dataclass(frozen=True, slots=True)
class UnitTests:
    """Content of a unittests.cfg."""

    sections: tuple[Section, ...]
    warnings: tuple[str, ...]
    """Ignored lines, as "LINE: problem"."""


def read(path: Path, shown: str) -> UnitTests:
    """Read a file; `shown` is its name in messages.

    Raises ConfigError if it cannot be read, is larger than 4 MiB or has more than 20,000 tests.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError([f"{shown}: cannot be read: {error.strerror}"]) from None
    if len(data) > _LARGEST:
        raise ConfigError([f"{shown}: larger than {_LARGEST >> 20} MiB"])
    parser = _Parser(data.decode("utf-8-sig", errors="surrogateescape"))
    if parser.size > _MOST_TESTS:
        raise ConfigError([f"{shown}: {parser.size} tests; at most {_MOST_TESTS} are supported"])
    return parser.parse()


class _Parser:
    """Parser of a whole file."""

    def __init__(self, text: str) -> None:
        self._lines = [line.removesuffix("\r") for line in text.split("\n")]
        self._ends = [
            number for number, line in enumerate(self._lines) if line.rstrip().endswith(_QUOTES)
        ]
        self._headers = [
            number for number, line in enumerate(self._lines) if _HEADER.fullmatch(line.strip())
        ]
        self._sections: list[Section] = []
        self._warnings: list[str] = []
        self._ignored = 0

    @property
    def size(self) -> int:
        """Number of headers."""
        return len(self._headers)

    def parse(self) -> UnitTests:
        at = 0
        while at < len(self._lines):
            at = self._line(at)
        if left := self._ignored - len(self._warnings):
            self._warnings.append(f" {left} more lines are ignored")
        return UnitTests(tuple(self._sections), tuple(self._warnings))

    def _line(self, at: int) -> int:
        """Read the line with index `at` and return the index of the next one."""
        line = self._lines[at].strip()
        if not line or line.startswith("#"):
            return at + 1
        if match := _HEADER.fullmatch(line):
            self._sections.append(Section(match[1].strip(), at + 1))
        elif not (match := _ENTRY.fullmatch(line)):
            self._ignore(at, f'"{line[:_QUOTE]}" is neither [name] nor key = value')
        elif not self._sections:
            self._ignore(at, f"{match[1][:_QUOTE]}: before the first [name]")
        else:
            return self._entry(at, match[1], match[2])
        return at + 1

    def _entry(self, at: int, key: str, text: str) -> int:
        """Read the entry at `at`, which may have several lines; return the index after it."""
        problems = self._sections[-1].problems
        after = at + 1
        if text.startswith(_QUOTES):
            text, after = self._lines_of(at, text.removeprefix(_QUOTES))
        if after == at:
            problems.append(f'{at + 1}: {key[:_QUOTE]}: a closing """ is missing')
        elif key not in KEYS:
            if not _OTHER_PROGRAM.fullmatch(key):
                self._ignore(at, f"{key[:_QUOTE]}: unknown key")
        elif len(text) > _LONGEST:
            problems.append(f"{at + 1}: {key}: more than {_LONGEST} characters")
        else:
            self._sections[-1].values[_ALIASES.get(key, key)] = Value(text, at + 1, key)
        return max(after, at + 1)

    def _ignore(self, at: int, problem: str) -> None:
        self._ignored += 1
        if self._ignored <= _MOST_WARNINGS:
            self._warnings.append(f"{at + 1}: {problem}; ignored")

    def _lines_of(self, at: int, first: str) -> tuple[str, int]:
        """Return a value up to the closing quotes and the index of the next line.

        The index is `at` if the quotes are missing, or come after the next header.
        """
        if first.rstrip().endswith(_QUOTES):
            return first.rstrip().removesuffix(_QUOTES), at + 1
        last = _next(self._ends, at)
        if last is None or (_next(self._headers, at) or last) < last:
            return "", at
        end = self._lines[last].rstrip().removesuffix(_QUOTES)
        text = "\n".join((first, *self._lines[at + 1 : last], end))
        return _JOINED.sub(r"\1", text), last + 1


def _next(numbers: list[int], at: int) -> int | None:
    """Return the first of the sorted `numbers` above `at`, None without one."""
    found = bisect_left(numbers, at + 1)
    return numbers[found] if found < len(numbers) else None
