# SPDX-License-Identifier: GPL-2.0-or-later
"""The library's patches of the export, by subject.

Each of them builds: a header is in the patch of the first file that includes it, or before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final


@dataclass(frozen=True, slots=True)
class Part:
    """A patch of the library. The longest pattern that matches a path below lib/ has the file."""

    subject: str
    reason: str
    patterns: tuple[str, ...]


#: The structures whose offsets the assembler needs are in the patch of this file.
OFFSETS: Final = "lib/arm64/asm/guest-entry.h"

LIBRARY: Final = (
    Part(
        "lib: Add error numbers, subtests and shortages of memory",
        """\
Functions that can fail for several reasons return negated error numbers,
whose names belong into messages. A test of several parts runs the one
that its arguments name, or all. A shortage of pages on purpose shows
what a function does when memory runs out.
""",
        ("errno.*", "objects.h", "shortage.*", "subtest.*"),
    ),
    Part(
        "arm64: Add definitions for guests at EL2",
        """\
The names of EL2's registers, of their fields and of syndromes that a
host of guests needs beyond those of the library, and registers for the
assembler as lists that are written once. asm/guest-bridge.h is what the
framework expects of its host.
""",
        (
            "arm64/asm/guest-bridge.h",
            *(f"arm64/asm/{name}.h" for name in ("a32", "cfi", "deadline", "registers")),
        ),
    ),
    Part(
        "arm64: Decode syndromes and frame records",
        """\
An exit of a guest that has no handler is printed with its syndrome
decoded, and with the stacks of guest and host.
""",
        ("arm64/guest-esr.c", "arm64/backtrace.c", "arm64/asm/backtrace.h"),
    ),
    Part(
        "arm64: Add stage-2 page tables",
        """\
Tests of a guest need a stage 2 of their own, for each granule, level and
size of address space that the CPU has, with leaves of every type and
permission.
""",
        ("arm64/stage2*", "arm64/asm/stage2*"),
    ),
    Part(
        "arm64: Change stage 2 by break-before-make",
        """\
What is mapped is split, replaced and unmapped as the architecture
requires it, with the invalidation of what other CPUs may have cached.
Stage 2s share the VMIDs of the CPU. Invalid tables can be made on
purpose.
""",
        (
            *(f"arm64/stage2-{name}.c" for name in ("change", "raw", "tlb", "tlbi", "vmid")),
            *("arm64/stage2_mmu.c", "arm64/asm/stage2-vmid.h"),
        ),
    ),
    Part(
        "arm64: Save and load the registers of guests",
        """\
EL1 belongs to the guest while it runs, with the controls of EL2 that are
its own. Each list of registers is written once, for the structure, the
save and the load.
""",
        ("arm64/guest-state.c", "arm64/asm/guest-state.h", "arm64/*pstate.*"),
    ),
    Part(
        "arm64: Add guests behind stage 2",
        """\
Tests of EL2 need guests: code at EL1 and EL0 behind a stage 2 of the
test's own, whose exits are handled in C. guest_run() enters one; each
exit calls the handler of its vector, which resumes the guest or ends the
run. A guest that runs into an exception without handler is printed.

lib/arm64/guest-bridge.c is what the framework needs of its host. Guests
need a host at EL2 with FEAT_VHE, as in EL2=1 ./run_tests.sh -g guest.
""",
        ("*",),
    ),
    Part(
        "arm64: Give guests FP, SVE and debug registers",
        """\
FP and SIMD registers are moved when a guest uses them, SVE and debug
registers with guests that were given them.
""",
        (
            *("arm64/fpsimd.S", "arm64/guest-fp.c", "arm64/guest-host-sve.c"),
            *("arm64/guest-debug.c", "arm64/guest-optional.c"),
        ),
    ),
    Part(
        "arm64: Handle exceptions of guests at EL1",
        """\
A guest may have handlers of its own for exceptions from EL1 and EL0, in C
as the host's are, and functions at EL0 that return.
""",
        ("arm64/guest-el1*", "arm64/guest-el0.c"),
    ),
    Part(
        "arm64: Run guests in AArch32, and without FEAT_S2FWB",
        """\
EL0 and EL1 of a guest may be in AArch32. Memory of a guest whose MMU is
off is Normal also on CPUs that have no FEAT_S2FWB, by HCR_EL2.DC.
""",
        ("arm64/guest-aarch32.c", "arm64/guest-dc.c"),
    ),
    Part(
        "arm64: Emulate devices of guests",
        """\
Accesses of a guest to addresses that are not mapped are decoded and
passed to a device in C: a UART, and one for tests.
""",
        ("arm64/mmio*.c",),
    ),
    Part(
        "arm64: Inject virtual interrupts",
        """\
Guests get interrupts through the list registers, from any CPU, with the
priorities and the maintenance interrupt of the GIC.
""",
        ("arm64/vgic*", "arm64/guest-bridge-gic.c"),
    ),
    Part(
        "arm64: Add page tables of guests",
        """\
A guest with its MMU on has a stage 1 of any granule, whose tables are in
memory that its stage 2 maps.
""",
        ("arm64/guest-stage1.c", "arm64/stage1*", "arm64/asm/guest-stage1.h", "arm64/asm/stage1*"),
    ),
    Part(
        "arm64: Add checks of guests and of stage 2",
        """\
Tests run a guest and compare its exit with the one expected, or have it
make single accesses, and print both with their meaning.
""",
        (
            *("arm64/*guest-check.*", "arm64/*stage2-check.*"),
            "arm64/*stage2-probe*",
        ),
    ),
)


def split(files: Mapping[str, str]) -> list[tuple[Part, dict[str, str]]]:
    """Return the parts in the order of the series, each with its files of those below lib/."""
    found: dict[Part, dict[str, str]] = {part: {} for part in LIBRARY}
    for path, text in files.items():
        found[_part_of(path.removeprefix("lib/"))][path] = text
    return list(found.items())


def _part_of(name: str) -> Part:
    """Return the part with the longest pattern that matches."""
    matches = [
        (len(pattern), place)
        for place, part in enumerate(LIBRARY)
        for pattern in part.patterns
        if fnmatchcase(name, pattern)
    ]
    return LIBRARY[max(matches)[1]]
