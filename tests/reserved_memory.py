# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's device tree with a /reserved-memory node, which QEMU itself does not make."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN_NODE, END_NODE, PROP, END = 1, 2, 3, 9
HEADER = struct.Struct(">10I")


def _name(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return raw + bytes(-len(raw) % 4)


class _Nodes:
    """Nodes as they stand in a tree, with the names of their properties."""

    def __init__(self, strings: bytes) -> None:
        self.strings = strings
        self.structure = b""

    def prop(self, name: str, value: bytes) -> None:
        offset = len(self.strings)
        self.strings += name.encode() + b"\0"
        self.structure += (
            struct.pack(">3I", PROP, len(value), offset) + value + bytes(-len(value) % 4)
        )

    def begin(self, name: str) -> None:
        self.structure += struct.pack(">I", BEGIN_NODE) + _name(name)

    def end(self) -> None:
        self.structure += struct.pack(">I", END_NODE)

    def reserved(self, start: int, size: int, status: str = "okay") -> None:
        self.begin(f"region@{start:x}")
        self.prop("reg", struct.pack(">2Q", start, size))
        self.prop("status", status.encode() + b"\0")
        self.end()


def write_tree(to: Path, machine: str, memory: int, regions: dict[tuple[int, int], str]) -> None:
    """QEMU's tree of @machine with /reserved-memory: @regions are (start, size) and a status."""
    dump = to.with_suffix(".qemu")
    subprocess.run(
        [
            *("qemu-system-aarch64", "-machine", f"{machine},dumpdtb={dump}"),
            *("-cpu", "max", "-m", str(memory), "-nodefaults", "-display", "none"),
        ],
        check=True,
        capture_output=True,
    )
    tree = dump.read_bytes()
    header = HEADER.unpack_from(tree)
    at_struct, at_strings, at_reservations = header[2:5]
    size_strings, size_struct = header[8:10]
    structure = tree[at_struct : at_struct + size_struct]
    tail = struct.pack(">2I", END_NODE, END)
    assert structure.endswith(tail)

    nodes = _Nodes(tree[at_strings : at_strings + size_strings])
    nodes.begin("reserved-memory")
    nodes.prop("#address-cells", struct.pack(">I", 2))
    nodes.prop("#size-cells", struct.pack(">I", 2))
    nodes.prop("ranges", b"")
    for (start, size), status in regions.items():
        nodes.reserved(start, size, status)
    nodes.end()
    structure = structure.removesuffix(tail) + nodes.structure + tail

    at_struct = HEADER.size + 16
    at_strings = at_struct + len(structure)
    total = at_strings + len(nodes.strings)
    to.write_bytes(
        HEADER.pack(
            *(header[0], total, at_struct, at_strings, HEADER.size, *header[5:8]),
            *(len(nodes.strings), len(structure)),
        )
        + tree[at_reservations : at_reservations + 16]
        + structure
        + nodes.strings
    )
