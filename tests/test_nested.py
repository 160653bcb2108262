# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of nested hypervisors, group `nested`, on a machine that is no nested one."""

from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu


def test_they_pass_without_a_hypervisor_below(tmp_path: Path) -> None:
    results = realtree.run(tmp_path, "--group", "nested")
    statuses = {test["id"]: test["status"] for test in results["tests"]}
    assert set(statuses.values()) <= {"pass", "skip"}, statuses
    assert statuses["nested-vmids-many"] == "pass"
    assert statuses["nested-running"] == "pass"
