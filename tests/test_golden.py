# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden logs, each with its expected events and verdict.

`KUT_GOLDEN=write pytest tests/test_golden.py` rewrites the expectations; review the diff.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.verdict.events import Event, Output, parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split

GOLDEN = Path(__file__).with_name("golden")
POWER_OFF = ProcessExit(ExitKind.EXITED, 0, 1.0, "")


def shown(event: Event) -> str:
    """Return an event on one line: its kind and its fields, else its text."""
    fields = [
        f"{name}={getattr(event, name)}"
        for name in type(event).__dataclass_fields__
        if name not in ("line", "place")  # the place is in the line after: see test_places
    ]
    return " ".join((type(event).__name__, *fields)) + f" | {event.line}"


def heard(log: bytes) -> dict[str, Any]:
    events = list(parse(split([log])))
    verdict = judge(collect(events), POWER_OFF)
    return {
        "status": verdict.status.value,
        "reason": verdict.reason,
        "cause": verdict.cause.value if verdict.cause else None,
        "exit_code": int(verdict.exit_code),
        "events": [shown(event) for event in events if not isinstance(event, Output)],
        "output": [event.line for event in events if isinstance(event, Output)],
    }


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.log")), ids=lambda path: path.stem)
def test_log_gives_its_events_and_verdict(path: Path) -> None:
    expectation = path.with_suffix(".json")
    found = heard(path.read_bytes())
    if os.environ.get("KUT_GOLDEN") == "write":
        expectation.write_text(json.dumps(found, indent=1) + "\n")
    assert found == json.loads(expectation.read_text())
    assert path.stem.split("-")[0] == found["status"], "the name tells the status"


def test_there_are_logs() -> None:
    assert len(list(GOLDEN.glob("*.log"))) > 30
