# SPDX-License-Identifier: GPL-2.0-or-later
"""The registers' encodings in the library are those that kut decodes to the same names."""

import re

import pytest
import realtree

from kut_runner.diagnose import sysregs

HEADER = (realtree.ROOT / "lib/arm64/asm/sysreg.h").read_text()
ENCODINGS = re.findall(r"^#define (\w+)(?:\(n\))? sys_reg\((.*?)\)", HEADER, re.MULTILINE)


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS, ids=[each[0] for each in ENCODINGS])
def test_an_encoding_has_its_name(name: str, encoding: str) -> None:
    if not encoding.endswith(", n"):
        assert named(encoding) == name.removeprefix("PSTATE_")  # the manual: PAN, UAO, ...
        return
    match = re.fullmatch(r"(\w+?)(\d*)_(EL\d)", name)  # a row of registers, and its first number
    assert match
    for n in range(4):
        assert named(f"{encoding[:-1]}{n}") == f"{match[1]}{int(match[2] or 0) + n}_{match[3]}"


def named(encoding: str) -> str:
    op0, op1, crn, crm, op2 = map(int, encoding.split(", "))
    return sysregs.name((op0, op1, crn, crm, op2))
