# SPDX-License-Identifier: GPL-2.0-or-later
"""kut with full disks, directories without write permission, and another kut."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu

#: Makes file permissions apply to root, too.
WITHOUT_POWERS = [] if os.geteuid() else ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
KUT = [sys.executable, "-m", "kut_runner", "run"]


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources with a separate build directory and built images."""
    top = realtree.copy(tmp_path_factory.mktemp("tree"))
    command = [sys.executable, "-m", "kut_runner", "build", "misbehave", "selftest"]
    subprocess.run(command, cwd=top, check=True, capture_output=True)
    return top


def children(text: str) -> list[int]:
    """Return the processes whose command line contains a text."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        found += [int(entry.name)] if text.encode() in line else []
    return found


@pytest.fixture
def _nothing_left(top: Path) -> Iterator[None]:
    yield
    assert children(f"{top}/build") == []


def limited(limit: int) -> None:
    """Limit the size of files of this process; larger ones fail as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.usefixtures("_nothing_left")
def test_a_disk_that_is_full(top: Path) -> None:
    """A log that does not fit is an error that names it, and no process is left."""
    end = subprocess.run(
        [*KUT, "misbehave-flood", "misbehave-hang", "-j2"],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: limited(200_000),
    )
    assert end.returncode == 5, end.stdout + end.stderr
    error, hint = end.stderr.splitlines()
    assert error.startswith("kut: error: ")
    assert "misbehave-flood.log" in error
    assert "File too large" in error
    assert hint.startswith("kut: hint: ")


@pytest.mark.usefixtures("_nothing_left")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="root may write anywhere")
@pytest.mark.parametrize("place", ["build", "build/runs"])
def test_a_directory_that_is_read_only(top: Path, place: str) -> None:
    (top / place).mkdir(exist_ok=True)
    mode = (top / place).stat().st_mode
    (top / place).chmod(0o555)
    try:
        end = subprocess.run(
            [*WITHOUT_POWERS, *KUT, "selftest"],
            cwd=top,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (top / place).chmod(mode)
    assert "Traceback" not in end.stderr
    assert end.returncode == 5
    assert place in end.stderr


def test_a_build_directory_that_is_a_file(tmp_path: Path) -> None:
    for name in ("arm", "configs", "lib"):
        (tmp_path / name).symlink_to(realtree.ROOT / name)
    (tmp_path / "build").write_text("in the way")
    end = subprocess.run(
        [*KUT, "selftest"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert end.returncode == 5
    assert "build" in end.stderr.splitlines()[0]
    assert "Traceback" not in end.stderr


@pytest.mark.usefixtures("_nothing_left")
def test_two_at_once_in_one_build_directory(top: Path, tmp_path: Path) -> None:
    """Both build and run the same tests; each has all results and its own logs."""
    for path in (top / "build/gcc").glob("*.flat"):
        path.unlink()
    started = [
        subprocess.Popen(
            [*KUT, "selftest", "selftest-el1", "misbehave-fail", "--json", tmp_path / f"{n}.json"],
            cwd=top,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    for process in started:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 1, output + errors
    reports = [json.loads((tmp_path / f"{n}.json").read_text()) for n in range(3)]
    for report in reports:
        assert report["complete"]
        assert report["counts"] == {"pass": 2, "fail": 1}
    logs = [Path(top, test["log"]) for report in reports for test in report["tests"]]
    assert len({path.resolve() for path in logs}) == 9
    assert all(b"EXIT: STATUS=" in path.read_bytes() for path in logs)
    kept = json.loads((top / "build/times.json").read_text())["times"]
    assert {"selftest", "selftest-el1"} <= next(iter(kept.values())).keys()
