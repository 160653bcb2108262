# SPDX-License-Identifier: GPL-2.0-or-later
"""Coverage of runs of the conformance suite."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import realtree

from kut_runner.errors import UsageError
from kut_runner.records import matrix
from kut_runner.records.document import Document, RunMetadata, result_line
from kut_runner.records.matrix import RunCoverage, Table
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, skipped
from kut_runner.verdict.rows import AreaRows, Coverage, Reason, runs_of

ABOUT = {"F1": "translation faults", "C": "traps", "E4": "EL0", "V4": "LRs", "X1": "SError"}
TABLE = Table(ABOUT, {"X1": "nothing makes one"})


def result(test: str, verdicts: str, rows: Mapping[str, Coverage]) -> TestResult:
    runs = runs_of(verdicts)
    area = AreaRows(
        *("some", sum(count for count, _ in runs), "0" * 16, runs),
        reasons=(Reason("FEAT_A", "A"), Reason("FEAT_B", "B")),
        matrix=rows,
    )
    return TestResult(test, skipped(""), GuestOutput(rows=area))


def document(*results: TestResult, version: str = "7.2") -> Document:
    metadata = RunMetadata(run=f"run-{version}", version=version)
    return Document(metadata, results, 1.0, None, is_complete=True)


FIRST = document(
    result("conform-a", "3P 2S1 S2", {"C": Coverage(4, 2, 2, 0), "E4": Coverage(2, 1, 1, 0)}),
    result(
        "conform-b", "P F C K 2S2", {"C": Coverage(4, 2, 1, 2, 1), "F1": Coverage(2, 1, 1, 1, 1)}
    ),
    TestResult("other", skipped("")),
)
SECOND = document(result("conform-a", "6P", {"C": Coverage(6, 6, 0, 0)}), version="11.1")


def test_coverage_is_the_sum_of_the_tests() -> None:
    found = matrix.of(FIRST)
    assert found.rows == {
        "C": Coverage(8, 4, 3, 2, 1),
        "E4": Coverage(2, 1, 1, 0),
        "F1": Coverage(2, 1, 1, 1, 1),
    }
    assert found.areas == {
        "conform-a": Coverage(6, 3, 3, 0),
        "conform-b": Coverage(6, 3, 2, 3, 1),
    }
    assert list(found.skips.items()) == [("FEAT_B", 3), ("FEAT_A", 2)]


@pytest.mark.parametrize(
    ("coverage", "status"),
    [
        (Coverage(0, 0, 0, 0), "none"),
        (Coverage(2, 2, 0, 0), "verified"),
        (Coverage(2, 1, 1, 0), "partly"),
        (Coverage(2, 0, 2, 0), "skipped"),
        (Coverage(2, 2, 0, 1), "failed"),
        (Coverage(3, 3, 0, 2, 1), "failed"),
        (Coverage(3, 2, 0, 2, 2), "known"),
    ],
)
def test_the_status_of_a_row(coverage: Coverage, status: str) -> None:
    assert matrix.status(coverage) == status


def test_a_run_without_rows_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"run-7\.2 has no rows of the conformance suite"):
        matrix.of(document(TestResult("other", skipped(""))))


def test_a_table_for_readers() -> None:
    assert list(matrix.lines([matrix.of(FIRST), matrix.of(SECOND)], TABLE)) == [
        "row    checks  verified  skipped  failed  status             11.1",
        "F1          2         1        1       1  known               0/0  translation faults",
        "C           8         4        3       2  failed              6/6  traps",
        "E4          2         1        1       0  partly              0/0  EL0",
        "",
        "conform-a  3/6 verified, 0 failed",
        "conform-b  3/6 verified, 3 failed (1 known)",
        "",
        "checks skipped for lack of a feature:",
        "        3  FEAT_B",
        "        2  FEAT_A",
        "",
        "not covered:",
        "X1   SError: nothing makes one",
        "",
        "covered by rows that did not run: V4",
    ]


def test_json_has_all_rows_of_the_table() -> None:
    found = matrix.as_json([matrix.of(FIRST), matrix.of(SECOND)], TABLE)
    assert [row["id"] for row in found["rows"]] == ["F1", "C", "E4", "V4", "X1"]
    assert found["rows"][1] == {
        "id": "C",
        "about": "traps",
        "not_covered": "",
        "checks": 8,
        "verified": 4,
        "skipped": 3,
        "failed": 2,
        "known": 1,
        "status": "failed",
    }
    assert found["rows"][3]["status"] == "none"
    assert found["rows"][4]["not_covered"] == "nothing makes one"
    assert [run["version"] for run in found["runs"]] == ["7.2", "11.1"]
    assert found["features"][0] == {"id": "FEAT_B", "skipped": 3}
    assert found["areas"][0]["id"] == "conform-a"


def test_rows_without_a_table_are_shown_all_the_same() -> None:
    run = RunCoverage("r", "1", {"Z9": Coverage(1, 1, 0, 0)}, {"t": Coverage(1, 1, 0, 0)}, {})
    assert list(matrix.lines([run], Table({}, {})))[1].startswith("Z9          1         1")


@pytest.mark.qemu
def test_the_commands_on_a_real_run(tmp_path: Path) -> None:
    """From `kut conform` to `kut matrix`, in a tree of its own."""
    tree = realtree.copy(tmp_path, images=("conform-hvc",))
    done = realtree.kut(tree, "conform", "hvc.svc.el?.0*", "hvc.smc.el1.tsc.0x8000")
    assert done.returncode == 0, done.stderr
    assert "666 rows: 150 verified" in done.stdout
    found = json.loads(realtree.kut(tree, "matrix", "--json", "-").stdout)
    rows = {row["id"]: row for row in found["rows"]}
    assert (rows["E4"]["verified"], rows["C"]["verified"], rows["F1"]["status"]) == (74, 2, "none")
    assert (rows["E4"]["checks"], rows["E4"]["status"]) == (74, "verified")
    assert rows["H6"]["not_covered"]
    explained = realtree.kut(tree, "conform", "--explain", "hvc.smc.el1.tsc.0x8000").stdout
    assert "exception to EL2, EC 0x17 (SMC64), ISS 0x8000, ELR this instruction" in explained
    assert "ELR this instruction, or exception to EL1, EC 0x0 (UNDEFINED)" in explained
    assert "coverage   C (configurable traps)" in explained
    assert "AArch64.CheckForSMCUndefOrTrap" in explained
    assert "C6.2, SMC" in explained
    assert realtree.kut(tree, "conform", "--list", "hvc.hvc.el1.*").stdout.count("\n") == 74
    assert realtree.last_run(tree)["options"]["rows"] == [
        "hvc.svc.el?.0*",
        "hvc.smc.el1.tsc.0x8000",
    ]
    broken = tree / "arm/conform-hvc.c"
    source = broken.read_text()
    broken.write_text(source.replace("found.el == expected->el", "found.el == 1U"))
    assert realtree.kut(tree, "conform", "hvc.?v?.el1.0x0000").returncode == 1
    broken.write_text(source)
    assert realtree.kut(tree, "rerun").returncode == 0
    again = realtree.last_run(tree)["tests"]
    assert {test["rows"]["verdicts"].count("P") for test in again} == {2}
    nothing = realtree.kut(tree, "conform", "hvc.nothing.*")
    assert (nothing.returncode, nothing.stdout) == (4, "")


def test_without_names_the_newest_run_with_rows_counts(tree: Path) -> None:
    nothing = realtree.kut(tree, "matrix")
    assert nothing.returncode == 2
    assert "error: no run of the conformance suite is kept" in nothing.stderr
    assert "hint: run `kut conform`, or name a file of `kut conform --json FILE`" in nothing.stderr
    for number, run in enumerate((FIRST, SECOND, document(TestResult("other", skipped(""))))):
        directory = tree / f"build/runs/20261127-10000{number}-000-0000"
        directory.mkdir(parents=True)
        lines = "".join(f"{result_line(each)}\n" for each in run.results)
        (directory / "results.jsonl").write_text(lines)
    shown = realtree.kut(tree, "matrix").stdout
    assert "conform-a  6/6 verified, 0 failed" in shown
    assert "conform-b" not in shown
