# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows at which the machine dies or hangs: each is one row, and the others run."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import realtree
from dying import IMAGE, Bench, failed, row_list, rows, verdicts

from kut_runner.build.builder import Image
from kut_runner.definitions.config import TestDef
from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, Launch, ProcessExit
from kut_runner.records import document
from kut_runner.run import isolation
from kut_runner.run.boots import Boot
from kut_runner.targets.tcg import Tcg
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import Coverage
from kut_runner.verdict.status import Status

pytestmark = pytest.mark.usefixtures("handled_signals")

ABORTED = "QEMU crashed: SIGABRT: qemu: assertion failed"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_where_nothing_dies_there_is_one_machine(bench: Bench) -> None:
    result = bench.run("PPSPPPPPS")
    assert (result.status, bench.boots, bench.code) == (Status.PASS, 1, ExitCode.OK)
    assert verdicts(result) == "2P S1 5P S1"
    assert rows(result).ids[3] == "some.3"
    assert rows(result).verified == {"undefined": 1}
    assert rows(result).matrix == {"x": Coverage(9, 7, 2, 0)}


def test_coverage_is_that_of_all_machines(bench: Bench) -> None:
    result = bench.run("APSPPPFAPS")
    assert bench.boots == 4
    assert rows(result).verified == {}  # the row that is expected to be UNDEFINED crashed
    assert rows(result).matrix == {"x": Coverage(10, 6, 2, 3)}


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("PPPPPAPPP", "5P C 3P"),
        ("APPP", "C 3P"),
        ("PPPA", "3P C"),
        ("PPPPA", "4P C"),
        ("AAPA", "2C P C"),
        ("AAAA", "4C"),
    ],
)
def test_an_abort_costs_one_row(bench: Bench, letters: str, expected: str) -> None:
    result = bench.run(letters)
    assert verdicts(result) == expected
    assert (result.status, result.verdict.cause) == (Status.FAIL, Cause.ROWS_CRASHED)
    crashes = letters.count("A")
    assert result.verdict.reason == f"{crashes} of {len(letters)} rows failed"
    assert failed(result) == [
        f"CRASH: some: some.{number}: {ABORTED}"
        for number, letter in enumerate(letters)
        if letter == "A"
    ]
    assert bench.code is ExitCode.TESTS_FAILED
    assert result.output.counted == len(letters)


def test_an_error_of_a_qemu_that_cannot_be_inspected_costs_one_row(bench: Bench) -> None:
    """It is started again without inspector, for the same rows."""
    result = bench.run("PPPPPEPPP")
    assert verdicts(result) == "5P C 3P"
    (line,) = failed(result)
    assert line.startswith("CRASH: some: some.5: ")


def test_failed_and_skipped_rows_are_counted_once(bench: Bench) -> None:
    result = bench.run("SPFPSFASPFS")
    assert verdicts(result) == "S1 P F P S1 F C S2 P F S2"
    assert [reason.feature for reason in rows(result).reasons] == ["FEAT_X0", "FEAT_X1"]
    assert failed(result) == [
        "FAIL: some: some.2: expected 1, found 2",
        "FAIL: some: some.5: expected 1, found 2",
        f"CRASH: some: some.6: {ABORTED}",
        "FAIL: some: some.9: expected 1, found 2",
    ]
    assert result.verdict.reason == "4 of 11 rows failed"
    assert result.output.counted == 11


def test_a_hang_and_a_dump_cost_one_row(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "STALL", 0.5)
    result = bench.run("PHPPDPP")
    assert verdicts(result) == "P C 2P C 2P"
    hang, dump = failed(result)
    assert hang.startswith("CRASH: some: some.1: no progress for 0.5 s of CPU time")
    assert dump.startswith("CRASH: some: some.4: Unhandled exception: vector 4 (el1h_sync)")
    assert result.diagnosis


class SlowQemu(Tcg):
    """A QEMU that takes ten times as long as others."""

    __slots__ = ()

    def launch(
        self, test: TestDef, image: Image, log: Path, timeout: float, *, inspect: bool
    ) -> Launch:
        launch = Tcg.launch(self, test, image, log, timeout, inspect=inspect)
        return replace(launch, slowness=10.0)


def test_a_slow_target_has_more_time_for_a_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "STALL", 0.2)
    bench.target = SlowQemu(bench.target.qemu, bench.target.accelerator)
    result = bench.run("PHP")
    assert verdicts(result) == "P C P"
    assert failed(result)[0].startswith("CRASH: some: some.1: no progress for 2 s of CPU time")


def test_an_abort_that_does_not_happen_again_is_a_failure_all_the_same(bench: Bench) -> None:
    result = bench.run("PPPPPOPPP")
    assert verdicts(result) == "9P"
    assert result.status is Status.ERROR
    assert result.verdict.reason == f"{ABORTED}; traced, it did not happen again"
    assert bench.code is ExitCode.INFRASTRUCTURE


@pytest.mark.parametrize(
    ("letters", "boots", "expected"), [("PPPP/A", 2, "4-"), ("PPPP//A", 1, "4P")]
)
def test_a_machine_that_dies_at_no_row_is_given_up(
    bench: Bench, letters: str, boots: int, expected: str
) -> None:
    result = bench.run(letters)
    assert verdicts(result) == expected
    assert (result.status, result.verdict.reason) == (Status.ERROR, ABORTED)
    assert bench.boots == boots


def test_a_machine_that_dies_too_often_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "MOST_CRASHES", 2)
    result = bench.run("AAPAP")
    assert verdicts(result) == "2C 3-"
    assert result.status is Status.CRASH
    assert result.verdict.reason.startswith("the machine died at 2 rows, and the rows after")


def test_a_machine_that_hangs_too_often_is_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "MOST_HANGS", 2)
    monkeypatch.setattr(isolation, "STALL", 0.5)
    result = bench.run("PHPHPP")
    assert verdicts(result) == "P C 4-"
    assert (result.status, result.verdict.cause) == (Status.CRASH, Cause.ROWS_CRASHED)


def test_rows_behind_a_crash_are_traced_for_a_while(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a crash nearby costs one machine, and one far away is found all the same."""
    monkeypatch.setattr(isolation, "_TRACED", 4)
    result = bench.run("PPAPAPPPPPPPPAPP")
    assert verdicts(result) == "2P C P C 8P C 2P"
    assert bench.boots == 6
    assert failed(result)[-1] == f"CRASH: some: some.13: {ABORTED}"


def machine(kind: ExitKind, cause: Cause, *lines: str) -> Boot:
    """A machine that ended by a signal, or was stopped, after these lines."""
    output = collect(parse(f"{line}\n" for line in ("AREA: some 9 0123456789abcdef", *lines)))
    code = ExitCode.INTERRUPTED if cause is Cause.INTERRUPTED else ExitCode.INFRASTRUCTURE
    verdict = Verdict(Status.ERROR, cause.value, code, cause)
    return Boot(output, ProcessExit(kind, 6, 0.1, ""), verdict)


def verdict_on(*boots: Boot) -> Verdict:
    rows_ = isolation.merged(boots).rows
    assert rows_
    return isolation.verdict(boots, rows_)


def test_an_interrupted_test_has_not_failed() -> None:
    """Ctrl-C while a machine runs behind a crash, and between two machines."""
    died = machine(ExitKind.KILLED, Cause.KILLED, "ROWS: some 0 2P")
    traced = machine(ExitKind.KILLED, Cause.KILLED, "ROW: some 2")
    stopped = machine(ExitKind.INTERRUPTED, Cause.INTERRUPTED)
    assert verdict_on(died, traced, stopped) is stopped.verdict
    between = verdict_on(died, traced)
    assert (between.exit_code, between.cause) == (ExitCode.INTERRUPTED, Cause.INTERRUPTED)
    assert between.reason == "interrupted after 2 machines"


def test_the_command_and_the_log_are_those_of_the_first_machine(bench: Bench) -> None:
    result = bench.run("PAP", "start=0")
    assert result.command[-2:] == ("-append", "start=0")
    assert Path(result.log).name == "t.log"
    assert sorted(path.name for path in bench.directory.glob("*.log")) == [
        "t-boot2.log",
        "t-boot3.log",
        "t.log",
    ]


def test_a_document_keeps_crashes(bench: Bench) -> None:
    result = bench.run("PAF")
    loaded = document.result_from_json(json.loads(document.result_line(result)))
    assert loaded.output.rows == result.output.rows
    assert loaded.output.checks == result.output.checks
    assert loaded.output == result.output


def test_without_a_list_rows_have_numbers(bench: Bench) -> None:
    result = bench.run("PAP", listed=False)
    assert failed(result) == [f"CRASH: some: row 1: {ABORTED}"]
    assert rows(result).ids == ()


def test_a_list_of_another_table_is_an_error(bench: Bench) -> None:
    listed = {**row_list(3), "hash": "f" * 16}
    (bench.directory / "some.rows").write_text(json.dumps(listed))
    result = bench.run("PPP", listed=False)
    assert (result.status, result.verdict.cause) == (Status.ERROR, Cause.ROWS_MISSING)
    assert "rows with hash 0123456789abcdef" in result.verdict.reason
    assert result.verdict.reason.endswith("ffff: build both again")


def test_a_damaged_list_is_an_error(bench: Bench) -> None:
    for text in ("[]", "{", json.dumps({**row_list(3), "rows": {}})):
        (bench.directory / "some.rows").write_text(text)
        result = bench.run("PPP", listed=False)
        assert (result.status, result.verdict.cause) == (Status.ERROR, Cause.ROWS_MISSING)
        assert "some.rows is no list of rows" in result.verdict.reason


def test_rows_that_do_not_run_are_no_pass(bench: Bench) -> None:
    image = bench.run("PPP", "start=1")
    assert (image.status, verdicts(image)) == (Status.PASS, "- 2P")
    (bench.directory / "qemu").write_text(
        f'#!/bin/sh\nexec {sys.executable} -I {IMAGE} "$@" -append start=1\n'
    )
    result = bench.run("PPP")
    assert (result.status, result.verdict.cause) == (Status.CRASH, Cause.ROWS_MISSING)
    assert result.verdict.reason == "1 of 3 rows of area some have no verdict"


@pytest.mark.qemu
def test_real_machines_go_on_behind_rows_at_which_they_die(tmp_path: Path) -> None:
    """The guest crashes, hangs, and has some QEMUs abort: docs/errata.md."""
    realtree.copy(tmp_path, images=("conform-hvc",))
    shutil.copy(realtree.ROOT / "tests/conform-trial.c", tmp_path / "arm")
    (tmp_path / "configs/0.toml").write_text('[test.conform-trial]\ncpu = "cortex-a72"\n')
    realtree.kut(tmp_path, "build", "conform-trial")
    listed = tmp_path / "build/gcc/conform-trial.rows"
    listed.write_text(json.dumps(row_list(9, "trial", 0x123)))
    done = realtree.kut(tmp_path, "run", "conform-trial")
    assert done.returncode == ExitCode.TESTS_FAILED, done.stdout
    (result,) = realtree.last_run(tmp_path)["tests"]
    assert result["rows"]["verdicts"] in {"P F C S1 C P C P F", "P F C S1 C 3P F"}
    crash, hang, *aborts = [
        ": ".join((*check["prefixes"][2:], check["message"]))
        for check in result["checks"]
        if check["status"] == "crash"
    ]
    assert crash.startswith("Unhandled exception: ec=0 (unknown reason"), crash
    assert hang.startswith("no progress for 2 s"), hang
    assert all("arm_fi_to_lfsc" in abort for abort in aborts)
