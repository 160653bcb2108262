# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut doctor` on hosts with broken tools."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import realtree
from conftest import Kut

from kut_runner.build import toolchain
from kut_runner.health import distribution, doctor, probe
from kut_runner.health.distribution import Distribution
from kut_runner.health.doctor import Finding, Host, State
from kut_runner.health.fixes import Advice
from kut_runner.lab import packages, pins
from kut_runner.targets import kvm
from kut_runner.targets.kvm import KvmHost
from kut_runner.targets.qemu import Qemu

QEMU: Final = shutil.which("qemu-system-aarch64") or ""
GCC: Final = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-objcopy")

#: A QEMU that prints a version, and otherwise runs a script.
SAYS_VERSION: Final = 'if [ "$1" = --version ]; then echo "QEMU emulator version %s"; exit; fi\n'
#: An objcopy whose image powers off without output.
POWER_OFF: Final = (
    """printf '\\000\\001\\200\\122\\000\\200\\260\\162\\003\\000\\000\\324' >"$4"\n"""
)
WITHOUT_EL2: Final = (
    'for a; do shift; [ "$a" != virt,virtualization=on ] || a=virt; set -- "$@" "$a"; done\n'
    f'exec {QEMU} "$@"\n'
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a host with only GCC and QEMU in PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tree").mkdir()
    for name in (*GCC, "qemu-system-aarch64"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    environ = {"PATH": str(tmp_path / "bin")}
    return Host(environ, tmp_path / "tree", distribution=Distribution.DEBIAN)


def put(host: Host, name: str, script: str) -> None:
    """Replace a program by a script."""
    program = Path(host.environ["PATH"]) / name
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\n{script}")
    program.chmod(0o755)


def find(host: Host, what: str) -> Finding:
    (found,) = [finding for finding in doctor.examine(host) if finding.what == what]
    return found


@pytest.mark.qemu
def test_a_machine_that_has_what_it_takes(host: Host) -> None:
    findings = doctor.examine(host)
    states = {finding.what: finding.state for finding in findings}
    assert doctor.is_good(findings)
    assert states["QEMU"] == states["EL2 in QEMU"] == states["compiler gcc"] == State.GOOD
    assert states["ninja"] == states["build directory"] == State.GOOD
    assert states["compiler clang"] == states["debugger"] == State.NOTE
    found = next(finding for finding in findings if finding.what == "compiler gcc").found
    assert found.endswith("gcc compiles and links; the image boots")


@pytest.mark.qemu
def test_clang_is_tried_likewise(host: Host) -> None:
    for name in ("clang", "ld.lld", "llvm-objcopy"):
        (Path(host.environ["PATH"]) / name).symlink_to(shutil.which(name) or name)
    assert find(host, "compiler clang").state == State.GOOD


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ((SAYS_VERSION % "9.0.0") + WITHOUT_EL2, "an image runs at EL1, not at EL2"),
        (
            (SAYS_VERSION % "2.8.0") + "echo property virtualization not found >&2; exit 1\n",
            "an image does not boot: property virtualization not found",
        ),
        ((SAYS_VERSION % "9.0.0") + "exec sleep 1000\n", "an image does not boot: timeout after"),
        ((SAYS_VERSION % "9.0.0") + "kill -SEGV $$\n", "exit status -11 and no output"),
        ((SAYS_VERSION % "9.0.0") + "echo EL2; exit 1\n", "an image does not boot: EL2"),
        ((SAYS_VERSION % "9.0.0") + "exit 0\n", "exit status 0 and no output"),
    ],
    ids=["at-el1", "refuses", "hangs", "dies", "fails-in-the-end", "silent"],
)
def test_a_qemu_that_is_no_use(host: Host, script: str, message: str) -> None:
    put(host, "qemu-system-aarch64", script)
    time_limit = 0.5 if "sleep" in script else host.time_limit
    host = replace(host, time_limit=time_limit) if "sleep" in script else host
    wrong = find(host, "EL2 in QEMU")
    assert message in wrong.found
    assert wrong.state == State.PROBLEM
    assert wrong.fix


@pytest.mark.qemu
def test_an_old_qemu_is_told_of_and_that_it_works_all_the_same(host: Host) -> None:
    put(host, "qemu-system-aarch64", (SAYS_VERSION % "6.2.0") + f'exec {QEMU} "$@"\n')
    old = find(host, "QEMU")
    assert "6.2.0, " in old.found
    assert old.found.endswith("; the oldest tested version is 7.2")
    assert old.state == State.NOTE
    assert "-m kut_runner toolchain install qemu@" in old.fix or "newer" in old.fix


@pytest.mark.qemu
def test_a_qemu_that_is_none(host: Host) -> None:
    put(host, "qemu-system-aarch64", "echo I am a teapot; exit 1\n")
    wrong = find(host, "QEMU")
    assert "is not QEMU; --version prints: I am a teapot" in wrong.found
    assert wrong.state == State.PROBLEM


@pytest.mark.qemu
def test_without_qemu_the_compiler_is_tried_nevertheless(host: Host) -> None:
    (Path(host.environ["PATH"]) / "qemu-system-aarch64").unlink()
    wrong = find(host, "QEMU")
    assert wrong.state == State.PROBLEM
    assert "qemu-system-arm" in wrong.fix or "install qemu" in wrong.fix
    assert find(host, "compiler gcc").found.endswith("gcc compiles and links")


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("tool", "script", "message"),
    [
        ("gcc", "echo cc1: not found; exit 1\n", "gcc does not compile: cc1: not found"),
        ("gcc", "exec sleep 1000\n", "gcc does not compile: timeout after"),
        ("ld", "echo ld: error: no such emulation; exit 1\n", "does not link: ld: error: no such"),
        ("ld", "exit 0\n", "does not make a flat image: "),
        ("objcopy", "exit 1\n", "does not make a flat image: exit status 1 and no output"),
        ("objcopy", "exit 0\n", "does not make a flat image: no output file"),
        ("objcopy", POWER_OFF, "gcc an image does not boot: exit status 0 and no output"),
    ],
)
def test_a_compiler_that_is_no_use(host: Host, tool: str, script: str, message: str) -> None:
    put(host, f"aarch64-linux-gnu-{tool}", script)
    hangs = "sleep" in script
    wrong = find(replace(host, time_limit=0.5) if hangs else host, "compiler gcc")
    assert message in wrong.found
    assert wrong.state == State.PROBLEM
    assert "gcc" in wrong.fix


@pytest.mark.qemu
def test_one_good_compiler_is_enough_unless_another_is_asked_for(host: Host) -> None:
    for name in ("clang", "ld.lld", "llvm-objcopy"):
        (Path(host.environ["PATH"]) / name).symlink_to(shutil.which(name) or name)
    put(host, "aarch64-linux-gnu-ld", "exit 1\n")
    findings = doctor.examine(host)
    assert doctor.is_good(findings)
    assert find(host, "compiler gcc").state == State.NOTE
    assert not doctor.is_good(doctor.examine(replace(host, compiler="gcc")))


@pytest.mark.qemu
def test_a_missing_compiler_is_named_with_what_installs_it(host: Host) -> None:
    for name in GCC:
        (Path(host.environ["PATH"]) / name).unlink()
    if toolchain.preferred(host.environ) == "gcc":  # that is, no zig beside this Python
        wrong = find(host, "compiler gcc")
        assert wrong.state == State.PROBLEM
        assert "gcc" in wrong.fix


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("name", "script", "state"),
    [
        ("gdb-multiarch", "echo The target architecture is set to aarch64", "good"),
        ("gdb", "echo Undefined item: aarch64", "note"),
        ("gdb", "echo nothing; exit 1", "note"),
    ],
)
def test_a_debugger_has_to_know_the_architecture(
    host: Host, name: str, script: str, state: str
) -> None:
    put(host, name, script)
    assert find(host, "debugger").state == state


@pytest.mark.qemu
def test_an_unpacked_debugger_is_found(host: Host, tmp_path: Path) -> None:
    unpacked = tmp_path / "kut/tools/gdb/bin"
    unpacked.mkdir(parents=True)
    put(replace(host, environ={"PATH": str(unpacked)}), "gdb-multiarch", "exit 0")
    environ = {**host.environ, "XDG_CACHE_HOME": str(tmp_path)}
    assert find(replace(host, environ=environ), "debugger").state == State.GOOD


@pytest.mark.qemu
def test_a_compiler_without_its_linker_is_installed_again(host: Host) -> None:
    (Path(host.environ["PATH"]) / "aarch64-linux-gnu-ld").unlink()
    wrong = find(host, "compiler gcc")
    assert "aarch64-linux-gnu-ld is not installed" in wrong.found
    assert " toolchain install gcc && " in wrong.fix  # the replacement is not from a package


@pytest.mark.qemu
def test_a_qemu_that_was_asked_for_and_is_not_there(host: Host) -> None:
    assert find(replace(host, qemu="/nowhere"), "QEMU").fix == "omit --qemu"
    for name in ("KUT_QEMU", "QEMU"):
        asking = replace(host, environ={**host.environ, name: "/nowhere"})
        assert find(asking, "QEMU").fix == "unset KUT_QEMU QEMU"
    unpacked = find(replace(host, qemu="qemu@sid"), "QEMU")
    assert unpacked.found == "qemu@sid is not unpacked"
    assert unpacked.fix.endswith(" toolchain install qemu@sid")


def target(name: str, host: Host, scratch: Path) -> Finding:
    """The finding about a target; QEMU, which does not matter, is an old one."""
    findings = doctor._targets(host, Qemu(Path("/q"), (7, 2, 0)), scratch)
    return next(each for each in findings if each.what == f"target {name}")


def test_what_the_lab_lacks(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path), "PATH": str(tmp_path / "bin")}
    host = Host(environ, tmp_path, distribution=Distribution.DEBIAN)
    (tmp_path / "bin").mkdir()
    nothing = target("lab", host, tmp_path)
    reason = "no lab: it needs QEMU 10.0 or later, and qemu@trixie-backports is not unpacked"
    assert (nothing.found, nothing.state) == (reason, State.NOTE)
    assert nothing.fix.endswith(" lab build")
    put(host, "old", SAYS_VERSION % "7.2.0")
    old = target("lab", replace(host, qemu="old"), tmp_path)
    assert old.found.startswith("QEMU 7.2.0 does not emulate nested virtualization (FEAT_NV2)")
    assert isinstance(old.fix, Advice)
    put(host, "my qemu", SAYS_VERSION % "11.1.3")
    host = replace(host, qemu="my qemu")
    nothing = target("lab", host, tmp_path)
    assert nothing.found == "no lab: its packages are not fetched"
    assert nothing.fix.endswith(" lab build --qemu 'my qemu'")
    found = pins.load(tmp_path)
    for package in (*found.packages.values(), found.kernels[found.kernel]):
        modules = packages.path(package, environ) / "usr/lib/modules/7.3.4-arm64"
        modules.mkdir(parents=True)
        (modules / "vmlinuz").write_bytes(b"")
    assert target("lab", host, tmp_path) == Finding(
        "target lab", "Linux 7.3.4-arm64 on a CPU that QEMU 11.1.3 emulates"
    )
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/lab.toml").write_text("kernel = 7")
    wrong = target("lab", host, tmp_path)
    assert "configs/lab.toml: release: give a release of Debian" in wrong.found
    assert wrong.state == State.NOTE
    homeless = replace(host, environ={"PATH": environ["PATH"]}, tree=None)
    (tmp_path / "scratch").mkdir()
    wrong = target("lab", homeless, tmp_path / "scratch")
    assert (wrong.found, wrong.fix) == ("no directory for the lab", "set XDG_CACHE_HOME or HOME")


def test_what_nested_kvm_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host({"XDG_CACHE_HOME": str(tmp_path), "PATH": ""}, tmp_path)
    monkeypatch.setattr(kvm, "probe", lambda: KvmHost("", has_el2=False))
    without = target("kvm-nested", host, tmp_path)
    assert "not on this host: KVM of this host offers no nested virtualization" in without.found
    assert without.fix == "--target lab emulates such a host"
    monkeypatch.setattr(kvm, "probe", lambda: KvmHost("", has_el2=True))
    missing = target("kvm-nested", host, tmp_path)
    assert (missing.found, missing.state) == ("no lab: its packages are not fetched", State.NOTE)
    assert missing.fix.endswith(" lab build --vmm")
    for use in ("libc", "headers"):
        packages.path(pins.load(tmp_path).packages[use], host.environ).mkdir(parents=True)
    good = target("kvm-nested", host, tmp_path)
    assert good.found == f"runs images at EL2 on Linux {os.uname().release}"
    assert good.state == State.GOOD


@pytest.mark.qemu
def test_half_a_python_package_is_a_problem(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "elftools.elf.elffile", None)
    wrong = find(host, "package pyelftools")
    assert wrong.state == State.PROBLEM
    assert wrong.fix == f"{sys.executable} -m pip install --force-reinstall pyelftools"


def test_ninja_that_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "ninja").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "ninja").chmod(0o755)
    assert probe.ninja(str(tmp_path / "ninja"), tmp_path, 10).startswith("does not build: ")
    assert probe.ninja(str(tmp_path / "none"), tmp_path, 10).endswith("No such file or directory")


@pytest.mark.qemu
def test_a_tree_that_cannot_be_written(host: Host) -> None:
    assert host.tree
    (host.tree / "build").write_text("a file")
    wrong = find(host, "build directory")
    assert wrong.state == State.PROBLEM
    assert wrong.fix == f"rm {host.tree}/build"


@pytest.mark.qemu
def test_a_directory_in_the_build_directory_that_another_call_left(host: Host) -> None:
    assert host.tree
    (host.tree / "build/gcc").mkdir(parents=True)
    assert find(host, "build directory").state == State.GOOD
    (host.tree / "build/gcc").chmod(0o555)
    expected = State.GOOD if os.geteuid() == 0 else State.PROBLEM
    assert find(host, "build directory").state == expected
    (host.tree / "build/gcc").chmod(0o755)
    assert not [*(host.tree / "build/gcc").iterdir()]


@pytest.mark.qemu
def test_what_the_build_directory_links_to_need_not_be_writable(host: Host) -> None:
    assert host.tree
    (host.tree / "build").mkdir()
    (host.tree / "build/lib").symlink_to("/proc/self/fdinfo")
    assert find(host, "build directory").state == State.GOOD


@pytest.mark.parametrize(
    ("amount", "state"), [(63, "problem"), (64, "note"), (511, "note"), (512, "good")]
)
def test_little_room_is_noted_and_none_is_a_problem(amount: int, state: str) -> None:
    finding = doctor._amount("disk", amount, "", (64, 512))
    assert finding.state == state
    assert bool(finding.fix) == (state != "good")


@pytest.mark.qemu
def test_the_machine_code_is_the_assembly(tmp_path: Path) -> None:
    (tmp_path / "a.s").write_text(probe.ASSEMBLY)
    for tool, *args in (
        ("as", "a.s", "-o", "a.o"),
        ("objcopy", "-O", "binary", "a.o", "a.bin"),
    ):
        subprocess.run([f"aarch64-linux-gnu-{tool}", *args], cwd=tmp_path, check=True)
    assert (tmp_path / "a.bin").read_bytes() == probe.IMAGE


def test_the_table_ends_with_what_mends_the_problems() -> None:
    findings = (
        Finding("QEMU", "none", State.PROBLEM, "get one"),
        Finding("ninja", "builds"),
        Finding("debugger", "none", State.NOTE, Advice("ask for gdb")),
    )
    assert list(doctor.table(findings)) == [
        "problem  QEMU      none",
        "good     ninja     builds",
        "note     debugger  none",
        "to fix QEMU:",
        "  get one",
        "to get debugger: ask for gdb",
    ]
    keys = ("what", "found", "state", "fix", "advice")
    assert doctor.document(findings) == {
        "version": 1,
        "good": False,
        "findings": [
            dict(zip(keys, values, strict=True))
            for values in (
                ("QEMU", "none", "problem", "get one", ""),
                ("ninja", "builds", "good", "", ""),
                ("debugger", "none", "note", "", "ask for gdb"),
            )
        ],
    }


def test_the_table_keeps_to_the_width_of_the_terminal() -> None:
    program = "/usr/bin/a-very-long-name-of-a-compiler-for-arm64"
    message = f"{program} compiles and links; the image boots"
    fix = f"one command, {'whole, ' * 20}to be pasted"
    rows = (Finding("compiler gcc", message), Finding("ninja", "", State.PROBLEM, fix))
    assert list(doctor.table(rows, 80)) == [
        f"good     compiler gcc  {program}",
        "                       compiles and links; the image boots",
        "problem  ninja         ",
        "to fix ninja:",
        f"  {fix}",
    ]
    assert next(doctor.table(rows, 9)).endswith("-arm64")
    assert next(doctor.table(rows)).endswith("boots")


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("ID=debian\n", Distribution.DEBIAN),
        ('ID=ubuntu\nID_LIKE="debian"\n', Distribution.DEBIAN),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", Distribution.DEBIAN),
        ("ID=fedora\n", Distribution.FEDORA),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', Distribution.FEDORA),
        ("NAME=x\nID=manjaro\nID_LIKE=arch\n", Distribution.ARCH),
        ("ID=gentoo\n", None),
        ("nonsense", None),
    ],
)
def test_distributions_tell_who_they_are(
    tmp_path: Path, release: str, expected: Distribution | None
) -> None:
    file = tmp_path / "os-release"
    file.write_text(release)
    assert distribution.identify("linux", file) is expected
    assert distribution.identify("linux", tmp_path / "none") is None
    assert distribution.identify("darwin", file) is Distribution.MACOS


def test_the_packages_are_those_of_the_front_doors_and_of_the_readme() -> None:
    text = (realtree.ROOT / "scripts/setup.sh").read_text().replace("\\\n", "")
    lines = re.findall(r'add_missing (\w+) ("[^"]*")(.*)', text)
    assert len(lines) == 4
    in_doors = {}
    for name, _, rest in lines:
        in_doors[name] = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', rest)]
        if name != "python":
            assert in_doors[name] == [*distribution.PACKAGES[name].values()]
    readme = (realtree.ROOT / "README.md").read_text()
    rows = re.findall(r"^\| (?:Debian|Fedora|Arch|macOS).*", readme, re.MULTILINE)
    table = [re.findall(r"`([^`]*)`", row) for row in rows]
    in_readme = zip(("qemu", "gcc", "clang", "python"), zip(*table, strict=True), strict=True)
    assert {name: [*packages] for name, packages in in_readme} == in_doors


@pytest.mark.qemu
def test_the_command(kut: Kut, tree: Path, tmp_path: Path) -> None:
    end = kut("doctor", "--json", "d.json")
    assert end.returncode == 0, end.stdout
    assert json.loads((tree / "d.json").read_text())["good"]
    assert re.search(rf"^good +Python +{sys.version.split()[0]}, ", end.stdout, re.MULTILINE)
    env = {"PATH": f"{tmp_path}/none", "KUT_QEMU": "", "QEMU": "", "HOME": "", "XDG_CACHE_HOME": ""}
    end = kut("doctor", "--compiler", "clang", env=env)
    assert end.returncode == 5
    assert "problem  QEMU " in end.stdout
    assert "to fix compiler clang:\n  " in end.stdout
    assert kut("doctor", cwd=tmp_path).stdout.count("none here") == 1
    assert not [*(tree / "build").glob("tmp*")]
