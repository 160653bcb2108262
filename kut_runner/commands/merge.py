# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut merge`: the results of shards become those of one run."""

from pathlib import Path

import click

from kut_runner.commands import options


@click.command("merge")
@click.argument("files", type=options.IN_FILE, nargs=-1, required=True)
@click.option("--json", type=options.OUT_FILE, help="Write the joined results to this file.")
@click.option("--junit", type=options.OUT_FILE, help="Write them as JUnit XML to this file.")
@options.verbose
def command(
    *, files: tuple[Path, ...], json: Path | None, junit: Path | None, verbose: bool
) -> int:
    """Join the results of shards, FILES of `kut run --json`, and give the verdict on the whole."""
    from kut_runner import document, merge, views

    merged = merge.merge({str(path): document.load(path) for path in files})
    shown = views.open_views(facts=merged.document.facts, json=json, junit=junit, verbose=verbose)
    code = document.replay(merged.document, shown)
    for words in merged.missing:
        click.echo(f"kut: missing: {words}", err=True)
    return code
