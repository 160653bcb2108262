# SPDX-License-Identifier: GPL-2.0-or-later
"""Shell completion: requests as the shells make them, and a real bash."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Kut = Callable[..., "subprocess.CompletedProcess[str]"]
RUN = "20260102-030405-678-9abc"


def offered(kut: Kut, line: str, cwd: Path | None = None) -> list[str]:
    """Return the completions of the last word."""
    count = len(line.split(" ")) - 1
    env = {"_KUT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(count)}
    end = kut(env=env, **({"cwd": cwd} if cwd else {}))
    assert (end.returncode, end.stderr) == (0, "")
    return [line.partition(",")[2] for line in end.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("kut ru", ["run"]),
        ("kut run o", ["one"]),
        ("kut run one tw", ["two", "two-alone"]),
        ("kut run -x tw", ["two", "two-alone"]),
        ("kut list -g ", ["nodefault", "second"]),
        ("kut run --variant s", ["small"]),
        ("kut build ", ["one", "two"]),
        ("kut show ", ["latest", RUN]),
        ("kut show latest tw", ["two", "two-alone"]),
        ("kut compare 2026", [RUN]),
        ("kut rerun l", ["latest"]),
        ("kut run --slow", ["--slowest"]),
    ],
)
def test_names(kut: Kut, tree: Path, line: str, names: list[str]) -> None:
    run = tree / "build/runs" / RUN
    run.mkdir(parents=True)
    (run / "results.jsonl").write_text("{}\n")
    assert offered(kut, line) == names


def test_unpacked_qemus_are_offered(
    kut: Kut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("gdb", "qemu", "qemu@trixie"):
        (tmp_path / "kut/tools" / name).mkdir(parents=True)
        (tmp_path / "kut/tools" / name / "packages").touch()
        (tmp_path / "kut/tools" / name / "size").write_text("1")
    assert offered(kut, "kut run --qemu ") == ["qemu", "qemu@trixie"]
    assert offered(kut, "kut debug --qemu qemu@") == ["qemu@trixie"]


def test_where_there_is_no_tree_nothing_is_offered(kut: Kut, tmp_path: Path) -> None:
    for line in ("kut run o", "kut show ", "kut list -g ", "kut run --variant "):
        assert offered(kut, line, cwd=tmp_path) == []


def test_a_broken_tree_is_no_reason_for_words(kut: Kut, tree: Path) -> None:
    (tree / "configs/tests.toml").write_text("[[[")
    assert offered(kut, "kut run o") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(kut: Kut, shell: str) -> None:
    end = kut("completion", shell)
    assert end.returncode == 0
    assert f"_KUT_COMPLETE={shell}_complete" in end.stdout


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_in_bash(tree: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin/kut"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kut_runner "$@"\n')
    program.chmod(0o755)
    script = """source <(kut completion bash)
COMP_WORDS=(kut run tw) COMP_CWORD=2
_kut_completion kut && printf "%s\n" "${COMPREPLY[@]}"
"""
    end = subprocess.run(
        [shutil.which("bash") or "bash", "-c", script],
        cwd=tree,
        env=os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert end.stdout.split() == ["two", "two-alone"]
