# SPDX-License-Identifier: GPL-2.0-or-later
"""Source trees of kvm-unit-tests: all keys, real images; the file is never executed."""

import json
import os
import platform
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

from kut_runner.bundle import kvm_unit_tests
from kut_runner.definitions.config import TestDef
from kut_runner.errors import ConfigError, UsageError

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
    found = kvm_unit_tests.load(
        tree, has_el2=el2, environment=environment or {}, cpus=cpus, scratch=tree / "build"
    )
    return {test.name: test for test in found.definitions.tests}


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
    assert {name: tests[name].skip for name in tests if tests[name].skip} == {
        "for-arm": "for arch arm, and this is arm64",
        "for-kvm": "for accel kvm, and this is tcg",
        "for-mach": "for machine mach-virt, and this is virt",
        "checked": "needs /proc/sys/kernel/ostype=Other, and it is Linux",
        "disabled": 'disabled_if = [[ "$TARGET" == qemu && -n "$MAX_SMP" ]]',
    }


@pytest.mark.qemu
def test_the_environment_counts(tree: Path) -> None:
    tests = load(tree, {"MAX_SMP": "1", "TARGET": "kvmtool", "TIMEOUT": "5s"})
    assert tests["psci"].smp == 1
    assert tests["selftest-args"].smp == 1
    assert tests["selftest"].timeout == 5.0


@pytest.mark.qemu
def test_the_guest_gets_the_errata(tree: Path) -> None:
    tests = load(tree, {"ERRATA_B": "n", "ERRATA_A": "y", "HOME": "/x"})
    args = tests["selftest"].qemu_args
    path = Path(args[args.index("-initrd") + 1])
    assert path.read_text() == "ERRATA_A=y\nERRATA_B=n\n"
    assert "-initrd" not in load(tree)["selftest"].qemu_args


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
def test_the_accelerator_of_the_environment_reaches_qemu(tree: Path, tmp_path: Path) -> None:
    environment = {"ACCEL": "tcg,thread=single"}
    done, document = kut(
        tmp_path, "--tree", tree, "selftest", "for-kvm", "--el2", environment=environment
    )
    assert done.returncode == 0, done.stderr
    tests = {test["id"]: test for test in document["tests"]}
    argv = tests["selftest"]["qemu"]["argv"]
    assert argv[argv.index("-accel") + 1] == "tcg,thread=single"
    assert tests["for-kvm"]["reason"] == "for accel kvm, and this is tcg"
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
    with pytest.raises(ConfigError) as caught:
        load(tree)
    assert "arm/y.flat does not exist; build it" in caught.value.message
    assert "[c] file: missing" in caught.value.message


@pytest.mark.parametrize(
    ("entry", "words"),
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
        ("check = /etc/passwd=x", ":3: [a] check: /etc/passwd is not below /proc/ or /sys/"),
        ("check = /proc/../etc/passwd=x", ":3: [a] check: "),
        ("check = x", ':3: [a] check: "x" is not path=value'),
        ("file = ../../x.flat", ":3: [a] file: ../../x.flat is not below"),
        ("smpp = 1", ":3: smpp: unknown key; the keys are file, smp"),
        (
            "qemu_params = -accel tcg",
            ":3: [a] qemu_params: -accel may choose the accelerator; set ACCEL in the environment",
        ),
        ("extra_params = -machine virt,accel=kvm", ":3: [a] extra_params: -machine virt,accel=kvm"),
        ("nonsense", ':3: "nonsense" is neither [name] nor key = value'),
        ('qemu_params = """-m', ':3: qemu_params: a closing """ is missing'),
    ],
)
def test_what_is_refused_and_never_executed(
    tmp_path: Path, entry: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tree = written(tmp_path, f"[a]\nfile = x.flat\n{entry}\n")
    with pytest.raises(ConfigError) as caught:
        load(tree)
    assert words in caught.value.message
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
    trusted = kvm_unit_tests.load(
        tree, has_el2=False, environment={}, cpus=4, scratch=tree / "build", trust=True
    )
    assert not any(test.problem for test in trusted.definitions.tests)


def test_all_problems_at_once(tmp_path: Path) -> None:
    tree = written(
        tmp_path, "[a]\nfile = x.flat\nsmp = x\ntimeout = y\n[a]\n[b c]\nfile = x.flat\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tree)
    for words in (":3: [a] smp", ":4: [a] timeout", ":5: [a] is defined twice", ":6: [b c] name"):
        assert words in caught.value.message


def test_no_tree(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a source tree of kvm-unit-tests"):
        load(tmp_path)
    with pytest.raises(ConfigError, match=": no tests"):
        load(written(tmp_path, "# nothing\n"))


@pytest.mark.qemu
@pytest.mark.parametrize("option", [("--compiler", "gcc"), ("--changed",), ("--variant", "O0")])
def test_what_would_build_is_refused(tree: Path, tmp_path: Path, option: tuple[str, ...]) -> None:
    done, _ = kut(tmp_path, "--tree", tree, *option)
    assert done.returncode == 2
    assert f"{option[0]} and --tree contradict each other" in done.stderr


LINE = st.text(st.sampled_from("[]=\"'$(){}#ab \n"), max_size=60)


@given(LINE)
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    problems: list[str] = []
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"kut-unittests-{os.getpid()}.cfg"  # noqa: S108
    path.write_text(text)
    try:
        list(kvm_unit_tests._sections(path, "x", problems))
    finally:
        path.unlink()
