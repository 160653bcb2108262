# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw log of a process: written to disk before it is parsed, with a maximum size.

Of a flood the head and the tail are kept; the middle is counted and left out, except for the lines
that forbid a pass, each with what follows it, as far as there is room for them; the first line of
each kind is kept in any case. The log is read back through the descriptor that wrote it, not by
path, so that parallel runs of the same test cannot read each other's output.
"""

import os
import re
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Final, Self

from kut_runner.errors import InfrastructureError

#: Bytes kept of the start and the end of a flood.
HEAD: Final = 2 << 20
TAIL: Final = 2 << 20

#: Bytes kept of the middle for each line that forbids a pass (more than a dump), and for all.
PART: Final = 4 << 10
PARTS: Final = 256 << 10

_CHUNK: Final = 1 << 14
#: Beginnings of the lines that forbid a pass, by kind (see `verdict.judge`), and of a dump.
_KINDS: Final = {
    "check": rb"FAIL: |XPASS: ",
    "abort": rb"ABORT: ",
    "exit": rb"EXIT: STATUS=[0-9]{1,3}\r*\n",
    "summary": rb"SUMMARY: [0-9]{1,9} tests?, 0{0,8}[1-9][0-9]{0,8} unexpected failures?[,\r\n]",
    "fatal": rb"\t*(?:Unhandled (?:exception|vector)\b|Stack overflow\b|Got bad (?:ec|vector)=)"
    rb"|\S+:[0-9]+: assert failed: ",
    "stack": rb"\tSTACK:(?: @?[0-9a-f]{1,16})+",
    "dump": rb"\t*Load address: ",
}
#: Most bytes of a line in which its beginning is looked for.
_BEGINNING: Final = 256


def _lines_of(kinds: Iterable[str]) -> re.Pattern[bytes]:
    """Return the pattern of lines of these kinds; its last group has the name of the kind."""
    groups = (b"(?P<%b>%b)" % (kind.encode(), _KINDS[kind]) for kind in kinds)
    return re.compile(rb"\n(?:%b)" % b"|".join(groups))


#: Lines of the middle that are kept while there is room.
_DECISIVE: Final = _lines_of(_KINDS)


def create(path: Path) -> FileIO:
    """Create a file for writing and reading; an existing file at `path` is replaced.

    Processes with the old file open keep it. A device such as /dev/null is opened, not replaced,
    which root could do. Raises OSError.
    """
    if path.exists() and not path.is_file():
        return FileIO(path, "r+")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    file = FileIO(temporary, "w+")
    try:
        temporary.replace(path)
    except OSError:
        file.close()
        temporary.unlink()
        raise
    return file


def write_all(file: FileIO, path: Path, data: bytes) -> None:
    """Write all of `data`; raises InfrastructureError on an error such as a full disk."""
    left = memoryview(data)
    try:
        while left:  # a write to a nearly full disk may be partial, without an error
            left = left[file.write(left) or 0 :]
    except OSError as error:
        raise InfrastructureError(
            f"{path} cannot be written: {error.strerror}",
            "free disk space, or move the source tree to another disk",
        ) from None


class Capture:
    """A log file that is written, then read back."""

    def __init__(self, path: Path, *, head: int = HEAD, tail: int = TAIL, part: int = PART) -> None:
        """Create or replace the file; `head`, `tail` and `part` are in bytes. Raises OSError."""
        self._path = path
        self._file = create(path)
        self._head = head
        self._tail = tail
        self._part = part
        self._written = 0
        self._tail_bytes = bytearray()
        self._beginning = b""
        """Beginning of the line that `_tail_bytes` continue; b" " if it is too long."""
        self._unmarked = 0
        """Bytes left out since the last mark."""
        self._room = PARTS
        """Bytes that may still be kept of the middle."""
        self._unseen = [kind for kind in _KINDS if kind != "dump"]
        """Kinds of lines that forbid a pass of which none is kept of the middle."""
        self._wanted: re.Pattern[bytes] | None = _DECISIVE
        """Lines of the middle to keep: without room the first one of each kind."""
        self.size = 0
        """Bytes of output so far, those that the log leaves out included."""
        self.missing = 0
        """Bytes left out between head and tail; final after `finish`."""

    def write(self, data: bytes) -> None:
        """Append bytes; raises InfrastructureError if they cannot be written."""
        self.size += len(data)
        free = self._head - self._written
        if free > 0:
            write_all(self._file, self._path, data[:free])
            self._written += len(data[:free])
            self._beginning = _last_line(self._beginning + data[:free])
            data = data[free:]
        self._tail_bytes += data
        if len(self._tail_bytes) > 2 * self._tail:
            self._drop_surplus()

    def finish(self) -> None:
        """Write the tail; the log is complete then."""
        if len(self._tail_bytes) > self._tail:
            self._drop_surplus()
        write_all(self._file, self._path, self._marker() + self._tail_bytes)
        self._tail_bytes.clear()

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the log in chunks."""
        self._file.seek(0)
        while data := self._file.read(_CHUNK):
            yield data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the capture, which is closed at the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self.close()

    def _drop_surplus(self) -> None:
        """Leave out what is more than the tail, except for decisive lines."""
        data, surplus = self._tail_bytes, len(self._tail_bytes) - self._tail
        before = b"\n" + self._beginning
        text = before + data[: surplus + _BEGINNING]
        done = 0
        position = 0
        while done < surplus and self._wanted and (match := self._wanted.search(text, position)):
            line = match.start() + 1
            start = max(line - len(before), 0)
            if start > surplus:  # the line is complete in the tail
                break
            self._leave_out(start - done)
            done = self._end_of_part(start)
            self._keep(bytes(text[line : len(before)]), bytes(data[start:done]))
            self._note_kind(match.lastgroup)
            position = len(before) + done - 1
        self._leave_out(max(surplus - done, 0))
        done = max(surplus, done)
        self._beginning = _last_line(before + data[:done])
        del data[:done]

    def _note_kind(self, kind: str | None) -> None:
        """Note that a line of this kind is kept, and decide which lines are kept from now on."""
        self._unseen = [each for each in self._unseen if each != kind]
        if self._room <= 0:
            self._wanted = _lines_of(self._unseen) if self._unseen else None

    def _end_of_part(self, start: int) -> int:
        """Return the end of a part of the middle: that of a line, unless the line is too long."""
        end = min(start + self._part, len(self._tail_bytes))
        return self._tail_bytes.find(b"\n", end - 1, end + self._part) + 1 or end

    def _leave_out(self, size: int) -> None:
        self.missing += size
        self._unmarked += size

    def _keep(self, beginning: bytes, part: bytes) -> None:
        """Write a part of the middle; `beginning` is that of its first line, from before it."""
        if self._unmarked:
            part = self._marker() + b"\n" + beginning + part
        write_all(self._file, self._path, part)
        self._room -= len(part)
        self._unmarked = 0

    def _marker(self) -> bytes:
        """Return the text in place of the bytes left out since the last one, b"" without any.

        It is in one line with the end of the part before it and the start of the tail, which may be
        parts of lines, so that neither can look like a line of the guest.
        """
        return b"[%d bytes left out]" % self._unmarked if self._unmarked else b""


def _last_line(data: bytes) -> bytes:
    """Return the incomplete last line, b" ", which begins no decisive line, if it is too long."""
    line = data[data.rfind(b"\n") + 1 :]
    return bytes(line) if len(line) <= _BEGINNING else b" "
