# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut new`: the new test passes, and no file is overwritten."""

from pathlib import Path

import pytest
import realtree
from click.testing import CliRunner

from kut_runner.cli import kut
from kut_runner.definitions import config, scaffold, source_trees
from kut_runner.errors import InfrastructureError, UsageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for directory in ("arm", "configs"):
        (top / directory).mkdir(parents=True)
    return top


def files(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}


@pytest.mark.qemu
def test_a_new_test_passes(tree: Path, tmp_path: Path) -> None:
    realtree.copy(tree, "lib")
    scaffold.new_test(tree, "mine.v2")
    assert realtree.run(tmp_path, "mine.v2", root=tree)["exit_code"] == 0


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", ".x", "a b", "x.c", "x" * 101])
def test_a_bad_name_is_refused(tree: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a valid name of a test"):
        scaffold.new_test(tree, name)
    assert not files(tree)


@pytest.mark.parametrize("taken", ["arm/x.c", "arm/x.S", "arm/x/y.c", "configs/x.toml"])
def test_a_taken_name_is_refused(tree: Path, taken: str) -> None:
    (tree / taken).parent.mkdir(exist_ok=True)
    (tree / taken).write_text("")
    with pytest.raises(UsageError, match="already exists"):
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


def test_a_new_tree_is_ready(tmp_path: Path) -> None:
    top = tmp_path / "deep/tree"
    written = scaffold.new_tree(top, "mine")
    assert files(top) == {str(path.relative_to(top)) for path in written}
    assert files(top) == {
        *("kut.toml", ".gitignore", "README.md", "arm/mine.c", "configs/mine.toml"),
    }
    assert source_trees.find(top / "arm") == top
    source_trees.prepare(top)
    assert [test.name for test in config.load(top / "configs", top / "arm").tests] == ["mine"]
    assert scaffold.new_test(top, "another")


def test_a_new_tree_may_be_for_sources_of_kvm_unit_tests(tmp_path: Path) -> None:
    command = ["new", "--tree", str(tmp_path / "tree"), "--sources", "kvm-unit-tests"]
    done = CliRunner().invoke(kut, command, standalone_mode=False)
    assert not done.exception, done.output
    assert source_trees.origin(tmp_path / "tree") == source_trees.KVM_UNIT_TESTS


def test_sources_are_those_of_a_new_tree(tree: Path) -> None:
    command = ["--root", str(tree), "new", "x", "--sources", "kvm-unit-tests"]
    done = CliRunner().invoke(kut, command, standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert not files(tree)


def test_a_new_tree_may_take_an_empty_directory(tmp_path: Path) -> None:
    assert scaffold.new_tree(tmp_path, "mine")


@pytest.mark.parametrize("there", ["README.md", ".git/config", "arm/mine.c"])
def test_a_new_tree_overwrites_nothing(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        scaffold.new_tree(tmp_path, "mine")
    assert files(tmp_path) == {there}
    assert (tmp_path / there).read_text() == "mine"


def test_a_new_tree_wants_a_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file/tree"):
        with pytest.raises(InfrastructureError, match="cannot be written"):
            scaffold.new_tree(path, "mine")


def test_a_tree_with_a_bad_name_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a valid name of a test"):
        scaffold.new_tree(tmp_path / "tree", "-x")
    assert not (tmp_path / "tree").exists()
