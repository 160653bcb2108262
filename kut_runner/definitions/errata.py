# SPDX-License-Identifier: GPL-2.0-or-later
"""Errata: deviations of programs from the architecture, in `configs/errata.toml`.

A table `[erratum.NAME]` names rows of the conformance suite that fail because of it, or has its
effect on the tests. `docs/errata.md` has a table of all of them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from kut_runner.definitions import config
from kut_runner.errors import ConfigError

#: Program of target `tcg`: an emulator, of which the version decides.
QEMU: Final = "qemu"
#: KVM of a Linux kernel: program of the targets whose version is that of a kernel.
LINUX: Final = "linux"
_TITLES: Final = {QEMU: "QEMU", LINUX: "Linux KVM"}

#: Version of a target that tests a kernel, perhaps on an emulator.
_KERNEL: Final = re.compile(r"Linux ([^ ,]+)(?:, QEMU (\S+))?")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_BOUND: Final = re.compile(r"(<=|>=|<|>|==) ?([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_COMPARE: Final[Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = {
    "<": lambda version, bound: version < bound,
    "<=": lambda version, bound: version[: len(bound)] <= bound,
    ">": lambda version, bound: version[: len(bound)] > bound,
    ">=": lambda version, bound: version >= bound,
    "==": lambda version, bound: version[: len(bound)] == bound,
}
_TEXTS: Final = (
    *("program", "versions", "reason", "rule", "source", "patch", "verdict", "effect", "link"),
    *("command", "expected", "found", "log"),
)
_OF_COMMAND: Final = ("rule", "expected", "found")
_LISTS: Final = ("rows", "cases", "cpus")
_FLAGS: Final = ("skip",)
_NOT: Final = "!"
_VERSIONS_EXPECTED: Final = 'give bounds, as in ">=7.2, <11.1"'


@dataclass(frozen=True, slots=True)
class Erratum:
    """A deviation of a program from the architecture."""

    name: str
    reason: str
    """What the program does instead, and where in its source."""
    program: str = QEMU
    """"qemu", "linux" for its KVM, or the name of another target."""
    versions: str = ""
    """Versions that have it, as in ">=7.2, <11.1"; empty for all."""
    cpus: tuple[str, ...] = ()
    """Globs over CPU models; empty for all."""
    rows: tuple[str, ...] = ()
    """Globs over ids of rows that fail; those after "!" are excluded."""
    cases: tuple[str, ...] = ()
    """Conditions over random cases that may fail; see docs/errata.md."""
    rule: str = ""
    """What the architecture says, with the section of DDI 0487."""
    source: str = ""
    """Function and file of the program that deviates."""
    patch: str = ""
    """Idea for a patch; empty without one."""
    verdict: str = ""
    """Who is wrong, and how much it matters; empty: the program."""
    skip: bool = False
    """Whether the rows do not run: the machine dies at them on some runs only."""
    effect: str = ""
    """Effect on the tests, or the workaround."""
    link: str = ""
    """Report or commit; empty if none is known."""
    command: str = ""
    """What reproduces it, for one that a test shows and no row."""
    expected: str = ""
    found: str = ""
    """With `command`: what it checks, and what it finds instead."""
    log: str = ""
    """Part of a message in the kernel's log, which is then known as well."""

    @property
    def globs(self) -> tuple[str, ...]:
        """Globs over ids of rows that fail, without those that exclude rows."""
        return tuple(glob for glob in self.rows if not glob.startswith(_NOT))

    @property
    def excluded(self) -> tuple[str, ...]:
        """Globs over ids of rows that do not fail, although `globs` match."""
        return tuple(glob.removeprefix(_NOT) for glob in self.rows if glob.startswith(_NOT))

    def applies(self, program: str, version: str, cpu: str) -> bool:
        """Return whether the program has it; `cpu` is a value of QEMU's -cpu."""
        model = cpu.partition(",")[0]
        numbers = tuple(map(int, _NUMBER.findall(version)[:3]))
        return (
            program == self.program
            and all(_COMPARE[sign](numbers, bound) for sign, bound in _bounds(self.versions))
            and (not self.cpus or any(fnmatchcase(model, glob) for glob in self.cpus))
        )


def programs(target: str, version: str) -> tuple[tuple[str, str], ...]:
    """Return the programs whose errata a target has, with their versions; that under test first.

    `version` is that of the target; a lab names a kernel and the emulator below it.
    """
    if match := _KERNEL.fullmatch(version):
        below = ((QEMU, match[2]),) if match[2] else ()
        return (LINUX, match[1]), *below
    return ((target, version),)


def title(program: str) -> str:
    """Return the name of a program in texts."""
    return _TITLES.get(program, program)


@cache
def load(path: Path) -> tuple[Erratum, ...]:
    """Return the errata of a file in their order; raises ConfigError with all its problems."""
    problems: list[str] = []
    shown = f"{path.parent.name}/{path.name}"
    document = config.parse(path, shown, problems)
    tables = document.pop("erratum", {})
    problems += [f"{shown}: {key}: unknown table; a file has [erratum.NAME]" for key in document]
    found = []
    for name, table in tables.items() if isinstance(tables, dict) else ():
        wrong = [f"{shown}: erratum.{name}{each}" for each in _problems(name, table)]
        problems += wrong
        if not wrong:
            values: dict[str, Any] = {
                key: tuple(value) if key in _LISTS else value for key, value in table.items()
            }
            found.append(Erratum(name, **values))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def markdown(errata: tuple[Erratum, ...]) -> str:
    """Return the errata as a table for docs/errata.md."""
    lines = ["| program | deviation | architecture | effect |", "|---|---|---|---|"]
    lines += [
        f"| {where(each)} | {_text(each)} | {each.rule} | {_effect(each)} |" for each in errata
    ]
    return "".join(f"{line}\n" for line in lines)


def where(erratum: Erratum) -> str:
    """Return the programs that have it, as in "QEMU <11.1"."""
    program = title(erratum.program)
    cpus = f"CPU {', '.join(erratum.cpus)}" if erratum.cpus else ""
    return ", ".join(filter(None, (f"{program} {erratum.versions}".strip(), cpus)))


def _bounds(versions: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in filter(None, versions.split(",")):
        match = _BOUND.fullmatch(part.strip())
        if not match:
            raise ValueError(part)
        yield match[1], tuple(map(int, match[2].split(".")))


def _problems(name: str, table: Any) -> Iterator[str]:  # noqa: ANN401 - any TOML value
    """Yield the problems of a table, each as the text that follows its name."""
    if not _NAME.fullmatch(name):
        yield ": bad name; use a-z, 0-9 and -"
    if not isinstance(table, dict):
        yield ": expected a table of keys"
        return
    for key, value in table.items():
        if problem := _value_problem(key, value):
            yield f".{key}: {problem}"
    if not table.get("reason"):
        yield ".reason: missing; say what the program does instead of the architecture"
    names_rows = table.get("rows") or table.get("cases")
    if names_rows and not table.get("rule"):
        yield ".rule: missing; say what the architecture requires of the rows, and where"
    if table.get("skip") and not table.get("rows"):
        yield ".skip: there are no rows to skip; name them with `rows`"
    if not (names_rows or table.get("effect") or table.get("command")):
        yield ".rows: missing; name the rows that fail, or give the effect on the tests"
    yield from _command_problems(table)
    try:
        list(_bounds(str(table.get("versions", ""))))
    except ValueError as error:
        yield f'.versions: "{error}" is not valid; {_VERSIONS_EXPECTED}'


def _command_problems(table: Mapping[str, Any]) -> Iterator[str]:
    missing = [key for key in _OF_COMMAND if table.get("command") and not table.get(key)]
    if missing:
        yield f".{missing[0]}: missing; `command` reproduces what is expected, and found instead"


def _value_problem(key: str, value: object) -> str:
    """Return what is wrong with a value, "" if nothing is."""
    if key in _TEXTS:
        is_line = isinstance(value, str) and value.isprintable()
        return "" if is_line else f"{value!r} is not valid; give a string of one line"
    if key in _FLAGS:
        return "" if isinstance(value, bool) else f"{value!r} is not valid; give true or false"
    if key not in _LISTS:
        return f"unknown key; the keys are {', '.join((*_TEXTS, *_LISTS, *_FLAGS))}"
    is_list = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return "" if is_list else f"{value!r} is not valid; give a list of globs"


def _text(erratum: Erratum) -> str:
    return f"{erratum.reason} ([report]({erratum.link}))" if erratum.link else erratum.reason


def _effect(erratum: Erratum) -> str:
    return "; ".join(filter(None, (erratum.effect, _rows_effect(erratum))))


def _rows_effect(erratum: Erratum) -> str:
    if erratum.skip:
        return "rows are skipped"
    if erratum.rows or erratum.command:
        page = "findings-kvm.md" if erratum.program == LINUX else "findings.md"
        return f"[finding]({page}#{erratum.name})"
    return "[random cases](conformance.md#random-cases)" if erratum.cases else ""
