# SPDX-License-Identifier: GPL-2.0-or-later
"""GitHub Action: its inputs as arguments of kut, and checks of its files."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import realtree

INPUTS = ("TESTS", "COMPILER", "VARIANT", "EMULATOR", "SHARD", "ARGS")
KUT = """#!/bin/sh
printf '%s\\n' "$@"
mkdir -p "$KUT_ROOT/build/runs/1"; echo serial >"$KUT_ROOT/build/runs/1/one.log"
ln -sfn runs/1 "$KUT_ROOT/build/logs"
exit 6
"""


def run(tmp_path: Path, **inputs: str) -> tuple[list[str], dict[str, str]]:
    """Run the action; return the arguments of kut and the outputs of the action."""
    scripts = tmp_path / "a tree/scripts"
    scripts.mkdir(parents=True)
    shutil.copy(realtree.ROOT / "scripts/action", scripts)
    (scripts / "kut").write_text(KUT)
    (scripts / "kut").chmod(0o755)
    end = subprocess.run(
        [scripts / "action"],
        cwd=tmp_path,
        env=dict.fromkeys(INPUTS, "")
        | inputs
        | {
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(tmp_path / "temp"),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "KUT_ROOT": str(tmp_path / "root"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (end.returncode, end.stderr) == (6, "")
    lines = (tmp_path / "output").read_text().splitlines()
    return end.stdout.splitlines(), dict(line.split("=", 1) for line in lines)


def test_without_inputs(tmp_path: Path) -> None:
    arguments, outputs = run(tmp_path)
    results = tmp_path / "temp/kut-results"
    report = ["--json", f"{results}/results.json", "--junit", f"{results}/results.xml"]
    assert arguments == ["run", *report, "--"]
    assert outputs == {
        "results": str(results),
        "json": f"{results}/results.json",
        "exit-code": "6",
    }
    assert (results / "logs/one.log").read_text() == "serial\n"


def test_every_input_is_data(tmp_path: Path) -> None:
    arguments, _ = run(
        tmp_path,
        TESTS="one tw* $(touch bad)",
        COMPILER="gcc; touch bad",
        VARIANT="small",
        EMULATOR="/my qemu",
        SHARD="1/2",
        ARGS="-k 'a and b' -v `touch bad` *",
    )
    start, end = arguments.index("--json"), arguments.index("--")
    assert arguments[1:start] == [
        *("--compiler", "gcc; touch bad", "--variant", "small"),
        *("--qemu", "/my qemu", "--shard", "1/2"),
    ]
    assert arguments[start + 4 : end] == ["-k", "a and b", "-v", "`touch", "bad`", "*"]
    assert arguments[end + 1 :] == ["one", "tw*", "$(touch", "bad)"]
    assert not list(tmp_path.rglob("bad"))


@pytest.mark.parametrize(
    "command",
    [
        ("actionlint", "-color=false"),
        ("zizmor", "--offline", "--config", ".github/zizmor.yml", ".github", "action.yml"),
    ],
    ids=lambda command: command[0],
)
def test_the_files_are_clean(command: tuple[str, ...]) -> None:
    program = shutil.which(command[0])
    if not program:
        pytest.skip(f"{command[0]} is not installed: it is part of kut[dev]")
    end = subprocess.run(
        [program, *command[1:]], cwd=realtree.ROOT, capture_output=True, text=True, check=False
    )
    assert end.returncode == 0, end.stdout + end.stderr
