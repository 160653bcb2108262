# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of the conformance suite: the rows that they run, and the lines that they print."""

import re
import shutil
from pathlib import Path

import pytest
import realtree

from kut_model import areas
from kut_model.header import table_hash
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.rows import runs_of

pytestmark = pytest.mark.qemu

HVC = areas.load("hvc").rows()
#: The last rows of the area, which need a feature.
FIRST_SKIPPED = next(number for number, row in enumerate(HVC) if "FEAT_FGT" in row.needs)


def boot(*args: str, area: str = "hvc") -> list[str]:
    """Lines of the image of an area with arguments, on a CPU without FEAT_FGT.

    Time follows instructions: on a busy host blocks would end early.
    """
    flat = realtree.build(f"conform-{area}")
    machine = ("-cpu", "neoverse-n1", "-icount", "shift=0")
    return realtree.boot(flat, " ".join(args), *machine)[1].splitlines()


@pytest.mark.parametrize("area", areas.names())
def test_the_image_builds_the_ids_of_the_model(area: str) -> None:
    rows = areas.load(area).rows()
    chosen = sample(len(rows))
    selection = ",".join(f"{part[0]}-{part[-1]}" for part in chosen)
    *ids, summary, _ = boot("list", f"rows={selection}", area=area)
    assert ids == [rows[number].id for part in chosen for number in part]
    assert summary == "SUMMARY: 0 tests"


def sample(count: int) -> list[range]:
    """Return numbers of rows: all of a small area, a part of a large one, as a console is slow."""
    step = max(10, count // 60)
    return [range(first, min(first + 10, count)) for first in range(0, count, step)]


def test_rows_are_reported_in_blocks() -> None:
    assert boot() == [
        f"AREA: hvc {len(HVC)} {table_hash(HVC):016x}",
        "REASON: hvc 1 FEAT_FGT ID_AA64MMFR0_EL1.FGT",
        f"ROWS: hvc 0 {FIRST_SKIPPED}P {len(HVC) - FIRST_SKIPPED}S1",
        f"SUMMARY: {len(HVC)} tests, {len(HVC) - FIRST_SKIPPED} skipped",
        "EXIT: STATUS=1",
    ]


#: Registers of which the CPU has some only, and the reason of their rows.
LIMITS = {
    "erxstatus_el1": "error-records ERRIDR_EL1.NUM",
    "dbgbcr15_el1": "breakpoints ID_AA64DFR0_EL1.BRPs",
    "dbgwcr15_el1": "watchpoints ID_AA64DFR0_EL1.WRPs",
    "pmevcntr30_el0": "event-counters PMCR_EL0.N",
    "icc_ap0r3_el1": "active-priorities ICH_VTR_EL2.PREbits",
}


def test_a_register_beyond_those_of_the_cpu_is_skipped_with_what_counts_them() -> None:
    ids = [row.id for row in areas.load("traps").rows()]
    chosen = [ids.index(f"traps.base.{name}.read.el1") for name in LIMITS]
    lines = boot(f"rows={','.join(map(str, chosen))}", area="traps")
    reasons = [line.split(" ", 3)[3] for line in lines if line.startswith("REASON: ")]
    assert reasons == list(LIMITS.values())


def test_arguments_select_rows() -> None:
    assert [line for line in boot(f"start={FIRST_SKIPPED - 3}") if line.startswith("ROWS: ")] == [
        f"ROWS: hvc {FIRST_SKIPPED - 3} 3P {len(HVC) - FIRST_SKIPPED}S1"
    ]
    assert boot("rows=3,7-9,8,11", "start=4")[1:] == [
        "ROWS: hvc 7 3P",
        "ROWS: hvc 11 P",
        "SUMMARY: 4 tests",
        "EXIT: STATUS=1",
    ]
    assert boot("rows=99999")[1:] == ["SUMMARY: 0 tests", "EXIT: STATUS=77"]


def test_trace_names_each_row_before_it_runs_and_reports_it_alone() -> None:
    assert boot("trace=9", f"rows={FIRST_SKIPPED - 1}-{FIRST_SKIPPED}")[1:-2] == [
        f"ROW: hvc {FIRST_SKIPPED - 1}",
        f"ROWS: hvc {FIRST_SKIPPED - 1} P",
        f"ROW: hvc {FIRST_SKIPPED}",
        "REASON: hvc 1 FEAT_FGT ID_AA64MMFR0_EL1.FGT",
        f"ROWS: hvc {FIRST_SKIPPED} S1",
    ]


def test_trace_ends_after_its_number_of_rows() -> None:
    assert boot("trace=1", "rows=3,5-7")[1:-2] == [
        *("ROW: hvc 3", "ROWS: hvc 3 P"),
        "ROWS: hvc 5 3P",
    ]


def test_rows_are_skipped_for_errata() -> None:
    assert boot("skip=one:1,3-4", "skip=two:6", "rows=0-7")[1:-1] == [
        "REASON: hvc 1 one erratum",
        "REASON: hvc 2 two erratum",
        "ROWS: hvc 0 P S1 P 2S1 P S2 P",
        "SUMMARY: 8 tests, 4 skipped",
    ]


ERRATUM = """
[erratum.dies-at-times]
rows = ["hvc.hvc.*"]
skip = true
reason = "the machine may die"
rule = "it does not"
"""


def test_rows_of_an_erratum_that_says_so_do_not_run(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path, images=("conform-hvc",))
    (tree / "configs/errata.toml").write_text(ERRATUM)
    done = realtree.kut(tree, "conform", "conform-hvc")
    skipped = sum(row.id.startswith("hvc.hvc.") for row in HVC)
    assert re.search(rf"\b{skipped} dies-at-times\b", done.stdout), done.stdout
    assert "erratum dies-at-times" not in done.stdout


@pytest.mark.parametrize(
    ("argument", "error"),
    [
        ("rows=", "numbers of rows"),
        ("rows=3-", "numbers of rows"),
        ("rows=-3", "numbers of rows"),
        ("rows=3;5", "expected ranges of rows, as in 3-5,7"),
        ("start=x", "numbers of rows"),
        ("rows=4294967296", "numbers of rows"),
        ("trace=", "numbers of rows"),
        ("trail", "the arguments are start=N rows=A-B,C skip=NAME:A-B,C trace=N list"),
        ("skip=3-5", "expected skip=NAME:A-B,C"),
        ("skip=:3-5", "expected skip=NAME:A-B,C"),
    ],
)
def test_a_wrong_argument_is_named(argument: str, error: str) -> None:
    (abort,) = [line for line in boot(argument) if line.startswith("ABORT: ")]
    assert error in abort
    assert argument.partition("=")[2] in abort


@pytest.mark.parametrize("area", ["el2", "traps"])
def test_an_area_for_another_host_is_skipped_with_what_it_lacks(area: str) -> None:
    flat = realtree.build(f"conform-{area}")
    lines = realtree.boot(flat, cpu="cortex-a72")[1].splitlines()
    assert lines == [
        "SKIP: the CPU has no FEAT_VHE (ID_AA64MMFR1_EL1.VH)",
        "SUMMARY: 1 tests, 1 skipped",
        "EXIT: STATUS=77",
    ]


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Lines of an image whose verdicts are runs of all lengths."""
    tree = realtree.copy(tmp_path_factory.mktemp("tree"), images=("conform-hvc",))
    shutil.copy(realtree.ROOT / "tests/conform-blocks.c", tree / "arm")
    done = realtree.kut(tree, "build", "conform-blocks")
    assert done.returncode == 0, done.stderr
    flat = tree / "build/gcc/conform-blocks.flat"
    return realtree.boot(flat)[1].splitlines()


def expected_code(row: int) -> str:
    """The verdict on a row of tests/conform-blocks.c, S with the name of the feature."""
    if row < 2500 or row % 3 == 0:
        return "P"
    return "F" if row % 501 == 1 else f"S FEAT_{row % 60}"


def test_blocks_of_any_length_have_every_row(blocks: list[str]) -> None:
    rows = collect(parse(f"{line}\n" for line in blocks)).rows
    assert rows
    assert (rows.area, rows.count, rows.hash, rows.problem) == (
        *("blocks", 5000, "fedcba9876543210"),
        "",
    )
    found = [
        f"S {rows.reason_of(code).feature}" if code[0] == "S" else code for code in rows.codes()
    ]
    assert found == [expected_code(row) for row in range(5000)]


def test_a_block_has_at_most_1000_rows_and_2_kib(blocks: list[str]) -> None:
    lines = [line for line in blocks if line.startswith("ROWS: ")]
    counts = [sum(count for count, _ in runs_of(line.split(" ", 3)[3])) for line in lines]
    assert max(counts) == 1000
    assert max(map(len, lines)) < 2100
    assert max(map(len, lines)) > 1900, "a block ends when its text is full, not long before"


def test_a_block_ends_after_a_tenth_of_a_second(blocks: list[str]) -> None:
    starts = [int(line.split()[2]) for line in blocks if line.startswith("ROWS: ")]
    assert starts[-2:] == [4998, 4999]
    steady = [start for start in starts if 4987 <= start < 4997]
    assert len(steady) >= 2, "blocks of ten rows that take a third of a second together"


def test_failures_have_their_ids_and_the_summary_counts_all(blocks: list[str]) -> None:
    codes = [expected_code(row)[0] for row in range(5000)]
    assert [line for line in blocks if line.startswith("FAIL: ")] == [
        f"FAIL: blocks: blocks.row-{row}: expected {row}, found {row + 1}"
        for row, code in enumerate(codes)
        if code == "F"
    ]
    failed, skipped = codes.count("F"), codes.count("S")
    summary = f"SUMMARY: 5000 tests, {failed} unexpected failures, {skipped} skipped"
    assert blocks[-2:] == [summary, "EXIT: STATUS=3"]
    assert len([line for line in blocks if line.startswith("REASON: ")]) == 40
