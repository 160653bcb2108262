# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees of kvm-unit-tests: all keys, real images; the file is never executed."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.bundle import (
    efi,
    guest_environment,
    kvm_unit_tests,
    tree_variables,
    unittests_cfg,
)
from kut_runner.bundle.build_settings import BuildSettings
from kut_runner.bundle.guest_environment import Emulator
from kut_runner.bundle.kvm_unit_tests import SourceTree
from kut_runner.definitions.config import TestDef
from kut_runner.errors import ConfigError, MissingToolError, UsageError
from kut_runner.targets import qemu_machine

EMULATOR = Emulator("tcg", "7.2.22")
FIXTURE = Path(__file__).parent / "tree"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source tree with images."""
    top = tmp_path_factory.mktemp("tree") / "kvm-unit-tests"
    shutil.copytree(FIXTURE, top)
    for image in ("selftest", "psci", "misbehave"):
        flat = realtree.build(image)
        shutil.copy(flat, top / "arm")
        shutil.copy(flat.with_suffix(".elf"), top / "arm")
    return top


def load(
    tree: Path, environment: Mapping[str, str] | None = None, *, el2: bool = False, cpus: int = 4
) -> dict[str, TestDef]:
    return {test.name: test for test in loaded(tree, environment, el2=el2, cpus=cpus)}


def loaded(
    tree: Path,
    environment: Mapping[str, str] | None = None,
    *,
    el2: bool = False,
    cpus: int = 4,
    strict: bool = False,
) -> tuple[TestDef, ...]:
    return source_tree(tree, environment, el2=el2, cpus=cpus, strict=strict).definitions.tests


def source_tree(
    tree: Path,
    environment: Mapping[str, str] | None = None,
    *,
    el2: bool = False,
    cpus: int = 4,
    strict: bool = False,
) -> SourceTree:
    environment = environment or {}
    accelerator = environment.get("ACCEL", "tcg").partition(",")[0]
    return kvm_unit_tests.load(
        tree,
        has_el2=el2,
        environment={"MAX_SMP": str(cpus), **environment},
        accelerator=accelerator,
        is_strict=strict,
    )


def written(directory: Path, text: str) -> Path:
    """Source tree with this unittests.cfg and an image."""
    (directory / "arm").mkdir()
    (directory / "arm" / "unittests.cfg").write_text(text)
    (directory / "arm" / "x.flat").touch()
    return directory


@pytest.mark.qemu
def test_every_key(tree: Path) -> None:
    tests = load(tree)
    args = tests["selftest-args"]
    assert (args.image, args.smp, args.args) == ("selftest", 2, "smp=2 mem=256")
    assert (args.groups, args.timeout) == (("selftest",), 60.0)
    assert args.qemu_args[-2:] == ("-m", "256")
    assert tests["selftest"].timeout == 90.0
    assert tests["psci"].smp == 4
    assert tests["psci"].qemu_args[-2:] == ("-machine", "gic-version=3")
    assert tests["selftest"].skip == ""
    assert tests["checked-too"].skip == ""
    not_built = f"its image {os.path.relpath(tree)}/arm/not-built.flat does not exist"
    assert {name: tests[name].skip for name in tests if tests[name].skip} == {
        "for-arm": f"for arch arm, and this is arm64; {not_built}",
        "for-kvm": f"for accel kvm, and this is tcg; {not_built}",
        "for-mach": f"for machine mach-virt, and this is virt; {not_built}",
        "checked": f"needs /proc/sys/kernel/ostype=Other, and it is Linux; {not_built}",
        "disabled": 'disabled_if = [[ "$TARGET" == qemu && -n "$MAX_SMP" ]]',
    }


@pytest.mark.qemu
def test_the_environment_counts(tree: Path) -> None:
    tests = load(tree, {"MAX_SMP": "1", "TARGET": "kvmtool", "TIMEOUT": "5s"})
    assert tests["psci"].smp == 1
    assert tests["selftest-args"].smp == 1
    assert tests["selftest"].timeout == 5.0
    assert tests["selftest-args"].timeout == 5.0  # the environment has precedence


@pytest.mark.qemu
def test_the_guest_gets_the_variables_of_upstream(tree: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("# mine\nMINE='a  b'\nTARGET=other\nAGAIN=$MINE-$EL2\n")
    environment = {"ERRATA_B": "n", "ERRATA_A": "y", "KVM_UNIT_TESTS_ENV": str(own), "EL2": "1"}
    done, document = kut(tmp_path, "--tree", tree, "selftest", environment=environment)
    assert done.returncode == 0, done.stderr
    argv = document["tests"][0]["qemu"]["argv"]
    found = Path(argv[argv.index("-initrd") + 1]).read_text().splitlines()
    values = dict(line.split("=", 1) for line in found)
    kernel = platform.release()
    assert values["TARGET"] == "qemu"
    assert values["MINE"] == "a  b"
    assert values["AGAIN"] == "a  b-1"
    assert values["QEMU_ACCEL"] == "tcg"
    assert values["QEMU_VERSION_STRING"].startswith(
        f"QEMU emulator version {values['QEMU_MAJOR']}."
    )
    assert values["KERNEL_VERSION_STRING"] == kernel
    assert kernel.startswith(f"{values['KERNEL_VERSION']}.{values['KERNEL_PATCHLEVEL']}")
    errata = [line for line in found if line.startswith("ERRATA_")]
    assert errata == ["ERRATA_A=y", "ERRATA_B=n", "ERRATA_FORCE=y"]


@pytest.mark.qemu
@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("y", True), ("Y", True), ("0", False)])
def test_el2(tree: Path, value: str, *, is_on: bool) -> None:
    assert kvm_unit_tests.wants_el2({"EL2": value}) == is_on
    machine = (("virtualization", "on"),) if is_on else ()
    assert load(tree, el2=is_on)["selftest"].machine == machine


def kut(
    directory: Path, *args: str | Path, environment: Mapping[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    out = directory / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "kut_runner", "run", "--json", out, *args],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(realtree.ROOT), **(environment or {})},
    )
    return done, json.loads(out.read_text()) if out.exists() else {}


@pytest.mark.qemu
def test_a_run(tree: Path, tmp_path: Path) -> None:
    done, document = kut(tmp_path, "--tree", tree, "--el2")
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = {test["id"]: test["status"] for test in document["tests"]}
    skipped = ("for-arm", "for-kvm", "for-mach", "checked", "disabled")
    assert {name for name in statuses if statuses[name] == "skip"} == set(skipped)
    passed = ("selftest", "selftest-args", "checked-too")
    assert {name for name in statuses if statuses[name] == "pass"} == set(passed)
    selftest = next(test for test in document["tests"] if test["id"] == "selftest")
    assert "virt,virtualization=on" in selftest["qemu"]["command"]
    # With testdev, QEMU exits with the status of the EXIT line.
    assert selftest["qemu"]["ended"]["exit_status"] == 1
    assert not (tree / "build").exists() or not list((tree / "build").glob("runs"))


@pytest.mark.qemu
def test_an_image_without_a_summary_passes_as_in_kvm_unit_tests(tree: Path, tmp_path: Path) -> None:
    done, document = kut(tmp_path, "--tree", tree, "--el2", "silent")
    (test,) = document["tests"]
    assert (done.returncode, test["cause"]) == (0, "passed-unchecked")
    assert "passed with no check and no SUMMARY line" in done.stdout
    done, document = kut(tmp_path, "--tree", tree, "--el2", "silent", "--no-checks=fail")
    assert (done.returncode, document["tests"][0]["cause"]) == (1, "no-summary")


@pytest.mark.qemu
def test_the_accelerator_of_the_environment_reaches_qemu(tree: Path, tmp_path: Path) -> None:
    environment = {"ACCEL": "tcg,thread=single"}
    done, document = kut(
        tmp_path, "--tree", tree, "selftest", "for-kvm", "--el2", environment=environment
    )
    assert done.returncode == 0, done.stderr
    tests = {test["id"]: test for test in document["tests"]}
    argv = tests["selftest"]["qemu"]["argv"]
    assert argv[argv.index("-accel") + 1] == "tcg,thread=single"
    assert tests["for-kvm"]["reason"].startswith("for accel kvm, and this is tcg; its image")
    assert document["options"]["accel"] == "tcg,thread=single"
    done, _ = kut(tmp_path, "--tree", tree, environment={"ACCEL": "nonsense"})
    assert done.returncode == 2
    assert "$ACCEL: 'nonsense' is not an accelerator" in done.stderr


@pytest.mark.skipif(
    platform.machine() in ("aarch64", "arm64"), reason="this host may have a KVM for arm64"
)
@pytest.mark.parametrize(
    ("options", "environment"), [((), {"ACCEL": "kvm"}), (("--target", "kvm"), {})]
)
def test_kvm_on_another_host(
    tmp_path: Path, options: tuple[str, ...], environment: dict[str, str]
) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\n")
    done, _ = kut(tmp_path, "--tree", tree, *options, environment=environment)
    assert done.returncode == 8
    assert f"this host is {platform.machine()}\n" in done.stderr


def test_tests_of_the_accelerator_that_is_asked_for_are_not_skipped(tmp_path: Path) -> None:
    entries = ("[a]\n", "[b]\naccel = kvm\n", "[c]\naccel = tcg\n")
    tree = written(tmp_path, "".join(f"{entry}file = x.flat\n" for entry in entries))
    assert {name: test.skip for name, test in load(tree, {"ACCEL": "kvm"}).items()} == {
        "a": "",
        "b": "",
        "c": "for accel tcg, and this is kvm",
    }


@pytest.mark.qemu
def test_past_runs_are_those_of_the_directory(tree: Path, tmp_path: Path) -> None:
    def then(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kut_runner", *args],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(realtree.ROOT), "EL2": ""},
        )

    done, first = kut(tmp_path, "--tree", tree, "--el2", "fails", "selftest")
    assert done.returncode == 1, done.stderr
    again = then("rerun", "--json", "again.json")
    assert (again.returncode, again.stderr) == (1, "")
    assert "1 failed; 1 kept" in again.stdout
    second = json.loads((tmp_path / "again.json").read_text())
    assert second["options"] == first["options"]
    command = {test["id"]: test["qemu"]["command"] for test in second["tests"]}
    assert "virtualization=on" in command["fails"]
    assert len(then("history").stdout.splitlines()) == 2
    assert "1 still failing, 1 unchanged" in then("compare").stdout


@pytest.mark.qemu
def test_at_el1_and_a_crash_with_its_source(tree: Path, tmp_path: Path) -> None:
    done, document = kut(tmp_path, "--tree", tree, "dies", "fails", environment={"EL2": "n"})
    assert done.returncode == 1
    tests = {test["id"]: test for test in document["tests"]}
    assert tests["dies"]["status"] == "crash"
    assert "virtualization" not in tests["dies"]["qemu"]["command"]
    assert "arm/misbehave.c:" in done.stdout
    assert tests["fails"]["status"] == "fail"
    assert tests["fails"]["qemu"]["ended"]["exit_status"] == 3


@pytest.mark.qemu
def test_a_tree_without_elf_files(tree: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(tree, bare, ignore=shutil.ignore_patterns("*.elf", "build"))
    done, document = kut(tmp_path, "--tree", bare, "dies", "selftest")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    statuses = {test["id"]: test["status"] for test in document["tests"]}
    assert statuses == {"dies": "crash", "selftest": "pass"}


def test_what_is_not_built_is_an_error_and_no_skip(tmp_path: Path) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\n[b]\nfile = y.flat\n[c]\nsmp = 1\n")
    tests = load(tree)
    assert tests["a"].problem == ""
    assert "[b] file: " in tests["b"].problem
    assert "arm/y.flat does not exist; build it" in tests["b"].problem
    assert "[c] file: missing" in tests["c"].problem
    with pytest.raises(ConfigError) as caught:
        loaded(tree, strict=True)
    assert tests["b"].problem in caught.value.message


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("smp = $(touch owned)", ':3: [a] smp: "$(touch owned)" is not supported'),
        ("smp = `touch owned`", ":3: [a] smp: "),
        ("smp = 0", ":3: [a] smp: 0 is not a number of CPUs, 1 to 512"),
        ("test_args = x; touch owned", ':3: [a] test_args: "; touch owned" is not supported'),
        ('test_args = "$(touch owned)"', ":3: [a] test_args: "),
        ("qemu_params = $(touch owned)", ":3: [a] qemu_params: "),
        ("extra_params = -m 1 | touch owned", ":3: [a] extra_params: "),
        ("groups = a `touch owned`", ":3: [a] groups: "),
        ("timeout = 1 fortnight", ":3: [a] timeout: "),
        ("timeout = ten", ':3: [a] timeout: "ten" is not a duration such as 90s or 2m'),
        ("disabled_if = touch owned", ":3: [a] disabled_if: only [[ ... ]]"),
        ("disabled_if = [[ $(touch owned) ]]", ":3: [a] disabled_if: "),
        ("check = /etc/passwd=x", ":3: [a] check: /etc/passwd is not below /proc/sys/ or /sys/"),
        ("check = /proc/self/environ=x", ":3: [a] check: /proc/self/environ is not below"),
        ("check = =x", ':3: [a] check: "=x" is not path=value'),
        ("check = /proc/../etc/passwd=x", ":3: [a] check: "),
        ("check = x", ':3: [a] check: "x" is not path=value'),
        ("file = ../../x.flat", ":3: [a] file: ../../x.flat is not below"),
        ("smp = 2,threads=1 x", ":3: [a] smp: "),
        ("smp = 2,color=1", ':3: [a] smp: "color=1" is not a property of the CPUs'),
        ("smp = 2,4", ':3: [a] smp: "4" is not a property of the CPUs'),
        ("accel = tcg,a b", ":3: [a] accel: "),
        ("accel = tcg,thread", ':3: [a] accel: "tcg,thread" is not an accelerator'),
        ("test_args = a\\", ":3: [a] test_args: a backslash at the end"),
        ("test_args = \x1b]0;x", ":3: [a] test_args: character U+001B is not supported"),
        ("test_args = a\0b", ":3: [a] test_args: character U+0000 is not supported"),
        (f"test_args = {'a' * 40_000}", ":3: test_args: more than 32768 characters"),
        (
            "qemu_params = -accel tcg",
            ":3: [a] qemu_params: -accel may choose the accelerator; set ACCEL in the environment",
        ),
        ("extra_params = -machine virt,accel=kvm", ":3: [a] extra_params: -machine virt,accel=kvm"),
        ('qemu_params = """-m', ':3: qemu_params: a closing """ is missing'),
    ],
)
def test_what_is_refused_and_never_executed(
    tmp_path: Path, entry: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tree = written(tmp_path, f"[a]\nfile = x.flat\n{entry}\n[b]\nfile = x.flat\n")
    tests = load(tree)
    assert message in tests["a"].problem
    assert tests["a"].problem.isprintable()
    assert tests["b"].problem == ""
    assert not list(tmp_path.rglob("owned"))


def test_an_option_that_would_reach_the_host_is_a_problem_of_its_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = "".join(
        f"[{name}]\nfile = x.flat\nqemu_params = {options}\n"
        for name, options in {
            "exec": "-incoming 'exec:touch owned'",
            "log": "-m 256 -D owned",
            "inside": "-initrd arm/x.flat",
            "good": "-machine gic-version=3 -m 256",
        }.items()
    )
    tree = written(tmp_path, entries)
    monkeypatch.chdir(tree)
    tests = load(tree, {"ERRATA_1": "y"})
    assert "-incoming" in tests["exec"].problem
    assert "-D" in tests["log"].problem
    assert not tests["inside"].problem
    assert not tests["good"].problem
    trusted = kvm_unit_tests.load(tree, has_el2=False, environment={"MAX_SMP": "4"}, trust=True)
    assert not any(test.problem for test in trusted.definitions.tests)


PRIVATE = "hunter2"


@pytest.mark.parametrize(
    "entry",
    [
        "test_args = $TOKEN",
        'test_args = "a ${TOKEN}"',
        "qemu_params = -name x$TOKEN",
        "groups = $TOKEN",
        "file = $TOKEN.flat",
        "smp = $((TOKEN))",
        "timeout = $TOKEN",
        "accel = $TOKEN",
        "check = /proc/sys/kernel/ostype=$TOKEN",
        'disabled_if = [[ "$TOKEN" == h* ]]',
    ],
)
def test_a_secret_of_the_environment_stays_there(tmp_path: Path, entry: str) -> None:
    tree = written(tmp_path, f"[good]\nfile = x.flat\n[a]\nfile = x.flat\n{entry}\n")
    found = source_tree(tree, {"TOKEN": PRIVATE})
    assert PRIVATE not in repr(found)
    problem = load(tree, {"TOKEN": PRIVATE})["a"].problem
    assert "$TOKEN is not a variable of kvm-unit-tests; --trust allows all" in problem


def test_a_trusted_tree_has_all_variables_of_the_environment(tmp_path: Path) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\ntest_args = $MINE$UNSET\n")
    environment = {"MINE": "a b", "MAX_SMP": "4"}
    found = kvm_unit_tests.load(tree, has_el2=False, environment=environment, trust=True)
    assert found.definitions.tests[0].args == "a b"


def test_the_variables_of_upstream_can_be_expanded(tmp_path: Path) -> None:
    arguments = "$TARGET $ACCEL $MAX_SMP ${MACHINE} $ERRATA_abc $EL2 $CONFIG_EFI $ARCH [$UNSET]"
    tree = written(tmp_path, f"[a]\nfile = x.flat\ntest_args = {arguments}\n")
    (tree / "config.mak").write_text("ARCH=arm64\nCONFIG_EFI=\nTARGET=qemu\n")
    environment = {"MACHINE": "virt", "ERRATA_abc": "y", "EL2": "1", "TARGET": "other"}
    (test,) = loaded(tree, environment)
    assert test.args == "qemu tcg 4 virt y 1 arm64 []"


def test_config_mak_does_not_stand_for_the_user(tmp_path: Path) -> None:
    """A tree cannot have files checked that its unittests.cfg may not name."""
    tree = written(tmp_path, "[a]\nfile = x.flat\n")
    (tree / "config.mak").write_text("CHECK=/etc/hostname=x\nTIMEOUT=5s\nMACHINE=other\n")
    (test,) = loaded(tree)
    assert (test.skip, test.timeout, test.problem) == ("", 90.0, "")


@pytest.mark.parametrize(
    ("given", "cpus", "expected"),
    [(None, 8, "8"), ("", 8, "8"), (None, 600, "512"), ("3", 8, "3"), ("600", 8, "600")],
)
def test_max_smp(given: str | None, cpus: int, expected: str) -> None:
    environment = {} if given is None else {"MAX_SMP": given}
    assert tree_variables.max_smp(environment, cpus) == expected


@pytest.mark.parametrize(
    "given", ["x", "0", "-1", "2 ", "1e3", "4,threads=2", "\x1b[31m", "\u0664"]
)
def test_max_smp_that_is_no_number(given: str) -> None:
    with pytest.raises(UsageError, match=r"\$MAX_SMP: .* is not a number of CPUs") as caught:
        tree_variables.max_smp({"MAX_SMP": given}, 8)
    assert caught.value.message.isprintable()


def test_all_problems_at_once(tmp_path: Path) -> None:
    tree = written(
        tmp_path, "[a]\nfile = x.flat\nsmp = x\ntimeout = y\n[a]\nx\n[b]\nchekc = x\n[]\n"
    )
    with pytest.raises(ConfigError) as caught:
        loaded(tree, strict=True)
    for message in (
        ":3: [a] smp",
        ":4: [a] timeout",
        ":5: [a] is defined again; this one is called a#2",
        ':6: "x" is neither [name] nor key = value; ignored',
        ":8: chekc: unknown key; ignored",
        ":9: a test without a name is ignored",
    ):
        assert message in caught.value.message


def test_what_kvm_unit_tests_ignores_is_a_warning(tmp_path: Path) -> None:
    text = "stray = 1\n[a]\nfile = x.flat\nchekc = x\nxen_params = -x $(y)\n\x1b]0;x\n"
    found = source_tree(written(tmp_path, text))
    assert found.definitions.tests[0].problem == ""
    places = [warning.partition("cfg")[2] for warning in found.warnings]
    assert places == [
        ":1: stray: before the first [name]; ignored",
        ":4: chekc: unknown key; ignored",
        ':6: "\\x1b]0;x" is neither [name] nor key = value; ignored',
    ]


def test_two_tests_of_one_name(tmp_path: Path) -> None:
    text = "[a]\nfile = x.flat\n[a]\nfile = x.flat\nsmp = 2\n[a#2]\nfile = x.flat\n[a]\n"
    found = source_tree(written(tmp_path, text))
    assert [test.name for test in found.definitions.tests] == ["a", "a#2", "a#2#2", "a#3"]
    assert ":3: [a] is defined again; this one is called a#2" in found.warnings[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tlbflush::page_other", "tlbflush::page_other"),
        ("a/b", "a%2Fb"),
        ("\x1b[31m::error::x", "\\x1b[31m::error::x"),
        ("a" * 200, "a" * 97 + "..."),
    ],
)
def test_any_name(tmp_path: Path, name: str, expected: str) -> None:
    (test,) = loaded(written(tmp_path, f"[{name}]\nfile = x.flat\n"))
    assert test.name == expected


def test_those_of_timer_check_latencies(tmp_path: Path) -> None:
    text = "[a]\nfile = x.flat\ngroups = x timer\n[b]\nfile = x.flat\ngroups = timers\n"
    assert [test.latency for test in loaded(written(tmp_path, text))] == [True, False]


@pytest.mark.parametrize(
    ("value", "smp", "topology"),
    [
        ("2,threads=1", 2, "threads=1"),
        ("cpus=4,sockets=2", 4, "sockets=2"),
        ("sockets=2,cores=3", 6, "sockets=2,cores=3"),
        ("1,maxcpus=8", 1, "maxcpus=8"),
        ("$(($MAX_SMP>3?3:$MAX_SMP)),threads=1", 3, "threads=1"),
    ],
)
def test_topologies(tmp_path: Path, value: str, smp: int, topology: str) -> None:
    (test,) = loaded(written(tmp_path, f"[a]\nfile = x.flat\nsmp = {value}\n"))
    assert (test.smp, test.topology, test.problem) == (smp, topology, "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"""-m 256 \\\n -name guest=x \\\n"""', ("-m", "256", "-name", "guest=x")),
        ('"""-m \\\\\\\n256"""', ("-m", "\\256")),
        ('"""-m 256"""', ("-m", "256")),
        ("""-append 'a  b' -name "x\\"y" # -m 1""", ("-append", "a  b", "-name", 'x"y')),
    ],
)
def test_options_of_qemu(tmp_path: Path, value: str, expected: tuple[str, ...]) -> None:
    text = f"[a]\r\nfile = x.flat\r\nextra_params = -m 1\r\nqemu_params = {value}\n[b]\n"
    test = loaded(written(tmp_path, text))[0]
    assert test.qemu_args[-len(expected) :] == expected
    assert "1" not in test.qemu_args


@pytest.mark.parametrize(
    ("count", "text", "message"),
    [
        (100_000, "nonsense\n", ": 99990 more lines are ignored"),
        (100_000, "[a]\n", ": 100001 tests; at most 20000 are supported"),
        (15_000, "[a]\nsmp = x\n", "and 44949 more problems"),
        (1_000_000, "# comment\n", ": larger than 4 MiB"),
    ],
)
def test_messages_about_many_problems_are_short(
    tmp_path: Path, count: int, text: str, message: str
) -> None:
    tree = written(tmp_path, "[good]\nfile = x.flat\n" + text * count)
    with pytest.raises(ConfigError) as caught:
        loaded(tree, strict=True)
    assert message in caught.value.message
    assert len(caught.value.message) < 20_000
    if text.startswith("[a]"):
        with pytest.raises(ConfigError):
            loaded(tree)


def test_a_tree_that_is_not_built(tmp_path: Path) -> None:
    text = "[a]\nfile = y.flat\n[b]\nfile = z.flat\naccel = kvm\n[c]\nfile = y.flat\n"
    tree = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load(tree)
    assert "none of the 2 images of " in caught.value.message
    assert "./configure --arch=arm64" in caught.value.hint
    (tree / "arm/z.flat").touch()
    assert load(tree)["c"].problem.endswith("arm/y.flat does not exist; build it")


def test_trees_that_are_not_for_arm64(tmp_path: Path) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\n")
    config = tree / "config.mak"
    config.write_text("ARCH=x86_64\nTEST_DIR=x86\n")
    with pytest.raises(UsageError, match="is configured with ARCH=x86_64"):
        load(tree)
    config.write_text("ARCH=arm64\nTARGET=kvmtool\n")
    with pytest.raises(UsageError, match="is configured with TARGET=kvmtool"):
        load(tree)
    config.write_text("ARCH=arm64\nTARGET=$(touch owned)\n")
    with pytest.raises(UsageError, match="touch owned"):
        load(tree)
    config.write_text("ARCH=arm64\nTARGET_CPU=cortex-a72\nCONFIG_EFI=\n")
    assert load(tree)["a"].cpu == "cortex-a72"
    config.write_text("ARCH=arm64\nTARGET_CPU=x -device y\n")
    with pytest.raises(ConfigError, match="TARGET_CPU: x -device y is not a CPU model"):
        load(tree)
    config.write_text("")
    (tree / "arm/x.elf").write_bytes(b"\x7fELF\1\1\1" + bytes(11) + b"\x28\0")
    with pytest.raises(ConfigError, match=r"x\.flat is not for arm64 \(ELF machine 40\)"):
        load(tree)
    other = tmp_path / "other"
    (other / "x86").mkdir(parents=True)
    (other / "x86/unittests.cfg").touch()
    with pytest.raises(UsageError, match="has tests for x86 only"):
        load(other)


def test_an_efi_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\ntest_args = b\n")
    (tree / "config.mak").write_text("ARCH=arm64\nCONFIG_EFI=y\nENVIRON_DEFAULT=no\n")
    (tree / "arm/x.efi").touch()
    found = source_tree(tree)
    test = found.definitions.tests[0]
    assert (test.args, test.timeout) == ("x.efi b", 100.0)
    assert test.machine == (("acpi", "off"),)
    assert found.images["x"].flat == tree / "arm/x.efi"
    monkeypatch.setattr(efi, "_PATHS", ())
    with pytest.raises(MissingToolError) as caught:
        found.adapted([test], EMULATOR, {}, tmp_path)
    assert "apt install qemu-efi-aarch64" in caught.value.hint
    with pytest.raises(MissingToolError, match="no-such-file is not a file"):
        found.adapted([test], EMULATOR, {"EFI_UEFI": "no-such-file"}, tmp_path)
    firmware = tmp_path / "QEMU_EFI.fd"
    firmware.touch()
    (adapted,) = found.adapted([test], EMULATOR, {"EFI_UEFI": str(firmware)}, tmp_path)
    assert adapted.qemu_args[-2:] == ("-bios", str(firmware))


def test_a_file_of_the_kernel_is_no_list_of_errata() -> None:
    settings = BuildSettings(errata=Path("/proc/self/environ"))
    found = guest_environment.variables(Emulator("kvm", "7.2.0"), settings, {}, "6.1.0")
    assert not [name for name in found if name.startswith("ERRATA_")]


def test_errata_of_the_kernel(tmp_path: Path) -> None:
    errata = tmp_path / "errata.txt"
    errata.write_text("#---:\n9e3f7a296940 : 4.9 : one\n8c58be34494b : 5.6 : other\n")
    settings = BuildSettings(errata=errata)
    target = Emulator("kvm", "10.0.2")
    found = guest_environment.variables(target, settings, {"ERRATA_X": "y"}, "5.4.0-42-generic")
    assert {name: value for name, value in found.items() if name.startswith("ERRATA")} == {
        "ERRATA_9e3f7a296940": "y",
        "ERRATA_8c58be34494b": "n",
        "ERRATA_X": "y",
    }
    kernel = ("VERSION_STRING", "VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION")
    assert [found[f"KERNEL_{part}"] for part in kernel] == ["5.4.0-42-generic", *"540", "42"]
    assert [found[f"QEMU_{part}"] for part in ("MAJOR", "MINOR", "MICRO")] == ["10", "0", "2"]


def test_environments_of_other_runs_stay(tmp_path: Path) -> None:
    paths = [guest_environment.write({"A": value}, tmp_path) for value in "xyx"]
    assert paths[0] == paths[2] != paths[1]
    assert [path.read_text() for path in paths] == ["A=x\n", "A=y\n", "A=x\n"]
    assert sorted(tmp_path.iterdir()) == sorted(paths[:2])


@pytest.mark.parametrize(
    ("environment", "skip"),
    [
        ({}, ""),
        ({"CHECK": "/proc/sys/kernel/ostype=Linux"}, ""),
        ({"CHECK": "/proc/sys/kernel/ostype=Other"}, "needs /proc/sys/kernel/ostype=Other"),
    ],
)
def test_check_of_the_environment(tmp_path: Path, environment: dict[str, str], skip: str) -> None:
    text = "[a]\nfile = x.flat\n[b]\nfile = x.flat\ncheck = /proc/sys/kernel/ostype=No\n"
    tests = load(written(tmp_path, text), environment)
    assert tests["a"].skip.startswith(skip)
    assert tests["a"].skip or not skip
    assert bool(tests["b"].skip) is (environment.get("CHECK", "x=No")[-5:] != "Linux")


@pytest.mark.parametrize("variable", ["TIMEOUT", "CHECK"])
def test_a_bad_variable_of_the_environment(tmp_path: Path, variable: str) -> None:
    tree = written(tmp_path, "[a]\nfile = x.flat\n")
    with pytest.raises(UsageError, match=rf"\${variable}: "):
        load(tree, {variable: "$(x)"})


@pytest.mark.qemu
def test_a_refused_test_costs_only_itself(tree: Path, tmp_path: Path) -> None:
    top = written(tmp_path, "[a]\nfile = selftest.flat\n[b::error::]\nfile = y.flat\n[a]\nx\n")
    for suffix in ("flat", "elf"):
        shutil.copy(tree / f"arm/selftest.{suffix}", top / "arm")
    done, document = kut(tmp_path, "--tree", top, "--el2", environment={"GITHUB_ACTIONS": "true"})
    assert done.returncode == 2
    tests = {test["id"]: test for test in document["tests"]}
    assert {name: test["status"] for name, test in tests.items()} == {
        "a": "pass",
        "a#2": "error",
        "b::error::": "error",
    }
    assert tests["b::error::"]["cause"] == "bad-definition"
    assert "arm/y.flat does not exist; build it" in tests["b::error::"]["reason"]
    assert "kut: warning: arm/unittests.cfg:5: [a] is defined again" in done.stderr
    assert not [line for line in done.stdout.splitlines() if line.startswith("::error::")]
    done, _ = kut(tmp_path, "--tree", top, "--strict")
    assert done.returncode == 2
    assert "bad test configuration" in done.stderr


@pytest.mark.qemu
def test_the_number_of_cpus_that_qemu_supports(tree: Path, tmp_path: Path) -> None:
    environment = {"MAX_SMP": "600"}
    done, document = kut(tmp_path, "--tree", tree, "psci", "selftest", environment=environment)
    assert done.returncode == 2
    causes = {test["id"]: test["cause"] for test in document["tests"]}
    assert causes == {"psci": "bad-definition", "selftest": "passed"}
    options = ("--tree", tree, "--probe-maxsmp", "selftest")
    done, document = kut(tmp_path, *options, environment=environment)
    assert done.returncode == 0
    limit = r"kut: warning: MAX_SMP is (8|512) instead of 600: QEMU's limit"  # GIC version 2 or 3
    assert re.search(limit, done.stderr), done.stderr
    done, _ = kut(tmp_path, "selftest", "--probe-maxsmp")
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("output", "most"),
    [
        ("Number of SMP CPUs requested (16) exceeds max CPUs supported by machine 'virt' (8)", 8),
        ("Invalid SMP CPUs 600. The max CPUs supported by machine 'virt-7.2' is 512", 512),
        ("could not load kernel '/dev/null/no-kernel'", None),
    ],
)
def test_the_limit_that_qemu_states(tmp_path: Path, output: str, most: int | None) -> None:
    program = tmp_path / "qemu"
    program.write_text(f'#!/bin/sh\necho "qemu-system-aarch64: {output}" >&2\nexit 1\n')
    program.chmod(0o755)
    assert qemu_machine.most_cpus(str(program), "tcg", "16", has_el2=True) == most


def test_list(tmp_path: Path) -> None:
    text = "[a::b]\nfile = x.flat\ngroups = g h\n[c]\nfile = y.flat\ngroups = nodefault\n"
    written(tmp_path, text)

    def listed(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kut_runner", "list", *args],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(realtree.ROOT)},
        )

    done = listed("--tree", ".")
    assert done.stdout == "a::b  g h\nc     nodefault\n"
    assert "arm/y.flat does not exist; build it" in done.stderr
    assert listed("--tree", ".", "-g", "g").stdout == "a::b  g h\n"
    assert listed("--tree", ".", "--groups").stdout.splitlines()[0].split() == ["g", "1", "test"]
    assert listed("--tree", ".", "--variants").returncode == 2
    assert listed("--strict").returncode == 2
    assert not (tmp_path / "build").exists()


def test_no_tree(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a source tree of kvm-unit-tests"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=": no tests"):
        load(written(tmp_path, "# nothing\n"))


def test_no_tree_for_arm64(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone does not exist"):
        load(tmp_path / "gone")
    for name in ("x86", "riscv"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "unittests.cfg").touch()
    with pytest.raises(UsageError, match="has tests for x86, riscv only"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("tests/psci", "is a standalone test of kvm-unit-tests, a script that", "`kut parse`"),
        ("tests", "is not a source tree of kvm-unit-tests", "{top}"),
        ("arm/unittests.cfg", "is a file, not a source tree", "{top}"),
        ("lib/arm64", "is not a source tree of kvm-unit-tests", "{top}"),
        ("lib/arm64/asm", "is not a source tree of kvm-unit-tests", "configured for arm64"),
    ],
)
def test_a_path_in_a_tree(tmp_path: Path, path: str, message: str, hint: str) -> None:
    top = written(tmp_path, "[a]\nfile = x.flat\n")
    (top / "lib/arm64/asm").mkdir(parents=True)
    (top / "tests").mkdir()
    (top / "tests/psci").write_text("#!/usr/bin/env bash\nexport KUT_STANDALONE=yes\n")
    done, _ = kut(top, "--tree", path)
    assert done.returncode == 2
    assert f"kut: error: {path} {message}" in done.stderr
    assert hint.format(top=f"top of the source tree, {top}\n") in done.stderr


@pytest.mark.parametrize(
    ("option", "hint"), [("-a", "'*' selects all"), ("-t", "--tap FILE"), ("-l", "`kut list")]
)
def test_options_of_run_tests(tmp_path: Path, option: str, hint: str) -> None:
    done, _ = kut(tmp_path, "--tree", ".", option)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"kut: hint: in place of {option} of run_tests.sh, {hint}" in done.stderr


@pytest.mark.qemu
@pytest.mark.parametrize("option", [("--compiler", "gcc"), ("--changed",), ("--variant", "O0")])
def test_what_would_build_is_refused(tree: Path, tmp_path: Path, option: tuple[str, ...]) -> None:
    done, _ = kut(tmp_path, "--tree", tree, *option)
    assert done.returncode == 2
    assert f"{option[0]} and --tree contradict each other" in done.stderr


LINE = st.text(st.sampled_from("[]=\"'$(){}#ab \n"), max_size=60)


@given(LINE)
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"kut-unittests-{os.getpid()}.cfg"  # noqa: S108
    path.write_text(text)
    try:
        unittests_cfg.read(path, "x")
    finally:
        path.unlink()
