# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions: TOML files in, frozen `TestDef`s and `VariantDef`s or one error with all problems.

A file has an optional table `[defaults]`, which holds for the tests of that file, one table
`[test.NAME]` per test and one table `[variant.NAME]` per variant of the build. Each key is one
`_Field` below: its check, and the words that tell a user what was expected.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from kut_runner.errors import ConfigError, UsageError

#: A test of this group runs only when it is asked for by name.
NODEFAULT: Final = "nodefault"

#: A file at the top of a tree that is built with the library that kut brings; see `trees`.
MARK: Final = "kut.toml"
#: In words.
A_TREE: Final = f"a directory with configs/, and lib/ or {MARK}"

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
    skip: str = ""
    """Why the test cannot run here; empty when it can. Only trees of others say so beforehand."""


@dataclass(frozen=True, slots=True)
class VariantDef:
    """A way to build: flags that follow those that kut gives, so that they win."""

    name: str
    about: str
    """What it is for, in words."""
    compile: tuple[str, ...]
    """Flags for any compiler."""
    compile_gcc: tuple[str, ...]
    compile_clang: tuple[str, ...]
    link: tuple[str, ...]
    origin: str = ""
    """The file that defines the variant, for messages."""


_Defined = TypeVar("_Defined", TestDef, VariantDef)


@dataclass(frozen=True, slots=True)
class Config:
    """All definitions, in the order of the files and of the tables in each."""

    tests: tuple[TestDef, ...]
    variants: tuple[VariantDef, ...] = ()


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


_TABLES: Final = ("defaults", "test", "variant")
_TABLES_SHOWN: Final = "[defaults], [test.NAME] and [variant.NAME]"

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

_FLAGS: Final = _Field(_tuple_of(_word), 'a list of flags, as in ["-O0"]', [])
_VARIANT_FIELDS: Final[Mapping[str, _Field]] = {
    "about": _Field(_word, "words that say what it is for", None),
    "compile": _FLAGS,
    "compile-gcc": _FLAGS,
    "compile-clang": _FLAGS,
    "link": _FLAGS,
}


def is_name(text: str) -> bool:
    """Return whether a test may be called `text`."""
    return bool(_NAME.fullmatch(text))


def find_root(start: Path) -> Path:
    """Return the nearest directory from `start` upwards that is a kut tree.

    Raises UsageError when there is none.
    """
    for directory in (start, *start.parents):
        if is_root(directory):
            return directory
    raise UsageError(
        f"{start} is not inside a kut tree ({A_TREE})",
        "change to the tree, name it with --root DIR, or start one: kut new --tree DIR",
    )


def is_root(directory: Path) -> bool:
    """Tell whether `directory` is the top of a kut tree."""
    has_library = (directory / "lib").is_dir() or (directory / MARK).is_file()
    return has_library and (directory / "configs").is_dir()


def load(directory: Path, sources: Path | None = None) -> Config:
    """Read every *.toml of `directory`, in the order of their names.

    `sources` is where the sources of images are; without it they are not looked for. Raises
    ConfigError with all problems of all files, each with file, key and fix.
    """
    problems: list[str] = []
    tests: dict[str, TestDef] = {}
    variants: dict[str, VariantDef] = {}
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        problems.append(f"{directory}: no test definitions (*.toml) here; add a file tests.toml")
    for path in paths:
        reader = _Reader(f"{directory.name}/{path.name}", problems, sources)
        document = reader.parse(path)
        reader.add("test", reader.tests(document), tests)
        reader.add("variant", reader.variants(document), variants)
    if problems:
        raise ConfigError(problems)
    return Config(tuple(tests.values()), tuple(variants.values()))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file; what is wrong with it goes to `problems`."""

    shown: str
    """The file's name for messages."""
    problems: list[str]
    sources: Path | None

    def parse(self, path: Path) -> dict[str, Any]:
        """Return the file's tables."""
        document = parse(path, self.shown, self.problems)
        for key in document:
            if key not in _TABLES:
                self._add_problem(_quote(key), f"unknown table; a file holds {_TABLES_SHOWN}")
        return document

    def tests(self, document: Mapping[str, Any]) -> Iterator[TestDef]:
        """Yield the tests that are in order."""
        defaults = self._fields(document.get("defaults", {}), "defaults", _FIELDS)
        for name, table in self._tables(document, "test"):
            if test := self._test(name, table, defaults):
                yield test

    def variants(self, document: Mapping[str, Any]) -> Iterator[VariantDef]:
        """Yield the variants that are in order."""
        for name, table in self._tables(document, "variant"):
            if variant := self._variant(name, table):
                yield variant

    def add(self, kind: str, found: Iterable[_Defined], known: dict[str, _Defined]) -> None:
        """Add definitions to those of other files; a name that is taken is a problem."""
        for each in found:
            if first := known.get(each.name):
                taken = f"also defined in {first.origin}; rename one of them"
                self._add_problem(f"{kind}.{each.name}", taken)
            known.setdefault(each.name, each)

    def _tables(self, document: Mapping[str, Any], kind: str) -> Iterator[tuple[str, object]]:
        """Yield the tables [KIND.NAME] whose names are in order."""
        tables = document.get(kind, {})
        if not isinstance(tables, dict):
            self._add_problem(kind, f"expected tables [{kind}.NAME]")
            return
        for name, table in tables.items():
            if _NAME.fullmatch(name):
                yield name, table
            else:
                bad = "bad name; use letters, digits and _ . + -, at most 100"
                self._add_problem(f"{kind}.{_quote(name)}", bad)

    def _add_problem(self, key: str, what: str) -> None:
        self.problems.append(f"{self.shown}: {key}: {what}")

    def _test(self, name: str, table: object, defaults: Mapping[str, Any]) -> TestDef | None:
        where = f"test.{_quote(name)}"
        before = len(self.problems)
        values = {**defaults, **self._fields(table, where, _FIELDS)}
        if "image" not in values:
            self._look_for_source(name, where)
        if len(self.problems) > before:
            return None
        complete = _complete({"image": name, **values}, _FIELDS)
        return TestDef(name=name, origin=self.shown, **complete)

    def _variant(self, name: str, table: object) -> VariantDef | None:
        where = f"variant.{_quote(name)}"
        before = len(self.problems)
        values = self._fields(table, where, _VARIANT_FIELDS)
        if "about" not in values:
            self._add_problem(f"{where}.about", "missing; say what it is for")
        if len(self.problems) > before:
            return None
        return VariantDef(name=name, origin=self.shown, **_complete(values, _VARIANT_FIELDS))

    def _fields(self, table: object, where: str, fields: Mapping[str, _Field]) -> dict[str, Any]:
        """Return the table's values, None for each that is bad."""
        if not isinstance(table, dict):
            self._add_problem(where, "expected a table of keys")
            return {}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if not (field := fields.get(key)):
                unknown = f"unknown key; {_nearest_key(key, fields)}"
                self._add_problem(f"{where}.{_quote(key)}", unknown)
                continue
            values[key] = None
            try:
                values[key] = field.check(value)
            except _Bad:
                words = f"{_show(value)} is not valid; give {field.expected}"
                self._add_problem(f"{where}.{key}", words)
        if values.get("image"):
            self._look_for_source(values["image"], where)
        return values

    def _look_for_source(self, image: str, where: str) -> None:
        if self.sources and not (self.sources / f"{image}.c").is_file():
            missing = f"there is no {self.sources.name}/{image}.c; add it or correct the name"
            self._add_problem(f"{where}.image", missing)


def parse(path: Path, shown: str, problems: list[str]) -> dict[str, Any]:
    """Return what a TOML file holds, nothing when it cannot be read: that goes to `problems`."""
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


def _complete(values: Mapping[str, Any], fields: Mapping[str, _Field]) -> dict[str, Any]:
    """Return a value for every field, by the name of the attribute."""
    return {
        key.replace("-", "_"): values[key] if key in values else field.check(field.default)
        for key, field in fields.items()
    }


def _nearest_key(key: str, keys: Collection[str]) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(key, keys, n=1):
        return f'did you mean "{near[0]}"?'
    return f"the keys are {', '.join(keys)}"


def _quote(name: str) -> str:
    """Return a key as TOML would write it, on one line."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _show(name)


def _show(value: object) -> str:
    """Return a value on one line, cut when it is long."""
    text = repr(value)
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 3]}..."
