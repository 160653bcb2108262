# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut new`: what it writes passes, and nothing is overwritten."""

import shutil
from pathlib import Path

import pytest
import realtree

from kut_runner import scaffold
from kut_runner.errors import InfrastructureError, UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for directory in ("arm", "configs"):
        (top / directory).mkdir(parents=True)
    return top


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


def test_a_new_test_passes(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(realtree.ROOT / "lib", tree / "lib")
    scaffold.new_test(tree, "mine.v2")
    assert realtree.run(tmp_path, "mine.v2", root=tree)["exit_code"] == 0


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", ".x", "a b", "x.c", "x" * 101])
def test_a_bad_name_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a test"):
        scaffold.new_test(tree, name)
    assert not files(tree)


@pytest.mark.parametrize("taken", ["arm/x.c", "arm/x.S", "arm/x/y.c", "configs/x.toml"])
def test_a_taken_name_is_refused(tree: Path, taken: str) -> None:
    (tree / taken).parent.mkdir(exist_ok=True)
    (tree / taken).write_text("")
    with pytest.raises(UsageError, match="already there"):
        scaffold.new_test(tree, "x")
    assert files(tree) == {taken}


def test_a_defined_name_is_refused(tree: Path) -> None:
    scaffold.new_test(tree, "x")
    (tree / "configs/other.toml").write_text('[test.y]\nimage = "x"\n')
    with pytest.raises(UsageError, match="already defined"):
        scaffold.new_test(tree, "y")


def test_half_a_test_is_not_left(tree: Path) -> None:
    (tree / "configs").rmdir()
    with pytest.raises(InfrastructureError):
        scaffold.new_test(tree, "x")
    assert not files(tree)
