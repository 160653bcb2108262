# SPDX-License-Identifier: GPL-2.0-or-later
"""One test in the page: a line that expands to all details."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from kut_runner.process.boot import ExitKind
from kut_runner.targets.selection import label
from kut_runner.verdict.events import Check
from kut_runner.verdict.result import TestResult
from kut_runner.views.html.diagnosis import diagnosis
from kut_runner.views.html.log import log
from kut_runner.views.html.text import Budget, shown

#: Maximum number of checks listed.
_MOST_CHECKS: Final = 200

_EXITS: Final = {
    ExitKind.EXITED: "exited",
    ExitKind.KILLED: "killed",
    ExitKind.TIMED_OUT: "timed out",
    ExitKind.LINGERED: "lingered",
    ExitKind.INTERRUPTED: "interrupted",
    ExitKind.GIVEN_UP: "stopped by its harness",
    ExitKind.NOT_STARTED: "not started",
}


def test(result: TestResult, ident: str, budget: Budget, *, is_open: bool) -> str:
    """Return the test, without details that exceed the budget."""
    status = result.status.value
    parts = [_diagnosis(result), *_details(result, ident)]
    details = "".join(part for part in parts if part and budget.take(part))
    if not details:
        details = '<p class="note">Left out, as the page would be too large: see the log.</p>'
    reason = shown(result.verdict.reason, 300) or _checks_made(result)
    return (
        f'<details id="{ident}" class="test" data-status="{status}"{" open" if is_open else ""}>'
        f'<summary><b class="pill {status}">{status}</b><span class="name">{shown(result.id)}'
        f'</span><span class="reason">{reason}</span>'
        f'<span class="seconds">{result.seconds:.2f} s</span></summary>'
        f'<div class="body">{details}</div></details>'
    )


def _details(result: TestResult, ident: str) -> Iterator[str]:
    yield _checks(result)
    yield log(result, ident)
    yield from (_earlier(each) for each in result.earlier)
    yield _properties(result, ident)


def _diagnosis(result: TestResult) -> str:
    return diagnosis(result.diagnosis, result.verdict.reason) if result.diagnosis else ""


def _checks_made(result: TestResult) -> str:
    if result.output.rows:
        return shown(result.output.rows.summary)
    made = result.output.counted
    return f"{made} check{'' if made == 1 else 's'}"


def _checks(result: TestResult) -> str:
    """Return the checks: failed ones visible, others collapsed."""
    failed = result.output.failed
    others = [check for check in result.output.checks if not check.status.is_failure]
    parts = []
    if failed:
        parts.append(f"<h4>Failed checks</h4>{_check_list(failed)}")
    if others:
        silent = result.output.counted - len(result.output.checks)
        note = f", and {silent} without a line" if silent else ""
        label = f"{len(others)}{' other' if failed else ''} check{'' if len(others) == 1 else 's'}"
        parts.append(f"<details><summary>{label}{note}</summary>{_check_list(others)}</details>")
    return "".join(parts)


def _check_list(checks: Sequence[Check]) -> str:
    items = [
        f'<li><b class="{check.status.value}">{check.status.value}</b> {shown(check.text, 500)}'
        f"{_place(check)}"
        for check in checks[:_MOST_CHECKS]
    ]
    if len(checks) > _MOST_CHECKS:
        items.append(f"<li>and {len(checks) - _MOST_CHECKS} more")
    return f'<ul class="checks">{"".join(items)}</ul>'


def _place(check: Check) -> str:
    return f' <span class="place">at {shown(check.place)}</span>' if check.place else ""


def _earlier(result: TestResult) -> str:
    outcome = f"{result.status.value}: {result.verdict.reason}"
    return f'<p class="note">Attempt {result.attempt}: {shown(outcome)}</p>'


def _properties(result: TestResult, ident: str) -> str:
    program = shown(label(result.target))
    rows = [
        ("Exit", _ended(result)),
        ("Command", f"<code>{shown(shlex.join(result.command))}</code>" if result.command else ""),
        (program, shown(result.version)),
        ("Build", f"<code>{shown(result.build_id)}</code>" if result.build_id else ""),
        ("Log", f"<code>{shown(result.log)}</code>" if result.log else ""),
        ("Trace", f"<code>{shown(result.trace)}</code>" if result.trace else ""),
        (f"{program} stderr", _stderr(result)),
        ("Link", f'<a href="#{ident}">#{ident}</a>'),
    ]
    return f"<dl>{''.join(f'<dt>{name}<dd>{value}' for name, value in rows if value)}</dl>"


def _stderr(result: TestResult) -> str:
    if not (result.process_exit and result.process_exit.stderr):
        return ""
    lines = "\n".join(shown(line) for line in result.process_exit.stderr.splitlines()[-40:])
    return f"<pre>{lines}</pre>"


def _ended(result: TestResult) -> str:
    if not result.process_exit:
        return "not started"
    kind = result.process_exit.kind
    text = _EXITS[kind]
    number = {ExitKind.EXITED: "status", ExitKind.KILLED: "signal"}.get(kind)
    after = f" after {result.process_exit.seconds:.3f} s"
    return f"{text}{f', {number} {result.process_exit.code}' if number else ''}{after}"
