# SPDX-License-Identifier: GPL-2.0-or-later
"""kut installed from its wheel: what the wheel holds, and that it works far from a checkout."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import realtree

from kut_runner.build import builder

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(
        not importlib.util.find_spec("hatchling"), reason="hatchling is not installed"
    ),
]

INSIDE = "kut_runner/tree"


def make(kind: str, source: Path, directory: Path) -> Path:
    """Build the wheel or the sdist of a source tree, without a network."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(directory)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (made,) = directory.iterdir()
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """What is in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("wheel", realtree.ROOT, tmp_path_factory.mktemp("wheel"))


def tracked(*tops: str) -> set[str]:
    """The files that git knows, or would with the next `git add`."""
    git = shutil.which("git")
    if not git or not (realtree.ROOT / ".git").exists():
        pytest.skip("this is no clone")
    listed = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard", *tops],
        cwd=realtree.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return {file for file in listed if (realtree.ROOT / file).exists()}


def test_the_wheel_has_the_tree_and_nothing_more(wheel: Path) -> None:
    packed = {name for name in contents(wheel) if ".dist-info/" not in name}
    tree = {f"{INSIDE}/{file}" for file in tracked("lib", "arm", "configs")}
    assert packed == tree | tracked("kut_model", "kut_runner")


def test_the_wheel_has_the_licence(wheel: Path) -> None:
    licences = [data for name, data in contents(wheel).items() if name.endswith("/LICENSE")]
    assert licences == [(realtree.ROOT / "LICENSE").read_bytes()]


def test_the_wheel_of_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    packed = make("sdist", realtree.ROOT, tmp_path / "sdist")
    subprocess.run(["tar", "-xf", packed, "-C", tmp_path], check=True)  # noqa: S607
    (unpacked,) = tmp_path.glob("kut-*")
    assert contents(make("wheel", unpacked, tmp_path / "wheel")) == contents(wheel)


@dataclass(frozen=True, slots=True)
class Installed:
    """kut in a virtual environment, and a user who has nothing else."""

    kut: Path
    packages: Path
    home: Path
    cwd: Path

    def __call__(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run `kut ARGS`."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "KUT_", "XDG_")) and name != "VIRTUAL_ENV"
        }
        return subprocess.run(
            [self.kut, *args],
            cwd=cwd or self.cwd,
            env=environ | {"HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def kut(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The wheel, installed beside the packages of the tests, read-only as far as that goes."""
    top = tmp_path_factory.mktemp("installed")
    for name in ("home", "empty"):
        (top / name).mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", top / "venv"], check=True)
    python = top / "venv/bin/python"
    installer = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*installer, "--python", python, "install", "--no-index", "--no-deps", wheel], check=True
    )
    (packages,) = (top / "venv/lib").glob("python3*/site-packages")
    others = [path for path in sys.path if path.endswith("-packages")]
    (packages / "others.pth").write_text("\n".join(others))
    (top / "venv/bin/ninja").symlink_to(builder.find_ninja(os.environ))
    set_writable(packages, writable=False)
    yield Installed(top / "venv/bin/kut", packages, top / "home", top / "empty")
    set_writable(packages, writable=True)


def set_writable(top: Path, *, writable: bool) -> None:
    for path in (top, *top.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200 if writable else path.stat().st_mode & 0o555)


def state(top: Path) -> dict[str, int]:
    """Every file below, and when it was changed."""
    return {str(path): path.stat().st_mtime_ns for path in top.rglob("*")}


def test_kut_runs_its_own_tests_without_a_tree(kut: Installed) -> None:
    before = state(kut.packages)
    done = kut("run", "selftest", "stage2", "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((kut.cwd / "out.json").read_text())
    assert [test["status"] for test in results["tests"]] == ["pass", "pass"]
    (place,) = (kut.home / ".cache/kut").glob("tree-*")
    told = f"no source tree here; using the one of kut, built in {place}\n"
    assert done.stderr.count(told) == 1
    assert kut("history").stdout.count("2 pass") == 1
    assert kut("build", "selftest").returncode == 0
    assert state(kut.packages) == before, "nothing is written where kut is installed"
    assert [path.name for path in kut.cwd.iterdir()] == ["out.json"]


def test_the_tree_that_kut_carries_is_not_to_be_changed(kut: Installed) -> None:
    before = state(kut.packages)
    for args in (("new", "mine"), ("bench", "--update"), ("shards", "--update", "/dev/null")):
        done = kut(*args)
        assert done.returncode == 2
        assert "kut new --tree DIR" in done.stderr
    assert state(kut.packages) == before


@pytest.mark.parametrize("args", [("list",), ("list", "--variants"), ("shards",), ("toolchain",)])
def test_commands_that_only_look_work_without_a_tree(kut: Installed, *, args: list[str]) -> None:
    done = kut(*args)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_tree_of_ones_own(kut: Installed, tmp_path: Path) -> None:
    done = kut("new", "--tree", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tree = tmp_path / "mine"
    assert {str(tmp_path / line) for line in done.stdout.split()} == {
        str(path) for path in tree.rglob("*") if path.is_file()
    }
    done = kut("run", cwd=tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no tree here" not in done.stderr
    assert done.stdout.startswith("PASS     first ")
    assert kut("new", "second", cwd=tree / "arm").returncode == 0
    source = tree / "arm/second.c"
    source.write_text(source.read_text().replace("== 42", "== 43"))
    done = kut("run", cwd=tree)
    assert done.returncode == 1
    assert "2 tests in" in done.stdout
    assert "FAIL: 40 + 2 in a guest: 42" in done.stdout
    assert kut("new", "--tree", ".", cwd=tree).returncode == 2


def test_doctor_tells_of_a_cache_that_cannot_be_written(kut: Installed, tmp_path: Path) -> None:
    (tmp_path / ".cache").write_text("in the way")
    done = replace(kut, home=tmp_path)("doctor")
    assert done.returncode == 5
    wrong = r"^problem +tree +\S+/kut/tree-\w+/lib cannot be written: "
    assert re.search(wrong, done.stdout, re.MULTILINE)
    assert "to fix tree: fix its permissions, or set XDG_CACHE_HOME to" in done.stdout


def test_a_tree_that_needs_a_newer_kut_is_refused(kut: Installed, tmp_path: Path) -> None:
    assert kut("new", "--tree", ".", cwd=tmp_path).returncode == 0
    (tmp_path / "kut.toml").write_text('library = "kut>=99"\n')
    for command in ("list", "run", "build"):
        done = kut(command, cwd=tmp_path)
        assert done.returncode == 2
        assert "requires kut>=99, but this is kut " in done.stderr
