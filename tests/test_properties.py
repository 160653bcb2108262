# SPDX-License-Identifier: GPL-2.0-or-later
"""The properties of the framework: every one has tests and mutants, and no mutant is unknown."""

import re
import tomllib
from fnmatch import fnmatchcase

import mutants
import realtree

DOCS = realtree.ROOT / "docs"
FRAMEWORK = (DOCS / "guest-framework.md").read_text()
ENTRIES = tomllib.loads((realtree.ROOT / "tests" / "mutants.toml").read_text())
HEADER = "| | property | test | mutants |\n|---|---|---|---|\n"
ROW = re.compile(r"\| (?P<number>\d*) ?\| (?P<property>.*) \| (?P<tests>.*) \| (?P<mutants>.*) \|")


def rows() -> list[re.Match[str]]:
    table = FRAMEWORK.partition(HEADER)[2].partition("\n\n")[0]
    found = [ROW.fullmatch(line) for line in table.splitlines()]
    assert all(found), [line for line in table.splitlines() if not ROW.fullmatch(line)]
    return [row for row in found if row]


def test_there_is_one_table_with_a_test_and_a_mutant_in_every_row() -> None:
    assert FRAMEWORK.count("| property | ") == FRAMEWORK.count(HEADER) == 1
    properties = [row["property"] for row in rows()]
    assert len(set(properties)) == len(properties)
    assert [row[0] for row in rows() if "`" not in row["tests"] or "`" not in row["mutants"]] == []


def test_every_property_has_a_test_and_a_mutant() -> None:
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", FRAMEWORK, re.MULTILINE)]
    assert listed == list(range(1, 25))
    broken = {int(row["number"]) for row in rows() if row["number"] and "`" in row["mutants"]}
    assert broken == set(listed)


def test_every_mutant_of_the_table_is_there() -> None:
    named = [name for row in rows() for name in re.findall(r"`([^`]+)`", row["mutants"])]
    assert [name for name in named if not any(fnmatchcase(each, name) for each in ENTRIES)] == []


def test_the_list_of_mutants_is_that_of_the_file() -> None:
    text = mutants.PAGE.read_text()
    assert text == mutants.page(text), "scripts/mutants --table brings it up to date"


def test_what_a_mutant_replaces_is_there_once() -> None:
    sources = {mutant.file: (realtree.ROOT / mutant.file).read_text() for mutant in mutants.load()}
    assert [m.name for m in mutants.load() if sources[m.file].count(m.find) != 1] == []
