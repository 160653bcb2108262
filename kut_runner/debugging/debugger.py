# SPDX-License-Identifier: GPL-2.0-or-later
"""Debuggers: detection, and the command lines that connect them to a stopped machine."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kut_runner.build import rootless
from kut_runner.build.toolchain import find_program
from kut_runner.errors import MissingToolError
from kut_runner.process.program import call

#: Kinds of debuggers, the preferred one first.
NAMES: Final = ("gdb", "lldb")

#: Seconds for an answer of a debugger.
_TIME_LIMIT: Final = 30.0
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
        " aarch64-elf-gdb (brew), or run `kut toolchain install gdb`, which needs no root"
    ),
    "lldb": "install lldb, which is part of Xcode on macOS",
}
_HELPERS: Final = Path(__file__).with_name("helpers")


@dataclass(frozen=True, slots=True)
class Debugger:
    """An installed debugger."""

    kind: str
    """One of `NAMES`."""
    program: str
    """Full path."""

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return its environment, in which Debian's lldb finds its Python modules."""
        if self.kind == "gdb":
            return dict(environ)
        home = Path(os.path.realpath(self.program)).parent.parent
        modules = [path.parents[1] for path in home.glob("lib/python3*/*/lldb/__init__.py")]
        if not modules:
            return dict(environ)
        directories = (*modules, home.parent / "python3/dist-packages")
        paths = [*map(str, directories), *filter(None, [environ.get("PYTHONPATH")])]
        return {**environ, "PYTHONPATH": os.pathsep.join(paths)}


@dataclass(frozen=True, slots=True)
class DebuggerOptions:
    """Options for a debugger."""

    is_batch: bool = False
    """Whether it exits after the last command."""
    scripts: tuple[Path, ...] = ()
    """Files with commands to run first."""
    commands: tuple[str, ...] = ()
    """Commands to run after the scripts."""


@dataclass(frozen=True, slots=True)
class DebuggedImage:
    """A loaded image and its symbols."""

    elf: Path
    """File with the symbols, as `symbol_file` writes it."""
    load: int
    """Address of the first byte of the image, which is at 0 in the ELF file."""
    tree: Path
    """Directory of the sources."""


def find(asked: str | None, environ: Mapping[str, str]) -> Debugger:
    """Return a debugger for arm64: "gdb", "lldb" or a path; None for the first that is installed.

    Searches PATH and then the unpacked tools. Raises MissingToolError when none is found.
    """
    environ = rootless.extend(environ)
    kinds = (asked,) if asked in NAMES else NAMES
    for kind in kinds if asked is None or asked in NAMES else ():
        for name in _PROGRAMS[kind]:
            program = find_program(name, environ)
            if program and (name != "gdb" or _supports_arm64(program)):
                return Debugger(kind, program)
    if asked and asked not in NAMES and (program := find_program(asked, environ)):
        return Debugger("lldb" if "lldb" in Path(program).name else "gdb", program)
    name = asked if asked and asked not in NAMES else " or ".join(kinds)
    raise MissingToolError(
        f"no debugger: {name} not found, or does not support arm64",
        f"{_INSTALL[kinds[0]]}; or connect another one with --wait",
    )


def arguments(
    debugger: Debugger, debugged: DebuggedImage, port: int, debugger_options: DebuggerOptions
) -> tuple[str, ...]:
    """Return the command line that loads symbols, sources and helpers, and connects to `port`."""
    if debugger.kind == "lldb":
        return (debugger.program, *_lldb(debugged, port, debugger_options))
    return (debugger.program, *_gdb(debugged, port, debugger_options))


def gdb_script(debugged: DebuggedImage) -> str:
    """Return the gdb commands that load symbols and helpers in a gdb that an IDE has started."""
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
    """Return a path quoted as one argument of a debugger's command."""
    text = str(path)
    plain = text.replace("/", "").replace("-", "").replace("_", "").replace(".", "")
    if plain.isalnum():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _supports_arm64(program: str) -> bool:
    """Return whether a gdb, which may be for the host only, supports arm64."""
    argv = (program, "-nx", "-batch", "-ex", "set architecture aarch64")
    outcome = call(argv, _TIME_LIMIT)
    return outcome.code == 0 and "Undefined item" not in outcome.output
