# SPDX-License-Identifier: GPL-2.0-or-later
"""String literals in one line, as kvm-unit-tests has them."""

import pytest

from kut_runner.export import literals

WIDE = "expected a value that makes the message longer than a line: "
JOINED = [
    ('\tf("a "\n\t  "b");\n', '\tf("a b");\n'),
    ('\tf("a "\n\t  "b", x);\n', '\tf("a b", x);\n'),
    ('\tf("a, \\"b\\" "\n\t  "c", "d");\n', '\tf("a, \\"b\\" c", "d");\n'),
    ('\tf("a", "b "\n\t\t"c "\n\t\t"d");\n', '\tf("a", "b c d");\n'),
    (
        f'\tf(x,\n\t  "{WIDE}"\n\t  "{WIDE}",\n\t  y);\n',
        f'\tf(x,\n\t  "{WIDE}{WIDE}",\n\t  y);\n',
    ),
    (
        f'\tf(x,\n\t  "{WIDE}"\n\t  "{WIDE}", y);\n',
        f'\tf(x,\n\t  "{WIDE}{WIDE}",\n\t  y);\n',
    ),
    (
        f'\tf(x, "{WIDE}"\n\t\t"{WIDE}");\n',
        f'\tf(x,\n\t\t"{WIDE}{WIDE}");\n',
    ),
]


@pytest.mark.parametrize(("text", "expected"), JOINED)
def test_parts_are_joined(text: str, expected: str) -> None:
    assert literals.join(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '\tf("a", "b");\n\tg("c");\n',
        '\tf("a",\n\t  "b");\n',
        '\tasm volatile("isb\\n"\n\t\t     "hvc #0\\n"\n\t\t     "nop");\n',
        "\treturn '\"';\n",
        '#define F \\\n\tf("a" \\\n\t  "b")\n',
    ],
)
def test_others_stay(text: str) -> None:
    assert literals.join(text) == text


def test_lines_of_assembly_stay_apart_from_a_part_that_is_joined() -> None:
    text = '\tasm("a "\n\t    "b\\n"\n\t    "c");\n'
    assert literals.join(text) == '\tasm("a b\\n"\n\t    "c");\n'
