# SPDX-License-Identifier: GPL-2.0-or-later
"""Cross toolchains: their programs and flags.

The search only looks up programs in PATH and starts none, because it is part of every run.
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from kut_runner.build import flat, rootless
from kut_runner.errors import MissingToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kut_runner.definitions.config import VariantDef

#: Prefixes of GNU cross tools: of Debian and Fedora, then of bare-metal toolchains.
GNU_PREFIXES: Final = ("aarch64-linux-gnu-", "aarch64-none-elf-", "aarch64-elf-")

_INSTALL_GNU: Final = (
    "install gcc-aarch64-linux-gnu (Debian, Ubuntu, Fedora), aarch64-linux-gnu-gcc (Arch) or"
    " aarch64-elf-gcc (brew), or set CROSS_COMPILE to the prefix of another"
)
_INSTALL_LLVM: Final = (
    "install clang, lld and llvm (Debian, Ubuntu, Fedora, Arch) or llvm and lld (brew)"
)

#: Seconds for an answer of a compiler.
_TIME_LIMIT: Final = 30.0
#: File with the chosen compiler, relative to the source tree.
_CHOICE: Final = "build/compiler"

_COMPILE: Final = (
    "-O2",
    "-g",
    "-march=armv8-a",
    # Bare metal: no libc, no implicit use of FP and SIMD registers, and no unaligned accesses,
    # which fault while the MMU is off.
    "-ffreestanding",
    "-mgeneral-regs-only",
    "-mstrict-align",
    "-mno-outline-atomics",
    "-mbranch-protection=none",
    "-fno-stack-protector",
    # The assembler knows these extensions, as kvm-unit-tests asks.
    "-DCC_HAS_SVE",
    "-DCC_HAS_MTE",
    # The load address of an image depends on the machine.
    "-fpie",
    "-fvisibility=hidden",
    # The linker drops unused sections.
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    # Backtraces of images follow frame pointers.
    "-fno-omit-frame-pointer",
    "-fno-optimize-sibling-calls",  # a tail call would be missing from backtraces
    "-fasynchronous-unwind-tables",  # for debuggers; not loaded
    "-fdiagnostics-color=always",
)

#: Language and warnings of kut's own sources.
_OWN: Final = (
    "-std=gnu17",
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

#: Language and warnings of sources of kvm-unit-tests, as its Makefile has them.
_KVM_UNIT_TESTS: Final = (
    "-std=gnu99",
    "-fno-strict-aliasing",
    "-Wall",
    "-Werror",
    "-Wempty-body",
    "-Wignored-qualifiers",
    "-Wmissing-prototypes",
    "-Wno-missing-braces",
    "-Wstrict-prototypes",
    "-Wuninitialized",
    "-Wunused-but-set-parameter",
    "-Wwrite-strings",
)

#: Flags of a source by its origin: `source_trees.origin()`.
SOURCE_FLAGS: Final = {"": _OWN, "kvm-unit-tests": _KVM_UNIT_TESTS}

_CLANG: Final = (
    "--target=aarch64-none-elf",
    *_COMPILE,
    "-nostdlibinc",
    "-fdebug-compilation-dir=.",  # -ffile-prefix-map has no effect on assembly
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
    """A compiler and its binary tools, as beginnings of command lines with absolute paths."""

    name: str
    """Name of its builds: "gcc", "clang" or "zig", with a variant "gcc-NAME"."""
    compile: tuple[str, ...]
    """Compiler and flags for C and for assembly, without those of `SOURCE_FLAGS`."""
    link: tuple[str, ...]
    """Linker and flags, without the linker script."""
    objcopy: tuple[str, ...]
    """Command before `-O binary ELF FLAT`."""
    variant: tuple[str, ...] = ()
    """Flags of the variant for C and assembly, which come last."""

    @property
    def compiler(self) -> str:
        """Absolute path of the compiler."""
        return self.compile[0]

    @property
    def linker(self) -> tuple[str, ...]:
        """Command of the linker, without flags."""
        return tuple(takewhile(lambda word: not word.startswith("-"), self.link))

    def major_version(self) -> str:
        """Return the major version of the compiler, as in "12"; "" if it does not report one."""
        import subprocess

        program = tuple(takewhile(lambda word: not word.startswith("-"), self.compile))
        try:
            done = subprocess.run(
                (*program, "-dumpversion"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_TIME_LIMIT,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip().partition(".")[0]

    def identity(self) -> str:
        """Return text that changes with an upgrade of one of the programs."""
        programs = (self.compiler, self.link[0], self.objcopy[-1])
        return "".join(f"{program} {_fingerprint(program)}\n" for program in programs)


def find(
    compiler: str, environ: "Mapping[str, str]", variant: "VariantDef | None" = None
) -> Toolchain:
    """Return the toolchain for `compiler`, from PATH or else from the unpacked tools.

    "zig" stands for the clang and lld in the Python package ziglang. For gcc, $CROSS_COMPILE is the
    prefix of the tools, if set. The flags of `variant` come last and take precedence. Raises
    MissingToolError with the packages to install, UsageError for an unknown compiler.
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
        variant=(*variant.compile, *special),
        link=(*plain.link, *variant.link),
    )


def preferred(environ: "Mapping[str, str]") -> str:
    """Return the first installed compiler of `NAMES`, "gcc" without any."""
    for name in NAMES:
        with suppress(MissingToolError):
            find(name, environ)
            return name
    return NAMES[0]


def choice(tree: str) -> str | None:
    """Return the compiler that is chosen for a source tree, None without a choice."""
    try:
        with open(f"{tree}/{_CHOICE}") as file:
            name = file.read().strip()
    except OSError:
        return None
    return name if name in NAMES else None


def choose(tree: str, name: str | None) -> None:
    """Choose the default compiler of a source tree; None removes the choice. Raises OSError."""
    if name is None:
        with suppress(FileNotFoundError):
            os.unlink(f"{tree}/{_CHOICE}")
        return
    os.makedirs(f"{tree}/build", exist_ok=True)
    with open(f"{tree}/{_CHOICE}", "w") as file:
        file.write(f"{name}\n")


def find_program(name: str, environ: "Mapping[str, str]") -> str | None:
    """Return the absolute path of a program, None if it is missing.

    As in a shell, a name with a "/" is a path, relative to the current directory; any other is
    searched along PATH. The import of shutil for `which` would take five times as long.
    """
    path_variable = environ.get("PATH", os.defpath)
    for directory in (".",) if "/" in name else path_variable.split(os.pathsep):
        path = os.path.abspath(os.path.join(directory, name))
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def find_gnu(environ: "Mapping[str, str]") -> str | None:
    """Return the path of GCC for arm64, even if its binutils are missing, else None."""
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
            # Only its own headers: a C library for arm64 may be installed beside the compiler,
            # and that of the host is in /usr/include. The prefix is that of GCC's own files.
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
    """Return the LLVM toolchain in the package ziglang.

    Its objcopy is not used: zig would compile it first, which takes 20 s, into a cache in $HOME.
    """
    zig = _find_in_packages("ziglang/zig") or _require_zig(environ)
    headers = os.path.join(os.path.dirname(os.path.realpath(zig)), "lib/include")
    return Toolchain(
        name="zig",
        compile=(zig, "clang", *_CLANG, "-isystem", headers),
        link=(zig, "ld.lld", *_LINK),
        objcopy=(sys.executable, "-P", flat.__file__),
    )


def _require_zig(environ: "Mapping[str, str]") -> str:
    from kut_runner.build import python_packages  # only needed where zig is not a package

    return _require("zig", environ, python_packages.install("ziglang"))


def _find_in_packages(path: str) -> str | None:
    """Return the absolute path of a file in a Python package, None if it is missing."""
    candidates = (os.path.join(each, path) for each in sys.path)
    return next((each for each in candidates if os.access(each, os.X_OK)), None)


_COMPILERS: "Final[Mapping[str, Callable[[Mapping[str, str]], Toolchain]]]" = {
    "gcc": _find_gcc,
    "clang": _find_clang,
    "zig": _find_zig,
}
#: Names of the compilers, by preference.
NAMES: Final = tuple(_COMPILERS)


def _require(program: str, environ: "Mapping[str, str]", install: str) -> str:
    if path := find_program(program, environ):
        return path
    raise MissingToolError(f"{program} is not installed (not found in PATH)", install)


def _fingerprint(program: str) -> str:
    try:
        status = os.stat(program)
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"
