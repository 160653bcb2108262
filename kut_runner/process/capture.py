# SPDX-License-Identifier: GPL-2.0-or-later
"""The raw log of one run: on disk before anyone interprets it, and of bounded size.

A flood keeps its head and its tail; the middle is counted and left out. The log is read back
through the file that was written, not by its path: two runs of the same test at the same time
cannot read each other's words.
"""

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Final, Self

from kut_runner.errors import InfrastructureError

#: Bytes kept from the start and from the end of a flood.
HEAD: Final = 2 << 20
TAIL: Final = 2 << 20

_CHUNK: Final = 1 << 14


def create(path: Path) -> FileIO:
    """Return a new file at `path`, to write and read; one that was there before lives on unseen.

    A device, as /dev/null, is written in place: root could replace it, and all would miss it.
    Raises OSError when that cannot be.
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
    """Write all of `data`; raises InfrastructureError when the disk is full."""
    left = memoryview(data)
    try:
        while left:  # a disk that is nearly full takes a part, without an error
            left = left[file.write(left) or 0 :]
    except OSError as error:
        raise InfrastructureError(
            f"{path} cannot be written: {error.strerror}",
            "make room on the disk, or put the tree on another one",
        ) from None


class Capture:
    """A log file that is being written, then read back."""

    def __init__(self, path: Path, *, head: int = HEAD, tail: int = TAIL) -> None:
        """Create the file, in place of an older one; raises OSError when that cannot be."""
        self._path = path
        self._file = create(path)
        self._head = head
        self._tail = tail
        self._written = 0
        self._held = bytearray()
        self.missing = 0
        """Bytes left out between head and tail; final after `finish`."""

    def write(self, data: bytes) -> None:
        """Add bytes; raises InfrastructureError when the disk is full."""
        room = self._head - self._written
        if room > 0:
            write_all(self._file, self._path, data[:room])
            self._written += len(data[:room])
            data = data[room:]
        self._held += data
        if len(self._held) > 2 * self._tail:
            self._forget()

    def finish(self) -> None:
        """Write the tail of a flood; after this the log is complete."""
        if len(self._held) > self._tail:
            self._forget()
        write_all(self._file, self._path, self._joint() + self._held)
        self._held.clear()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return not self._written and not self._held and not self.missing

    def chunks(self) -> Iterator[bytes]:
        """Yield the log from its first byte."""
        self._file.seek(0)
        while data := self._file.read(_CHUNK):
            yield data

    def close(self) -> None:
        """Close the file, which stays on disk."""
        self._file.close()

    def __enter__(self) -> Self:
        """Close the file at the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self.close()

    def _forget(self) -> None:
        surplus = len(self._held) - self._tail
        del self._held[:surplus]
        self.missing += surplus

    def _joint(self) -> bytes:
        """Return the words between head and tail, none when nothing is missing.

        They stand in one line with the end of the head and the start of the tail, which may
        be halves of lines: neither half can pass for a line that the guest has said.
        """
        return b"[%d bytes left out]" % self.missing if self.missing else b""
