# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions of tests, variants and targets, read from TOML files.

A file has an optional table `[defaults]`, which applies to the tests of that file, a table
`[test.NAME]` for each test, `[variant.NAME]` for each variant of the build and `[target.NAME]` for
each target. `fields` describes the keys of each table.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from kut_runner.definitions.fields import (
    ATTRIBUTES,
    NAME,
    TARGET_FIELDS,
    TEST_FIELDS,
    VARIANT_FIELDS,
    BadValueError,
    Field,
    placeholders,
)
from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ConfigError, UsageError

#: Targets without a definition.
BUILT_IN: Final = ("tcg", "kvm")
#: Target of the lab with its default kernel; see `targets.lab`.
LAB_TARGET: Final = "lab"
#: Name of the target that runs the lab's VMM on the host.
KVM_NESTED: Final = "kvm-nested"

#: Group of tests that run only if a pattern or a group selects them.
NODEFAULT: Final = "nodefault"

#: File at the top of a source tree that uses kut's library; see `source_trees`.
MARK: Final = "kut.toml"
#: File in configs/ with errata, which has no definitions; see `errata`.
ERRATA: Final = "errata.toml"
#: File in configs/ with the packages of the lab, which has no definitions; see `lab.pins`.
LAB: Final = "lab.toml"
#: Description of a source tree, for messages.
TREE_DESCRIPTION: Final = f"a directory with configs/, and lib/ or {MARK}"

#: Most characters of a value in a message.
_WIDEST_VALUE: Final = 60


@dataclass(frozen=True, slots=True)
class TestDef:
    """A test: an image, its arguments, and the machine that runs it."""

    __test__ = False  # not a class for pytest to collect

    name: str
    image: str
    """Name of a source file in arm/, without the suffix."""
    args: str
    """Command line of the image (-append)."""
    smp: int
    """Number of CPUs, 1 to 512."""
    memory: int
    """Memory of the machine in MiB, 16 to 1048576."""
    cpu: str
    """Model and features, as QEMU's -cpu takes them."""
    machine: tuple[tuple[str, str], ...]
    """Properties of QEMU's `virt` machine, in the order of the file."""
    groups: tuple[str, ...]
    timeout: float
    """Seconds of wall time, above 0 and up to a day."""
    needs: tuple[QemuVersion, ...]
    """Requirements of the target ("qemu>=8.0"); the test is a SKIP on targets without them."""
    qemu_args: tuple[str, ...]
    """Additional options of QEMU."""
    origin: str = ""
    """File that defines the test, for messages."""
    skip: str = ""
    """Reason why the test cannot run here; set only for tests of kvm-unit-tests."""
    topology: str = ""
    """Further properties of QEMU's -smp, as in "threads=2"; only for tests of kvm-unit-tests."""
    accelerator: Accelerator | None = None
    """Accelerator of QEMU that the test requires; None for any."""
    threads: str = "multi"
    """Threads of QEMU for the CPUs with target tcg: "multi", one for each, or "single"."""
    no_checks: NoChecks = NoChecks.FAIL
    """Verdict if the image ends well without a SUMMARY line, or without a check."""
    problem: str = ""
    """Reason why the test cannot be run at all, which makes it an error; "" for none."""
    migration: bool = False
    """Whether the test asks for migrations (`migrate.h`)."""
    panic: bool = False
    """Whether the test is to panic, as QEMU reports with the event GUEST_PANICKED."""
    latency: bool = False
    """Whether the test checks latencies, so that it must not wait for a CPU of the host; only for
    tests of kvm-unit-tests."""


@dataclass(frozen=True, slots=True)
class VariantDef:
    """A variant of the build: flags after those of kut, so that they take precedence."""

    name: str
    about: str
    """Description of its purpose."""
    compile: tuple[str, ...]
    """Flags for any compiler."""
    compile_gcc: tuple[str, ...]
    compile_clang: tuple[str, ...]
    link: tuple[str, ...]
    origin: str = ""
    """File that defines the variant, for messages."""


@dataclass(frozen=True, slots=True)
class TargetDef:
    """A target of a command: a program of the user that boots images."""

    name: str
    command: tuple[str, ...]
    """Argument vector with placeholders; see `PLACEHOLDERS`."""
    provides: tuple[str, ...]
    """Features of its machine, from `FEATURES`."""
    timeout_factor: float
    """Factor of all timeouts, above 0 and up to 1000."""
    version: tuple[str, ...]
    """Command that prints the version in its first line; empty for no version."""
    dtb: str
    """Device tree blob for `{dtb}`, relative to the source tree; empty for none."""
    origin: str = ""
    """File that defines the target, for messages."""


#: Options of QEMU whose value is a file, relative to the source tree.
_FILE_OPTIONS: Final = ("-initrd", "-dtb")
_TABLES: Final = ("defaults", "test", "variant", "target")
_TABLES_SHOWN: Final = "[defaults], [test.NAME], [variant.NAME] and [target.NAME]"

_Definition = TypeVar("_Definition", TestDef, VariantDef, TargetDef)


@dataclass(frozen=True, slots=True)
class Config:
    """All definitions, in the order of the files and of the tables in them."""

    tests: tuple[TestDef, ...]
    variants: tuple[VariantDef, ...] = ()
    targets: tuple[TargetDef, ...] = ()
    sources: Path | None = None
    """Directory of the images' sources; None if they are not known."""
    errata: Path | None = None
    """File with errata; None without one. See `errata`."""


def is_name(text: str) -> bool:
    """Return whether `text` is a valid name of a test."""
    return bool(NAME.fullmatch(text))


def find_root(start: Path) -> Path:
    """Return the top of the kut source tree that contains `start`.

    Raises UsageError if `start` is not inside one.
    """
    for directory in (start, *start.parents):
        if is_root(directory):
            return directory
    raise UsageError(
        f"{start} is not inside a kut source tree ({TREE_DESCRIPTION})",
        "change to a source tree, pass --root DIR, or create one: kut new --tree DIR",
    )


def is_lab(target: str) -> bool:
    """Return whether a target's name is that of a lab, as in "lab@6.18"."""
    return target.partition("@")[0] == LAB_TARGET


def is_root(directory: Path) -> bool:
    """Return whether `directory` is the top of a kut source tree."""
    has_library = (directory / "lib").is_dir() or (directory / MARK).is_file()
    return has_library and (directory / "configs").is_dir()


def load(directory: Path, sources: Path | None = None) -> Config:
    """Read all *.toml files in `directory` but those without definitions, sorted by name.

    `sources` is the directory of the images' sources; without it they are not checked. Raises
    ConfigError with all problems of all files, each with file, key and fix.
    """
    problems: list[str] = []
    tests: dict[str, TestDef] = {}
    variants: dict[str, VariantDef] = {}
    targets: dict[str, TargetDef] = {}
    paths = sorted(directory.glob("*.toml"))
    errata = next((path for path in paths if path.name == ERRATA), None)
    paths = [path for path in paths if path.name not in {ERRATA, LAB}]
    if not paths:
        problems.append(f"{directory}: no test definitions (*.toml); add a file tests.toml")
    for path in paths:
        reader = _Reader(f"{directory.name}/{path.name}", problems, sources)
        document = reader.parse(path)
        reader.add("test", reader.tests(document), tests)
        reader.add("variant", reader.variants(document), variants)
        reader.add("target", reader.targets(document), targets)
    if problems:
        raise ConfigError(problems)
    found = tuple(_with_paths(test, directory.parent) for test in tests.values())
    return Config(found, tuple(variants.values()), tuple(targets.values()), sources, errata)


def _with_paths(test: TestDef, tree: Path) -> TestDef:
    """Return the test with the files of its options below `tree`, unless they are absolute."""
    if not set(_FILE_OPTIONS).intersection(test.qemu_args):
        return test
    before = ("", *test.qemu_args)
    pairs = zip(before, test.qemu_args, strict=False)
    options = (str(tree / value) if name in _FILE_OPTIONS else value for name, value in pairs)
    return replace(test, qemu_args=tuple(options))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reader of one file; appends its problems to `problems`."""

    shown: str
    """Name of the file in messages."""
    problems: list[str]
    sources: Path | None

    def parse(self, path: Path) -> dict[str, Any]:
        """Return the tables of the file."""
        document = parse(path, self.shown, self.problems)
        for key in document:
            if key not in _TABLES:
                self._add_problem(_quote(key), f"unknown table; a file holds {_TABLES_SHOWN}")
        return document

    def tests(self, document: Mapping[str, Any]) -> Iterator[TestDef]:
        """Yield the valid tests."""
        defaults = self._fields(document.get("defaults", {}), "defaults", TEST_FIELDS)
        for name, table in self._tables(document, "test"):
            if test := self._test(name, table, defaults):
                yield test

    def variants(self, document: Mapping[str, Any]) -> Iterator[VariantDef]:
        """Yield the valid variants."""
        for name, table in self._tables(document, "variant"):
            if variant := self._variant(name, table):
                yield variant

    def targets(self, document: Mapping[str, Any]) -> Iterator[TargetDef]:
        """Yield the valid targets."""
        for name, table in self._tables(document, "target"):
            if target := self._target(name, table):
                yield target

    def add(self, kind: str, found: Iterable[_Definition], known: dict[str, _Definition]) -> None:
        """Add definitions to those of other files; a duplicate name is a problem."""
        for each in found:
            if first := known.get(each.name):
                taken = f"also defined in {first.origin}; rename one of them"
                self._add_problem(f"{kind}.{each.name}", taken)
            known.setdefault(each.name, each)

    def _tables(self, document: Mapping[str, Any], kind: str) -> Iterator[tuple[str, object]]:
        """Yield name and table of each [KIND.NAME] with a valid name."""
        tables = document.get(kind, {})
        if not isinstance(tables, dict):
            self._add_problem(kind, f"expected tables [{kind}.NAME]")
            return
        for name, table in tables.items():
            if NAME.fullmatch(name):
                yield name, table
            else:
                bad = "bad name; use letters, digits and _ . + -, at most 100"
                self._add_problem(f"{kind}.{_quote(name)}", bad)

    def _add_problem(self, key: str, problem: str) -> None:
        self.problems.append(f"{self.shown}: {key}: {problem}")

    def _test(self, name: str, table: object, defaults: Mapping[str, Any]) -> TestDef | None:
        where = f"test.{_quote(name)}"
        before = len(self.problems)
        values = {**defaults, **self._fields(table, where, TEST_FIELDS)}
        if "image" not in values:
            self._check_source(name, where)
        if values.get("migration") and values.get("panic"):
            self._add_problem(where, "migration and panic exclude each other; leave out one")
        if len(self.problems) > before:
            return None
        complete = _complete({"image": name, **values}, TEST_FIELDS)
        return TestDef(name=name, origin=self.shown, **complete)

    def _variant(self, name: str, table: object) -> VariantDef | None:
        where = f"variant.{_quote(name)}"
        before = len(self.problems)
        values = self._fields(table, where, VARIANT_FIELDS)
        if "about" not in values:
            self._add_problem(f"{where}.about", "missing; describe the purpose of the variant")
        if len(self.problems) > before:
            return None
        return VariantDef(name=name, origin=self.shown, **_complete(values, VARIANT_FIELDS))

    def _target(self, name: str, table: object) -> TargetDef | None:
        where = f"target.{_quote(name)}"
        before = len(self.problems)
        values = self._fields(table, where, TARGET_FIELDS)
        if name in {*BUILT_IN, LAB_TARGET, KVM_NESTED}:
            self._add_problem(where, "the name of a built-in target; choose another one")
        if "command" not in values:
            self._add_problem(f"{where}.command", "missing; give the program and its arguments")
        elif not values.get("dtb") and "dtb" in [
            name for word in values["command"] or () for name in placeholders(word)
        ]:
            self._add_problem(f"{where}.dtb", "missing, and command has {dtb}; give its path")
        if len(self.problems) > before:
            return None
        return TargetDef(name=name, origin=self.shown, **_complete(values, TARGET_FIELDS))

    def _fields(self, table: object, where: str, fields: Mapping[str, Field]) -> dict[str, Any]:
        """Return the values of a table, None for invalid ones."""
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
            except BadValueError as bad:
                problem = str(bad) or f"{_show(value)} is not valid; give {field.expected}"
                self._add_problem(f"{where}.{key}", problem)
        if values.get("image"):
            self._check_source(values["image"], where)
        return values

    def _check_source(self, image: str, where: str) -> None:
        if self.sources and not (self.sources / f"{image}.c").is_file():
            missing = f"{self.sources.name}/{image}.c does not exist; add it or correct the name"
            self._add_problem(f"{where}.image", missing)


def parse(path: Path, shown: str, problems: list[str]) -> dict[str, Any]:
    """Return the content of a TOML file; on an error append to `problems` and return {}."""
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


def _complete(values: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return a value for every field, by name of the attribute."""
    return {
        ATTRIBUTES.get(key, key).replace("-", "_"): values[key]
        if key in values
        else field.check(field.default)
        for key, field in fields.items()
    }


def _nearest_key(key: str, keys: Collection[str]) -> str:
    from difflib import get_close_matches

    if near := get_close_matches(key, keys, n=1):
        return f'did you mean "{near[0]}"?'
    return f"the keys are {', '.join(keys)}"


def _quote(name: str) -> str:
    """Return a key in TOML syntax, on one line."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _show(name)


def _show(value: object) -> str:
    """Return a value on one line, truncated if it is long."""
    text = repr(value)
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 3]}..."
