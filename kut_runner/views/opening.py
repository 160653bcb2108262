# SPDX-License-Identifier: GPL-2.0-or-later
"""Opening of the views of a run, before any test runs."""

import sys
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from kut_runner.errors import UsageError
from kut_runner.records.policy import Policy
from kut_runner.views.display import DisplayOptions
from kut_runner.views.outfile import STDOUT
from kut_runner.views.report_json import JsonFile, JsonLines
from kut_runner.views.report_terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.records.document import RunMetadata
    from kut_runner.records.view import View

_DISPLAY: Final = DisplayOptions()


def open_views(
    *,
    log_dir: Path | None = None,
    metadata: "RunMetadata | None" = None,
    reports: "Mapping[str, Path | None] | None" = None,
    display: DisplayOptions = _DISPLAY,
    tree: Path | None = None,
) -> "tuple[View, ...]":
    """Open the views of a run: files first, so that they are complete if the terminal fails.

    `results.jsonl` and `results.json` are written to `log_dir`, if given. `reports` are files by
    kind ("json", "junit", "html", "tap", "ktap", "kcidb"); "-" is stdout. `tree` is the directory
    of relative source paths, by default the current one. Removes existing files of these names. The
    last view is the terminal. Raises UsageError when a file cannot be written, or is used twice.
    """
    wanted = {kind: path for kind, path in (reports or {}).items() if path}
    by_option = {f"--{kind}": path for kind, path in wanted.items()}
    _refuse_sharing(by_option)
    views: list[View] = []
    if log_dir:
        lines, document = log_dir / "results.jsonl", log_dir / "results.json"
        for own in (lines, document):
            _refuse_sharing(by_option | {"kut itself": own})
        views = [JsonLines(lines), JsonFile(document, metadata, interval=inf)]
    views += [_open_report(kind, path, metadata) for kind, path in wanted.items()]
    stream = text_stream(reports)
    if display.github:
        from kut_runner.views.report_github import GitHub

        views.append(GitHub(stream=stream, tree=tree))
    if display.lava:
        from kut_runner.views.report_lava import Lava

        views.append(Lava(stream))
    policy = Policy.of(metadata.options if metadata else {})
    terminal = Terminal(display, rounds=_rounds(metadata), policy=policy, stream=stream)
    return (*views, terminal)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the views for the options of a command, once the run has its directory."""

    display: DisplayOptions = _DISPLAY
    reports: "Mapping[str, Path | None] | None" = None
    """Files by kind; see `open_views`."""
    tree: Path | None = None
    """Directory of relative source paths; by default the current one."""

    def __call__(self, log_dir: Path, metadata: "RunMetadata") -> "tuple[View, ...]":
        """Open the views; raises UsageError as `open_views`."""
        return open_views(
            log_dir=log_dir,
            metadata=metadata,
            reports=self.reports,
            display=self.display,
            tree=self.tree,
        )


def text_stream(reports: "Mapping[str, Path | None] | None") -> TextIO:
    """Return the stream for human-readable output: stderr when a report goes to stdout."""
    return sys.stderr if STDOUT in (reports or {}).values() else sys.stdout


def _open_report(kind: str, path: Path, metadata: "RunMetadata | None") -> "View":
    """Open a view by its kind; modules are imported when they are needed."""
    if kind == "json":
        return JsonFile(path, metadata)
    if kind == "tap":
        from kut_runner.views.report_tap import Tap

        return Tap(path)
    if kind == "ktap":
        from kut_runner.views.report_ktap import Ktap

        return Ktap(path, has_plan=_rounds(metadata) == 1)
    if kind == "junit":
        from kut_runner.views.report_junit import JUnit

        return JUnit(path)
    if kind == "kcidb":
        from kut_runner.views.report_kcidb import Kcidb

        return Kcidb(path, metadata)
    from kut_runner.views.report_html import Html

    return Html(path, metadata)


def _rounds(metadata: "RunMetadata | None") -> int | None:
    """Return the number of rounds of a run, None if it is not known."""
    rounds: int | None = metadata.options.get("repeat", 1) if metadata else 1
    return rounds


def _refuse_sharing(files: "Mapping[str, Path]") -> None:
    """Raise UsageError when two of `files`, given by their users, are the same file."""
    users: dict[Path, str] = {}
    for user, path in files.items():
        if (other := users.setdefault(path.resolve(), user)) != user:
            raise UsageError(
                f"{path} is written by {other} and by {user}", "name two different files"
            )
