# SPDX-License-Identifier: GPL-2.0-or-later
"""Conclusion of an attempt at rows of the conformance suite, which may need several machines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import errata
from kut_runner.errors import ExitCode, InfrastructureError
from kut_runner.run import isolation, known_failures
from kut_runner.run.isolation import Boot
from kut_runner.verdict import row_list
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
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
    problem = None
    if any(boot.output.rows for boot in boots) and case.image.row_list.exists():
        try:
            boots, problem = _listed(boots, case)
        except InfrastructureError as error:
            problem = _missing(str(error))
    output = isolation.merged(boots)
    verdict = problem or _verdict(boots, output, case)
    if case.errata and output.rows:
        applicable = known_failures.applicable(errata.load(case.errata), case)
        output = known_failures.mark(output, applicable)
        verdict = known_failures.verdict(verdict, output)
    return Boot(
        output,
        isolation.whole_exit(boots),
        verdict,
        next((boot.diagnosis for boot in boots if boot.diagnosis), None),
    )


def _listed(boots: Sequence[Boot], case: "Case") -> tuple[Sequence[Boot], Verdict | None]:
    """Return the machines with the ids of their rows, or a verdict if the list is another one."""
    found = row_list.load(case.image.row_list)
    others = [each for boot in boots if (each := boot.output.rows) and each.hash != found.hash]
    if not others:
        return isolation.with_list(boots, found), None
    reason = f"the image has rows with hash {others[0].hash}, {case.image.row_list} {found.hash}"
    return boots, _missing(f"{reason}: build both again")


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


def _missing(reason: str) -> Verdict:
    return Verdict(Status.ERROR, reason, ExitCode.INFRASTRUCTURE, _CAUSE)
