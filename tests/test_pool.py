# SPDX-License-Identifier: GPL-2.0-or-later
"""Stand-ins for QEMU: all kinds of exits, and no process left behind.

The stand-ins are shell scripts, as a real QEMU cannot be made to behave like this.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kut_runner.process import boot
from kut_runner.process.boot import Boot, ExitKind, Launch, ProcessExit
from kut_runner.process.cpu_usage import Usage
from kut_runner.process.pool import Pool

Run = Callable[..., tuple[ProcessExit, bytes]]

pytestmark = pytest.mark.usefixtures("handled_signals")


def finish(pool: Pool, count: int = 1) -> list[tuple[Boot, ProcessExit]]:
    """Wait until processes have ended; close their logs."""
    ended: list[tuple[Boot, ProcessExit]] = []
    while len(ended) < count:
        ended += pool.wait()
    for done, _ in ended:
        done.log.close()
    return ended


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a shell script; return its exit and its log."""

    def start(script: str, timeout: float = 30) -> tuple[ProcessExit, bytes]:
        with Pool() as pool:
            pool.start(Launch(("/bin/sh", "-c", script), tmp_path / "x.log", timeout))
            ((_, ended),) = finish(pool)
        return ended, (tmp_path / "x.log").read_bytes()

    return start


def lives(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def is_gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not lives(pid)


def test_output_status_and_stderr(run: Run) -> None:
    ended, log = run("printf 'a\\nb'; echo 'it broke' >&2; exit 3")
    assert (ended.kind, ended.code, ended.stderr) == (ExitKind.EXITED, 3, "it broke")
    assert log == b"a\nb"


def test_last_words_that_nobody_read_yet_are_kept(tmp_path: Path) -> None:
    started = Boot(Launch(("/bin/echo", "word"), tmp_path / "x.log", 30))
    while not started.has_ended():
        time.sleep(0.01)
    started.finish()
    started.log.close()
    assert (tmp_path / "x.log").read_text() == "word\n"


def test_death_by_a_signal(run: Run) -> None:
    ended, _ = run("kill -ABRT $$")
    assert (ended.kind, ended.code) == (ExitKind.KILLED, signal.SIGABRT)


def test_time_out_asks_first(run: Run) -> None:
    ended, log = run("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.01; done", 0.3)
    assert ended.kind is ExitKind.TIMED_OUT
    assert log == b"up\nasked\n"
    assert ended.seconds >= 0.3


@pytest.mark.skipif(
    not (Usage.of(os.getpid()) and shutil.which("taskset")), reason="this system does not count"
)
def test_time_that_others_had_the_cpu_does_not_count(run: Run) -> None:
    """Three busy processes on the same CPU, which make it four times as slow."""
    cpu = min(os.sched_getaffinity(0))
    pin = f"taskset -cp {cpu} $$ >/dev/null;"
    spin = "while :; do :; done"
    others = [subprocess.Popen(["/bin/sh", "-c", pin + spin]) for _ in range(3)]
    try:
        ended, _ = run(pin + spin, 0.5)
        slept, _ = run(pin + "exec sleep 60", 0.5)
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert (ended.kind, slept.kind) == (ExitKind.TIMED_OUT, ExitKind.TIMED_OUT)
    assert ended.starved_seconds > 0.2
    assert ended.seconds - ended.starved_seconds >= 0.49
    assert ended.cpu_demand
    assert ended.cpu_demand > 0.7


def test_time_out_kills_what_ignores_the_question(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "GRACE", 0.2)
    ended, log = run("trap '' TERM; echo $$; while :; do sleep 0.01; done", 0.3)
    assert ended.kind is ExitKind.TIMED_OUT
    assert 0.5 <= ended.seconds < 5
    assert is_gone(int(log))


def test_a_process_that_ends_after_its_exit_line_is_no_lingerer(run: Run) -> None:
    ended, _ = run("echo; echo EXIT: STATUS=1")
    assert ended.kind is ExitKind.EXITED


def test_lingering_after_the_exit_line_is_cut_short(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "LINGER", 0.2)
    ended, _ = run("printf '\\nEXIT: STATUS=1\\r\\n\\n'; exec sleep 30", 20)
    assert ended.kind is ExitKind.LINGERED
    assert ended.seconds < 5


def test_a_slow_machine_has_more_time_to_power_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "LINGER", 0.1)
    script = "echo EXIT: STATUS=1; sleep 1"
    launch = Launch(("/bin/sh", "-c", script), tmp_path / "x.log", 30, slowness=100.0)
    with Pool() as pool:
        pool.start(launch)
        ((_, ended),) = finish(pool)
    assert (ended.kind, ended.slowness) == (ExitKind.EXITED, 100.0)


def test_a_forged_exit_line_does_not_cut_a_test_short(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "LINGER", 1)
    ended, _ = run("echo EXIT: STATUS=1; sleep 0.1; echo more; sleep 1.5; exit 7")
    assert (ended.kind, ended.code) == (ExitKind.EXITED, 7)


def test_a_flood_is_cut_in_the_middle(run: Run) -> None:
    ended, log = run("i=0; yes 'PASS: flood'", 1)
    assert ended.kind is ExitKind.TIMED_OUT
    assert ended.missing > 0
    assert 4 << 20 <= len(log) < 5 << 20


def test_children_of_a_wrapper_end_with_it(run: Run) -> None:
    _, log = run("sleep 300 & echo $!")
    assert is_gone(int(log))


def test_stdin_is_empty_and_the_session_is_its_own(run: Run) -> None:
    _, log = run("cat; cut -d' ' -f6 /proc/$$/stat; echo $$; tty")
    session, pid, tty = log.split(maxsplit=2)
    assert session == pid
    assert tty == b"not a tty\n"


def test_many_at_a_time(tmp_path: Path) -> None:
    with Pool() as pool:
        for number in range(20):
            script = f"sleep 1; echo {number}"
            pool.start(Launch(("/bin/sh", "-c", script), tmp_path / f"{number}.log", 30))
        started = time.monotonic()
        ended = finish(pool, 20)
    assert time.monotonic() - started < 10
    assert {done.launch.log.read_text() for done, _ in ended} == {f"{n}\n" for n in range(20)}


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with Pool() as pool, pytest.raises(FileNotFoundError):
        pool.start(Launch(("/nonexistent/qemu",), tmp_path / "x.log", 1))


def test_an_error_in_the_block_leaves_nothing(tmp_path: Path) -> None:
    pids = []

    def fail() -> None:
        with Pool() as pool:
            script = "trap '' TERM; while :; do sleep 0.01; done"
            started = pool.start(Launch(("/bin/sh", "-c", script), tmp_path / "x.log", 30))
            pids.append(started._current.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_gone(pids[0])


def test_a_stop_is_told_before_the_end_that_it_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_at_once(boot: Boot, how: ExitKind) -> None:
        stop(boot, how)
        while not boot.has_ended():
            time.sleep(0.001)

    stop = Boot.stop
    monkeypatch.setattr(Boot, "stop", stop_at_once)
    with Pool() as pool:
        pool.start(Launch(("/bin/sleep", "300"), tmp_path / "x.log", 30))
        os.kill(os.getpid(), signal.SIGINT)
        while not pool._stops_handled:
            assert pool.wait() == []
        ((_, ended),) = finish(pool)
    assert ended.kind is ExitKind.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_all(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Pool() as pool:
        for name in "ab":
            pool.start(Launch(("/bin/sleep", "300"), tmp_path / name, 300))
        os.kill(os.getpid(), number)
        ended = [how for _, how in finish(pool, 2)]
        assert pool.stops == 1
    assert [one.kind for one in ended] == [ExitKind.INTERRUPTED, ExitKind.INTERRUPTED]
    assert signal.getsignal(number) is before


def test_a_second_stop_signal_does_not_wait_for_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "GRACE", 60)
    with Pool() as pool:
        script = "trap 'echo no' TERM; echo up; while :; do sleep 0.01; done"
        started = pool.start(Launch(("/bin/sh", "-c", script), tmp_path / "x.log", 300))
        while (tmp_path / "x.log").read_text() != "up\n":
            pool.wait()
        os.kill(os.getpid(), signal.SIGINT)
        while "no" not in (tmp_path / "x.log").read_text():
            assert not pool.wait()
        os.kill(os.getpid(), signal.SIGINT)
        ((done, ended),) = finish(pool)
    assert done is started
    assert ended.kind is ExitKind.INTERRUPTED


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """SIGINT is ignored, as under nohup and in background jobs of a shell script."""
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Pool() as pool:
            pool.start(Launch(("/bin/sleep", "0.3"), tmp_path / "x.log", 30))
            os.kill(os.getpid(), signal.SIGHUP)
            assert finish(pool)[0][1].kind is ExitKind.EXITED
    finally:
        signal.signal(signal.SIGHUP, old)


_OWNER = """
import sys
from pathlib import Path
from kut_runner.process.boot import Launch
from kut_runner.process.pool import Pool
from kut_runner.process.cpu_usage import Usage
with Pool() as pool:
    started = pool.start(Launch(("/bin/sleep", "300"), Path(sys.argv[1]), 300))
    print(started._current.pid, flush=True)
    while True:
        pool.wait()
"""


def test_kill_9_of_the_owner_takes_the_child_along(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(tmp_path / "x.log")], stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout
        child = int(owner.stdout.readline())
        assert lives(child)
        owner.kill()
    assert is_gone(child)


_ORPHANS = """
import os
import signal
from kut_runner.process.child import die_with_parent
in_child = die_with_parent(signal.SIGKILL)

def status_of(act):
    pid = os.fork()
    if not pid:
        os._exit(act() or 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

print(status_of(in_child), status_of(lambda: status_of(in_child)))
"""


def test_a_child_whose_parent_died_before_it_could_notice_ends_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ORPHANS], check=True, capture_output=True, text=True
    )
    assert done.stdout == "0 1\n"


_TYPIST = """
import os, time
for _ in range(5000):
    os.write(1, b"x")
    time.sleep(0.00005)
"""


def test_bytes_that_come_one_by_one_are_taken_many_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = Boot.read

    def counted(self: Boot) -> int | None:
        reads.append(self)
        return read(self)

    monkeypatch.setattr(Boot, "read", counted)
    with Pool() as pool:
        pool.start(Launch((sys.executable, "-c", _TYPIST), tmp_path / "x.log", 60))
        finish(pool)
    assert (tmp_path / "x.log").stat().st_size == 5000
    assert len(reads) < 1500


def test_waiting_costs_no_cpu(tmp_path: Path) -> None:
    with Pool() as pool:
        pool.start(Launch(("/bin/sleep", "1"), tmp_path / "x.log", 30))
        before = time.process_time()
        finish(pool)
        assert time.process_time() - before < 0.05
