# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives: creation, runs without source tree and compiler, rejection of invalid ones."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import realtree

from kut_runner.bundle import archive
from kut_runner.errors import UsageError

pytestmark = pytest.mark.qemu

TESTS = ("selftest", "misbehave-fail")


def kut(directory: Path, *args: str | Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run kut in `directory`, with `path` as PATH."""
    paths = {"PYTHONPATH": str(realtree.ROOT), "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "kut_runner", *args],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **paths},
    )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "tests.tar.xz"
    done = kut(realtree.ROOT, "archive", path, *TESTS)
    assert done.returncode == 0, done.stderr
    assert "2 tests with 2 images" in done.stdout
    return path


def test_it_runs_without_tree_and_compiler(packed: Path, tmp_path: Path) -> None:
    qemu = subprocess.run(
        ["/bin/sh", "-c", "command -v qemu-system-aarch64"], capture_output=True, check=True
    )
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "qemu-system-aarch64").symlink_to(qemu.stdout.decode().strip())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for _ in range(2):  # the second time it is already unpacked
        done = kut(elsewhere, "run", "--archive", packed, "--json", "r.json", path=str(tools))
        assert done.returncode == 0, done.stdout + done.stderr
        tests = json.loads((elsewhere / "r.json").read_text())["tests"]
        assert [(test["id"], test["status"]) for test in tests] == [("selftest", "pass")]
    assert [path.name for path in elsewhere.iterdir() if path.name != "r.json"] == ["build"]
    done = kut(elsewhere, "run", "--archive", packed, "misbehave-fail", path=str(tools))
    assert done.returncode == 1


def test_rows_of_the_conformance_suite_have_their_ids_and_errata(tmp_path: Path) -> None:
    path = tmp_path / "rows.tar.xz"
    assert kut(realtree.ROOT, "archive", path, "conform-hvc").returncode == 0
    done = kut(tmp_path, "run", "--archive", path, "conform-hvc", "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stdout
    (test,) = json.loads((tmp_path / "r.json").read_text())["tests"]
    assert test["rows"]["ids"][0] == "0*hvc.hvc.el1.0x0000"
    assert list((tmp_path / "build/archives").glob("*/configs/errata.toml"))


def test_only_its_own_tests_are_there(packed: Path, tmp_path: Path) -> None:
    done = kut(tmp_path, "run", "--archive", packed, "stage2")
    assert done.returncode == 2
    assert 'no test is called "stage2"' in done.stderr


def test_the_same_content_makes_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar.xz"
    kut(realtree.ROOT, "archive", again, *TESTS)
    assert again.read_bytes() == packed.read_bytes()


@pytest.mark.parametrize("option", [("--compiler", "gcc"), ("--variant", "O0"), ("--changed",)])
def test_what_would_build_is_refused(packed: Path, tmp_path: Path, option: tuple[str, ...]) -> None:
    done = kut(tmp_path, "run", "--archive", packed, *option)
    assert done.returncode == 2
    assert f"{option[0]} and --archive contradict each other" in done.stderr


def test_a_file_that_was_changed_after_unpacking_is_found(packed: Path, tmp_path: Path) -> None:
    unpacked = archive.unpack(packed, tmp_path)
    with unpacked.images["selftest"].flat.open("r+b") as file:
        file.write(b"x")
    with pytest.raises(UsageError, match=r"images/selftest\.flat differs from the packed file"):
        archive.unpack(packed, tmp_path)


def changed(packed: Path, path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Write an archive with changed content."""
    with tarfile.open(packed) as tar:
        files = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    change(files)
    with tarfile.open(path, "w:xz", preset=0) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def without_sum(files: dict[str, bytes]) -> None:
    files["images/other.flat"] = b"other"


def lost(files: dict[str, bytes]) -> None:
    del files["images/selftest.elf"]


def damaged(files: dict[str, bytes]) -> None:
    files["configs/tests.toml"] += b"\n"


def manifest_of(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["archive.json"])
        files["archive.json"] = json.dumps({**manifest, **values}).encode()

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_sum, r"images/other\.flat has no checksum"),
        (lost, r"images/selftest\.elf differs from the packed file"),
        (damaged, r"configs/tests\.toml differs from the packed file"),
        (lambda files: files.clear(), "is not an archive of kut"),
        (manifest_of(schema=2), "has schema 2, but this kut reads 1"),
        (manifest_of(files=3), "is not an archive of kut"),
        (manifest_of(tests=[1]), "is not an archive of kut"),
        (manifest_of(files={"../x": "0"}), r"archive\.json: .\.\./x. is outside of the archive"),
    ],
)
def test_a_bad_archive(
    packed: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], message: str
) -> None:
    bad = changed(packed, tmp_path / "bad.tar.xz", change)
    with pytest.raises(UsageError, match=message):
        archive.unpack(bad, tmp_path / "into")
    assert list((tmp_path / "into").glob("*")) == []  # no partial files are left


@pytest.mark.parametrize("name", ["../../escaped", "images/../../../escaped", "{}/escaped"])
def test_a_path_that_leads_out_is_refused(packed: Path, tmp_path: Path, name: str) -> None:
    def escape(files: dict[str, bytes]) -> None:
        files[name.format(tmp_path)] = b"x"

    bad = changed(packed, tmp_path / "bad.tar.xz", escape)
    with pytest.raises(UsageError, match=r"not an archive of kut, or truncated: .*outside"):
        archive.unpack(bad, tmp_path / "a/b/c")
    assert not list(tmp_path.rglob("escaped"))


def with_options(options: str) -> Callable[[dict[str, bytes]], None]:
    """Return a change that adds a test with these options, one without image, and a target."""

    def change(files: dict[str, bytes]) -> None:
        text = files["configs/tests.toml"].decode()
        text += f'[test.more]\nimage = "selftest"\nqemu_args = [{options}]\n'
        text += '[test.lost]\nimage = "lost"\n'
        text += '[target.mine]\nprovides = ["el2", "gicv3"]\n'
        text += 'command = ["/bin/sh", "-c", "touch owned; {image}"]\n'
        files["configs/tests.toml"] = text.encode()
        manifest = json.loads(files["archive.json"])
        manifest["files"]["configs/tests.toml"] = hashlib.sha256(text.encode()).hexdigest()
        manifest["tests"] += ["more", "lost"]
        files["archive.json"] = json.dumps(manifest).encode()

    return change


EXEC = '"-incoming", "exec:touch owned"'


def test_what_would_reach_the_host_is_an_error_of_its_test(packed: Path, tmp_path: Path) -> None:
    bad = changed(packed, tmp_path / "bad.tar.xz", with_options(EXEC))
    done = kut(tmp_path, "run", "--archive", bad, "--json", "r.json", "selftest", "more", "lost")
    tests = {each["id"]: each for each in json.loads((tmp_path / "r.json").read_text())["tests"]}
    assert tests["selftest"]["status"] == "pass"
    assert (tests["more"]["status"], tests["more"]["cause"]) == ("error", "bad-definition")
    assert tests["more"]["reason"].startswith("QEMU option -incoming is refused: ")
    assert tests["lost"]["reason"].startswith("the archive has no images/lost.flat")
    assert done.returncode == 2
    done = kut(tmp_path, "run", "--archive", bad, "--target", "mine", "selftest")
    assert 'no target is called "mine"' in done.stderr
    assert not list(tmp_path.rglob("owned"))


def test_with_trust_everything_is_allowed(packed: Path, tmp_path: Path) -> None:
    bad = changed(packed, tmp_path / "bad.tar.xz", with_options('"-D", "written"'))
    done = kut(tmp_path, "run", "--archive", bad, "--trust", "more")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "written").exists()
    done = kut(tmp_path, "run", "--archive", bad, "--trust", "--target", "mine", "selftest")
    assert (tmp_path / "owned").exists(), done.stdout + done.stderr


def test_a_rerun_is_not_trusted_because_the_run_was(packed: Path, tmp_path: Path) -> None:
    bad = changed(packed, tmp_path / "bad.tar.xz", with_options('"-D", "written", "-no-such"'))
    done = kut(tmp_path, "run", "--archive", bad, "--trust", "more")
    assert done.returncode == 6
    (tmp_path / "written").unlink(missing_ok=True)
    done = kut(tmp_path, "rerun")
    assert "QEMU option -D is refused" in done.stdout
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("size", [0, 10, 10_000])
def test_half_an_archive(packed: Path, tmp_path: Path, size: int) -> None:
    half = tmp_path / "half.tar.xz"
    half.write_bytes(packed.read_bytes()[:size])
    with pytest.raises(UsageError, match=r"half\.tar\.xz is not an archive of kut"):
        archive.unpack(half, tmp_path / "into")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    done = kut(realtree.ROOT, "archive", tmp_path / "no" / "x.tar.xz", "selftest")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
