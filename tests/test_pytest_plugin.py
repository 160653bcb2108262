# SPDX-License-Identifier: GPL-2.0-or-later
"""The pytest plugin, in a separate pytest that boots real images."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import realtree


def run(
    *args: str, plugins: tuple[str, ...] = (), cwd: Path = realtree.ROOT
) -> subprocess.CompletedProcess[str]:
    named = (word for name in ("kut_runner.pytest_plugin", *plugins) for word in ("-p", name))
    quiet = ("-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(realtree.ROOT))
    return subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *named, *args],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(realtree.ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
    )


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    last = done.stdout.splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last)}


@pytest.mark.qemu
def test_tests_and_their_checks_are_items(tmp_path: Path) -> None:
    xml = tmp_path / "junit.xml"
    done = run("--kut-config", "configs", "-k", "selftest-el1 or fdt", "--junitxml", str(xml))
    assert done.returncode == 0, done.stdout
    cases = {
        (case.get("classname"), case.get("name")): case
        for case in ET.parse(xml).iter("testcase")  # noqa: S314 - our own
    }
    assert ("configs.tests.toml", "selftest-el1") in cases
    assert [name for place, name in cases if place == "configs.tests.toml.selftest-el1"]
    assert counts(done)["passed"] == len(cases)


@pytest.mark.qemu
def test_what_fails_says_so_in_kuts_words() -> None:
    done = run("--kut-config", "configs", "-v", "configs/misbehave.toml::misbehave-fail")
    assert done.returncode == 1
    assert counts(done)["failed"] == 2
    assert counts(done)["passed"] == 1
    for line in (
        "configs/misbehave.toml::misbehave-fail FAILED",
        "configs/misbehave.toml::misbehave-fail::one is one PASSED",
        "configs/misbehave.toml::misbehave-fail::expected 1, found 2 FAILED",
    ):
        assert line in done.stdout
    assert "1 of 2 checks failed" in done.stdout


@pytest.mark.qemu
def test_a_crash_has_its_source() -> None:
    done = run("--kut-config", "configs", "configs/misbehave.toml::misbehave-exception")
    assert done.returncode == 1
    assert "arm/misbehave.c:" in done.stdout


@pytest.mark.qemu
def test_a_skip_has_its_reason() -> None:
    done = run("--kut-config", "configs", "-rs", "configs/misbehave.toml::misbehave-skip")
    assert done.returncode == 0, done.stdout
    assert counts(done)["skipped"] >= 1
    assert "SKIPPED" in done.stdout


@pytest.mark.qemu
def test_with_xdist_each_runs_once() -> None:
    args = ("--kut-config", "configs", "-k", "selftest or fdt or misbehave")
    alone, shared = run(*args), run(*args, "-n", "2", plugins=("xdist",))
    assert alone.returncode == shared.returncode == 0, shared.stdout
    assert counts(shared)["passed"] == counts(alone)["passed"] > 10


@pytest.mark.qemu
def test_groups_are_markers_and_nodefault_is_left_out() -> None:
    done = run("--kut-config", "configs", "--collect-only", "-q", "-m", "smp")
    names = [line.split("::")[1] for line in done.stdout.splitlines() if "::" in line]
    assert "psci" in names
    assert "selftest" not in names
    done = run("--kut-config", "configs", "--collect-only", "-q")
    assert "misbehave" not in done.stdout
    done = run("--kut-config", "configs/tests.toml", "--collect-only", "-q")
    assert "configs/tests.toml::selftest\n" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--kut-config", "nowhere"), "no test definitions"),
        (("--kut-config", "docs"), "no test definitions"),
        (("--kut-config", "configs", "--kut-variant", "x"), 'no variant is called "x"'),
        (("--kut-config", "configs", "--kut-qemu", "/x"), "no QEMU: /x does not exist"),
    ],
)
def test_bad_options_are_usage_errors(args: tuple[str, ...], message: str) -> None:
    done = run(*args)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_option_it_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    done = run(str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0
    assert counts(done) == {"passed": 1}
