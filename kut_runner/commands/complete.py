# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shell offers for names in a command line; nothing where the tree cannot be read."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import where
from kut_runner.errors import KutError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.definitions.config import Config


def tests(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of tests."""
    found = _definitions(context)
    return _beginning(begun, (test.name for test in found.tests) if found else ())


def groups(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the groups of tests."""
    found = _definitions(context)
    names = {group for test in found.tests for group in test.groups} if found else ()
    return _beginning(begun, sorted(names))


def images(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of images."""
    found = _definitions(context)
    return _beginning(begun, sorted({test.image for test in found.tests}) if found else ())


def variants(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the variants of the build."""
    found = _definitions(context)
    return _beginning(begun, (each.name for each in found.variants) if found else ())


def targets(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of targets."""
    from kut_runner.definitions.config import BUILT_IN

    found = _definitions(context)
    names = (each.name for each in found.targets) if found else ()
    return _beginning(begun, (*BUILT_IN, *names))


def runs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of past runs, the newest first."""
    try:
        kept = where.store_of(_root(context), quiet=True).runs()
    except (KutError, OSError):
        return []
    return _beginning(begun, ["latest", *(run.run for run in reversed(kept))] if kept else ())


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


def _beginning(begun: str, names: "Iterable[str]") -> list[str]:
    return [name for name in names if name.startswith(begun)]
