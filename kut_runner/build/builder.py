# SPDX-License-Identifier: GPL-2.0-or-later
"""Build of images with ninja; build.ninja is rewritten only if it changes.

All C and assembly sources in lib/ are linked into every image, and the linker drops unused
sections. An image NAME consists of arm/NAME.c and, if they exist, arm/NAME.S, arm/NAME-*.S and the
sources in arm/NAME/. Each compiler and variant has its own directory in build/.
"""

import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build.toolchain import SOURCE_FLAGS, find_program
from kut_runner.definitions import image_paths, similar, source_trees
from kut_runner.errors import BuildError, MissingToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from kut_runner.build.toolchain import Toolchain

#: Paths relative to the library.
_OFFSETS_SOURCE: Final = "arm64/asm-offsets.c"
_LINKER_SCRIPT: Final = "arm64/image.lds"
#: Compiled for each image, with its name.
_AUXINFO_SOURCE: Final = "auxinfo.c"

#: Header of a sha1 build-id note in a little-endian ELF file.
_BUILD_ID_NOTE: Final = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"

#: Lines in the output of the offsets source: `->NAME value`, or with # or $ before the value, and
#: `->#ifdef NAME` and `->#endif`.
_OFFSETS_SED: Final = (
    r"s/.*->\([A-Za-z0-9_]*\) [#$]*\(-*[0-9]*\).*/#define \1 \2/p;"
    r's/.*->\(#[a-z]* *[A-Z_]*\)".*/\1/p'
)
#: Escape sequence of ninja before "FAILED: " with colours.
_NINJA_RED: Final = "\033[31m"


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: `elf` has the symbols, `flat` is the file to boot."""

    name: str
    elf: Path
    flat: Path

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


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of a build, relative to the source tree; `variant` is the name of its toolchain."""

    variant: str
    library: str = "lib"

    @property
    def offsets_source(self) -> str:
        """C source that defines the offsets for assembly."""
        return f"{self.library}/{_OFFSETS_SOURCE}"

    @property
    def linker_script(self) -> str:
        """Linker script of all images."""
        return f"{self.library}/{_LINKER_SCRIPT}"

    @property
    def auxinfo_source(self) -> str:
        """C source that is compiled for each image, with PROGNAME defined as its name."""
        return f"{self.library}/{_AUXINFO_SOURCE}"

    @property
    def directory(self) -> str:
        """Directory of the build."""
        return f"build/{self.variant}"

    @property
    def manifest(self) -> str:
        """Manifest for ninja."""
        return f"{self.directory}/build.ninja"

    @property
    def stamp(self) -> str:
        """File that is newer than all objects after a change of the toolchain."""
        return f"{self.directory}/toolchain.txt"

    @property
    def relinked(self) -> str:
        """File with the names of the images that the last build which linked any has linked."""
        return f"{self.directory}/relinked"

    @property
    def include(self) -> str:
        """Directory of generated headers."""
        return f"{self.directory}/include"

    @property
    def offsets(self) -> str:
        """Generated header with the offsets for assembly."""
        return f"{self.include}/asm/asm-offsets.h"

    def object(self, source: str) -> str:
        """Return the object file of a source."""
        return f"{self.directory}/obj/{source}.o"

    def auxinfo(self, image: str) -> str:
        """Return the object file with the name of an image."""
        return f"{self.directory}/obj/arm/{image}.auxinfo.o"

    def elf(self, image: str) -> str:
        """Return the linked image, with symbols."""
        return f"{self.directory}/{image}.elf"

    def flat(self, image: str) -> str:
        """Return the image to boot."""
        return f"{self.directory}/{image}.flat"


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources by paths relative to the source tree, sorted."""

    library: tuple[str, ...]
    images: dict[str, tuple[str, ...]]
    """Sources of each image, without those of the library."""
    has_offsets: bool
    has_auxinfo: bool = False
    origin: str = ""
    """Where those of the images come from: `source_trees.origin()`."""


def find_sources(root: Path, library: str = "lib", origin: str = "") -> Sources:
    """Return the sources in the library and in arm/ of the source tree `root`."""
    offsets, auxinfo = f"{library}/{_OFFSETS_SOURCE}", f"{library}/{_AUXINFO_SOURCE}"
    sources = tuple(
        path
        for path in _walk(root, library)
        if path.endswith((".c", ".S")) and path not in (offsets, auxinfo)
    )
    tests = [path for path in _walk(root, "arm") if path.endswith((".c", ".S"))]
    names = [path[4:-2] for path in tests if path.count("/") == 1 and path.endswith(".c")]
    images: dict[str, list[str]] = {name: [f"arm/{name}.c"] for name in names}
    for path in tests:
        if (
            owner := image_paths.owner(path.removeprefix("arm/"), names)
        ) and path != f"arm/{owner}.c":
            images[owner].append(path)
    return Sources(
        library=sources,
        images={name: tuple(paths) for name, paths in images.items()},
        has_offsets=(root / offsets).is_file(),
        has_auxinfo=(root / auxinfo).is_file(),
        origin=origin,
    )


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
    library = source_trees.library(root)
    sources = find_sources(root, library, source_trees.origin(root))
    names = tuple(_image(name, sources.images) for name in names) or tuple(sources.images)
    layout = Layout(toolchain.name, library)
    (root / layout.directory).mkdir(parents=True, exist_ok=True)
    with _Lock(root / layout.directory):
        _write_if_changed(root / layout.stamp, toolchain.identity() + source_trees.identity(root))
        _write_manifest(root, layout, sources, toolchain)
        argv = [find_ninja(os.environ), "-f", layout.manifest]
        argv += ["-v"] if verbose else []
        argv += [f"-j{jobs}"] if jobs else []
        before = _times(root, layout, names)
        _run_ninja([*argv, *map(layout.flat, names)], root, verbose=verbose, progress=progress)
        after = _times(root, layout, names)
        if linked := [name for name in names if after[name] != before[name]]:
            (root / layout.relinked).write_text("\n".join(linked))
    return {name: Image(name, root / layout.elf(name), root / layout.flat(name)) for name in names}


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


def _walk(root: Path, top: str) -> list[str]:
    """Return the files below root/top, relative to root, sorted, without hidden ones."""
    found = []
    for directory, children, files in os.walk(root / top):
        children[:] = [child for child in children if not child.startswith(".")]
        relative = os.path.relpath(directory, root)
        found += [f"{relative}/{file}" for file in files if not file.startswith(".")]
    return sorted(found)


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


def _write_manifest(root: Path, layout: Layout, sources: Sources, toolchain: "Toolchain") -> None:
    text = "".join(_manifest(root, layout, sources, toolchain))
    database = root / layout.directory / "compile_commands.json"
    if not _write_if_changed(root / layout.manifest, text) and database.exists():
        return
    import json

    commands = list(_commands(root, layout, sources, toolchain))
    _write_if_changed(database, json.dumps(commands, indent=1) + "\n")
    link = root / "build/compile_commands.json"
    link.unlink(missing_ok=True)
    link.symlink_to(f"{layout.variant}/compile_commands.json")


def _compile(layout: Layout, toolchain: "Toolchain") -> list[str]:
    return [
        *toolchain.compile,
        f"-I{layout.library}",
        f"-I{layout.library}/arm64",
        f"-I{layout.include}",
    ]


def _all_sources(sources: Sources) -> "Iterator[tuple[str, bool]]":
    """Yield each source, and whether it is one of a test."""
    yield from ((path, False) for path in sources.library)
    for paths in sources.images.values():
        yield from ((path, True) for path in paths)


def _manifest(
    root: Path, layout: Layout, sources: Sources, toolchain: "Toolchain"
) -> "Iterator[str]":
    link = [*toolchain.link, "-T", layout.linker_script]
    # No command has the tree's own path: the same sources give the same bytes anywhere, and a tree
    # that is copied with its build directory is built already. For the compile commands it matters.
    yield f"""\
# Written by kut in {root}; changes here are lost.
ninja_required_version = 1.10
builddir = {layout.directory}
cc = {_shell(_compile(layout, toolchain))} -ffile-prefix-map="$$PWD"=.
flags = {_shell(SOURCE_FLAGS[""])}
flags_of_tests = {_shell(SOURCE_FLAGS[sources.origin])}
variant = {_shell(toolchain.variant)}

rule cc
  command = $cc $flags $variant -MMD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = CC $in
rule offsets
  command = $cc $flags $variant -MMD -MF $out.d -MT $out -S $in -o $out.s && $
      sed -n {_shell([_OFFSETS_SED])} $out.s >$out.new && $
      if cmp -s $out.new $out; then rm $out.new; else mv $out.new $out; fi
  depfile = $out.d
  deps = gcc
  restat = 1
  description = OFFSETS $in
rule link
  command = {_shell(link)} $in -o $out
  description = LD $out
rule flat
  command = {_shell(toolchain.objcopy)} -O binary $in $out.new && mv $out.new $out
  description = FLAT $out

"""
    offsets = ""
    if sources.has_offsets:
        offsets = f" || {_path(layout.offsets)}"
        yield f"build {_path(layout.offsets)}: offsets {layout.offsets_source} | {layout.stamp}\n"
    for source, of_tests in _all_sources(sources):
        output = _path(layout.object(source))
        yield f"build {output}: cc {_path(source)} | {layout.stamp}{offsets}\n"
        flags = "$flags_of_tests" if of_tests and sources.origin else ""
        if source.endswith(".S"):
            flags = f"{flags or '$flags'} -D__ASSEMBLY__"
        if flags:
            yield f"  flags = {flags}\n"
    for name, paths in sources.images.items():
        files = [layout.object(path) for path in (*paths, *sources.library)]
        if sources.has_auxinfo:
            files.append(layout.auxinfo(name))
            source = f"{layout.auxinfo_source} | {layout.stamp}{offsets}"
            yield f"build {_path(layout.auxinfo(name))}: cc {source}\n"
            yield f"  flags = $flags {_shell(_progname(name))}\n"
        objects = " ".join(map(_path, files))
        elf, flat = _path(layout.elf(name)), _path(layout.flat(name))
        yield f"build {elf}: link {objects} | {layout.linker_script} {layout.stamp}\n"
        yield f"build {flat}: flat {elf}\n"


def _commands(
    root: Path, layout: Layout, sources: Sources, toolchain: "Toolchain"
) -> "Iterator[dict[str, object]]":
    """Yield the entries of compile_commands.json."""
    compile_ = [*_compile(layout, toolchain), f"-ffile-prefix-map={root}=."]
    for source, of_tests in _all_sources(sources):
        flags = [*SOURCE_FLAGS[sources.origin if of_tests else ""], *toolchain.variant]
        flags += ["-D__ASSEMBLY__"] if source.endswith(".S") else []
        arguments = [*compile_, *flags, "-c", source, "-o", layout.object(source)]
        yield {"directory": str(root), "file": source, "arguments": arguments}


def _progname(image: str) -> list[str]:
    """Return the flag that has auxinfo.c name an image as kvm-unit-tests does."""
    return [f'-DPROGNAME="arm/{image}.flat"']


def _ninja(text: str) -> str:
    return text.replace("$", "$$")


def _path(text: str) -> str:
    return _ninja(text).replace(" ", "$ ").replace(":", "$:")


def _shell(argv: "Sequence[str]") -> str:
    return _ninja(shlex.join(argv))


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
