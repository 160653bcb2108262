# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that are named by the path of a source or of a file that was built from it.

`arm/stage2.c`, `arm/stage2-asm.S`, `arm/stage2/part.c`, `build/gcc/stage2.flat` and
`build/gcc/stage2.elf` name the image stage2. A path may be relative to the current directory or to
the source tree, and need not exist. One that exists must be of the source tree, so that nobody
takes the verdict on one image for that on another.
"""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError

_SOURCES: Final = (".c", ".S")
_SUFFIXES: Final = (*_SOURCES, ".flat", ".elf", ".efi")
#: Directory of the sources of images.
_TOP: Final = "arm"


def image_of(text: str, images: Collection[str]) -> str:
    """Return the image that a path names, which need not be one of `images`.

    Returns "" for text that is no such path.
    """
    path = Path.cwd() / text
    if path.suffix not in _SUFFIXES:
        return ""
    below = path.parts[::-1]
    if path.suffix in _SOURCES and _TOP in below:
        source = "/".join(reversed(below[: below.index(_TOP)]))
        return owner(source, images) or path.stem
    return path.stem


def owner(source: str, images: Collection[str]) -> str | None:
    """Return the image that a source belongs to, by its path below arm/; None for none."""
    directory, _, file = source.rpartition("/")
    if directory:
        top = directory.split("/")[0]
        return top if top in images else None
    stem = file[:-2]
    if file.endswith(".c"):
        return stem
    owners = [name for name in images if stem == name or stem.startswith(f"{name}-")]
    return max(owners, key=len, default=None)


def check(patterns: Iterable[str], tops: Iterable[Path], build: str = "") -> None:
    """Raise UsageError for the path of a file that is not below one of `tops`.

    `build` is the name of the compiler and the variant, as in "clang-O0"; the file of another build
    is an error too. The tops are the source tree and directories with images built elsewhere.
    """
    tops = tuple(tops)
    for pattern in patterns:
        if Path(pattern).suffix in _SUFFIXES:
            _check(pattern, tops, build)


def _check(pattern: str, tops: tuple[Path, ...], build: str) -> None:
    places = (Path.cwd(), *tops)
    path = next((found for place in places if (found := place / pattern).is_file()), None)
    if not path:
        return
    real = Path(os.path.realpath(path))
    below = [real.relative_to(top) for top in _real(tops) if real.is_relative_to(top)]
    if not below:
        raise UsageError(f"{pattern} is not a file of {tops[0]}", "change to its source tree")
    first, name, *_ = (*below[0].parts, "", "")
    if first == "build" and build and name != build:
        raise UsageError(
            f"{pattern} was built as {name}, and this run uses {build}",
            "choose the build with --compiler and --variant",
        )


def _real(tops: tuple[Path, ...]) -> list[Path]:
    """Return the real directories, with those of links directly below, as in a bundled tree."""
    links = (top / name for top in tops for name in ("arm", "build"))
    linked = [Path(os.path.realpath(link)).parent for link in links if link.is_symlink()]
    return [*(Path(os.path.realpath(top)) for top in tops), *linked]
