# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut export`: the framework and its tests for kvm-unit-tests."""

from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, UsageError


@click.command("export")
@click.argument("project", type=click.Choice(["kvm-unit-tests"]))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("tests", metavar="[TEST]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=options.OUT_FILE,
    help="Write the patches for `git am` to this file, and leave DIR as it is.",
)
@click.option(
    "--output-directory",
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each patch to a file of its own in DIRECTORY, and leave DIR as it is.",
)
@click.option("-s", "--signoff", is_flag=True, help="Add a Signed-off-by line to patches.")
@click.option("--force", is_flag=True, help="Change DIR even if git cannot restore its files.")
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    project: str,  # noqa: ARG001 - the only one there is
    directory: Path,
    tests: tuple[str, ...],
    output: Path | None,
    output_directory: Path | None,
    signoff: bool,
    force: bool,
) -> int:
    """Add the guest framework and tests to a checkout of kvm-unit-tests in DIR.

    TEST is the name of an image, as in arm/TEST.c; by default all that pass there.
    """
    from kut_runner.export import kvm_unit_tests

    tree = where.tree_of(root, quiet=True)
    if output and output_directory:
        raise UsageError("-o and --output-directory exclude each other", "leave out one of them")
    changes = kvm_unit_tests.export(tree, directory, tests)
    if output or output_directory:
        patches = kvm_unit_tests.patches(directory, changes, signed=signoff)
        if output:
            kvm_unit_tests.write_mailbox(patches, output)
        if output_directory:
            kvm_unit_tests.write_patches(patches, output_directory)
        written = output or f"{output_directory}/*.patch"
        echo(f"{written}: {len(patches)} patches; `git am` applies them")
    else:
        files = kvm_unit_tests.files_of(changes)
        kvm_unit_tests.apply(directory, files, force=force)
        for path in files:
            echo(path)
    return ExitCode.OK
