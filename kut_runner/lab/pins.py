# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages of the lab and their versions, from `configs/lab.toml`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kut_runner.definitions import config, source_trees
from kut_runner.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

#: Packages by their use; each is a key of [packages].
USES: Final = ("busybox", "libc", "headers")

_SHOWN: Final = f"configs/{config.LAB}"
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]+=[A-Za-z0-9.+:~-]+")
_KERNEL: Final = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)?")
_RELEASE: Final = re.compile(r"[a-z][a-z0-9-]*")
_KEYS: Final = ("release", "kernel", "kernels", "packages")


@dataclass(frozen=True, slots=True)
class Pins:
    """Packages, each as "NAME=VERSION"."""

    release: str
    """Release of the distribution."""
    kernel: str
    """Default kernel, a key of `kernels`."""
    kernels: Mapping[str, str]
    """By the version of Linux, as in "7.3"."""
    packages: Mapping[str, str]
    """By use, one of `USES`."""


def load(tree: "Path") -> Pins:
    """Return the pins of a source tree, those of kut if it has none.

    Raises ConfigError with all problems of the file.
    """
    path = tree / _SHOWN
    if not path.is_file():
        path = source_trees.own() / _SHOWN
    problems: list[str] = []
    document = config.parse(path, _SHOWN, problems)
    problems += [] if problems else _problems(document)
    if problems:
        raise ConfigError(problems)
    return Pins(**document)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for key in document:
        if key not in _KEYS:
            yield f"{_SHOWN}: {key}: unknown key; the keys are {', '.join(_KEYS)}"
    if not _matches(_RELEASE, document.get("release")):
        yield f'{_SHOWN}: release: give a release of Debian, as in "trixie-backports"'
    kernels, packages = (document.get(key) for key in ("kernels", "packages"))
    yield from _package_problems("kernels", kernels)
    yield from _package_problems("packages", packages)
    if isinstance(kernels, dict):
        for name in kernels:
            if not _KERNEL.fullmatch(name):
                yield f'{_SHOWN}: kernels.{name}: give a version of Linux, as in "7.3"'
        if document.get("kernel") not in kernels:
            yield f"{_SHOWN}: kernel: give one of {', '.join(kernels)}"
    if isinstance(packages, dict) and (missing := [use for use in USES if use not in packages]):
        yield f"{_SHOWN}: packages.{missing[0]}: missing; give its package"


def _package_problems(key: str, table: object) -> Iterator[str]:
    if not isinstance(table, dict):
        yield f"{_SHOWN}: {key}: missing; give a table [{key}]"
        return
    for name, value in table.items():
        if not _matches(_PACKAGE, value):
            yield f'{_SHOWN}: {key}.{name}: give "PACKAGE=VERSION", as apt-get takes it'


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))
