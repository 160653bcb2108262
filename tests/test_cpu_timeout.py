# SPDX-License-Identifier: GPL-2.0-or-later
"""Timeouts that do not count the lack of CPUs, and the CPU usage of processes."""

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.cpu_timeout import WALL_FACTOR, CpuTimeout, TimeoutState
from kut_runner.process.cpu_usage import Usage


def lifetime(
    timeout: float, ran: float, waited: float, *, is_counted: bool = True
) -> tuple[float, list[float]]:
    """Return the age at the timeout, and those when slow, for rates of running and waiting."""
    patience = CpuTimeout(timeout, 1000.0)
    slow, looks = list[float](), 0
    while True:
        now = patience.due
        age = now - 1000
        usage = Usage(ran * age, waited * age) if is_counted else None
        check = patience.check(now, usage)
        looks += 1
        assert looks < 100
        if check is TimeoutState.OVER:
            return age, slow
        assert patience.due > now
        if check is TimeoutState.SLOW:
            slow.append(age)


@pytest.mark.parametrize(
    ("ran", "waited", "age"),
    [
        (1, 0, 10),  # busy
        (0, 0, 10),  # asleep
        (0.01, 0.01, 10.1),
        (0.5, 0.5, 20),  # shares a CPU with another process
        (1, 1, 20),  # two threads on one CPU
        (4, 0, 10),
        (1, 3, 40),  # four threads on one CPU
        (0.01, 0.99, 100),  # almost never on a CPU
    ],
)
def test_only_time_that_it_could_use_counts(ran: float, waited: float, age: float) -> None:
    found, _ = lifetime(10, ran, waited)
    assert found == pytest.approx(age, rel=0.01)


def test_where_nobody_counts_it_is_wall_time() -> None:
    assert lifetime(10, 0, 0, is_counted=False)[0] == pytest.approx(10)


def test_slow_is_told_half_way_and_each_time_that_the_age_has_doubled() -> None:
    assert lifetime(10, 1, 0)[1] == pytest.approx([5])
    assert lifetime(10, 0.3, 0.7)[1] == pytest.approx([5, 10, 20], rel=0.1)


@given(st.floats(0.001, 1e5), st.floats(0, 8), st.floats(0, 8))
def test_every_test_has_its_time_and_an_end(timeout: float, ran: float, waited: float) -> None:
    age, _ = lifetime(timeout, ran, waited)
    assert timeout * 0.999 <= age <= timeout * WALL_FACTOR * 1.001


def test_what_was_used_before_does_not_count() -> None:
    patience = CpuTimeout(1, 0.0, Usage(5, 50))
    assert patience.check(0.9, Usage(5.9, 50)) is TimeoutState.SLOW
    assert patience.check(1.0, Usage(6, 50)) is TimeoutState.OVER
    assert patience.usage == Usage(1, 0)


def test_a_thread_that_is_gone_is_no_negative_use() -> None:
    assert Usage(1, 1).since(Usage(2, 0)) == Usage(0, 1)


@pytest.mark.skipif(not Usage.of(os.getpid()), reason="this system does not count")
def test_usage_of_a_process() -> None:
    """Process that uses 0.3 s of CPU time and then sleeps."""
    script = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        usage = Usage.of(process.pid)
        time.sleep(0.3)
        later = Usage.of(process.pid)
        process.kill()
    assert usage
    assert later
    assert 0.29 <= usage.ran < 5
    assert later.since(usage).ran < 0.1


def test_usage_of_none() -> None:
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    assert Usage.of(process.pid) is None
