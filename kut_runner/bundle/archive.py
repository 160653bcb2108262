# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives: images and definitions in one file, for hosts without a compiler.

An archive is a tar file compressed with xz: `archive.json` has metadata and the SHA-256 of every
other file, `configs/` the definitions, `images/` the images and their symbols. Archives are
reproducible. An unpacked archive is used only if all checksums match; only its images are
executed, and only inside QEMU.
"""

import hashlib
import io
import json
import lzma
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from kut_runner import __version__
from kut_runner.build.builder import Image
from kut_runner.errors import UsageError, describe

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

#: Version of the format; incremented by incompatible changes.
SCHEMA: Final = 1

_MANIFEST: Final = "archive.json"
#: Preset of xz: ten times as fast as the best, with a window larger than an image.
_PRESET: Final = 2
#: Limits of an archive: bytes of all files, of an image and of another file, number of files, and
#: bytes of memory to unpack it.
_LARGEST: Final = 1 << 30
_LARGEST_IMAGE: Final = 64 << 20
_LARGEST_TEXT: Final = 4 << 20
_MOST_FILES: Final = 20_000
_MOST_MEMORY: Final = 64 << 20
_READ_SIZE: Final = 1 << 16
#: Most bytes that tarfile reads in one call: parts of a file, or a whole header.
_LONGEST_READ: Final = 1 << 16
#: Types of entries that are regular files; a sparse file could be as large as it likes.
_FILE_TYPES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE)
#: Directory and file of a name, and what the name of a file may be.
_DIRECTORIES: Final = ("configs", "images")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}")
#: Most characters of a name in a message.
_LONGEST_NAME: Final = 60
_HINT: Final = "make a new one with `kut archive`"


@dataclass(frozen=True, slots=True)
class Archive:
    """An unpacked archive whose checksums match."""

    directory: Path
    compiler: str
    """Name of the toolchain that built it, as in "gcc-O0"."""
    tests: tuple[str, ...]
    """Names of the tests in the archive; the definitions may have more."""
    images: Mapping[str, Image]
    """Images in the archive."""

    @property
    def definitions(self) -> Path:
        """Directory of the definitions."""
        return self.directory / "configs"

    def image(self, name: str) -> Image:
        """Return the image by name, which need not exist; see `with_image`."""
        flat = self.directory / "images" / f"{name}.flat"
        return self.images.get(name) or Image(name, flat.with_suffix(".elf"), flat)

    def with_image(self, test: "TestDef") -> "TestDef":
        """Return the test, with a `problem` if the archive has no image for it."""
        if test.image in self.images:
            return test
        return replace(test, problem=f"the archive has no images/{test.image}.flat; {_HINT}")


def pack(
    path: Path,
    *,
    tree: Path,
    compiler: str,
    tests: "Sequence[TestDef]",
    images: Mapping[str, Image],
) -> int:
    """Write the archive of `tests` atomically; return its size in bytes.

    Raises UsageError if `path` cannot be written.
    """
    files = dict(_files(tree, images))
    manifest = {
        "schema": SCHEMA,
        "kut": __version__,
        "compiler": compiler,
        "tests": [test.name for test in tests],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with tarfile.open(temporary, "w:xz", preset=_PRESET, format=tarfile.PAX_FORMAT) as tar:
            _add(tar, _MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
            for name, data in files.items():
                _add(tar, name, data)
        size = temporary.stat().st_size
        temporary.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", "choose another path"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return size


def unpack(path: Path, into: Path) -> Archive:
    """Unpack an archive into a directory below `into` that is named by its checksum.

    An existing directory is checked and used again. Raises UsageError for a file that is not an
    archive, truncated or of another format, OSError if it cannot be unpacked.
    """
    digest = _digest(path)
    directory = into / digest[:16]
    if not directory.is_dir():
        into.mkdir(parents=True, exist_ok=True)
        temporary = into / f".{digest[:16]}.{os.getpid()}"
        try:
            _extract(path, temporary)
            _read(path, temporary)
            with suppress(OSError):  # a parallel kut has created it
                temporary.rename(directory)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return _read(path, directory)


def _files(tree: Path, images: Mapping[str, Image]) -> Iterator[tuple[str, bytes]]:
    for source in sorted((tree / "configs").glob("*")):
        if source.suffix in {".toml", ".json"}:
            yield f"configs/{source.name}", source.read_bytes()
    for name, image in sorted(images.items()):
        yield f"images/{name}.elf", image.elf.read_bytes()
        yield f"images/{name}.flat", image.flat.read_bytes()
        if image.row_list.exists():
            yield f"images/{name}.rows", image.row_list.read_bytes()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file without owner and modification time."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


class _Content:
    """The content of an xz file, for `tarfile` to read from start to end in bounded memory.

    tarfile reads files in parts, but a header with a long name or with metadata in one call.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MOST_MEMORY)
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end.

        Raises EOFError before the end, ReadError for more than `_LONGEST_READ`.
        """
        if size > _LONGEST_READ:
            raise tarfile.ReadError(f"a header of {size} bytes")
        parts = bytearray()
        while len(parts) < size and (part := self._part(size - len(parts))):
            parts += part
        self._position += len(parts)
        return bytes(parts)

    def tell(self) -> int:
        """Return the number of bytes that were read."""
        return self._position

    def seek(self, position: int) -> int:
        """Skip bytes up to `position`, which is not before the current one."""
        while self._position < position and self.read(min(position - self._position, _READ_SIZE)):
            pass
        return self._position

    def finish(self) -> None:
        """Read the padding of the archive; raises EOFError before its end, and after it."""
        padding = 0
        while found := self.read(tarfile.RECORDSIZE):
            padding += len(found)
            if padding > tarfile.RECORDSIZE:
                raise EOFError("it continues after its end")

    def _part(self, size: int) -> bytes:
        """Return up to `size` bytes, none only at the end."""
        while not self._xz.eof:
            data = b""
            if self._xz.needs_input and not (data := self._file.read(_READ_SIZE)):
                raise EOFError("it ends too early")
            if found := self._xz.decompress(data, size):
                return found
        return b""


def _extract(path: Path, into: Path) -> None:
    """Unpack regular files only, each below `into`, within the limits."""
    try:
        with path.open("rb") as file:
            content: Any = _Content(file)
            with tarfile.open(fileobj=content, mode="r:") as tar:
                _extract_all(path, tar, into)
            content.finish()
    except (tarfile.TarError, lzma.LZMAError, EOFError, RecursionError, ValueError) as error:
        raise UsageError(f"{path} is not an archive of kut, or truncated: {error}", _HINT) from None


def _extract_all(path: Path, tar: tarfile.TarFile, into: Path) -> None:
    total = 0
    for count, member in enumerate(tar):
        total += member.size
        largest = _LARGEST_IMAGE if member.name.startswith("images/") else _LARGEST_TEXT
        if count >= _MOST_FILES or member.size > largest or total > _LARGEST:
            raise UsageError(f"{path} is too large for an archive of tests", _HINT)
        if member.type not in _FILE_TYPES:
            raise UsageError(f"{path} has entries other than files", _HINT)
        _extract_file(tar, member, into)


def _extract_file(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Unpack a regular file without owner and mode; extraction filters need Python 3.11.4."""
    target = into / _checked_name(member.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source  # noqa: S101 - for mypy: it is a regular file
    try:
        with source, target.open("xb") as file:
            shutil.copyfileobj(source, file)
    except FileExistsError:
        raise tarfile.ReadError(f"{member.name} is in it twice") from None


def _checked_name(name: str) -> str:
    """Return the name of a file in an archive; raises ReadError for one that `pack` never writes.

    All files are in one of two directories, so that none is outside of the archive.
    """
    parts = PurePosixPath(name).parts
    if parts != (_MANIFEST,) and not (
        len(parts) == len(_DIRECTORIES) and parts[0] in _DIRECTORIES and _NAME.fullmatch(parts[1])
    ):
        raise tarfile.ReadError(f'"{name[:_LONGEST_NAME]}" is outside of the archive')
    return name


def _read(path: Path, directory: Path) -> Archive:
    """Return the archive in `directory` after a check of all checksums."""
    manifest = _manifest(path, directory)
    for name, checksum in manifest["files"].items():
        if _digest_of(directory / name) != checksum:
            message = f"{path}: {name} differs from the packed file (unpacked in {directory})"
            raise UsageError(message, f"remove {directory}; if that does not help, {_HINT}")
    found = {each.relative_to(directory).as_posix() for each in directory.glob("*/*")}
    if unknown := found - set(manifest["files"]):
        raise UsageError(f"{path}: {min(unknown)} has no checksum", _HINT)
    flats = (directory / name for name in manifest["files"] if name.endswith(".flat"))
    images = {flat.stem: Image(flat.stem, flat.with_suffix(".elf"), flat) for flat in flats}
    return Archive(directory, manifest["compiler"], tuple(manifest["tests"]), images)


def _digest_of(path: Path) -> str:
    """Return the checksum of a regular file, "" without one."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(path: Path, directory: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((directory / _MANIFEST).read_bytes())
        schema, files, compiler = (manifest[key] for key in ("schema", "files", "compiler"))
        strings = [compiler, *manifest["tests"], *files, *files.values()]
    except RecursionError:
        raise _bad_manifest(path, "nested too deeply") from None
    except KeyError as error:
        raise _bad_manifest(path, f"no key {error}") from None
    except OSError as error:
        raise _bad_manifest(path, describe(error)) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise _bad_manifest(path, str(error)) from None
    if schema != SCHEMA:
        raise UsageError(f"{path} has schema {schema}, but this kut reads {SCHEMA}", _HINT)
    if not all(isinstance(each, str) for each in strings):
        raise _bad_manifest(path, "a name is not a string")
    if not _NAME.fullmatch(compiler):
        raise _bad_manifest(path, f'"{compiler[:_LONGEST_NAME]}" is not the name of a compiler')
    try:
        for name in files:
            _checked_name(name)
    except tarfile.ReadError as error:
        raise _bad_manifest(path, str(error)) from None
    return manifest


def _bad_manifest(path: Path, reason: str) -> UsageError:
    return UsageError(f"{path} is not an archive of kut: {_MANIFEST}: {reason}", _HINT)
