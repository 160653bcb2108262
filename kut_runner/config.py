# SPDX-License-Identifier: GPL-2.0-or-later
"""Test definitions: TOML files in, frozen `TestDef`s or one error with every problem out.

A file has an optional table `[defaults]`, which holds for the tests of that file, and one
table `[test.NAME]` per test. Each key is one `_Field` below: its check, and the words that
tell a user what was expected.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kut_runner.errors import ConfigError, UsageError

#: A test of this group runs only when it is asked for by name.
NODEFAULT: Final = "nodefault"

#: The longest time-out, in seconds.
DAY: Final = 24 * 60 * 60
_WIDEST_VALUE: Final = 60

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_NEED: Final = re.compile(r"qemu>=[0-9]{1,4}(\.[0-9]{1,4}){0,2}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class TestDef:
    """One test: an image, its arguments, and the machine that runs it."""

    __test__ = False  # not a class for pytest to collect

    name: str
    image: str
    """Source name under arm/ without the suffix."""
    args: str
    """The guest's command line, given through -append."""
    smp: int
    """Number of CPUs, 1 to 512."""
    memory: int
    """Size of the guest's memory in MiB, 16 to 1048576."""
    cpu: str
    """Model and features, as QEMU's -cpu takes them."""
    machine: tuple[tuple[str, str], ...]
    """Properties of QEMU's `virt` machine, in the order of the file."""
    groups: tuple[str, ...]
    timeout: float
    """Seconds of wall time, above 0 and up to a day."""
    needs: tuple[str, ...]
    """What the machine must offer ("qemu>=8.0"); where it does not, the test is a SKIP."""
    qemu_args: tuple[str, ...]
    """Options for QEMU beyond those that kut gives."""
    origin: str = ""
    """The file that defines the test, for messages."""


@dataclass(frozen=True, slots=True)
class Config:
    """All test definitions, in the order of the files and of the tables in each."""

    tests: tuple[TestDef, ...]


class _Bad(Exception):  # noqa: N818 - never leaves this module
    """A value that its field does not take."""


def _text(value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise _Bad
    return value


def _word(value: object) -> str:
    if not (text := _text(value)):
        raise _Bad
    return text


def _name(value: object) -> str:
    if not _NAME.fullmatch(text := _text(value)):
        raise _Bad
    return text


def _need(value: object) -> str:
    if not _NEED.fullmatch(text := _text(value)):
        raise _Bad
    return text


def _integer(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _Bad
        return value

    return check


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= DAY:
        raise _Bad
    return float(value)


def _tuple_of(check: Callable[[object], str]) -> Callable[[object], tuple[str, ...]]:
    def check_all(value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise _Bad
        return tuple(check(item) for item in value)

    return check_all


def _property(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return str(value)
    if "," in (text := _word(value)):
        raise _Bad
    return text


def _properties(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise _Bad
    return tuple((_name(key), _property(item)) for key, item in value.items())


@dataclass(frozen=True, slots=True)
class _Field:
    check: Callable[[object], Any]
    expected: str
    default: Any


_TABLES: Final = ("defaults", "test")
_TABLES_SHOWN: Final = "[defaults] and [test.NAME]"

#: Keys of a test and of [defaults]; `image` without a value is the test's own name.
_FIELDS: Final[Mapping[str, _Field]] = {
    "image": _Field(_name, 'the name of a source under arm/, as in "stage2"', None),
    "args": _Field(_text, "a string without control characters", ""),
    "smp": _Field(_integer(1, 512), "a number of CPUs, 1 to 512", 1),
    "memory": _Field(_integer(16, 1 << 20), "a number of MiB, 16 to 1048576", 128),
    "cpu": _Field(_word, 'a CPU model, as in "max" or "max,sve=off"', "max"),
    "machine": _Field(
        _properties,
        'a table of properties, as in { virtualization = "on" }',
        {"virtualization": "on"},
    ),
    "groups": _Field(_tuple_of(_name), 'a list of names, as in ["stage2"]', []),
    "timeout": _Field(_seconds, "a number of seconds, above 0 and up to 86400", 30.0),
    "needs": _Field(_tuple_of(_need), 'a list such as ["qemu>=8.0"]', []),
    "qemu_args": _Field(_tuple_of(_word), 'a list of options, as in ["-icount", "0"]', []),
}


def find_root(start: Path) -> Path:
    """Return the nearest directory from `start` upwards that is a kut tree.

    Raises UsageError when there is none.
    """
    for directory in (start, *start.parents):
        if is_root(directory):
            return directory
    raise UsageError(
        f"{start} is not inside a kut tree (a directory with configs/ and lib/)",
        "change to the tree, or name it with --root DIR",
    )


def is_root(directory: Path) -> bool:
    """Tell whether `directory` is the top of a kut tree."""
    return (directory / "configs").is_dir() and (directory / "lib").is_dir()


def load(directory: Path, sources: Path | None = None) -> Config:
    """Read every *.toml of `directory`, in the order of their names.

    `sources` is where the sources of images are; without it they are not looked for. Raises
    ConfigError with all problems of all files, each with file, key and fix.
    """
    problems: list[str] = []
    tests: dict[str, TestDef] = {}
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        problems.append(f"{directory}: no test definitions (*.toml) here; add a file tests.toml")
    for path in paths:
        shown = f"{directory.name}/{path.name}"
        for test in _Reader(shown, problems, sources).read(path):
            if first := tests.get(test.name):
                problems.append(
                    f"{shown}: test.{test.name}: also defined in {first.origin}; rename one of them"
                )
            tests.setdefault(test.name, test)
    if problems:
        raise ConfigError(problems)
    return Config(tuple(tests.values()))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file; what is wrong with it goes to `problems`."""

    shown: str
    """The file's name for messages."""
    problems: list[str]
    sources: Path | None

    def read(self, path: Path) -> list[TestDef]:
        """Return the tests that are in order."""
        document = _parse(path, self.shown, self.problems)
        for key in document:
            if key not in {"defaults", "test"}:
                self._complain(
                    _quote(key), "unknown table; a file holds [defaults] and [test.NAME]"
                )
        defaults = self._fields(document.get("defaults", {}), "defaults")
        tables = document.get("test", {})
        if not isinstance(tables, dict):
            self._complain("test", "expected tables [test.NAME]")
            return []
        found = [self._test(name, table, defaults) for name, table in tables.items()]
        return [test for test in found if test]

    def _complain(self, key: str, what: str) -> None:
        self.problems.append(f"{self.shown}: {key}: {what}")

    def _test(self, name: str, table: object, defaults: Mapping[str, Any]) -> TestDef | None:
        where = f"test.{_quote(name)}"
        if not _NAME.fullmatch(name):
            self._complain(where, "bad name; use letters, digits and _ . + -, at most 100")
            return None
        before = len(self.problems)
        values = {**defaults, **self._fields(table, where)}
        if "image" not in values:
            self._look_for_source(name, where)
        if len(self.problems) > before:
            return None
        complete = {
            key: values[key] if key in values else field.check(field.default)
            for key, field in _FIELDS.items()
            if key != "image"
        }
        image = values.get("image", name)
        return TestDef(name=name, image=image, origin=self.shown, **complete)

    def _fields(self, table: object, where: str) -> dict[str, Any]:
        """Return the table's values, None for each that is bad."""
        if not isinstance(table, dict):
            self._complain(where, "expected a table of keys")
            return {}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if not (field := _FIELDS.get(key)):
                self._complain(f"{where}.{_quote(key)}", f"unknown key; {_nearest_key(key)}")
                continue
            values[key] = None
            try:
                values[key] = field.check(value)
            except _Bad:
                words = f"{_show(value)} is not valid; give {field.expected}"
                self._complain(f"{where}.{key}", words)
        if values.get("image"):
            self._look_for_source(values["image"], where)
        return values

    def _look_for_source(self, image: str, where: str) -> None:
        if self.sources and not (self.sources / f"{image}.c").is_file():
            missing = f"there is no {self.sources.name}/{image}.c; add it or correct the name"
            self._complain(f"{where}.image", missing)


def _parse(path: Path, shown: str, problems: list[str]) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        problems.append(f"{shown}: cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        problems.append(f"{shown}: not UTF-8 at byte {error.start}; save the file as UTF-8")
    except (ValueError, RecursionError) as error:
        problems.append(f"{shown}: not TOML: {error}")
    return {}


def _nearest_key(key: str) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(key, _FIELDS, n=1):
        return f'did you mean "{near[0]}"?'
    return f"the keys are {', '.join(_FIELDS)}"


def _quote(name: str) -> str:
    """Return a key as TOML would write it, on one line."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _show(name)


def _show(value: object) -> str:
    """Return a value on one line, cut when it is long."""
    text = repr(value)
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 3]}..."
