# SPDX-License-Identifier: GPL-2.0-or-later
"""The log of a test in the page: numbered lines with anchors, and a long log without its middle."""

from collections.abc import Iterator
from typing import Final

from kut_runner.records.store import kept_log
from kut_runner.text import decode
from kut_runner.verdict.result import TestResult
from kut_runner.views.html.text import shown

#: Number of first and of last lines shown of a log, for failed tests and for others.
_FAILED: Final = (100, 400)
_GOOD: Final = (20, 60)
#: Maximum number of bytes shown of a line.
_LINE: Final = 1000
_BAD: Final = ("FAIL: ", "XPASS: ", "ABORT: ", "Unhandled exception", "Stack overflow")


def log(result: TestResult, ident: str) -> str:
    """Return the log file, or the last lines of the result; anchors are IDENT.LINE."""
    raw = _read(result.log)
    if not raw:
        return _last_lines(result)
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    head, tail = _FAILED if result.status.is_failure else _GOOD
    if len(lines) <= head + tail:
        return _block(_numbered(lines, 1, ident))
    left_out = len(lines) - head - tail
    return _block(
        [
            *_numbered(lines[:head], 1, ident),
            f'<i class="cut">{left_out} lines left out</i>',
            *_numbered(lines[-tail:], head + left_out + 1, ident),
        ]
    )


def _read(log: str) -> bytes:
    """Return the content of a log, empty if it is none of kut or is gone."""
    try:
        return path.read_bytes() if (path := kept_log(log)) else b""
    except OSError:
        return b""


def _last_lines(result: TestResult) -> str:
    if not result.output.last_lines:
        return ""
    lines = [f"<s>{_text(line)}</s>" for line in result.output.last_lines]
    return f'<h4>End of the output</h4><pre class="log">{"".join(lines)}</pre>'


def _block(lines: "list[str] | Iterator[str]") -> str:
    return f'<h4>Log</h4><pre class="log">{"".join(lines)}</pre>'


def _numbered(lines: list[bytes], first: int, ident: str) -> Iterator[str]:
    for number, line in enumerate(lines, first):
        name = f"{ident}.{number}"
        text = _text(decode(line[:_LINE].rstrip(b"\r")))
        yield f'<s id="{name}"><a href="#{name}">{number}</a>{text}</s>'


def _text(line: str) -> str:
    text = shown(line, _LINE)
    return f"<mark>{text}</mark>" if line.startswith(_BAD) else text
