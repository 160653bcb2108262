# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut export`: the framework and its tests for kvm-unit-tests."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode


@click.command("export")
@click.argument("project", type=click.Choice(["kvm-unit-tests"]))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("tests", metavar="[TEST]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=options.OUT_FILE,
    help="Write a patch for `git am` to this file, and leave DIR as it is.",
)
@click.option("-s", "--signoff", is_flag=True, help="With -o: add a Signed-off-by line.")
@click.option("--force", is_flag=True, help="Change DIR even if git cannot restore its files.")
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    project: str,  # noqa: ARG001 - the only one there is
    directory: Path,
    tests: tuple[str, ...],
    output: Path | None,
    signoff: bool,
    force: bool,
) -> int:
    """Add the guest framework and tests to a checkout of kvm-unit-tests in DIR.

    TEST is the name of an image, as in arm/TEST.c; by default all that pass there.
    """
    from kut_runner.export import kvm_unit_tests

    tree = where.tree_of(root, quiet=True)
    files = kvm_unit_tests.export(tree, directory, tests)
    if output:
        output.write_text(kvm_unit_tests.patch_of(directory, files, signed=signoff))
        echo(f"{output}: {len(files)} files; `git am` applies it")
    else:
        kvm_unit_tests.apply(directory, files, force=force)
        for path in files:
            echo(path)
    return ExitCode.OK
