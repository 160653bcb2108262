# SPDX-License-Identifier: GPL-2.0-or-later
"""Macros of kut's headers that kvm-unit-tests does not have."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_MACRO: Final = re.compile(r"^#define (\w+)(?:.*\\\n)*.*\n", re.MULTILINE)
_NAME: Final = re.compile(r"\w+")
_THEIRS: Final = re.compile(r"#\s*define\s+(\w+)")
#: Headers in the order of their macros, each with a pattern of names, below the library.
_HEADERS: Final = (
    ("libcflat.h", "SZ_"),
    *((f"arm64/asm/{name}.h", "") for name in ("sysreg", "sysreg-el2", "sysreg-sctlr")),
    *((f"arm64/asm/{name}.h", "") for name in ("esr", "pgtable-hwdef", "ptrace")),
    *(("arm64/asm/barrier.h", "smp_|HINT"), ("arm64/asm/processor.h", "VECTOR|daif")),
    *(("arm64/asm/gic-v2.h", "GICH_"), ("util.h", "report_equal")),
)
#: Macros that the bridge defines itself, or leaves to kvm-unit-tests.
_NOT_TAKEN: Final = frozenset(
    {
        *("sys_reg", "read_sysreg", "write_sysreg", "read_sysreg_s", "write_sysreg_s"),
        *("xstr", "xxstr"),
        *("ASSERT_VECTOR", "static_assert"),
    }
)
_DIRECTORIES: Final = ("lib", "lib/arm", "lib/arm64", "lib/asm-generic", "lib/linux", "lib/libfdt")


def of_library(library: Path) -> dict[str, str]:
    """Return the definitions of macros of kut's headers by name, in order."""
    found: dict[str, str] = {}
    for header, pattern in _HEADERS:
        for match in _MACRO.finditer((library / header).read_text()):
            name = match[1]
            if name.endswith("_H") or name in _NOT_TAKEN or not re.match(pattern, name):
                continue
            found.setdefault(name, match[0].replace("sys_reg(", "guest_sys_reg("))
    return found


def of_checkout(checkout: Path) -> frozenset[str]:
    """Return the names of macros that headers of the checkout define."""
    headers = [
        header
        for directory in _DIRECTORIES
        for place in (checkout / directory, checkout / directory / "asm")
        for header in place.glob("*.h")
        # An earlier export
        if header.name != "guest-bridge.h"
    ]
    texts = [header.read_text(errors="replace") for header in headers]
    return frozenset(_THEIRS.findall("\n".join(texts)))


def needed(ours: dict[str, str], theirs: frozenset[str], texts: Iterable[str]) -> dict[str, str]:
    """Return those of our macros that the texts use, also through others, and that they lack."""
    used = {name for text in texts for name in _NAME.findall(text)}
    chosen: set[str] = set()
    open_names = [name for name in ours if name in used]
    while open_names:
        name = open_names.pop()
        if name not in chosen and name not in theirs:
            chosen.add(name)
            open_names += [word for word in _NAME.findall(ours[name]) if word in ours]
    return {name: text for name, text in ours.items() if name in chosen}
