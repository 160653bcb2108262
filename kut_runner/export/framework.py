# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework and tests as new files of a checkout of kvm-unit-tests.

The sources are converted by rules (`conversion`); what the library of kvm-unit-tests lacks is in a
bridge: `bridge/`, completed by macros of kut's own headers.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kut_runner.errors import UsageError
from kut_runner.export import build_files, conversion, macros

#: Tests that pass with the library of kvm-unit-tests.
TESTS: Final = (
    *("guest-aarch32", "guest-access", "guest-create", "guest-dc", "guest-el0"),
    *("guest-el1-state", "guest-faults", "guest-fp", "guest-handlers", "guest-host-state"),
    *("guest-masks", "guest-mmio", "guest-pending"),
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
_BRIDGE_FILES: Final = (
    *("guest-bridge.c", "guest-bridge-gic.c", "guest-host-exception.S"),
    "asm/host-vector.h",
)
#: Printing in guests needs hooks in printf() and report(), GICv2 members of its data, and
#: stage2-path.c probes of the conformance suite.
_NOT_EXPORTED: Final = frozenset(
    {
        *("guest-call.c", "guest-call-host.c", "vgic-v2.c", "host-vector.h"),
        *("stage2-path.c", "stage2-path.h"),
    }
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
BRIDGE_HEADER: Final = f"{_ARM64}/asm/guest-bridge.h"
_QUOTED: Final = re.compile(r'^#include "([\w/-]+\.h)"', re.MULTILINE)


class Sources:
    """Sources of kut as new files of a checkout, by path below it."""

    def __init__(self, tree: Path, library: Path, checkout: Path) -> None:
        """Convert from the source tree with the given library, for the checkout."""
        self._arm, self._library, self._checkout = tree / "arm", library, checkout
        self._converter = conversion.Converter.of(
            *((checkout / _ARM64 / "asm" / name).read_text() for name in ("sysreg.h", "gic-v3.h"))
        )
        self.offsets = (library / "arm64/asm-offsets.c").read_text()

    def library(self) -> dict[str, str]:
        """Return the framework and the bridge, without the bridge's header."""
        arm64 = self._library / "arm64"
        files = {
            f"{_ARM64}/{source.name}": self._convert(source) for source in _matches(arm64, _SOURCES)
        }
        # A name of its own: kvm-unit-tests has asm/esr.h for something else.
        files[f"{_ARM64}/guest-esr.c"] = self._convert(arm64 / "esr.c")
        files |= {
            f"{_ARM64}/asm/{header.name}": self._convert(header)
            for header in _matches(arm64 / "asm", _HEADERS)
        }
        _hook(files)
        files |= {f"{_ARM64}/{name}": _plain(_BRIDGE / Path(name).name) for name in _BRIDGE_FILES}
        return files | {f"lib/{name}": _plain(self._library / name) for name in _PORTABLE}

    def bridge_header(self, texts: Iterable[str]) -> str:
        """Return the bridge's header, with the macros that the texts need."""
        inlines = "".join(
            text
            for name, pattern in _INLINES.items()
            for text in pattern.findall((self._library / "arm64/asm" / name).read_text())
        )
        template = (_BRIDGE / "guest-bridge.h").read_text()
        taken = macros.needed(
            macros.of_library(self._library),
            macros.of_checkout(self._checkout),
            [template, inlines, *texts],
        )
        plain = [text for name, text in taken.items() if not name.startswith("report_")]
        reports = [text for name, text in taken.items() if name.startswith("report_")]
        return (
            template.replace("@ENUMERATORS@", build_files.enumerators(self.offsets))
            .replace("@MACROS@", "".join(plain))
            .replace("@CMACROS@", "".join(reports))
            .replace("@INLINES@", inlines)
        )

    def test(self, name: str) -> dict[str, str]:
        """Return arm/NAME.c, arm/NAME.S by another name, arm/NAME/, and headers they include."""
        source = self._arm / f"{name}.c"
        if not source.is_file():
            raise UsageError(f"no test image is called {name!r}", "see `kut list`")
        beside = [(self._arm / f"{name}.S", f"{name}-asm.S")]
        if (self._arm / name).is_dir():
            beside += [
                (file, f"{name}/{file.name}") for file in sorted((self._arm / name).iterdir())
            ]
        files = {f"arm/{name}.c": self._convert(source)} | {
            f"arm/{path}": self._convert(file) for file, path in beside if file.is_file()
        }
        included = {header for text in files.values() for header in _QUOTED.findall(text)}
        return files | {
            f"arm/{header}": self._convert(self._arm / header)
            for header in sorted(included)
            if (self._arm / header).is_file()
        }

    def _convert(self, source: Path) -> str:
        return self._converter.convert(source.read_text(), source.suffix)


def _plain(source: Path) -> str:
    """Return a file that needs no bridge."""
    return conversion.licence_line(source.read_text(), source.suffix)


def _hook(files: dict[str, str]) -> None:
    """Have guests prepare the stack that their handlers find the host's CPU by."""
    path, call = f"{_ARM64}/guest.c", "	guest_enter(guest);\n"
    files[path] = files[path].replace(call, f"	guest_host_stack_prepare(guest);\n{call}", 1)
    # The vectors of the checkout stay as they are.
    path = f"{_ARM64}/pstate.c"
    files[path] = _PATCH.sub("", files[path])


def _matches(directory: Path, patterns: Iterable[str]) -> list[Path]:
    found = {path for pattern in patterns for path in directory.glob(pattern)}
    return sorted(path for path in found if path.name not in _NOT_EXPORTED)
