# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing outside the build directory is ever written, but files that a call names.

Seen from both sides: every kut notes which paths it opens for writing, makes, moves or removes; and
home, tree and the place for temporary files, which compilers, ninja and QEMU use too, are as they
were.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import realtree

pytestmark = pytest.mark.qemu

#: What each Python that starts runs first: it notes what is written.
WATCHER: Final = """
import os, sys

_notes = os.open(os.environ["FOOTPRINT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
            "os.truncate", "os.chmod", "os.chown", "os.utime")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

def _watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        paths = arguments[:1]
    elif event in ("os.symlink", "os.link"):
        paths = arguments[1:2]
    elif event in ("os.remove", "os.rmdir") and arguments[1] != -1:
        return  # of a tree that is removed; what is gone is seen from outside
    elif event in _CHANGES:
        paths = arguments[:2]
    else:
        return
    for path in paths:
        if isinstance(path, (str, bytes, os.PathLike)):
            path = os.path.abspath(os.fsdecode(path))
            os.write(_notes, os.fsencode(f"{event} {path}\\n"))

sys.addaudithook(_watch)
"""

SOURCE: Final = """
#include <libcflat.h>

int main(void)
{{
	report({truth}, "what is so");
	return report_summary();
}}
"""
TESTS: Final = "[test.good]\n[test.bad]\n"

#: What is called, and the exit code.
COMMANDS: Final = {
    "list": 0,
    "build": 0,
    "run": 1,
    "run -vv good": 0,
    "run --shard 1/2": 1,
    "run nothing-of-that-name": 2,
    "shards": 0,
    "history": 0,
    "show": 0,
    "compare": 1,
    "rerun": 1,
    "parse build/logs/bad.log": 1,
    "toolchain": 0,
    "toolchain use gcc": 0,
    "toolchain use any": 0,
    "doctor": 0,
    "completion bash": 0,
}


def contents(place: Path) -> dict[Path, tuple[int, int]]:
    """Return what is below a directory, but for a build directory: size and time of each file."""
    found = {}
    for path in place.rglob("*"):
        if "build" not in path.relative_to(place).parts:
            status = path.lstat()
            found[path] = (0, 0) if path.is_dir() else (status.st_size, status.st_mtime_ns)
    return found


class Bystander:
    """A user with a home and a tree, whose kut is watched."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.tree = place / "tree"
        for name in ("home", "temporary", "watcher", "tree/arm", "tree/configs"):
            (place / name).mkdir(parents=True)
        (place / "home/.profile").touch()
        (place / "watcher/sitecustomize.py").write_text(WATCHER)
        realtree.copy(self.tree, "lib")
        (self.tree / "arm/good.c").write_text(SOURCE.format(truth="true"))
        (self.tree / "arm/bad.c").write_text(SOURCE.format(truth="false"))
        (self.tree / "configs/tests.toml").write_text(TESTS)
        self.before = self.look()

    def look(self) -> dict[Path, tuple[int, int]]:
        places = (self.place / name for name in ("home", "temporary", "tree"))
        return {path: facts for place in places for path, facts in contents(place).items()}

    def call(self, command: str) -> int:
        path = (str(self.place / "watcher"), os.environ.get("PYTHONPATH"), str(realtree.ROOT))
        env = os.environ | {
            "HOME": f"{self.place}/home",
            "TMPDIR": f"{self.place}/temporary",
            "FOOTPRINT": f"{self.place}/notes",
            "PYTHONPATH": ":".join(filter(None, path)),
        }
        env.pop("XDG_CACHE_HOME", None)
        argv = [sys.executable, "-m", "kut_runner", *command.split()]
        return subprocess.run(
            argv, cwd=self.tree, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode

    def written(self) -> set[Path]:
        """Return what kut wrote, but for the build directory, and what Python compiles."""
        lines = (self.place / "notes").read_text().splitlines()
        paths = {Path(line.partition(" ")[2]) for line in lines}
        assert self.tree / "build" in paths
        fine = (self.tree / "build", self.place / "temporary", Path(os.devnull))
        return {
            path
            for path in paths
            if "__pycache__" not in path.parts and not any(map(path.is_relative_to, fine))
        }


@pytest.fixture
def bystander(tmp_path: Path) -> Bystander:
    return Bystander(tmp_path)


def test_what_is_written_elsewhere_is_seen(bystander: Bystander) -> None:
    assert bystander.call("run good --json ../here.json --junit ../home/there.xml") == 0
    assert bystander.written() >= {bystander.place / "here.json"}
    assert bystander.look().keys() - bystander.before == {bystander.place / "home/there.xml"}


def test_nothing_outside_the_build_directory_is_written(bystander: Bystander) -> None:
    assert {command: bystander.call(command) for command in COMMANDS} == COMMANDS
    assert bystander.written() == set()
    assert bystander.look() == bystander.before
    assert (bystander.tree / "build/logs/bad.log").exists()
