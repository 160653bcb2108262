# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads and stores, calls and registers of AArch32 in the model, against the manual (DDI 0487)."""

import pytest

from kut_model.areas.aarch32 import AREA, cases
from kut_model.translation.load_store32 import (
    A32,
    ABT,
    FIQ,
    IRQ,
    SVC,
    SYS,
    T16,
    T32,
    UND,
    USR,
    register,
)

ROWS = {case.name: case for case in cases()}


#: D1.6.4, mapping of the general-purpose registers between the Execution states.
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (USR, [8, 9, 10, 11, 12, 13, 14]),
        (SYS, [8, 9, 10, 11, 12, 13, 14]),
        (IRQ, [8, 9, 10, 11, 12, 17, 16]),
        (SVC, [8, 9, 10, 11, 12, 19, 18]),
        (ABT, [8, 9, 10, 11, 12, 21, 20]),
        (UND, [8, 9, 10, 11, 12, 23, 22]),
        (FIQ, [24, 25, 26, 27, 28, 29, 30]),
    ],
)
def test_registers_as_aarch64_has_them(mode: int, expected: list[int]) -> None:
    assert [register(mode, number) for number in range(8)] == list(range(8))
    assert [register(mode, number) for number in range(8, 15)] == expected


@pytest.mark.parametrize(
    ("name", "esr"),
    [
        ("access.a32.ldr.r3.el0", 0x93830007),
        ("access.a32.str.r14.svc", 0x93920047),
        ("access.a32.ldrsb.r8.fiq", 0x93380007),
        ("access.a32.ldah.r0.usr", 0x93404007),
        ("access.a32.ldm.svc", 0x92000007),
        ("access.a32.strd.el0", 0x92000047),
        ("access.t16.ldrh.r7.el0", 0x91470007),
        ("access.t16.ldm.el0", 0x92000007),
        ("access.t32.ldrt.r8.el0", 0x93880007),
        ("access.t32.stl.r14.fiq", 0x939E4047),
        ("call.a32.hvc.0x05a5.svc", 0x4A0005A5),
        ("call.t32.hvc.0x005a.svc", 0x4A00005A),
        ("call.t32.bkpt.0x005a.svc", 0xE000005A),
        ("call.a32.bkpt.0xffff.usr", 0xE200FFFF),
    ],
)
def test_syndromes(name: str, esr: int) -> None:
    taken = ROWS[name].taken
    assert taken
    assert taken.esr == esr


@pytest.mark.parametrize(
    ("name", "vector", "after"),
    [
        ("call.a32.svc.usr", 2, 4),
        ("call.t32.svc.svc", 2, 2),
        ("call.a32.udf.sys", 1, 4),
        ("call.t32.udf.und", 1, 2),
        ("call.t32.hvc.usr", 1, 2),
    ],
)
def test_exceptions_of_el1(name: str, vector: int, after: int) -> None:
    assert (ROWS[name].vector, ROWS[name].after) == (vector, after)


def test_forms_have_different_encodings() -> None:
    for forms in (A32, T16, T32):
        opcodes = [form.opcode for form in forms.values()]
        assert len(set(opcodes)) == len(opcodes)
    assert all(form.opcode >> 16 == 0 for form in T16.values())
    assert all(form.opcode & 0xFFFF >= 0xE800 for form in T32.values())


def test_encodings() -> None:
    assert A32["ldr"].instruction(14) == 0xE591E000  # ldr lr, [r1]
    assert A32["stl"].instruction(3) == 0xE181FC93  # stl r3, [r1]
    assert A32["ldrd"].instruction(4) == 0xE1C140D0  # ldrd r4, r5, [r1]
    assert T16["ldr"].instruction(7) == 0x680F  # ldr r7, [r1]
    assert T32["ldr"].instruction(8) == 0x8000F8D1  # ldr.w r8, [r1]
    assert T32["ldrt"].instruction(3) == 0x3E00F851  # ldrt r3, [r1]


def test_rows_verify_ids_of_the_coverage_table() -> None:
    rows = {row.id: set(row.coverage) for row in AREA.rows()}
    assert rows["aarch32.access.a32.ldr.r3.el0"] == {"E5", "M6"}
    assert rows["aarch32.access.a32.ldr.r3.svc"] == {"M6"}
    assert rows["aarch32.register.dacr.el1-reads"] == set()
