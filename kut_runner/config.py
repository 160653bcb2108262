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


def load(directory: Path) -> Config:
    """Read every *.toml of `directory`, in the order of their names.

    Raises ConfigError with all problems of all files, each with file, key and fix.
    """
    problems: list[str] = []
    tests: dict[str, TestDef] = {}
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        problems.append(f"{directory}: no test definitions (*.toml) here; add a file tests.toml")
    for path in paths:
        shown = f"{directory.name}/{path.name}"
        for test in _read_file(path, shown, problems):
            if first := tests.get(test.name):
                problems.append(
                    f"{shown}: test.{test.name}: also defined in {first.origin}; rename one of them"
                )
            tests.setdefault(test.name, test)
    if problems:
        raise ConfigError(problems)
    return Config(tuple(tests.values()))


def _read_file(path: Path, shown: str, problems: list[str]) -> list[TestDef]:
    document = _parse(path, shown, problems)
    problems.extend(
        f"{shown}: {_quote(key)}: unknown table; a file holds [defaults] and [test.NAME]"
        for key in document
        if key not in {"defaults", "test"}
    )
    defaults = _read_fields(document.get("defaults", {}), f"{shown}: defaults", problems)
    tables = document.get("test", {})
    if not isinstance(tables, dict):
        problems.append(f"{shown}: test: expected tables [test.NAME]")
        return []
    found = [_read_test(name, tables[name], shown, defaults, problems) for name in tables]
    return [test for test in found if test]


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


def _read_test(
    name: str, table: object, shown: str, defaults: Mapping[str, Any], problems: list[str]
) -> TestDef | None:
    where = f"{shown}: test.{_quote(name)}"
    if not _NAME.fullmatch(name):
        problems.append(f"{where}: bad name; use letters, digits and _ . + -, at most 100")
        return None
    before = len(problems)
    values = {**defaults, **_read_fields(table, where, problems)}
    if len(problems) > before:
        return None
    complete = {
        key: values[key] if key in values else field.check(field.default)
        for key, field in _FIELDS.items()
        if key != "image"
    }
    return TestDef(name=name, image=values.get("image", name), origin=shown, **complete)


def _read_fields(table: object, where: str, problems: list[str]) -> dict[str, Any]:
    """Return the table's good values; the bad ones go to `problems`."""
    if not isinstance(table, dict):
        problems.append(f"{where}: expected a table of keys")
        return {}
    values: dict[str, Any] = {}
    for key, value in table.items():
        if not (field := _FIELDS.get(key)):
            problems.append(f"{where}.{_quote(key)}: unknown key; {_nearest_key(key)}")
            continue
        try:
            values[key] = field.check(value)
        except _Bad:
            problems.append(f"{where}.{key}: {_show(value)} is not valid; give {field.expected}")
    return values


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
