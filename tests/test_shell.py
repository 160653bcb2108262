# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell syntax in a unittests.cfg: the supported part, compared with bash."""

import subprocess
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kut_runner.bundle import shell
from kut_runner.bundle.shell import ShellError

ENVIRONMENT = {"MAX_SMP": "6", "TARGET": "qemu", "EMPTY": "", "TEXT": "a b"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a  b", ["a", "b"]),
        ("'setup smp=2 mem=256'", ["setup smp=2 mem=256"]),
        ('-append "smp=$MAX_SMP"', ["-append", "smp=6"]),
        ("'$MAX_SMP'", ["$MAX_SMP"]),
        ("${MAX_SMP}x", ["6x"]),
        ("a'b c'\"d\"", ["ab cd"]),
        ("''", [""]),
        ("-cpu max,sve=off", ["-cpu", "max,sve=off"]),
        ("-m $(($MAX_SMP * 100 + (1)))", ["-m", "601"]),
        ("-device x,y=[1]", ["-device", "x,y=[1]"]),
        ("a\\ b \\$X c\\\nd", ["a b", "$X", "cd"]),
        ('"a\\"b\\$X\\c\\\\"', ['a"b$X\\c\\']),
        ("a#b # c 'd", ["a#b"]),
        ("# a", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert shell.words(text, ENVIRONMENT) == found


PARTS = st.sampled_from(
    ["a", "$TEXT", "$SPACES", "$AROUND", "$EMPTY", "$UNSET", "''", '"$TEXT"', "'$TEXT'", "\\ ", " "]
)


@settings(max_examples=20)
@given(st.lists(st.lists(PARTS, max_size=6).map("".join), min_size=10, max_size=10))
def test_words_are_those_of_bash(texts: list[str]) -> None:
    """Variables without quotes are split, and vanish if they are empty."""
    environment = {**ENVIRONMENT, "SPACES": "  ", "AROUND": " x  y "}
    script = "f() { printf '%s\\0' $# \"$@\"; }\n" + "\n".join(f"f {text}" for text in texts)
    done = subprocess.run(
        ["/bin/bash", "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    expected = done.stdout.split("\0")[:-1]
    found = [shell.words(text, environment) for text in texts]
    assert [word for words in found for word in (str(len(words)), *words)] == expected


@pytest.mark.parametrize(
    "text",
    [
        "$(touch x)",
        "`touch x`",
        '"$(touch x)"',
        '"`touch x`"',
        "a; b",
        "a | b",
        "a & b",
        "a && b",
        "a > b",
        "a < b",
        "${X:-$(touch x)}",
        "${X//a/b}",
        "$1",
        "$",
        "'open",
        '"open',
        "a\\",
        "$((1",
        "$((1)",
        "$((`touch x`))",
        "$((x=1))",
        "$((x[$(touch x)]))",
        "<(touch x)",
        "(touch x)",
    ],
)
def test_what_could_do_more_is_refused(text: str) -> None:
    with pytest.raises(ShellError):
        shell.words(text, ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        (" 4 ", 4),
        ("$MAX_SMP", 6),
        ("'2'", 2),
        ("$((($MAX_SMP < 8)?$MAX_SMP:8))", 6),
        ("$(((MAX_SMP > 4) ? 4 : MAX_SMP))", 4),
        ("$((MAX_SMP > 4 ? 1 : 0 ? 2 : 3))", 1),
        ("$((2 + 3 * 4 - -1))", 15),
        ("$((-7 / 2)) ", -3),
        ("$((-7 % 2))", -1),
        ("$((0x10 + 010))", 24),
        ("$((UNKNOWN + 1))", 1),
        ("$((!0 + ~0))", 0),
    ],
)
def test_numbers(text: str, value: int) -> None:
    assert shell.number(text, ENVIRONMENT) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a number"),
        ("four", "is not a number"),
        ("4 4", "is not a number"),
        ("$((1/0))", "division by 0"),
        ("$((1 << 64))", "shift"),
        ("$((9999999999999999999))", "64 bits"),
        ("$((09))", "not a number"),
        ("$((1 +))", "a number is missing"),
        ("$((1 2))", "not expected"),
        ("$((1 ? 2))", '":" is missing'),
        ("$((TARGET))", 'TARGET is "qemu", which is not a number'),
        ("$((" + "(" * 200 + "1" + ")" * 200 + "))", "levels"),
    ],
)
def test_what_is_no_number(text: str, message: str) -> None:
    with pytest.raises(ShellError, match=message):
        shell.number(text, ENVIRONMENT)


CONDITIONS = [
    '[[ "$TARGET" != qemu ]]',
    "[[ $TARGET == qemu ]]",
    "[[ $TARGET = q* ]]",
    '[[ $TARGET = "q*" ]]',
    "[[ -n $EMPTY ]]",
    "[[ -z $EMPTY ]]",
    "[[ -z $EMPTY && $TARGET == qemu ]]",
    "[[ -n $EMPTY || $TARGET == qemu ]]",
    "[[ -n $EMPTY || -n $TARGET && -n $EMPTY ]]",
    "[[ ! -n $EMPTY ]]",
    "[[ ! ( -n $EMPTY || ! $TARGET == qemu ) ]]",
    "[[ $MAX_SMP -gt 4 ]]",
    "[[ $MAX_SMP -lt 4 ]]",
    "[[ MAX_SMP -eq 6 ]]",
    "[[ $TARGET ]]",
    "[[ $EMPTY ]]",
    "[[ $TEXT == 'a b' ]]",
    "[[ -n $EMPTY ]] || [[ -n $TARGET ]]",
    "[[ -n $TARGET ]] || [[ -n $TARGET ]] && [[ -n $EMPTY ]]",
    "! [[ -n $EMPTY ]]",
    '[ "$TARGET" != qemu ]',
    "[ $TARGET = q* ]",
    "[ $TARGET == qemu ]",
    "[ ! $TARGET = qemu ]",
    "! [ $TARGET = qemu ]",
    '[ -z "$EMPTY" ]',
    '[ -n "$EMPTY" ]',
    "[ $EMPTY ]",
    "[ $TARGET ] && [ $MAX_SMP -lt 4 ]",
    'test -z "$TARGET" || test $MAX_SMP -ge 6',
    "test $TARGET != qemu",
    "(( MAX_SMP > 4 ))",
    "(( (MAX_SMP - 6) * 2 ))",
]


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_are_as_in_bash(text: str) -> None:
    done = subprocess.run(["/bin/bash", "-c", text], env=ENVIRONMENT, check=False)
    assert done.returncode in {0, 1}
    assert shell.condition(text, ENVIRONMENT) == (done.returncode == 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "touch x",
        "[ -n x",
        "[ -n x ']'",
        "test -n x ]",
        "[ $EMPTY != qemu ]",
        "[ -f /etc/passwd ]",
        "[ -n a -a -n b ]",
        "[ a < b ]",
        "test $(touch x)",
        "test a; touch x",
        "[[ -f /etc/passwd ]]",
        "[[ a =~ b ]]",
        "[[ a == b",
        "[[ a == ]]",
        "[[ ]]",
        "[[ $(touch x) ]]",
        "[[ a == b ]]; touch x",
        "[[ a == b ]] && touch x",
        "[[ " + "(" * 100 + "a" + ")" * 100 + " ]]",
        "((1",
    ],
)
def test_other_conditions_are_refused(text: str) -> None:
    with pytest.raises(ShellError):
        shell.condition(text, ENVIRONMENT)


NUMBER = st.integers(0, 20).map(str) | st.sampled_from(["MAX_SMP", "$MAX_SMP"])
OPERATOR = st.sampled_from(["+", "-", "*", "<", "<=", ">", "==", "!=", "&&", "||"])
ARITHMETIC = st.recursive(
    NUMBER,
    lambda inner: st.one_of(
        st.tuples(inner, OPERATOR, inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"!({one})"),
        st.tuples(inner, inner, inner).map(lambda three: "({} ? {} : {})".format(*three)),
    ),
    max_leaves=6,
)


@settings(max_examples=20)
@given(st.lists(ARITHMETIC, min_size=10, max_size=10))
def test_arithmetic_is_as_in_bash(texts: list[str]) -> None:
    script = "\n".join(f"echo $(({text}))" for text in texts)
    done = subprocess.run(
        ["/bin/bash", "-c", script], env=ENVIRONMENT, check=True, capture_output=True, text=True
    )
    expected = [int(line) for line in done.stdout.splitlines()]
    assert [shell.number(f"$(({text}))", ENVIRONMENT) for text in texts] == expected


PIECES = st.sampled_from(
    [*"$(){}[]'\"\\`;&|<>!=?:+-*/% 19a\n", "$((", "))", "[[", "]]", "&&", "||", "-n ", "-eq ", "$A"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    for evaluate in (shell.words, shell.number, shell.condition):
        with suppress(ShellError):
            evaluate(text, ENVIRONMENT)
