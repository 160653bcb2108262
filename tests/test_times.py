# SPDX-License-Identifier: GPL-2.0-or-later
"""The file of recorded times."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cases import FakeTarget, case_of, definition
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions.config import Config
from kut_runner.errors import ConfigError
from kut_runner.run import times
from kut_runner.run.times import RunTimes, Times, Timing
from kut_runner.run.workspace import Workspace


def test_what_was_written_is_read_by_the_same_key(tmp_path: Path) -> None:
    gcc, clang = (Times(tmp_path / "t.json", f"{name} 7.2.0") for name in ("gcc", "clang"))
    assert gcc.load() == {}
    gcc.update({"a": Timing(1.5, 0.25), "b": Timing(2)})
    clang.update({"a": Timing(9)})
    gcc.update({"b": Timing(3)})
    assert gcc.load() == {"a": Timing(1.5, 0.25), "b": Timing(3)}
    assert clang.load() == {"a": Timing(9)}
    assert [path.name for path in tmp_path.iterdir()] == ["t.json"]


def test_what_never_ran_here_has_the_time_of_the_tree(tmp_path: Path) -> None:
    kept = Times(tmp_path / "t.json", "k", {"a": 3.0, "b": 4.0})
    assert kept.load() == {"a": Timing(3.0), "b": Timing(4.0)}
    kept.update({"a": Timing(1.0, 0.5)})
    assert kept.load() == {"a": Timing(1.0, 0.5), "b": Timing(4.0)}
    assert Times(kept.path, "k").load() == {"a": Timing(1.0, 0.5)}, "others' times are not ours"


def test_a_workplace_knows_the_times_that_its_tree_keeps(tmp_path: Path) -> None:
    kept = tmp_path / "configs.json"
    kept.write_text('{"seconds": {"a": 2.5}}')
    place = Workspace(tmp_path, Config(()), "gcc", lambda _: {}, kept)
    assert place.times() == RunTimes(tmp_path / "build/times.json", "gcc", {"a": 2.5})
    kept.write_text("<<<<<<<")
    with pytest.raises(ConfigError, match=r"configs\.json: not a file of test times"):
        place.times()


def test_the_times_of_a_run_are_kept_by_test_for_each_target(tmp_path: Path) -> None:
    """Load times of two targets, with one test whose time only the source tree has."""
    slow, quick = (FakeTarget(name=name, times_key=f"{name} 1.0") for name in ("slow", "quick"))
    a, b = (case_of(definition(name), target=slow) for name in "ab")
    other = replace(case_of(definition("a"), target=quick), cell="quick")
    kept = RunTimes(tmp_path / "t.json", "gcc", {"b": 7.0})
    assert kept.load([a, b, other]) == {"b": Timing(7.0)}
    kept.update([a, b, other], {"a": Timing(3.0, 0.5), "a/quick": Timing(1.0)})
    assert kept.load([a, b, other]) == {
        "a": Timing(3.0, 0.5),
        "b": Timing(7.0),
        "a/quick": Timing(1.0),
    }
    assert Times(kept.path, "gcc slow 1.0").load() == {"a": Timing(3.0, 0.5)}
    assert Times(kept.path, "gcc quick 1.0").load() == {"a": Timing(1.0)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "[]",
        "[" * 100_000,
        '{"schema": 2, "times": {"k": {"a": {"seconds": 1}}}}',
        '{"schema": 1, "times": []}',
        '{"schema": 1, "times": {"k": []}}',
        '{"schema": 1, "times": {"k": {"a": 1, "b": {}, "c": {"seconds": -1}}}}',
        '{"schema": 1, "times": {"k": {"a": {"seconds": Infinity}, "b": {"seconds": NaN}}}}',
        '{"schema": 1, "times": {"k": {"a": {"seconds": "1"}}}}',
    ],
)
def test_what_is_no_time_is_none(tmp_path: Path, text: str) -> None:
    kept = Times(tmp_path / "t.json", "k")
    kept.path.write_text(text)
    assert kept.load() == {}
    kept.update({"a": Timing(1)})
    assert kept.load() == {"a": Timing(1)}


@given(st.recursive(st.none() | st.floats() | st.text(), lambda v: st.dictionaries(st.text(), v)))
def test_no_table_raises(table: object) -> None:
    times._checked(table)


def test_a_bad_number_of_cpus_is_none(tmp_path: Path) -> None:
    kept = Times(tmp_path / "t.json", "k")
    entries = {"a": {"seconds": 1, "cpus": "x"}, "b": {"seconds": 1, "cpus": -1}}
    kept.path.write_text(json.dumps({"schema": 1, "times": {"k": entries}}))
    assert kept.load() == {"a": Timing(1), "b": Timing(1)}


def test_nowhere_to_write_is_no_error(tmp_path: Path) -> None:
    Times(tmp_path / "none/t.json", "k").update({"a": Timing(1)})
    if os.geteuid():  # root can write to any directory
        tmp_path.chmod(0o500)
        Times(tmp_path / "t.json", "k").update({"a": Timing(1)})
        tmp_path.chmod(0o700)
    assert [*tmp_path.iterdir()] == []


def _add(path: Path, number: int) -> None:
    for turn in range(10):
        Times(path, "k").update({f"{number}-{turn}": Timing(1)})


def test_two_at_a_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    with ProcessPoolExecutor(4) as pool:
        for done in [pool.submit(_add, path, number) for number in range(4)]:
            done.result()
    assert len(Times(path, "k").load()) == 40
