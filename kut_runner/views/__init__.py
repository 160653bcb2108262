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
    reports: "Mapping[str, Path | None] | None" = None,
    verbose: bool = False,
) -> "tuple[View, ...]":
    """Return the views of a run: the files first, so that they are whole when the terminal fails.

    `log_dir` gets `results.jsonl` and `results.json`; without it these are not written. `facts`
    are what is known about the run, `reports` files by the name of their kind: "json" and
    "junit". Files of an earlier run under the same names are gone after this. Raises
    UsageError when one cannot be written or has two uses, before anything has run.
    """
    wanted = {kind: path for kind, path in (reports or {}).items() if path}
    options = {f"--{kind}": path for kind, path in wanted.items()}
    _refuse_sharing(options)
    views: list[View] = []
    if log_dir:
        lines, document = log_dir / "results.jsonl", log_dir / "results.json"
        for own in (lines, document):
            _refuse_sharing(options | {"kut itself": own})
        views = [JsonLines(lines), JsonFile(document, facts, interval=inf)]
    views += [_open_report(kind, path, facts) for kind, path in wanted.items()]
    return (*views, Terminal(verbose=verbose))


def _open_report(kind: str, path: Path, facts: "Facts | None") -> "View":
    if kind == "json":
        return JsonFile(path, facts)
    from kut_runner.views.report_junit import JUnit

    return JUnit(path)


def _refuse_sharing(files: "Mapping[str, Path]") -> None:
    """Raise UsageError when two of `files` are one, whatever names they go by."""
    users: dict[Path, str] = {}
    for user, path in files.items():
        if (other := users.setdefault(path.resolve(), user)) != user:
            raise UsageError(f"{path} is written by {other} and by {user}", "name two files")
