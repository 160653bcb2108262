# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that s2mmu_print() and s2mmu_explain() print of a tree."""

import re

import pytest
import realtree

pytestmark = pytest.mark.qemu

AT = r"entry {} of the table at 0x[0-9a-f]+ is 0x[0-9a-f]+"
RW = "rw, x at EL1 and EL0, Normal write-back"
LINES = [
    r"4K granule, 40 bits, level 1, 2 root tables, VTCR_EL2 0x[0-9a-f]+, VTTBR_EL2 0x1[0-9a-f]+",
    r"0x80000000\.\.0x801fffff -> 0x40000000: 1 blocks, level 2: r-, never x, Normal write-back",
    rf"0x80200000\.\.0x80202fff -> 0x40200000: 3 pages, level 3: {RW}",
    r"0x80300000\.\.0x80300fff -> 0x9000000: 1 pages, level 3: rw, x at EL1 and EL0, Device-nGnRE",
    "5 leaves",
    rf"IPA 0x80123456, level 1: {AT.format(2)}003",
    rf"IPA 0x80123456, level 2: {AT.format(0)}",
    "  block of 2048 KiB, IPA 0x80123456 is at 0x40123456",
    "  r-, never x, Normal write-back",
    rf"IPA 0x80201234, level 1: {AT.format(2)}003",
    rf"IPA 0x80201234, level 2: {AT.format(1)}003",
    rf"IPA 0x80201234, level 3: {AT.format(1)}",
    "  page of 4 KiB, IPA 0x80201234 is at 0x40201234",
    f"  {RW}",
    rf"IPA 0x80204000, level 1: {AT.format(2)}003",
    rf"IPA 0x80204000, level 2: {AT.format(1)}003",
    r"IPA 0x80204000, level 3: entry 4 of the table at 0x[0-9a-f]+ is 0",
    "  invalid: a translation fault, level 3",
    "IPA 0x10000000000 is beyond 40 bits: a translation fault, level 0",
    rf"IPA 0xc0000000, level 1: {AT.format(3)}003",
    rf"IPA 0xc0000000, level 2: {AT.format(0)}",
    "  wrong: a table at 0x7ffffffff000, which is no memory",
    rf"IPA 0x140000000, level 1: {AT.format(5)}",
    "  wrong: a table at 0, which is no memory",
    rf"IPA 0x200000000, level 1: {AT.format(8)}",
    "  block of 1048576 KiB, IPA 0x200000000 is at 0x40000000",
    f"  {RW}",
    r"IPA 0, level 0: entry 0 of the table at 0x[0-9a-f]+ is 0x401",
    "  block of 536870912 KiB, IPA 0 is at 0",
    "  --, x at EL1 and EL0, Device-nGnRnE",
    "  wrong: no blocks at this level, a translation fault",
]
DEVICES = ["Device-nGnRnE", "Device-nGnRE", "Device-nGRE", "Device-GRE"]
NC, WT, WB = "Normal non-cacheable", "Normal write-through", "Normal write-back"
RESERVED, MIXED = "reserved type", "Normal, inner and outer differ"
#: By MemAttr[3:0], with FEAT_S2FWB and without (DDI 0487, D8.6.5 and D8.6.6)
TYPES = {
    "max": [*DEVICES, RESERVED, NC, WB, "type of stage 1", *[RESERVED] * 8],
    "neoverse-n1": [
        *DEVICES,
        *(RESERVED, NC, MIXED, MIXED),
        *(RESERVED, MIXED, WT, MIXED),
        *(RESERVED, MIXED, MIXED, WB),
    ],
}


def descriptions(cpu: str, prefix: str) -> list[str]:
    """The lines that begin with a prefix, which is left out."""
    output = realtree.boot(realtree.build("stage2-raw"), "descriptions", cpu=cpu)[1]
    assert "EXIT: STATUS=1" in output
    return re.findall(rf"^INFO: descriptions: {prefix}(.*?)\r?$", output, re.MULTILINE)


def test_a_described_tree() -> None:
    found = descriptions("max", "stage2: ")
    assert len(found) == len(LINES), found
    for line, pattern in zip(found, LINES, strict=True):
        assert re.fullmatch(pattern, line), line


@pytest.mark.parametrize("cpu", TYPES)
def test_described_memory_types(cpu: str) -> None:
    found = descriptions(cpu, r"type \d+: ")
    assert found == [f"--, x at EL1 and EL0, {name}, not accessed" for name in TYPES[cpu]]
