# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings of real machines, their replay, and a debugger in it that goes back in time."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import emulators
import pytest
import realtree
from cases import definition

from kut_runner.errors import ExitCode, NothingSelectedError, UsageError
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.store import Store
from kut_runner.run import replay
from kut_runner.targets import recording
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status

needs_gdb = pytest.mark.skipif(
    not shutil.which("gdb-multiarch"),
    reason="no gdb-multiarch is installed (Debian: apt install gdb-multiarch)",
)
#: Prints random numbers of the CPU (FEAT_RNG), which differ from run to run.
DICE = """// SPDX-License-Identifier: GPL-2.0-or-later
#include <libcflat.h>

static void show(unsigned long number)
{
	report_info("number %lu", number);
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 5; i++) {
		unsigned long number;

		asm volatile("mrs %0, s3_3_c2_c4_0" : "=r"(number)); /* RNDR */
		show(number);
	}
	report(argc < 0, "a check that fails");
	return report_summary();
}
"""
DEFINITIONS = """
[test.dice]
[test.dice-two]
image = "dice"
smp = 2
[test.dice-icount]
image = "dice"
qemu_args = ["-icount", "0"]
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = realtree.copy(tmp_path_factory.mktemp("replay"), images=("selftest", "misbehave"))
    (top / "arm/dice.c").write_text(DICE)
    (top / "configs/0.toml").write_text(DEFINITIONS)
    return top


def record(tree: Path, *args: str, code: int = 1) -> dict[str, Any]:
    """Record tests; the document of the run."""
    done = realtree.kut(tree, "run", "--record", *args)
    assert done.returncode == code, done.stdout + done.stderr
    return realtree.last_run(tree)


def replayed(tree: Path, *args: str, code: int = 0) -> list[str]:
    """Replay tests; the lines of the output."""
    done = realtree.kut(tree, "replay", *args)
    assert done.returncode == code, done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()


@pytest.mark.qemu
@pytest.mark.parametrize("name", ["", emulators.NEWEST])
def test_a_replay_has_the_same_bytes_and_another_recording_has_not(tree: Path, name: str) -> None:
    qemu = ("--qemu", emulators.unpacked(name)) if name else ()
    logs = []
    for _ in range(2):
        record(tree, "dice", "selftest", *qemu)
        logs.append((tree / "build/logs/dice.log").read_bytes())
        lines = replayed(tree, "dice", "selftest")
        other = len((tree / "build/logs/selftest.log").read_bytes())
        fail = "fail: 1 of 1 check failed"
        assert sorted(lines) == [
            f"SAME       dice  {len(logs[-1])} bytes of output; recorded {fail}",
            f"SAME       selftest  {other} bytes of output; recorded pass",
        ]
        assert (tree / "build/replay/dice.log").read_bytes() == logs[-1]
    assert logs[0] != logs[1]


@pytest.mark.qemu
def test_a_recording_outlives_a_build_and_a_change_is_noticed(tree: Path) -> None:
    record(tree, "dice")
    flat = tree / "build/gcc/dice.flat"
    built = flat.read_bytes()
    try:
        flat.write_bytes(b"")
        (line,) = replayed(tree)  # by default what failed
        assert line.startswith("SAME       dice  ")
    finally:
        flat.write_bytes(built)
    log = tree / "build/logs/dice.log"
    log.write_bytes(log.read_bytes().replace(b"SUMMARY: 1", b"SUMMARY: 2"))
    (line,) = replayed(tree, code=1)
    assert re.fullmatch(
        r"DIFFERENT  dice  line 8: recorded 'SUMMARY: 2 .*', replayed 'SUMMARY: 1 .*'", line
    )
    found = tree / "build/logs/dice.rr"
    found.write_bytes(bytes(16) + found.read_bytes()[16:])
    (line,) = replayed(tree, code=1)
    assert line.startswith("DIFFERENT  dice  QEMU refused the recording: ")


@pytest.mark.qemu
def test_a_timeout_and_a_crash_are_replayed(tree: Path) -> None:
    for name, verdict, args in (
        ("misbehave-exception", "crash", ()),
        ("misbehave-hang", "timeout", ("--timeout", "0.2")),
    ):
        record(tree, name, *args)
        (line,) = replayed(tree)
        assert f" of output; recorded {verdict}: " in line


@pytest.mark.qemu
def test_a_replay_can_be_traced(tree: Path) -> None:
    record(tree, "misbehave-exception", "--qemu-arg=-d", "--qemu-arg=guest_errors")
    traced = (tree / "build/logs/misbehave-exception.trace").read_text()
    lines = replayed(tree, "--qemu-arg=-d", "--qemu-arg=int", "misbehave-exception")
    assert lines[1] == "           trace: build/replay/misbehave-exception.trace"
    trace = (tree / "build/replay/misbehave-exception.trace").read_text()
    assert "Taking exception 4 [Data Abort] on CPU 0" in trace
    assert (tree / "build/logs/misbehave-exception.trace").read_text() == traced


@pytest.mark.qemu
def test_what_qemu_does_not_record_is_a_skip_with_the_reason(tree: Path) -> None:
    names = ("dice-two", "dice-icount", "panic", "migrate-once")
    results = record(tree, *names, code=4)["tests"]
    assert {each["id"]: (each["status"], each["reason"]) for each in results} == {
        "dice-two": ("skip", "needs 2 CPUs, and QEMU records machines with one CPU only"),
        "dice-icount": ("skip", "has QEMU's option -icount, which --record sets"),
        "panic": ("skip", "needs the report of a panic, which QEMU does not record"),
        "migrate-once": ("skip", "needs migration, which QEMU does not record"),
    }
    (error,) = replayed(tree, "dice-two", code=2)
    assert error.startswith("kut: error: dice-two was skipped: needs 2 CPUs")


@pytest.mark.qemu
def test_only_tcg_records(tree: Path) -> None:
    for args, env in (("--target", "kvm"), {}), ((), {"ACCEL": "kvm"}):
        done = realtree.kut(tree, "run", "--record", "dice", *args, env=env)
        assert done.returncode == 2
        assert done.stderr.splitlines()[0] == ("kut: error: --record needs target tcg, and not kvm")


@pytest.mark.qemu
def test_a_rerun_records_again(tree: Path) -> None:
    record(tree, "dice", "selftest")
    assert realtree.kut(tree, "rerun").returncode == 1
    assert realtree.last_run(tree)["options"]["record"] is True
    (line,) = replayed(tree)
    assert line.startswith("SAME       dice  ")


@pytest.mark.qemu
def test_a_replay_needs_the_qemu_and_the_image_of_the_recording(tree: Path) -> None:
    run = record(tree, "dice")["run"]
    directory = tree / "build/runs" / run
    document = directory / "results.json"
    text = document.read_text()
    version = json.loads(text)["qemu"]["version"]
    document.write_text(text.replace(f'"version": "{version}"', '"version": "1.2.3"'))
    error, hint = replayed(tree, "--run", run, code=5)
    assert error.startswith("kut: error: dice was recorded with QEMU 1.2.3, and ")
    assert error.endswith(f" is QEMU {version} now")
    assert hint == "kut: hint: a replay needs the same version; record the test again"
    document.write_text(text)
    (directory / "recorded/dice.flat").unlink()
    assert replayed(tree, "--run", run, code=5)[0].startswith(
        "kut: error: the image of the recording does not exist: "
    )


@pytest.mark.qemu
def test_a_document_of_another_place_starts_nothing(tree: Path, tmp_path: Path) -> None:
    record(tree, "dice")
    shutil.copy(tree / "build/logs/results.json", tmp_path / "r.json")
    error, _ = replayed(tree, "--run", str(tmp_path / "r.json"), code=2)
    assert error.endswith("r.json is not a run of this build directory")


def debugged(tree: Path, *commands: str) -> str:
    """The output of gdb with these commands, in the replay of `dice`."""
    done = subprocess.run(
        [
            *(*realtree.KUT, "debug", "dice", "--replay", "--batch", "--serial", "/dev/null"),
            *(word for command in commands for word in ("-ex", command)),
        ],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.qemu
@needs_gdb
@pytest.mark.parametrize("name", ["", emulators.NEWEST])
def test_the_debugger_sees_the_recorded_values_forward_and_back(
    tree: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUT_DEBUGGER", "gdb")
    record(tree, "dice", *(("--qemu", emulators.unpacked(name)) if name else ()))
    log = (tree / "build/logs/dice.log").read_text()
    numbers = re.findall(r"number (\d+)", log)
    said = debugged(
        tree,
        "hbreak report_info",
        *("continue", "print/u $x1"),
        *("continue", "print/u $x1"),
        *("reverse-continue", "print/u $x1"),
        *("delete", "hbreak main", "reverse-continue"),
    )
    assert re.findall(r"^\$\d+ = (\d+)$", said, re.MULTILINE) == [
        *numbers[:2],
        numbers[0],
    ]
    assert said.rstrip().splitlines()[-2].startswith("Breakpoint 2, main (")


@pytest.mark.qemu
def test_options_that_a_recording_decides_are_refused(tree: Path) -> None:
    for option in ("--cpu=max", "--smp=1", "--qemu=q", "--variant=O0", "--target=tcg"):
        done = realtree.kut(tree, "debug", "dice", "--replay", option)
        assert done.returncode == 2
        name = option.partition("=")[0]
        assert done.stderr.startswith(f"kut: error: {name} and --replay contradict each other")
    done = realtree.kut(tree, "debug", "dice", "--run", "latest")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "kut: error: --run needs --replay",
    )


# Selection of the attempt.


def result(directory: Path, name: str, status: Status, number: int = 1, **more: Any) -> TestResult:  # noqa: ANN401 - of TestResult
    """A result with a recording."""
    log = directory / f"{name}@{number}.log"
    log.with_suffix(".rr").touch()
    code = ExitCode.TESTS_FAILED if status.is_failure else ExitCode.OK
    verdict = Verdict(status, "", code, Cause.CHECKS_FAILED)
    return TestResult(name, verdict, log=str(log), attempt=number, **more)


def document(*results: TestResult) -> Document:
    return Document(RunMetadata(), results, 1.0, ExitCode.OK, is_complete=True)


def test_the_last_failed_attempt_is_replayed(tmp_path: Path) -> None:
    failed = result(tmp_path, "a", Status.FAIL, 1)
    run = document(
        result(tmp_path, "a", Status.FLAKY, 2, earlier=(failed,)),
        result(tmp_path, "b", Status.PASS, 1),
        result(tmp_path, "b", Status.PASS, 2),
        result(tmp_path, "c", Status.FAIL, 1),
        result(tmp_path, "c", Status.FAIL, 2),
        result(tmp_path, "c", Status.PASS, 3),
    )
    found = {each.id: each.result.attempt for each in replay.recorded(run, ["*"])}
    assert found == {"a": 1, "b": 2, "c": 2}
    assert [each.id for each in replay.recorded(run)] == ["a", "c"]


def test_names_without_recording_are_errors(tmp_path: Path) -> None:
    passed = result(tmp_path, "a", Status.PASS)
    lost = result(tmp_path, "b", Status.FAIL)
    Path(lost.log).with_suffix(".rr").unlink()
    run = document(passed, lost)
    with pytest.raises(NothingSelectedError, match="no recorded test failed"):
        replay.recorded(run)
    with pytest.raises(UsageError, match="b was not recorded in this run"):
        replay.recorded(run, ["a", "b"])
    with pytest.raises(UsageError, match='the run has no result of "x"'):
        replay.recorded(run, ["x"])
    with pytest.raises(UsageError, match=r"\* matches 2 recorded tests, such as a, c"):
        replay.one(document(passed, result(tmp_path, "c", Status.PASS)), "*")


def test_a_comma_in_a_path_is_no_option(tmp_path: Path) -> None:
    log = tmp_path / "a,b.log"
    test = recording.with_recording(definition("a"), log)
    assert test.qemu_args[1].endswith(f",rr=record,rrfile={tmp_path}/a,,b.rr")


def test_a_line_that_is_missing_is_the_difference() -> None:
    lines = replay._differing_lines(b"one\ntwo\n", b"one\n")
    assert next(lines) == "line 2: recorded 'two', replayed ''"
    assert next(replay._differing_lines(b"\xff", b"\\xff")) == "bytes that are not text"


def test_a_run_of_the_store_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run latest: 0 runs are kept"):
        replay.load(Store(tmp_path), "latest")


def test_the_recorded_options_are_the_last(tmp_path: Path) -> None:
    from cases import tcg

    log = tmp_path / "a.log"
    command = ("q", "-append", "-icount", *recording._options("record", log.with_suffix(".rr")))
    plain = tcg(Path("/bin/q"))
    target = recording.Replay(plain.qemu, plain.accelerator, (*command, "-D", "x"), log)
    options = target._machine()
    assert options[:2] == ("-append", "-icount")
    assert ",rr=replay," in options[3]
    assert options[4:] == ("-D", "x")
    own = replace(target, command=(*command, "-D", str(log.with_suffix(".trace"))))
    assert own._machine() == options[:4]
