# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees of kvm-unit-tests that are already built: unittests.cfg as test definitions.

The file is parsed, not executed: `shell` evaluates the shell syntax in use. Every section becomes a
`TestDef`, one that cannot run here with its reason: the test is then a SKIP. A missing image is an
error, not a SKIP.

Keys: `file`, `smp`, `test_args`, `qemu_params` or `extra_params`, `groups`, `arch`, `machine`,
`accel`, `timeout`, `check`, `disabled_if`; `kvmtool_params` is ignored.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kut_runner.build.builder import Image
from kut_runner.bundle import qemu_options, shell
from kut_runner.bundle.shell import Environment, ShellError
from kut_runner.definitions.config import Config, TestDef
from kut_runner.definitions.fields import DAY, accelerator_option
from kut_runner.errors import ConfigError, UsageError

#: Paths of the file in a source tree, in the order of the search.
_PATHS: Final = ("arm64/unittests.cfg", "arm/unittests.cfg", "unittests.cfg")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_HEADER: Final = re.compile(r"\[(.*)\]\s*(?:#.*)?")
_ENTRY: Final = re.compile(r"([a-z_]+)\s*=\s*(.*)")
_TIMEOUT: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY}
_KEYS: Final = (
    *("file", "smp", "test_args", "qemu_params", "extra_params", "kvmtool_params", "groups"),
    *("arch", "machine", "accel", "timeout", "check", "disabled_if"),
)
_MOST_CPUS: Final = 512
_ARCHITECTURE: Final = "arm64"
_DEFAULT_TIMEOUT: Final = "90s"
#: Devices that the images require: QEMU's testdev, for the exit code.
_DEVICES: Final = (
    *("-device", "virtio-serial-device", "-device", "virtconsole,chardev=ctd"),
    *("-chardev", "testdev,id=ctd", "-device", "pci-testdev"),
)
#: Directories that `check` may read.
_CHECKABLE: Final = ("/proc/", "/sys/")
_TRUE: Final = ("1", "y", "Y")


@dataclass(frozen=True, slots=True)
class SourceTree:
    """Tests of a source tree and their images by name."""

    definitions: Config
    images: Mapping[str, Image]


@dataclass(slots=True)
class _Section:
    """A section [name] of the file: value and line number of each key."""

    name: str
    line: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Host:
    """Properties of the host and of the tree that decide which tests can run."""

    environment: Environment
    """Variables of kvm-unit-tests: MAX_SMP, ACCEL, MACHINE, TIMEOUT and others."""
    has_el2: bool
    initrd: Path | None
    tree: Path
    trusts: bool
    """Whether tests may have any options of QEMU."""


def load(  # noqa: PLR0913 - the tree, its host, and the trust in it
    directory: Path,
    *,
    has_el2: bool,
    environment: Environment,
    cpus: int,
    scratch: Path,
    trust: bool = False,
) -> SourceTree:
    """Read the unittests.cfg of a source tree and find its images.

    `cpus` is the default of MAX_SMP; `scratch` is a directory for the file with the environment of
    the images. Without `trust` a test with options of QEMU that may reach the host has a problem;
    see `qemu_options`. Raises UsageError for any other directory, ConfigError with all problems of
    the file, each with its line.
    """
    path = _find(directory)
    shown = os.path.relpath(path)
    environment = {"MAX_SMP": str(cpus), "TARGET": "qemu", "ACCEL": "tcg", **environment}
    host = _Host(environment, has_el2, _write_environment(environment, scratch), directory, trust)
    problems: list[str] = []
    tests: dict[str, TestDef] = {}
    images: dict[str, Image] = {}
    seen = set()
    for section in _sections(path, shown, problems):
        if section.name in seen:
            problems.append(
                f"{shown}:{section.line}: [{section.name}] is defined twice; rename one"
            )
            continue
        seen.add(section.name)
        found = _Reader(shown, section, host, problems).test(path.parent, images)
        if found:
            tests[section.name] = found
    if not tests and not problems:
        problems.append(f"{shown}: no tests")
    if problems:
        raise ConfigError(problems)
    return SourceTree(Config(tuple(tests.values())), images)


def wants_el2(environment: Environment) -> bool:
    """Return whether $EL2 requests a machine with EL2, as in kvm-unit-tests."""
    return environment.get("EL2", "") in _TRUE


def _find(directory: Path) -> Path:
    for name in _PATHS:
        if (path := directory / name).is_file():
            return path
    paths = ", ".join(_PATHS)
    raise UsageError(
        f"{directory} is not a source tree of kvm-unit-tests: it has none of {paths}",
        "give the top of a source tree that is configured for arm64 and built",
    )


def _write_environment(environment: Environment, scratch: Path) -> Path | None:
    """Write the variables ERRATA_* for the initrd; return None if there are none."""
    lines = [
        f"{name}={value}\n"
        for name, value in sorted(environment.items())
        if name.startswith("ERRATA_") and "\n" not in value
    ]
    if not lines:
        return None
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "environment"
    path.write_text("".join(lines), errors="surrogateescape")
    return path


def _sections(path: Path, shown: str, problems: list[str]) -> Iterator[_Section]:
    """Yield the sections; any line other than a header, entry or comment is a problem."""
    section: _Section | None = None
    try:
        lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{shown}: cannot be read: {error}")
        return
    for number, raw in lines:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if match := _HEADER.fullmatch(line):
            if section:
                yield section
            section = _Section(match[1].strip(), number)
        elif (match := _ENTRY.fullmatch(line)) and section:
            value = _join_lines(match[2], lines)
            if value is None:
                problems.append(f'{shown}:{number}: {match[1]}: a closing """ is missing')
            elif match[1] not in _KEYS:
                problems.append(f"{shown}:{number}: {match[1]}: unknown key; {_keys()}")
            else:
                section.values[match[1]] = (value, number)
        else:
            problems.append(f'{shown}:{number}: "{line[:40]}" is neither [name] nor key = value')
    if section:
        yield section


def _keys() -> str:
    return f"the keys are {', '.join(_KEYS)}"


def _join_lines(value: str, lines: Iterator[tuple[int, str]]) -> str | None:
    '''Return a value, which may extend to a line that ends with """; None without that line.'''
    if not value.startswith('"""'):
        return value
    value = value[3:]
    while not value.rstrip().endswith('"""'):
        following = next(lines, None)
        if following is None:
            return None
        value += "\n" + following[1]
    return value.rstrip()[:-3]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Converter of a section to a test; appends its problems to `problems`."""

    shown: str
    section: _Section
    host: _Host
    problems: list[str]

    def test(self, directory: Path, images: dict[str, Image]) -> TestDef | None:
        before = len(self.problems)
        if not _NAME.fullmatch(self.section.name):
            self.add_problem(
                self.section.line, "name", "use letters, digits and _ . + -, at most 100"
            )
        file = self.value("file", "", self.one_word)
        extra = self.value(self.either("qemu_params", "extra_params"), "", self.options)
        found = TestDef(
            name=self.section.name,
            image=file.removesuffix(".flat"),
            args=" ".join(self.value("test_args", "", self.words)),
            smp=self.value("smp", "1", self.cpus),
            memory=128,
            cpu="max",
            machine=(("virtualization", "on"),) if self.host.has_el2 else (),
            groups=tuple(self.value("groups", "", self.words)),
            timeout=self.value("timeout", self.default_timeout(), self.seconds),
            needs=(),
            qemu_args=(*_DEVICES, *self.initrd(), *extra),
            origin=self.shown,
            skip=self.skip_reason(),
            problem=self.refusal(extra),
        )
        if found.skip:  # its image need not be built
            flat = directory / f"{found.image}.flat"
            images.setdefault(found.image, Image(found.image, flat.with_suffix(".elf"), flat))
        elif len(self.problems) == before:
            self.find_image(directory, file, images)
        return found if len(self.problems) == before else None

    def initrd(self) -> tuple[str, ...]:
        return ("-initrd", str(self.host.initrd)) if self.host.initrd else ()

    def default_timeout(self) -> str:
        return self.host.environment.get("TIMEOUT") or _DEFAULT_TIMEOUT

    def either(self, key: str, old: str) -> str:
        """Return `key`, or `old` if the section has only that."""
        return old if old in self.section.values and key not in self.section.values else key

    def value(self, key: str, default: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401
        """Return the value of a key converted by `read`; on an error, the default."""
        text, line = self.section.values.get(key, (default, self.section.line))
        try:
            return read(text)
        except ShellError as error:
            self.add_problem(line, key, str(error))
            return read(default) if text != default else ""

    def add_problem(self, line: int, key: str, problem: str) -> None:
        self.problems.append(f"{self.shown}:{line}: [{self.section.name}] {key}: {problem}")

    def options(self, text: str) -> list[str]:
        """Return options of QEMU, none of which may select an accelerator."""
        found = self.words(text)
        if option := accelerator_option(found):
            raise ShellError(f"{option} may choose the accelerator; set ACCEL in the environment")
        return found

    def refusal(self, options: list[str]) -> str:
        """Return the reason why QEMU may not get these options, "" if it may."""
        refused = "" if self.host.trusts else qemu_options.refusal(options, self.host.tree)
        return qemu_options.explain(refused) if refused else ""

    def words(self, text: str) -> list[str]:
        return shell.words(text, self.host.environment)

    def one_word(self, text: str) -> str:
        found = self.words(text)
        if len(found) > 1:
            raise ShellError(f'"{text}" is more than one word')
        return found[0] if found else ""

    def cpus(self, text: str) -> int:
        number = shell.number(text, self.host.environment)
        if not 1 <= number <= _MOST_CPUS:
            raise ShellError(f"{number} is not a number of CPUs, 1 to {_MOST_CPUS}")
        return number

    def seconds(self, text: str) -> float:
        word = self.one_word(text)
        match = _TIMEOUT.fullmatch(word)
        if not match:
            raise ShellError(f'"{word}" is not a duration such as 90s or 2m')
        seconds = float(match[1]) * _UNITS[match[2]]
        return min(seconds, DAY) or DAY  # 0 means no limit to timeout(1); the maximum here is a day

    def skip_reason(self) -> str:
        """Return the reason why the test cannot run here, "" if it can."""
        reasons = (
            self.mismatch("arch", _ARCHITECTURE),
            self.mismatch("machine", self.host.environment.get("MACHINE", "") or "virt"),
            self.mismatch("accel", self.host.environment["ACCEL"]),
            self.value("check", "", self.unmet_check),
            self.value("disabled_if", "", self.disabled),
        )
        return next(filter(None, reasons), "")

    def mismatch(self, key: str, here: str) -> str:
        wanted = self.value(key, "", self.one_word)
        return f"for {key} {wanted}, and this is {here}" if wanted not in {"", here} else ""

    def unmet_check(self, text: str) -> str:
        """Return the first `path=value` where the first line of the file is not the value."""
        for pair in self.words(text):
            path, equals, wanted = pair.partition("=")
            if not (path and equals):
                raise ShellError(f'"{pair}" is not path=value')
            if not os.path.realpath(path).startswith(_CHECKABLE):
                raise ShellError(f"{path} is not below {' or '.join(_CHECKABLE)}")
            found = _first_line(Path(path))
            if found != wanted:
                return f"needs {pair}, and it is {'missing' if found is None else found}"
        return ""

    def disabled(self, text: str) -> str:
        is_disabled = bool(text.strip()) and shell.condition(text, self.host.environment)
        return f"disabled_if = {text.strip()}" if is_disabled else ""

    def find_image(self, directory: Path, file: str, images: dict[str, Image]) -> None:
        name = file.removesuffix(".flat")
        flat = directory / f"{name}.flat"
        line = self.section.values.get("file", ("", self.section.line))[1]
        if not file:
            self.add_problem(line, "file", "missing; name the image, as in file = selftest.flat")
        elif not flat.resolve().is_relative_to(directory.resolve()):
            self.add_problem(line, "file", f"{file} is not below {os.path.relpath(directory)}")
        elif not flat.is_file():
            self.add_problem(line, "file", f"{os.path.relpath(flat)} does not exist; build it")
        else:
            images[name] = Image(name, flat.with_suffix(".elf"), flat)


def _first_line(path: Path) -> str | None:
    """Return the first line of a text file, None if it cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open(errors="backslashreplace") as file:
            return file.readline(4096).rstrip("\n")
    except OSError:
        return None
