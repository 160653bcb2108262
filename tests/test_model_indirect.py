# SPDX-License-Identifier: GPL-2.0-or-later
"""Permissions of stage 1 by index, against the manual (DDI 0487, D8.4.1)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.areas import s1pie
from kut_model.translation.indirect import NONE, RESERVED, Base, base, permissions

VALUES = st.integers(0, 15)
ROWS = {row.id: row for row in s1pie.AREA.rows()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0b0001, Base(r=True)),
        (0b0010, Base(x=True)),
        (0b0101, Base(r=True, w=True)),
        (0b0111, Base(r=True, w=True, x=True)),
        (0b1010, Base(r=True, x=True)),
        (0b1001, Base(r=True, gcs=True)),
        (0b1110, Base(r=True, w=True, x=True)),
    ],
)
def test_values(value: int, expected: Base) -> None:
    assert base(value) == expected
    assert permissions(value, 0, 1, pan=False) == expected


def test_what_permits_nothing() -> None:
    assert {value for value in range(16) if base(value) == NONE} == RESERVED | {0}


@given(VALUES, VALUES, st.sampled_from((0, 1)), st.booleans())
def test_el1_never_executes_what_el0_may_write(ppi: int, upi: int, el: int, pan: bool) -> None:  # noqa: FBT001
    found = permissions(ppi, upi, el, pan=pan)
    if base(ppi).x and base(upi).w:
        assert found == NONE
    if el == 1 and pan and upi:
        assert not found.r
        assert not found.w
    if el == 0:
        assert found == permissions(ppi, upi, 0, pan=not pan)


def test_the_value_with_wxn_is_writable_and_not_executable() -> None:
    assert permissions(0b0110, 0, 1, pan=False) == Base(r=True, w=True)
    assert permissions(0, 0b0110, 0, pan=False) == Base(r=True, w=True)
    assert permissions(0b0110, 0b0101, 1, pan=False) == NONE


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("p5.u0.write.el1", "permitted"),
        ("p1.u0.write.el1", "permission fault, level 1, write, ESR_EL1 0x9600004d"),
        ("p5.u5.write.el1.pan", "permission fault, level 1, write, ESR_EL1 0x9600004d"),
        ("p3.u5.exec.el1", "permission fault, level 1, read or fetch, ESR_EL1 0x8600000d"),
        ("p5.u5.atomic.el0.clean1.ha1.hd1", "permitted, and nDirty becomes 0"),
        (
            "p5.u5.write.el0.clean1.ha1.hd0",
            "permission fault, level 1, write with DirtyBit, ESR_EL1 0x209200004d",
        ),
        ("p5.u5.at-write.el1.clean1.ha1.hd1", "permitted"),
    ],
)
def test_rows(row: str, expected: str) -> None:
    assert ROWS[f"s1pie.{row}"].expected == expected


def test_other_fields_of_the_registers_have_another_value() -> None:
    found = re.findall(r"\.pir = 0x([0-9a-f]+)", s1pie.AREA.header())
    for text in found:
        fields = text.zfill(16)
        assert fields[0] == "a"
        assert len(set(fields[1:])) <= 2
