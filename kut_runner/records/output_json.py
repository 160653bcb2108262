# SPDX-License-Identifier: GPL-2.0-or-later
"""Output of a guest as JSON in the document of a run, and back."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kut_runner.text import printable
from kut_runner.verdict import events
from kut_runner.verdict.events import Check, Event, Info, Output
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.verdict.rows import AreaRows

#: Kinds of events of which only one is kept, by their keys in the document.
_KINDS: Final[dict[str, type[Event]]] = {
    "abort": events.Abort,
    "died": events.Fatal,
    "syndrome": events.Syndrome,
    "stack": events.Stack,
    "summary": events.Summary,
    "exit": events.Exit,
    "output": Output,
}
_BY_NAME: Final = {status.value: status for status in Status}


def to_json(output: GuestOutput) -> dict[str, Any]:
    """Return the keys of a result that hold its output."""
    return {
        "checks_made": output.counted,
        "checks": [_check_to_json(check) for check in output.checks],
        "infos": _infos_to_json(output),
        "last": _last_to_json(output),
        "last_lines": list(output.last_lines),
        **_rows_to_json(output),
    }


def from_json(data: Mapping[str, Any]) -> GuestOutput:
    """Return the output that `to_json` wrote; keys missing from an older document are empty.

    Raises KeyError, TypeError, ValueError or AttributeError for anything else.
    """
    checks = tuple(map(_check_from_json, data["checks"]))
    told = _told(checks, data.get("infos", ()))
    lines = data.get("last", {})
    last: dict[type[Event], Event] = {type(event): event for event in told}
    for key, line in lines.items():
        if kind := _KINDS.get(key):
            last[kind] = (
                Output(printable(line)) if kind is Output else _event(printable(line), kind)
            )
    after_exit = printable(lines.get("after_exit", ""))
    last_lines = tuple(map(printable, data["last_lines"]))
    return GuestOutput(checks, last, told, after_exit, last_lines, _rows_from_json(data))


def _rows_to_json(output: GuestOutput) -> dict[str, Any]:
    if not output.rows:
        return {}
    from kut_runner.records import rows_json  # only for the conformance suite

    return {"rows": rows_json.to_json(output.rows)}


def _rows_from_json(data: Mapping[str, Any]) -> "AreaRows | None":
    if "rows" not in data:
        return None
    from kut_runner.records import rows_json  # only for the conformance suite

    return rows_json.from_json(data["rows"])


def _check_to_json(check: Check) -> dict[str, Any]:
    word, *prefixes, message = check.line.split(": ")  # one split: there may be 100,000 checks
    shown = {"status": word.lower(), "prefixes": prefixes, "message": message}
    return shown | {"place": check.place} if check.place else shown


def _check_from_json(data: Mapping[str, Any]) -> Check:
    status = _BY_NAME[data["status"]]
    parts = (status.value.upper(), *data["prefixes"], data["message"])
    return Check(printable(": ".join(parts)), status, printable(data.get("place", "")))


def _infos_to_json(output: GuestOutput) -> list[dict[str, Any]]:
    """Return the INFO lines, each with the number of checks before it."""
    infos: list[dict[str, Any]] = []
    checks = 0
    for event in output.checks_and_infos:
        if isinstance(event, Check):
            checks += 1
        else:
            infos.append({"after": checks, "text": event.text})
    return infos


def _told(
    checks: tuple[Check, ...], infos: Sequence[Mapping[str, Any]]
) -> tuple[Check | Info, ...]:
    """Return checks and INFO lines in the order in which the guest printed them."""
    if not infos:
        return checks

    told: list[Check | Info] = []
    done = 0
    for info in infos:
        told += checks[done : info["after"]]
        done = info["after"]
        told.append(Info(printable(f"INFO: {info['text']}")))
    return (*told, *checks[done:])


def _last_to_json(output: GuestOutput) -> dict[str, str]:
    last = {key: output.last[kind].line for key, kind in _KINDS.items() if kind in output.last}
    return last | ({"after_exit": output.after_exit} if output.after_exit else {})


def _event(line: str, kind: type[Event]) -> Event:
    (event,) = events.parse([f"{line}\n"])
    if type(event) is not kind:
        raise ValueError(f"{line!r} is no line of that kind")
    return event
