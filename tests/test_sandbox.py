# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's sandbox: which QEMU gets it, and what it prevents."""

from pathlib import Path

import pytest
import realtree
from cases import definition

from kut_runner.build import rootless
from kut_runner.definitions.needs import Accelerator
from kut_runner.targets.qemu import SANDBOX, Qemu, find_qemu
from kut_runner.targets.qemu_machine import Choices, command_line

FAKE = """#!/bin/sh
{mark}
case $1 in
--version) echo QEMU emulator version 7.2.22 ;;
-sandbox) echo "$@" >>{asked}; exit {code} ;;
esac
"""


def fake(directory: Path, code: int, mark: str = "") -> Path:
    """A program that answers as QEMU; with the exit status `code` to a sandbox."""
    path = directory / "qemu"
    path.write_text(FAKE.format(mark=mark, asked=directory / "asked", code=code))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("code", [0, 1])
def test_qemu_is_asked_once(tmp_path: Path, code: int) -> None:
    path, cache = fake(tmp_path, code, rootless.MARK.decode()), tmp_path / "cache"
    for _ in range(2):
        assert find_qemu(str(path), cache=cache) == Qemu(path, (7, 2, 22), has_sandbox=code == 0)
    assert (tmp_path / "asked").read_text() == f"{' '.join(SANDBOX)} -machine help\n"


def test_another_script_gets_no_sandbox(tmp_path: Path) -> None:
    path = fake(tmp_path, 0)
    assert not find_qemu(str(path), cache=tmp_path / "cache").has_sandbox
    assert not (tmp_path / "asked").exists()


def test_command_line() -> None:
    choices = Choices(Accelerator("tcg"), "max")
    test = definition()
    with_it, without = (
        command_line(Qemu(Path("/q"), (7, 2, 22), has_sandbox=has), choices, test, "x.flat")
        for has in (True, False)
    )
    assert with_it == ("/q", *SANDBOX, *without[1:])
    own = definition(qemu_args=("-sandbox", "off"))
    qemu = Qemu(Path("/q"), (7, 2, 22), has_sandbox=True)
    assert command_line(qemu, choices, own, "x.flat").count("-sandbox") == 1


@pytest.mark.parametrize("text", ["7.2.22 0 0 /q\n", "7.2.22 maybe 0 0 /q\n"])
def test_a_cache_of_an_older_kut_is_not_read(tmp_path: Path, text: str) -> None:
    path, cache = fake(tmp_path, 0), tmp_path / "cache"
    status = path.stat()
    cache.write_text(text.replace("0 0 /q", f"{status.st_mtime_ns} {status.st_size} {path}"))
    assert not find_qemu(str(path), cache=cache).has_sandbox


@pytest.mark.qemu
def test_qemu_cannot_start_a_program(tmp_path: Path) -> None:
    """Programs are started by options of a test of one's own, which nothing refuses."""
    tree = realtree.copy(tmp_path / "tree")
    tests = tree / "configs/tests.toml"
    for name, more in (("denied", ""), ("allowed", ', "-sandbox", "off"')):
        with tests.open("a") as file:
            file.write(f'[test.{name}]\nimage = "selftest"\ntimeout = 2\n')
            exec_ = f"exec:touch {tmp_path}/{name}"
            file.write(f'qemu_args = ["-incoming", "{exec_}"{more}]\n')
    done = realtree.kut(tree, "run", "denied", "allowed")
    results = realtree.last_run(tree)["tests"]
    reasons = {each["id"]: each["reason"] for each in results}
    # QEMU 7.2 is killed; in later versions the call fails.
    refusals = ("SIGSYS", "Operation not permitted")
    assert any(each in reasons["denied"] for each in refusals), done.stdout + done.stderr
    assert not (tmp_path / "denied").exists()
    assert (tmp_path / "allowed").exists()
