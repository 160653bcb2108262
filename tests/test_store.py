# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs are kept, found again, and removed when they are old."""

import json
import multiprocessing
import os
import re
import time
from pathlib import Path

import pytest

from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import document
from kut_runner.records.document import RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.records.store import RunDirectory, Store, Stored, shown_log
from kut_runner.records.view import View
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.result import TestResult
from kut_runner.views.opening import open_views

FEW = {"KUT_KEEP_RUNS": "3"}


def result(name: str) -> TestResult:
    said = collect(parse(["PASS: a\n", "SUMMARY: 1 tests\n", "\n", "EXIT: STATUS=1\n"]))
    ended = ProcessExit(ExitKind.EXITED, 0, 0.5, "")
    return TestResult(name, judge(said, ended), said, ended)


def start(kept: RunDirectory, *names: str) -> tuple[View, ...]:
    """Return the views of a run that has started."""
    *views, _terminal = open_views(log_dir=kept.path, metadata=RunMetadata(run=kept.run))
    for view in views:
        view.on_start(names)
    return tuple(views)


def end(views: tuple[View, ...], results: list[TestResult], selected: int) -> None:
    for view in views:
        view.on_end(Run(results, selected, 0.0, 1.0, ExitCode.OK, is_complete=True))


def make_run(store: Store, *names: str, bulk: int = 0) -> str:
    """Store a run that passes."""
    with store.begin() as kept:
        (kept.path / "one.log").write_bytes(bytes(bulk))
        views = start(kept, *names)
        results = [result(name) for name in names]
        for one in results:
            for view in views:
                view.on_result(one)
        end(views, results, len(names))
    return kept.run


def names(store: Store) -> list[str]:
    return [stored.run for stored in store.runs()]


def test_a_run_has_a_directory_that_the_link_points_to(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    first = make_run(store, "a")
    assert (tmp_path / "logs").resolve() == tmp_path / "runs" / first
    second = make_run(store, "a")
    assert re.fullmatch(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{4}", first)
    assert os.readlink(tmp_path / "logs") == f"runs/{second}"  # noqa: PTH115 - as it is written
    assert names(store) == [first, second]
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        *(".lock", "one.log", "results.json", "results.jsonl"),
    ]


def test_a_stored_run_can_be_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    run = make_run(store, "a", "b")
    found = store.load("latest")
    assert found.metadata.run == run
    assert list(found.results) == [result("a"), result("b")]
    assert (found.is_complete, found.exit_code, found.missing) == (True, ExitCode.OK, ())
    assert not store.runs()[0].is_in_progress


def test_names_of_runs(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    first, second = make_run(store, "a"), make_run(store, "a")
    for name, run in (
        ("latest", second),
        ("latest~0", second),
        ("latest~1", first),
        (first, first),
        (second[:-1], second),
        (str(tmp_path / "runs" / first), first),
        (str(tmp_path / "logs"), "logs"),
        (str(tmp_path / "logs/results.json"), None),
        (str(tmp_path / "logs/results.jsonl"), None),
    ):
        found = store.find(name)
        assert found == Path(name) if run is None else isinstance(found, Stored)
        assert run is None or getattr(found, "run", "") == run
        assert [one.id for one in store.load(name).results] == ["a"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("latest~2", "no run latest~2: 2 runs are kept", "name a run by its ID"),
        ("20", '"20" is ambiguous: 2 runs start with it, such as ', "give more of the ID"),
        ("nosuch", 'no run "nosuch"', "name a run by its ID"),
        ("no/such.json", 'no run "no/such.json"', "name a run by its ID"),
        ("latest~x", 'no run "latest~x"', "name a run by its ID"),
    ],
)
def test_names_that_name_no_run(tmp_path: Path, name: str, message: str, hint: str) -> None:
    store = Store(tmp_path, {})
    make_run(store, "a")
    make_run(store, "a")
    with pytest.raises(UsageError) as caught:
        store.find(name)
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)


def test_there_need_not_be_any_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "none", {})
    assert store.runs() == []
    with pytest.raises(UsageError, match="no run latest: 0 runs are kept") as caught:
        store.find("latest")
    assert caught.value.hint == "start one with `kut run`"


def test_a_run_in_progress_is_seen_as_far_as_it_came(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    with store.begin() as kept:
        views = start(kept, "a", "b", "c")
        for view in views:
            view.on_result(result("a"))
        (stored,) = store.runs()
        assert stored.is_in_progress
        found = stored.load()
        assert [one.id for one in found.results] == ["a"]
        assert (found.missing, found.is_complete, found.exit_code) == (("b", "c"), False, None)
        assert found.seconds is not None
        end(views, [], 3)
    assert not stored.is_in_progress


def killed(build: Path) -> None:
    with Store(build, {}).begin() as kept:
        for view in start(kept, "a", "b"):
            view.on_result(result("a"))
        with (kept.path / "results.jsonl").open("ab") as torn:
            torn.write(b'{"id": "b", "st')
        os.kill(os.getpid(), 9)


def test_a_killed_run_can_be_read_and_is_not_in_progress(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=killed, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -9
    (stored,) = Store(tmp_path, {}).runs()
    assert not stored.is_in_progress
    assert [one.id for one in stored.load().results] == ["a"]
    assert stored.load().missing == ("b",)


def test_a_run_without_a_document_is_read_from_its_lines(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    run = make_run(store, "a")
    (tmp_path / "logs/results.json").unlink()
    found = store.load("latest")
    assert [one.id for one in found.results] == ["a"]
    assert found.metadata.run == run
    assert time.strftime("%Y%m%d-%H%M%S", time.gmtime(found.metadata.started)) == run[:15]


def test_a_damaged_run_is_a_usage_error(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    make_run(store, "a")
    (tmp_path / "logs/results.json").write_text("{")
    with pytest.raises(UsageError, match="has no results"):
        store.load("latest")


def test_old_runs_are_removed_when_there_are_many(tmp_path: Path) -> None:
    store = Store(tmp_path, FEW)
    made = [make_run(store, "a") for _ in range(5)]
    assert names(store) == made[2:]


def test_old_runs_are_removed_when_they_are_large(tmp_path: Path) -> None:
    store = Store(tmp_path, {"KUT_KEEP_MB": "1"})
    made = [make_run(store, "a", bulk=400_000) for _ in range(5)]
    assert names(store) == made[2:], "two are below the bound, and the one that was made then"
    huge = make_run(store, "a", bulk=2_000_000)
    assert names(store)[-1] == huge
    last = make_run(store, "a")
    assert names(store) == [last]


def test_the_size_of_a_killed_run_is_measured(tmp_path: Path) -> None:
    store = Store(tmp_path, {"KUT_KEEP_MB": "1"})
    make_run(store, "a", bulk=2_000_000)
    (tmp_path / "logs/.lock").write_bytes(b"")
    last = make_run(store, "a")
    assert names(store) == [last]


def test_a_run_in_progress_is_never_removed(tmp_path: Path) -> None:
    store = Store(tmp_path, FEW)
    with store.begin() as kept:
        views = start(kept, "a")
        made = [make_run(Store(tmp_path, FEW), "a") for _ in range(6)]
        assert names(store) == [kept.run, *made[-2:]]
        for view in views:
            view.on_result(result("a"))
        end(views, [result("a")], 1)
    assert len(store.load(kept.run).results) == 1
    assert names(store) == [kept.run, *made[-2:]]
    last = make_run(store, "a")
    assert names(store) == [*made[-2:], last]


def test_what_never_started_does_not_push_out_runs(tmp_path: Path) -> None:
    """A run without a document and results is one whose build failed."""
    store = Store(tmp_path, FEW)
    made = [make_run(store, "a") for _ in range(2)]
    begun = [store.begin() for _ in range(5)]
    for kept in begun:
        with kept:
            pass
    with store.begin() as last:
        pass
    assert names(store) == made
    assert (tmp_path / "logs").resolve() == last.path, "no results of an earlier run are there"
    assert len([path for path in (tmp_path / "runs").iterdir() if path.is_dir()]) == 3


def test_logs_that_an_older_kut_left_become_a_run(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    line = document.result_line(result("old"))
    (tmp_path / "logs/results.jsonl").write_text(f"{line}\n")
    store = Store(tmp_path, {})
    make_run(store, "new")
    assert [one.id for one in store.load("latest~1").results] == ["old"]


@pytest.mark.parametrize("name", ["KUT_KEEP_RUNS", "KUT_KEEP_MB"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "9" * 20])
def test_bounds_that_are_none(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"\${name} is "):
        Store(tmp_path, {name: value})


def make_many(build: Path) -> None:
    for _ in range(10):
        make_run(Store(build, FEW), "a")


def test_many_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=make_many, args=(tmp_path,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    make_run(store := Store(tmp_path, FEW), "a")
    assert len(store.runs()) == 3
    for stored in store.runs():
        assert [one.id for one in stored.load().results] == ["a"]
        assert json.loads((stored.path / "results.json").read_text())["complete"] is True


def test_a_log_is_shown_through_the_link_of_its_run(tmp_path: Path) -> None:
    store = Store(tmp_path, {})
    first, second = make_run(store, "a"), make_run(store, "a")
    shown = [shown_log(str(tmp_path / "runs" / run / "a.log")) for run in (first, second)]
    relative = os.path.relpath(tmp_path)
    assert shown == [f"{relative}/runs/{first}/a.log", f"{relative}/logs/a.log"]
    assert shown_log("build/logs/a.log") == "build/logs/a.log"
    assert shown_log("/no/such/place/a.log") == os.path.relpath("/no/such/place/a.log")


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(OSError, match="runs"):
        Store(tmp_path, {}).begin()
