# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees: the one that a command works in, and those with the library of kut."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kut_runner.build import builder, toolchain
from kut_runner.definitions import source_trees
from kut_runner.errors import ConfigError, InfrastructureError, UsageError


def make(tree: Path) -> tuple[builder.Image, set[str]]:
    """Build the source tree; return its image `one` and the commands, as "CC arm/one.c"."""
    done: list[str] = []
    tools = toolchain.find("gcc", os.environ)
    images = builder.build(tree, tools, progress=done.append)
    return images["one"], {line.partition("] ")[2] for line in done}


TINY = Path(__file__).with_name("tiny_tree")


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Source tree in an installed wheel of kut."""
    tree = shutil.copytree(TINY, tmp_path / "site-packages/kut_runner/tree")
    monkeypatch.setattr(source_trees, "_BUNDLED", tree)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tree


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Source tree without its own library."""
    tree = tmp_path / "own"
    for top in ("arm", "configs"):
        shutil.copytree(TINY / top, tree / top)
    (tree / "kut.toml").write_text('library = "kut>=0.1"\n')
    return tree


def test_the_nearest_tree_is_taken(carried: Path, own: Path) -> None:
    assert carried.is_dir()
    assert source_trees.find(own / "arm") == own
    assert not source_trees.is_bundled(own)
    source_trees.refuse_change(own)


def test_without_a_tree_it_is_the_one_that_kut_carries(carried: Path, tmp_path: Path) -> None:
    place = source_trees.find(tmp_path)
    assert place.parent == tmp_path / "cache/kut"
    assert not place.exists()
    source_trees.prepare(place)
    assert source_trees.is_bundled(place)
    assert (place / "lib").readlink() == carried / "lib"
    assert source_trees.find(place) == source_trees.find(carried / "arm") == place
    with pytest.raises(UsageError, match="cannot be changed"):
        source_trees.refuse_change(place)


def test_each_installation_has_its_place(
    carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = source_trees.find(tmp_path)
    monkeypatch.setattr(source_trees, "_BUNDLED", shutil.copytree(carried, tmp_path / "other/tree"))
    assert source_trees.find(tmp_path) != first


def test_in_a_checkout_nothing_is_carried(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not inside a kut source tree"):
        source_trees.find(tmp_path)


def test_without_a_home_there_is_no_place(
    carried: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert carried.is_dir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(UsageError, match="no directory for the source tree"):
        source_trees.find(tmp_path)
    source_trees.prepare(source_trees.find(own))  # needs no cache


def test_a_cache_that_cannot_be_written_is_named(carried: Path, tmp_path: Path) -> None:
    assert carried.is_dir()
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(InfrastructureError, match=r"cache/kut/tree-.* cannot be written"):
        source_trees.prepare(source_trees.find(tmp_path))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "library: missing"),
        ("library = 1", "library: 1 is not valid"),
        ('library = "kut"', "library: 'kut' is not valid"),
        ('library = "kut>=0.1"\nother = 1', "other: unknown key"),
        ('library = "kut>=0.1"\nsources = "linux"', "sources: 'linux' is not valid"),
        ('library = "kut>=99.1"', "library: requires kut>=99.1, but this is kut"),
        ("library", "not TOML"),
    ],
)
def test_what_is_wrong_with_kut_toml_is_said(own: Path, text: str, problem: str) -> None:
    (own / "kut.toml").write_text(text)
    for use in (source_trees.prepare, source_trees.library):
        with pytest.raises(ConfigError, match=rf"kut\.toml: {problem}"):
            use(own)


@pytest.mark.parametrize(
    ("version", "wanted", "is_enough"),
    [
        ("0.1.0", "0.1", True),
        ("0.1.0", "0.1.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.10.0", "0.9.9", True),
        ("1.2.3.dev4+local", "1.2.3", True),
        ("1.2", "1.2.1", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    own: Path, monkeypatch: pytest.MonkeyPatch, version: str, wanted: str, *, is_enough: bool
) -> None:
    monkeypatch.setattr(source_trees, "__version__", version)
    (own / "kut.toml").write_text(f'library = "kut>={wanted}"')
    if is_enough:
        source_trees.prepare(own)
    else:
        with pytest.raises(ConfigError, match="upgrade it"):
            source_trees.prepare(own)


def test_two_libraries_are_one_too_many(own: Path) -> None:
    (own / "lib").mkdir()
    with pytest.raises(ConfigError, match="lib/ exists too"):
        source_trees.prepare(own)


@pytest.mark.qemu
def test_a_tree_of_its_own_is_built_with_the_library_of_kut(carried: Path, own: Path) -> None:
    image, done = make(own)
    assert image.flat.stat().st_size
    assert {"CC build/lib/helper.c", "CC arm/one.c"} <= done
    assert sorted(path.name for path in own.iterdir()) == ["arm", "build", "configs", "kut.toml"]
    assert not (carried / "build").exists()
    assert make(own)[1] == set()


@pytest.mark.qemu
def test_the_flags_for_editors_are_right(carried: Path, own: Path) -> None:
    assert carried.is_dir()
    make(own)
    commands = json.loads((own / "build/compile_commands.json").read_text())
    assert {entry["file"] for entry in commands} == {
        *("arm/one.c", "arm/two.c", "build/lib/helper.c", "build/lib/arm64/start.S"),
    }
    for entry in commands:
        subprocess.run(entry["arguments"], cwd=entry["directory"], check=True)


@pytest.mark.qemu
def test_another_library_is_built_whatever_its_times(carried: Path, own: Path) -> None:
    before = make(own)[0].build_id
    helper = carried / "lib/helper.c"
    times = helper.stat()
    helper.write_text(helper.read_text().replace("value + 1", "value + 2"))
    os.utime(helper, ns=(times.st_atime_ns, times.st_mtime_ns))
    image, done = make(own)
    assert "CC build/lib/helper.c" in done
    assert image.build_id != before


@pytest.mark.qemu
def test_the_library_of_another_kut_is_taken(
    carried: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(own)
    other = shutil.copytree(carried, tmp_path / "other/tree")
    monkeypatch.setattr(source_trees, "_BUNDLED", other)
    (other / "lib/more.c").write_text("int more;\n")
    assert "CC build/lib/more.c" in make(own)[1]
    assert (own / "build/lib").readlink() == other / "lib"


def test_the_library_of_a_checkout_is_its_own(own: Path) -> None:
    assert source_trees.library(own) == "build/lib"
    assert (own / "build/lib").readlink() == Path(builder.__file__).parents[2] / "lib"
