# SPDX-License-Identifier: GPL-2.0-or-later
"""Conclusion of an attempt at rows of the conformance suite, which may need several machines."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import errata
from kut_runner.errors import ExitCode, InfrastructureError
from kut_runner.run import isolation, known_failures
from kut_runner.run.boots import Boot
from kut_runner.verdict import row_list
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.row_list import RowList
from kut_runner.verdict.rows import NONE, AreaRows
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.targets.case import Case

_CAUSE: Final = Cause.ROWS_MISSING
#: Arguments of an image that leave out rows.
_SELECTIONS: Final = ("start=", "rows=")


def of(boots: Sequence[Boot], case: "Case") -> Boot:
    """Return what the machines of an attempt at a case come to, as that of one machine.

    Its diagnosis is that of the first one that has any.
    """
    found, problem = None, None
    try:
        found = _row_list(boots, case)
    except InfrastructureError as error:
        problem = Verdict(Status.ERROR, error.message, ExitCode.INFRASTRUCTURE, _CAUSE)
    if found:
        boots = isolation.with_list(boots, found)
    output = marked = isolation.merged(boots)
    verdict = problem or _verdict(boots, output, case)
    if case.errata and output.rows:
        applicable = known_failures.applicable(errata.load(case.errata), case)
        cases = found.errata if found else {}
        marked = known_failures.mark(output, applicable, cases, known_failures.tested(case))
        verdict = known_failures.verdict(verdict, marked, applicable)
    if found and output.rows and marked.rows:
        marked = replace(marked, rows=found.covered(output.rows, marked.rows))
    return Boot(
        marked,
        isolation.whole_exit(boots),
        verdict,
        next((boot.diagnosis for boot in boots if boot.diagnosis), None),
    )


def _row_list(boots: Sequence[Boot], case: "Case") -> RowList | None:
    """Return the list of the rows, None without one; raises InfrastructureError for another."""
    path = case.image.row_list
    if not path.exists():
        return None
    found = row_list.load(path)
    for boot in boots:
        if boot.output.rows and boot.output.rows.hash != found.hash:
            reason = f"the image has rows with hash {boot.output.rows.hash}, {path} {found.hash}"
            raise InfrastructureError(f"{reason}: build both again")
    return found


def _verdict(boots: Sequence[Boot], output: GuestOutput, case: "Case") -> Verdict:
    verdict = boots[-1].verdict
    rows = output.rows
    if not rows:
        return verdict
    if len(boots) > 1:
        return isolation.verdict(boots, rows)
    is_whole = not any(each.startswith(_SELECTIONS) for each in case.test.args.split())
    if verdict.status is Status.PASS and is_whole and (missing := rows.counts[NONE]):
        return Verdict(Status.CRASH, _unreported(rows, missing), ExitCode.TESTS_FAILED, _CAUSE)
    return verdict


def _unreported(rows: AreaRows, missing: int) -> str:
    return f"{missing} of {rows.count} rows of area {rows.area} have no verdict"
