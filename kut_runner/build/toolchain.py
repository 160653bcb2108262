# SPDX-License-Identifier: GPL-2.0-or-later
"""The cross toolchains: which programs, called with which flags.

Nothing is started here: finding a toolchain is a few look-ups along PATH, for it is part of
every run.
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kut_runner.build import flat, rootless
from kut_runner.errors import MissingToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kut_runner.definitions.config import VariantDef

#: Names that GNU cross tools go by: Debian and Fedora, then other makers' bare-metal ones.
GNU_PREFIXES: Final = ("aarch64-linux-gnu-", "aarch64-none-elf-", "aarch64-elf-")

_INSTALL_GNU: Final = (
    "install gcc-aarch64-linux-gnu (Debian, Ubuntu, Fedora), aarch64-linux-gnu-gcc (Arch) or"
    " aarch64-elf-gcc (brew), or set CROSS_COMPILE to the prefix of another"
)
_INSTALL_LLVM: Final = (
    "install clang, lld and llvm (Debian, Ubuntu, Fedora, Arch) or llvm and lld (brew)"
)

_INSTALL_ZIG: Final = "install the Python package ziglang beside kut: pip install ziglang"

#: Where the choice of a tree stands.
_CHOICE: Final = "build/compiler"

_COMPILE: Final = (
    "-std=gnu17",
    "-O2",
    "-g",
    "-march=armv8-a",
    # Bare metal: no libc, no FP or SIMD registers behind the programmer's back, and no
    # unaligned access, which faults while the MMU is off.
    "-ffreestanding",
    "-mgeneral-regs-only",
    "-mstrict-align",
    "-mno-outline-atomics",
    "-mbranch-protection=none",
    "-fno-stack-protector",
    # QEMU loads an image where it likes, so code and data do not know their address.
    "-fpie",
    "-fvisibility=hidden",
    # The linker drops what an image does not use.
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    # A backtrace follows frame pointers, there is nobody to read unwind tables.
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",  # a tail call would be missing from backtraces
    "-fno-asynchronous-unwind-tables",
    "-fdiagnostics-color=always",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wimplicit-fallthrough",
    "-Wmissing-prototypes",
    "-Wold-style-definition",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wundef",
    "-Wvla",
    "-Wno-unused-parameter",
)

_CLANG: Final = (
    "--target=aarch64-none-elf",
    *_COMPILE,
    "-nostdlibinc",
    "-fdebug-compilation-dir=.",  # for assembly it does not follow -ffile-prefix-map
)

_LINK: Final = (
    "-pie",
    "--no-dynamic-linker",
    "-z",
    "text",
    "-z",
    "noexecstack",
    "-z",
    "max-page-size=4096",
    "--build-id=sha1",
    "--gc-sections",
    "--fatal-warnings",
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One compiler with its linker: the beginnings of command lines, programs by full path."""

    name: str
    """The build it makes: "gcc", "clang" or "zig", and as "gcc-NAME" for a variant."""
    compile: tuple[str, ...]
    """Compiler and flags for C and for assembly."""
    link: tuple[str, ...]
    """Linker and flags, without the linker script."""
    objcopy: tuple[str, ...]
    """What takes `-O binary ELF FLAT` from here."""

    @property
    def compiler(self) -> str:
        """Full path of the compiler."""
        return self.compile[0]

    def identity(self) -> str:
        """Return text that changes when one of the programs is exchanged or upgraded."""
        programs = (self.compiler, self.link[0], self.objcopy[-1])
        return "".join(f"{program} {_fingerprint(program)}\n" for program in programs)


def find(
    compiler: str, environ: "Mapping[str, str]", variant: "VariantDef | None" = None
) -> Toolchain:
    """Return the toolchain for `compiler`: as PATH has it, else from what was unpacked.

    "gcc", "clang", or "zig" for the clang and lld that the Python package ziglang holds. For gcc
    the environment variable CROSS_COMPILE may give the prefix of its tools. The flags
    of `variant` come last: of two that contradict each other the compiler obeys the later.
    Raises MissingToolError with what to install, UsageError for another compiler.
    """
    if compiler not in _COMPILERS:
        raise UsageError(f'unknown compiler "{compiler}"', "the compilers are gcc, clang and zig")
    plain = _COMPILERS[compiler](rootless.extend(environ))
    if not variant:
        return plain
    special = variant.compile_gcc if compiler == "gcc" else variant.compile_clang
    return replace(
        plain,
        name=f"{compiler}-{variant.name}",
        compile=(*plain.compile, *variant.compile, *special),
        link=(*plain.link, *variant.link),
    )


def preferred(environ: "Mapping[str, str]") -> str:
    """Return the first compiler of `NAMES` that is there; "gcc" when none is."""
    for name in NAMES:
        with suppress(MissingToolError):
            find(name, environ)
            return name
    return NAMES[0]


def choice(tree: str) -> str | None:
    """Return the compiler that was chosen for the tree, None when none was."""
    try:
        with open(f"{tree}/{_CHOICE}") as file:
            name = file.read().strip()
    except OSError:
        return None
    return name if name in NAMES else None


def choose(tree: str, name: str | None) -> None:
    """Keep a compiler for all calls that name none; None forgets it. Raises OSError."""
    if name is None:
        with suppress(FileNotFoundError):
            os.unlink(f"{tree}/{_CHOICE}")
        return
    os.makedirs(f"{tree}/build", exist_ok=True)
    with open(f"{tree}/{_CHOICE}", "w") as file:
        file.write(f"{name}\n")


def find_program(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the full path of a program along PATH, or None.

    As shutil.which, which takes five times as long to import as this takes to run.
    """
    for directory in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.abspath(os.path.join(directory, name))
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def find_gnu(environ: "Mapping[str, str]") -> str | None:
    """Return the GCC for arm64, whether or not the rest of its toolchain is there, or None."""
    environ = rootless.extend(environ)
    found = (find_program(f"{prefix}gcc", environ) for prefix in _gnu_prefixes(environ))
    return next((path for path in found if path), None)


def _gnu_prefixes(environ: "Mapping[str, str]") -> tuple[str, ...]:
    given = environ.get("CROSS_COMPILE")
    return (given,) if given else GNU_PREFIXES


def _find_gcc(environ: "Mapping[str, str]") -> Toolchain:
    prefixes = _gnu_prefixes(environ)
    prefix = next((each for each in prefixes if find_program(f"{each}gcc", environ)), prefixes[0])
    gcc, ld, objcopy = (
        _require(f"{prefix}{tool}", environ, _INSTALL_GNU) for tool in ("gcc", "ld", "objcopy")
    )
    return Toolchain(
        name="gcc",
        compile=(
            gcc,
            *_COMPILE,
            "-fno-stack-clash-protection",
            # Its own headers alone: a C library for arm64 may be installed beside it, and the
            # host's is in /usr/include. The prefix is that of the compiler's own files.
            *("-nostdinc", "-iwithprefix", "include"),
        ),
        link=(ld, *_LINK),
        objcopy=(objcopy,),
    )


def _find_clang(environ: "Mapping[str, str]") -> Toolchain:
    clang, lld, objcopy = (
        _require(tool, environ, _INSTALL_LLVM) for tool in ("clang", "ld.lld", "llvm-objcopy")
    )
    return Toolchain(
        name="clang",
        compile=(clang, *_CLANG),
        link=(lld, *_LINK),
        objcopy=(objcopy,),
    )


def _find_zig(environ: "Mapping[str, str]") -> Toolchain:
    """Find the LLVM that the package ziglang holds; Zig itself has no part in this.

    Its own objcopy would first have to be compiled, in 20 seconds, into a cache in the home.
    """
    zig = _beside_kut("ziglang/zig") or _require("zig", environ, _INSTALL_ZIG)
    headers = os.path.join(os.path.dirname(os.path.realpath(zig)), "lib/include")
    return Toolchain(
        name="zig",
        compile=(zig, "clang", *_CLANG, "-isystem", headers),
        link=(zig, "ld.lld", *_LINK),
        objcopy=(sys.executable, "-P", flat.__file__),
    )


def _beside_kut(path: str) -> str | None:
    """Return the full path of a file of another Python package."""
    places = (os.path.join(each, path) for each in sys.path)
    return next((place for place in places if os.access(place, os.X_OK)), None)


_COMPILERS: "Final[Mapping[str, Callable[[Mapping[str, str]], Toolchain]]]" = {
    "gcc": _find_gcc,
    "clang": _find_clang,
    "zig": _find_zig,
}
#: The compilers there are, the first that is there being the one to use.
NAMES: Final = tuple(_COMPILERS)


def _require(program: str, environ: "Mapping[str, str]", install: str) -> str:
    if path := find_program(program, environ):
        return path
    raise MissingToolError(f"{program} is not installed (not found along PATH)", install)


def _fingerprint(program: str) -> str:
    try:
        status = os.stat(program)
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"
