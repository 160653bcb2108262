# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests that migrate from one QEMU to another, and tests that are to panic."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import realtree

pytestmark = pytest.mark.qemu

DEFINITIONS = """
[test.plain-in-migration]
image = "selftest"
migration = true

[test.refused-in-migration]
image = "migrate"
args = "once"
machine = { no-such-property = "on" }
migration = true

[test.no-panic]
image = "selftest"
panic = true

[test.crash-instead-of-panic]
image = "misbehave"
args = "assert"
panic = true

[test.power-off-instead-of-panic]
image = "misbehave"
args = "poweroff"
panic = true
"""

#: Status, cause and migrations of each test; None: at least 1.
EXPECTED = {
    "migrate-many": ("pass", "passed", 3),
    "migrate-once": ("pass", "passed", 1),
    "migrate-skip": ("pass", "passed", 0),
    "migrate-continuous": ("pass", "passed", None),
    "migrate-none": ("fail", "not-migrated", 0),
    "migrate-begin-twice": ("fail", "migration-misused", 0),
    "migrate-end-alone": ("fail", "migration-misused", 0),
    "migrate-no-end": ("fail", "migration-misused", 0),
    "migrate-hang": ("timeout", "timeout", 1),
    "migrate-crash": ("crash", "fatal", 1),
    "plain-in-migration": ("fail", "not-migrated", 0),
    "refused-in-migration": ("error", "refused", 0),
    "panic": ("pass", "panicked", 0),
    "panic-paused": ("pass", "panicked", 0),
    "panic-absent": ("skip", "all-skipped", 0),
    "no-panic": ("fail", "no-panic", 0),
    "crash-instead-of-panic": ("crash", "fatal", 0),
    "power-off-instead-of-panic": ("fail", "no-panic", 0),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree with the definitions above, and the results of all these tests."""
    top = realtree.copy(
        tmp_path_factory.mktemp("tree"), images=("migrate", "panic", "selftest", "misbehave")
    )
    (top / "configs/0.toml").write_text(DEFINITIONS)
    return top


@pytest.fixture(scope="module")
def results(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = realtree.run(tmp_path_factory.mktemp("results"), *EXPECTED, root=tree)
    return {test["id"]: test for test in found["tests"]}


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict_and_number_of_migrations(results: dict[str, Any], name: str) -> None:
    test = results[name]
    status, cause, migrations = EXPECTED[name]
    found = test["qemu"]["ended"]["migrations"]
    assert (test["status"], test["cause"]) == (status, cause), test["reason"]
    assert found == migrations if migrations is not None else found >= 1


def test_the_log_has_the_output_of_all_machines_in_order(results: dict[str, Any]) -> None:
    lines = Path(results["migrate-continuous"]["log"]).read_text().splitlines()
    assert lines[:3] == [
        "Begin continuous migration",
        "End continuous migration",
        "End continuous migration (quiet)",
    ]
    assert lines[3:5] == [
        "Now migrate the VM, then press a key to continue...",
        "INFO: continuous: Migration complete",
    ]
    assert lines[-1] == "EXIT: STATUS=1"


def test_a_hang_after_a_migration_is_inspected(results: dict[str, Any]) -> None:
    diagnosis = results["migrate-hang"]["diagnosis"]
    assert "hangs in test_hang() at arm/migrate.c" in diagnosis["headline"]


def test_the_command_has_nothing_of_the_harness(results: dict[str, Any]) -> None:
    for test in results.values():
        assert "fd=" not in test["qemu"]["command"]
        assert "-S" not in test["qemu"]["argv"]


def test_the_verdict_can_be_made_again_from_the_log(tree: Path, results: dict[str, Any]) -> None:
    for name in ("migrate-none", "migrate-begin-twice", "no-panic"):
        done = realtree.kut(tree, "parse", results[name]["log"])
        assert done.returncode == 1
        assert results[name]["reason"] in done.stdout


def wrapper(directory: Path, script: str) -> Path:
    program = directory / "qemu"
    program.write_text(f"#!/bin/sh\nqemu={shutil.which('qemu-system-aarch64')}\n{script}\n")
    program.chmod(0o755)
    return program


def test_a_destination_that_fails(tree: Path, tmp_path: Path) -> None:
    refuse = 'case "$*" in *-incoming*) echo "no room" >&2; exit 3;; esac\nexec $qemu "$@"'
    program = wrapper(tmp_path, refuse)
    (test,) = realtree.run(tmp_path, "--qemu", str(program), "migrate-once", root=tree)["tests"]
    reason = "migration 1 failed: the destination ended with exit status 3: no room"
    assert (test["status"], test["cause"]) == ("error", "migration-failed")
    assert test["reason"].startswith(reason)
    assert test["exit_code"] == 5


@pytest.mark.parametrize("name", ["migrate-once", "panic"])
def test_a_wrapper_that_closes_descriptors(tree: Path, tmp_path: Path, name: str) -> None:
    close = "import os, sys; os.closerange(3, 256); os.execvp(sys.argv[1], sys.argv[1:])"
    program = wrapper(tmp_path, f'exec {sys.executable} -c "{close}" $qemu "$@"')
    (test,) = realtree.run(tmp_path, "--qemu", str(program), name, root=tree)["tests"]
    assert (test["status"], test["exit_code"]) == ("error", 5)
    assert "a wrapper of QEMU that closes descriptors" in test["reason"]


def test_a_source_that_is_killed(tree: Path, tmp_path: Path) -> None:
    """Its destination does not stay behind."""
    with start_hanging(tree, tmp_path) as kut:
        source, destination = machines_of(tmp_path)
        os.kill(source, signal.SIGKILL)
        output, _ = kut.communicate(timeout=60)
    assert "QEMU crashed: SIGKILL" in output
    assert not is_alive(source)
    assert not is_alive(destination)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_machine_survives_kut(tree: Path, tmp_path: Path, number: signal.Signals) -> None:
    with start_hanging(tree, tmp_path) as kut:
        machines = machines_of(tmp_path)
        kut.send_signal(number)
        kut.communicate(timeout=60)
    wait_until(lambda: not any(is_alive(each) for each in machines))


def start_hanging(tree: Path, directory: Path) -> "subprocess.Popen[str]":
    """Start a test that hangs, with a destination beside it; the machines are in a file."""
    record = f'[ "$1" = --version ] || echo $$ >>{directory}/machines'
    program = wrapper(directory, f'{record}\nexec $qemu "$@"')
    (tree / "configs/1.toml").write_text(
        '[test.wait]\nimage = "misbehave"\nargs = "hang"\nmigration = true\n'
    )
    return subprocess.Popen(
        [*realtree.KUT, "run", "wait", "--qemu", str(program), "--no-inspect"],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def machines_of(directory: Path) -> list[int]:
    """Return the process numbers of the source and the destination."""
    file = directory / "machines"
    wait_until(lambda: file.exists() and file.read_text().count("\n") == 2)
    return [int(line) for line in file.read_text().split()]


def wait_until(is_true: Callable[[], bool]) -> None:
    while not is_true():  # the timeout of the whole run ends a wait in vain
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


UNITTESTS = """
[many]
file = migrate.flat
test_args = many
groups = migration

[none]
file = migrate.flat
test_args = none
groups = x migration

[no-panic]
file = migrate.flat
test_args = none
groups = panic
"""


def test_groups_of_kvm_unit_tests(tmp_path: Path) -> None:
    flat = realtree.build("migrate")
    (tmp_path / "arm").mkdir()
    for file in (flat, flat.with_suffix(".elf")):
        shutil.copy(file, tmp_path / "arm")
    (tmp_path / "arm/unittests.cfg").write_text(UNITTESTS)
    realtree.kut(tmp_path, "run", "--tree", ".", "--el2", "--json", "results.json")
    tests = json.loads((tmp_path / "results.json").read_text())["tests"]
    assert {test["id"]: test["cause"] for test in tests} == {
        "many": "passed",
        "none": "not-migrated",
        "no-panic": "no-panic",
    }
