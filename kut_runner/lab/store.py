# SPDX-License-Identifier: GPL-2.0-or-later
"""Directory of the lab in the user's cache: packages, and what is made of them.

Everything made is in a directory that is named for its content, and complete or absent: it is
created under another name and renamed. A process that is killed leaves only such a temporary
directory, which the next one removes.
"""

import os
import shutil
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import source_trees
from kut_runner.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: Subdirectory of unpacked packages.
PACKAGES: Final = "packages"
#: File with a description of a directory, one line.
ABOUT: Final = "about"

_TEMPORARY: Final = ".new."


def directory(environ: "Mapping[str, str]") -> Path:
    """Return the directory of the lab, which need not exist; raises SetupError without $HOME."""
    cache = source_trees.cache(environ)
    if cache is None:
        raise SetupError("no directory for the lab", "set XDG_CACHE_HOME or HOME")
    return Path(cache) / "lab"


def key(parts: "Iterable[str | bytes]") -> str:
    """Return a name for content that is a function of `parts`."""
    digest = sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:20]


def made(kind: Path, name: str, make: "Callable[[Path], None]") -> Path:
    """Return the directory `name` in `kind`; `make` fills it if it does not exist.

    Parallel calls wait for each other.
    """
    found = kind / name
    if found.is_dir():
        return found
    kind.mkdir(parents=True, exist_ok=True)
    with _locked(kind):
        if not found.is_dir():
            _remove_temporary(kind)
            fresh = kind / f"{_TEMPORARY}{os.getpid()}"
            fresh.mkdir()
            try:
                make(fresh)
                fresh.rename(found)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return found


def remove(path: Path) -> None:
    """Remove a directory that `made` returned, so that a partly removed one is never used."""
    gone = path.with_name(f"{_TEMPORARY}{os.getpid()}")
    with _locked(path.parent):
        path.rename(gone)
        shutil.rmtree(gone)


def size(path: Path) -> int:
    """Return the bytes on disk of a directory."""
    files = (each.lstat() for each in path.rglob("*"))
    return sum(status.st_blocks * 512 for status in files)


def _remove_temporary(kind: Path) -> None:
    """Remove what killed processes have left; the lock is held, so nobody uses it."""
    for left in kind.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(kind: Path) -> "Iterator[None]":
    import fcntl

    descriptor = os.open(kind / ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
