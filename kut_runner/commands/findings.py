# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut findings`: differences between emulators and the architecture, to be sent upstream."""

import json as json_values
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode, NothingSelectedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kut_runner.views.report_findings import Finding

_PROGRAMS: Final = ("qemu", "linux")


@click.command("findings")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--markdown", is_flag=True, help="Print docs/findings.md.")
@click.option("--json", type=options.OUT_FILE, help="Write the findings to this file; - is stdout.")
@click.option(
    "--record",
    "runs",
    metavar="RUN",
    multiple=True,
    shell_complete=options.offers("runs"),
    help="Write configs/findings.json from this run of `kut conform`; one for each version.",
)
@click.option(
    "--program",
    type=click.Choice(_PROGRAMS),
    default=_PROGRAMS[0],
    help="Findings in this program; linux is its KVM, as the lab tests it.",
)
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    names: tuple[str, ...],
    markdown: bool,
    json: Path | None,
    runs: tuple[str, ...],
    program: str,
) -> int:
    """List the findings of the conformance suite, or show those with these names."""
    from kut_runner.definitions import errata, source_trees
    from kut_runner.records import findings
    from kut_runner.views import report_findings
    from kut_runner.views.opening import text_stream
    from kut_runner.views.outfile import OutFile

    listed = where.definitions(root).errata
    if not listed:
        raise NothingSelectedError("no configs/errata.toml", "docs/errata.md describes the file")
    if runs:
        source_trees.refuse_change(where.tree_of(root, quiet=True))
        store = where.store_of(root)
        documents = [store.load(name) for name in runs]
        program = findings.program_of(documents)
        fresh = json_values.dumps(findings.record(documents).to_json(), indent=1)
        listed.with_name(findings.file_of(program)).write_text(fresh + "\n")
    record = findings.load(listed.with_name(findings.file_of(program)))
    found = report_findings.findings(errata.load(listed), record, program)
    if markdown:
        echo(report_findings.markdown(found, record), nl=False)
        return ExitCode.OK
    chosen = _chosen(found, names)
    show = report_findings.details if names else report_findings.lines
    for line in show(chosen):
        echo(line, file=text_stream({"json": json}))
    if json:
        values = report_findings.as_json(chosen, record)
        OutFile(json).write(json_values.dumps(values, indent=1) + "\n")
    return ExitCode.OK


def _chosen(found: "Sequence[Finding]", names: "Sequence[str]") -> "Sequence[Finding]":
    """Return the findings with these names, all without any; raises UsageError for another name."""
    from kut_runner.definitions import similar

    known = {each.erratum.name: each for each in found}
    for name in names:
        if name not in known:
            hint = similar.hint(name, list(known), "`kut findings` lists them")
            raise UsageError(f'no finding is called "{name}"', hint)
    return [known[name] for name in names] if names else found
