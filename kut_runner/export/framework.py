# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework and chosen tests as files of a checkout of kvm-unit-tests.

The sources are converted by rules (`conversion`); what the library of kvm-unit-tests lacks is in a
bridge: `bridge/`, completed by macros of kut's own headers.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.export import build_files, conversion, macros
from kut_runner.export.build_files import TestObjects

#: Tests that pass with the library of kvm-unit-tests.
TESTS: Final = (
    *("guest-create", "guest-dc", "guest-el0", "guest-faults", "guest-fp", "guest-handlers"),
    *("guest-host-state", "guest-mmio", "guest-pending"),
    *("stage2", "stage2-break-before-make", "stage2-geometry", "stage2-permissions"),
    *("stage2-tlb", "stage2-vmid"),
)
_BRIDGE: Final = Path(__file__).parent / "bridge"
_SOURCES: Final = (
    "guest*.[cS]",
    "stage1*.c",
    "stage2*.[cS]",
    "vgic*.c",
    "mmio*.c",
    "fpsimd.S",
    "pstate.c",
    "backtrace.c",
)
_HEADERS: Final = (
    *("guest*.h", "stage1*.h", "stage2*.h", "vgic*.h", "mmio*.h"),
    *("a32.h", "at.h", "registers.h", "cfi.h", "backtrace.h", "deadline.h", "pstate.h"),
)
#: Printing in guests needs hooks in printf() and report(); GICv2 needs members of its data.
_NOT_EXPORTED: Final = frozenset(
    {"guest-call.c", "guest-call-host.c", "vgic-v2.c", "host-vector.h"}
)
#: Parts of the library as they are, with their objects.
_PORTABLE: Final = (
    "errno.c",
    "errno.h",
    "objects.h",
    "shortage.c",
    "shortage.h",
    "subtest.c",
    "subtest.h",
)
#: Inline functions of headers that the checkout has its own of.
_INLINES: Final = {
    "pgtable-hwdef.h": re.compile(
        r"/\* Address bits that one level.*?(?=#endif /\* !__ASSEMBL)", re.DOTALL
    ),
    "processor.h": re.compile(r"/\* IRQ or FIQ:.*?^}\n", re.DOTALL | re.MULTILINE),
}
_PATCH: Final = re.compile(r"void pstate_patch_vectors.*?^}\n\n", re.DOTALL | re.MULTILINE)
_ARM64: Final = "lib/arm64"
_QUOTED: Final = re.compile(r'^#include "([\w/-]+\.h)"', re.MULTILINE)


class Export:
    """New texts of files of a checkout, by path below it."""

    def __init__(self, tree: Path, library: Path, checkout: Path) -> None:
        """Convert from the source tree with the given library, for the checkout."""
        self._arm, self._library, self._checkout = tree / "arm", library, checkout
        self._converter = conversion.Converter.of(
            *(self._old(f"{_ARM64}/asm/{name}") for name in ("sysreg.h", "gic-v3.h"))
        )
        self._offsets = (library / "arm64/asm-offsets.c").read_text()
        self.files: dict[str, str] = {}

    def add(self, tests: Sequence[tuple[str, int]]) -> dict[str, str]:
        """Add the framework and tests, each with its number of CPUs; return all new texts."""
        objects = self._add_library()
        added = [self._add_test(name) for name, _ in tests]
        self._add_test_headers()
        self._add_bridge_header()
        assembly = [name for name in objects if f"{name}.S" in self.files]
        self._edit(
            "arm/Makefile.arm64", lambda old: build_files.makefile(old, objects, assembly, added)
        )
        self._edit(
            f"{_ARM64}/asm-offsets.c", lambda old: build_files.asm_offsets(old, self._offsets)
        )
        self._edit("arm/unittests.cfg", lambda old: build_files.unittests(old, tests))
        return self.files

    def _old(self, path: str) -> str:
        try:
            return (self._checkout / path).read_text()
        except (OSError, UnicodeDecodeError):
            raise UsageError(
                f"{self._checkout / path} cannot be read", "name a checkout of kvm-unit-tests"
            ) from None

    def _edit(self, path: str, change: Callable[[str], str]) -> None:
        try:
            self.files[path] = change(self._old(path))
        except build_files.Missing as missing:
            raise UsageError(
                f"{self._checkout / path} has no line {missing.args[0]!r}",
                "the export knows kvm-unit-tests of 2026: commit 1da1819e",
            ) from None

    def _convert(self, source: Path, path: str) -> None:
        self.files[path] = self._converter.convert(source.read_text(), source.suffix)

    def _convert_plain(self, source: Path, path: str) -> None:
        """Add a file that needs no bridge."""
        self.files[path] = conversion.licence_line(source.read_text(), source.suffix)

    def _add_library(self) -> list[str]:
        """Add the framework and the bridge; return its objects without suffix."""
        objects = []
        for source in _matches(self._library / "arm64", _SOURCES):
            self._convert(source, f"{_ARM64}/{source.name}")
            objects.append(f"{_ARM64}/{source.stem}")
        # A name of its own: kvm-unit-tests has asm/esr.h for something else.
        self._convert(self._library / "arm64/esr.c", f"{_ARM64}/guest-esr.c")
        objects.append(f"{_ARM64}/guest-esr")
        for header in _matches(self._library / "arm64/asm", _HEADERS):
            self._convert(header, f"{_ARM64}/asm/{header.name}")
        self._hook()
        objects += self._add_bridge()
        for name in _PORTABLE:
            self._convert_plain(self._library / name, f"lib/{name}")
        return [*objects, "lib/errno", "lib/shortage", "lib/subtest"]

    def _hook(self) -> None:
        """Have guests prepare the stack that their handlers find the host's CPU by."""
        path, call = f"{_ARM64}/guest.c", "	guest_enter(guest);\n"
        self.files[path] = self.files[path].replace(
            call, f"	guest_host_stack_prepare(guest);\n{call}", 1
        )
        # The vectors of the checkout stay as they are.
        path = f"{_ARM64}/pstate.c"
        self.files[path] = _PATCH.sub("", self.files[path])

    def _add_bridge(self) -> list[str]:
        """Add the sources of the bridge; return their objects."""
        for name in ("guest-bridge.c", "guest-host-exception.S", "asm/host-vector.h"):
            self._convert_plain(_BRIDGE / Path(name).name, f"{_ARM64}/{name}")
        return [f"{_ARM64}/guest-bridge", f"{_ARM64}/guest-host-exception"]

    def _add_bridge_header(self) -> None:
        """Add the bridge's header, with the macros that all other files need."""
        inlines = "".join(
            text
            for name, pattern in _INLINES.items()
            for text in pattern.findall((self._library / "arm64/asm" / name).read_text())
        )
        template = (_BRIDGE / "guest-bridge.h").read_text()
        taken = macros.needed(
            macros.of_library(self._library),
            macros.of_checkout(self._checkout),
            [template, inlines, *self.files.values()],
        )
        plain = [text for name, text in taken.items() if not name.startswith("report_")]
        reports = [text for name, text in taken.items() if name.startswith("report_")]
        self.files[f"{_ARM64}/asm/guest-bridge.h"] = (
            template.replace("@ENUMERATORS@", build_files.enumerators(self._offsets))
            .replace("@MACROS@", "".join(plain))
            .replace("@CMACROS@", "".join(reports))
            .replace("@INLINES@", inlines)
        )

    def _add_test(self, name: str) -> TestObjects:
        """Add arm/NAME.c, arm/NAME.S, of which one makes NAME.o, and arm/NAME/."""
        source = self._arm / f"{name}.c"
        if not source.is_file():
            raise UsageError(f"no test image is called {name!r}", "see `kut list`")
        self._convert(source, f"arm/{name}.c")
        objects, assembly = [], []
        beside = [(self._arm / f"{name}.S", f"{name}-asm.S")]
        if (self._arm / name).is_dir():
            beside += [
                (file, f"{name}/{file.name}") for file in sorted((self._arm / name).iterdir())
            ]
        for file, path in beside:
            if not file.is_file():
                continue
            self._convert(file, f"arm/{path}")
            stem = path.rpartition(".")[0]
            objects += [stem] if file.suffix in {".c", ".S"} else []
            assembly += [stem] if file.suffix == ".S" else []
        return TestObjects(name, objects, assembly)

    def _add_test_headers(self) -> None:
        """Add headers of arm/ that the exported tests include."""
        included = {
            name
            for path, text in self.files.items()
            if path.startswith("arm/")
            for name in _QUOTED.findall(text)
        }
        for name in sorted(included):
            if (self._arm / name).is_file():
                self._convert(self._arm / name, f"arm/{name}")


def _matches(directory: Path, patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in directory.glob(pattern)}
    return sorted(path for path in found if path.name not in _NOT_EXPORTED)
