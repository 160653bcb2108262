# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab itself: a real kernel, on a real QEMU, runs real images.

Skipped where its packages cannot be fetched. The first run fetches 17 MB and boots the lab.
"""

import functools
import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import emulators
import pexpect
import pytest
import realtree

from kut_runner.build import toolchain
from kut_runner.errors import ExitCode, MissingToolError, TargetUnavailableError
from kut_runner.lab import assembly, packages, pins, vmm
from kut_runner.targets import lab, lab_boot, lab_machine

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


def test_a_shell_has_the_files_and_a_terminal(tmp_path: Path) -> None:
    program = qemu()
    (tmp_path / "script").write_text("#!/bin/sh\necho from the file\n")
    arguments = [*realtree.KUT, "lab", "shell", "--qemu", program, str(tmp_path / "script")]
    shell = pexpect.spawn(arguments[0], arguments[1:], cwd=realtree.ROOT, env=ENVIRON, timeout=120)
    shell.expect("lab:.*# ")
    shell.sendline("./script; uname -r")
    shell.expect(r"from the file\s+\S+-arm64\s")
    shell.sendline("""sh -c 'echo as""leep; sleep 1000'""")
    shell.expect("asleep")
    shell.sendintr()
    shell.expect("lab:.*# ")
    shell.sendeof()
    shell.expect("Power down")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_a_kernel_without_kvm_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = lab.find("", qemu(), realtree.ROOT, ENVIRON)
    monkeypatch.setattr(lab_machine, "_KERNEL_ARGUMENTS", "console=ttyAMA0 kvm-arm.mode=none")
    with pytest.raises(TargetUnavailableError) as caught:
        lab_boot.booted(tmp_path, found.qemu, found.kernel, found.initramfs)
    assert caught.value.message == (
        "kernel 7.3 has no KVM that works: /dev/kvm cannot be opened: No such file or directory"
    )
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_killed_boot_leaves_no_process_and_no_broken_lab(tmp_path: Path) -> None:
    program = qemu()
    kept = Path(ENVIRON["XDG_CACHE_HOME"]) / "kut/lab"
    own = tmp_path / "kut/lab"
    own.mkdir(parents=True)
    (own / "packages").symlink_to(kept / "packages")
    environ = {**ENVIRON, "XDG_CACHE_HOME": str(tmp_path)}
    build = [*realtree.KUT, "lab", "build", "--qemu", program]
    for seconds in (0.4, 1.5, 4.0):
        with subprocess.Popen(build, cwd=realtree.ROOT, env=environ) as process:
            time.sleep(seconds)
            process.kill()
        wait_until(lambda: not processes_with(str(tmp_path)))
    done = subprocess.run(build, cwd=realtree.ROOT, env=environ, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not list(own.glob("*/.new.*"))


def test_a_killed_run_leaves_no_process() -> None:
    argv = [*realtree.KUT, "run", "--target", "lab", "--qemu", qemu(), "misbehave-hang"]
    with subprocess.Popen(argv, cwd=realtree.ROOT, env=ENVIRON) as process:
        wait_until(lambda: processes_with("misbehave-hang.kernel"))
        process.kill()
    wait_until(lambda: not processes_with("misbehave-hang.kernel"))


def processes_with(text: str) -> list[str]:
    """Return the command lines of processes of this tree that contain a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if text in line and str(realtree.ROOT) in line:
                found.append(line)
    return found


def wait_until(is_done: Callable[[], object]) -> None:
    """Wait until something is done; pytest ends a test that takes too long."""
    while not is_done():
        time.sleep(0.05)
