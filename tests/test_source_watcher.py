# SPDX-License-Identifier: GPL-2.0-or-later
"""Detection of changed sources, and of the time at which they were saved."""

import os
import select
import time
from pathlib import Path

import pytest

from kut_runner.errors import InfrastructureError
from kut_runner.watch import source_watcher
from kut_runner.watch.source_watcher import SourceWatcher
from kut_runner.watch.watcher_process import is_source

ADDED, MODIFIED, DELETED = 1, 2, 3


def wait_for(watching: SourceWatcher, path: str) -> None:
    """Wait until a path is reported; others may be reported before."""
    while path not in watching.take():
        assert select.select([watching], [], [], 60)[0]
        watching.stop_requested()


@pytest.mark.parametrize(
    "name", ["a.c", "a.h", "a.S", "image.lds", "tests.toml", "table.inc", "with space.c"]
)
def test_sources(name: str) -> None:
    for change in (ADDED, MODIFIED, DELETED):
        assert is_source(change, f"/tree/lib/{name}")


@pytest.mark.parametrize(
    "name", [".a.c", ".a.c.swp", "a.c~", "#a.c#", ".#a.c", "4913", "a.c.orig", "a.o", "README"]
)
def test_others(name: str) -> None:
    assert not is_source(ADDED, f"/tree/lib/{name}")


def test_a_directory_is_one_when_it_appears(tmp_path: Path) -> None:
    assert is_source(ADDED, str(tmp_path))
    assert not is_source(MODIFIED, str(tmp_path))


def test_what_is_told_of(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "old").write_text("")
    with SourceWatcher(tree) as watching:
        assert not watching.stop_requested()
        (tree / "lib/new").mkdir()
        wait_for(watching, "lib/new")
        (tree / "lib/new/deep.h").write_text("")
        wait_for(watching, "lib/new/deep.h")
        (tree / "arm/one.c").unlink()
        wait_for(watching, "arm/one.c")

        files = ["lib/helper.h", str(outside / "old"), "build/gcc/include/asm/x.h"]
        watching.also(files, since=time.time() + 60)
        assert not watching.stop_requested()
        (tree / "configs/more.toml").write_text("")  # no change is lost
        wait_for(watching, "configs/more.toml")
        (outside / "fresh.h").write_text("")  # not a dependency
        (outside / "fresh.h").rename(outside / "old")
        while not (told := watching.take()):
            select.select([watching], [], [], 60)
            watching.stop_requested()
        assert told == ("../outside/old",)
        (outside / "fresh.h").write_text("")
        watching.also(["../outside/fresh.h"], since=0)
        assert watching.take() == ("../outside/fresh.h",)


def test_a_tree_with_the_library_of_kut(tree: Path) -> None:
    (tree / "lib").rename(tree.parent / "taken-away")
    (tree / "kut.toml").write_text('library = "kut>=0.1.0"\n')
    with SourceWatcher(tree) as watching:
        (tree / "kut.toml").write_text('library = "kut>=0.1"\n')
        wait_for(watching, "kut.toml")
        (tree / "arm/one.c").write_text("")
        wait_for(watching, "arm/one.c")


def test_the_end_of_what_watches_is_trouble(tree: Path) -> None:
    with SourceWatcher(tree) as watching:
        watching._process.kill()
        select.select([watching], [], [], 60)
        with pytest.raises(InfrastructureError, match="cannot be watched"):
            watching.stop_requested()


def test_the_kernels_refusal_comes_in_words(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "watchfiles").mkdir()
    (tree / "watchfiles/__init__.py").write_text("")
    (tree / "watchfiles/_rust_notify.py").write_text(
        "def RustNotify(*args, **options):\n    raise OSError('no space left for watches')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tree))
    with pytest.raises(InfrastructureError, match="no space left for watches"), SourceWatcher(tree):
        pass


def test_it_ends_when_its_stdin_does(tree: Path) -> None:
    with SourceWatcher(tree) as watching:
        process = watching._process
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0


def test_the_time_of_a_save(tmp_path: Path) -> None:
    before = time.time()
    (tmp_path / "a.c").write_text("")
    os.utime(tmp_path / "a.c", (0, 0))  # as after a rename or a copy
    assert before - 1 < source_watcher.saved_at(tmp_path, ["a.c", "gone.c"]) <= time.time()
    assert source_watcher.saved_at(tmp_path, ["gone.c"]) >= before
