# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench-run: figures of the right subject, stable on a busy host."""

import shlex
import sys
from pathlib import Path

import bench_run
import pytest
from bench_run import Bound, Sample, Tree

pytestmark = pytest.mark.qemu

#: A QEMU that takes half a second of CPU time to run a test that passes.
BUSY = """
import sys, time
if sys.argv[1] == "--version":
    print("QEMU emulator version 9.0.0")
else:
    while time.process_time() < 0.5:
        pass
    print("PASS: a\\nSUMMARY: 1 tests\\n\\nEXIT: STATUS=1")
"""


def test_the_cpu_time_of_kut_is_not_that_of_its_qemu(tree: Path) -> None:
    qemu = tree / "qemu"
    qemu.write_text(f'#!/bin/sh\nexec {sys.executable} -c {shlex.quote(BUSY)} "$@"\n')
    qemu.chmod(0o755)
    samples = [Tree(tree).kut_run("one", "--qemu", str(qemu)) for _ in range(3)]
    assert Tree(tree).result()["status"] == "pass"
    assert Tree(tree).result()["seconds"] >= 0.5
    assert 0.01 < min(cpu for _, cpu in samples) < 0.45
    assert min(wall for wall, _ in samples) > 0.01
    assert Tree(tree).cpu_of(*Tree(tree).result()["qemu"]["argv"]) >= 0.5


def bounds(sample: Sample) -> list[Bound]:
    return [Bound("a", sample[0], 2, "s"), Bound("b", sample[1], 2, "s")]


def taken(*samples: Sample) -> tuple[list[tuple[float, float]], int]:
    """Measure samples with at least one round; return minimum, median and the unused samples."""
    rest = list(samples)
    pairs = bench_run.measure(3, bounds, lambda: rest.pop(0)[:1], lambda: (float(len(rest)) % 1,))
    return [(least.found, median.found) for least, median in pairs], len(rest)


def test_the_least_counts_and_the_first_round_does_not() -> None:
    found, left = taken((0.0,), (9.0,), (1.0,), (8.0,), (7.0,))
    assert found == [(1.0, 8.0), (0.0, 0.0)]
    assert left == 1


def test_a_bound_that_fails_gets_more_rounds_but_not_for_ever() -> None:
    assert taken((0.0,), *[(9.0,)] * 5, (1.5,), (1.0,))[1] == 1
    found, left = taken(*[(9.0,)] * 20)
    assert found[0] == (9.0, 9.0)
    assert left == 20 - 1 - 3 * bench_run.MOST_ROUNDS
