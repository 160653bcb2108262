# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages of failing checks: values, syndromes decoded, and the place in the source."""

import re
from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu

SOURCE = realtree.ROOT / "arm/misbehave.c"

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
    match = re.fullmatch(r"    at arm/misbehave\.c:([0-9]+)", place)
    assert match, place
    line = int(match[1])
    return "\n".join(SOURCE.read_text().splitlines()[line - 2 : line + 1])


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
