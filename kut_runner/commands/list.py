# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut list`: what there is."""

from pathlib import Path

import click

from kut_runner.commands import options
from kut_runner.errors import ExitCode, UsageError


@click.command("list")
@click.argument("patterns", metavar="[NAMES or globs]...", nargs=-1)
@click.option("--variants", is_flag=True, help="List the variants of the build instead.")
@click.pass_obj
def command(root: Path | None, *, patterns: tuple[str, ...], variants: bool) -> int:
    """List the tests, with the groups of each."""
    from kut_runner import config, plan

    if variants and patterns:
        raise UsageError("--variants takes no names of tests", "leave them out")
    tree = options.tree_of(root)
    definitions = config.load(tree / "configs", tree / "arm")
    if variants:
        options.print_table({each.name: each.about for each in definitions.variants})
    else:
        tests = plan.select(definitions, patterns) if patterns else definitions.tests
        options.print_table({test.name: " ".join(test.groups) for test in tests})
    return ExitCode.OK
