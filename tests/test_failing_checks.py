# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of failing checks: values, syndromes decoded, and the place in the source."""

import re
from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu


ABORT = (
    "found stopped by handler, data abort from a lower EL: translation fault, level 1, read "
    "(ESR_EL2 0x93c18005), IPA 0x123456000"
)
HVC = "found stopped by handler, HVC: #0 (ESR_EL2 0x5a000000)"

#: The checks of `guest_checks()`, in order.
EXPECTED = [
    "PASS: right value: expected guest returned 0x2a; found guest returned 0x2a",
    "FAIL: wrong value, not 42: expected guest returned 0x29; found guest returned 0x2a",
    "FAIL: returned too early: expected stopped by handler, HVC; found guest returned 0x2a",
    f"PASS: right class: expected stopped by handler, HVC; {HVC}",
    f"FAIL: wrong class: expected stopped by handler, SMC; {HVC}",
    f"FAIL: wrong immediate: expected stopped by handler, HVC: #0x1; {HVC}",
    f"FAIL: wrong reason: expected interrupt for the host; {HVC}",
    (
        "PASS: right abort: expected stopped by handler, data abort from a lower EL: "
        f"translation fault, IPA 0x123456000; {ABORT}"
    ),
    (
        "FAIL: wrong fault: expected stopped by handler, data abort from a lower EL: "
        f"permission fault, IPA 0x123456000; {ABORT}"
    ),
    (
        "FAIL: wrong address: expected stopped by handler, data abort from a lower EL: "
        f"translation fault, IPA 0x123456008; {ABORT}"
    ),
    (
        "FAIL: an abort in place of a trap: expected stopped by handler, "
        f"trapped system register or instruction: read of S3_0_C13_C0_4; {ABORT}"
    ),
]


def boot(tmp_path: Path, compiler: str, test: str) -> list[str]:
    """Run a test that fails; the lines of its log."""
    results = realtree.run(tmp_path, "--compiler", compiler, test)
    log = realtree.ROOT / str(results["tests"][0]["log"])
    return log.read_text().splitlines()


def statement(place: str) -> str:
    """The source around a place: with Clang it is the last line of a statement, not the first."""
    match = re.fullmatch(r"    at (arm/misbehave(?:/[a-z-]+)?\.c):([0-9]+)", place)
    assert match, place
    line = int(match[2])
    return "\n".join((realtree.ROOT / match[1]).read_text().splitlines()[line - 2 : line + 1])


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_check_of_an_exit_gives_both_decoded_and_the_callers_place(
    compiler: str, tmp_path: Path
) -> None:
    lines = boot(tmp_path, compiler, "misbehave-guest-checks")
    end = next(n for n, line in enumerate(lines) if "assert failed" in line)
    checks = [n for n in range(end) if lines[n].startswith(("PASS", "FAIL"))]
    assert [lines[n] for n in checks] == EXPECTED
    failures = [n for n in checks if lines[n].startswith("FAIL")]
    for n in failures:
        what = lines[n].split(": ")[1].partition(",")[0]
        assert f'"{what}' in statement(lines[n + 1])
    assert len(checks) + len(failures) == end


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_guest_that_is_required_names_the_call_that_failed(compiler: str, tmp_path: Path) -> None:
    lines = boot(tmp_path, compiler, "misbehave-guest-checks")
    (died,) = (line for line in lines if "assert failed" in line)
    place, _, call = died.partition(": assert failed: ")
    assert call == "no_guest()"
    assert "guest_require(no_guest());" in statement(f"    at {place}")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_unexpected_result_is_followed_by_its_place(compiler: str, tmp_path: Path) -> None:
    lines = boot(tmp_path, compiler, "misbehave-places")
    bad = [n for n, line in enumerate(lines) if line.startswith(("FAIL: ", "XPASS: "))]
    assert [lines[n] for n in bad] == [
        "FAIL: report",
        "XPASS: report_xfail, passed",
        "FAIL: report_xfail, not expected",
        "FAIL: report_kfail, not known",
        "FAIL: report_fail",
        "FAIL: 1 + 1 == 3: expected 0x3, found 0x2",
        "FAIL: in round 2: expected 0x1, found 0xffffffff",
        "FAIL: place read late",
    ]
    calls = ("report(", "_xfail(", "_xfail(", "_kfail(", "_fail(", *["TEST_EXPECT_EQ"] * 2)
    for n, call in zip(bad, calls, strict=False):
        assert call in statement(lines[n + 1])
    assert sum(line.startswith("    at ") for line in lines) == len(bad)
    assert "'".join([*["0000"] * 15, "0101"]) in lines, "print_binstr()"


def test_no_other_output_comes_between_a_check_and_its_place(tmp_path: Path) -> None:
    lines = boot(tmp_path, "gcc", "misbehave-places")
    at = lines.index("FAIL: place read late")
    assert lines[at - 1] == "printed while the line of a check is formatted"
    assert lines[at + 1] == "    at arm/late.c:1"


def test_expected_results_have_no_place(tmp_path: Path) -> None:
    lines = boot(tmp_path, "gcc", "misbehave-known")
    assert not any(line.startswith(" ") for line in lines)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_lines_that_count_begin_a_line_whatever_was_printed_before(
    compiler: str, tmp_path: Path
) -> None:
    lines = boot(tmp_path, compiler, "misbehave-open-lines")
    assert lines == [
        "open before a check",
        "PASS: a check",
        "open before an info",
        "INFO: an info",
        "open before a check with a place",
        "KFAIL: a known failure",
        "open before the SUMMARY",
        "SUMMARY: 2 tests, 1 known failures",
        "open before the EXIT",
        "EXIT: STATUS=1",
    ]


def test_a_check_of_an_access_gives_both_decoded() -> None:
    lines = realtree.boot(realtree.build("misbehave"), "stage2-checks")[1].splitlines()
    abort, at = "data abort from a lower EL: {} fault, level 3", "IPA 0x123456000"
    right = f"expected {abort.format('permission')}, {at}"
    found = f"found {abort.format('permission')}, write, {at} (stopped by handler)"
    write, read = "write at EL1 of 0x123456000", "read at EL1 of 0x123456000"
    assert [line for line in lines if not line.startswith("    at arm/misbehave")] == [
        f"PASS: right fault, {write}: {right}; {found}",
        f"FAIL: wrong fault, {write}: expected {abort.format('translation')}, {at}; {found}",
        f"FAIL: a fault, {write}: expected no fault; {found}",
        f"FAIL: no fault, {read}: {right}; found no fault",
        "PASS: right value, read of 0x123456000: expected 0, found 0",
        "FAIL: wrong value, read of 0x123456000: expected 0x1, found 0",
        "PASS: s2_probe_reads() of another value: expected 0",
        "SUMMARY: 7 tests, 4 unexpected failures",
        "EXIT: STATUS=3",
    ]


def test_a_row_of_a_translation_gives_all_permitted_outcomes_and_the_one_found() -> None:
    lines = realtree.boot(realtree.build("misbehave"), "conform-checks")[1].splitlines()
    abort = "data abort from a lower EL: permission fault, level 3, read, to EL{}, ISS 0xf"
    assert [line for line in lines if line] == [
        "AREA: checks 4 0000000000000123",
        (
            "FAIL: checks: checks.0: expected PAR_EL1 with the address of page 2, "
            "or PAR_EL1 F=1 FST=0xf PTW=0 S=0, found PAR_EL1 F=1 FST=0x7 PTW=1 S=1"
        ),
        (
            "FAIL: checks: checks.1: expected the value of page 1, or no exception, "
            "found the value of page 2, stage-2 access flag set, stage-2 page dirty, "
            "stage-1 access flag set, stage-1 page dirty"
        ),
        (
            f"FAIL: checks: checks.2: expected {abort.format(2)}, or the value of page 7, "
            f"found {abort.format(1)}, HPFAR_EL2 of page 3, FAR of another address"
        ),
        "ROWS: checks 0 3F P",
        "SUMMARY: 4 tests, 3 unexpected failures",
        "EXIT: STATUS=3",
    ]
