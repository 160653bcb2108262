# SPDX-License-Identifier: GPL-2.0-or-later
"""Conclusion of an attempt: output and verdict of its machine, or of several for rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.errors import ExitCode, InfrastructureError
from kut_runner.process.boot import ProcessExit
from kut_runner.run import isolation
from kut_runner.run.isolation import Boot
from kut_runner.verdict import row_list
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import NONE, AreaRows
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.targets.case import Case
    from kut_runner.verdict.diagnosis import Diagnosis

_CAUSE: Final = Cause.ROWS_MISSING
#: Arguments of an image that leave out rows.
_SELECTIONS: Final = ("start=", "rows=")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What all machines of an attempt come to."""

    verdict: Verdict
    output: GuestOutput
    process_exit: ProcessExit
    diagnosis: "Diagnosis | None"
    """Of the first machine that has one."""


def of(boots: Sequence[Boot], case: "Case") -> Conclusion:
    """Return the conclusion of an attempt at a case; it has at least one machine."""
    problem = None
    if any(boot.output.rows for boot in boots) and case.image.row_list.exists():
        try:
            boots, problem = _listed(boots, case)
        except InfrastructureError as error:
            problem = _missing(str(error))
    output = isolation.merged(boots)
    verdict = problem or _verdict(boots, output, case)
    return Conclusion(
        verdict,
        output,
        isolation.whole_exit(boots),
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
