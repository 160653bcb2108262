# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework's tests can fail: each breakage of mutants.toml turns them red."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mutants
import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a copy of the sources that is built once; each mutant rebuilds what it changes."""
    path: Path = tmp_path_factory.mktemp("mutants")
    mutants.copy_tree(path)
    return path


@pytest.mark.parametrize("mutant", mutants.load(), ids=lambda mutant: mutant.name)
def test_killed(mutant: mutants.Mutant, tree: Path) -> None:
    """The tests named for a mutant fail, and say so with a check or a crash."""
    outcome = mutants.run(mutant, tree)
    assert outcome.killed, f"survived: {mutant.property}: {outcome.words}"
    assert outcome.words
