# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut run` on a real QEMU: however it ends, no QEMU is left."""

import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pexpect
import pytest
import realtree

pytestmark = pytest.mark.qemu

HANGS = ("misbehave-hang", "misbehave-wfi", "--timeout", "300", "-j", "3")
KUT = (sys.executable, "-m", "kut_runner", "run")


class Emulator:
    """A QEMU whose processes can be identified."""

    def __init__(self, directory: Path, before: str = "") -> None:
        self.path = directory / "qemu"
        self._mark = f"kut-{directory.name}-{os.getpid()}"
        self.path.write_text(
            '#!/bin/sh\n[ "$1" != --version ] || exec qemu-system-aarch64 --version\n'
            f'{before}\nexec qemu-system-aarch64 -name {self._mark} "$@"\n'
        )
        self.path.chmod(0o755)

    def running(self) -> list[int]:
        """Return the processes of this QEMU."""
        processes = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [int(process.name) for process in processes if self._mark in _words(process)]

    def wait_for(self, count: int) -> None:
        """Wait until a number of processes run; fails after some seconds."""
        end = time.monotonic() + 30
        while len(self.running()) != count:
            assert time.monotonic() < end, f"{self.running()} run, not {count}"
            time.sleep(0.02)


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(tmp_path)
    yield made
    left = made.running()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources with a separate build directory, for tests in parallel."""
    top = realtree.copy(tmp_path_factory.mktemp("tree"))
    command = [sys.executable, "-m", "kut_runner", "build", "misbehave"]
    subprocess.run(command, cwd=top, check=True, capture_output=True)
    return top


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(emulator: Emulator, tree: Path) -> Iterator[Start]:
    """Start `kut run ARGS` in the background."""
    started: list[subprocess.Popen[str]] = []

    def begin(*args: str | Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            ["/usr/bin/env", "--default-signal", *KUT, *args, "--qemu", emulator.path],
            cwd=tree,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for_output(log: Path, text: str) -> None:
    """Wait until a guest has printed a text."""
    end = time.monotonic() + 30
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_on_a_terminal(emulator: Emulator, tree: Path, tmp_path: Path) -> None:
    report, junit = tmp_path / "r.json", tmp_path / "r.xml"
    args = ["misbehave-fail", *HANGS, "--json", report, "--junit", junit, "--qemu", emulator.path]
    kut = pexpect.spawn(KUT[0], [*KUT[1:], *map(str, args)], cwd=str(tree), timeout=60)
    kut.delaybeforesend = None
    before = termios.tcgetattr(kut.child_fd)
    kut.expect("misbehave-fail .*1 of 2 checks failed\r\n")
    emulator.wait_for(2)
    wait_for_output(tree / "build/logs/misbehave-hang.log", "about to spin\n")
    assert termios.tcgetattr(kut.child_fd) == before, "QEMU keeps its hands off the terminal"
    kut.sendintr()
    kut.expect(pexpect.EOF)
    assert termios.tcgetattr(kut.child_fd) == before
    kut.close()
    assert (kut.exitstatus, kut.signalstatus) == (130, None)
    assert "Traceback" not in kut.before.decode()
    assert "3 tests in" in kut.before.decode()

    document = json.loads(report.read_text())
    assert document["exit_code"] == 130
    tests = {test["id"]: test for test in document["tests"]}
    assert tests["misbehave-fail"]["status"] == "fail"
    assert tests["misbehave-hang"]["reason"].startswith("interrupted after")
    assert tests["misbehave-hang"]["last_lines"] == ["INFO: about to spin"]
    assert len(ET.parse(junit).findall(".//testcase")) == 3  # noqa: S314 - ours


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_requests_to_stop(start: Start, emulator: Emulator, number: signal.Signals) -> None:
    kut = start(*HANGS)
    emulator.wait_for(2)
    kut.send_signal(number)
    assert kut.wait(30) == 130
    assert emulator.running() == []


def test_kill_9_takes_qemu_along_and_leaves_whole_reports(
    start: Start, emulator: Emulator, tree: Path, tmp_path: Path
) -> None:
    report = tmp_path / "r.json"
    kut = start("misbehave-fail", *HANGS, "--json", report)
    assert kut.stdout
    assert "misbehave-fail" in kut.stdout.readline()
    emulator.wait_for(2)
    kut.kill()
    emulator.wait_for(0)
    assert json.loads(report.read_text())["complete"] is False
    lines = (tree / "build/logs/results.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["misbehave-fail"]


def test_a_qemu_that_ignores_sigterm(start: Start, emulator: Emulator) -> None:
    """A stopped process does not handle SIGTERM."""
    kut = start("misbehave-hang", "--timeout", "4")
    emulator.wait_for(1)
    os.kill(emulator.running()[0], signal.SIGSTOP)
    output, _ = kut.communicate(timeout=30)
    assert kut.returncode == 1
    assert output.startswith("TIMEOUT  misbehave-hang")
    assert emulator.running() == []


#: Removes functions that macOS lacks, then runs kut.
NOT_LINUX = """
import ctypes, fcntl, os
del os.sched_getaffinity, os.pipe2, os.waitid, fcntl.F_SETPIPE_SZ
ctypes.CDLL = lambda name: object()
import kut_runner.cli
kut_runner.cli.main()
"""


def test_what_only_linux_has_is_not_needed(tree: Path, emulator: Emulator, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    tests = ("misbehave-fail", "misbehave-hang", "--timeout", "3")
    command = (sys.executable, "-c", NOT_LINUX, "run", *tests, "--qemu", emulator.path)
    end = subprocess.run(
        [*command, "--json", report], cwd=tree, capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stderr) == (1, "")
    results = json.loads(report.read_text())["tests"]
    assert {test["id"]: test["status"] for test in results} == {
        "misbehave-fail": "fail",
        "misbehave-hang": "timeout",
    }
    assert emulator.running() == []


def test_a_crash_of_qemu_is_an_error(start: Start, emulator: Emulator) -> None:
    kut = start("misbehave-hang")
    emulator.wait_for(1)
    os.kill(emulator.running()[0], signal.SIGABRT)
    output, _ = kut.communicate(timeout=30)
    assert kut.returncode == 5
    assert "QEMU crashed: SIGABRT" in output


@pytest.mark.parametrize("limit", [400_000, 1_300_000])
def test_too_little_memory_for_qemu_is_no_refusal(start: Start, tmp_path: Path, limit: int) -> None:
    """Memory is short for QEMU itself, and for the guest."""
    Emulator(tmp_path, before=f"ulimit -v {limit}")
    kut = start("misbehave-hang")
    output, _ = kut.communicate(timeout=30)
    assert kut.returncode == 5
    assert "QEMU failed with exit status 1: " in output
    assert "Cannot allocate memory" in output


def test_a_reader_that_goes_away(start: Start, emulator: Emulator, tmp_path: Path) -> None:
    kut = start("misbehave-fail", *HANGS, "--json", tmp_path / "r.json")
    assert kut.stdout
    kut.stdout.close()
    assert kut.wait(30) == 141
    assert emulator.running() == []
    assert json.loads((tmp_path / "r.json").read_text())["complete"] is False


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_a_report_that_cannot_be_written_is_told_before_anything_runs(
    start: Start, tmp_path: Path, option: str
) -> None:
    kut = start("misbehave-fail", option, tmp_path / "no/such/file")
    output, errors = kut.communicate(timeout=30)
    assert (kut.returncode, output) == (2, "")
    assert "cannot be written" in errors


def test_the_command_in_the_report_runs_the_test_again(tree: Path, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    subprocess.run(
        [*KUT, "misbehave-fail", "--json", report], cwd=tree, check=False, capture_output=True
    )
    (test,) = json.loads(report.read_text())["tests"]
    command = test["qemu"]["command"]
    again = subprocess.run(  # noqa: S602 - a shell is what users paste into
        command, shell=True, cwd=tree, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert again.stdout == Path(tree, test["log"]).read_bytes()
    assert test["build_id"]


def test_the_failed_ones_again(tree: Path) -> None:
    def kut(*args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*KUT, *args], cwd=tree, capture_output=True, text=True, check=False)

    names = ("misbehave-fail", "misbehave-exception", "misbehave-skip")
    assert kut(*names).returncode == 1
    done = kut("--failed", "*-e*")
    assert [line.split()[1] for line in done.stdout.splitlines() if "  misbehave" in line] == [
        "misbehave-exception"
    ]
    assert kut("misbehave-skip").returncode == 4
    done = kut("--failed")
    assert done.returncode == 4
    assert "nothing failed in the last run" in done.stderr
