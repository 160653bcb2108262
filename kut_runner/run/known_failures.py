# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that fail because of an erratum: they become known failures, and the list is checked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import translate
from typing import Final

from kut_runner.definitions.errata import QEMU, Erratum, programs
from kut_runner.errors import ExitCode
from kut_runner.targets import tcg
from kut_runner.targets.case import Case
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import Check, Event, Info, Summary
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import (
    FAILED,
    KNOWN,
    NONE,
    SKIP,
    Listed,
    coded,
    parts_of,
    summary_event,
)
from kut_runner.verdict.status import Status

#: Causes of verdicts that depend on the failed rows only.
_CAUSES: Final = (Cause.CHECKS_FAILED, Cause.ROWS_CRASHED)
#: CPU of an emulator below the program under test (`lab_machine`).
_EMULATED: Final = "max"
_WILD: Final = re.compile(r"[*?\[]")
_NO_CASES: Final[Mapping[str, Sequence[int]]] = {}


def applicable(errata: Iterable[Erratum], case: Case) -> list[Erratum]:
    """Return the errata of the target and the CPU of a case."""
    found = _programs(case)
    cpu = case.test.cpu if len(found) == 1 else _EMULATED
    return [
        each
        for each in errata
        if any(each.applies(program, version, cpu) for program, version in found)
    ]


def tested(case: Case) -> str:
    """Return the program under test of a case."""
    return _programs(case)[0][0]


def _programs(case: Case) -> tuple[tuple[str, str], ...]:
    target = case.target
    return programs(QEMU if target.name == tcg.NAME else target.name, target.version)


def mark(
    output: GuestOutput,
    errata: Sequence[Erratum],
    cases: Mapping[str, Sequence[int]] = _NO_CASES,
    program: str = QEMU,
) -> GuestOutput:
    """Return the output with the failures that errata list as known ones; it has rows with ids.

    `cases` are the numbers of random cases that an erratum may concern, by its name. Rows are
    counted for the errata of `program`: it may hide those of an emulator below it.
    """
    rows = output.rows
    if not rows or not rows.ids:
        return output
    listed = {each.name: numbers(rows.ids, each) for each in errata if not each.skip}
    codes = list(rows.codes())
    known = dict[str, str]()
    for name, found in listed.items():
        concerned = (*found, *cases.get(name, ()))
        known |= {rows.ids[number]: name for number in concerned if codes[number] in FAILED}
    counted = {each.name for each in errata if each.program == program}
    counts = {
        name: _count(codes, found) for name, found in listed.items() if found and name in counted
    }
    for number, id_ in enumerate(rows.ids):
        if id_ in known:
            codes[number] = KNOWN
    marked = replace(rows, runs=coded(codes), errata=counts)
    told = tuple(_marked(event, known) for event in output.checks_and_infos)
    ends: dict[type[Event], Event] = {**output.last, Summary: summary_event(marked)}
    return replace(
        output,
        rows=marked,
        checks_and_infos=told,
        checks=tuple(event for event in told if isinstance(event, Check)),
        last=ends if Summary in output.last else output.last,
    )


def verdict(before: Verdict, output: GuestOutput, errata: Sequence[Erratum] = ()) -> Verdict:
    """Return the verdict on a test whose known failures are marked.

    A message of a kernel that an erratum has is none against a test whose rows all ran.
    """
    rows = output.rows
    if not rows or before.status is not Status.FAIL:
        return before
    if not (_is_known_message(before, output, errata) or before.cause in _CAUSES):
        return before
    if before.cause in _CAUSES and not rows.counts[KNOWN]:
        return before
    if not rows.failed:
        return Verdict(Status.PASS, "", ExitCode.OK, Cause.PASSED)
    reason = f"{rows.failed} of {rows.count} rows failed"
    cause = before.cause if before.cause in _CAUSES else Cause.CHECKS_FAILED
    return replace(before, reason=reason, cause=cause)


def _is_known_message(before: Verdict, output: GuestOutput, errata: Sequence[Erratum]) -> bool:
    return (
        before.cause is Cause.KERNEL_LOG
        and Summary in output.last
        and any(each.log and each.log in before.reason for each in errata)
    )


def numbers(ids: Sequence[str], erratum: Erratum) -> list[int]:
    """Return the numbers of the rows of an area that an erratum lists."""
    first = ids[0].partition(".")[0] if ids else ""
    globs = [glob for glob in erratum.globs if _may_match(glob, first)]
    if not globs:
        return []
    is_listed, is_excluded = _matcher(globs), _matcher(erratum.excluded)
    return [number for number, id_ in enumerate(ids) if is_listed(id_) and not is_excluded(id_)]


def _matcher(globs: Sequence[str]) -> Callable[[str], object]:
    """Return a function that tests ids against any of the globs, of which there may be none."""
    return re.compile("|".join(map(translate, globs)) or "(?!)").match


def _may_match(glob: str, first: str) -> bool:
    """Return whether a glob may match an id whose first part is `first`: a quick test."""
    start = _WILD.split(glob)[0]
    return f"{first}.".startswith(start) or start.startswith(f"{first}.")


def _count(codes: Sequence[str], numbers: Iterable[int]) -> Listed:
    failed = passed = skipped = 0
    for number in numbers:
        code = codes[number][0]
        failed += code in FAILED
        skipped += code == SKIP
        passed += code not in (*FAILED, SKIP, NONE)
    return Listed(failed, passed, skipped)


def _marked(event: Check | Info, known: dict[str, str]) -> Check | Info:
    """Return the check of a row as a known failure if an erratum lists the row."""
    if not isinstance(event, Check) or event.status not in (Status.FAIL, Status.CRASH):
        return event
    parts = parts_of(event)
    if not parts or not (name := known.get(parts[1])):
        return event
    area, row, message = parts
    crash = "crash: " if event.status is Status.CRASH else ""
    return Check(f"KFAIL: {area}: {row}: {crash}{message} (erratum {name})", Status.KFAIL)
