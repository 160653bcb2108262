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
#: QEMU where none is named.
DEFAULT: Final = "qemu-system-aarch64"
_VERSION: Final = re.compile(
    r"^QEMU emulator version ([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})", re.MULTILINE
)
#: Seconds for an answer of QEMU.
_TIME_LIMIT: Final = 30.0
#: Options for a QEMU that can neither start programs nor change its user, priority or CPUs.
SANDBOX: Final = (
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
)
#: Marks in the cache for a QEMU without and with a sandbox.
_SANDBOX_MARKS: Final = ("open", "sandbox")
_CACHED: Final = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4}){2} (?:open|sandbox)) (.+)")
_INSTALL: Final = "install it (Debian: apt install qemu-system-arm), or name one with --qemu PATH"


@dataclass(frozen=True, slots=True)
class Qemu:
    """A QEMU and its version."""

    program: Path
    """Absolute path."""
    version: tuple[int, int, int]
    has_sandbox: bool = False
    """Whether it accepts the options `SANDBOX`."""

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
    if asked and asked.startswith("~"):  # a shell leaves it in --qemu=~/qemu
        asked = str(Path(asked).expanduser())
    if asked == "qemu" or (asked and asked.startswith("qemu@")):
        found = find_program(rootless.program(asked, DEFAULT, environment), environment)
        if not found:
            raise NotUnpackedError(asked)
    else:
        found = find_program(asked or DEFAULT, rootless.extend(environment))
    if not found:
        raise _missing(asked)
    return _identify(Path(found).absolute(), cache)


def _missing(asked: str | None) -> MissingToolError:
    """Return the error for a QEMU that does not exist; a directory may contain it."""
    name = asked or DEFAULT
    if asked and Path(asked).is_dir():
        inside = Path(asked, DEFAULT)
        hint = f"name the program: {inside}" if inside.is_file() else _INSTALL
        return MissingToolError(f"no QEMU: {name} is a directory", hint)
    if asked and "/" not in asked:
        hint = f"name the file by its path: --qemu ./{asked}" if Path(asked).is_file() else _INSTALL
        return MissingToolError(f"no QEMU: {name} is not in PATH", hint)
    return MissingToolError(f"no QEMU: {name} does not exist or is not executable", _INSTALL)


def asked_for(explicit: str | None, environment: "Mapping[str, str]") -> str | None:
    """Return the QEMU given by an option or in the environment, None without."""
    return explicit or environment.get("KUT_QEMU") or environment.get("QEMU")


def _identify(program: Path, cache: Path) -> Qemu:
    """Return the version of a program, and whether it has a sandbox; kept in the cache.

    A script may start any QEMU, also on another machine: nothing of it is cached, and it gets no
    sandbox. Those that `rootless.sh` writes are an exception.
    """
    status = program.stat()
    key = f"{status.st_mtime_ns} {status.st_size} {program}"
    known = _read_cache(cache)
    if key in known:
        return _from_cache(program, known[key])
    version = _ask_version(program)
    with program.open("rb") as file:
        head = file.read(len(_SHEBANG) + len(rootless.MARK))
    if head.startswith(b"#!") and head != _SHEBANG + rootless.MARK:
        return Qemu(program, version)
    found = Qemu(program, version, has_sandbox=_accepts_sandbox(program))
    _write_cache(cache, {**known, key: f"{found.release} {_SANDBOX_MARKS[found.has_sandbox]}"})
    return found


def _from_cache(program: Path, text: str) -> Qemu:
    release, mark = text.split()
    major, minor, micro = map(int, release.split("."))
    return Qemu(program, (major, minor, micro), has_sandbox=mark == _SANDBOX_MARKS[True])


def _ask_version(program: Path) -> tuple[int, int, int]:
    from kut_runner.process.program import call

    outcome = call((str(program), "--version"), _TIME_LIMIT)
    if outcome.code is None:
        raise InfrastructureError(f"{program} --version failed: {outcome.output}", _INSTALL)
    if match := _VERSION.search(outcome.output):
        return int(match[1]), int(match[2]), int(match[3])
    output = outcome.output or f"nothing, exit status {outcome.code}"
    first = output.splitlines()[0][:300]
    raise MissingToolError(f"{program} is not QEMU; --version prints: {first}", _INSTALL)


def _accepts_sandbox(program: Path) -> bool:
    """Return whether QEMU is built with seccomp, and the kernel has it."""
    from kut_runner.process.program import call

    return call((str(program), *SANDBOX, "-machine", "help"), _TIME_LIMIT).code == 0


def _read_cache(cache: Path) -> dict[str, str]:
    """Return the content of the cache by key; damaged lines are ignored."""
    try:
        lines = cache.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    matches = (_CACHED.fullmatch(line) for line in lines)
    return {match[2]: match[1] for match in matches if match}


def _write_cache(cache: Path, known: dict[str, str]) -> None:
    """Replace the cache atomically; errors are ignored."""
    from contextlib import suppress

    temporary = cache.with_name(f"{cache.name}.{os.getpid()}")
    text = "".join(f"{value} {key}\n" for key, value in known.items())
    with suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, errors="surrogateescape")
        temporary.replace(cache)
