# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases in the model: fields, draws, outcomes, variants, conditions, and the data."""

import json
import struct
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.fuzz import __main__ as program
from kut_model.fuzz import conditions, registers, shrink, table
from kut_model.fuzz.draw import draw
from kut_model.fuzz.fields import FIELDS, OPS, Case, CaseError
from kut_model.fuzz.judge import NARROW, WIDE, Judged, judge, outcomes
from kut_model.fuzz.layout import ARENA, ARENA_BYTES
from kut_model.fuzz.setup import build
from kut_model.translation.codes import abort_of

DRAWN = list(draw(1000, 7))


def expected(text: str) -> str:
    """The outcomes of a case, decoded."""
    return judge(Case.parse(text)).expected


def test_a_seed_gives_the_same_cases_however_many_are_drawn() -> None:
    assert [each.case for each in draw(3, 7)] == [each.case for each in DRAWN[:3]]
    assert [each.case for each in draw(3, 8)] != [each.case for each in DRAWN[:3]]


def test_draws_have_every_kind_of_access_and_outcome() -> None:
    assert {each.case.op for each in DRAWN} == set(OPS)
    kinds = Counter(
        (found.el, found.status >> 2, found.on_walk)
        for each in DRAWN
        if (found := abort_of(each.codes[0]))
    )
    for kind in range(4):  # address size, translation, access flag, permission
        assert kinds[1, kind, False]
        assert kinds[2, kind, False] + kinds[2, kind, True]
    assert sum(abort_of(each.codes[0]) is None for each in DRAWN) > len(DRAWN) // 4
    drawn = {name for each in DRAWN for name, _ in each.case.fields}
    assert {name for name in FIELDS if "-1" not in name} <= drawn


@given(st.sampled_from(DRAWN))
def test_the_text_of_a_case_is_the_case(judged: Judged) -> None:
    assert Case.parse(str(judged.case)) == judged.case


@given(st.sampled_from(DRAWN))
def test_a_case_without_need_of_52_bits_has_one_outcome_on_all_cpus(judged: Judged) -> None:
    if not any(need.startswith("FEAT_LPA") for need in judged.needs):
        found = outcomes(judged.case, judged.setup, NARROW)
        assert found == outcomes(judged.case, judged.setup, WIDE) == judged.codes


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", "the value of the output page"),
        ("op=write", "no exception"),
        ("op=read tag=90", "data abort to EL1, EC 0x25, ISS 0x4 (translation fault, level 0)"),
        ("op=read tag=90 s1.tbi=1", "the value of the output page"),
        ("op=read s1.epd=1", "data abort to EL1, EC 0x25, ISS 0x4 (translation fault, level 0)"),
        ("op=read s1.e0pd=1", "the value of the output page"),
        (
            "op=read s1.e0pd=1 el=0",
            "data abort to EL1, EC 0x24, ISS 0x4 (translation fault, level 0)",
        ),
        (
            "op=write-unaligned s1.a=1 s1.epd=1",
            "data abort to EL1, EC 0x25, ISS 0x61 (alignment fault, WnR)",
        ),
        ("op=write s1.a=1", "no exception"),
        (
            "op=write s1.d2=0x4000000000000000",
            "data abort to EL1, EC 0x25, ISS 0x4f (permission fault, level 3, WnR)",
        ),
        ("op=write s1.d2=0x4000000000000000 s1.hpd=1", "no exception"),
        (
            "op=read s1.tg=16 s1.d2=0x1",
            "data abort to EL1, EC 0x25, ISS 0x6 (translation fault, level 2)",
        ),
        ("op=read s1.tg=64 s1.leaf=2", "the value of the output page"),
        (
            "op=read s1.tg=16 s1.leaf=1",  # a block that needs DS
            "data abort to EL1, EC 0x25, ISS 0x5 (translation fault, level 1)",
        ),
        ("op=read s1.tg=16 s1.leaf=1 s1.ds=1", "the value of the output page"),
        (
            "op=read s1.t0sz=12 s1.ds=1 s1.d-1=0x1",
            "data abort to EL1, EC 0x25, ISS 0x2b (translation fault, level -1)",
        ),
        (
            "op=read s1.ttbr=0x10000000000",
            "data abort to EL1, EC 0x25, ISS 0x0 (address size fault, level 0)",
        ),
        (
            "op=at-s12e1r s2.vttbr=0x10000000000",
            "PAR_EL1 F=1 FST=0x0 (address size fault, level 0) PTW=1 S=1",
        ),
        (
            "op=at-s12e1r s1.high=0x8000000000",
            "PAR_EL1 F=1 FST=0x4 (translation fault, level 0) PTW=0 S=0",
        ),
        ("op=read s2=0 s2.out.d3=0x1", "the value of the output page"),
        (
            "op=read s2=0 dc=1 s2.out.d3=0x1",
            (
                "data abort to EL2, EC 0x24, ISS 0x7 (translation fault, level 3),"
                " HPFAR_EL2 of the output page"
            ),
        ),
    ],
)
def test_outcomes_of_cases(text: str, outcome: str) -> None:
    assert expected(text) == outcome


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("op=fly", "op=fly: expected one of read, write,"),
        ("el=2", "el=2: expected one of 0, 1"),
        ("s1.t0sz=5", "s1.t0sz=5: expected a number from 12 to 0x30"),
        ("s1.d4=1", "unknown field 's1.d4'"),
        ("read", "unknown field 'read'"),
        ("s1.d3=", "s1.d3=: expected a number"),
        ("s1.t0sz=12", "s1.t0sz=12 is out of range"),
        ("s2.start=2", "s2.start and s2.t0sz do not agree"),
        ("s2.tg=64 s2.start=0", "no s2.start=0 with s2.tg=64"),
        ("op=dc-ivac el=0", "dc-ivac is executed at EL1 only"),
        ("op=exec pan=1", "pan and tag belong to accesses of data"),
        ("el=0 pan=1", "pan belongs to EL1"),
        ("s1.leaf=0", "the leaf of stage 1 is above the start level"),
        ("s2.vttbr=0x10000000000", "the instruction cannot be fetched"),
        ("s2.out.d3=0x1000", "the access reaches"),
        ("s2.out.d2=0x10000000", "a walk reads"),
        ("fwb=1 s2.out.d3=0x20", "s2.out: MemAttr is reserved with HCR_EL2.FWB"),
    ],
)
def test_a_case_that_cannot_run_says_why(text: str, error: str) -> None:
    with pytest.raises(CaseError, match=r".*") as found:
        judge(Case.parse(text))
    assert str(found.value).startswith(error)


def test_variants_are_smaller_and_can_run() -> None:
    for judged in DRAWN[:20]:
        for each in shrink.variants(judged.case):
            assert shrink.size(each) < shrink.size(judged.case)
            judge(each)


def test_any_field_can_be_dropped_and_any_bit() -> None:
    case = Case.parse("op=write tag=3 s2.out.d3=0x480 s1.mair=0xff")
    found = set(map(str, shrink.variants(case)))
    assert {"op=write s1.mair=0xff s2.out.d3=0x480", "op=write tag=3 s1.mair=0xff"} < found
    assert "op=write tag=3 s1.mair=0xff s2.out.d3=0x80" in found


def test_the_first_variant_has_what_all_failing_ones_have() -> None:
    case = Case.parse("op=write el=0 tag=3 s2.ha=1 s2.out.d3=0x480")
    failing = ["op=write tag=3 s2.ha=1 s2.out.d3=0x480", "op=write el=0 tag=3 s2.out.d3=0x400"]
    first = next(shrink.variants(case, list(map(Case.parse, failing))))
    assert str(first) == "op=write tag=3 s2.out.d3=0x400"


def is_met(condition: str, judged: Judged) -> bool:
    """Whether an erratum with this condition concerns the case."""
    return conditions.listed([judged], {"some": [condition]}) == {"some": [0]}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("op=wr*", True),
        ("op=read", False),
        ("op=write s2.out.d3=0x80", True),
        ("s2.out.d3=0x40", False),
        ("s1=1 el=1", True),
        ("expected=*to_EL2*permission_fault*WnR*", True),
        ("expected=*to_EL1*", False),
        ("op=!read expected=!*to_EL1*", True),
        ("op=!write", False),
        ("s2.above-ps=0", True),
        ("s1.offset=0 s2.offset=0", True),
    ],
)
def test_conditions(condition: str, matches: bool) -> None:  # noqa: FBT001 - a parameter
    judged = judge(Case.parse("op=write s2.out.d3=0x80"))
    assert is_met(condition, judged) == matches


def test_a_condition_knows_the_offset_of_a_block() -> None:
    judged = judge(Case.parse("op=at-s12e1r s1.tg=64 s1.t0sz=19 s1.leaf=1 s1.d1=0x20000000000"))
    assert is_met("s1.offset=1 s2.offset=0", judged)
    judged = judge(Case.parse("op=at-s12e1r s1.tg=64 s1.t0sz=19 s1.leaf=1 s1.d1=0x40000000000"))
    assert not is_met("s1.offset=1", judged)


def test_a_condition_without_such_a_field_is_an_error() -> None:
    with pytest.raises(CaseError, match=r"condition 'opp=read': no field 'opp'"):
        is_met("opp=read", DRAWN[0])


def test_registers_have_the_fields_in_their_places() -> None:
    case = Case.parse(
        "s1.tg=16 s1.t0sz=20 s1.ips=5 s1.ha=1 s1.tbi=1 s1.wxn=1 s2.tg=64 s2.start=1 s2.t0sz=20"
        " s2.ps=5 s2.hd=1 fwb=1"
    )
    found = registers.of(case.values, build(case))
    assert found.hcr == 1 << 46 | 1
    assert found.sctlr == 1 << 19 | 1 << 12 | 1 << 2 | 1
    assert found.tcr & 0xFF_FFFF_FFFF & ~(0xFFFF << 16) == (
        1 << 39 | 1 << 37 | 5 << 32 | 2 << 14 | 3 << 12 | 5 << 8 | 20
    )
    assert found.vtcr == 1 << 31 | 1 << 22 | 5 << 16 | 1 << 14 | 3 << 12 | 5 << 8 | 2 << 6 | 20


def test_the_data_has_header_features_and_cases() -> None:
    judged = [judge(Case.parse(text)) for text in ("op=read", "op=atomic pan=1")]
    data = table.initrd(judged, 0x1234, "seven")
    assert not any(data[:ARENA_BYTES])
    magic, arena, _, _, hash_, cases, features, label = table._HEADER.unpack_from(data, ARENA_BYTES)
    assert magic.to_bytes(8, "little") == b"kutcase1"
    assert (arena, hash_, cases, features, label.rstrip(b"\0")) == (ARENA, 0x1234, 2, 2, b"seven")
    at = ARENA_BYTES + table._HEADER.size
    names = [table._FEATURE.unpack_from(data, at + n * table._FEATURE.size)[0] for n in (0, 1)]
    assert [name.rstrip(b"\0") for name in names] == [b"FEAT_PAN", b"FEAT_LSE"]
    offsets = struct.unpack_from("<2I", data, at + 2 * table._FEATURE.size)
    needs = [table._CASE.unpack_from(data, ARENA_BYTES + offset)[9] for offset in offsets]
    assert needs == [0, 0b11]


def test_the_program_writes_the_cases_with_their_errata(tmp_path: Path) -> None:
    request = {
        "kind": "translation",
        "command": "write",
        "label": "x",
        "cases": ["op=read", "op=write el=0"],
        "errata": {"some": ["op=write"], "other": ["el=2"]},
        "initrd": str(tmp_path / "initrd"),
        "rows": str(tmp_path / "rows"),
    }
    (tmp_path / "request").write_text(json.dumps(request))
    assert program.main([str(tmp_path / "request")]) == ""
    rows = json.loads((tmp_path / "rows").read_text())
    assert rows["rows"]["id"] == ["random.x.0", "random.x.1"]
    assert rows["rows"]["case"] == request["cases"]
    assert rows["errata"] == {"some": [1], "other": []}


def test_the_program_names_the_case_that_cannot_run(tmp_path: Path) -> None:
    cases = ["op=read", "op=fly"]
    request = {
        "kind": "translation",
        "command": "write",
        "cases": cases,
        "errata": {},
        "label": "x",
    }
    (tmp_path / "request").write_text(json.dumps(request))
    found = program.main([str(tmp_path / "request")])
    assert found.startswith('"op=fly": op=fly: expected one of')


def test_cases_are_drawn_one_by_one() -> None:
    assert len(list(islice(draw(10**9, 1), 2))) == 2
