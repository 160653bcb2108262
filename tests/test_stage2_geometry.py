# SPDX-License-Identifier: GPL-2.0-or-later
"""s2_geometry() over all its inputs, against an oracle that searches instead of computing."""

import re

import pytest
import realtree

PAGE_SHIFT = {"4K": 12, "16K": 14, "64K": 16}
# VTCR_EL2.SL0 by start level, without FEAT_LPA2 and FEAT_TTST (DDI 0487, D24.2.187)
SL0 = {"4K": {0: 2, 1: 1, 2: 0}, "16K": {1: 2, 2: 1, 3: 0}, "64K": {1: 2, 2: 1, 3: 0}}
LINE = re.compile(r"INFO: geometry: (\w+) (\d+) (.*)")


def oracle(granule: str, ipa_bits: int) -> str:
    """The deepest start level whose root, of at most 16 tables, spans the address."""
    page_shift = PAGE_SHIFT[granule]
    stride = page_shift - 3
    if not 25 <= ipa_bits <= 48:
        return "none"
    for level in sorted(SL0[granule], reverse=True):
        entry_bits = page_shift + (3 - level) * stride
        entries = 2 ** (ipa_bits - entry_bits) if ipa_bits > entry_bits else 0
        tables = max(1, entries // 2**stride)
        if entries and tables <= 16:
            fields = (level, tables, 64 - ipa_bits, SL0[granule][level])
            return "level={} tables={} t0sz={} sl0={}".format(*fields)
    raise AssertionError


@pytest.fixture(scope="module")
def printed() -> dict[tuple[str, int], str]:
    output = realtree.boot(realtree.build("stage2-geometry"))[1]
    return {
        (granule, int(bits)): words
        for granule, bits, words in LINE.findall(output.replace("\r", ""))
    }


def test_all_inputs_are_there(printed: dict[tuple[str, int], str]) -> None:
    assert set(printed) == {(granule, bits) for granule in PAGE_SHIFT for bits in range(20, 57)}


def test_geometry_is_the_oracle(printed: dict[tuple[str, int], str]) -> None:
    wrong = {key: words for key, words in printed.items() if words != oracle(*key)}
    assert not wrong
