# SPDX-License-Identifier: GPL-2.0-or-later
"""Contents of the lab's directory in the user's cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.lab import store

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is made of packages, in the order of the listing.
_MADE: Final = {"vmm": "vmm", "initramfs": "initramfs", "boots": "boot"}
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """One directory of the lab."""

    kind: str
    """"package", "vmm", "initramfs" or "boot"."""
    name: str
    path: Path
    megabytes: int
    """MiB on disk, rounded up."""


def contents(environ: "Mapping[str, str]") -> tuple[Content, ...]:
    """Return everything in the lab's directory, packages first."""
    return tuple(_contents(store.directory(environ)))


def remove(environ: "Mapping[str, str]", *, with_packages: bool) -> tuple[Content, ...]:
    """Remove what is made of packages, with `with_packages` also these; return what is gone."""
    found = contents(environ)
    gone = tuple(each for each in found if with_packages or each.kind != "package")
    for each in gone:
        store.remove(each.path)
    return gone


def _contents(directory: Path) -> Iterator[Content]:
    for kind, singular in {store.PACKAGES: "package", **_MADE}.items():
        for path in sorted((directory / kind).glob("[!.]*/")):
            megabytes = -(-store.size(path) // _MIB)
            yield Content(singular, _name(path), path, megabytes)


def _name(path: Path) -> str:
    """Return a name for people: of a boot, its kernel and QEMU too."""
    try:
        about = (path / store.ABOUT).read_text().strip()
    except FileNotFoundError:
        return path.name
    return f"{path.name} {about}"
