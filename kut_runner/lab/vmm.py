# SPDX-License-Identifier: GPL-2.0-or-later
"""Build of the VMM, `kut-vmm`: a static program for arm64 Linux."""

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build.toolchain import SOURCE_FLAGS
from kut_runner.errors import BuildError
from kut_runner.lab import store

if TYPE_CHECKING:
    from kut_runner.build.toolchain import Toolchain

#: Name of the program.
NAME: Final = "kut-vmm"

_SOURCES: Final = Path(__file__).with_name("vmm")
#: Parts of the C library, below the package's directory.
_LIBRARY: Final = "usr/lib/aarch64-linux-musl"
#: Directories of headers, below those of the packages of the C library and of the kernel.
_LIBC_HEADERS: Final = "usr/include/aarch64-linux-musl"
_KERNEL_HEADERS: Final = ("usr/include/aarch64-linux-gnu", "usr/include")
_LINK: Final = ("-static", "-z", "noexecstack", "-z", "max-page-size=65536", "--gc-sections")


def build(kind: Path, toolchain: "Toolchain", libc: Path, headers: Path) -> Path:
    """Return the VMM, built in the directory `kind` if its sources or tools have changed.

    `libc` and `headers` are the directories of these packages. Raises BuildError with the output
    of the compiler.
    """
    sources = sorted(_SOURCES.glob("*.[ch]"))
    parts = [toolchain.identity(), str(libc), str(headers), *_LINK]
    parts += [f"{each.name}\n{each.read_text()}" for each in sources]

    def make(directory: Path) -> None:
        _build(directory, toolchain, libc, headers)

    return store.made(kind, store.key(parts), make) / NAME


def _build(directory: Path, toolchain: "Toolchain", libc: Path, headers: Path) -> None:
    includes = [libc / _LIBC_HEADERS, *(headers / each for each in _KERNEL_HEADERS)]
    compile_ = [*toolchain.compile, *SOURCE_FLAGS[""]]
    compile_ += [f"-isystem{each}" for each in includes]
    objects = []
    for source in sorted(_SOURCES.glob("*.c")):
        object_ = directory / f"{source.stem}.o"
        _run([*compile_, "-c", source, "-o", object_])
        objects.append(object_)
    library = libc / _LIBRARY
    files = [library / "crt1.o", *objects, library / "libc.a"]
    _run([*toolchain.linker, *_LINK, *files, "-o", directory / NAME])
    for object_ in objects:
        object_.unlink()


def _run(argv: "list[str | Path]") -> None:
    done = subprocess.run(
        [os.fspath(each) for each in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        check=False,
    )
    if done.returncode:
        raise BuildError("the build of the VMM failed:", output=done.stdout.splitlines())
