# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that views write: whole or not at all, and known to be writable before anything runs."""

import os
from contextlib import suppress
from pathlib import Path

from kut_runner.errors import UsageError


class OutFile:
    """A file that is replaced in one step each time it is written."""

    def __init__(self, path: Path) -> None:
        """Check that it can be written, and remove what an earlier run left there.

        Raises UsageError when it cannot. A device or a pipe, as /dev/stdout, is written in place.
        """
        self._path = path
        self._is_regular = path.is_file() or not path.exists()
        try:
            if self._is_regular:
                self._temporary.write_bytes(b"")
                self._temporary.replace(path)
                path.unlink()
            else:
                path.open("ab").close()
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written: {error.strerror}", "name a file that can be"
            ) from None

    def write(self, text: str) -> None:
        """Replace the content; raises OSError, which names the file."""
        try:
            if self._is_regular:
                self._temporary.write_text(text, encoding="utf-8")
                self._temporary.replace(self._path)
            else:
                self._path.write_text(text, encoding="utf-8")
        except OSError as error:  # that of a full disk names no file
            with suppress(OSError):
                self._temporary.unlink()
            raise OSError(error.errno, error.strerror, str(self._path)) from None

    @property
    def is_regular(self) -> bool:
        """It can be replaced as often as one likes, unlike a terminal or a pipe."""
        return self._is_regular

    @property
    def _temporary(self) -> Path:
        return self._path.with_name(f".{self._path.name}.{os.getpid()}")
