# SPDX-License-Identifier: GPL-2.0-or-later
"""Search of rows by words and values of ESR_ELx, and what is shown of them."""

from dataclasses import replace

import pytest

from kut_runner.run import row_search
from kut_runner.verdict.row_list import RowList, Rule
from kut_runner.views import row_explanations

WALK = Rule("s1s2.walk", "A stage-2 fault on a stage-1 walk has S1PTW.", "D8.15", "S1Walk", "F10")
SMC = Rule("smc", "TSC traps SMC.", "C6.2", "", "")
ROWS = (
    ("s1s2.l2.read", "smc", "data abort to EL2, EC 0x24, ISS 0x85 (S1PTW)"),
    ("s1s2.l1.read", "s1s2.walk", "data abort to EL2, EC 0x24, ISS 0x85 (level 1)"),
    ("s1s2.l1.write", "s1s2.walk", "data abort to EL2, EC 0x24, ISS 0xc5 (level 1)"),
    ("s1s2.l1.again", "s1s2.walk", "data abort to EL2, EC 0x24, ISS 0x85 (level 1)"),
    ("s1s2.smc.0x0085", "smc", "exception to EL2, EC 0x17 (SMC64), ISS 0x85"),
)
LIST = RowList(
    area="s1s2",
    title="two stages",
    hash="0",
    rules={"s1s2.walk": WALK, "smc": SMC},
    matrix={"F10": "walks of stage 1"},
    not_covered={},
    ids=[row for row, _, _ in ROWS],
    rule_keys=[rule for _, rule, _ in ROWS],
    expected=[text for _, _, text in ROWS],
    needs=[()] * len(ROWS),
    kinds=[""] * len(ROWS),
    coverage=["", "F10", "F10", "F10", ""],
)
LISTS = (LIST, replace(LIST, area="s1s2-nvhe"))


def found(*words: str) -> list[str]:
    return [row.id.removeprefix("s1s2.") for row in row_search.search(LISTS, words)]


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("smc.0x85",), []),
        (("WRITE",), ["l1.write"]),
        (("walks of", "again"), ["l1.again"]),
        (("stage-1 walk",), ["l1.read", "l1.write", "l1.again"]),
        (("tsc", "l2."), ["l2.read"]),
        (("0x17",), ["smc.0x0085"]),
        (("0x00000085", "smc64"), ["smc.0x0085"]),
        (("0x8",), []),
        (("nothing", "s1ptw"), []),
    ],
)
def test_a_row_has_all_words_in_id_outcome_rule_or_coverage(
    words: tuple[str, ...], rows: list[str]
) -> None:
    assert found(*words) == rows


def test_rows_of_a_rule_with_the_words_come_first() -> None:
    assert found("s1s2.") == ["l1.read", "l1.write", "l1.again", "l2.read", "smc.0x0085"]


def test_outcomes_with_the_words_count_more_than_rules() -> None:
    assert found("s1ptw") == ["l2.read"]
    assert found("s1ptw", "0xc5") == ["l1.write"]


@pytest.mark.parametrize(
    ("esr", "rows"),
    [
        ("0x92000085", ["l2.read", "l1.read", "l1.again"]),
        ("0x93C08085", ["l2.read", "l1.read", "l1.again"]),
        ("0x920000c5", ["l1.write"]),
        ("0x5e000085", ["smc.0x0085"]),
        ("0x5e004085", []),
        ("0x82000085", []),
    ],
)
def test_a_number_with_a_class_is_an_esr(esr: str, rows: list[str]) -> None:
    """Of an abort rows compare ISS[13:0] only."""
    assert found(esr) == rows


def test_rules_are_shown_with_their_most_frequent_outcomes() -> None:
    assert list(row_explanations.by_rule(row_search.search(LISTS, ["abort"]))) == [
        "smc: TSC traps SMC.",
        "  manual     DDI 0487, C6.2",
        "      1  data abort to EL2, EC 0x24, ISS 0x85 (S1PTW)",
        "         at s1s2.l2.read",
        "s1s2.walk: A stage-2 fault on a stage-1 walk has S1PTW.",
        "  manual     DDI 0487, D8.15",
        "  pseudocode S1Walk",
        "      2  data abort to EL2, EC 0x24, ISS 0x85 (level 1)",
        "         such as at s1s2.l1.read",
        "      1  data abort to EL2, EC 0x24, ISS 0xc5 (level 1)",
        "         at s1s2.l1.write",
    ]


def test_long_outcomes_of_a_rule_are_cut() -> None:
    found = replace(LIST, expected=["no exception; then " * 90] * len(LIST.expected))
    lines = list(row_explanations.by_rule(row_search.search([found], ["S1Walk"])))
    assert [line for line in lines if len(line) > 250] == []
    assert any(line.endswith(" ...") for line in lines)


def test_long_lists_of_rules_and_outcomes_are_cut() -> None:
    many = [f"{number:#x}" for number in range(100)]
    rules = {f"r{number}": replace(WALK, key=f"r{number}") for number in range(10)}
    keys = [f"r{number % 10}" for number in range(100)]
    found = replace(
        LIST,
        rules=rules,
        ids=many,
        expected=many,
        rule_keys=keys,
        needs=[()] * 100,
        kinds=[""] * 100,
        coverage=[""] * 100,
    )
    shown = list(row_explanations.by_rule(row_search.search([found], ["S1Walk"])))
    assert shown[-1] == "and rows of 2 more rules: r8, r9"
    assert shown.count("      4  4 other outcomes") == 8
