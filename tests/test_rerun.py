# SPDX-License-Identifier: GPL-2.0-or-later
"""Rerun of failed and missing tests, and of a killed run, on a real QEMU."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import realtree

from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ExitCode, NothingSelectedError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.run import rerun
from kut_runner.run.options import RunOptions
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status

KUT = (sys.executable, "-m", "kut_runner")
TESTS = ("misbehave-known", "misbehave-skip", "misbehave-fail", "misbehave-garbage")


def result(name: str, status: Status = Status.PASS, log: str = "") -> TestResult:
    code = {Status.PASS: ExitCode.OK, Status.SKIP: ExitCode.NOTHING_RAN}
    verdict = Verdict(status, "", code.get(status, ExitCode.TESTS_FAILED))
    return TestResult(name, verdict, process_exit=ProcessExit(ExitKind.EXITED, 0, 1.0, ""), log=log)


def document(*results: TestResult, also: tuple[str, ...] = ()) -> Document:
    metadata = RunMetadata(run="ID", selection=(*also, *(one.id for one in results)))
    return Document(metadata, results, 1.0, ExitCode.OK, is_complete=not also)


def test_what_is_run_again_and_what_is_kept() -> None:
    old = document(
        *(result("a"), result("b", Status.FAIL), result("c", Status.SKIP)),
        *(result("d", Status.CRASH), result("e", Status.FLAKY)),
        also=("x",),
    )
    assert rerun.names_to_run(old) == ("x", "b", "d")
    assert [one.id for one in rerun.kept_results(old)] == ["a", "c", "e"]
    expected = "rerun of run ID: 2 failed and 1 without result; 3 kept"
    assert rerun.headline(old, rerun.names_to_run(old)) == expected


def test_a_repeated_test_that_failed_once_is_run_again_and_not_kept() -> None:
    old = document(result("a"), result("a", Status.FAIL), result("a"), result("b"))
    assert rerun.names_to_run(old) == ("a",)
    assert [one.id for one in rerun.kept_results(old)] == ["b"]


def test_a_repeated_run_that_was_cut_short_lacks_rounds() -> None:
    whole = document(result("a"), result("b"), result("a"), result("b"), result("a"))
    cut = replace(
        whole, metadata=replace(whole.metadata, selection=("a", "b", "c")), is_complete=False
    )
    three = replace(cut, metadata=replace(cut.metadata, options={"repeat": 3}))
    assert rerun.names_to_run(three) == ("b", "c")
    assert [one.id for one in rerun.kept_results(three)] == ["a"] * 3
    expected = "rerun of run ID: 2 without all 3 results; 1 kept"
    assert rerun.headline(three, rerun.names_to_run(three)) == expected
    for options in ({"repeat": None, "until_fail": True}, {"repeat": 3, "until_fail": True}, {}):
        ended = replace(cut, metadata=replace(cut.metadata, options=options))
        assert rerun.names_to_run(ended) == ("c",)


def test_a_good_run_has_nothing_to_run_again() -> None:
    with pytest.raises(NothingSelectedError, match="run ID has no failed or missing tests"):
        rerun.names_to_run(document(result("a"), result("b", Status.SKIP)))


def test_it_runs_as_it_ran() -> None:
    options = {"timeout": 2.5, "retries": 1, "archive": "x", "later": 1}
    old = RunMetadata(run="old", options=options, seed=7)
    assert rerun.options(old) == RunOptions(timeout=2.5, retries=1, seed=7)
    blind = replace(old, options={"inspect": False, "jobs": 2, "repeat": None, "until_fail": True})
    assert rerun.options(blind) == RunOptions(
        jobs=2, seed=7, repeat=None, until_fail=True, inspect=False
    )
    new = rerun.metadata(old, RunMetadata(run="new", compiler="clang"))
    assert (new.run, new.rerun_of, new.options, new.seed) == ("new", "old", options, 7)
    assert new.compiler == "clang"


def test_logs_of_what_is_kept_stay_when_the_old_run_goes(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for directory in (old, new):
        directory.mkdir()
    (old / "results.json").touch()  # a directory of a run
    (old / "a.log").write_text("output")
    (old / "a.stderr").write_text("complaints")
    before = document(
        result("a", log=str(old / "a.log")),
        result("gone", log=str(old / "gone.log")),
        result("skipped", Status.SKIP),
    )
    recorder, terminal = Recorder(), Recorder()
    views = rerun.Joining(before, lambda *_: [recorder, terminal])(new, RunMetadata())
    for view in views:
        view.on_start([])
    logs = [each.log for each in recorder.heard if isinstance(each, TestResult)]
    assert logs == [str(new / "a.log"), str(old / "gone.log"), ""]
    assert terminal.heard == [[]], "the terminal shows what runs only"
    (old / "a.log").unlink()
    assert (new / "a.log").read_text() == "output"
    assert (new / "a.stderr").read_text() == "complaints"


class Recorder(View):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_start(self, cases: Sequence[str]) -> None:
        self.heard.append([*cases])

    def on_begin(self, case: str, attempt: int) -> None:
        self.heard.append((case, attempt))

    def on_slow(self, case: str, attempt: int, seconds: float) -> None:
        self.heard.append((case, attempt, seconds))

    def on_result(self, result: TestResult) -> None:
        self.heard.append(result)

    def on_end(self, run: Run) -> None:
        self.heard.append(run)


@pytest.mark.parametrize("shows_kept", [True, False])
def test_a_joined_view(*, shows_kept: bool) -> None:
    inner = Recorder()
    kept = (result("a"), result("c"))
    view = rerun.Joined(inner, kept, shows_kept=shows_kept)
    view.on_start(["b"])
    view.on_begin("b", 1)
    view.on_slow("b", 1, 2.0)
    view.on_result(result("b", Status.SKIP))
    ran = (result("b", Status.SKIP),)
    view.on_end(Run(ran, 1, 0.0, 1.0, ExitCode.NOTHING_RAN, is_complete=True))
    first = [["a", "c", "b"], *kept] if shows_kept else [["b"]]
    whole = Run((*kept, *ran), 3, 0.0, 1.0, ExitCode.OK, is_complete=True)
    assert inner.heard == [*first, ("b", 1), ("b", 1, 2.0), *ran, whole]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources with a separate build directory."""
    return realtree.copy(tmp_path_factory.mktemp("tree"))


def kut(tree: Path, *args: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*KUT, *args],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def held(tree: Path) -> Iterator[tuple[Path, Path]]:
    """Return a QEMU that hangs on one image while a file exists."""
    program, hold = tree / "qemu", tree / "hold"
    program.write_text(
        '#!/bin/sh\n[ "$1" != --version ] || exec qemu-system-aarch64 --version\n'
        f'case "$*" in *garbage*) [ ! -e {hold} ] || exec sleep 1000;; esac\n'
        'exec qemu-system-aarch64 "$@"\n'
    )
    program.chmod(0o755)
    hold.touch()
    yield program, hold
    hold.unlink(missing_ok=True)


def results(tree: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tree / "build/logs/results.json").read_text())
    return found


@pytest.mark.qemu
def test_a_killed_run_is_resumed(tree: Path, held: tuple[Path, Path]) -> None:
    program, hold = held
    options = (
        "--variant",
        "O0",
        "--qemu",
        program,
        "--timeout",
        "300",
        "-j",
        "1",
        "--retries",
        "1",
    )
    order = ("--shuffle", "4")
    process = subprocess.Popen([*KUT, "run", *TESTS, *options, *order], cwd=tree)
    lines = tree / "build/logs/results.jsonl"
    end = time.monotonic() + 60
    while not (lines.exists() and any("garbage" in line for line in begun(tree))):
        assert time.monotonic() < end
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = [json.loads(line) for line in lines.read_text().splitlines()]
    old = results(tree)
    assert old["complete"] is False
    assert len(before) < len(TESTS)

    hold.unlink()
    again = kut(tree, "rerun", "--json", tree / "joined.json")
    assert (again.returncode, again.stderr) == (1, "")
    good = [test["id"] for test in before if test["status"] != "fail"]
    assert f"rerun of run {old['run']}: " in again.stdout
    assert f"; {len(good)} kept\n" in again.stdout
    for name in TESTS:
        assert (f" {name} " in again.stdout) is (name not in good)
    assert "\n4 tests in " in again.stdout

    new = results(tree)
    assert json.loads((tree / "joined.json").read_text())["tests"] == new["tests"]
    assert (new["complete"], new["exit_code"], new["rerun_of"]) == (True, 1, old["run"])
    for key in ("build", "qemu", "options", "seed"):
        assert new[key] == old[key]
    assert new["build"] == {"compiler": "gcc", "variant": "O0"}
    assert sorted(new["selection"]) == sorted(TESTS)
    assert {test["id"]: test["status"] for test in new["tests"]} == {
        "misbehave-known": "pass",
        "misbehave-skip": "skip",
        "misbehave-fail": "fail",
        "misbehave-garbage": "pass",
    }
    for test in new["tests"]:
        assert Path(test["log"]).parent == (tree / "build/logs").resolve()
        assert Path(test["log"]).stat().st_size
        assert test["qemu"]["argv"][0] == str(program)


def begun(tree: Path) -> list[str]:
    """Return the names of the existing logs."""
    return [path.name for path in (tree / "build/logs/").iterdir()]


@pytest.mark.qemu
def test_commands_on_past_runs(tree: Path) -> None:
    """The commands work as their pages describe them."""
    first = kut(tree, "run", "misbehave-known", "misbehave-skip")
    assert first.returncode == 0
    second = kut(tree, "run", "misbehave-known", "misbehave-fail")
    assert second.returncode == 1
    for args, code, expected in (
        (("show",), 0, second.stdout),
        (("show", "latest~1"), 0, first.stdout),
        (("show", "latest", "misbehave-fail"), 0, "1 test in"),
        (("show", "latest", "misbehave-fial"), 2, "did you mean misbehave-fail"),
        (("show", "nosuch"), 2, 'no run "nosuch"'),
        (("compare",), 1, "NEWLY FAILING  misbehave-fail"),
        (("compare", "latest", "latest"), 0, "1 still failing, 1 unchanged"),
        (("compare", "latest", "latest~1"), 0, "GONE"),
        (("compare", "--slower", "1"), 2, "'--slower'"),
        (("history",), 0, "1 pass, 1 fail\n"),
        (("history", "-n", "1", "--tests"), 0, "misbehave-fail   F"),
        (("history", "misbehave-fail"), 0, "1 of 2 checks failed"),
        (("history", "nosuch"), 2, 'no run has a result of "nosuch"'),
        (("rerun", "latest~1"), 4, "has no failed or missing tests"),
    ):
        end = kut(tree, *args)
        assert end.returncode == code, end
        assert expected in end.stdout + end.stderr
    assert len(kut(tree, "history", "-n", "1").stdout.splitlines()) == 1
    shown = kut(tree, "show", "--json", tree / "shown.json")
    assert shown.returncode == 0
    assert json.loads((tree / "shown.json").read_text()) == results(tree)
    assert kut(tree, "compare", "--json", tree / "compared.json").returncode == 1
    compared = json.loads((tree / "compared.json").read_text())
    (newly,) = (each for each in compared["changes"] if each["kind"] == "newly failing")
    assert newly["test"] == "misbehave-fail"
    assert newly["after"]["status"] == "fail"


def test_without_any_run(tmp_path: Path) -> None:
    for name in ("arm", "configs", "lib"):
        (tmp_path / name).symlink_to(realtree.ROOT / name)
    for command, code in (("history", 4), ("show", 2), ("compare", 2), ("rerun", 2)):
        end = kut(tmp_path, command)
        assert end.returncode == code
        assert "start one with `kut run`" in end.stderr


@pytest.mark.parametrize("no_checks", [None, *NoChecks])
def test_the_policy_for_images_without_a_summary_is_kept(no_checks: NoChecks | None) -> None:
    old = RunOptions(no_checks=no_checks)
    assert RunOptions.from_json(old.to_json(), None) == old
    assert ("no_checks" in old.to_json()) == (no_checks is not None)
    assert RunOptions.from_json({"no_checks": "of a later kut"}, None).no_checks is None
