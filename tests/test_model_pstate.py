# SPDX-License-Identifier: GPL-2.0-or-later
"""Exception returns of EL2 and PSTATE at exceptions to it, against the manual (DDI 0487, D1.3)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.areas import pstate as area
from kut_model.areas.pstate_nvhe import AREA as NVHE
from kut_model.traps.pstate import AARCH64, Controls, Pstate, after_exception, after_return
from kut_model.traps.returns import Below, is_illegal

BELOW = st.builds(Below, st.booleans(), st.booleans(), st.booleans())
SPSR = st.integers(0, (1 << 32) - 1)
LEGAL_64 = {0, 4, 5, 8, 9}
EL1_32 = {0x11, 0x12, 0x13, 0x17, 0x1B, 0x1F}
HOST = Below(tge=True, e2h=True)


@pytest.mark.parametrize(
    ("below", "legal"),
    [
        (Below(), LEGAL_64 | {0x10}),
        (Below(tge=True), {0, 8, 9, 0x10}),
        (HOST, {0, 8, 9, 0x10}),
        (Below(rw=False), {8, 9, 0x10} | EL1_32),
        (Below(rw=False, e2h=True), {8, 9, 0x10} | EL1_32),
        (Below(rw=False, tge=True), {8, 9, 0x10}),
        (Below(rw=False, tge=True, e2h=True), {0, 8, 9, 0x10}),
    ],
)
def test_legal_modes(below: Below, legal: set[int]) -> None:
    assert {mode for mode in range(32) if not is_illegal(mode, below)} == legal


def bits(pstate: Pstate, *names: str) -> dict[str, int | None]:
    """Fields by name; None: UNKNOWN, or not compared."""
    return {
        name: pstate.value & AARCH64[name] if pstate.known & AARCH64[name] else None
        for name in names
    }


def test_an_illegal_return_keeps_the_state_and_takes_flags_and_masks() -> None:
    every = after_return(sum(AARCH64.values()), Below())
    assert every.illegal
    assert every.value & every.known == 0xF05023C9
    assert bits(every, "tco", "dit", "uao", "ssbs", "btype") == dict.fromkeys(
        ("tco", "dit", "uao", "ssbs", "btype")
    )
    assert after_return(0x2, Below()).value == AARCH64["il"] | 9


def test_a_legal_return_takes_all_but_ss() -> None:
    assert after_return(0xF3F03FC5, Below()) == Pstate(0xF3D03FC5, 0xF3F03FDF)
    thumb = after_return(0x1FF | 0x0F00FC00, Below())
    assert thumb.illegal  # System mode below an EL1 in AArch64
    assert after_return(0x0F00FDF0, Below()).value == 0x0F00FDF0


@given(SPSR, BELOW, st.builds(Controls, st.booleans(), st.booleans(), st.booleans()))
def test_what_an_exception_sets_clears_and_keeps(
    spsr: int, below: Below, controls: Controls
) -> None:
    before = after_return(spsr, below)
    after = after_exception(before, below, controls)
    found = bits(after, "uao", "btype", "ss", "il", "tco", "daif", "ssbs", "allint", "m")
    assert [bool(value) for value in found.values()] == [
        *(False, False, False, False, True, True),
        *(controls.dssbs, not controls.spintmask, True),
    ]
    sets_pan = below.e2h and below.tge and not controls.span
    assert bits(after, "pan")["pan"] == (AARCH64["pan"] if sets_pan else spsr & AARCH64["pan"])
    dit = bits(after, "dit")["dit"]
    assert dit == (None if before.illegal else spsr & AARCH64["dit"])
    assert bits(after, "nzcv") == {"nzcv": None}


ROWS = {row.id: row for row in area.AREA.rows()}


#: Parts of what rows expect: the return, SPSR_EL2, and PSTATE of the handler.
_PARTS = re.compile(
    r"an? (.*return), exception to EL2, EC (\S+) .*, SPSR_EL2 (\S+) .* handler (\S+) .*"
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("eret.rw1.tge0.m0x05", "return 0x3c 0x3c5 0x20023c9"),
        ("eret.rw0.tge0.m0x00.nzcv-daif", "illegal return 0xe 0xf01003c9 0x20023c9"),
        ("exception.host-el0.pan.span-0.dssbs.spintmask", "return 0x3c 0x4003c0 0x24013c9"),
        ("exception.el1-a32.q.base", "return 0x38 0x80001d3 0x20023c9"),
    ],
)
def test_rows(name: str, expected: str) -> None:
    found = _PARTS.fullmatch(ROWS[f"pstate.{name}"].expected)
    assert found
    assert " ".join(found.groups()) == expected


@pytest.mark.parametrize(
    ("name", "vector"),
    [
        ("el2t.none.base", 0),
        ("el2h.none.base", 0x200),
        ("el1h.none.base", 0x400),
        ("el0-a32.none.base", 0x400),
        ("host-el0-a32.none.base", 0x600),
        ("host-el0.none.base", 0x400),
        ("el1-a32.none.base", 0x600),
        ("el0-t32.el1-aarch32.none.base", 0x600),
    ],
)
def test_vectors(name: str, vector: int) -> None:
    found = {case.name: case.vector for case in area.cases(vhe=True)}
    assert found[f"exception.{name}"] == vector


def test_without_vhe_there_is_no_span() -> None:
    assert any(".span-0" in name for name in ROWS)
    assert not any(".span-0" in row.id for row in NVHE.rows())


def test_a_row_needs_the_features_of_its_fields() -> None:
    row = ROWS["pstate.exception.el0-a32.dit.dssbs"]
    assert row.needs == ("FEAT_AA32EL0", "FEAT_DIT", "FEAT_SSBS")
