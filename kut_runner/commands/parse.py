# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut parse`: verdicts on a saved serial log."""

import sys
from pathlib import Path

import click

from kut_runner.commands import options, where
from kut_runner.errors import UsageError


@click.command("parse")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--elf",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="ELF file of the image, for functions and source lines.",
)
@click.option("--image", metavar="NAME", help="Image of the source tree whose ELF file to use.")
@options.compiler
@options.variant
@options.no_checks
@options.verbose
@options.reports
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    log: str,
    elf: Path | None,
    image: str | None,
    compiler: str,
    variant: str | None,
    no_checks: str | None,
    verbose: bool,
    reports: dict[str, Path | None],
) -> int:
    """Judge a saved serial log.

    Prints verdict and diagnosis of each test in LOG; - is standard input.
    """
    from kut_runner.build.layout import Layout
    from kut_runner.definitions.no_checks import NoChecks
    from kut_runner.records import saved_log
    from kut_runner.views.display import DisplayOptions
    from kut_runner.views.opening import open_views

    if elf and image:
        raise UsageError("--elf and --image contradict each other", "omit one of them")
    if image:
        build_name = f"{compiler}-{variant}" if variant else compiler
        elf = where.tree_of(root) / Layout(build_name).elf(image)
        if not elf.is_file():
            is_path = "/" in image or image.endswith((".elf", ".flat"))
            hint = "name a file with --elf" if is_path else f"build it: kut build {image}"
            raise UsageError(f"{elf} does not exist", hint)
    data = sys.stdin.buffer.read() if log == saved_log.STDIN else Path(log).read_bytes()
    policy = NoChecks(no_checks) if no_checks else None
    results = saved_log.results(log, data, elf, policy)
    views = open_views(reports=reports, display=DisplayOptions(verbosity=int(verbose)))
    return saved_log.show(results, views)
