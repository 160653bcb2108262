# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework's tests can fail: each breakage of mutants.toml turns them red."""

from __future__ import annotations

import mutants
import pytest

pytestmark = pytest.mark.qemu


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> mutants.Workbench:
    return mutants.Workbench(tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("mutant", mutants.load(), ids=lambda mutant: mutant.name)
def test_killed(mutant: mutants.Mutant, workbench: mutants.Workbench) -> None:
    """The tests named for a mutant fail, and say so with a check or a crash."""
    outcome = workbench.run(mutant)
    assert outcome.killed, f"survived: {mutant.property}: {outcome.words}"
    assert outcome.words
