# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut merge`: merge of the results of shards."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kut_runner.commands import options
from kut_runner.commands.output import echo

if TYPE_CHECKING:
    from kut_runner.views.display import DisplayOptions


@click.command("merge")
@click.argument("files", type=options.IN_FILE, nargs=-1, required=True)
@options.reports
@options.display
def command(
    *, files: tuple[Path, ...], reports: dict[str, Path | None], display: "DisplayOptions"
) -> int:
    """Merge the results of shards into those of one run.

    FILES are written by `kut run --json`.
    """
    from kut_runner.records import document, merge
    from kut_runner.views import opening

    merged = merge.merge({str(path): document.load(path) for path in files})
    shown = opening.open_views(metadata=merged.document.metadata, display=display, reports=reports)
    code = document.replay(merged.document, shown)
    for missing in merged.missing:
        echo(f"kut: missing: {missing}", err=True)
    return code
