# SPDX-License-Identifier: GPL-2.0-or-later
"""Build of images with ninja; build.ninja is rewritten only if it changes.

All C and assembly sources in lib/ are linked into every image, and the linker drops unused
sections. An image NAME consists of arm/NAME.c and, if they exist, arm/NAME.S, arm/NAME-*.S and the
sources in arm/NAME/. Each compiler and variant has its own directory in build/.
"""

import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build.layout import Layout
from kut_runner.build.manifest import area_of, commands, manifest
from kut_runner.build.sources import find_sources
from kut_runner.build.toolchain import find_program
from kut_runner.definitions import image_paths, similar, source_trees
from kut_runner.errors import BuildError, MissingToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from kut_runner.build.sources import Sources
    from kut_runner.build.toolchain import Toolchain

#: Header of a sha1 build-id note in a little-endian ELF file.
_BUILD_ID_NOTE: Final = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"

#: Escape sequence of ninja before "FAILED: " with colours.
_NINJA_RED: Final = "\033[31m"


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: `elf` has the symbols, `flat` is the file to boot."""

    name: str
    elf: Path
    flat: Path

    @property
    def row_list(self) -> Path:
        """File with the rows of an image of the conformance suite; others have none."""
        return self.flat.with_suffix(".rows")

    @property
    def build_id(self) -> str:
        """Sha1 build-id in hex, read from the file at each access; "" without one."""
        try:
            data = self.elf.read_bytes()
        except FileNotFoundError:
            return ""
        at = data.find(_BUILD_ID_NOTE)
        start = at + len(_BUILD_ID_NOTE)
        return "" if at < 0 else data[start : start + 20].hex()


def build(  # noqa: PLR0913 - options of the user
    root: Path,
    toolchain: "Toolchain",
    names: "Sequence[str]" = (),
    *,
    verbose: bool = False,
    jobs: int | None = None,
    progress: "Callable[[str], None] | None" = None,
) -> dict[str, Image]:
    """Build the images `names`, by default all of the source tree, and return them by name.

    A name may be the path of an image; see `image_paths`.
    `jobs` is the number of parallel commands, None for ninja's default. `progress` is called with a
    line for each finished command ("[3/40] CC lib/printf.c"), the complete command if `verbose`.
    Parallel builds of one variant wait for each other.

    Raises BuildError with the output of the compiler, UsageError for an image without source,
    MissingToolError if ninja is missing.
    """
    layout, sources = _read(root, toolchain)
    names = tuple(_image(name, sources.images) for name in names) or tuple(sources.images)
    with _prepared(root, layout, sources, toolchain):
        options = [*(["-v"] if verbose else []), *([f"-j{jobs}"] if jobs else [])]
        before = _times(root, layout, names)
        argv = [*_ninja(layout), *options, *map(layout.flat, names)]
        _run_ninja(argv, root, verbose=verbose, progress=progress)
        after = _times(root, layout, names)
        if linked := [name for name in names if after[name] != before[name]]:
            (root / layout.relinked).write_text("\n".join(linked))
    return {name: Image(name, root / layout.elf(name), root / layout.flat(name)) for name in names}


def row_lists(root: Path, toolchain: "Toolchain", images: "Collection[str]") -> dict[str, Path]:
    """Bring the lists of rows of the conformance suite up to date; return them by image.

    Only those of `images` are made. Nothing is compiled. Raises BuildError and MissingToolError as
    `build` does.
    """
    layout, sources = _read(root, toolchain)
    wanted = (name for name in sources.images if name in images)
    lists = {name: layout.area_rows(area) for name in wanted if (area := area_of(name))}
    with _prepared(root, layout, sources, toolchain):
        if lists:
            argv = [*_ninja(layout), *lists.values()]
            _run_ninja(argv, root, verbose=False, progress=None)
    return {name: root / path for name, path in lists.items()}


def _read(root: Path, toolchain: "Toolchain") -> "tuple[Layout, Sources]":
    """Return the paths and the sources of a build."""
    library = source_trees.library(root)
    sources = find_sources(root, library, source_trees.origin(root))
    return Layout(toolchain.name, library), sources


@contextmanager
def _prepared(
    root: Path, layout: Layout, sources: "Sources", toolchain: "Toolchain"
) -> "Iterator[None]":
    """Lock the build directory, in which the manifest is up to date."""
    (root / layout.directory).mkdir(parents=True, exist_ok=True)
    with _Lock(root / layout.directory):
        _write_if_changed(root / layout.stamp, toolchain.identity() + source_trees.identity(root))
        _write_manifest(root, layout, sources, toolchain)
        yield


def _ninja(layout: Layout) -> list[str]:
    return [find_ninja(os.environ), "-f", layout.manifest]


def _image(name: str, images: "Collection[str]") -> str:
    """Return the image of a name or a path; raises UsageError if there is none."""
    image = name if name in images else image_paths.image_of(name, images) or name
    if image in images:
        return image
    hint = similar.hint(image, images, f"images: {' '.join(images)}")
    raise UsageError(f'no image "{image}": arm/{image}.c does not exist', hint)


def relinked(root: Path, compiler: str) -> frozenset[str]:
    """Return the images that were linked by the last build that linked any.

    `compiler` is the name of the toolchain.
    """
    try:
        return frozenset((root / Layout(compiler).relinked).read_text().splitlines())
    except FileNotFoundError:
        return frozenset()


def dependencies(root: Path, compiler: str) -> frozenset[str]:
    """Return the files that the compiler read in earlier builds, from the log of ninja.

    Paths are relative to the source tree or absolute. `compiler` is the name of the toolchain.
    """
    import subprocess

    argv = [find_ninja(os.environ), "-f", Layout(compiler).manifest, "-t", "deps"]
    done = subprocess.run(
        argv, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
    )
    lines = done.stdout.splitlines()
    return frozenset(line.strip() for line in lines if line.startswith("    "))


def _times(root: Path, layout: Layout, names: "Iterable[str]") -> dict[str, int | None]:
    """Return the modification time of each image in ns, None for one that does not exist."""
    times: dict[str, int | None] = dict.fromkeys(names)
    for name in times:
        with suppress(FileNotFoundError):
            times[name] = (root / layout.flat(name)).stat().st_mtime_ns
    return times


class _Lock:
    """Context manager that locks a build directory: ninja's log supports only one writer."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / ".lock"

    def __enter__(self) -> None:
        import fcntl

        self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)


def _write_if_changed(path: Path, text: str) -> bool:
    """Replace the content of a file atomically; return whether it changed."""
    try:
        if path.read_text() == text:
            return False
    except FileNotFoundError:
        pass
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
    return True


def _write_manifest(root: Path, layout: Layout, sources: "Sources", toolchain: "Toolchain") -> None:
    text = "".join(manifest(root, layout, sources, toolchain))
    database = root / layout.directory / "compile_commands.json"
    if not _write_if_changed(root / layout.manifest, text) and database.exists():
        return
    import json

    entries = list(commands(root, layout, sources, toolchain))
    _write_if_changed(database, json.dumps(entries, indent=1) + "\n")
    link = root / "build/compile_commands.json"
    link.unlink(missing_ok=True)
    link.symlink_to(f"{layout.variant}/compile_commands.json")


def find_ninja(environ: "Mapping[str, str]") -> str:
    """Return the path of ninja: next to the Python that runs kut, in PATH, or in its package.

    Raises MissingToolError.
    """
    beside = str(Path(sys.executable).with_name("ninja"))
    if os.access(beside, os.X_OK):
        return beside
    if found := find_program("ninja", environ):
        return found
    with suppress(ImportError):  # `pip install --user` installs it in another directory
        import ninja

        elsewhere = f"{ninja.BIN_DIR}/ninja"
        if os.access(elsewhere, os.X_OK):
            return elsewhere
    raise MissingToolError(
        "ninja is not installed", "install it with pip, or as ninja-build from the distribution"
    )


def _run_ninja(
    argv: "Sequence[str]",
    root: Path,
    *,
    verbose: bool,
    progress: "Callable[[str], None] | None",
) -> None:
    import subprocess
    from signal import SIGTERM

    from kut_runner.process.child import die_with_parent

    environ = os.environ | {"NINJA_STATUS": "[%f/%t] "}
    if sys.stderr.isatty():
        environ["CLICOLOR_FORCE"] = "1"  # the compiler's colours come through the pipe
    # Ctrl-C reaches ninja too. When kut dies without stopping ninja, even by SIGKILL, the kernel
    # sends SIGTERM to ninja, which stops the compilers and removes partial files.
    with subprocess.Popen(
        argv,
        cwd=root,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        preexec_fn=die_with_parent(SIGTERM),  # noqa: PLW1509 - see there
    ) as ninja:
        try:
            output = list(_tool_output(ninja.stdout or (), verbose=verbose, progress=progress))
        except BaseException:
            ninja.terminate()  # ninja stops the compilers and removes partial files
            ninja.wait()
            raise
    if ninja.returncode:
        raise BuildError(
            "the build failed:",
            "" if verbose else "`kut build -v` shows complete commands",
            "\n".join(output).strip("\n").split("\n"),
        )


def _tool_output(
    lines: "Iterable[str]", *, verbose: bool, progress: "Callable[[str], None] | None"
) -> "Iterator[str]":
    """Pass ninja's status lines to `progress` and yield the output of the tools."""
    after_failed = False
    for line in lines:
        text = line.rstrip("\n")
        is_command = after_failed
        after_failed = text.removeprefix(_NINJA_RED).startswith("FAILED: ")
        if text.startswith("["):
            if progress:
                progress(text)
        elif text.startswith("ninja: ") and not text.startswith("ninja: error: "):
            continue  # "no work to do", "build stopped"
        elif verbose or not is_command:
            yield text
