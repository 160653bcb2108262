# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas of the model: what makes their rows valid, and the files that the build takes from them."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kut_model import areas
from kut_model.features import FEATURES, ID_REGISTERS
from kut_model.header import header, row_list, table_hash
from kut_model.rows import Area, Row, problems
from kut_model.rules import RULES
from kut_model.rules.matrix import MATRIX, NOT_COVERED

GOOD = Row("some.row", "call.hvc", "exception to EL2", ("FEAT_FGT",), "undefined")
OTHER = replace(GOOD, id="some.other")
SOME = Area("some", "Some rows", lambda: [GOOD], lambda: "")


@pytest.mark.parametrize("name", areas.names())
def test_an_area_has_valid_rows_and_the_name_of_its_module(name: str) -> None:
    area = areas.load(name)
    assert area.name == name
    assert list(problems(area, area.rows())) == []


def test_rules_are_found_by_their_keys() -> None:
    assert all(key == rule.key for key, rule in RULES.items())
    assert {rule.matrix for rule in RULES.values()} <= {"", *MATRIX}
    assert all(feature.register in ID_REGISTERS for feature in FEATURES.values())


def test_rows_verify_each_id_of_the_coverage_table_or_it_says_why_not() -> None:
    same = [name for name in areas.names() if name.endswith("-nvhe") and name != "el2-nvhe"]
    loaded = [areas.load(name) for name in areas.names() if name not in same]
    covered = {each for area in loaded for row in area.rows() for each in row.coverage}
    reasons = set(NOT_COVERED)
    assert covered & reasons == set(), "rows verify these: remove them from NOT_COVERED"
    assert set(MATRIX) - covered - reasons == set(), "no row verifies these: NOT_COVERED says why"
    assert reasons <= set(MATRIX)


def test_the_document_says_why_ids_are_not_covered() -> None:
    page = (Path(__file__).parent.parent / "docs/conformance.md").read_text()
    table = page.partition("| id | behaviour | why no row verifies it |\n")[2].partition("\n\n")[0]
    expected = [f"| {key} | {MATRIX[key]} | {why} |" for key, why in NOT_COVERED.items()]
    assert table.splitlines()[1:] == expected


def test_a_row_verifies_the_id_of_its_rule_and_its_own() -> None:
    assert GOOD.coverage == ("C",)
    assert replace(GOOD, matrix=("E4", "C")).coverage == ("C", "E4")
    assert replace(GOOD, rule="s1.fault").coverage == ()


#: Rows with all their ids: of each area, and where one row verifies several things.
_COVERAGE = {
    "hvc.svc.el0.0x0000": "E4",
    "hvc.svc.el1.0x0000": "",
    "hvc.svc.el0.svc_el0.0x0000": "C",
    "s1s2.none.none.ptw0.read.el1": "",
    "s1s2.translation-2.none.ptw0.read.el1": "",
    "s1s2.read-only-3.none.ptw0.write.el1": "P4",
    "s1s2.none.out-translation-3.ptw0.read.el1": "F1 F15",
    "s1s2.none.out-no-write-3.ptw0.write-tagged.el1": "F17 F5 P4",
    "s1s2.none.out-no-write-3.ptw0.read.el1": "P4",
    "s1s2.none.out-translation-3.ptw0.dc-ivac.el1": "F1 F15 F18",
    "s1s2.none.l2-device-3.ptw0.read.el1": "F10",
    "s1s2.none.l2-device-3.ptw1.read.el1": "F10 F11 F15",
    "s1s2.none.out-device-3.ptw0.read-unaligned.el1": "A4",
    "s1s2.none.l1-translation-1.ptw0.at-s12e1r": "AT F10",
    "s1s2.read-only-3.out-no-write-3.ptw0.write.el1": "F13 P4",
    "s2walk.4k.ipa39.start1.level3.reserved.read": "F1 F15 F3",
    "s2walk.4k.ipa39.start1.level3.page.read": "G1",
    "s2walk.4k.ipa39.start1.level2.zero.at-read": "AT",
    "s2walk.4k.ipa39.start1.level1.root-bit40-ps40.fetch": "F15 F6 F7",
    "s2walk.4k.ipa39.start1.level3.page-bit44-ps48-pa44.read": "F15 F6 G5",
    "s2config.4k.ds0.t0sz32.sl1.low": "G1",
    "s2config.4k.ds0.t0sz25.sl1.low": "G1 G6",
    "s2config.4k.ds0.t0sz25.sl3.low": "F8 G1",
    "s2config.4k.ds0.t0sz25.sl1.above": "F2 G6",
    "s2iss.ldr-x.unsigned.r3": "M1",
    "s2iss.ldr-x.unsigned.r31": "M1 M3",
    "s2iss.ldar-64.r3": "M1 M3",
    "s2iss.ldp-x": "M2",
    "s2iss.walk.ldr-x.unsigned.r3": "F10 M5",
    "cross.ok.s2-none.read.el1.at4": "F1 F15 F17",
    "cross.ok.ok.read.el1.at4": "",
    "cross.s2-none.s2-none.read.el1.at4": "",
    "sea.s2-l3.read.el1.tea0": "F14",
    "sea.s1-page.read.el1.tea1": "",
    "mmio.ldrsb-x.unsigned.r3": "M7",
    "s2attr.dc.fwb0.memattr15.sh3.cd0.nxs0": "A1 A2 A5",
    "s2attr.mair44-sh3.fwb0.memattr15.sh3.cd0.nxs0": "A1 A3",
    "s2perm.plain.write.el1.ap1.xn0.af1.dbm1.ha1.hd1.normal.ptw0": "H2 P1",
    "s2perm.plain.write.el1.ap1.xn0.af1.dbm1.ha1.hd0.normal.ptw0": "F5 H4 P1",
    "s2perm.plain.at-write.el1.ap1.xn0.af1.dbm1.ha1.hd1.normal.ptw0": "AT H3",
    "s2perm.plain.exec.el1.ap0.xn0.af1.dbm0.ha0.hd0.normal.ptw0": "P2 P3",
    "s2perm.pie.write.el1.ap1.xn0.af1.dbm0.ha0.hd0.normal.ptw0": "F5 P5",
    "s2perm.walk.read.el1.ap1.xn0.af1.dbm0.ha0.hd0.device.ptw1": "F10 F11 F15",
}


def test_rows_have_the_ids_of_what_they_verify() -> None:
    names = dict.fromkeys(id_.partition(".")[0] for id_ in _COVERAGE)
    rows = {row.id: row for name in names for row in areas.load(name).rows()}
    assert {
        id_: " ".join(sorted(rows[id_].coverage)) if id_ in rows else "no such row"
        for id_ in _COVERAGE
    } == _COVERAGE


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (replace(GOOD, id="other.row"), "begins with some."),
        (replace(GOOD, id="some.Row"), "a-z, 0-9"),
        (replace(GOOD, id="some"), "in parts with dots"),
        (replace(GOOD, id=f"some.{'x' * 123}"), "at most 127 characters"),
        (replace(OTHER, rule="no.such"), "no rule no.such in kut_model/rules"),
        (replace(OTHER, expected="two\nlines"), "one line of ASCII"),
        (replace(OTHER, expected=""), "one line of ASCII"),
        (replace(OTHER, expected="\N{DEGREE SIGN}"), "one line of ASCII"),
        (replace(OTHER, needs=("FEAT_NONE",)), "no feature FEAT_NONE in kut_model/features.py"),
        (replace(OTHER, matrix=("F99",)), "no id F99 in kut_model/rules/matrix.py"),
        (replace(OTHER, kind="odd"), "kind 'odd' is none of '', 'undefined'"),
    ],
)
def test_an_invalid_row_is_named(row: Row, problem: str) -> None:
    assert list(problems(SOME, [GOOD])) == []
    (found,) = problems(SOME, [GOOD, row])
    assert found.startswith(row.id)
    assert problem in found


def test_rows_have_different_ids_and_there_are_some() -> None:
    assert list(problems(SOME, [GOOD, GOOD])) == ["some.row: two rows have this id"]
    assert list(problems(SOME, [])) == ["some: no rows"]
    assert list(problems(replace(SOME, prefix="other"), [replace(GOOD, id="other.row")])) == []


def test_the_hash_differs_with_an_id_or_an_expected_outcome() -> None:
    hashes = {
        table_hash(rows)
        for rows in (
            [GOOD],
            [GOOD, GOOD],
            [replace(GOOD, id="some.other")],
            [replace(GOOD, expected="another")],
        )
    }
    assert len(hashes) == 4
    assert table_hash([GOOD]) == table_hash([replace(GOOD)])


def model(*args: str | Path) -> "subprocess.CompletedProcess[str]":
    """`python -m kut_model ARGS`."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "kut_model", *args],
        capture_output=True,
        text=True,
        check=False,
    )


def files_of_hvc(out: Path) -> "subprocess.CompletedProcess[str]":
    """Write `header`, `rows` and the rule `d` of area hvc."""
    return model("hvc", out / "header", out / "rows", out / "d")


def test_the_files_of_an_area_agree(tmp_path: Path) -> None:
    area = areas.load("hvc")
    assert files_of_hvc(tmp_path).returncode == 0
    assert (tmp_path / "header").read_text() == header(area, area.rows())
    assert (tmp_path / "rows").read_text() == row_list(area, area.rows())
    depends = (tmp_path / "d").read_text().split()
    assert depends[0] == f"{tmp_path / 'header'}:"
    assert {Path(each).name for each in depends} >= {"hvc.py", "rows.py", "__main__.py"}
    listed = json.loads((tmp_path / "rows").read_text())
    assert (listed["area"], listed["title"]) == ("hvc", area.title)
    for column, values in listed["rows"].items():
        if column not in {"needs", "matrix"}:
            assert values == [getattr(row, column) for row in area.rows()]
    assert list(map(str.split, listed["rows"]["matrix"])) == [
        list(row.coverage) for row in area.rows()
    ]
    assert list(map(tuple, listed["rows"]["needs"])) == [row.needs for row in area.rows()]
    assert {key: rule["key"] for key, rule in listed["rules"].items()} == {
        row.rule: row.rule for row in area.rows()
    }
    text = (tmp_path / "header").read_text()
    assert f"#define CONFORM_HASH UL({int(listed['hash'], 16):#x})\n" in text
    assert f"#define CONFORM_ROWS {len(area.rows())}\n" in text


def test_an_unchanged_file_keeps_its_time(tmp_path: Path) -> None:
    files_of_hvc(tmp_path)
    before = [(tmp_path / name).stat().st_mtime_ns for name in ("header", "rows")]
    files_of_hvc(tmp_path)
    assert [(tmp_path / name).stat().st_mtime_ns for name in ("header", "rows")] == before


def test_errors_name_the_areas_and_the_usage(tmp_path: Path) -> None:
    done = model("none", tmp_path / "x", tmp_path / "y", tmp_path / "d")
    assert done.returncode == 1
    assert re.fullmatch(r"no area none: the areas are ([\w-]+ )*hvc( [\w-]+)*\n", done.stderr)
    done = model("hvc")
    assert done.returncode == 1
    assert done.stderr == "usage: python -m kut_model AREA HEADER ROWS DEPFILE\n"


def test_the_documents_list_the_areas_and_name_rows_that_exist() -> None:
    docs = Path(__file__).parent.parent / "docs"
    page = (docs / "conformance.md").read_text()
    table = page.partition("| area | rows |\n")[2].partition("\n\n")[0]
    heads = [line.split("|")[1] for line in table.splitlines()[1:]]
    listed = {name.removesuffix("-nvhe") for name in re.findall(r"`([\w-]+)`", " ".join(heads))}
    assert listed == {name.removesuffix("-nvhe") for name in areas.names()}
    ids = {row.id for row in areas.load("hvc").rows()}
    text = page + (docs / "commands/conform.md").read_text()
    named = set(re.findall(r"\bhvc\.(?:hvc|smc|svc)\.[\w.]+\b", text))
    assert named
    assert named <= ids
