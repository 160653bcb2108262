# SPDX-License-Identifier: GPL-2.0-or-later
"""Serial bytes in, printable lines out.

The guest may send anything: half lines, bytes that are not UTF-8, ESC and NUL, a line without
end. What comes out holds printable characters and tabs only, so no view needs to escape again;
the raw log keeps the bytes. How the bytes were cut into chunks never shows.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

#: Bytes kept of one line; the rest is counted and left out.
MAX_LINE: Final = 16 * 1024

_ODD: Final = re.compile(r"[^\t -~]+")


def split(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield each line; a whole one ends in a newline, an unfinished last one does not.

    Carriage returns before the newline are part of the line end. A line of more than MAX_LINE
    bytes keeps its head and says how much is missing.
    """
    pending = bytearray()
    missing = 0
    for chunk in chunks:
        first, newline, rest = chunk.partition(b"\n")
        missing += _extend(pending, first)
        if not newline:
            continue
        yield _shown(pending, missing) + "\n"
        whole, _, last = rest.rpartition(b"\n")
        if whole or len(last) < len(rest):
            yield from _whole(whole)
        pending.clear()
        missing = _extend(pending, last)
    if pending:
        yield _shown(pending, missing)


def printable(text: str) -> str:
    """Return `text` with every character that is neither printable nor a tab as an escape.

    What is left is safe on a terminal, and in XML 1.0, where most control characters, lone
    surrogates and U+FFFE cannot even be written as references.
    """
    return text if text.isprintable() else _ODD.sub(_escaped, text)


def decode(data: bytes) -> str:
    """Return bytes as printable text; what is not UTF-8 becomes backslash escapes."""
    return printable(data.decode(errors="backslashreplace"))


def _escaped(odd: re.Match[str]) -> str:
    return "".join(char if char.isprintable() else _escape(char) for char in odd[0])


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _whole(block: bytes) -> Iterable[str]:
    """Return whole lines, the last without its newline; all at once where they are plain text.

    Of a flood it takes a tenth of what looking at each line does.
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
    """Append what still fits; return the number of bytes that did not."""
    free = MAX_LINE - len(pending)
    pending += part[:free]
    return max(len(part) - free, 0)


def _shown(line: bytearray, missing: int) -> str:
    text = decode(bytes(line.rstrip(b"\r")))
    return f"{text}[{missing} bytes left out]" if missing else text
