# SPDX-License-Identifier: GPL-2.0-or-later
"""Serial bytes to printable lines.

A guest may send anything: partial lines, bytes that are not UTF-8, ESC and NUL, endless lines.
The lines have printable characters and tabs only, so that no view needs to escape them again; the
raw log keeps the bytes. The division of the bytes into chunks has no influence.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from kut_runner.text import decode

#: Most bytes of a line; the rest is counted and left out.
MAX_LINE: Final = 16 * 1024


def split(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield each line; a complete line ends in a newline, a partial last line does not.

    Carriage returns before the newline are part of the line end. A line of more than MAX_LINE
    bytes is truncated and ends with the number of missing bytes.
    """
    pending = bytearray()
    missing = 0
    for chunk in chunks:
        first, newline, rest = chunk.partition(b"\n")
        missing += _extend(pending, first)
        if not newline:
            continue
        yield _shown(pending, missing) + "\n"
        complete, _, last = rest.rpartition(b"\n")
        if complete or len(last) < len(rest):
            yield from _complete_lines(complete)
        pending.clear()
        missing = _extend(pending, last)
    if pending:
        yield _shown(pending, missing)


def _complete_lines(block: bytes) -> Iterable[str]:
    """Return the lines of `block`, which lacks the newline of the last one.

    Plain ASCII is split as a block, ten times as fast as line by line.
    """
    if len(block) <= MAX_LINE and block.isascii():
        text = block.decode("ascii") + "\n"
        text = text.replace("\r\n", "\n")
        if text.replace("\n", "").replace("\t", "").isprintable():
            return text.splitlines(keepends=True)
    return (_line(line) for line in block.split(b"\n"))


def _line(line: bytes) -> str:
    return _shown(bytearray(line[:MAX_LINE]), max(len(line) - MAX_LINE, 0)) + "\n"


def _extend(pending: bytearray, part: bytes) -> int:
    """Append as many bytes of `part` as fit; return the number of the others."""
    free = MAX_LINE - len(pending)
    pending += part[:free]
    return max(len(part) - free, 0)


def _shown(line: bytearray, missing: int) -> str:
    text = decode(bytes(line.rstrip(b"\r")))
    return f"{text}[{missing} bytes left out]" if missing else text
