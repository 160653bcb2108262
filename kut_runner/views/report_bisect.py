# SPDX-License-Identifier: GPL-2.0-or-later
"""A bisection on a terminal: a line for each revision, and the result."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kut_runner.bisection.search import Found, Step
    from kut_runner.bisection.watch import Watch


def watched(watch: "Watch", others: int) -> str:
    """Return the line about what is watched."""
    more = f"; {others} more fail at the bad end only" if others else ""
    return f"watching {watch}{more}"


def step_line(step: "Step") -> str:
    """Return the line of a revision."""
    left = f", about {step.left} left" if step.left else ""
    end = f"{step.end}, " if step.end else ""
    about = f"{end}{step.trial.seconds:.1f} s{left}"
    mark = step.trial.mark.value.upper()
    return f"{mark:4}  {step.commit.short}  {step.commit.subject}  ({about})"


def details(step: "Step") -> str:
    """Return the line of output that decides about a revision."""
    return f"      {step.trial.line}"


def result_lines(found: "Found") -> Iterator[str]:
    """Yield the first bad commit, and the check before and after it."""
    if found.first_bad:
        commit = found.first_bad
        yield f"{commit.hash} is the first bad commit"
    else:
        yield f"the first bad commit is one of these {len(found.candidates)}, as skips hide which:"
    for commit in found.candidates:
        yield f"  {commit.short}  {commit.date}  {commit.author}"
        yield f"  {'':{len(commit.short)}}  {commit.subject}"
    yield f"before: {found.before.line}"
    yield f"after:  {found.after.line}"
