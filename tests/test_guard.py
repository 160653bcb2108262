# SPDX-License-Identifier: GPL-2.0-or-later
"""The marker `qemu`: a test without it that starts a tool fails, in a pytest of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import guard
import pytest

TESTS = Path(guard.__file__).parent


def outcomes(directory: Path, source: str, *, is_marked: bool) -> tuple[dict[str, int], str]:
    """Run a test file; the counts of the last line, and all that pytest says."""
    mark = "pytestmark = pytest.mark.qemu" if is_marked else ""
    (directory / "test_it.py").write_text(f"import subprocess\nimport pytest\n{mark}\n{source}")
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = qemu\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "guard", directory],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    last = done.stdout.splitlines()[-1]
    counts = {
        word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", last)
    }
    return counts, done.stdout + done.stderr


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which each tool is one that does nothing."""
    place = tmp_path / "tools"
    place.mkdir()
    for tool in guard.TOOLS:
        (place / tool).write_text("#!/bin/sh\n")
        (place / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")


@pytest.mark.usefixtures("tools")
def test_each_tool_is_for_marked_tests(tmp_path: Path) -> None:
    source = f"""
@pytest.mark.parametrize("tool", {guard.TOOLS})
def test_it(tool):
    subprocess.run(["sh", "-c", tool + " --version"], check=True)
"""
    count = len(guard.TOOLS)
    assert outcomes(tmp_path, source, is_marked=True)[0] == {"passed": count}
    counts, said = outcomes(tmp_path, source, is_marked=False)
    assert counts == {"failed": count, "error": count}
    for tool in guard.TOOLS:
        assert f"{tool} is for tests with the marker qemu\n" in said
        assert f"started without the marker qemu: {tool}\n" in said


@pytest.mark.usefixtures("tools")
def test_one_that_does_not_mind_fails_as_well_and_the_next_one_does_not(tmp_path: Path) -> None:
    source = """
def test_it():
    subprocess.run("clang; gdb; clang", shell=True)

def test_next():
    pass
"""
    counts, said = outcomes(tmp_path, source, is_marked=False)
    assert counts == {"passed": 2, "error": 1}
    assert "started without the marker qemu: clang, gdb\n" in said


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_fixtures_are_guarded_whatever_their_scope(scope: str, tmp_path: Path) -> None:
    source = f"""
@pytest.fixture(scope="{scope}")
def image():
    subprocess.run(["aarch64-linux-gnu-gcc"])

def test_it(image):
    pass
"""
    counts, said = outcomes(tmp_path, source, is_marked=False)
    assert counts == {"passed": 1, "error": 1}
    assert "started without the marker qemu: aarch64-linux-gnu-gcc\n" in said
