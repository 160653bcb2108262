# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees: the one that a command works in, and the library and sources bundled with kut.

A source tree has `configs/` and `arm/`, and either its own library in `lib/` or a file `kut.toml`:
with that it is built with the library of kut, through the link `build/lib`. A wheel of kut contains
a complete source tree next to the modules, which is the default outside any other source tree.
Nothing is written next to the modules: the bundled source tree is used through a directory in the
user's cache, which has links to the sources and its own `build/`.
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

#: Source tree in a wheel; does not exist in a checkout, which is a source tree itself.
_BUNDLED: Final = Path(os.path.realpath(__file__)).parents[1] / "tree"
_TOPS: Final = ("lib", "arm", "configs")
#: Link to the library of kut in a source tree without its own.
_LINKED: Final = "build/lib"

_NEED: Final = re.compile(r"kut>=([0-9]{1,4}(?:\.[0-9]{1,4}){0,2})")
#: Keys of `kut.toml`.
_KEYS: Final = ("library", "sources")
#: Value of `sources` for tests of kvm-unit-tests.
KVM_UNIT_TESTS: Final = "kvm-unit-tests"
_EXPECTED: Final = f'give the minimum version of kut, as in library = "kut>={__version__}"'


def cache(environ: "Mapping[str, str]") -> str | None:
    """Return kut's directory in the user's cache, None without $HOME; the same as in setup.sh."""
    directory = environ.get("XDG_CACHE_HOME", "")
    if not directory.startswith("/"):
        home = environ.get("HOME")
        if not home:
            return None
        directory = f"{home}/.cache"
    return f"{directory}/kut"


def find(start: Path) -> Path:
    """Return the source tree that contains `start`.

    By default it is that of $KUT_DEFAULT_ROOT, which `scripts/kut` sets to its checkout, else the
    bundled one. Nothing is written; see prepare(). Raises UsageError if there is none.
    """
    try:
        return work_dir(config.find_root(start))
    except UsageError:
        if default := os.environ.get("KUT_DEFAULT_ROOT"):
            return work_dir(Path(default))
        if not _BUNDLED.is_dir():
            raise
    return work_dir(_BUNDLED)


def is_outside(directory: Path) -> bool:
    """Return whether a directory is in no source tree, so that find() returns a default."""
    return not any(map(config.is_root, (directory, *directory.parents)))


def work_dir(tree: Path) -> Path:
    """Return the directory to use a source tree in: for the bundled one, a directory in the cache.

    Raises UsageError without $HOME.
    """
    if Path(os.path.realpath(tree)) != _BUNDLED:
        return tree
    if directory := _cache_directory():
        return directory
    raise UsageError(
        "no directory for the source tree bundled with kut", "set XDG_CACHE_HOME or HOME"
    )


def is_bundled(tree: Path) -> bool:
    """Return whether `tree` is the working directory of the bundled source tree."""
    return Path(os.path.realpath(tree / "configs")) == _BUNDLED / "configs"


def is_kvm_unit_tests(directory: Path) -> bool:
    """Return whether a directory is the top of a source tree of kvm-unit-tests, and not of kut."""
    return (directory / "run_tests.sh").is_file() and not config.is_root(directory)


def prepare(tree: Path) -> None:
    """Create the links of the bundled source tree; check the version that a `kut.toml` requires.

    Raises ConfigError if kut is too old or the file is invalid, InfrastructureError if the cache
    cannot be written.
    """
    if _BUNDLED.is_dir() and tree == _cache_directory():
        for top in _TOPS:
            _link(tree / top, _BUNDLED / top)
    elif (tree / config.MARK).is_file():
        _check(tree)


def refuse_change(tree: Path) -> None:
    """Raise UsageError for the bundled source tree, which must not be changed."""
    if is_bundled(tree):
        raise UsageError(
            "the source tree bundled with kut cannot be changed",
            "create your own: kut new --tree DIR",
        )


def library(tree: Path) -> str:
    """Return the library of a source tree, relative to it; link that of kut if it has none.

    Raises ConfigError and InfrastructureError as prepare() does.
    """
    if not (tree / config.MARK).is_file():
        return "lib"
    _check(tree)
    _link(tree / _LINKED, own() / "lib")
    return _LINKED


def own() -> Path:
    """Return the source tree of kut itself; raises InfrastructureError if it is missing."""
    for top in (_BUNDLED, _BUNDLED.parents[1]):
        if (top / "lib").is_dir():
            return top
    raise InfrastructureError("the library of kut is missing", "reinstall kut")


def origin(tree: Path) -> str:
    """Return where the sources in arm/ come from: `KVM_UNIT_TESTS`, or "" for kut's own.

    It decides their language and warnings. Raises ConfigError as prepare() does.
    """
    if not (tree / config.MARK).is_file():
        return ""
    _check(tree)
    return str(config.parse(tree / config.MARK, config.MARK, []).get("sources", ""))


def identity(tree: Path) -> str:
    """Return text that changes with the sources that kut brings; "" without any.

    An installer may set modification times in the past, which a build would take for unchanged.
    """
    linked = (tree / top for top in ("lib", "arm", _LINKED) if (tree / top).is_symlink())
    return "".join(f"{_content(link.readlink())}\n" for link in linked)


def _cache_directory() -> Path | None:
    """Return the working directory of the bundled source tree; each installation has its own."""
    from zlib import crc32

    directory = cache(os.environ)
    return Path(directory, f"tree-{crc32(os.fsencode(_BUNDLED)):08x}") if directory else None


def _content(directory: Path) -> str:
    """Return a checksum of a bundled directory.

    Of any other directory return the name, because the modification times of its files are right.
    """
    if not directory.is_relative_to(_BUNDLED):
        return str(directory)
    from zlib import crc32

    total = 0
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            total = crc32(path.read_bytes(), crc32(os.fsencode(path.name), total))
    return f"{directory.name} {total:08x}"


def _link(path: Path, target: Path) -> None:
    """Create a link, or replace it by one to another target, atomically."""
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
            "fix its permissions, or set XDG_CACHE_HOME to a writable directory",
        ) from None


def _check(tree: Path) -> None:
    """Raise ConfigError if `kut.toml` is invalid or requires a newer kut."""
    problems: list[str] = []
    document = config.parse(tree / config.MARK, config.MARK, problems)
    problems += [
        f"{config.MARK}: {key}: unknown key; the keys are {', '.join(_KEYS)}"
        for key in document
        if key not in _KEYS
    ]
    if not problems:
        problems += _library_problems(document.get("library"))
        problems += _sources_problems(document.get("sources"))
    if (tree / "lib").is_dir():
        both = "lib/ exists too; remove one of them"
        problems.append(f"{config.MARK}: library: {both}")
    if problems:
        raise ConfigError(problems)


def _library_problems(value: Any) -> "Iterator[str]":  # noqa: ANN401 - any TOML value
    where = f"{config.MARK}: library"
    match = _NEED.fullmatch(value) if isinstance(value, str) else None
    if value is None:
        yield f"{where}: missing; {_EXPECTED}"
    elif not match:
        yield f"{where}: {value!r} is not valid; {_EXPECTED}"
    elif _numbers(match[1]) > _numbers(__version__):
        upgrade = "upgrade it, for example with `pipx upgrade kut`"
        yield f"{where}: requires {value}, but this is kut {__version__}; {upgrade}"


def _sources_problems(value: Any) -> "Iterator[str]":  # noqa: ANN401 - any TOML value
    if value not in (None, KVM_UNIT_TESTS):
        yield (
            f'{config.MARK}: sources: {value!r} is not valid; give "{KVM_UNIT_TESTS}", or leave it'
            " out for tests of your own"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the three numbers of a version; 1.2 is 1.2.0."""
    found = [int(number) for number in re.findall(r"[0-9]+", version)[:3]]
    return (*found, 0, 0)[:3]
