# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw log of a process: written to disk before it is parsed, with a maximum size.

Of a flood the head and the tail are kept; the middle is counted and left out. The log is read back
through the descriptor that wrote it, not by path, so that parallel runs of the same test cannot
read each other's output.
"""

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final, Self

from kut_runner.errors import InfrastructureError

#: Bytes kept of the start and the end of a flood.
HEAD: Final = 2 << 20
TAIL: Final = 2 << 20

_CHUNK: Final = 1 << 14


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

    def __init__(self, path: Path, *, head: int = HEAD, tail: int = TAIL) -> None:
        """Create or replace the file; `head` and `tail` are in bytes. Raises OSError."""
        self._path = path
        self._file = create(path)
        self._head = head
        self._tail = tail
        self._written = 0
        self._tail_bytes = bytearray()
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
        surplus = len(self._tail_bytes) - self._tail
        del self._tail_bytes[:surplus]
        self.missing += surplus

    def _marker(self) -> bytes:
        """Return the text between head and tail, b"" if no bytes are missing.

        It is in one line with the end of the head and the start of the tail, which may be parts
        of lines, so that neither part can look like a line of the guest.
        """
        return b"[%d bytes left out]" % self.missing if self.missing else b""
