# SPDX-License-Identifier: GPL-2.0-or-later
"""Search for QEMU, and its version."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build import rootless
from kut_runner.build.toolchain import find_program
from kut_runner.errors import InfrastructureError, MissingToolError, NotUnpackedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHEBANG: Final = b"#!/bin/sh\n"
_PROGRAM: Final = "qemu-system-aarch64"
_VERSION: Final = re.compile(r"QEMU emulator version ([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})")
_INSTALL: Final = "install it (Debian: apt install qemu-system-arm), or name one with --qemu PATH"


@dataclass(frozen=True, slots=True)
class Qemu:
    """A QEMU and its version."""

    program: Path
    """Absolute path."""
    version: tuple[int, int, int]

    @property
    def release(self) -> str:
        """Version in the format of QEMU, as in "7.2.22"."""
        return ".".join(map(str, self.version))


def find_qemu(
    explicit: str | None, *, cache: Path, environment: "Mapping[str, str] | None" = None
) -> Qemu:
    """Return the QEMU to use: `explicit`, else $KUT_QEMU, else $QEMU, else the one in PATH.

    "qemu@RELEASE" is the one unpacked from that release of the distribution, "qemu" the one
    unpacked from the release of the host, which is also the fallback for PATH. `cache` is a file
    that stores versions, because starting QEMU takes time. Raises MissingToolError if the program
    is missing or not QEMU for arm64.
    """
    environment = os.environ if environment is None else environment
    asked = asked_for(explicit, environment)
    if asked == "qemu" or (asked and asked.startswith("qemu@")):
        found = find_program(rootless.program(asked, _PROGRAM, environment), environment)
        if not found:
            raise NotUnpackedError(asked)
    else:
        found = find_program(asked or _PROGRAM, rootless.extend(environment))
    if not found:
        raise MissingToolError(
            f"no QEMU: {asked or _PROGRAM} does not exist or is not executable", _INSTALL
        )
    program = Path(found).absolute()
    return Qemu(program, _cached_version(program, cache))


def asked_for(explicit: str | None, environment: "Mapping[str, str]") -> str | None:
    """Return the QEMU given by an option or in the environment, None without."""
    return explicit or environment.get("KUT_QEMU") or environment.get("QEMU")


def _cached_version(program: Path, cache: Path) -> tuple[int, int, int]:
    """Return the version of the program.

    The version of a script is not cached, because it may start any QEMU; those that
    `rootless.sh` writes are an exception.
    """
    status = program.stat()
    key = f"{status.st_mtime_ns} {status.st_size} {program}"
    known = _read_cache(cache)
    if key in known:
        major, minor, micro = known[key].split(".")
        return int(major), int(minor), int(micro)
    version = _ask_version(program)
    with program.open("rb") as file:
        head = file.read(len(_SHEBANG) + len(rootless.MARK))
        is_script = head.startswith(b"#!") and head != _SHEBANG + rootless.MARK
    if not is_script:
        _write_cache(cache, {**known, key: ".".join(map(str, version))})
    return version


def _ask_version(program: Path) -> tuple[int, int, int]:
    import subprocess

    try:
        done = subprocess.run(
            (program, "--version"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InfrastructureError(f"{program} --version failed: {error}", _INSTALL) from None
    if match := _VERSION.match(done.stdout):
        return int(match[1]), int(match[2]), int(match[3])
    output = (done.stdout + done.stderr).strip() or f"nothing, exit status {done.returncode}"
    first = output.splitlines()[0][:300]
    raise MissingToolError(f"{program} is not QEMU; --version prints: {first}", _INSTALL)


def _read_cache(cache: Path) -> dict[str, str]:
    """Return the content of the cache; damaged lines are ignored."""
    try:
        lines = cache.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    matches = (re.fullmatch(r"([0-9]+\.[0-9]+\.[0-9]+) (.+)", line) for line in lines)
    return {match[2]: match[1] for match in matches if match}


def _write_cache(cache: Path, known: dict[str, str]) -> None:
    """Replace the cache atomically; errors are ignored."""
    from contextlib import suppress

    temporary = cache.with_name(f"{cache.name}.{os.getpid()}")
    text = "".join(f"{version} {key}\n" for key, version in known.items())
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, errors="surrogateescape")
        temporary.replace(cache)
