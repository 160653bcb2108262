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
from kut_model.rules.matrix import MATRIX

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
    assert {rule.matrix for rule in RULES.values()} <= set(MATRIX)
    assert all(feature.register in ID_REGISTERS for feature in FEATURES.values())


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


def test_the_files_of_an_area_agree(tmp_path: Path) -> None:
    area = areas.load("hvc")
    for kind, text in (
        ("header", header(area, area.rows())),
        ("rows", row_list(area, area.rows())),
    ):
        out = tmp_path / kind
        assert model(kind, "hvc", out, tmp_path / "d").returncode == 0
        assert out.read_text() == text
        depends = (tmp_path / "d").read_text().split()
        assert depends[0] == f"{out}:"
        assert {Path(each).name for each in depends} >= {"hvc.py", "rows.py", "__main__.py"}
    listed = json.loads((tmp_path / "rows").read_text())
    assert (listed["area"], listed["title"]) == ("hvc", area.title)
    for column, values in listed["rows"].items():
        assert values == [getattr(row, column) for row in area.rows()] or column == "needs"
    assert list(map(tuple, listed["rows"]["needs"])) == [row.needs for row in area.rows()]
    assert {key: rule["key"] for key, rule in listed["rules"].items()} == {
        row.rule: row.rule for row in area.rows()
    }
    text = (tmp_path / "header").read_text()
    assert f"#define CONFORM_HASH UL({int(listed['hash'], 16):#x})\n" in text
    assert f"#define CONFORM_ROWS {len(area.rows())}\n" in text


def test_an_unchanged_file_keeps_its_time(tmp_path: Path) -> None:
    out = tmp_path / "hvc.h"
    model("header", "hvc", out, tmp_path / "d")
    before = out.stat().st_mtime_ns
    model("header", "hvc", out, tmp_path / "d")
    assert out.stat().st_mtime_ns == before


def test_errors_name_the_areas_and_the_usage(tmp_path: Path) -> None:
    done = model("header", "none", tmp_path / "x", tmp_path / "d")
    assert done.returncode == 1
    assert re.fullmatch(r"no area none: the areas are ([\w-]+ )*hvc( [\w-]+)*\n", done.stderr)
    assert model("header").stderr.startswith("usage: python -m kut_model header|rows AREA")
    assert model("heading", "hvc", tmp_path / "x", tmp_path / "d").returncode == 1


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
