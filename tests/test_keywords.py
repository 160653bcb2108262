# SPDX-License-Identifier: GPL-2.0-or-later
"""Keyword expressions (-k): their meaning, and messages about syntax errors."""

from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions import keywords
from kut_runner.errors import UsageError


@dataclass
class Named:
    """Stand-in for TestDef with the attributes that expressions use."""

    name: str
    groups: tuple[str, ...] = ()


TESTS = [
    Named("stage2", ("guest",)),
    Named("stage2-a72", ("guest", "nvhe")),
    Named("smp", ("host", "irq")),
    Named("Odd"),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("stage2", "stage2 stage2-a72"),
        ("STAGE", "stage2 stage2-a72"),
        ("odd", "Odd"),
        ("guest", "stage2 stage2-a72"),
        ("gues", ""),  # not a part of a group
        ("not stage2", "smp Odd"),
        ("stage2 and not a72", "stage2"),
        ("stage2 AND NOT a72", "stage2"),
        ("smp or odd and nvhe", "smp"),  # "and" binds tighter
        ("(smp or stage2) and nvhe", "stage2-a72"),
        ("not (smp or guest)", "Odd"),
        ("not not smp", "smp"),
        ("(((smp)))", "smp"),
    ],
)
def test_meaning(text: str, names: str) -> None:
    matches = keywords.parse(text)
    assert " ".join(test.name for test in TESTS if matches(test)) == names  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a word is missing at the end"),
        ("  ", "a word is missing at the end"),
        ("smp and", "a word is missing at the end"),
        ("or smp", 'a word is missing before "or"'),
        ("not", "a word is missing at the end"),
        ("()", r'a word is missing before "\)"'),
        ("(smp", r'"\)" is missing'),
        ("smp)", r'"and" or "or" is missing before "\)"'),
        ("smp stage2", '"and" or "or" is missing before "stage2"'),
        ("(" * 1000, "more than 100 levels"),
        ("not " * 1000, "more than 100 levels"),
    ],
)
def test_no_expression(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        keywords.parse(text)
    assert caught.value.hint


@given(
    st.lists(st.sampled_from(["and", " ", "or", "not", "(", ")", "x", "\x00", "é"])).map("".join)
)
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    with suppress(UsageError):
        keywords.parse(text)


OPERAND = st.sampled_from(["smp", "guest", "zzz"])
EXPRESSION = st.recursive(
    OPERAND,
    lambda inner: st.one_of(
        inner.map(lambda one: f"(not {one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
    ),
)


@given(EXPRESSION)
def test_it_agrees_with_python(text: str) -> None:
    matches = keywords.parse(text)
    for test in TESTS[:3]:
        known = {word: word in test.name or word in test.groups for word in ("smp", "guest", "zzz")}
        assert matches(test) == eval(text, {}, known)  # type: ignore[arg-type]  # noqa: S307
