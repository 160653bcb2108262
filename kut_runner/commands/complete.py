# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell completion of names; completes nothing when the source tree cannot be read."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import where
from kut_runner.errors import KutError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.definitions.config import Config


def tests(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of tests that start with `incomplete`."""
    found = _definitions(context)
    return _matching(incomplete, (test.name for test in found.tests) if found else ())


def groups(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the groups of tests that start with `incomplete`."""
    found = _definitions(context)
    names = {group for test in found.tests for group in test.groups} if found else ()
    return _matching(incomplete, sorted(names))


def images(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of images that start with `incomplete`."""
    found = _definitions(context)
    return _matching(incomplete, sorted({test.image for test in found.tests}) if found else ())


def variants(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the variants of the build that start with `incomplete`."""
    found = _definitions(context)
    return _matching(incomplete, (each.name for each in found.variants) if found else ())


def targets(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of targets that start with `incomplete`."""
    from kut_runner.definitions.config import BUILT_IN, KVM_NESTED, LAB_TARGET

    found = _definitions(context)
    names = (each.name for each in found.targets) if found else ()
    return _matching(incomplete, (*BUILT_IN, LAB_TARGET, KVM_NESTED, *names))


def qemus(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of unpacked QEMUs that start with `incomplete`."""
    import os

    from kut_runner.build import rootless

    names = (each.name for each in rootless.unpacked(os.environ))
    return _matching(incomplete, (name for name in names if name.startswith("qemu")))


def runs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of past runs that start with `incomplete`, the newest first."""
    try:
        kept = where.store_of(_root(context), quiet=True).runs()
    except (KutError, OSError):
        return []
    return _matching(incomplete, ["latest", *(run.run for run in reversed(kept))] if kept else ())


def _definitions(context: click.Context) -> "Config | None":
    from kut_runner.definitions import config

    try:
        tree = where.tree_of(_root(context), quiet=True)
        return config.load(tree / "configs", tree / "arm")
    except (KutError, OSError):
        return None


def _root(context: click.Context) -> Path | None:
    root: Path | None = context.find_root().params.get("root")
    return root


def _matching(incomplete: str, names: "Iterable[str]") -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
