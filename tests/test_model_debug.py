# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of debug exceptions, against the manual (DDI 0487, D2)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model import areas
from kut_model.debug.cases import NONE, At, Case, Outcome, State
from kut_model.debug.events import (
    ALL_LEVELS,
    CID,
    CID1,
    CID2,
    LEVELS,
    VMID,
    Context,
    Levels,
    Machine,
    Watched,
)
from kut_model.traps.places import Place

FLAGS = st.booleans()
MACHINES = st.builds(
    Machine,
    st.sampled_from((0, 1, 2)),
    tde=FLAGS,
    mde=FLAGS,
    kde=FLAGS,
    masked=FLAGS,
    oslk=FLAGS,
    step=FLAGS,
)
STEPPING = Machine(1, tde=True, step=True)
ISV, EX, DEBUG = 1 << 24, 1 << 6, 0x22


def case(insn: str, machine: Machine = STEPPING, *, ss: bool = True) -> Case:
    """Return a case at EL1 without a name."""
    return Case("", "", Place.EL1, insn, machine, ss=ss)


def only(outcomes: tuple[Outcome, ...]) -> Outcome:
    """Return the only outcome."""
    (outcome,) = outcomes
    return outcome


def isses(outcomes: tuple[Outcome, ...]) -> set[int]:
    """Return ISS of outcomes that are exceptions."""
    return {outcome.taken.iss for outcome in outcomes if outcome.taken}


@given(MACHINES)
def test_what_enables_debug_exceptions(machine: Machine) -> None:
    target = 2 if machine.tde else 1
    assert machine.debug_target == target
    same = machine.el == target and machine.kde and not machine.masked
    assert machine.generates is (not machine.oslk and (machine.el < target or same))
    assert machine.matches is (machine.generates and machine.mde)


def test_a_host_takes_debug_exceptions_of_its_el0() -> None:
    machine = Machine(0, host=True, kde=False)
    assert machine.debug_target == 2
    assert machine.generates


def test_levels() -> None:
    found = {level: {el for el in (0, 1, 2) if level.match(el)} for level in LEVELS}
    assert found == {
        Levels(0, 0, 1): {1},
        Levels(0, 0, 2): {0},
        Levels(0, 0, 3): {0, 1},
        Levels(1, 0, 1): {1, 2},
        Levels(1, 0, 3): {0, 1, 2},
        Levels(1, 3, 0): {2},
    }
    assert ALL_LEVELS in LEVELS


@given(st.integers(0, 120), st.sampled_from((1, 4, 8, 16)), st.integers(1, 8), st.integers(0, 7))
def test_an_access_matches_if_it_has_a_watched_byte(
    first: int, size: int, count: int, low: int
) -> None:
    watched = Watched(64, bas=((1 << count) - 1 << low) & 0xFF)
    accessed = set(range(first, first + size))
    hit = accessed & set(range(64 + low, min(64 + low + count, 72)))
    far = watched.match(first, size, read=True, write=False)
    assert (far is not None) is bool(hit)
    if far:
        assert (far.start, far.stop - 1) == (first, max(hit))


def test_masks_and_direction() -> None:
    assert Watched(64, mask=4).bytes == range(64, 80)
    assert Watched(68, bas=0xFF).bytes == range(68, 72)
    assert Watched(64, lsc=2).match(64, 8, read=True, write=False) is None
    assert not Watched(64, lsc=3).writes(read=True)
    assert Watched(64, lsc=2).writes(read=True)
    assert Watched(64, lsc=3).writes(read=False)


@pytest.mark.parametrize(
    ("context", "machine", "expected"),
    [
        (Context(CID), Machine(1), True),
        (Context(CID, high=False), Machine(0), True),
        (Context(CID, low=False), Machine(1), False),
        (Context(CID), Machine(2), False),
        (Context(CID), Machine(2, host=True), True),
        (Context(CID1), Machine(2, host=True), False),
        (Context(CID1), Machine(0, host=True), False),
        (Context(VMID, low=False), Machine(0), True),
        (Context(VMID, high=False), Machine(0), False),
        (Context(VMID), Machine(0, host=True), False),
        (Context(CID2, low=False), Machine(2), True),
        (Context(CID2, high=False), Machine(0), False),
    ],
)
def test_contexts(context: Context, machine: Machine, *, expected: bool) -> None:
    assert context.match(machine) is expected


def test_steps() -> None:
    assert only(case("nop", ss=False).outcomes).esr == 0xCA000022
    stepped = only(case("nop").outcomes)
    assert (stepped.esr, stepped.at, stepped.ss) == (0xCB000022, At.NEXT, False)
    assert isses(case("ldxr-x").outcomes) == {ISV | EX | DEBUG}
    assert isses(case("isb").outcomes) == {ISV | DEBUG, DEBUG}
    assert case("nop", replace(STEPPING, step=False)).outcomes == (NONE,)


def test_exceptions_of_an_instruction_that_is_stepped() -> None:
    taken = case("svc").outcomes
    assert {(outcome.el, outcome.at) for outcome in taken} == {(2, At.VECTOR)}
    assert only(case("hvc").outcomes).at is At.NEXT
    assert not only(case("hvc").outcomes).ss
    broken = only(case("brk").outcomes)
    assert (broken.el, broken.ss) == (2, True)
    own = replace(STEPPING, tde=False)
    undefined = only(case("udf", own).outcomes)
    assert (undefined.el, undefined.esr, undefined.ss) == (1, 0x2000000, True)


def test_returns_of_el1() -> None:
    assert {outcome.at for outcome in case("eret").outcomes} == {At.RETURN}
    below = replace(STEPPING, tde=False, masked=True)
    assert only(case("eret", below).outcomes).esr == 0xCA000022
    stepped = replace(case("eret", below), el1_ss=True)
    assert only(stepped.outcomes).at is At.AFTER_RETURN


def test_priorities() -> None:
    machine = Machine(1, tde=True)
    broken = replace(case("nop", machine), breaks=True)
    assert only(broken.outcomes).esr == 0xC2000022
    assert only(replace(broken, state=State.ILLEGAL).outcomes).esr == 0xC2000022
    assert only(replace(broken, state=State.FETCH_UNMAPPED).outcomes).esr == 0x86000004
    watched = replace(case("str-x", machine), watched=Watched(0))
    assert only(watched.outcomes).esr == 0xD2000062
    assert only(replace(watched, state=State.DATA_UNMAPPED).outcomes).esr == 0x96000044
    assert only(replace(watched, state=State.ALIGNMENT, offset=4).outcomes).esr == 0x96000061


def test_rows() -> None:
    rows = {row.id: row for row in areas.load("debug").rows()}
    assert rows["debug.el1.break.contextidr_el2.low1.high1"].needs == ("FEAT_VHE",)
    assert rows["debug.el0.watch.dc-zva.lsc3"].needs == ("DC_ZVA_64",)
    assert "debug.el2.alone.contextidr.low1.high1" not in rows
    assert rows["debug.el1.step.nop.ss0.tde0.kde0.d0"].expected == "no exception"
