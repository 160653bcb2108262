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
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from kut_runner import __version__
from kut_runner.build.builder import Image
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

#: Version of the format; incremented by incompatible changes.
SCHEMA: Final = 1

_MANIFEST: Final = "archive.json"
#: Preset of xz: ten times as fast as the best, with a window larger than an image.
_PRESET: Final = 2
#: Limits of an archive: bytes after unpacking, and files.
_LARGEST: Final = 4 << 30
_MOST_FILES: Final = 20_000
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


def _extract(path: Path, into: Path) -> None:
    """Unpack regular files only, each below `into`."""
    try:
        with tarfile.open(path, "r:xz") as tar:
            members = tar.getmembers()
            if len(members) > _MOST_FILES or sum(each.size for each in members) > _LARGEST:
                raise UsageError(f"{path} is too large for an archive of tests", _HINT)
            if not all(each.isreg() for each in members):
                raise UsageError(f"{path} has entries other than files", _HINT)
            for member in members:
                _extract_file(tar, member, into)
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise UsageError(f"{path} is not an archive of kut, or truncated: {error}", _HINT) from None


def _extract_file(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Unpack a regular file without owner and mode; extraction filters need Python 3.11.4."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise tarfile.ReadError(f'"{name}" is outside of the archive')
    target = into / name
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source  # noqa: S101 - for mypy: it is a regular file
    with source, target.open("wb") as file:
        shutil.copyfileobj(source, file)


def _read(path: Path, directory: Path) -> Archive:
    """Return the archive in `directory` after a check of all checksums."""
    manifest = _manifest(path, directory)
    for name, checksum in manifest["files"].items():
        data = directory / name
        if not data.is_file() or hashlib.sha256(data.read_bytes()).hexdigest() != checksum:
            message = f"{path}: {name} differs from the packed file (unpacked in {directory})"
            raise UsageError(message, f"remove {directory}; if that does not help, {_HINT}")
    found = directory / "images"
    images = {
        flat.stem: Image(flat.stem, flat.with_suffix(".elf"), flat) for flat in found.glob("*.flat")
    }
    unknown = {f"images/{name}.flat" for name in images} - set(manifest["files"])
    if unknown:
        raise UsageError(f"{path}: {min(unknown)} has no checksum", _HINT)
    return Archive(directory, manifest["compiler"], tuple(manifest["tests"]), images)


def _manifest(path: Path, directory: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((directory / _MANIFEST).read_text())
        schema, files = manifest["schema"], manifest["files"]
        strings = [manifest["compiler"], *manifest["tests"], *files, *files.values()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not an archive of kut: {error!r}", _HINT) from None
    if schema != SCHEMA:
        raise UsageError(f"{path} has schema {schema}, but this kut reads {SCHEMA}", _HINT)
    if not all(isinstance(each, str) for each in strings):
        raise UsageError(f"{path} is not an archive of kut: bad {_MANIFEST}", _HINT)
    return manifest
