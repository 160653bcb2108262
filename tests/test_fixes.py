# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that fix problems, by user, program and distribution."""

import errno
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kut_runner.build import python_packages
from kut_runner.health import distribution
from kut_runner.health.distribution import Distribution
from kut_runner.health.fixes import Advice, Fixes

KUT = f"{shlex.quote(sys.executable)} -m kut_runner"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fixes:
    """Return the fixes for root on a Debian with package lists and an empty PATH."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mirror_main_binary-amd64_Packages.lz4").touch()
    monkeypatch.setattr(distribution, "_LISTS", lists)
    environ = {"PATH": str(tmp_path / "bin"), "HOME": "/home/u"}
    return Fixes(environ, Distribution.DEBIAN, tmp_path, is_root=True)


@pytest.fixture
def user(root: Fixes) -> Fixes:
    return replace(root, is_root=False)


def put(fixes: Fixes, name: str) -> None:
    program = Path(fixes.environ["PATH"]) / name
    program.parent.mkdir(exist_ok=True)
    program.touch(mode=0o755)


def test_what_is_missing_is_installed_by_those_who_can_and_unpacked_by_others(
    root: Fixes, user: Fixes
) -> None:
    apt = "apt-get install --no-install-recommends qemu-system-arm"
    assert root.missing("qemu") == apt
    assert user.missing("qemu") == f"{KUT} toolchain install qemu"
    put(user, "sudo")
    assert user.missing("qemu") == f"sudo {apt}"
    for each, command in (
        (Distribution.FEDORA, "sudo dnf install gcc-aarch64-linux-gnu"),
        (Distribution.ARCH, "sudo pacman -S aarch64-linux-gnu-gcc"),
        (Distribution.MACOS, "brew install aarch64-elf-gcc"),
    ):
        assert replace(user, distribution=each).missing("gcc") == command
    assert "install gcc for arm64" in replace(user, distribution=None).missing("gcc")


def test_without_lists_of_packages_they_are_fetched_first(root: Fixes, tmp_path: Path) -> None:
    for file in (tmp_path / "lists").iterdir():
        file.unlink()
    assert root.missing("gdb").startswith("apt-get update && apt-get install ")
    put(root, "sudo")
    fix = replace(root, is_root=False).missing("gdb")
    assert fix.startswith("sudo apt-get update && sudo apt-get install ")
    assert "update" not in replace(root, distribution=Distribution.FEDORA).missing("gdb")


def test_a_prefix_that_leads_nowhere_is_taken_back(root: Fixes) -> None:
    away = replace(root, environ={**root.environ, "CROSS_COMPILE": "mine-"})
    assert away.missing("gcc") == "unset CROSS_COMPILE"
    assert "clang" in away.missing("clang")


def test_what_is_broken_is_installed_again_with_the_packages_behind_it(
    root: Fixes, user: Fixes
) -> None:
    again = "apt-get install --reinstall --no-install-recommends gcc-aarch64-linux-gnu"
    programs = ["/usr/bin/aarch64-linux-gnu-gcc", "/usr/bin/aarch64-linux-gnu-ld"]
    assert root.broken("gcc", programs) == f"{again} '~i~naarch64-linux-gnu'"
    for each, command in (
        (Distribution.FEDORA, "dnf reinstall qemu-system-aarch64 qemu-system-aarch64-core"),
        (Distribution.ARCH, "pacman -S qemu-system-aarch64 qemu-common"),
    ):
        other = replace(root, distribution=each)
        assert other.broken("qemu", ["/usr/bin/qemu-system-aarch64"]) == command
        foreign = other.broken("qemu", ["/opt/qemu-system-aarch64"])
        assert foreign.startswith("rm /opt/qemu-system-aarch64 && ")
    brew = replace(user, distribution=Distribution.MACOS).broken("clang", ["/opt/brew/bin/clang"])
    assert brew == "brew reinstall llvm lld"
    assert "/x/gcc" in replace(root, distribution=None).broken("gcc", ["/x/gcc"])


def test_what_no_package_mends_is_passed_over(root: Fixes, user: Fixes) -> None:
    path = 'unset CROSS_COMPILE && export PATH=/home/u/.cache/kut/tools/gcc/bin:"$PATH"'
    programs = ["/usr/bin/aarch64-linux-gnu-gcc", "/usr/local/bin/aarch64-linux-gnu-ld"]
    assert root.broken("gcc", programs) == f"{KUT} toolchain install gcc && {path}"
    assert user.broken("gcc", programs[:1]) == f"{KUT} toolchain install gcc && {path}"
    qemu = f"{KUT} toolchain install qemu && export KUT_QEMU=qemu"
    packaged = ["/usr/bin/qemu-system-aarch64"]
    assert user.broken("qemu", packaged) == qemu
    assert root.broken("qemu", packaged, "error while loading shared libraries: x.so.0") == qemu


def test_what_was_unpacked_is_unpacked_again(user: Fixes) -> None:
    program = "/home/u/.cache/kut/tools/qemu@sid/bin/qemu-system-aarch64"
    again = f"{KUT} toolchain remove qemu@sid && {KUT} toolchain install qemu@sid"
    assert user.broken("qemu", [program]) == again


def test_a_newer_qemu_comes_from_a_newer_release(user: Fixes, tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    for text, expected in (
        ("ID=debian\n", "stable"),
        ("ID=ubuntu\nID_LIKE=debian\n", "devel"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", None),
        ("nonsense", None),
    ):
        release.write_text(text)
        assert distribution.newer_release(release) == expected
    assert distribution.newer_release(tmp_path / "none") is None
    fedora = replace(user, distribution=Distribution.FEDORA)
    assert fedora.newer_qemu("/q") == "name a newer QEMU than /q with --qemu or KUT_QEMU"


def test_python_packages_are_those_of_the_constraints(root: Fixes, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install"]
    assert shlex.split(root.package("x")) == [*pip, "--force-reinstall", "x"]
    assert shlex.split(root.package("x", broken=False)) == [*pip, "x"]
    (tmp_path / "constraints.txt").touch()
    pins = ["-c", f"{tmp_path}/constraints.txt"]
    assert shlex.split(root.package("x", broken=False)) == [*pip, *pins, "x"]


def test_in_an_environment_of_pipx_it_is_pipx_that_installs(
    root: Fixes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venvs/kut"))
    (tmp_path / "venvs/kut").mkdir(parents=True)
    assert "pip install" in python_packages.install("x")
    (tmp_path / "venvs/kut/pipx_metadata.json").touch()
    assert python_packages.install("x") == "pipx inject kut x"
    assert root.package("x") == "pipx inject --force kut x"


def test_without_pip_it_is_installed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pip = f"{shlex.quote(sys.executable)} -m pip install x"
    assert python_packages.install("x") == pip
    monkeypatch.setattr(python_packages, "find_spec", lambda _: None)
    ensure = f"{shlex.quote(sys.executable)} -m ensurepip"
    assert python_packages.install("x") == f"{ensure} && {pip}"


#: First words of commands that a user can paste.
PROGRAMS = (
    *("sudo", "apt-get", "dnf", "pacman", "brew", "pipx", "kut", sys.executable),
    *("unset", "export", "rm", "chmod", "cp", "git"),
)


@pytest.mark.parametrize("is_root", [True, False])
@pytest.mark.parametrize("name", [*Distribution, None])
def test_a_fix_is_a_command_or_advice(
    root: Fixes, tmp_path: Path, name: Distribution | None, *, is_root: bool
) -> None:
    fixes = replace(root, distribution=name, is_root=is_root)
    away = replace(fixes, environ={**fixes.environ, "CROSS_COMPILE": "x-"})
    error = OSError(errno.EROFS, "")
    found = [
        *(fixes.missing(tool) for tool in ("gcc", "clang", "qemu", "gdb")),
        away.missing("gcc"),
        *(
            fixes.broken(tool, [program], message)
            for tool, program in (("gcc", "/usr/bin/gcc"), ("qemu", "/opt/my qemu"))
            for message in ("", "error while loading shared libraries: x")
        ),
        fixes.newer_qemu("/usr/bin/qemu"),
        fixes.package("x"),
        fixes.unwritable(tmp_path / "a tree/build", error),
    ]
    for fix in found:
        if not isinstance(fix, Advice):
            subprocess.run(["/bin/sh", "-n", "-c", fix], check=True)
            for command in fix.split(" && "):
                assert shlex.split(command)[0] in PROGRAMS, fix
                assert ", " not in command


def test_a_directory_is_made_writable_by_who_can(user: Fixes, tmp_path: Path) -> None:
    build = tmp_path / "a tree/build"
    build.mkdir(parents=True)
    denied, readonly = (OSError(code, os.strerror(code)) for code in (errno.EACCES, errno.EROFS))
    assert user.unwritable(build, denied) == f"chmod -R u+rwX '{build}'"
    assert user.unwritable(build, readonly) == f"cp -R '{build.parent}' ~/'a tree'-of-mine"
    (build.parent / ".git").mkdir()
    clone = f"git clone '{build.parent}' ~/'a tree'-of-mine"
    assert user.unwritable(build, readonly) == clone
    others = Path("/proc/1")
    if others.stat().st_uid != os.geteuid():
        assert user.unwritable(others, denied) == "cp -R /proc ~/proc-of-mine"
        put(user, "sudo")
        chown = f"sudo mkdir -p /proc/1 && sudo chown -R {os.geteuid()} /proc/1"
        assert user.unwritable(others, denied) == chown
    build.rmdir()
    build.touch()
    assert user.unwritable(build, denied) == f"rm '{build}'"


def test_kut_is_called_as_it_can_be_from_here(
    root: Fixes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert root.kut() == KUT
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/kut").touch()
    assert root.kut() == KUT
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert root.kut() == f"{tmp_path}/scripts/kut"
    monkeypatch.chdir(tmp_path)
    assert root.kut() == "scripts/kut"
    put(root, "kut")
    assert root.kut() == "kut"
