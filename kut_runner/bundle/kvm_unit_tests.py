# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees of kvm-unit-tests that are already built: unittests.cfg as test definitions.

The file is parsed, not executed: `unittests_cfg` reads its lines, `shell` evaluates the shell
syntax in use. Every section becomes a `TestDef`. A test that cannot run here is a SKIP with its
reason; a test whose definition is invalid, or whose image is missing, is an ERROR. A line that
kvm-unit-tests ignores is a warning.

Keys: `file`, `smp`, `test_args`, `qemu_params` or `extra_params`, `groups`, `arch`, `machine`,
`accel`, `timeout`, `check`, `disabled_if`; those of other programs, as `kvmtool_params`, are
ignored.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from kut_runner.build.builder import Image
from kut_runner.bundle import (
    build_settings,
    efi,
    guest_environment,
    host_files,
    qemu_options,
    shell,
    tree_files,
    unittests_cfg,
)
from kut_runner.bundle.build_settings import BuildSettings
from kut_runner.bundle.guest_environment import Emulator
from kut_runner.bundle.shell import Environment, ShellError
from kut_runner.bundle.tree_variables import TreeVariables
from kut_runner.bundle.unittests_cfg import Section, Value
from kut_runner.definitions.config import NODEFAULT, Config, TestDef
from kut_runner.definitions.fields import DAY, MOST_CPUS, accelerator_option
from kut_runner.definitions.needs import Accelerator, parse_accelerator
from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ConfigError, UsageError
from kut_runner.text import printable

#: Most tests with invalid definitions; a file with more is refused.
_MOST_REFUSED: Final = 1000
#: Most characters of a name, of the path of an image, and of a problem in a message.
_LONGEST_NAME: Final = 100
_LONGEST_PATH: Final = 200
_LONGEST_PROBLEM: Final = 300
#: End of a problem.
_NOT_BUILT: Final = "does not exist; build it"
_TIMEOUT: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY}
#: Properties of -smp; each is a number.
_TOPOLOGY: Final = (
    *("cpus", "maxcpus", "drawers", "books", "sockets", "dies", "clusters", "modules", "cores"),
    "threads",
)
_ARCHITECTURE: Final = "arm64"
_DEFAULT_TIMEOUT: Final = "90s"
#: Devices that the images require: QEMU's testdev, for the exit code.
_DEVICES: Final = (
    *("-device", "virtio-serial-device", "-device", "virtconsole,chardev=ctd"),
    *("-chardev", "testdev,id=ctd", "-device", "pci-testdev"),
)
#: Groups of tests that need a harness.
_MIGRATION: Final = "migration"
_PANIC: Final = "panic"
#: Group of tests that check latencies, 10 ms in upstream's.
_LATENCY: Final = "timer"
#: Directories with settings that `check` may read, unlike /proc with processes and their secrets.
_CHECKABLE: Final = ("/proc/sys/", "/sys/")
#: Most characters of a checked file in a message.
_LONGEST_CONTENT: Final = 60
_TRUE: Final = ("1", "y", "Y")

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class SourceTree:
    """Tests of a source tree and their images by name."""

    definitions: Config
    images: Mapping[str, Image]
    settings: BuildSettings
    warnings: tuple[str, ...]
    """Problems that cost no selected test: ignored lines, and tests of "nodefault"."""

    def adapted(
        self, tests: Iterable[TestDef], emulator: Emulator, environment: Environment, scratch: Path
    ) -> tuple[TestDef, ...]:
        """Return the tests with the options that depend on the target.

        The environment of the images becomes a file in `scratch`. Raises KutError if a file that
        the images need is missing.
        """
        kernel = os.uname().release
        values = guest_environment.variables(emulator, self.settings, environment, kernel)
        options: tuple[str, ...] = ()
        if values:
            options += ("-initrd", str(guest_environment.write(values, scratch)))
        if self.settings.is_efi:
            options += ("-bios", str(efi.firmware(environment)))
        return tuple(replace(test, qemu_args=(*test.qemu_args, *options)) for test in tests)


@dataclass(frozen=True, slots=True)
class _Host:
    """Properties of the host and of the build that decide which tests can run, and how."""

    environment: Environment
    """Variables of the user: MACHINE, TIMEOUT, CHECK and others."""
    variables: TreeVariables
    """Variables that the file may expand."""
    has_el2: bool
    settings: BuildSettings
    accelerator: str
    """Name of the accelerator, as in "tcg"."""
    tree: Path
    is_trusted: bool
    """Whether tests may have any options of QEMU."""


def load(  # noqa: PLR0913 - the tree, and the host that decides what can run
    directory: Path,
    *,
    has_el2: bool,
    environment: Environment,
    accelerator: str = "tcg",
    trust: bool = False,
    is_strict: bool = False,
) -> SourceTree:
    """Read the unittests.cfg of a source tree and find its images.

    `environment` has MAX_SMP; `accelerator` is that of the target. Without `trust` a test
    with options of QEMU that may reach the host (`qemu_options`), or with variables other than
    those of `tree_variables`, has a problem. Raises UsageError for any other directory, and
    ConfigError with all problems of the file, each with its line, if only tests with problems are
    left. If `is_strict`, any problem or warning is an error.
    """
    path = tree_files.find(directory)
    settings = build_settings.read(directory)
    variables = TreeVariables(
        settings.variables, {"TARGET": "qemu", **environment}, accelerator, trust
    )
    host = _Host(environment, variables, has_el2, settings, accelerator, directory, trust)
    shown = printable(os.path.relpath(path))
    file = unittests_cfg.read(path, shown)
    loader = _Loader(shown, path.parent, host)
    loader.warnings += [f"{shown}:{printable(each)}" for each in file.warnings]
    for section in file.sections:
        loader.add(section)
    loader.check(is_strict=is_strict)
    definitions = Config(tuple(loader.tests.values()))
    return SourceTree(definitions, loader.images, settings, tuple(loader.warnings))


def wants_el2(environment: Environment) -> bool:
    """Return whether $EL2 requests a machine with EL2, as in kvm-unit-tests."""
    return environment.get("EL2", "") in _TRUE


@dataclass(slots=True)
class _Loader:
    """Tests of one file, with their images and problems."""

    shown: str
    directory: Path
    host: _Host
    tests: dict[str, TestDef] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    uses: Counter[str] = field(default_factory=Counter)
    """Number of further tests by name."""
    refused: int = 0
    """Number of tests with problems."""

    def add(self, section: Section) -> None:
        if not section.name:
            self.warnings.append(f"{self.shown}:{section.line}: a test without a name is ignored")
            return
        name = self.unused_name(section)
        reader = _Reader(self.shown, section, self.host, self.directory)
        test = reader.test(name)
        if reader.problems:
            self.refused += 1
            self.problems += reader.problems
            test = replace(test, problem="; ".join(reader.problems)[:_LONGEST_PROBLEM])
            if NODEFAULT in test.groups:
                self.warnings += reader.problems
        elif test.skip and not reader.image.flat.is_file():
            reason = f"{test.skip}; its image {_relative(reader.image.flat)} does not exist"
            test = replace(test, skip=reason)
            if NODEFAULT in test.groups and not reader.is_of_another_architecture:
                self.warnings.append(f"{reader.prefix}: {reason}")
        self.tests[name] = test
        self.images[test.image] = reader.image

    def unused_name(self, section: Section) -> str:
        """Return the name of the test; that of a second one ends in "#2"."""
        plain = name = _test_name(section.name)
        while name in self.tests:
            self.uses[plain] += 1
            name = f"{plain}#{self.uses[plain] + 1}"
        if name != plain:
            again = f"[{plain}] is defined again; this one is called {name}"
            self.warnings.append(f"{self.shown}:{section.line}: {again}")
        return name

    def check(self, *, is_strict: bool) -> None:
        """Raise ConfigError if the file has no test that can run, or with any problem."""
        if not self.tests:
            raise ConfigError([f"{self.shown}: no tests", *self.warnings])
        if is_strict and (self.problems or self.warnings):
            raise ConfigError([*self.problems, *self.warnings])
        if self.problems and all(problem.endswith(_NOT_BUILT) for problem in self.problems):
            self.check_any_image()
        if self.refused == len(self.tests) or self.refused > _MOST_REFUSED:
            raise ConfigError(self.problems)

    def check_any_image(self) -> None:
        """Raise UsageError if the images of all tests are missing."""
        flats = {image.flat for image in self.images.values()}
        if not any(flat.is_file() for flat in flats):
            kind = "EFI images" if self.host.settings.is_efi else "images"
            raise UsageError(
                f"none of the {len(flats)} {kind} of {self.shown} exists",
                "build them: ./configure --arch=arm64 --cross-prefix=aarch64-linux-gnu- && make",
            )


def _test_name(text: str) -> str:
    """Return the name of a test, on one line and without "/", which has a meaning in ids."""
    name = printable(text).replace("\t", " ").replace("/", "%2F")
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _relative(path: Path) -> str:
    return printable(os.path.relpath(path))


@dataclass(slots=True)
class _Reader:
    """Converter of a section to a test."""

    shown: str
    section: Section
    host: _Host
    directory: Path
    problems: list[str] = field(default_factory=list)
    image: Image = field(init=False)

    def __post_init__(self) -> None:
        for problem in self.section.problems:
            self.problems.append(f"{self.shown}:{printable(problem)}")
        self.image = self.image_of(self.value("file", "", self.one_word))

    def test(self, name: str) -> TestDef:
        """Return the test; with `problems`, it cannot run."""
        number, topology = self.value("smp", "1", self.cpus)
        groups = tuple(printable(group) for group in self.value("groups", "", self.words))
        skip = self.skip_reason()
        if not skip:
            self.check_image()
        return TestDef(
            name=name,
            image=self.image.name,
            args=self.arguments(),
            smp=number,
            topology=topology,
            memory=128,
            cpu=self.host.settings.cpu if self.host.accelerator == "tcg" else "max",
            machine=tuple(self.machine()),
            groups=groups,
            timeout=self.timeout(),
            needs=(),
            qemu_args=(*_DEVICES, *self.value("qemu_params", "", self.options)),
            origin=self.shown,
            skip=skip,
            no_checks=NoChecks.PASS,
            accelerator=self.value("accel", "", self.accelerator),
            migration=_MIGRATION in groups,
            panic=_PANIC in groups,
            latency=_LATENCY in groups,
        )

    def arguments(self) -> str:
        """Return the command line of the image; that of an EFI application begins with its name."""
        words = self.value("test_args", "", self.words)
        if self.host.settings.is_efi:
            words = [self.image.flat.name, *words]
        return " ".join(words)

    def machine(self) -> Iterable[tuple[str, str]]:
        if self.host.has_el2:
            yield "virtualization", "on"
        if self.host.settings.is_efi:
            yield "acpi", "off"  # the images read the device tree

    def timeout(self) -> float:
        """Return the timeout in seconds; $TIMEOUT has precedence, as in kvm-unit-tests."""
        seconds = self.given("TIMEOUT", self.seconds)
        if seconds is None:
            seconds = self.value("timeout", _DEFAULT_TIMEOUT, self.seconds)
        return min(DAY, seconds + efi.BOOT_SECONDS) if self.host.settings.is_efi else seconds

    def value(self, key: str, default: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401
        """Return the value of a key converted by `read`; on an error, the default."""
        value = self.section.values.get(key, Value(default, self.section.line, key))
        try:
            return read(value.text)
        except ShellError as error:
            self.add_problem(value, str(error))
            return read(default)

    def given(self, variable: str, read: Callable[[str], _Value]) -> _Value | None:
        """Return a variable of the environment converted by `read`, None without it."""
        if not (text := self.host.environment.get(variable)):
            return None
        try:
            return read(text)
        except ShellError as error:
            hint = f"correct the variable {variable} of the environment, or unset it"
            raise UsageError(f"${variable}: {printable(str(error))}", hint) from None

    @property
    def prefix(self) -> str:
        """File, line and name, for messages."""
        return f"{self.shown}:{self.section.line}: [{_test_name(self.section.name)}]"

    def add_problem(self, value: Value, problem: str) -> None:
        place = f"{self.shown}:{value.line}: [{_test_name(self.section.name)}] {value.key}"
        text = printable(problem)
        found = f"{place}: {text[:_LONGEST_PROBLEM]}"
        if found not in self.problems:
            self.problems.append(found)

    def options(self, text: str) -> list[str]:
        """Return options of QEMU that neither select an accelerator nor reach the host."""
        found = self.words(text)
        if option := accelerator_option(found):
            raise ShellError(f"{option} may choose the accelerator; set ACCEL in the environment")
        refused = "" if self.host.is_trusted else qemu_options.refusal(found, self.host.tree)
        if refused:
            raise ShellError(qemu_options.explain(refused))
        return found

    def words(self, text: str) -> list[str]:
        return shell.words(text, self.host.variables)

    def one_word(self, text: str) -> str:
        found = self.words(text)
        if len(found) > 1:
            raise ShellError(f'"{text}" is more than one word')
        return found[0] if found else ""

    def cpus(self, text: str) -> tuple[int, str]:
        """Return the number of CPUs, and the other properties of -smp, as in "threads=1"."""
        properties: dict[str, int] = {}
        for part in self.one_word(text).split(","):
            key, equals, number = part.rpartition("=")
            if (equals and key not in _TOPOLOGY) or (not equals and properties):
                raise ShellError(f'"{part}" is not a property of the CPUs, as in 2,threads=1')
            properties[key or "cpus"] = shell.number(number, self.host.variables)
        cpus = properties.pop("cpus", properties.get("maxcpus", _product(properties)))
        if not 1 <= cpus <= MOST_CPUS:
            raise ShellError(f"{cpus} is not a number of CPUs, 1 to {MOST_CPUS}")
        return cpus, ",".join(f"{key}={number}" for key, number in properties.items())

    def accelerator(self, text: str) -> Accelerator | None:
        """Return the accelerator with its properties; only its name decides about a skip."""
        word = self.one_word(text)
        if "," not in word:
            return None
        if not (found := parse_accelerator(word)):
            raise ShellError(f'"{word}" is not an accelerator, as in tcg,thread=single')
        return found

    def seconds(self, text: str) -> float:
        word = self.one_word(text)
        match = _TIMEOUT.fullmatch(word)
        if not match:
            raise ShellError(f'"{word}" is not a duration such as 90s or 2m')
        seconds = float(match[1]) * _UNITS[match[2]]
        return min(seconds, DAY) or DAY  # 0 means no limit to timeout(1); the maximum here is a day

    @property
    def is_of_another_architecture(self) -> bool:
        """Whether the test is for 32-bit arm."""
        return bool(self.mismatch("arch", _ARCHITECTURE))

    def skip_reason(self) -> str:
        """Return the reason why the test cannot run here, "" if it can."""
        unmet = self.given("CHECK", self.unmet)
        if unmet is None:
            unmet = self.value("check", "", self.unmet_check)
        reasons = (
            self.mismatch("arch", _ARCHITECTURE),
            self.mismatch("machine", self.host.environment.get("MACHINE", "") or "virt"),
            self.mismatch("accel", self.host.accelerator),
            unmet,
            self.value("disabled_if", "", self.disabled),
        )
        return printable(next(filter(None, reasons), ""))[:_LONGEST_PROBLEM]

    def mismatch(self, key: str, here: str) -> str:
        wanted = self.value(key, "", self.one_word)
        is_other = wanted.partition(",")[0] not in {"", here}
        return f"for {key} {wanted}, and this is {here}" if is_other else ""

    def unmet_check(self, text: str) -> str:
        """Return the first unmet `path=value`; its paths are below /proc/sys or /sys."""
        for pair in self.words(text):
            path = pair.partition("=")[0]
            if path not in {"", pair} and not os.path.realpath(path).startswith(_CHECKABLE):
                raise ShellError(f"{path} is not below {' or '.join(_CHECKABLE)}")
        return self.unmet(text)

    def unmet(self, text: str) -> str:
        """Return the first `path=value` where the content of the file is not the value."""
        for pair in self.words(text):
            path, equals, wanted = pair.partition("=")
            if not (path and equals):
                raise ShellError(f'"{pair}" is not path=value')
            found = host_files.content(Path(path))
            if found != wanted:
                content = "missing" if found is None else found[:_LONGEST_CONTENT]
                return f"needs {pair}, and it is {content}"
        return ""

    def disabled(self, text: str) -> str:
        is_disabled = bool(text.strip()) and shell.condition(text, self.host.variables)
        return f"disabled_if = {text.strip()}" if is_disabled else ""

    def image_of(self, file: str) -> Image:
        """Return the image of `file`; that of an EFI build is NAME.efi."""
        name = file.removesuffix(".flat")[:_LONGEST_PATH]
        if self.host.settings.is_efi:
            flat = self.directory / f"{name}.efi"
            return Image(name, flat.with_suffix(".efi.debug"), flat)
        flat = self.directory / f"{name}.flat"
        return Image(name, flat.with_suffix(".elf"), flat)

    def check_image(self) -> None:
        """Add a problem unless the image is a file for arm64 in the directory."""
        value = self.section.values.get("file", Value("", self.section.line, "file"))
        flat = self.image.flat
        if not self.image.name:
            self.add_problem(value, "missing; name the image, as in file = selftest.flat")
        elif len(value.text) > _LONGEST_PATH:
            self.add_problem(value, f"more than {_LONGEST_PATH} characters")
        elif not flat.resolve().is_relative_to(self.directory.resolve()):
            where = _relative(self.directory)
            self.add_problem(value, f"{value.text} is not below {where}")
        elif not flat.is_file():
            self.add_problem(value, f"{_relative(flat)} {_NOT_BUILT}")
        elif machine := host_files.other_machine(self.image.elf):
            self.add_problem(value, f"{_relative(flat)} is not for arm64 (ELF machine {machine})")


def _product(numbers: Mapping[str, int]) -> int:
    product = 1
    for number in numbers.values():
        product *= min(max(number, 0), MOST_CPUS + 1)
    return product
