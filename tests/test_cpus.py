# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs that this process really has."""

import os
from pathlib import Path

import pytest

from kut_runner import cpus


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, 9999),
        ({"a/b": "max 100000"}, 9999),
        ({"a/b": "150000 100000"}, 1.5),
        ({"a": "200000 100000", "a/b": "max 100000"}, 2),
        ({"": "100000 100000", "a": "200000 100000", "a/b": "300000 100000"}, 1),
        ({"a/b": "nonsense"}, 9999),
        ({"a/b": "100 0"}, 9999),
    ],
)
def test_the_smallest_quota_above_a_group_counts(
    tmp_path: Path, limits: dict[str, str], expected: float
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for group, text in limits.items():
        (tmp_path / group / "cpu.max").write_text(text + "\n")
    assert cpus._quota(tmp_path, "a/b") == expected


def test_own_group_is_the_one_of_version_2(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("4:memory:/old\n0::/user/kut\n")
    assert cpus._own_group(membership) == "user/kut"
    assert cpus._own_group(tmp_path / "none") == ""


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 5, 9})
    monkeypatch.setattr(cpus, "_CGROUPS", Path("/nonexistent"))
    assert cpus.available() == 3
    monkeypatch.setattr(cpus, "_quota", lambda *_: 0.5)
    assert cpus.available() == 1


def test_without_affinity_all_cpus_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(cpus, "_quota", lambda *_: 9999.0)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert cpus.available() == 7
