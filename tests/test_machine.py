# SPDX-License-Identifier: GPL-2.0-or-later
"""Search for QEMU, and its command line."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from cases import definition, tcg

from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.errors import InfrastructureError, MissingToolError
from kut_runner.targets.qemu import Qemu, find_qemu
from kut_runner.targets.qemu_machine import Choices, command_line


def program(directory: Path, name: str = "qemu-system-aarch64", says: str = "7.2.22") -> Path:
    """Script that prints a version of QEMU and counts its calls."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(
        f"#!/bin/sh\necho >>{directory}/asked\necho 'QEMU emulator version {says} (Debian)'\n"
    )
    path.chmod(0o755)
    return path


def test_the_option_comes_before_the_environment_and_the_path(tmp_path: Path) -> None:
    paths = {name: program(tmp_path / name) for name in ("option", "kut", "plain", "path")}
    environment = {
        "KUT_QEMU": str(paths["kut"]),
        "QEMU": str(paths["plain"]),
        "PATH": str(tmp_path / "path"),
    }

    def found(explicit: str | None) -> Path:
        cache = tmp_path / "cache"
        return find_qemu(explicit, cache=cache, environment=environment).program

    assert found(str(paths["option"])) == paths["option"]
    assert found(None) == paths["kut"]
    del environment["KUT_QEMU"]
    assert found(None) == paths["plain"]
    del environment["QEMU"]
    assert found(None) == paths["path"]


@pytest.mark.parametrize("name", ["./build/qemu", "build/qemu", "../tree/build/qemu"])
@pytest.mark.parametrize("variable", ["", "KUT_QEMU", "QEMU"])
def test_a_path_is_relative_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    path = program(tmp_path / "tree/build", "qemu")
    program(tmp_path / "path/build", "qemu")
    monkeypatch.chdir(tmp_path / "tree")
    environment = {"PATH": str(tmp_path / "path"), variable: name}
    found = find_qemu(None if variable else name, cache=tmp_path / "cache", environment=environment)
    assert found.program == path


@pytest.mark.parametrize(
    ("says", "version"),
    [("7.2.22", (7, 2, 22)), ("10.0.0-rc1", (10, 0, 0))],
)
def test_version(tmp_path: Path, says: str, version: tuple[int, ...]) -> None:
    path = program(tmp_path, says=says)
    qemu = find_qemu(str(path), cache=tmp_path / "cache")
    assert qemu.version == version


def test_a_script_is_asked_each_time_because_what_it_starts_may_change(tmp_path: Path) -> None:
    path = program(tmp_path)
    for _ in range(2):
        find_qemu(str(path), cache=tmp_path / "cache")
    assert (tmp_path / "asked").read_text() == "\n\n"


def test_a_binary_is_asked_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(path: Path) -> tuple[int, int, int]:
        asked.append(path)
        return (9, 1, len(asked))

    monkeypatch.setattr("kut_runner.targets.qemu._ask_version", ask)
    path = tmp_path / "qemu"
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    cache = tmp_path / "new/cache"
    assert find_qemu(str(path), cache=cache).version == (9, 1, 1)
    assert find_qemu(str(path), cache=cache).version == (9, 1, 1)
    path.write_bytes(b"\x7fELF2")
    assert find_qemu(str(path), cache=cache).version == (9, 1, 2)
    cache.write_bytes(b"garbage\n\xff\n1.2.3\n")
    assert find_qemu(str(path), cache=cache).version == (9, 1, 3)


def test_no_cache_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    find_qemu(str(program(tmp_path)), cache=tmp_path / "file/cache")


def test_a_home_directory_is_that_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = program(tmp_path / "build", "qemu")
    assert find_qemu("~/build/qemu", cache=tmp_path / "cache").program == path


def test_a_directory_is_no_qemu_but_may_have_one(tmp_path: Path) -> None:
    for hint in ("--qemu PATH", f"name the program: {tmp_path}/qemu-system-aarch64"):
        with pytest.raises(MissingToolError, match="is a directory") as error:
            find_qemu(str(tmp_path), cache=tmp_path / "cache")
        assert hint in error.value.hint
        program(tmp_path)


def test_a_file_here_needs_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "my-qemu")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingToolError, match="my-qemu is not in PATH") as error:
        find_qemu("my-qemu", cache=tmp_path / "cache", environment={"PATH": "/nonexistent"})
    assert error.value.hint == "name the file by its path: --qemu ./my-qemu"


@pytest.mark.parametrize("name", ["/nonexistent/qemu", "no-such-qemu", ""])
def test_no_qemu_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingToolError, match=name or "qemu-system-aarch64") as error:
        find_qemu(name, cache=tmp_path / "cache", environment={"PATH": str(tmp_path)})
    assert "--qemu" in error.value.hint


def test_what_is_not_a_qemu_is_an_error_with_its_words(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_text("#!/bin/sh\necho tool 1.0\n")
    path.chmod(0o755)
    with pytest.raises(MissingToolError, match=r"tool 1\.0"):
        find_qemu(str(path), cache=tmp_path / "cache")


def test_a_qemu_that_does_not_answer_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its child holds the pipe of its output, also after the end of the script itself."""
    monkeypatch.setattr("kut_runner.targets.qemu._TIME_LIMIT", 0.2)
    path = tmp_path / "qemu"
    path.write_text(f"#!/bin/sh\nsleep 1000 & echo $! >{tmp_path}/child\nsleep 1000\n")
    path.chmod(0o755)
    with pytest.raises(InfrastructureError, match=r"qemu --version failed: timeout after 0\.2 s"):
        find_qemu(str(path), cache=tmp_path / "cache")
    child = Path("/proc", (tmp_path / "child").read_text().strip())
    deadline = time.monotonic() + 30
    while is_running(child):  # it has its signal, which takes effect when it gets a CPU
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(process: Path) -> bool:
    """Return whether a process, by its directory in /proc, runs; zombies do not count."""
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_command_line() -> None:
    qemu = Qemu(Path("/q"), (7, 2, 22))
    choices = Choices(Accelerator("tcg"), "cortex-a57")
    machine = (("virtualization", "on"), ("gic-version", "3"))
    test = definition(smp=2, memory=64, machine=machine)
    asking = replace(test, args="demand paging", qemu_args=("-icount", "0"))
    arguments = command_line(qemu, choices, asking, "build/x.flat")
    assert " ".join(arguments) == (
        "/q -nodefaults -no-reboot -display none -monitor none -serial stdio"
        " -machine virt,virtualization=on,gic-version=3 -accel tcg -cpu cortex-a57 -smp 2 -m 64"
        " -kernel build/x.flat -append demand paging -icount 0"
    )
    assert "-append" not in command_line(qemu, choices, test, "x.flat")


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ((), ""),
        ((QemuVersion((7,)),), ""),
        ((QemuVersion((7, 2, 22)),), ""),
        ((QemuVersion((7, 2, 23)),), "needs qemu>=7.2.23, and this is QEMU 7.2.22"),
        (
            (QemuVersion((7, 2)), QemuVersion((10,))),
            "needs qemu>=10, and this is QEMU 7.2.22",
        ),
    ],
)
def test_needs(needs: tuple[QemuVersion, ...], reason: str) -> None:
    assert tcg(Path("/q"), (7, 2, 22)).unmet_need(definition(needs=needs)) == reason
