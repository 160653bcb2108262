# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection of rows of the conformance suite."""

import pytest
from cases import definition
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.errors import KutError
from kut_runner.run import row_selection
from kut_runner.verdict.row_list import RowList, Rule

RULE = Rule("rule", "A statement.", "C6.2", "AArch64.Function", "C")


def listed(area: str, *ids: str) -> RowList:
    return RowList(
        area=area,
        title=f"Area {area}",
        hash="0" * 16,
        rules={"rule": RULE},
        matrix={"C": "traps"},
        not_covered={},
        ids=ids,
        rule_keys=["rule"] * len(ids),
        expected=[f"outcome of {id_}" for id_ in ids],
        needs=[["FEAT_X"]] * len(ids),
        kinds=[""] * len(ids),
        coverage=["C"] * len(ids),
    )


LISTS = {
    "conform-calls": listed("calls", "call.a.0", "call.a.1", "call.b.0", "call.b.1", "call.c"),
    "conform-at": listed("at", "at.a.0", "at.b"),
    "conform-odd": listed("odd", "odd.row"),
}
TESTS = [
    definition("conform-calls", groups=("conform", "nodefault"), args="x"),
    definition("conform-calls-nvhe", image="conform-calls", groups=("conform",)),
    definition("conform-at", groups=("conform",)),
    definition("conform-odd", groups=("nodefault",)),
    definition("other", groups=("conform",)),
]


def selected(*patterns: str) -> dict[str, str]:
    """The selected tests with their arguments."""
    return {test.name: test.args for test in row_selection.select(TESTS, LISTS, patterns)}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), {"conform-calls": "x", "conform-calls-nvhe": "", "conform-at": ""}),
        (("calls",), {"conform-calls": "x", "conform-calls-nvhe": ""}),
        (("conform-calls-nvhe",), {"conform-calls-nvhe": ""}),
        (("*-nvhe", "at"), {"conform-calls-nvhe": "", "conform-at": ""}),
        (("call.a.*",), {"conform-calls": "x rows=0-1", "conform-calls-nvhe": "rows=0-1"}),
        (
            ("*.0", "call.c"),
            {
                "conform-calls": "x rows=0,2,4",
                "conform-calls-nvhe": "rows=0,2,4",
                "conform-at": "rows=0",
            },
        ),
        (("at.b", "at"), {"conform-at": ""}),
        (("conform-calls", "call.c"), {"conform-calls": "x", "conform-calls-nvhe": "rows=4"}),
    ],
)
def test_patterns_select_tests_and_rows(
    patterns: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert selected(*patterns) == expected


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("cals", 'no area, test or row is called "cals"', "did you mean calls?"),
        ("call.a.2", 'no area, test or row is called "call.a.2"', "call.a.1"),
        ("call.z*", 'no row matches "call.z*"', "`kut conform --list` shows all rows"),
        ("odd", 'no area, test or row is called "odd"', ""),
    ],
)
def test_a_pattern_that_selects_nothing_is_an_error(pattern: str, message: str, hint: str) -> None:
    with pytest.raises(KutError) as error:
        selected("calls", pattern)
    assert error.value.message == message
    assert hint in error.value.hint
    assert "odd" not in error.value.hint, "its test is not in group conform"


def test_a_rerun_has_only_some_of_the_tests() -> None:
    tests = [test for test in TESTS if test.name == "conform-at"]
    found = row_selection.select(tests, LISTS, ("call.a.*", "at.b"), strict=False)
    assert [(test.name, test.args) for test in found] == [("conform-at", "rows=1")]
    with pytest.raises(KutError, match="no row matches"):
        row_selection.select(tests, LISTS, ("call.a.*",), strict=False)


def test_a_tree_without_the_suite_has_nothing_to_run() -> None:
    with pytest.raises(KutError, match="no test of the conformance suite is defined"):
        row_selection.select(TESTS, {}, ())


IMAGES = {f"conform-{area}" for area in ("traps", "traps-nvhe", "tlb", "tlb-smp", "odd")}
SUITE = [
    *(definition(image, groups=("conform",)) for image in sorted(IMAGES)),
    definition("conform-a72", image="conform-traps-nvhe", groups=("conform",)),
    definition("conform-none", groups=("nodefault",)),
]


@pytest.mark.parametrize(
    ("patterns", "areas"),
    [
        ((), "odd tlb tlb-smp traps traps-nvhe"),
        (("traps",), "traps traps-nvhe"),
        (("traps.hcr.tvm.*", "tlb.*"), "tlb traps traps-nvhe"),
        (("traps-nvhe.hcr",), "traps-nvhe"),
        (("t*.nv",), "tlb tlb-smp traps traps-nvhe"),
        (("*.write",), "odd tlb tlb-smp traps traps-nvhe"),
        (("conform-a72",), "traps-nvhe"),
        (("nosuch", "none"), ""),
    ],
)
def test_only_areas_that_may_have_the_rows_are_listed(
    patterns: tuple[str, ...], areas: str
) -> None:
    found = row_selection.images(SUITE, patterns)
    assert found == {f"conform-{area}" for area in areas.split()}


def test_hints_name_areas_whose_rows_are_not_listed() -> None:
    with pytest.raises(KutError) as error:
        row_selection.select(SUITE, {}, ("trasp",))
    assert error.value.hint == "did you mean traps?"
    with pytest.raises(KutError) as error:
        list(row_selection.rows((), ("trasp",), ("tlb", "traps")))
    assert error.value.hint == "did you mean traps?"


def numbers_of(args: str) -> set[int]:
    """The rows that an argument selects."""
    found = set[int]()
    for part in args.removeprefix("rows=").split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@given(st.sets(st.integers(0, 60_000), min_size=1, max_size=400))
def test_an_argument_has_all_rows_and_fits(numbers: set[int]) -> None:
    test = row_selection._with_rows(definition("t"), numbers)
    assert len(test.args) <= 905
    found = numbers_of(test.args)
    assert found >= numbers
    assert len(test.args) > 450 or found == numbers


def test_rows_for_people() -> None:
    found = list(row_selection.rows(LISTS.values(), ("call.b.*", "at")))
    assert [(row.number, row.id) for row in found] == [
        (2, "call.b.0"),
        (3, "call.b.1"),
        (0, "at.a.0"),
        (1, "at.b"),
    ]
    assert found[0].expected == "outcome of call.b.0"
    assert (found[0].rule, found[0].needs, found[0].of.area) == (RULE, ["FEAT_X"], "calls")
    assert len(list(row_selection.rows(LISTS.values(), ()))) == 8
    with pytest.raises(KutError, match='no area, test or row is called "none"'):
        list(row_selection.rows(LISTS.values(), ("none",)))
