# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis: JSON round trip and text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind, Register

FRAMES = st.lists(st.builds(Frame, address=st.integers(0)), max_size=20).map(tuple)
REGISTERS = st.lists(st.builds(Register, value=st.integers(0)), max_size=3).map(tuple)
PLACES = st.lists(st.builds(CpuState, frames=FRAMES, registers=REGISTERS), max_size=2).map(tuple)
DIAGNOSES = st.builds(
    Diagnosis,
    frames=FRAMES,
    registers=REGISTERS,
    cpus=PLACES,
    notes=st.lists(st.text(), max_size=2).map(tuple),
)


@given(DIAGNOSES)
def test_a_diagnosis_comes_back_from_json(diagnosis: Diagnosis) -> None:
    assert Diagnosis.from_json(json.loads(json.dumps(diagnosis.to_json()))) == diagnosis


@given(DIAGNOSES)
def test_the_lines_begin_with_the_headline(diagnosis: Diagnosis) -> None:
    assert next(diagnosis.lines()) == diagnosis.headline
    assert all(isinstance(line, str) for line in diagnosis.lines())


@pytest.mark.parametrize(
    ("headline", "reason", "left"),
    [
        ("data abort: read; 8 bytes; address 0x1", "checks failed", None),
        (
            "data abort: read; 8 bytes; address 0x1",
            "Unhandled exception: ec=0x25 (data abort: read)",
            "8 bytes; address 0x1",
        ),
        (
            "data abort: read; 8 bytes, in f() at arm/x.c:3",
            "Unhandled exception: ec=0x25 (data abort: read)",
            "8 bytes, in f() at arm/x.c:3",
        ),
        (
            "stack overflow: data abort: write, in f() at arm/x.c:3",
            "Stack overflow: ec=0x25 (data abort: write)",
            "in f() at arm/x.c:3",
        ),
        ("x.c:1: assert failed: a", "x.c:1: assert failed: a", ""),
        ("ABORT: a; b", "ABORT: a; b", ""),
    ],
)
def test_the_headline_does_not_repeat_the_reason(
    headline: str, reason: str, left: str | None
) -> None:
    diagnosis = Diagnosis(Kind.EXCEPTION, headline, (Frame(16, "f", "arm/x.c", 3),))
    left = headline if left is None else left
    assert diagnosis.headline_after(reason) == left
    assert [*diagnosis.lines(reason)] == [left] * bool(left) + ["  #0 f() at arm/x.c:3"]


def test_the_lines_name_functions_source_and_registers() -> None:
    diagnosis = Diagnosis(
        kind=Kind.EXCEPTION,
        headline="data abort",
        frames=(
            Frame(0x10, "load", "arm/x.c", 7, "\treturn *p;", is_inlined=True),
            Frame(0x10, "main", "arm/x.c", 9, "\tload(p);"),
            *(Frame(0x20), Frame(0x20), Frame(0x20)),
        ),
        registers=(
            *(Register("PC", 0x10, "main"), Register("FAR_EL2", 0x123, "the address")),
            *(Register("x0", 5), Register("x1", 6, "a"), Register("x2", 7, "b+0x4")),
        ),
        cpus=(CpuState(1, "off: never started"),),
        notes=("a note",),
    )
    assert [*diagnosis.lines()] == [
        "data abort",
        "  #0 load() at arm/x.c:7 (inlined)",
        "       return *p;",
        "  #1 main() at arm/x.c:9",
        "  #2 to #4 image offset 0x20",
        "  FAR_EL2 0x123  the address",
        "  x1=a x2=b+0x4",
        "  CPU 1: off: never started",
        "  note: a note",
    ]
