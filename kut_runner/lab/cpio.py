# SPDX-License-Identifier: GPL-2.0-or-later
"""Writer of cpio archives in the format "newc" (Linux, initramfs buffer format)."""

import stat
from typing import Final

_MAGIC: Final = "070701"
_TRAILER: Final = "TRAILER!!!"
_PADDING: Final = 4


class Archive:
    """An archive in memory; the same entries give the same bytes."""

    def __init__(self) -> None:
        """Start without entries."""
        self._data = bytearray()
        self._entries = 0

    def add_directory(self, name: str) -> None:
        """Add a directory; its parent is there already."""
        self._add(name, stat.S_IFDIR | 0o755)

    def add_file(self, name: str, data: bytes, *, executable: bool = False) -> None:
        """Add a file."""
        self._add(name, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def add_character_device(self, name: str, major: int, minor: int) -> None:
        """Add a node of a device."""
        self._add(name, stat.S_IFCHR | 0o600, device=(major, minor))

    def finish(self) -> bytes:
        """Return the archive."""
        self._entries = 0
        self._add(_TRAILER, 0)
        return bytes(self._data)

    def _add(
        self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)
    ) -> None:
        path = name.encode() + b"\0"
        inode = self._entries = self._entries + 1
        # inode, mode, user, group, links, time, size, its device, the node's device, name, checksum
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        self._data += (_MAGIC + "".join(f"{each:08X}" for each in fields)).encode() + path
        self._pad()
        self._data += data
        self._pad()

    def _pad(self) -> None:
        self._data += bytes(-len(self._data) % _PADDING)
