# SPDX-License-Identifier: GPL-2.0-or-later
"""Shards: every test is in exactly one, and all take about the same time."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions import config, shards
from kut_runner.definitions.shards import Shard
from kut_runner.errors import ConfigError, UsageError


@dataclass(frozen=True)
class Named:
    """Stand-in for TestDef with the attributes that shards use."""

    name: str


def cut(names: list[str], count: int, seconds: dict[str, float]) -> list[list[str]]:
    tests = [Named(name) for name in names]
    parts = [shards.take(tests, Shard(i + 1, count), seconds) for i in range(count)]  # type: ignore[arg-type]
    return [[test.name for test in part] for part in parts]


NAMES = st.lists(st.text("abc", min_size=1, max_size=5), unique=True)
TIMES = st.dictionaries(st.text("abc", min_size=1, max_size=5), st.floats(0, 1000))


@given(NAMES, st.integers(1, 12), TIMES)
def test_each_test_is_in_exactly_one_shard(
    names: list[str], count: int, seconds: dict[str, float]
) -> None:
    parts = cut(names, count, seconds)
    assert sorted(name for part in parts for name in part) == sorted(names)
    for part in parts:
        assert part == [name for name in names if name in part]


@given(st.lists(st.floats(0.01, 100), max_size=40), st.integers(1, 6))
def test_no_shard_is_much_longer_than_it_must_be(times: list[float], count: int) -> None:
    seconds = {f"t{number}": time for number, time in enumerate(times)}
    longest = max(
        sum(seconds[name] for name in part) for part in cut(list(seconds), count, seconds)
    )
    # Lower bounds of the optimal division: equal shards, and the longest test.
    ideal = max([sum(times) / count, *times])
    assert longest <= (2 - 1 / count) * ideal * (1 + 1e-9)


def test_known_times_balance() -> None:
    seconds = {"a": 6.0, "b": 5.0, "c": 4.0, "d": 3.0}
    assert cut(["a", "b", "c", "d"], 2, seconds) == [["a", "d"], ["b", "c"]]


def test_a_new_test_is_as_long_as_the_median() -> None:
    seconds = {"a": 1.0, "b": 2.0, "c": 100.0}
    assert cut(["a", "b", "c", "new"], 2, seconds) == [["c"], ["a", "b", "new"]]


def test_order_of_the_names_does_not_matter_for_who_gets_what() -> None:
    one, other = cut(list("abcdef"), 3, {}), cut(list("fedcba"), 3, {})
    assert [set(part) for part in one] == [set(part) for part in other]


def test_text() -> None:
    assert shards.parse("2/4") == Shard(2, 4)
    assert str(Shard(2, 4)) == "2/4"


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4 ", "a/b", "1/99999"])
def test_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match="is not a shard"):
        shards.parse(text)


def test_times_come_from_tests_that_passed(tmp_path: Path) -> None:
    times, results = tmp_path / "times.json", tmp_path / "results.json"
    assert shards.load_times(times) == {}
    found = [("a", "pass", 0.51234), ("b", "fail", 9.0), ("c", "pass", 1.0)]
    results.write_text(
        json.dumps({"tests": [{"id": i, "status": s, "seconds": t} for i, s, t in found]})
    )
    assert shards.update_times(times, results) == 2
    assert shards.load_times(times) == {"a": 0.51, "c": 1.0}
    results.write_text('{"tests": [{"id": "b", "status": "pass", "seconds": 2}]}')
    shards.update_times(times, results)
    assert shards.load_times(times) == {"a": 0.51, "b": 2.0, "c": 1.0}


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "[" * 100_000, '{"seconds": {"a": "x"}}', '{"seconds": {"a": -1}}'),
        *('{"seconds": {"a": NaN}}', f'{{"seconds": {{"a": 1{"0" * 400}}}}}'),
    ],
    ids=range(8),
)
def test_bad_times_are_an_error_with_their_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "times.json").write_text(text)
    with pytest.raises(ConfigError, match=r"times\.json: not a file of test times"):
        shards.load_times(tmp_path / "times.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"tests": [1]}'], ids=range(5))
def test_bad_results_are_an_error_with_their_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=r"r\.json is not a results document"):
        shards.update_times(tmp_path / "times.json", tmp_path / "r.json")


def test_the_times_of_the_tree_are_of_its_tests() -> None:
    names = {test.name for test in config.load(realtree.ROOT / "configs").tests}
    assert set(shards.load_times(realtree.ROOT / shards.TIMES)) <= names


def kut(*args: str, root: Path = realtree.ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*realtree.KUT, "--root", str(root), *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.qemu
def test_shards_of_real_tests_run_everything_once(tmp_path: Path) -> None:
    wanted = ["selftest", "selftest-el1", "guest-vectors", "stage2-raw"]
    ran = []
    for index in (1, 2):
        out = tmp_path / f"{index}.json"
        done = kut("run", "--shard", f"{index}/2", "--json", str(out), *wanted)
        assert done.returncode == 0, done.stdout + done.stderr
        ran += [test["id"] for test in json.loads(out.read_text())["tests"]]
    assert sorted(ran) == sorted(wanted)


@pytest.mark.qemu
def test_an_empty_shard_is_no_pass_unless_that_is_allowed(tmp_path: Path) -> None:
    done = kut("run", "selftest", "--shard", "2/2")
    assert done.returncode == 4
    assert "shard 2/2 is empty" in done.stderr
    out = tmp_path / "empty.json"
    done = kut("run", "selftest", "--shard", "2/2", "--allow-empty", "--json", str(out))
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["complete"] is True


def test_the_command_shows_the_cut() -> None:
    done = kut("shards", "-n", "3", "selftest", "guest-vectors")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["1/3", "2/3", "3/3"]
    assert lines[2].endswith("(none)")
