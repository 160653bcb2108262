# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives of unknown origin: each is refused, in bounded memory, and leaves nothing behind."""

import hashlib
import io
import json
import lzma
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_text import is_inert

from kut_runner.bundle import archive
from kut_runner.errors import UsageError

TOML = b'[test.a]\n[test.b]\nimage = "a"\nqemu_args = ["-D", "x"]\n'
FILES = {"configs/tests.toml": TOML, "images/a.elf": b"elf", "images/a.flat": b"flat"}
MIB = 1 << 20


def manifest(files: Mapping[str, bytes], /, **changes: object) -> bytes:
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    values = {"schema": 1, "kut": "0", "compiler": "gcc", "tests": ["a", "b"], "files": sums}
    return json.dumps({**values, **changes}).encode()


def tar_of(files: Mapping[str, bytes], /, *entries: tarfile.TarInfo, **changes: object) -> bytes:
    """An uncompressed archive with a manifest, its files, and further entries without data."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in {"archive.json": manifest(files, **changes), **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        for entry in entries:
            tar.addfile(entry)
    return out.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> Any:  # noqa: ANN401
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, link
    return made


def block(name: str, kind: bytes, size: int) -> bytes:
    """A header without its data."""
    return bytes(entry(name, kind, size).tobuf(tarfile.GNU_FORMAT))


def chain(kind: bytes) -> bytes:
    """Many headers, each about the next one, without end."""
    one = block("x", kind, 12) + b"12 path=abc\n".ljust(512, b"\0")
    return one * 5000


class Zeros:
    """A compressed file of one header and a lot of zeros."""

    def __init__(self, head: bytes, mib: int) -> None:
        packer = lzma.LZMACompressor(preset=0)
        parts = [packer.compress(head)]
        zeros = bytes(MIB)
        parts += [packer.compress(zeros) for _ in range(mib)]
        self.data = b"".join([*parts, packer.flush()])


def large_dictionary() -> bytes:
    """A good archive that asks for 512 MiB of memory to unpack it."""
    packer = {"id": lzma.FILTER_LZMA2, "dict_size": 16 << 10, "preset": 0}
    data = bytearray(lzma.compress(tar_of(FILES), filters=[packer]))
    size, header = 12, data[12:24]  # the header of the block: size, flags, filter, dictionary
    header[header.index(b"\x21\x01") + 2] = 34  # code of 512 MiB
    data[size : size + 8] = header[:8]
    data[size + 8 : size + 12] = zlib.crc32(header[:8]).to_bytes(4, "little")
    return bytes(data)


HUGE = 1 << 30
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "no archive": lambda: b"MZ" * 1000,
    "nothing": lambda: b"",
    "xz of nothing": lambda: lzma.compress(b""),
    "an unfinished file": lambda: lzma.compress(tar_of(FILES))[:-20],
    "zeros behind the end": lambda: Zeros(tar_of(FILES), 300).data,
    "a header of 1 GiB": lambda: Zeros(block("x", tarfile.XHDTYPE, HUGE), 300).data,
    "a global header of 1 GiB": lambda: Zeros(block("x", tarfile.XGLTYPE, HUGE), 300).data,
    "a name of 1 GiB": lambda: Zeros(block("x", tarfile.GNUTYPE_LONGNAME, HUGE), 300).data,
    "a link of 1 GiB": lambda: Zeros(block("x", tarfile.GNUTYPE_LONGLINK, HUGE), 300).data,
    "headers without end": lambda: lzma.compress(chain(tarfile.XHDTYPE)),
    "a text of 1 GiB": lambda: Zeros(block("configs/a.toml", tarfile.REGTYPE, HUGE), 300).data,
    "an image of 1 GiB": lambda: Zeros(block("images/a.flat", tarfile.REGTYPE, HUGE), 300).data,
    "a sparse file": lambda: lzma.compress(
        block("images/b.flat", tarfile.GNUTYPE_SPARSE, HUGE) + tar_of(FILES)
    ),
    "a negative size": lambda: lzma.compress(
        block("images/a.flat", tarfile.REGTYPE, 0)[:124] + b"\xff" * 12 + bytes(376 + 1024)
    ),
    "100,000 files": lambda: lzma.compress(
        b"".join(block(f"images/{number}.flat", b"0", 0) for number in range(25_000)), preset=0
    ),
    "a dictionary of 512 MiB": large_dictionary,
    "a link": lambda: lzma.compress(
        tar_of(FILES, entry("images/b.flat", tarfile.SYMTYPE, link="/etc/passwd"))
    ),
    "a hard link": lambda: lzma.compress(
        tar_of(FILES, entry("images/b.flat", tarfile.LNKTYPE, link="../../x"))
    ),
    "a device": lambda: lzma.compress(tar_of(FILES, entry("images/b.flat", tarfile.CHRTYPE))),
    "a pipe": lambda: lzma.compress(tar_of(FILES, entry("images/b.flat", tarfile.FIFOTYPE))),
    "the same name twice": lambda: lzma.compress(tar_of(FILES, entry("images/a.flat"))),
    "a path out": lambda: lzma.compress(tar_of(FILES, entry("../owned"))),
    "an absolute path": lambda: lzma.compress(tar_of(FILES, entry("/tmp/owned"))),  # noqa: S108
    "a third directory": lambda: lzma.compress(tar_of(FILES, entry("images/a/owned"))),
    "a hidden file": lambda: lzma.compress(tar_of(FILES, entry("images/.owned"))),
    "a name with controls": lambda: lzma.compress(tar_of(FILES, entry("images/\x1b[2J\n::x::"))),
    "a file without checksum": lambda: lzma.compress(tar_of(FILES, entry("configs/owned.toml"))),
    "a manifest that leads out": lambda: lzma.compress(tar_of(FILES, files={"/etc/passwd": "0"})),
    "a manifest of numbers": lambda: lzma.compress(tar_of(FILES, tests=[1])),
    "a compiler with controls": lambda: lzma.compress(tar_of(FILES, compiler="\x1b]0;x\x07")),
    "tests that are a number": lambda: lzma.compress(tar_of(FILES, tests=3)),
    "a nested manifest": lambda: lzma.compress(
        block("archive.json", b"0", 100_000) + b"[" * 100_352 + bytes(1024)
    ),
}

#: Runs in a process of its own, to measure its memory; prints the error, or "no error".
UNPACK = """
import resource, sys
from pathlib import Path
from kut_runner.bundle import archive
from kut_runner.errors import UsageError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    archive.unpack(Path(sys.argv[1]), Path(sys.argv[2]))
    print("no error")
except UsageError as error:
    print(error.message)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("name", ARCHIVES)
def test_it_is_refused(name: str, tmp_path: Path) -> None:
    path, into = tmp_path / "hostile.tar.xz", tmp_path / "a/b/into"
    path.write_bytes(ARCHIVES[name]())
    argv = (sys.executable, "-c", UNPACK, str(path), str(into))
    root = str(Path(archive.__file__).parent.parent.parent)
    done = subprocess.run(
        argv, capture_output=True, text=True, check=True, env={"PYTHONPATH": root}
    )
    message, kib = done.stdout.rstrip("\n").split("\n")
    assert message.startswith(str(path)), message
    assert is_inert(message)
    assert int(kib) < 100 << 10, "memory in KiB"
    assert not [*into.glob("*")], "it leaves files"
    assert not [*tmp_path.rglob("owned*")]


def test_a_good_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "good.tar.xz"
    path.write_bytes(lzma.compress(tar_of(FILES)))
    assert archive.unpack(path, tmp_path / "into").tests == ("a", "b")


def test_what_was_changed_after_unpacking_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "good.tar.xz"
    path.write_bytes(lzma.compress(tar_of(FILES)))
    flat = archive.unpack(path, tmp_path / "into").images["a"].flat
    flat.unlink()
    (tmp_path / "flat").write_bytes(b"flat")
    flat.symlink_to(tmp_path / "flat")
    with pytest.raises(UsageError, match="differs from the packed file"):
        archive.unpack(path, tmp_path / "into")
