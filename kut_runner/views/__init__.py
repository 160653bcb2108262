# SPDX-License-Identifier: GPL-2.0-or-later
"""What people and programs get to see of a run; each view is a module of its own."""

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.errors import UsageError
from kut_runner.views.report_json import JsonFile, JsonLines
from kut_runner.views.report_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.document import Facts
    from kut_runner.session import View


def open_views(
    *,
    log_dir: Path | None = None,
    facts: "Facts | None" = None,
    json: Path | None = None,
    junit: Path | None = None,
    verbose: bool = False,
) -> "tuple[View, ...]":
    """Return the views of a run: the files first, so that they are whole when the terminal fails.

    `log_dir` gets `results.jsonl` and `results.json`; without it these are not written. `facts`
    are what is known about the run. Files of an earlier run under the same names are gone after
    this. Raises UsageError when one cannot be written or has two uses, before anything has run.
    """
    views: list[View] = []
    if log_dir:
        lines, document = log_dir / "results.jsonl", log_dir / "results.json"
        _refuse_sharing({"--json": json, "--junit": junit, "kut itself": lines})
        _refuse_sharing({"--json": json, "--junit": junit, "kut itself": document})
        views = [JsonLines(lines), JsonFile(document, facts, interval=inf)]
    else:
        _refuse_sharing({"--json": json, "--junit": junit})
    if json:
        views.append(JsonFile(json, facts))
    if junit:
        from kut_runner.views.report_junit import JUnit

        views.append(JUnit(junit))
    return (*views, Terminal(verbose=verbose))


def _refuse_sharing(files: "Mapping[str, Path | None]") -> None:
    """Raise UsageError when two of `files` are one, whatever names they go by."""
    users: dict[Path, str] = {}
    for user, path in files.items():
        if path and (other := users.setdefault(path.resolve(), user)) != user:
            raise UsageError(f"{path} is written by {other} and by {user}", "name two files")
