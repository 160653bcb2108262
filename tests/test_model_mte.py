# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of allocation tags, against the manual (DDI 0487, D10)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model import areas
from kut_model.mte.cases import MIXED, TAG, UNIFORM, Case, Memory, Result, Stage2
from kut_model.mte.products import cases
from kut_model.mte.tags import (
    Controls,
    Mode,
    choose,
    is_recorded,
    is_synchronous,
    random_offset,
    tag_of,
    with_tag,
)
from kut_model.traps.places import Place

TAGS = st.integers(0, 15)
ADDRESSES = st.integers(0, (1 << 64) - 1)
SYNC = Controls(tcf=Mode.SYNC, tcf0=Mode.SYNC)
ROWS = {row.id: row for row in areas.load("mte").rows()}


def case(place: Place, insn: str, controls: Controls = SYNC, tag: int = 9) -> Case:
    """Return a case without a name."""
    return Case("", "", place, insn, controls, tag)


def esr(result: Result) -> int:
    """Return ESR_ELx of a result, 0 without an exception."""
    return result.taken.esr if result.taken else 0


@given(TAGS, TAGS, st.integers(0, 0xFFFF))
def test_a_chosen_tag_is_permitted(tag: int, offset: int, exclude: int) -> None:
    found = choose(tag, offset, exclude)
    assert not exclude >> found & 1 or (exclude == 0xFFFF and found == 0)
    if not exclude:
        assert found == (tag + offset) % 16
    if offset == 0 and not exclude >> tag & 1:
        assert found == tag


@pytest.mark.parametrize(
    ("tag", "offset", "exclude", "expected"),
    [(0, 1, 0b10, 2), (0, 0, 0b1, 1), (15, 1, 0b1, 1), (3, 2, 0b110000, 7), (7, 5, 0xFFFE, 0)],
)
def test_choice_of_tags(tag: int, offset: int, exclude: int, expected: int) -> None:
    assert choose(tag, offset, exclude) == expected


@given(st.integers(1, 0xFFFF))
def test_random_bits_are_those_of_a_shift_register(seed: int) -> None:
    offset, after = random_offset(seed)
    assert 0 <= offset < 16
    assert after == (offset << 12 | seed >> 4)
    assert after


@given(ADDRESSES, TAGS)
def test_a_tag_is_four_bits_of_an_address(address: int, tag: int) -> None:
    tagged = with_tag(address, tag)
    assert tag_of(tagged) == tag
    assert with_tag(tagged, tag_of(address)) == address


@given(ADDRESSES, st.sampled_from((0, 1, 2)), st.booleans())
def test_checks_need_access_and_tbi(address: int, el: int, host: bool) -> None:  # noqa: FBT001
    assert SYNC.checks(address, el, host=host)
    for denied in (replace(SYNC, tbi=False), replace(SYNC, tco=True)):
        assert not denied.checks(address, el, host=host)
    below = el < 2 and not host
    assert replace(SYNC, hcr_ata=False).checks(address, el, host=host) is not below
    assert replace(SYNC, ata=False).checks(address, el, host=host) is (el == 0)
    assert replace(SYNC, ata0=False).checks(address, el, host=host) is (el > 0)


@given(st.integers(0, (1 << 55) - 1), TAGS)
def test_match_all_tags(low: int, tag: int) -> None:
    controls = replace(SYNC, tcma0=True, tcma1=True)
    assert controls.checks(with_tag(low, tag), 1, host=False) is (tag != 0)
    high = with_tag(low | 1 << 55, tag)
    assert controls.checks(high, 1, host=False) is (tag != 15)


def test_modes() -> None:
    exception = {
        (mode, read): is_synchronous(mode, read=read) for mode in Mode for read in (False, True)
    }
    assert {key for key, value in exception.items() if value} == {
        *((Mode.SYNC, False), (Mode.SYNC, True), (Mode.ASYMM, True)),
    }
    recorded = {
        (mode, read): is_recorded(mode, read=read) for mode in Mode for read in (False, True)
    }
    assert {key for key, value in recorded.items() if value} == {
        *((Mode.ASYNC, False), (Mode.ASYNC, True), (Mode.ASYMM, False)),
    }


@pytest.mark.parametrize(
    ("place", "insn", "expected"),
    [
        (Place.EL2, "ldr-x", 0x96000011),
        (Place.EL1, "str-x", 0x96000051),
        (Place.EL0, "str-x", 0x92000051),
        (Place.HOST_EL0, "ldr-x", 0x92000011),
        (Place.EL1, "ldadd-x", 0x96000011),
        (Place.EL1, "cas-x", 0x96000011),
        (Place.EL1, "dc-zva", 0x96000051),
        (Place.EL1, "ldr-sp", 0),
        (Place.EL1, "ldr-sp-post", 0x96000011),
        (Place.EL1, "stg", 0),
        (Place.EL0, "ldgm", 0x02000000),
    ],
)
def test_synchronous_faults(place: Place, insn: str, expected: int) -> None:
    found = case(place, insn).result
    assert esr(found) == expected
    assert esr(case(place, insn, tag=TAG).result) == (expected if insn == "ldgm" else 0)


def test_an_unprivileged_access_is_one_of_el0() -> None:
    controls = Controls(tcf=Mode.NONE, tcf0=Mode.ASYNC)
    assert case(Place.EL1, "sttr-x", controls).result.tfsr == {0: 1}
    assert case(Place.EL2, "sttr-x", controls).result.tfsr == {0: 1}
    assert replace(case(Place.EL2, "sttr-x", controls), vhe=False).result.tfsr == {}
    assert replace(case(Place.EL0, "str-x", controls), high=True).result.tfsr == {0: 2}


def test_tags_that_are_not_accessible_read_as_0_and_are_not_written() -> None:
    denied = replace(SYNC, hcr_ata=False)
    assert tag_of(case(Place.EL1, "ldg").result.state.x0) == TAG
    assert tag_of(case(Place.EL1, "ldg", denied).result.state.x0) == 0
    assert case(Place.EL1, "stg").result.state.tags != UNIFORM
    assert case(Place.EL1, "stg", denied).result.state.tags == UNIFORM
    assert case(Place.EL1, "stzg", denied).result.state.changed == 0b110000
    assert case(Place.EL2, "stg", denied).result.state.tags != UNIFORM


@pytest.mark.parametrize(
    ("stage2", "tagged"),
    [
        (Stage2(0xF), True),
        (Stage2(0xA), False),
        (Stage2(0x5), False),
        (Stage2(0x0), False),
        (Stage2(0x6, fwb=True), True),
        (Stage2(0x7, fwb=True), True),
        (Stage2(0x5, fwb=True), False),
        (Stage2(0xF, dc=True), False),
        (Stage2(0xF, dc=True, dct=True), True),
    ],
)
def test_stage_2_leaves_tags_to_write_back_memory(stage2: Stage2, *, tagged: bool) -> None:
    assert replace(case(Place.EL1, "ldr-x"), stage2=stage2).is_tagged is tagged


def test_other_faults_come_first() -> None:
    wrong = case(Place.EL1, "str-x")
    assert esr(replace(wrong, memory=Memory.READ_ONLY).result) == 0x9600004F
    assert esr(replace(wrong, memory=Memory.UNMAPPED).result) == 0x96000047
    assert esr(replace(wrong, alignment_check=True, offset=36).result) == 0x96000061
    stage2 = Stage2(0xF, writable=False)
    assert esr(replace(wrong, stage2=stage2).result) == 0x9200004F


def test_an_access_of_two_granules_needs_both_tags() -> None:
    crossing = replace(case(Place.EL1, "ldr-x", tag=TAG), before=MIXED, offset=44)
    assert crossing.result.far == (44, 48)
    assert replace(crossing, tag=TAG + 1).result.far == (44,)
    assert replace(crossing, offset=40).result.taken is None


def test_rows() -> None:
    assert ROWS["mte.el2.ldr-x.sync.tag9"].needs == ("FEAT_MTE2",)
    assert ROWS["mte.el1.ldr-x.asymm.tag9"].needs == ("FEAT_MTE2", "FEAT_MTE3")
    assert ROWS["mte.el0.stgm.base.tagged.32"].kind == "undefined"
    assert "mte.el2.ldr-sp.sync.tag9" not in ROWS
    assert not [each for each in cases(vhe=False) if each.place is Place.HOST_EL0]
    assert "mte.el2.ldr-x.sync.tag9.high" not in {row.id for row in areas.load("mte-nvhe").rows()}
