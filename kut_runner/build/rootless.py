# SPDX-License-Identifier: GPL-2.0-or-later
"""Tools in the user's cache, which rootless.sh unpacks from packages without root.

They are at the end of PATH, so that installed tools take precedence.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import source_trees
from kut_runner.errors import SetupError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Beginning of the second line of each script that starts an unpacked program.
MARK: Final = b"# Unpacked by kut"

_SCRIPT: Final = Path(__file__).with_name("rootless.sh")
_IN_PATH: Final = ("gcc", "clang", "qemu", "gdb")
#: Sets that the script can unpack.
NAMES: Final = (*_IN_PATH, "python")
#: Package whose version is that of a set.
_MAIN_PACKAGES: Final = {
    "gcc": "gcc-aarch64-linux-gnu",
    "clang": "clang",
    "qemu": "qemu-system-arm",
    "gdb": "gdb-multiarch",
    "python": "python3",
}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An unpacked set of tools."""

    name: str
    """Name of the set, as in "gcc" or "qemu@trixie-backports"."""
    directory: Path
    size: int
    """KiB on disk."""
    packages: tuple[str, ...]
    """Name, version and architecture of each package: "qemu-system-arm_1%3a7.2_amd64"."""

    @property
    def version(self) -> str:
        """Version of the main package without its epoch: "10.0.2+ds-2"; "" if not known."""
        main = _MAIN_PACKAGES.get(self.name.partition("@")[0])
        named = (package.split("_") for package in self.packages)
        found = next((rest[0] for name, *rest in named if name == main and rest), "")
        return found.rpartition("%3a")[2]


def directory(environ: "Mapping[str, str]") -> str | None:
    """Return the directory of unpacked tools, None without $HOME; the same as in setup.sh."""
    cache = source_trees.cache(environ)
    return f"{cache}/tools" if cache else None


def extend(environ: "Mapping[str, str]") -> "Mapping[str, str]":
    """Return the environment with the unpacked tools at the end of PATH."""
    tools = directory(environ)
    if tools is None or not os.path.isdir(tools):
        return environ
    path = environ.get("PATH", os.defpath)
    return {**environ, "PATH": os.pathsep.join([path, *(f"{tools}/{s}/bin" for s in _IN_PATH)])}


def program(name: str, tool: str, environ: "Mapping[str, str]") -> str:
    """Return the path of a program in the set `name`, which need not exist."""
    return f"{directory(environ)}/{name}/bin/{tool}"


def unpacked(environ: "Mapping[str, str]") -> tuple[Unpacked, ...]:
    """Return the unpacked sets, sorted by name."""
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
    """Unpack sets that are not unpacked yet; the script prints its progress on stderr.

    Raises UsageError for an unknown name, SetupError if the script fails.
    """
    import subprocess

    names = tuple(names)
    for name in names:
        if name.partition("@")[0] not in NAMES:
            raise UsageError(f'unknown tools "{name}"', f"the sets are {', '.join(NAMES)}")
    tools = directory(environ)
    if tools is None:
        raise SetupError("no directory for unpacked tools", "set XDG_CACHE_HOME or HOME")
    code = subprocess.run(("/bin/sh", _SCRIPT, tools, *names), check=False).returncode
    if code in {-2, 130}:
        raise KeyboardInterrupt
    if code:
        raise SetupError(f"{' '.join(names)} could not be unpacked", "see above")


def remove(names: "Iterable[str]", environ: "Mapping[str, str]") -> tuple[Unpacked, ...]:
    """Remove sets, by default all, and return them; raises UsageError for one not unpacked.

    Each set is renamed first, so that a partly removed one is never used.
    """
    import shutil

    sets = {each.name: each for each in unpacked(environ)}
    names = tuple(names) or tuple(sets)
    for name in names:
        if name not in sets:
            raise UsageError(f'"{name}" is not unpacked', f"unpacked: {' '.join(sets) or 'none'}")
    for name in names:
        removed = sets[name].directory.with_name(f".removed.{os.getpid()}")
        sets[name].directory.rename(removed)
        shutil.rmtree(removed)
    return tuple(sets[name] for name in names)
