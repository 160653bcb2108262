# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs on several workers: real ones of Dask, and executors that fail."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import realtree

from kut_runner.definitions import config, plan
from kut_runner.definitions.config import TestDef
from kut_runner.errors import ExitCode, UsageError
from kut_runner.records import merge
from kut_runner.run import spread
from kut_runner.run.spread import Part

pytestmark = pytest.mark.qemu

NAMES = ("selftest", "fdt", "gic", "misbehave-fail")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spread") / "tests.tar.xz"
    subprocess.run(
        [*realtree.KUT, "--root", str(realtree.ROOT), "archive", str(path), *NAMES],
        cwd=realtree.ROOT,
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture(scope="module")
def tests() -> tuple[TestDef, ...]:
    return plan.select(config.load(realtree.ROOT / "configs"), plan.Selection(NAMES))


def run(
    executor: Executor, packed: Path, tests: tuple[TestDef, ...], logs: Path, workers: int = 2
) -> list[Part]:
    parts = spread.spread(
        executor, packed, tests, workers=workers, seconds={"selftest": 9.0}, log_dir=logs
    )
    return list(parts)


def test_any_executor_will_do(
    packed: Path, tests: tuple[TestDef, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(realtree.ROOT))
    with ThreadPoolExecutor(2) as executor:
        parts = run(executor, packed, tests, tmp_path)
    assert [part.stderr for part in parts] == [""] * 4
    merged = merge.merge({part.name: part.document for part in parts})
    assert merged.missing == ()
    assert merged.document.exit_code is ExitCode.TESTS_FAILED
    statuses = {result.id: result.status.value for result in merged.document.results}
    assert statuses == {"selftest": "pass", "fdt": "pass", "gic": "pass", "misbehave-fail": "fail"}
    [log] = tmp_path.iterdir()
    assert log.name == "misbehave-fail.log"
    assert b"FAIL: " in log.read_bytes()


class Losing(Executor):
    """Executor that loses the second part, and does not run the others."""

    def __init__(self) -> None:
        self.given = 0

    def submit(self, *_args: object, **_kwargs: object) -> "Future[Any]":
        future: Future[Any] = Future()
        self.given += 1
        if self.given == 2:
            future.set_exception(RuntimeError("the worker died"))
        else:
            future.set_result(spread.Answer(b"", "no QEMU here", {}))
        return future


def test_what_a_worker_does_not_answer_is_missing(
    packed: Path, tests: tuple[TestDef, ...], tmp_path: Path
) -> None:
    parts = run(Losing(), packed, tests, tmp_path)
    assert sorted(part.stderr for part in parts) == [
        "RuntimeError: the worker died",
        *["no QEMU here"] * 3,
    ]
    merged = merge.merge({part.name: part.document for part in parts})
    assert len(merged.missing) == len(NAMES)
    assert not merged.document.is_complete
    assert merged.document.exit_code is ExitCode.INFRASTRUCTURE


def kut(directory: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kut_runner", "spread", *args],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(realtree.ROOT)},
    )


def test_two_real_workers(packed: Path, tmp_path: Path) -> None:
    done = kut(tmp_path, packed, "--local", "2", "--json", "r.json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["complete"] is True
    assert sorted(test["id"] for test in document["tests"]) == ["fdt", "gic", "selftest"]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ((), 2, "needs either --scheduler or --local"),
        (
            ("--local", "2", "--scheduler", "tcp://127.0.0.1:1"),
            2,
            "needs either --scheduler or --local",
        ),
        (("--scheduler", "nonsense://x"), 2, "unknown address scheme"),
        (("--scheduler", "tcp://127.0.0.1:1"), 5, "no scheduler answers"),
    ],
)
def test_nowhere_to_run(
    packed: Path, tmp_path: Path, args: tuple[str, ...], code: int, message: str
) -> None:
    done = kut(tmp_path, packed, *args)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_of_others_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache = tmp_path / f"kut-archives-{os.getuid()}"
    cache.mkdir(mode=0o700)
    cache.chmod(0o777)
    with pytest.raises(UsageError, match="belongs to others"):
        spread.run_here(b"", ["a"])
    cache.rmdir()
    cache.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="belongs to others"):
        spread.run_here(b"", ["a"])
