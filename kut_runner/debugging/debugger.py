# SPDX-License-Identifier: GPL-2.0-or-later
"""The debuggers: which one is there, and how it is started on a machine that waits for it."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.build import rootless
from kut_runner.build.toolchain import find_program
from kut_runner.errors import MissingToolError

#: The debuggers there are, the first one being taken where none is asked for.
NAMES: Final = ("gdb", "lldb")

_PROGRAMS: Final = {
    "gdb": (
        *("gdb-multiarch", "aarch64-linux-gnu-gdb", "aarch64-none-elf-gdb", "aarch64-elf-gdb"),
        "gdb",
    ),
    "lldb": ("lldb", *(f"lldb-{version}" for version in range(25, 12, -1))),
}
_INSTALL: Final = {
    "gdb": (
        "install gdb-multiarch (Debian, Ubuntu), gdb (Fedora), aarch64-linux-gnu-gdb (Arch) or"
        " aarch64-elf-gdb (brew), or `kut toolchain install gdb`, which needs no root"
    ),
    "lldb": "install lldb, which macOS has with Xcode",
}
_HELPERS: Final = Path(__file__).with_name("helpers")


@dataclass(frozen=True, slots=True)
class Debugger:
    """A debugger that was found."""

    kind: str
    """One of `NAMES`."""
    program: str
    """Full path."""

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return what it is to run in: Debian's lldb does not find its own Python modules."""
        if self.kind == "gdb":
            return dict(environ)
        home = Path(os.path.realpath(self.program)).parent.parent
        modules = [path.parents[1] for path in home.glob("lib/python3*/*/lldb/__init__.py")]
        if not modules:
            return dict(environ)
        places = (*modules, home.parent / "python3/dist-packages")
        paths = [*map(str, places), *filter(None, [environ.get("PYTHONPATH")])]
        return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


@dataclass(frozen=True, slots=True)
class DebuggerOptions:
    """What a user wants of a debugger."""

    is_batch: bool = False
    """It ends after the last command."""
    scripts: tuple[Path, ...] = ()
    """Files of its commands."""
    commands: tuple[str, ...] = ()
    """Commands after them."""


@dataclass(frozen=True, slots=True)
class DebuggedImage:
    """What is debugged."""

    elf: Path
    load: int
    """Address of the image's first byte; the file has it at 0."""
    tree: Path
    """Where the sources are."""


def find(asked: str | None, environ: Mapping[str, str]) -> Debugger:
    """Return a debugger that knows arm64: "gdb", "lldb", a path, or None for the first there is.

    Looks along PATH, then among what was unpacked. Raises MissingToolError.
    """
    environ = rootless.extend(environ)
    kinds = (asked,) if asked in NAMES else NAMES
    for kind in kinds if asked is None or asked in NAMES else ():
        for name in _PROGRAMS[kind]:
            program = find_program(name, environ)
            if program and (name != "gdb" or _knows_arm64(program)):
                return Debugger(kind, program)
    if asked and asked not in NAMES and (program := find_program(asked, environ)):
        return Debugger("lldb" if "lldb" in Path(program).name else "gdb", program)
    what = asked if asked and asked not in NAMES else " or ".join(kinds)
    raise MissingToolError(
        f"no debugger: {what} is not there, or knows no arm64",
        f"{_INSTALL[kinds[0]]}; or let another one connect: --wait",
    )


def arguments(
    debugger: Debugger, debugged: DebuggedImage, port: int, debugger_options: DebuggerOptions
) -> tuple[str, ...]:
    """Return what starts it with symbols, sources and helpers, on the machine behind `port`."""
    if debugger.kind == "lldb":
        return (debugger.program, *_lldb(debugged, port, debugger_options))
    return (debugger.program, *_gdb(debugged, port, debugger_options))


def gdb_script(debugged: DebuggedImage) -> str:
    """Return the commands that give a gdb, which an IDE has started, the symbols and helpers."""
    return "".join(
        f"{line}\n" for line in (*_gdb_symbols(debugged), f"source {_HELPERS}/in_gdb.py")
    )


def _gdb(debugged: DebuggedImage, port: int, debugger_options: DebuggerOptions) -> Iterable[str]:
    yield "-q"
    if debugger_options.is_batch:
        yield "-batch"
    for line in _gdb_symbols(debugged):
        yield from ("-ex", line)
    yield from ("-x", str(_HELPERS / "in_gdb.py"))
    yield from ("-ex", f"target remote 127.0.0.1:{port}")
    for script in debugger_options.scripts:
        yield from ("-x", str(script))
    for command in debugger_options.commands:
        yield from ("-ex", command)


def _gdb_symbols(debugged: DebuggedImage) -> tuple[str, ...]:
    return (
        f"directory {_quoted(debugged.tree)}",
        f"exec-file {_quoted(debugged.elf)}",
        f"symbol-file -o {debugged.load:#x} {_quoted(debugged.elf)}",
    )


def _lldb(debugged: DebuggedImage, port: int, debugger_options: DebuggerOptions) -> Iterable[str]:
    elf = _quoted(debugged.elf)
    if debugger_options.is_batch:
        yield "--batch"
    for line in (
        f"settings set target.source-map . {_quoted(debugged.tree)}",
        f"target create --arch aarch64 {elf}",
        f"target modules load --file {elf} --slide {debugged.load:#x}",
        f"gdb-remote 127.0.0.1:{port}",
        f"command script import {_quoted(_HELPERS / 'in_lldb.py')}",
    ):
        yield from ("-o", line)
    for script in debugger_options.scripts:
        yield from ("-s", str(script))
    for command in debugger_options.commands:
        yield from ("-o", command)


def _quoted(path: Path) -> str:
    """Return a path as one word of a debugger's command."""
    text = str(path)
    plain = text.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
    if plain.isalnum():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _knows_arm64(program: str) -> bool:
    """Tell whether a gdb that may be for this machine alone knows arm64."""
    asked = (program, "-nx", "-batch", "-ex", "set architecture aarch64")
    try:
        done = subprocess.run(
            asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0 and "Undefined item" not in done.stderr
