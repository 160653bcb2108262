# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut errata`: the known deviations of emulators from the architecture."""

from pathlib import Path

import click

from kut_runner.commands import where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, NothingSelectedError


@click.command("errata")
@click.option("--markdown", is_flag=True, help="Print the table of docs/errata.md.")
@click.pass_obj
def command(root: Path | None, *, markdown: bool) -> int:
    """List the errata of configs/errata.toml, with the versions that have them."""
    from kut_runner.definitions import errata

    definitions = where.definitions(root)
    if not definitions.errata:
        raise NothingSelectedError("no configs/errata.toml", "docs/errata.md describes the file")
    found = errata.load(definitions.errata)
    if markdown:
        echo(errata.markdown(found), nl=False)
        return ExitCode.OK
    for each in found:
        echo(f"{each.name}  {errata.where(each)}: {each.reason}")
        for row in each.rows:
            echo(f"  {row}")
    return ExitCode.OK
