# SPDX-License-Identifier: GPL-2.0-or-later
"""Results for GitHub Actions: annotations in the log, and the summary of the step.

GitHub shows 10 annotations of each kind per step, and no summary larger than 1 MiB. Failures come
first, and results that do not fit are counted. A guest must not be able to issue workflow commands:
while tests run, commands are disabled with a random token, and quoted output is escaped for
annotations, HTML and Markdown.
"""

import os
import re
import secrets
import sys
from collections import Counter
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from kut_runner.errors import ExitCode, UsageError
from kut_runner.records.view import View
from kut_runner.text import printable
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

#: Annotations of one kind that GitHub shows for a step.
MOST_ANNOTATIONS: Final = 10
#: Maximum size of a step's summary in bytes; GitHub shows nothing of a larger one.
MOST_SUMMARY: Final = 1 << 20

#: Maximum number of characters of an annotation, and of one test in the summary.
_MOST_MESSAGE: Final = 2000
_MOST_DETAILS: Final = 10_000
#: Bytes kept free for the messages about results that do not fit.
_RESERVE: Final = 1000
_SLOWEST: Final = 5
#: Place in the message of a failed assertion, relative to the source tree.
_ASSERTION: Final = re.compile(r"([^/\s:][^\s:]*):([1-9][0-9]{0,6}): assert failed: ")
#: Failed checks in an annotation.
_MOST_CHECKS: Final = 5
#: Characters with a meaning in Markdown, or on GitHub, even inside <code>; as references.
_MARKDOWN: Final = {char: f"&#{ord(char)};" for char in "\\`*_[]~|!:@$"}
_MARKS: Final = {Status.PASS: "✅", Status.SKIP: "⏭️", Status.FLAKY: "⚠️"}


class GitHub(View):
    """Annotations and step summary, both at the end of the run."""

    def __init__(
        self,
        *,
        stream: TextIO | None = None,
        environment: "Mapping[str, str] | None" = None,
        tree: Path | None = None,
    ) -> None:
        """Write annotations to `stream`, and the summary to the file $GITHUB_STEP_SUMMARY.

        `tree` is the directory of relative source paths, by default the current one. Raises
        UsageError when the summary cannot be written.
        """
        environment = os.environ if environment is None else environment
        self._stream = stream or sys.stdout
        self._sources = _from_workspace(tree or Path(), environment)
        self._token = secrets.token_hex(16)
        name = environment.get("GITHUB_STEP_SUMMARY")
        self._summary = Path(name) if name else None
        if self._summary:
            try:
                self._summary.open("ab").close()
            except OSError as error:
                raise UsageError(
                    f"$GITHUB_STEP_SUMMARY: {name} cannot be written: {error.strerror}"
                ) from None

    def on_start(self, cases: "Sequence[str]") -> None:  # noqa: ARG002 - of the interface
        """Disable workflow commands, as the output of guests follows."""
        self._print(f"::stop-commands::{self._token}")

    def on_end(self, run: "Run") -> None:
        """Enable workflow commands again, and write annotations and summary."""
        self._print(f"::{self._token}::")
        for line in annotations(run, self._sources):
            self._print(line)
        if self._summary:
            with self._summary.open("ab") as file:
                space = MOST_SUMMARY - file.tell()
                file.write(summary(run, space).encode())

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def annotations(run: "Run", sources: Path | None = Path()) -> "Iterator[str]":
    """Yield the workflow commands for a run: errors for failures, warnings for flaky tests.

    `sources` is the directory of relative source paths in the repository; None if they are outside
    of it.
    """
    failed = [result for result in run.results if result.status.is_failure]
    flaky = [result for result in run.results if result.status is Status.FLAKY]
    errors = [_annotation(result, sources) for result in failed]
    if not run.is_complete:
        left = run.selected - len(run.results)
        errors.insert(0, ("", 0, "kut", f"the run was cut short: {left} tests have no result"))
    elif run.exit_code and not errors:
        errors.append(("", 0, "kut", _no_failure(run)))
    yield from _commands("error", errors)
    yield from _commands("warning", [_annotation(result, sources) for result in flaky])


def summary(run: "Run", space: int) -> str:
    """Return the summary of a run in GitHub's Markdown, at most `space` bytes.

    Failures come first, with their diagnosis; results that do not fit are counted.
    """
    if space < _RESERVE:
        return ""
    failed = [result for result in run.results if result.status.is_failure]
    others = [result for result in run.results if not result.status.is_failure]
    notable = [result for result in others if result.status is not Status.PASS]
    slowest = sorted(run.results, key=lambda result: -result.seconds)[:_SLOWEST]
    budget = _Budget(space - _RESERVE)
    budget.add_all([_heading(run, failed)], "counts")
    budget.add_all(map(_details, failed), "failed tests")
    budget.add_all(_rows("Skipped or flaky", notable), "tests")
    if len(run.results) > 1:
        budget.add_all(_rows("Slowest", slowest), "tests")
    return budget.text


class _Budget:
    """Text of a limited number of bytes, except for messages about parts that do not fit."""

    def __init__(self, space: int) -> None:
        self._space = space
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def add_all(self, parts: "Iterable[str]", what: str) -> None:
        """Add the parts in order as far as they fit, and the number of those that do not."""
        left = [*parts]
        while left:
            self._space -= len(left[0].encode())
            if self._space < 0:
                self._parts.append(f"\n{len(left)} more {what} do not fit here.\n\n")
                return
            self._parts.append(left.pop(0))


def _from_workspace(tree: Path, environment: "Mapping[str, str]") -> Path | None:
    """Return the path of a source tree in the repository, to which paths on GitHub are relative.

    Returns None for a tree outside of the repository, such as that of an installed kut.
    """
    top = environment.get("GITHUB_WORKSPACE")
    if not top:
        return Path()
    tree, workspace = tree.resolve(), Path(top).resolve()
    return tree.relative_to(workspace) if tree.is_relative_to(workspace) else None


def _annotation(result: "TestResult", sources: Path | None) -> tuple[str, int, str, str]:
    """Return file, line, title and message."""
    file, line = _source_line(result)
    found = result.diagnosis
    failed = [line for check in result.output.failed[:_MOST_CHECKS] for line in check.lines]
    left = len(result.output.failed) - _MOST_CHECKS
    failed += [f"and {left} more failed checks"] if left > 0 else []
    reason = result.verdict.reason
    lines = [reason, *failed, found.headline_after(reason) if found else ""]
    message = "\n".join(dict.fromkeys(line for line in map(printable, lines) if line))
    shown = str(sources / file) if file and sources else ""
    return shown, line if shown else 0, f"{result.id}: {result.status.value}", message


def _source_line(result: "TestResult") -> tuple[str, int]:
    """Return file and line of the failure: an assertion's, of a crash or hang, or a check's.

    The file is relative to the source tree, "" when none is known.
    """
    if match := _ASSERTION.match(result.output.fatal_message):  # it names its caller's line
        return match[1], int(match[2])
    found = result.diagnosis
    stacks = (found.frames, *(cpu.frames for cpu in found.cpus)) if found else ()
    for frame in (frame for stack in stacks for frame in stack):
        if frame.line and not Path(frame.file).is_absolute():
            return frame.file, frame.line
    for check in result.output.failed:
        file, _, line = check.place.rpartition(":")
        if file and line.isdecimal() and not Path(file).is_absolute():
            return file, int(line)
    return "", 0


def _commands(kind: str, found: "Sequence[tuple[str, int, str, str]]") -> "Iterator[str]":
    shown = found
    if len(found) > MOST_ANNOTATIONS:
        shown = found[: MOST_ANNOTATIONS - 1]
        names = "\n".join(title for _, _, title, _ in found[len(shown) :])
        shown = [*shown, ("", 0, f"and {len(found) - len(shown)} more", names)]
    for file, line, title, message in shown:
        location = [f"file={_property(file)}", f"line={line}"] if file else []
        properties = ",".join([*location, f"title={_property(title)}"])
        yield f"::{kind} {properties}::{_data(_cut(message, _MOST_MESSAGE))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def _heading(run: "Run", failed: "Sequence[TestResult]") -> str:
    counts = Counter(result.status for result in run.results)
    parts = [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    mark = "✅" if not run.exit_code else "❌"
    total = f"{len(run.results)} test{'' if len(run.results) == 1 else 's'}"
    text = f"## {mark} {total} in {run.seconds:.2f} s: {', '.join(parts) or 'none ran'}\n\n"
    if not run.is_complete:
        left = run.selected - len(run.results)
        text += f"**Cut short:** {left} tests have no result.\n\n"
    elif run.exit_code and not failed:
        text += f"**{_no_failure(run)}**\n\n"
    return text


def _no_failure(run: "Run") -> str:
    if run.exit_code is ExitCode.NOTHING_RAN:
        return "nothing ran: every test was skipped"
    return f"nothing failed, but the exit code is {int(run.exit_code)}"


def _details(result: "TestResult") -> str:
    """Return a failed test: its reason, and a collapsed section with its failures."""
    head = f"{_MARKS.get(result.status, '❌')} <code>{_html(result.id)}</code> "
    head += (
        f"{result.status.value}: <code>{_html(_cut(result.verdict.reason, _MOST_MESSAGE))}</code>"
    )
    found = result.diagnosis
    failed = [line for check in result.output.failed for line in check.lines]
    lines = [*failed, *(found.lines(result.verdict.reason) if found else ())]
    if not lines:
        lines = [*result.output.last_lines]
    body = _cut_lines(map(_html, lines), _MOST_DETAILS)
    return f"<details><summary>{head}</summary>\n<pre>{body}</pre>\n</details>\n\n"


def _rows(title: str, results: "Iterable[TestResult]") -> "Iterator[str]":
    """Yield a heading and an item for each result; nothing without results."""
    found = [*results]
    if found:
        yield f"\n### {title}\n\n"
    for result in found:
        mark = _MARKS.get(result.status, "❌")
        reason = _html(_cut(result.verdict.reason, _MOST_MESSAGE))
        yield (
            f"- {mark} <code>{_html(result.id)}</code> {result.seconds:.2f} s"
            f"{f' <code>{reason}</code>' if reason else ''}\n"
        )


def _html(text: str) -> str:
    """Return text escaped for HTML and Markdown, on one line."""
    return "".join(_MARKDOWN.get(char, char) for char in escape(printable(text)))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _cut_lines(lines: "Iterable[str]", most: int) -> str:
    """Return the first lines, up to `most` characters; whole lines keep references intact."""
    kept = ""
    for line in lines:
        if len(kept) + len(line) > most:
            return f"{kept}..."
        kept += f"{line}\n"
    return kept
