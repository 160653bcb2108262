# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of many tests with a shell script as QEMU, whose images are scripts."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cases import case_of, definition, tcg

from kut_runner.definitions.needs import QemuVersion
from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ExitCode
from kut_runner.process import resources
from kut_runner.records.policy import Policy
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.run.engine import run
from kut_runner.run.options import RunOptions
from kut_runner.run.times import RunTimes, Timing
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.targets.case import Case
    from kut_runner.targets.protocol import Target

PASS = r"printf 'PASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n'"  # noqa: S105 - no password
FAIL = r"printf 'FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n'"
SKIP = r"printf 'SKIP: no\nSUMMARY: 1 tests, 1 skipped\n\nEXIT: STATUS=77\n'"

pytestmark = pytest.mark.usefixtures("handled_signals")


class Recorder(View):
    """View that records events, and calls a function for each result."""

    def __init__(self, at_result: Callable[[TestResult], None] = lambda _: None) -> None:
        self.results: list[TestResult] = []
        self.runs: list[Run] = []
        self.begun: list[tuple[str, int]] = []
        self.slow: list[tuple[str, int, float]] = []
        self._at_result = at_result

    def on_start(self, cases: Sequence[str]) -> None:
        assert cases
        assert not self.results

    def on_begin(self, case: str, attempt: int) -> None:
        assert (case, attempt) not in self.begun
        self.begun.append((case, attempt))

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        self.slow.append((case, attempt, seconds))

    def on_result(self, result: TestResult) -> None:
        self.results.append(result)
        self._at_result(result)

    def on_end(self, run: Run) -> None:
        self.runs.append(run)


class Bench:
    """Tests that are scripts, and their runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cases: list[Case] = []
        program = directory / "qemu"
        program.write_text('#!/bin/sh\nwhile [ "$1" != -kernel ]; do shift; done\nexec sh "$2"\n')
        program.chmod(0o755)
        self.target: Target = tcg(program)

    def add(  # noqa: PLR0913 - of a definition
        self,
        name: str,
        script: str,
        *,
        smp: int = 1,
        needs: str = "",
        no_checks: NoChecks = NoChecks.FAIL,
        latency: bool = False,
    ) -> None:
        path = self.directory / f"{name}.flat"
        path.write_text(script)
        test = definition(
            name,
            smp=smp,
            memory=16,
            needs=(QemuVersion((int(needs),)),) if needs else (),
            no_checks=no_checks,
            latency=latency,
        )
        self.cases.append(case_of(test, path, self.target))

    @property
    def times(self) -> RunTimes:
        return RunTimes(self.directory / "times.json", "sh")

    def run(
        self,
        *views: View,
        times: RunTimes | None = None,
        first: Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - of RunOptions
    ) -> ExitCode:
        chosen = RunOptions(**{"jobs": 1, **options})
        return run(
            self.cases, chosen, views, log_dir=self.directory / "logs", times=times, first=first
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_each_result_is_told_and_then_the_end(bench: Bench) -> None:
    bench.add("good", PASS)
    bench.add("bad", FAIL)
    bench.add("new", PASS, needs="99")
    view = Recorder()
    assert bench.run(view) is ExitCode.TESTS_FAILED
    good, new, bad = view.results
    assert (good.id, good.status, good.output.counted) == ("good", Status.PASS, 1)
    assert good.command[-2:] == ("-kernel", str(bench.directory / "good.flat"))
    assert good.version == "7.2.0"
    assert Path(good.log).read_text().startswith("PASS: a\n")
    assert (bad.status, new.status) == (Status.FAIL, Status.SKIP)
    assert "qemu>=99" in new.verdict.reason
    (end,) = view.runs
    assert view.begun == [("good", 1), ("bad", 1)]
    assert (end.selected, end.is_complete, list(end.results)) == (3, True, view.results)


@pytest.mark.parametrize(
    ("scripts", "code"),
    [([PASS], 0), ([PASS, SKIP], 0), ([SKIP, SKIP], 4), ([PASS, FAIL], 1), ([PASS, "exit 1"], 6)],
)
def test_exit_codes(bench: Bench, scripts: list[str], code: int) -> None:
    for number, script in enumerate(scripts):
        bench.add(f"t{number}", script)
    assert bench.run() == code


def test_the_time_out_of_the_run_replaces_that_of_the_test(bench: Bench) -> None:
    bench.add("slow", "exec sleep 60")
    view = Recorder()
    assert bench.run(view, timeout=0.2) is ExitCode.TESTS_FAILED
    assert view.results[0].status is Status.TIMEOUT


@pytest.mark.parametrize(("jobs", "most"), [(1, 1), (3, 3), (4, 4)])
def test_no_more_cpus_are_used_than_there_are(bench: Bench, jobs: int, most: int) -> None:
    """Each test creates one file per CPU for a moment, and prints the number of files."""
    held = bench.directory / "held"
    for number, smp in enumerate([1, 1, 1, 1, 2, 2, 9, 1]):
        files = " ".join(f"{held}/{number}.{cpu}" for cpu in range(min(smp, jobs)))
        wait = f"sleep {0.05 if jobs == 1 else 0.6}"
        script = f"mkdir -p {held}; touch {files}; {wait}; ls {held} | wc -l; rm {files}"
        bench.add(f"t{number}", script, smp=smp)
    bench.times.update(bench.cases, {case.id: Timing(1, case.test.smp) for case in bench.cases})
    view = Recorder()
    bench.run(view, jobs=jobs, times=bench.times)
    assert max(int(Path(result.log).read_text()) for result in view.results) == most


def test_tests_that_mostly_sleep_run_side_by_side(bench: Bench) -> None:
    """Four tests known to sleep run on two CPUs: each waits for all others."""
    wait = f"while [ $(ls {bench.directory}/*.here | wc -l) -lt 4 ]; do sleep 0.02; done"
    for number in range(4):
        bench.add(f"t{number}", f"touch {bench.directory}/{number}.here; {wait}; {PASS}")
    bench.times.update(bench.cases, {f"t{number}": Timing(9, 0.1) for number in range(4)})
    assert bench.run(Recorder(), jobs=2, times=bench.times) is ExitCode.OK


def test_guests_whose_cpus_take_turns_run_side_by_side(bench: Bench) -> None:
    """Two tests without earlier runs, with two CPUs each, on two CPUs: each waits for the other."""
    wait = f"while [ $(ls {bench.directory}/*.here | wc -l) -lt 2 ]; do sleep 0.02; done"
    for number in range(2):
        bench.add(f"t{number}", f"touch {bench.directory}/{number}.here; {wait}; {PASS}", smp=2)
    assert bench.run(Recorder(), jobs=2) is ExitCode.OK


@pytest.mark.parametrize("demand", [None, 0.1])
def test_a_test_that_checks_latencies_shares_no_cpu(bench: Bench, demand: float | None) -> None:
    """With two CPUs of two it runs alone, as a lock shows, whatever it used in earlier runs."""
    lock = bench.directory / "lock"
    for number in range(5):
        bench.add(f"t{number}", f"[ ! -e {lock} ] && sleep 0.1 && {PASS}")
    alone = f"touch {lock}; sleep 0.3; rm {lock}; {PASS}"
    bench.add("timer", alone, smp=2, latency=True)
    if demand is not None:
        bench.times.update(bench.cases, {case.id: Timing(1, demand) for case in bench.cases})
    view = Recorder()
    assert bench.run(view, jobs=2, times=bench.times) is ExitCode.OK
    assert view.begun[0] == ("timer", 1)


def test_a_test_that_needs_all_the_memory_runs_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock shows whether another test runs."""
    lock = bench.directory / "lock"
    monkeypatch.setattr(resources, "available_memory", lambda: 150)
    for number in range(3):
        bench.add(f"t{number}", f"mkdir {lock} && sleep 0.1 && rmdir {lock} && {PASS}")
    assert bench.run(jobs=4) is ExitCode.OK
    monkeypatch.setattr(resources, "available_memory", lambda: 1)
    assert bench.run(jobs=4) is ExitCode.OK


def test_slow_ones_first_by_the_times_of_the_last_run(bench: Bench) -> None:
    for name, seconds in (("quick", 0), ("slow", 0.4), ("middle", 0.2)):
        bench.add(name, f"sleep {seconds}; {PASS}")
    first, second = Recorder(), Recorder()
    bench.run(first, times=bench.times)
    assert [name for name, _ in first.begun] == ["quick", "slow", "middle"]
    bench.run(second, times=bench.times)
    assert [name for name, _ in second.begun] == ["slow", "middle", "quick"]


def test_what_was_stopped_has_no_time(bench: Bench) -> None:
    bench.add("hang", "exec sleep 60")
    bench.add("good", PASS)
    bench.run(times=bench.times, timeout=0.2)
    assert bench.times.load(bench.cases).keys() == {"good"}


def test_repeat_runs_each_so_many_times(bench: Bench) -> None:
    bench.add("one", PASS)
    bench.add("two", PASS)
    view = Recorder()
    assert bench.run(view, repeat=3) is ExitCode.OK
    assert view.begun == [(name, n) for n in (1, 2, 3) for name in ("one", "two")]
    assert [(result.id, result.attempt) for result in view.results] == view.begun
    logs = {path.name for path in (bench.directory / "logs").glob("*.log")}
    assert logs == {f"{name}{number}.log" for name in ("one", "two") for number in ("", "@2", "@3")}
    (end,) = view.runs
    assert (end.selected, end.is_complete) == (6, True)


def test_a_shuffled_run_can_be_had_again(bench: Bench) -> None:
    for name in "abcdefgh":
        bench.add(name, PASS)
    orders = []
    for seed in (1, 1, 2):
        view = Recorder()
        bench.run(view, seed=seed)
        orders.append([name for name, _ in view.begun])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == [*"abcdefgh"]


def third_time(bench: Bench, then: str, otherwise: str) -> str:
    """Return a script that behaves differently on the third call."""
    count = bench.directory / "count"
    return f"echo >>{count}; if [ $(wc -l <{count}) = 3 ]; then {then}; else {otherwise}; fi"


def test_until_fail_ends_with_the_first_failure(bench: Bench) -> None:
    bench.add("odd", third_time(bench, FAIL, PASS))
    bench.add("even", PASS)
    view = Recorder()
    assert bench.run(view, repeat=20, until_fail=True) is ExitCode.TESTS_FAILED
    failed = [result for result in view.results if result.status is Status.FAIL]
    assert [(result.id, result.attempt) for result in failed] == [("odd", 3)]
    assert len(view.begun) <= 6, "nothing starts after the failure is known"
    (end,) = view.runs
    assert (end.selected, end.is_complete) == (len(view.results), True)


def test_until_fail_without_a_failure_ends_after_all_rounds(bench: Bench) -> None:
    bench.add("one", PASS)
    view = Recorder()
    assert bench.run(view, repeat=4, until_fail=True) is ExitCode.OK
    assert len(view.results) == 4


@pytest.mark.parametrize(("most", "ran"), [(1, 2), (2, 4), (3, 5), (None, 5)])
def test_nothing_starts_after_as_many_failures_as_are_allowed(
    bench: Bench, most: int | None, ran: int
) -> None:
    for name, script in (("a", PASS), ("b", FAIL), ("c", PASS), ("d", FAIL), ("e", PASS)):
        bench.add(name, script)
    view = Recorder()
    order = bench.times
    order.update(bench.cases, {c.id: Timing(9.0 - i, 1.0) for i, c in enumerate(bench.cases)})
    code = bench.run(view, times=order, policy=Policy(max_fail=most))
    assert code is ExitCode.TESTS_FAILED
    # One more may have started before the failure was read.
    assert len(view.results) in (ran, min(ran + 1, 5))
    (end,) = view.runs
    assert (end.selected, end.is_complete) == (5, len(view.results) == 5)
    assert end.exit_code is ExitCode.TESTS_FAILED


def test_a_failure_that_is_retried_with_success_does_not_count(bench: Bench) -> None:
    bench.add("odd", third_time(bench, PASS, FAIL))
    bench.add("good", PASS)
    view = Recorder()
    assert bench.run(view, retries=5, policy=Policy(max_fail=1)) is ExitCode.OK
    assert len(view.results) == 2


@pytest.mark.parametrize(("skips_fail", "code"), [(True, 1), (False, 0)])
def test_a_skip_can_be_a_failure(bench: Bench, *, skips_fail: bool, code: int) -> None:
    bench.add("good", PASS)
    bench.add("new", PASS, needs="99")
    view = Recorder()
    assert bench.run(view, policy=Policy(skips_fail=skips_fail)) == code
    assert {result.status for result in view.results} == {Status.PASS, Status.SKIP}


def test_what_passes_when_tried_again_is_flaky(bench: Bench) -> None:
    bench.add("odd", third_time(bench, PASS, FAIL))
    bench.add("good", PASS)
    view = Recorder()
    assert bench.run(view, retries=5) is ExitCode.OK
    results = {result.id: result for result in view.results}
    odd, good = results["odd"], results["good"]
    assert (odd.status, odd.attempt, odd.output.counted) == (Status.FLAKY, 3, 1)
    assert odd.verdict.reason == (
        "passed at attempt 3, after fail: 1 of 1 check failed; fail: 1 of 1 check failed"
    )
    assert [(each.status, each.attempt) for each in odd.earlier] == [
        (Status.FAIL, 1),
        (Status.FAIL, 2),
    ]
    assert (good.status, good.attempt, good.earlier) == (Status.PASS, 1, ())


def test_what_never_passes_is_a_failure_and_nothing_is_tried_again_unasked(bench: Bench) -> None:
    bench.add("bad", third_time(bench, PASS, FAIL))
    view = Recorder()
    assert bench.run(view) is ExitCode.TESTS_FAILED
    assert len(view.begun) == 1
    view = Recorder()
    (bench.directory / "count").unlink()
    assert bench.run(view, retries=1) is ExitCode.TESTS_FAILED
    (bad,) = view.results
    assert (bad.status, bad.attempt, len(bad.earlier)) == (Status.FAIL, 2, 1)


def test_slow_is_told_before_the_time_is_up(bench: Bench) -> None:
    bench.add("hang", "exec sleep 60")
    bench.add("good", PASS)
    view = Recorder()
    bench.run(view, jobs=2, timeout=0.6)
    assert [(name, attempt) for name, attempt, _ in view.slow][:1] == [("hang", 1)]
    assert all(seconds >= 0.3 for _, _, seconds in view.slow)


def test_a_qemu_that_cannot_be_executed_is_an_error(bench: Bench) -> None:
    bench.target = tcg(Path("/nonexistent/qemu"))
    bench.add("first", PASS)
    view = Recorder()
    assert bench.run(view) is ExitCode.INFRASTRUCTURE
    assert "/nonexistent/qemu" in view.results[0].verdict.reason


def test_logs_that_cannot_be_written_are_an_error(bench: Bench) -> None:
    bench.add("first", PASS)
    (bench.directory / "logs").write_text("in the way")
    view = Recorder()
    assert bench.run(view) is ExitCode.INFRASTRUCTURE
    assert view.results[0].status is Status.ERROR


def test_ctrl_c_keeps_what_is_known_and_starts_nothing_more(bench: Bench) -> None:
    bench.add("first", PASS)
    bench.add("second", "echo here; exec sleep 60")
    bench.add("third", f"touch {bench.directory}/third; {PASS}")
    view = Recorder(lambda _: os.kill(os.getpid(), signal.SIGINT))
    assert bench.run(view) is ExitCode.INTERRUPTED
    assert [result.status for result in view.results] == [Status.PASS, Status.ERROR]
    assert not view.runs[0].is_complete
    assert not (bench.directory / "third").exists()


def test_ctrl_c_while_another_test_runs_starts_nothing_in_the_free_place(bench: Bench) -> None:
    bench.add("first", f"kill -INT {os.getpid()}; {PASS}")
    bench.add("second", "trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.01; done")
    bench.add("third", f"touch {bench.directory}/third; {PASS}")
    view = Recorder()
    assert bench.run(view, jobs=2) is ExitCode.INTERRUPTED
    assert {result.id for result in view.results} == {"first", "second"}
    assert not (bench.directory / "third").exists()


def test_ctrl_c_during_the_only_test(bench: Bench) -> None:
    bench.add("only", f"echo here; kill -INT {os.getpid()}; exec sleep 60")
    view = Recorder()
    assert bench.run(view) is ExitCode.INTERRUPTED
    (result,) = view.results
    assert (result.status, result.output.last_lines) == (Status.ERROR, ("here",))
    assert result.verdict.reason.startswith("interrupted after")
    assert view.runs[0].exit_code is ExitCode.INTERRUPTED


def test_a_flood_that_is_read_keeps_nobody_waiting(bench: Bench) -> None:
    """The next test starts, and may end, before the log is read completely."""
    bench.add("flood", f"yes | head -n 100000; {PASS}")
    bench.add("small", PASS)
    known: list[list[tuple[str, int]]] = []
    view = Recorder(lambda _: known.append([*view.begun]))
    assert bench.run(view) is ExitCode.OK
    assert known[0] == [("flood", 1), ("small", 1)]
    assert {result.id: len(result.output.checks) for result in view.results} == {
        "flood": 1,
        "small": 1,
    }


def test_the_option_decides_on_images_without_a_summary_before_their_tests(bench: Bench) -> None:
    bench.add("strict", "echo EXIT: STATUS=1")
    bench.add("lenient", "echo EXIT: STATUS=1", no_checks=NoChecks.PASS)
    for option, statuses in (
        (None, {"strict": "crash", "lenient": "pass"}),
        (NoChecks.FAIL, {"strict": "crash", "lenient": "crash"}),
        (NoChecks.PASS, {"strict": "pass", "lenient": "pass"}),
    ):
        view = Recorder()
        bench.run(view, no_checks=option)
        assert {result.id: result.status.value for result in view.results} == statuses


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("FAIL: b", "1 check failed, but SUMMARY announces 0"),
        ("Unhandled exception", "Unhandled exception"),
        ("EXIT: STATUS=3", "no SUMMARY line before EXIT: STATUS=3"),
    ],
)
def test_what_a_flood_hides_in_its_middle_forbids_a_pass(
    bench: Bench, lines: str, reason: str
) -> None:
    flood = "yes $(printf %0999d 1) | head -n 3000"
    bench.add("hides", f"{flood}; echo '{lines}'; {flood}; {PASS}")
    bench.add("passes", f"{flood}; {flood}; {PASS}")
    view = Recorder()
    assert bench.run(view) is ExitCode.TESTS_FAILED
    found = {result.id: result for result in view.results}
    assert found["passes"].status is Status.PASS
    assert found["hides"].verdict.reason == reason
    for result in found.values():
        assert result.process_exit
        assert result.process_exit.missing > 1_000_000


def test_a_view_that_breaks_ends_the_run_but_not_the_other_views(bench: Bench) -> None:
    def break_down(_result: TestResult) -> None:
        raise BrokenPipeError

    for name in ("first", "second", "third"):
        bench.add(name, PASS)
    view, broken = Recorder(), Recorder(break_down)
    with pytest.raises(BrokenPipeError):
        bench.run(view, broken)
    assert len(view.results) == 1
    assert not view.runs[0].is_complete
    assert view.runs[0].exit_code is ExitCode.INFRASTRUCTURE


def test_a_view_that_cannot_end_does_not_keep_others_from_ending(bench: Bench) -> None:
    class Full(Recorder):
        def on_end(self, run: Run) -> None:
            super().on_end(run)
            raise OSError(28, "No space left on device")

    bench.add("first", PASS)
    full, view = Full(), Recorder()
    with pytest.raises(OSError, match="No space left"):
        bench.run(full, view)
    assert len(full.runs) == len(view.runs) == 1


def test_a_result_does_not_depend_on_a_log_that_another_run_replaces(bench: Bench) -> None:
    bench.add(
        "first",
        f"rm {bench.directory}/logs/*; echo forged >{bench.directory}/logs/first.log; {PASS}",
    )
    assert bench.run() is ExitCode.OK


def test_import_costs_little() -> None:
    """A run imports only the modules it needs, as start-up is part of every run."""
    import subprocess

    code = "import sys, kut_runner.run.engine; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"asyncio", "logging", "xml.etree", "click", "shutil", "tempfile", "multiprocessing"}
    assert not heavy & set(loaded)
