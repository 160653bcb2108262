# SPDX-License-Identifier: GPL-2.0-or-later
"""Alignment faults in the model, against the manual (DDI 0487, B2.5.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.areas.align import AREA, cases
from kut_model.translation.alignment import Controls, Kind, faults

ROWS = {row.id: row for row in AREA.rows()}
CONTROLS = st.builds(Controls, st.booleans(), st.booleans())


@given(st.sampled_from(Kind), st.integers(0, 64), st.sampled_from((2, 4, 8, 16)), CONTROLS)
def test_aligned_accesses_do_not_fault_and_misaligned_ones_of_devices_do(
    kind: Kind, address: int, size: int, controls: Controls
) -> None:
    found = [
        faults(kind, address, size, device=device, controls=controls, lse2=lse2, pair=False)
        for device, lse2 in ((True, True), (True, False), (False, True), (False, False))
    ]
    misaligned = address % size != 0
    assert found[:2] == [misaligned, misaligned]
    if not misaligned:
        assert not any(found)
    if controls.a:
        assert found == [misaligned] * 4


@pytest.mark.parametrize(
    ("kind", "address", "naa", "lse2", "expected"),
    [
        (Kind.PLAIN, 1, False, False, False),
        (Kind.PLAIN, 9, False, False, False),
        (Kind.ORDERED, 1, False, True, False),
        (Kind.ORDERED, 9, False, True, True),
        (Kind.ORDERED, 9, True, True, False),
        (Kind.ORDERED, 1, True, False, True),
        (Kind.ATOMIC, 8 - 7, False, True, False),
        (Kind.ATOMIC, 9, True, True, True),
        (Kind.ATOMIC, 4, False, False, True),
    ],
)
def test_normal_memory(*, kind: Kind, address: int, naa: bool, lse2: bool, expected: bool) -> None:
    controls = Controls(naa=naa)
    found = faults(kind, address, 8, device=False, controls=controls, lse2=lse2, pair=False)
    assert found is expected


def test_a_pair_is_aligned_as_each_of_its_registers() -> None:
    permitted = {"device": True, "controls": Controls(), "lse2": False}
    assert not faults(Kind.PLAIN, 8, 16, pair=True, **permitted)  # type: ignore[arg-type]
    assert faults(Kind.PLAIN, 8, 16, pair=False, **permitted)  # type: ignore[arg-type]
    assert faults(Kind.PLAIN, 4, 16, pair=True, **permitted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "esr"),
    [
        ("ldr-x.1.off.el2.base", 0x96000021),
        ("str-x.1.off.el2.base", 0x96000061),
        ("ldr-x.1.normal.el2.base", 0),
        ("ldr-x.1.normal.el2.a", 0x96000021),
        ("ldr-x.1.off.el0.base", 0x92000021),
        ("ldp-x.8.device-gre.el1.base", 0),
        ("ldxr-x.1.normal.el1.base.lse2", 0),
        ("ldxr-x.1.normal.el1.base.without-lse2", 0x96000021),
        ("ldxr-x.9.normal.el1.base", 0x96000021),
        ("ldar-x.9.dc.el1.naa", 0),
    ],
)
def test_rows(name: str, esr: int) -> None:
    found = {case.id: case.taken for case in cases()}[name]
    assert (found.esr if found else 0) == esr


def test_a_row_needs_the_feature_that_it_is_about() -> None:
    assert ROWS["align.ldadd-x.1.dc.el1.base.lse2"].needs == ("FEAT_LSE", "FEAT_LSE2")
    assert ROWS["align.ldxr-x.1.dc.el1.base.without-lse2"].needs == ("without_FEAT_LSE2",)
    assert ROWS["align.ldar-x.1.dc.el1.a.naa"].needs == ("FEAT_LSE2",)
    assert ROWS["align.ldr-x.1.dc.el1.base"].needs == ()


def test_aligned_atomic_accesses_of_devices_are_left_out() -> None:
    assert "align.ldxr-x.0.off.el1.base" not in ROWS
    assert "align.ldxr-x.0.normal.el1.base" in ROWS
