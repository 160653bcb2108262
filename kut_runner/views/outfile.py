# SPDX-License-Identifier: GPL-2.0-or-later
"""Output files of views, checked before a run and replaced in one step."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError

#: The path that stands for stdout.
STDOUT: Final = Path("-")


class OutStream:
    """A file to which lines are written one by one; "-" is stdout."""

    def __init__(self, path: Path) -> None:
        """Create the file, or replace an existing one; raises UsageError when that fails."""
        self._is_stdout = path == STDOUT
        try:
            self._stream = sys.stdout if self._is_stdout else path.open("w", encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, error) from None

    def print(self, text: str) -> None:
        """Write lines."""
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Close the file."""
        if not self._is_stdout:
            self._stream.close()


class OutFile:
    """A file that each write replaces in one step."""

    def __init__(self, path: Path) -> None:
        """Check that the file can be written, and remove an existing one.

        "-" is stdout. A device or a pipe, such as /dev/stdout, is written in place. Raises
        UsageError when the file cannot be written.
        """
        self._path = path
        self._is_regular = False
        if path == STDOUT:
            return
        self._is_regular = path.is_file() or not path.exists()
        try:
            if self._is_regular:
                self._temporary.write_bytes(b"")
                self._temporary.replace(path)
                path.unlink()
            else:
                path.open("ab").close()
        except OSError as error:
            raise _unwritable(path, error) from None

    def write(self, text: str) -> None:
        """Replace the content; raises OSError, with the name of the file."""
        try:
            if self._path == STDOUT:
                sys.stdout.flush()
                sys.stdout.buffer.write(text.encode())
                sys.stdout.buffer.flush()
            elif self._is_regular:
                self._temporary.write_text(text, encoding="utf-8")
                self._temporary.replace(self._path)
            else:
                self._path.write_text(text, encoding="utf-8")
        except OSError as error:  # the one for a full disk has no file name
            with suppress(OSError):
                self._temporary.unlink()
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    @property
    def is_regular(self) -> bool:
        """Whether the file can be replaced repeatedly, unlike a terminal or a pipe."""
        return self._is_regular

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f".{self._path.name}.{os.getpid()}")


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {error.strerror}", "name a writable file")
