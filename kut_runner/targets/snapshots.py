# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk image without content, in which QEMU keeps snapshots of a machine that is replayed.

A debugger goes back in a replay by way of a snapshot, which QEMU takes when the debugger connects:
QEMU loads it and runs forward to the instruction before. It stores snapshots in qcow2 images only;
see docs/interop/qcow2.rst of its sources for the format.
"""

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_CLUSTER_BITS: Final = 16
_CLUSTER: Final = 1 << _CLUSTER_BITS
#: Bytes of the disk, which no machine has.
_DISK: Final = 1 << 20
#: Clusters in use: header, table of reference counts, block of reference counts, level-1 table.
_HEADER, _REFCOUNT_TABLE, _REFCOUNTS, _LEVEL_1, _IN_USE = range(5)
_MAGIC: Final = b"QFI\xfb"
_VERSION: Final = 3
#: Bytes of the header; reference counts are 1 << 4 bits wide.
_HEADER_SIZE, _REFCOUNT_ORDER = 104, 4


def node(disk: "Path") -> dict[str, object]:
    """Return the arguments of blockdev-add for `disk`, which is no device of the machine."""
    file = {"driver": "file", "filename": str(disk)}
    return {"driver": "qcow2", "node-name": "kut-snapshots", "file": file}


def create(disk: "Path") -> None:
    """Write an empty disk image, in place of an old one; raises OSError."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        _MAGIC,
        _VERSION,
        *(0, 0),  # no backing file
        _CLUSTER_BITS,
        _DISK,
        0,  # not encrypted
        1,  # one entry in the level-1 table
        _LEVEL_1 * _CLUSTER,
        _REFCOUNT_TABLE * _CLUSTER,
        1,  # one cluster of the table of reference counts
        *(0, 0),  # no snapshots
    )
    features = struct.pack(">QQQII", 0, 0, 0, _REFCOUNT_ORDER, _HEADER_SIZE)
    clusters = {
        _HEADER: header + features,
        _REFCOUNT_TABLE: struct.pack(">Q", _REFCOUNTS * _CLUSTER),
        _REFCOUNTS: struct.pack(f">{_IN_USE}H", *[1] * _IN_USE),
        _LEVEL_1: b"",
    }
    disk.parent.mkdir(parents=True, exist_ok=True)
    disk.write_bytes(b"".join(data.ljust(_CLUSTER, b"\0") for data in clusters.values()))
