# SPDX-License-Identifier: GPL-2.0-or-later
"""What s2mmu_print() and s2mmu_explain() say of a tree."""

import re

import pytest
import realtree

pytestmark = pytest.mark.qemu

LINES = (
    r"4K granule, 36 bits, level 1, 1 root tables, VTCR_EL2 0x[0-9a-f]+, VTTBR_EL2 0x1[0-9a-f]+",
    r"0x80000000\.\.0x801fffff -> 0x40000000: 1 blocks, level 2: r-, never x, Normal write-back",
    r"0x80200000\.\.0x80202fff -> 0x40200000: 3 pages, level 3: rw, x at EL1 and EL0, .*",
    r"0x80300000\.\.0x80300fff -> 0x9000000: 1 pages, level 3: rw, x at EL1 and EL0, Dev.*",
    r"5 leaves",
    r"IPA 0x80123456, level 1: entry 2 of the table at 0x[0-9a-f]+ is 0x[0-9a-f]+003",
    r"  block of 2048 KiB, IPA 0x80123456 is at 0x40123456",
    r"  page of 4 KiB, IPA 0x80201234 is at 0x40201234",
    r"IPA 0x80204000, level 3: entry 4 of the table at 0x[0-9a-f]+ is 0",
    r"  invalid: a translation fault, level 3",
    r"IPA 0x10000000000 is beyond 36 bits: a translation fault, level 0",
    r"  wrong: a table at 0x7ffffffff000, which is no memory",
)


@pytest.fixture(scope="module")
def output() -> str:
    return realtree.boot(realtree.build("stage2-raw"), "words")[1].replace("\r", "")


@pytest.mark.parametrize("line", LINES)
def test_a_tree_in_words(output: str, line: str) -> None:
    assert re.search(rf"^INFO: words: stage2: {line}$", output, re.MULTILINE)
