# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of generic timers, against the manual's text (DDI 0487, D12.2)."""

import pytest
from hypothesis import given
from hypothesis.strategies import integers

from kut_model import timers
from kut_model.areas.timers import AREA

COUNTS = integers(0, timers.MASK)


@pytest.mark.parametrize(
    ("count", "cval", "met"),
    [
        (0, 0, True),
        (0, 1, False),
        (1 << 63, (1 << 63) - 1, True),
        ((1 << 63) - 1, 1 << 63, False),
        (timers.MASK, 0, True),
        (0, timers.MASK, False),
        (timers.MASK, timers.MASK, True),
    ],
)
def test_the_comparison_is_unsigned(count: int, cval: int, met: bool) -> None:  # noqa: FBT001
    assert timers.condition_met(count, cval) is met


@pytest.mark.parametrize(
    ("written", "met", "read", "known", "asserted"),
    [
        (0, True, 0, 3, False),
        (1, True, 5, 7, True),
        (1, False, 1, 7, False),
        (2, True, 2, 3, False),
        (3, True, 7, 7, False),
        (5, False, 1, 7, False),
        (7, False, 3, 7, False),
    ],
)
def test_the_control_register(
    *, written: int, met: bool, read: int, known: int, asserted: bool
) -> None:
    assert timers.control(written, met=met) == read
    assert timers.control_known(written) == known
    assert timers.asserted(written, met=met) is asserted


@given(COUNTS, COUNTS)
def test_tval_is_signed_and_32_bits(count: int, tval: int) -> None:
    cval = timers.compare_value(count, tval)
    assert (cval - count + (1 << 31)) & timers.MASK < 1 << 32
    assert (cval - count) & 0xFFFFFFFF == tval & 0xFFFFFFFF
    assert timers.compare_value(count, tval & 0xFFFFFFFF) == cval


def test_tval_at_the_edges() -> None:
    assert timers.compare_value(0, 0xFFFFFFFF) == timers.MASK
    assert timers.compare_value(timers.MASK, 1) == 0
    assert timers.compare_value(1 << 40, 0x80000000) == (1 << 40) - (1 << 31)


def test_rows_have_both_outcomes_at_the_edges() -> None:
    expected = {row.id: row.expected for row in AREA.rows()}
    due = "CTL 0x5 (bits 0x7), interrupt asserted"
    waits = "CTL 0x1 (bits 0x7), interrupt not asserted"
    assert expected["timers.v.el1.high.ahead-wrapped.ctl-1"] == due
    assert expected["timers.v.el1.low.behind-wrapped.ctl-1"] == waits
    assert expected["timers.v.el1.offset-1.cval-max.holds"] == waits
    assert expected["timers.v.el1.end.tval-0x7fffffff"] == due
    assert expected["timers.v.el1.start.tval-0x80000000"] == waits
