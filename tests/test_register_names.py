# SPDX-License-Identifier: GPL-2.0-or-later
"""The registers' encodings in the library are those that kut decodes to the same names."""

import re

import pytest
import realtree

from kut_runner.diagnose import sysregs

ASM = realtree.ROOT / "lib/arm64/asm"
HEADERS = "".join((ASM / name).read_text() for name in ("sysreg.h", "sysreg-el2.h"))
ENCODINGS = re.findall(r"^#define (\w+)(?:\(n\))? sys_reg\((.*?)\)", HEADERS, re.MULTILINE)
#: name, offset, encoding
VNCR = re.findall(
    r"^\tX\((\w+), 0x(\w+), (.*?)\)", (ASM / "guest-vncr.h").read_text(), re.MULTILINE
)
AT = re.findall(r"^\tX\((\w+), sys_insn\((.*?)\)\)", (ASM / "at.h").read_text(), re.MULTILINE)


@pytest.mark.parametrize(("name", "encoding"), ENCODINGS, ids=[each[0] for each in ENCODINGS])
def test_an_encoding_has_its_name(name: str, encoding: str) -> None:
    if not encoding.endswith(", n"):
        assert named(encoding) == name.removeprefix("PSTATE_")  # the manual: PAN, UAO, ...
        return
    match = re.fullmatch(r"(\w+?)(\d*)_(EL\d)", name)  # a row of registers, and its first number
    assert match
    for n in range(4):
        assert named(f"{encoding[:-1]}{n}") == f"{match[1]}{int(match[2] or 0) + n}_{match[3]}"


@pytest.mark.parametrize(("name", "encoding"), [(name, code) for name, _, code in VNCR])
def test_a_register_of_the_vncr_page_has_its_name(name: str, encoding: str) -> None:
    assert named(encoding) == name


def test_registers_of_the_vncr_page_have_offsets_of_their_own() -> None:
    offsets = [int(offset, 16) for _, offset, _ in VNCR]
    assert len(VNCR) == len(set(offsets)) == 72
    assert all(offset % 8 == 0 and offset < 4096 for offset in offsets)


@pytest.mark.parametrize(("name", "encoding"), AT)
def test_an_at_instruction_has_its_name(name: str, encoding: str) -> None:
    assert named(f"1, {encoding}") == f"AT {name.upper()}"


def named(encoding: str) -> str:
    op0, op1, crn, crm, op2 = map(int, encoding.split(", "))
    return sysregs.name((op0, op1, crn, crm, op2))
