# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself: a real kernel, on a real QEMU, runs real images.

Skipped where its packages cannot be fetched. The first run fetches 17 MB and boots the lab.
"""

import functools
import json
import os
from pathlib import Path
from typing import Any

import emulators
import pytest
import realtree

from kut_runner.build import toolchain
from kut_runner.errors import ExitCode, MissingToolError
from kut_runner.lab import assembly, packages, pins, vmm

pytestmark = pytest.mark.qemu

ENVIRON = {**os.environ, "XDG_CACHE_HOME": str(emulators.CACHE)}


@functools.cache
def qemu() -> str:
    """QEMU of a built lab; the test is skipped where the lab cannot be built."""
    program = emulators.unpacked()
    done = realtree.kut(realtree.ROOT, "lab", "build", "--qemu", program, env=ENVIRON)
    if done.returncode == ExitCode.SETUP_IMPOSSIBLE:
        errors = [line for line in done.stderr.splitlines() if line.startswith("kut: error")]
        pytest.skip(" ".join(errors))
    assert done.returncode == 0, done.stderr
    assert "KVM offers EL2, EL2_E2H0" in done.stdout
    assert "not saved" not in done.stdout
    return program


def run(directory: Path, *args: str) -> dict[str, dict[str, Any]]:
    """Run tests in the lab; return their results by name."""
    report = directory / "results.json"
    options = ("run", "--target", "lab", "--qemu", qemu(), "--json", str(report))
    done = realtree.kut(realtree.ROOT, *options, *args, env=ENVIRON)
    assert report.exists(), done.stderr
    found = json.loads(report.read_text())["tests"]
    return {each["id"]: each for each in found}


def test_images_pass_at_el2_with_vhe_and_without_and_at_el1(tmp_path: Path) -> None:
    names = ("selftest", "library-nvhe", "selftest-el1")
    results = run(tmp_path, *names, "gic-first-v2")
    assert {name: results[name]["status"] for name in names} == dict.fromkeys(names, "pass")
    assert results["selftest"]["target"] == "lab"
    assert results["gic-first-v2"]["reason"] == "needs GICv2, which this lab does not offer"


def test_a_hang_is_decoded_from_the_report_of_the_vmm(tmp_path: Path) -> None:
    found = run(tmp_path, "misbehave-hang-cpus", "--timeout", "0.3")["misbehave-hang-cpus"]
    assert found["cause"] == "timeout"
    diagnosis = found["diagnosis"]
    assert diagnosis["headline"].startswith("hangs in ")
    assert [cpu["cpu"] for cpu in diagnosis["cpus"]] == [0, 1, 2, 3, 4]
    registers = {each["name"] for each in diagnosis["cpus"][0]["registers"]}
    assert registers >= {"PC", "PSTATE", "VBAR_EL2", "SP", "x30"}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_vmm_is_a_static_program_with_each_compiler(tmp_path: Path, compiler: str) -> None:
    qemu()
    try:
        tools = toolchain.find(compiler, ENVIRON)
    except MissingToolError as error:
        pytest.skip(error.message)
    found = pins.load(realtree.ROOT)
    libc, headers = (packages.path(found.packages[use], ENVIRON) for use in ("libc", "headers"))
    program = vmm.build(tmp_path, tools, libc, headers)
    data = program.read_bytes()
    assert data.startswith(b"\x7fELF\x02\x01")
    assert data[18:20] == b"\xb7\x00"  # EM_AARCH64
    assert b"ld-linux" not in data
    assert len(data) < 1 << 20
    assert sorted(path.name for path in program.parent.iterdir()) == [vmm.NAME]
    assert vmm.build(tmp_path, tools, libc, headers) == program


def test_an_initramfs_has_the_vmm_and_busybox() -> None:
    qemu()
    data = assembly.initramfs(realtree.ROOT, ENVIRON).read_bytes()
    for name in (b"bin/busybox\0", b"bin/kut-vmm\0", b"init\0"):
        assert name in data
