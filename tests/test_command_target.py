# SPDX-License-Identifier: GPL-2.0-or-later
"""Target of a command: stand-ins for a VMM, with a log or a real QEMU."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import realtree
from cases import case_of, definition

from kut_runner.definitions.config import TargetDef, TestDef
from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.errors import MissingToolError, UsageError
from kut_runner.process.boot import Launch
from kut_runner.process.resources import OVERHEAD, Resources
from kut_runner.records import saved_log
from kut_runner.records.document import result_to_json
from kut_runner.targets import command, selection
from kut_runner.targets.command import Command
from kut_runner.targets.protocol import ExitMeaning

pytestmark = pytest.mark.qemu

DEFINITION = TargetDef(
    name="vmm",
    command=("bin/vmm", "--kernel={image}"),
    provides=(),
    timeout_factor=1.0,
    version=(),
    dtb="",
    origin="configs/t.toml",
)
EL2 = (("virtualization", "on"),)
EL1 = (("virtualization", "off"),)
TEST = definition("t", machine=EL1, smp=2, memory=64, args="a b {image}")


def program(directory: Path, script: str, name: str = "bin/vmm") -> Path:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def target(tree: Path = Path("/tree"), **changes: Any) -> Command:  # noqa: ANN401 - of TargetDef
    return Command(replace(DEFINITION, **changes), "/tree/bin/vmm", "", tree)


def launch(target: Command, test: TestDef = TEST, timeout: float = 2.0) -> Launch:
    case = case_of(test, Path("/images/t.flat"), target)
    image = replace(case.image, elf=Path("/images/t.elf"))
    return target.launch(test, image, Path("x.log"), timeout, inspect=True)


def test_the_command_line_has_what_the_placeholders_stand_for() -> None:
    arguments = ("bin/vmm", "--kernel={image}", "{elf}", "{args}", "-c{smp}/{memory}", "{dtb}")
    more = ("{virtualization}", "{{image}} {{", "}}", "plain")
    found = launch(target(command=(*arguments, *more), dtb="b/board.dtb"))
    assert found.command == (
        "/tree/bin/vmm",
        "--kernel=/images/t.flat",
        "/images/t.elf",
        "a b {image}",
        "-c2/64",
        "/tree/b/board.dtb",
        "off",
        "{image} {",
        "}",
        "plain",
    )
    assert launch(target(command=("v", "{image}", "{args}")), definition(args="")).command[2] == ""
    assert found.inspector is None
    assert found.uninspectable == "target vmm has no means to inspect a machine"


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 2.0), (100.0, 200.0), (0.5, 1.0)])
def test_the_factor_multiplies_the_timeout(factor: float, seconds: float) -> None:
    assert launch(target(timeout_factor=factor)).timeout == seconds


def test_its_cost_and_its_name() -> None:
    vmm = target()
    assert vmm.cost(TEST) == Resources(2, 64 + OVERHEAD)
    assert (vmm.name, vmm.label, vmm.program) == ("vmm", "vmm", "/tree/bin/vmm")
    assert vmm.times_key == "vmm"
    assert replace(vmm, version="vmm 1.0").times_key == "vmm vmm 1.0"


TELLS = ("bin/vmm", "{image}", "--el2={virtualization}")


@pytest.mark.parametrize(
    ("changes", "test", "missing"),
    [
        ({}, {"machine": EL1}, ""),
        ({}, {"machine": ()}, ""),
        ({}, {"machine": EL2}, "EL2"),
        ({"provides": ("el2",)}, {"machine": EL2}, ""),
        ({"provides": ("el2",)}, {"machine": EL1}, "a machine without EL2"),
        ({"provides": ("el2",), "command": TELLS}, {"machine": EL1}, ""),
        ({"provides": ("el2",), "command": TELLS}, {"machine": EL2}, ""),
        ({"command": TELLS}, {"machine": EL2}, "EL2"),
        ({}, {"machine": (*EL1, ("gic-version", "3"))}, "GICv3"),
        ({"provides": ("gicv2",)}, {"machine": (*EL1, ("gic-version", "3"))}, "GICv3"),
        ({"provides": ("gicv3",)}, {"machine": (*EL1, ("gic-version", "3"))}, ""),
        ({"provides": ("gicv3",)}, {"machine": (*EL1, ("gic-version", "max"))}, ""),
        ({}, {"machine": (*EL1, ("gic-version", "max"))}, "GICvmax"),
        ({}, {"machine": (*EL1, ("mte", "on"))}, "QEMU's machine property mte=on"),
        ({}, {"machine": EL1, "cpu": "cortex-a57"}, "CPU cortex-a57"),
        ({}, {"machine": EL1, "cpu": "max,sve=off"}, "CPU max,sve=off"),
        ({}, {"machine": EL1, "qemu_args": ("-icount", "0")}, "QEMU's options -icount 0"),
        ({}, {"machine": EL1, "needs": (QemuVersion((7, 2)),)}, "qemu>=7.2"),
        ({}, {"machine": EL1, "accelerator": Accelerator("tcg")}, "tcg"),
        ({}, {"machine": EL1, "accelerator": Accelerator("kvm")}, "kvm"),
        ({}, {"machine": EL1, "migration": True}, "migration"),
        ({}, {"machine": EL1, "panic": True}, "the report of a panic"),
    ],
)
def test_what_it_does_not_provide_is_an_unmet_need(
    changes: dict[str, Any], test: dict[str, Any], missing: str
) -> None:
    reason = f"needs {missing}, which target vmm does not provide" if missing else ""
    assert target(**changes).unmet_need(definition("t", **test)) == reason


def test_a_reason_of_the_definition_comes_first() -> None:
    assert target().unmet_need(definition("t", machine=EL2, skip="not here")) == "not here"


@pytest.mark.parametrize(
    ("code", "has_output", "exit_status", "meaning"),
    [
        (0, True, 1, ExitMeaning.POWERED_OFF),
        (0, False, None, ExitMeaning.POWERED_OFF),
        (3, True, 3, ExitMeaning.POWERED_OFF),
        (3, True, 1, ExitMeaning.FAILED),
        (3, True, None, ExitMeaning.FAILED),
        (1, False, None, ExitMeaning.REFUSED),
        (64, False, None, ExitMeaning.REFUSED),
    ],
)
def test_the_meaning_of_its_exit_status(
    code: int, exit_status: int | None, meaning: ExitMeaning, *, has_output: bool
) -> None:
    found = target().meaning(code, stderr="", has_output=has_output, exit_status=exit_status)
    assert found is meaning


def test_a_program_is_found_in_the_tree_or_along_the_path(tmp_path: Path) -> None:
    here, there = program(tmp_path, ""), program(tmp_path, "", "elsewhere/other")
    environment = {"PATH": str(there.parent)}
    assert command.find(DEFINITION, tmp_path, environment).program == str(here)
    other = replace(DEFINITION, command=("other", "{image}"))
    assert command.find(other, tmp_path, environment).program == str(there)
    with pytest.raises(MissingToolError, match="target vmm: other does not exist") as caught:
        command.find(other, tmp_path, {"PATH": str(here.parent)})
    assert "[target.vmm] of configs/t.toml" in caught.value.hint


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo vmm 1.0; echo more", "vmm 1.0"),
        ("echo 'vmm 2.0' >&2", "vmm 2.0"),
        ("exit 3", ""),
        ("echo; echo; echo late", "late"),
        ("yes | tr -d '\\n' | head -c 5000", "y" * 100),
    ],
)
def test_its_version_is_the_first_line(tmp_path: Path, script: str, version: str) -> None:
    program(tmp_path, f'[ "$1" = --version ] || exit 9\n{script}')
    asked = replace(DEFINITION, version=("bin/vmm", "--version"))
    assert command.find(asked, tmp_path, {}).version == version
    assert command.find(DEFINITION, tmp_path, {}).version == ""


def test_a_version_command_that_is_not_there_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "exec sleep 60")
    monkeypatch.setattr(command, "_TIME_LIMIT", 0.1)
    for asked in ("bin/vmm", "/nonexistent/vmm"):
        with pytest.raises(MissingToolError, match=r"target vmm: .* printed no version") as caught:
            command.find(replace(DEFINITION, version=(asked,)), tmp_path, {})
        assert "correct version in [target.vmm]" in caught.value.hint


def test_a_qemu_for_it_makes_no_sense(tmp_path: Path) -> None:
    program(tmp_path, "")
    with pytest.raises(UsageError, match="--qemu and --target vmm contradict each other"):
        selection.open_target(
            "vmm", "/q", tree=tmp_path, definitions=[DEFINITION], environment={"PATH": ""}
        )


#: Boot an image with a real QEMU, with its own options.
QEMU = r"""
[ "$1" != --version ] || { echo "stand-in 3.1"; exit; }
for each; do case $each in
	--kernel=*) kernel=${each#*=} ;; --cpus=*) cpus=${each#*=} ;; --mem=*) mem=${each#*=} ;;
	--el2=*) el2=${each#*=} ;; --params=*) params=${each#*=} ;; *) echo "$each?" >&2; exit 2 ;;
esac; done
exec qemu-system-aarch64 -nodefaults -no-reboot -display none -serial stdio -cpu max \
	-machine virt,gic-version=3,virtualization=$el2 -smp $cpus -m $mem -kernel $kernel \
	-append "$params"
"""
#: Behave as the arguments of the image say, without a machine.
SCRIPT = r"""
case $1 in
pass) printf 'PASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n' ;;
status) printf 'FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n'; exit 3 ;;
hang) echo here; exec sleep 60 ;;
refuse) exit 1 ;;
complain) echo "no such machine" >&2; exit 1 ;;
break) echo here; echo "device broke" >&2; exit 1 ;;
crash) echo here; kill -SEGV $$ ;;
esac
"""
DEFINITIONS = """
[target.stand-in]
command = ["./vmm", "--kernel={image}", "--cpus={smp}", "--mem={memory}",
           "--el2={virtualization}", "--params={args}"]
provides = ["el2", "gicv3"]
version = ["./vmm", "--version"]
[target.script]
command = ["./script", "{args}", "{image}"]
[target.slow]
command = ["./script", "{args}", "{image}"]
timeout_factor = 4
[target.missing]
command = ["./no-such-program", "{image}"]
[defaults]
image = "selftest"
groups = ["nodefault"]
machine = { virtualization = false }
[test.at-el2]
args = "smp=2 mem=256 el=2"
smp = 2
memory = 256
machine = { virtualization = true, gic-version = 3 }
[test.at-el1]
args = "smp=1 mem=128 el=1"
[test.hang-at-el2]
image = "misbehave"
args = "hang"
timeout = 0.5
machine = { virtualization = true }
[test.needy]
cpu = "cortex-a57"
""" + "".join(
    f'[test.{what}]\nargs = "{what}"\ntimeout = 0.3\n'
    for what in ("pass", "status", "hang", "refuse", "complain", "break", "crash")
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = realtree.linked(tmp_path_factory.mktemp("tree"), DEFINITIONS)
    program(top, QEMU, "vmm")
    program(top, SCRIPT, "script")
    assert realtree.kut(top, "build", "selftest", "misbehave").returncode == 0
    return top


def run(tree: Path, name: str, *tests: str) -> tuple[int, dict[str, Any]]:
    """Run tests on a target; return the exit code and the results by name."""
    code = realtree.kut(tree, "run", *tests, "--target", name).returncode
    return code, {test["id"]: test for test in realtree.last_run(tree)["tests"]}


def test_images_run_on_a_vmm_with_other_options(tree: Path) -> None:
    code, tests = run(tree, "stand-in", "at-el2", "at-el1", "needy")
    assert {name: test["status"] for name, test in tests.items()} == {
        "at-el2": "pass",
        "at-el1": "pass",
        "needy": "skip",
    }
    assert code == 0
    skipped = tests["needy"]
    assert skipped["reason"] == "needs CPU cortex-a57, which target stand-in does not provide"
    assert skipped["cause"] == "unmet-need"
    found = realtree.last_run(tree)
    vmm = str(tree / "vmm")
    assert (found["target"], found["qemu"]) == (
        "stand-in",
        {"program": vmm, "version": "stand-in 3.1"},
    )
    ran = tests["at-el2"]
    assert ran["qemu"]["version"] == "stand-in 3.1"
    image = tree / "build/gcc/selftest.flat"
    assert ran["qemu"]["argv"] == [
        vmm,
        f"--kernel={image}",
        "--cpus=2",
        "--mem=256",
        "--el2=on",
        "--params=smp=2 mem=256 el=2",
    ]
    assert {test["target"] for test in tests.values()} == {"stand-in"}
    assert json.loads((tree / "build/times.json").read_text())["times"].keys() == {
        "gcc stand-in stand-in 3.1"
    }


def test_a_hang_is_a_timeout_without_means_to_inspect(tree: Path) -> None:
    for name, hang in (("script", "hang"), ("stand-in", "hang-at-el2")):
        code, tests = run(tree, name, hang)
        assert (code, tests[hang]["status"], tests[hang]["cause"]) == (1, "timeout", "timeout")
        reason = f"target {name} has no means to inspect a machine"
        headline = tests[hang]["diagnosis"]["headline"]
        assert headline == f"where it hangs is not known: {reason}"


def test_a_slow_machine_has_more_time(tree: Path) -> None:
    _, tests = run(tree, "slow", "hang")
    assert tests["hang"]["status"] == "timeout"
    assert tests["hang"]["seconds"] >= 4 * 0.3


@pytest.mark.parametrize(
    ("name", "code", "end"),
    [
        ("pass", 0, ("pass", "passed", "")),
        ("status", 1, ("fail", "checks-failed", "1 of 1 check failed")),
        ("refuse", 6, ("error", "refused", "script refused")),
        ("complain", 6, ("error", "refused", "script refused: no such machine")),
        (
            "break",
            5,
            ("error", "program-failed", "script failed with exit status 1: device broke"),
        ),
        ("crash", 5, ("error", "killed", "script crashed: SIGSEGV")),
    ],
)
def test_what_its_end_means(tree: Path, name: str, code: int, end: tuple[str, str, str]) -> None:
    found, tests = run(tree, "script", name)
    test = tests[name]
    assert (test["status"], test["cause"], test["reason"]) == end
    assert found == code


@pytest.mark.parametrize("name", ["pass", "status", "break", "crash"])
def test_a_saved_log_is_judged_as_its_target_was(tree: Path, name: str) -> None:
    _, tests = run(tree, "script", name)
    log = str(tree / "build/logs" / f"{name}.log")
    (result,) = saved_log.results(log, Path(log).read_bytes())
    parsed = result_to_json(result)
    for key in ("status", "reason", "cause", "exit_code", "target"):
        assert parsed[key] == tests[name][key]


def test_a_run_again_is_on_the_same_target(tree: Path) -> None:
    run(tree, "script", "pass", "status")
    end = realtree.kut(tree, "rerun")
    assert end.returncode == 1
    found = realtree.last_run(tree)
    assert (found["target"], found["qemu"]["program"]) == ("script", str(tree / "script"))
    assert {test["id"]: test["target"] for test in found["tests"]} == {
        "pass": "script",
        "status": "script",
    }


def test_a_target_without_its_program(tree: Path) -> None:
    end = realtree.kut(tree, "run", "pass", "--target", "missing")
    assert end.returncode == 5
    assert "target missing: ./no-such-program does not exist" in end.stderr
    assert "correct command in [target.missing] of configs/0.toml" in end.stderr


def test_there_is_nothing_to_debug_with(tree: Path) -> None:
    end = realtree.kut(tree, "debug", "at-el1", "--target", "stand-in", "--wait")
    assert end.returncode == 2
    assert "target stand-in has no gdb stub that kut supports" in end.stderr


def test_trees_of_kvm_unit_tests_have_no_targets_of_their_own(tree: Path) -> None:
    top = tree / "kvm-unit-tests/arm"
    top.mkdir(parents=True)
    (top / "unittests.cfg").write_text("[a]\nfile = selftest.flat\n")
    shutil.copy(tree / "build/gcc/selftest.flat", top)
    end = realtree.kut(tree, "run", "--tree", top.parent, "--target", "stand-in")
    assert end.returncode == 2
    assert 'no target is called "stand-in"' in end.stderr
