# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs and memory available to kut, and the cost of a test."""

import os
from pathlib import Path

import pytest
from cases import definition

from kut_runner.process import resources
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.targets import qemu_machine

NO_LIMIT = resources._UNLIMITED
TEST = definition(memory=128)


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    """Control groups; the process is in group a/b of each hierarchy."""
    (tmp_path / "membership").write_text("4:memory:/a/b\n2:cpu,cpuacct:/a/b\n0::/a/b\n")
    for controller in ("", "cpu", "memory"):
        (tmp_path / controller / "a/b").mkdir(parents=True)
    return tmp_path


def write(mount: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (mount / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, NO_LIMIT),
        ({"a/b/cpu.max": "max 100000"}, NO_LIMIT),
        ({"a/b/cpu.max": "150000 100000"}, 1.5),
        ({"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}, 2),
        ({"cpu.max": "100000 100000", "a/b/cpu.max": "300000 100000"}, 1),
        ({"a/b/cpu.max": "nonsense"}, NO_LIMIT),
        ({"a/b/cpu.max": "100 0"}, NO_LIMIT),
        ({"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "100000"}, NO_LIMIT),
        ({"cpu/a/b/cpu.cfs_quota_us": "50000", "cpu/a/b/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "25000"}, 2),
    ],
)
def test_the_smallest_quota_of_either_version_counts(
    mount: Path, limits: dict[str, str], expected: float
) -> None:
    write(mount, limits)
    assert resources._quota(mount, mount / "membership") == expected


MIB = 1 << 20


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, NO_LIMIT * MIB),
        ({"a/b/memory.max": "max", "a/b/memory.current": "5"}, NO_LIMIT * MIB),
        ({"a/b/memory.max": "100", "a/b/memory.current": "30"}, 70),
        ({"a/b/memory.max": "100", "a/b/memory.current": "300"}, 0),
        (
            {
                "a/b/memory.max": "100",
                "a/b/memory.current": "30",
                "a/b/memory.stat": "anon 5\ninactive_file 20",
            },
            90,
        ),
        (
            {
                "a/memory.max": "50",
                "a/memory.current": "10",
                "a/b/memory.max": "100",
                "a/b/memory.current": "30",
            },
            40,
        ),
        (
            {
                "memory/memory.limit_in_bytes": "90",
                "memory/memory.usage_in_bytes": "30",
            },
            60,
        ),
        ({"memory/a/b/memory.limit_in_bytes": "9"}, NO_LIMIT * MIB),
    ],
)
def test_the_tightest_memory_limit_of_either_version_counts(
    mount: Path, limits: dict[str, str], expected: int
) -> None:
    write(mount, limits)
    assert resources._memory_left(mount, mount / "membership") == expected


def test_a_group_that_cannot_be_seen_from_inside_is_the_mount(mount: Path) -> None:
    write(mount, {"membership": "0::/of/the/host", "cpu.max": "3 1"})
    assert resources._quota(mount, mount / "membership") == 3


def test_no_membership_is_no_limit(tmp_path: Path) -> None:
    assert resources._quota(tmp_path, tmp_path / "none") == NO_LIMIT
    assert resources._memory_left(tmp_path, tmp_path / "none") == NO_LIMIT * MIB


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 5, 9})
    monkeypatch.setattr(resources, "_CGROUPS", Path("/nonexistent"))
    assert resources.available_cpus() == 3
    monkeypatch.setattr(resources, "_quota", lambda *_: 0.5)
    assert resources.available_cpus() == 1


def test_without_affinity_all_cpus_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(resources, "_quota", lambda *_: 9999.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert resources.available_cpus() == 7


def test_memory_that_is_free_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 4096 kB\nMemAvailable:    2048 kB\n")
    monkeypatch.setattr(resources, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(resources, "_memory_left", lambda *_: 3 * MIB)
    assert resources.available_memory() == 2
    monkeypatch.setattr(resources, "_MEMORY", tmp_path / "none")
    assert resources.available_memory() == 3
    assert resources.available(5).cpus == 5


@pytest.mark.parametrize(
    ("smp", "wanted", "cpus"),
    [
        (1, None, 1),
        (2, None, 1),
        (4, None, 2),
        (8, None, 3),
        (64, None, 8),
        (100, None, 8),  # more than available
        (64, 60.0, 8),
        (1, 1.0, 1),
        (1, 0.6, 1),
        (1, 0.4, 0.5),
        (1, 0.0, 0.25),
        (2, 0.5, 0.625),
        (2, 0.9, 1),
        (2, 1.3, 1),
        (2, 1.6, 2),
        (4, 1.0, 1),
        (4, 3.0, 3),
        (4, 5.0, 4),
    ],
)
def test_a_test_weighs_what_it_uses(smp: int, wanted: float | None, cpus: float) -> None:
    whole = Resources(8, 1000)
    assert qemu_machine.cost(definition(smp=smp)).bounded(wanted, whole).cpus == cpus


def test_on_one_cpu_nothing_overlaps() -> None:
    assert qemu_machine.cost(TEST).bounded(0.0, Resources(1, 1000)).cpus == 1
    assert qemu_machine.cost(TEST).bounded(None, Resources(1, 1000)).cpus == 1


def test_memory_weighs_with_that_of_qemu_but_no_more_than_there_is() -> None:
    assert qemu_machine.cost(TEST).bounded(None, Resources(8, 1000)) == Resources(1, 128 + OVERHEAD)
    assert qemu_machine.cost(TEST).bounded(None, Resources(8, 100)) == Resources(1, 100)
    assert not Resources(1, 200).fits(Resources(8, 199))
    assert Resources(1, 200).fits(Resources(1, 200))
