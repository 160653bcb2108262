# SPDX-License-Identifier: GPL-2.0-or-later
"""Choice of the QEMU that runs the lab."""

from pathlib import Path

import pytest

from kut_runner.build import rootless
from kut_runner.errors import MissingToolError, TargetUnavailableError
from kut_runner.targets import lab_qemu


def qemu(path: Path, version: str) -> Path:
    """A program that says it is this version of QEMU."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\necho "QEMU emulator version {version}"\n')
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Directories of programs and tools that are still empty."""
    (tmp_path / "bin").mkdir()
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def in_path(tmp_path: Path, version: str) -> Path:
    return qemu(tmp_path / "bin/qemu-system-aarch64", version)


def unpacked(environment: dict[str, str], version: str) -> Path:
    name = "qemu@trixie-backports"
    return qemu(Path(rootless.program(name, "qemu-system-aarch64", environment)), version)


def test_the_installed_one_is_used_if_it_emulates_nested_virtualization(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    unpacked(environment, "11.1.3")
    installed = in_path(tmp_path, "10.0.2")
    assert lab_qemu.find(None, tmp_path, environment).program == installed


@pytest.mark.parametrize("installed", ["", "7.2.22"])
def test_else_it_is_the_unpacked_one_of_the_release_of_the_lab(
    tmp_path: Path, environment: dict[str, str], installed: str
) -> None:
    if installed:
        in_path(tmp_path, installed)
    with pytest.raises(MissingToolError) as error:
        lab_qemu.find(None, tmp_path, environment)
    assert error.value.message == (
        "no lab: it needs QEMU 10.0 or later, and qemu@trixie-backports is not unpacked"
    )
    assert error.value.hint == "`kut lab build`"
    newer = unpacked(environment, "11.1.3")
    assert lab_qemu.find(None, tmp_path, environment).program == newer


def test_the_release_is_that_of_the_source_tree(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    text = (Path(__file__).parents[1] / "configs/lab.toml").read_text()
    (tmp_path / "configs").mkdir()
    changed = text.replace('"trixie-backports"', '"forky"')
    (tmp_path / "configs/lab.toml").write_text(changed)
    with pytest.raises(MissingToolError, match="qemu@forky is not unpacked"):
        lab_qemu.find(None, tmp_path, environment)


def test_a_missing_one_is_unpacked_when_the_lab_is_built(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def install(names: tuple[str, ...], where: dict[str, str]) -> None:
        asked.extend(names)
        unpacked(where, "11.1.3")

    monkeypatch.setattr(rootless, "install", install)
    found = lab_qemu.find(None, tmp_path, environment, unpack=True)
    assert (asked, found.release) == (["qemu@trixie-backports"], "11.1.3")


@pytest.mark.parametrize("variable", ["", "KUT_QEMU", "QEMU"])
def test_one_that_is_asked_for_is_used_or_refused(
    tmp_path: Path, environment: dict[str, str], variable: str
) -> None:
    unpacked(environment, "11.1.3")
    old = str(qemu(tmp_path / "old/qemu-system-aarch64", "7.2.22"))
    explicit = None if variable else old
    asked = environment | ({variable: old} if variable else {})
    with pytest.raises(TargetUnavailableError) as error:
        lab_qemu.find(explicit, tmp_path, asked)
    assert "QEMU 7.2.22 does not emulate nested virtualization" in error.value.message
    assert "`kut lab build` unpacks a later version" in error.value.hint
    new = qemu(tmp_path / "new/qemu-system-aarch64", "10.1.0")
    assert lab_qemu.find(str(new), tmp_path, asked).program == new
