# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut list`: lists of tests, groups and variants."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.plan import Selection


@click.command("list")
@options.selection
@click.option("--groups", "all_groups", is_flag=True, help="List the groups instead of tests.")
@click.option("--variants", is_flag=True, help="List the variants of the build instead of tests.")
@options.tree
@options.strict
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    selection: "Selection",
    all_groups: bool,
    variants: bool,
    tree: Path | None,
    strict: bool,
) -> int:
    """List tests with their groups."""
    from kut_runner.definitions import plan

    is_narrowed = selection != plan.Selection()
    if (variants or all_groups) and is_narrowed:
        raise UsageError("--variants and --groups take no selection of tests", "omit it")
    if variants and tree:
        raise UsageError("--variants and --tree contradict each other", "omit one of them")
    if strict and not tree:
        raise UsageError("--strict needs --tree", "other definitions have no warnings")
    if tree:
        from kut_runner.run.workspace import TreeOptions

        definitions = where.kvm_unit_tests(tree, TreeOptions(is_strict=strict)).definitions
    else:
        definitions = where.definitions(root)
    if variants:
        options.print_table({each.name: each.about for each in definitions.variants})
    elif all_groups:
        options.print_table(_sizes(definitions.tests))
    else:
        tests = plan.select(definitions, selection) if is_narrowed else definitions.tests
        options.print_table({test.name: " ".join(test.groups) for test in tests})
    return ExitCode.OK


def _sizes(tests: "Iterable[TestDef]") -> "Mapping[str, str]":
    sizes = Counter(group for test in tests for group in test.groups)
    return {group: "1 test" if size == 1 else f"{size} tests" for group, size in sizes.items()}
