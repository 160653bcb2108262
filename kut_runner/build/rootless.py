# SPDX-License-Identifier: GPL-2.0-or-later
"""Tools that were unpacked into the user's cache: rootless.sh brings them, here they are found.

They come after everything else along PATH: what the machine has is used first.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import source_trees
from kut_runner.errors import SetupError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: What is in the second line of each script that starts an unpacked program.
MARK: Final = b"# Unpacked by kut"

_SCRIPT: Final = Path(__file__).with_name("rootless.sh")
_ALONG_PATH: Final = ("gcc", "clang", "qemu", "gdb")
#: What the script knows how to unpack.
NAMES: Final = (*_ALONG_PATH, "python")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A set of tools in the cache."""

    name: str
    """As in "gcc" and "qemu@trixie-backports"."""
    directory: Path
    size: int
    """KiB on disk."""
    packages: tuple[str, ...]
    """Name, version and architecture of each, as in "qemu-system-arm_1%3a7.2_amd64"."""


def directory(environ: "Mapping[str, str]") -> str | None:
    """Return where tools are unpacked, or None for a user without a home; as setup.sh has it."""
    cache = source_trees.cache(environ)
    return f"{cache}/tools" if cache else None


def extend(environ: "Mapping[str, str]") -> "Mapping[str, str]":
    """Return the environment with the unpacked tools at the end of its PATH.

    Nothing changes where nothing was unpacked, which takes one look at the disk.
    """
    tools = directory(environ)
    if tools is None or not os.path.isdir(tools):
        return environ
    path = environ.get("PATH", os.defpath)
    return {**environ, "PATH": os.pathsep.join([path, *(f"{tools}/{s}/bin" for s in _ALONG_PATH)])}


def program(name: str, tool: str, environ: "Mapping[str, str]") -> str:
    """Return the path of a program of the set `name`, whether or not it is there."""
    return f"{directory(environ)}/{name}/bin/{tool}"


def unpacked(environ: "Mapping[str, str]") -> tuple[Unpacked, ...]:
    """Return what is in the cache, by name."""
    tools = directory(environ)
    if tools is None or not os.path.isdir(tools):
        return ()
    paths = sorted(path.parent for path in Path(tools).glob("[!.]*/packages"))
    return tuple(
        Unpacked(
            name=path.name,
            directory=path,
            size=int((path / "size").read_text()),
            packages=tuple((path / "packages").read_text().split()),
        )
        for path in paths
    )


def install(names: "Iterable[str]", environ: "Mapping[str, str]") -> None:
    """Unpack these sets, where they are not there yet; the user sees the script's words.

    Raises UsageError for a name that none has, SetupError when it cannot be done here.
    """
    import subprocess

    names = tuple(names)
    for name in names:
        if name.partition("@")[0] not in NAMES:
            raise UsageError(f'there are no tools "{name}"', f"there are: {', '.join(NAMES)}")
    tools = directory(environ)
    if tools is None:
        raise SetupError("there is no place to unpack tools to", "set XDG_CACHE_HOME or HOME")
    code = subprocess.run(("/bin/sh", _SCRIPT, tools, *names), check=False).returncode
    if code in {-2, 130}:
        raise KeyboardInterrupt
    if code:
        raise SetupError(f"not unpacked: {' '.join(names)}", "see above")


def remove(names: "Iterable[str]", environ: "Mapping[str, str]") -> tuple[Unpacked, ...]:
    """Remove these sets, or all, and return them; raises UsageError for one that is not there.

    A set goes by a rename first, so that no half of it is ever taken for the whole.
    """
    import shutil

    there = {each.name: each for each in unpacked(environ)}
    names = tuple(names) or tuple(there)
    for name in names:
        if name not in there:
            have = " ".join(there) or "nothing"
            raise UsageError(f'"{name}" is not unpacked', f"unpacked: {have}")
    for name in names:
        away = there[name].directory.with_name(f".removed.{os.getpid()}")
        there[name].directory.rename(away)
        shutil.rmtree(away)
    return tuple(there[name] for name in names)
