# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut list`: lists of tests, groups and variants."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options, where
from kut_runner.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.plan import Selection


@click.command("list")
@options.selection
@click.option("--groups", "all_groups", is_flag=True, help="List the groups instead of tests.")
@click.option("--variants", is_flag=True, help="List the variants of the build instead of tests.")
@click.option(
    "--json", type=options.OUT_FILE, help="Write the list as JSON to this file; - is stdout."
)
@options.tree
@options.strict
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    selection: "Selection",
    all_groups: bool,
    variants: bool,
    json: Path | None,
    tree: Path | None,
    strict: bool,
) -> int:
    """List tests with their groups."""
    from kut_runner.definitions import listing, plan

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
    tests = plan.select(definitions, selection) if is_narrowed else definitions.tests
    if json:
        from kut_runner.views.outfile import OutFile

        OutFile(json).write(listing.dumps(tests, definitions))
    elif variants:
        options.print_table({each.name: each.about for each in definitions.variants})
    elif all_groups:
        sizes = listing.sizes(definitions.tests).items()
        options.print_table({name: f"{n} test{'' if n == 1 else 's'}" for name, n in sizes})
    else:
        options.print_table({test.name: " ".join(test.groups) for test in tests})
    return ExitCode.OK
