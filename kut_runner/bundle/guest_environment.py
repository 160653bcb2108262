# SPDX-License-Identifier: GPL-2.0-or-later
"""Environment of the images of kvm-unit-tests: a file NAME=VALUE that they get as their initrd.

The variables are those that upstream's scripts/arch-run.bash generates:

    TARGET, QEMU_ACCEL, QEMU_VERSION_STRING, QEMU_MAJOR, QEMU_MINOR, QEMU_MICRO   the target
    KERNEL_VERSION_STRING, KERNEL_VERSION, KERNEL_PATCHLEVEL, KERNEL_SUBLEVEL,
    KERNEL_EXTRAVERSION                                                           the host
    those of the file that $KVM_UNIT_TESTS_ENV names
    ERRATA_FORCE=y with tcg, else ERRATA_<commit>=y or n by the version of the kernel
    ERRATA_*                                                    the environment of kut
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from kut_runner.bundle import shell
from kut_runner.bundle.build_settings import BuildSettings
from kut_runner.bundle.shell import Environment, ShellError
from kut_runner.errors import ConfigError, UsageError
from kut_runner.text import printable

#: Names the user's file with further variables.
FILE_VARIABLE: Final = "KVM_UNIT_TESTS_ENV"
_LARGEST: Final = 1 << 20
_ENTRY: Final = re.compile(r"\s*([A-Za-z_]\w*)=(.*)")
_ERRATUM: Final = re.compile(r"([0-9a-f]{6,40})\s*:\s*([0-9][0-9.-]*)\s*:.*")
_KERNEL: Final = re.compile(r"([0-9]+)\.([0-9]+)(?:\.([0-9]+)(?:-([0-9]+))?)?")


@dataclass(frozen=True, slots=True)
class Emulator:
    """The QEMU that runs the images."""

    accelerator: str
    """Name of the accelerator, as in "tcg"."""
    version: str
    """Version, as in "7.2.22"."""


def variables(
    emulator: Emulator, settings: BuildSettings, environment: Environment, kernel: str
) -> dict[str, str]:
    """Return the variables for images on `emulator`; `kernel` is the release of the host's kernel.

    Raises UsageError for an invalid file of the user, ConfigError for an invalid list of errata.
    """
    given = _given(environment)
    if not settings.has_environment:
        return given
    found = {**_of_emulator(emulator), **_of_kernel(kernel)}
    found |= {name: value for name, value in given.items() if name not in found}
    own = {name: value for name, value in environment.items() if name.startswith("ERRATA_")}
    if emulator.accelerator == "tcg":
        own["ERRATA_FORCE"] = "y"
    elif settings.errata:
        own = {**dict(_errata(settings.errata, kernel)), **own}
    return found | {name: value for name, value in sorted(own.items()) if "\n" not in value}


def write(values: Mapping[str, str], directory: Path) -> Path:
    """Return a file in `directory` with the variables; files of other runs are not changed."""
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    data = text.encode(errors="surrogateescape")
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".environment.{os.getpid()}"
    temporary.write_bytes(data)
    try:
        paths = (directory / f"environment-{number}" for number in count(1))
        return next(path for path in paths if _is_or_becomes(path, temporary, data))
    finally:
        temporary.unlink()


def _is_or_becomes(path: Path, temporary: Path, data: bytes) -> bool:
    """Return whether `path` has this content; a missing file becomes a link to `temporary`."""
    with suppress(FileExistsError):
        os.link(temporary, path)  # complete from the start, for a kut that runs at the same time
    return path.read_bytes() == data


def _of_emulator(emulator: Emulator) -> dict[str, str]:
    version = dict(zip(("MAJOR", "MINOR", "MICRO"), emulator.version.split("."), strict=False))
    return {
        "TARGET": "qemu",
        "QEMU_ACCEL": emulator.accelerator,
        "QEMU_VERSION_STRING": f"QEMU emulator version {emulator.version}",
        **{f"QEMU_{part}": value for part, value in version.items()},
    }


def _of_kernel(kernel: str) -> dict[str, str]:
    match = _KERNEL.match(kernel)
    parts = match.groups("") if match else ("", "", "", "")
    names = ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION")
    numbers = {f"KERNEL_{name}": part for name, part in zip(names, parts, strict=True)}
    return {"KERNEL_VERSION_STRING": kernel, **numbers}


def _given(environment: Environment) -> dict[str, str]:
    """Return the variables of the user's file."""
    name = environment.get(FILE_VARIABLE)
    if not name:
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(Path(name), f"${FILE_VARIABLE}"), start=1):
        if match := _ENTRY.fullmatch(line):
            try:
                found[match[1]] = shell.assigned(match[2], {**environment, **found})
            except ShellError as error:
                problem = f"{name}:{number}: {match[1]}: {error}"
                raise UsageError(printable(problem), "give a constant value") from None
    return found


def _lines(path: Path, origin: str) -> list[str]:
    try:
        if not path.is_file():
            raise UsageError(f"{origin}: {printable(str(path))} is not a file")
        if not path.stat().st_size:  # or a file of the kernel, whose data may never come
            return []
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LARGEST).splitlines()
    except OSError as error:
        raise UsageError(f"{origin}: {printable(str(path))}: {error.strerror}") from None


def _errata(path: Path, kernel: str) -> Iterator[tuple[str, str]]:
    """Yield ERRATA_<commit> and "y" or "n", whether the kernel is new enough for the fix."""
    for number, line in enumerate(_lines(path, "ERRATATXT"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not (match := _ERRATUM.fullmatch(line.strip())):
            raise ConfigError([f"{path.name}:{number}: not COMMIT : VERSION : SUMMARY"])
        has_fix = _release(kernel) >= _release(match[2])
        yield f"ERRATA_{match[1]}", "y" if has_fix else "n"


def _release(version: str) -> tuple[int, ...]:
    match = _KERNEL.match(version)
    return tuple(int(part or 0) for part in match.groups()) if match else ()
