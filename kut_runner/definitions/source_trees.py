# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees: which one a command works in, and what kut itself brings to it.

A tree has `configs/` and `arm/`, and either a library of its own in `lib/`, or a file `kut.toml`:
then it is built with the library that kut brings, through the link `build/lib`. A kut installed
from a wheel carries a whole tree beside its modules, which is taken where there is no other one.
Nothing is written beside the modules: that tree is worked on in a directory of the user's cache,
which has links to its sources and a `build/` of its own.
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner import __version__
from kut_runner.definitions import config
from kut_runner.errors import ConfigError, InfrastructureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a wheel has of the tree; not there in a checkout, which is a tree itself.
_CARRIED: Final = Path(os.path.realpath(__file__)).parents[1] / "tree"
_TOPS: Final = ("lib", "arm", "configs")
#: Where a tree without a library of its own has the link to kut's.
_LINKED: Final = "build/lib"

_NEED: Final = re.compile(r"kut>=([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
_EXPECTED: Final = f'give the oldest kut that will do, as in library = "kut>={__version__}"'


def cache(environ: "Mapping[str, str]") -> str | None:
    """Return kut's directory in the user's cache, None for a user without a home; as setup.sh."""
    directory = environ.get("XDG_CACHE_HOME", "")
    if not directory.startswith("/"):
        home = environ.get("HOME")
        if not home:
            return None
        directory = f"{home}/.cache"
    return f"{directory}/kut"


def find(start: Path) -> Path:
    """Return the nearest tree from `start` upwards, else where the one that kut carries is used.

    Nothing is written; see make_ready(). Raises UsageError when there is none.
    """
    try:
        return place_of(config.find_root(start))
    except UsageError:
        if not _CARRIED.is_dir():
            raise
    return place_of(_CARRIED)


def place_of(tree: Path) -> Path:
    """Return where to work on a tree: in itself, but for the one that kut carries.

    Raises UsageError for a user without a home.
    """
    if Path(os.path.realpath(tree)) != _CARRIED:
        return tree
    if place := _place():
        return place
    raise UsageError(
        "there is no place for the tree that kut carries", "set XDG_CACHE_HOME or HOME"
    )


def is_carried(place: Path) -> bool:
    """Tell whether this is where the tree that kut carries is worked on."""
    return Path(os.path.realpath(place / "configs")) == _CARRIED / "configs"


def make_ready(tree: Path) -> None:
    """Make the links of the tree that kut carries; hold kut against what a `kut.toml` asks for.

    Raises ConfigError when kut is too old or the file is bad, InfrastructureError when there is
    no writing to the cache.
    """
    if _CARRIED.is_dir() and tree == _place():
        for top in _TOPS:
            _link(tree / top, _CARRIED / top)
    elif (tree / config.MARK).is_file():
        _check(tree)


def refuse_change(tree: Path) -> None:
    """Raise UsageError when the sources and definitions of a tree are not the user's to change."""
    if is_carried(tree):
        raise UsageError(
            "the tree that kut carries is not to be changed",
            "start one of your own: kut new --tree DIR",
        )


def library(tree: Path) -> str:
    """Return where the tree has its library, relative to it; links to kut's where it has none.

    Raises as make_ready().
    """
    if not (tree / config.MARK).is_file():
        return "lib"
    _check(tree)
    for top in (_CARRIED, _CARRIED.parents[1]):
        if (top / "lib").is_dir():
            _link(tree / _LINKED, top / "lib")
            return _LINKED
    raise InfrastructureError("this kut has no library", "install it again")


def identity(tree: Path) -> str:
    """Return text that changes when sources that kut brings are exchanged; "" without any.

    An installer may give files a time of the past, by which a build takes them for unchanged.
    """
    linked = (tree / top for top in ("lib", "arm", _LINKED) if (tree / top).is_symlink())
    return "".join(f"{_state(link.readlink())}\n" for link in linked)


def _place() -> Path | None:
    """Return where the tree that kut carries is worked on; each installation has its own place."""
    from zlib import crc32

    directory = cache(os.environ)
    return Path(directory, f"tree-{crc32(os.fsencode(_CARRIED)):08x}") if directory else None


def _state(directory: Path) -> str:
    """Return a sum over what kut carries; the name of any other directory, as editors set times."""
    if not directory.is_relative_to(_CARRIED):
        return str(directory)
    from zlib import crc32

    total = 0
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            total = crc32(path.read_bytes(), crc32(os.fsencode(path.name), total))
    return f"{directory.name} {total:08x}"


def _link(path: Path, target: Path) -> None:
    """Make a link, or turn it to another target, in one step."""
    with suppress(OSError):
        if path.readlink() == target:
            return
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target)
        fresh.replace(path)
    except OSError as error:
        raise InfrastructureError(
            f"{path} cannot be written: {error.strerror}",
            "make it yours, or let XDG_CACHE_HOME name a directory that is",
        ) from None


def _check(tree: Path) -> None:
    """Raise ConfigError unless this kut is what the tree's `kut.toml` asks for."""
    problems: list[str] = []
    document = config.parse(tree / config.MARK, config.MARK, problems)
    problems += [f"{config.MARK}: {key}: unknown key" for key in document if key != "library"]
    if not problems:
        problems += _wrong_library(document.get("library"))
    if (tree / "lib").is_dir():
        both = "there is a lib/ too; remove that, or this file"
        problems.append(f"{config.MARK}: library: {both}")
    if problems:
        raise ConfigError(problems)


def _wrong_library(value: Any) -> "Iterator[str]":  # noqa: ANN401 - whatever the file has
    where = f"{config.MARK}: library"
    match = _NEED.fullmatch(value) if isinstance(value, str) else None
    if value is None:
        yield f"{where}: missing; {_EXPECTED}"
    elif not match:
        yield f"{where}: {value!r} is not valid; {_EXPECTED}"
    elif _numbers(match[1]) > _numbers(__version__):
        upgrade = "upgrade it, as with `pipx upgrade kut`"
        yield f"{where}: needs {value}, and this is kut {__version__}; {upgrade}"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version; 1.2 is 1.2.0."""
    found = [int(number) for number in re.findall(r"[0-9]+", version)[:3]]
    return (*found, 0, 0)[:3]
