# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of the library and of the images, as files of a source tree."""

import os
from dataclasses import dataclass
from pathlib import Path

from kut_runner.build.layout import Layout
from kut_runner.definitions import image_paths


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources by paths relative to the source tree, sorted."""

    library: tuple[str, ...]
    images: dict[str, tuple[str, ...]]
    """Sources of each image, without those of the library."""
    has_offsets: bool
    has_auxinfo: bool = False
    origin: str = ""
    """Where those of the images come from: `source_trees.origin()`."""


def find_sources(root: Path, library: str = "lib", origin: str = "") -> Sources:
    """Return the sources in the library and in arm/ of the source tree `root`."""
    layout = Layout("", library)
    offsets, auxinfo = layout.offsets_source, layout.auxinfo_source
    sources = tuple(
        path
        for path in _walk(root, library)
        if path.endswith((".c", ".S")) and path not in (offsets, auxinfo)
    )
    tests = [path for path in _walk(root, "arm") if path.endswith((".c", ".S"))]
    names = [path[4:-2] for path in tests if path.count("/") == 1 and path.endswith(".c")]
    images: dict[str, list[str]] = {name: [f"arm/{name}.c"] for name in names}
    for path in tests:
        if (
            owner := image_paths.owner(path.removeprefix("arm/"), names)
        ) and path != f"arm/{owner}.c":
            images[owner].append(path)
    return Sources(
        library=sources,
        images={name: tuple(paths) for name, paths in images.items()},
        has_offsets=(root / offsets).is_file(),
        has_auxinfo=(root / auxinfo).is_file(),
        origin=origin,
    )


def _walk(root: Path, top: str) -> list[str]:
    """Return the files below root/top, relative to root, sorted, without hidden ones."""
    found = []
    for directory, children, files in os.walk(root / top):
        children[:] = [child for child in children if not child.startswith(".")]
        relative = os.path.relpath(directory, root)
        found += [f"{relative}/{file}" for file in files if not file.startswith(".")]
    return sorted(found)
