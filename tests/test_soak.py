# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak: a failure names what reproduces it, and it does."""

import re
from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu

FAILED = 3
PASSED = 1


@pytest.fixture(scope="module")
def soak() -> Path:
    return realtree.build("soak")


def failure(output: str) -> str:
    (line,) = re.findall(r"^FAIL: (.*)$", output, re.MULTILINE)
    return str(line)


def status(output: str) -> int:
    return int(re.findall(r"^EXIT: STATUS=(\d+)$", output, re.MULTILINE)[-1])


def again(output: str) -> str:
    (arguments,) = re.findall(r"^INFO: to repeat: (.*); from=\d+", output, re.MULTILINE)
    return str(arguments)


@pytest.mark.parametrize(("seed", "cpus"), [("8", "1"), ("0x1234", "1"), ("9", "4")])
def test_a_failure_reproduces(soak: Path, seed: str, cpus: str) -> None:
    first = realtree.boot(soak, f"seed={seed} steps=400 break=123", "-smp", cpus)[1]
    assert status(first) == FAILED
    assert failure(first).startswith(f"seed={int(seed, 0)}, step 123: machine 0, word ")
    assert re.search(r"^FAIL: .*\n    at arm/soak\.c:\d+$", first.replace("\r", ""), re.MULTILINE)
    assert again(first) == f"seed={int(seed, 0)} steps=123 break=123"
    second = realtree.boot(soak, again(first), "-smp", cpus)[1]
    assert failure(second) == failure(first)


def test_one_step_fewer_passes(soak: Path) -> None:
    output = realtree.boot(soak, "seed=8 steps=122 break=123")[1]
    assert status(output) == PASSED


def test_a_seed_makes_the_same_steps_on_several_cpus(soak: Path) -> None:
    outputs = [realtree.boot(soak, "seed=10 steps=300 from=1", "-smp", "4")[1] for _ in range(2)]
    steps = [re.findall(r"^INFO: step (\d+): (.*)$", output, re.MULTILINE) for output in outputs]
    assert len(steps[0]) == 300
    assert steps[0] == steps[1]


def test_a_random_seed_is_named(soak: Path) -> None:
    outputs = [realtree.boot(soak, "seed=random steps=20")[1] for _ in range(2)]
    seeds = [re.findall(r"^INFO: seed=(\d+) steps=20$", output, re.MULTILINE) for output in outputs]
    assert [len(found) for found in seeds] == [1, 1]
    assert seeds[0] != seeds[1]
    assert [status(output) for output in outputs] == [PASSED, PASSED]


@pytest.mark.parametrize("argument", ["seed=", "steps=ten", "speed=7", "seed=1x"])
def test_a_bad_argument_is_named(soak: Path, argument: str) -> None:
    output = realtree.boot(soak, argument)[1]
    assert f"ABORT: {argument}: give seed=N" in output
