# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that change the machines of one run, and traces of QEMU."""

import json
import shutil
from pathlib import Path

import click
import pytest
import realtree
from cases import definition

from kut_runner.cli import kut
from kut_runner.definitions.overrides import NO_OVERRIDES, Overrides
from kut_runner.errors import UsageError
from kut_runner.records.document import RunMetadata
from kut_runner.run import rerun
from kut_runner.targets.qemu_machine import trace_file

ALL = Overrides("cortex-a57", 2, 64, "a b", ("-d", "int"))


def test_values_replace_those_of_each_test_and_options_follow_them() -> None:
    tests = [definition("a", qemu_args=("-icount", "0")), definition("b", args="old")]
    first, second = ALL.apply(tests)
    assert (first.cpu, first.smp, first.memory, first.args) == ("cortex-a57", 2, 64, "a b")
    assert first.qemu_args == ("-icount", "0", "-d", "int")
    assert (second.args, second.qemu_args) == ("a b", ("-d", "int"))
    assert Overrides(append="").apply(tests)[1].args == ""
    assert NO_OVERRIDES.apply(tests) == tuple(tests)
    (wide,) = Overrides(smp=4).apply([definition(smp=2, topology="cores=2")])
    assert (wide.smp, wide.topology) == (4, "")


@pytest.mark.parametrize("each", [ALL, NO_OVERRIDES, Overrides(append=""), Overrides(smp=3)])
def test_values_come_back_from_the_document_of_a_run(each: Overrides) -> None:
    assert Overrides.from_json(json.loads(json.dumps(each.to_json()))) == each


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--smp", "0"], "--smp 0: not valid"),
        (["--smp", "513"], "--smp 513: not valid"),
        (["--memory", "8"], "--memory 8: not valid"),
        (["--memory", "2048G"], "--memory 2097152: not valid"),
        (
            ["--memory", "1T"],
            "Invalid value for '--memory': '1T' is not a number of MiB, nor one with M or G.",
        ),
        (
            ["--qemu-arg", "-d int"],
            "--qemu-arg '-d int' has an option and its value in one argument",
        ),
        (["--cpu", ""], "--cpu : not valid"),
        (["--append", "a\nb"], "--append a\\nb: not valid"),
        (["--qemu-arg=-accel", "--qemu-arg=kvm"], "--qemu-arg -accel may choose the accelerator"),
    ],
)
@pytest.mark.parametrize("command", ["run", "watch", "debug"])
def test_a_bad_value_is_a_usage_error(command: str, args: list[str], message: str) -> None:
    end = realtree.kut(realtree.ROOT, command, "selftest", *args)
    assert (end.returncode, end.stdout) == (2, "")
    assert end.stderr.splitlines()[0] == f"kut: error: {message}"
    assert end.stderr.splitlines()[1].startswith("kut: hint: ")


def test_memory_may_have_the_suffix_of_qemu() -> None:
    with click.Context(kut) as context:
        command = kut.get_command(context, "debug")
    assert command
    for text, mebibytes in (("64", 64), ("64M", 64), ("1G", 1024), ("2g", 2048)):
        context = command.make_context("debug", ["one", "--memory", text])
        assert context.params["memory"] == mebibytes


def test_a_document_with_bad_values_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="--smp 0: not valid"):
        Overrides.from_json({"smp": 0})


LOG = Path("/logs/x.y.log")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), None),
        (("-icount", "0"), None),
        (("-append", "d"), None),
        (("-dfilter", "0x40000000"), None),
        (("-d", "int"), "/logs/x.y.trace"),
        (("--d", "int"), "/logs/x.y.trace"),
        (("-trace", "gic*"), "/logs/x.y.trace"),
        (("-d", "int", "-D", "/own"), "/own"),
        (("-D", "/first", "-d", "int", "-D", "/own"), "/own"),
        (("-D", "/own"), None),
    ],
)
def test_the_file_of_a_trace(options: tuple[str, ...], expected: str | None) -> None:
    assert trace_file(options, LOG) == (expected and Path(expected))


def test_qemu_takes_a_percent_sign_for_a_format() -> None:
    assert trace_file(("-d", "int"), Path("/logs/50%/x.log")) is None


@pytest.mark.qemu
def test_one_run_on_another_machine_is_recorded_and_repeated(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path)
    machine = ("--cpu", "cortex-a57", "--smp", "2", "--memory", "64", "--append", "unknown")
    trace = ("--qemu-arg", "-d", "--qemu-arg=int", "--qemu-arg=-icount", "--qemu-arg=1")
    end = realtree.kut(tree, "run", "selftest", *machine, *trace)
    assert end.returncode == 1
    first = realtree.last_run(tree)
    assert "        trace: build/logs/selftest.trace\n" in end.stdout
    options = {"cpu": "cortex-a57", "smp": 2, "memory": 64, "append": "unknown"}
    options |= {"qemu_args": ["-d", "int", "-icount", "1"]}
    assert options.items() <= first["options"].items()
    realtree.kut(tree, "rerun")
    again = realtree.last_run(tree)
    assert again["rerun_of"] == first["run"]
    for found in (first, again):
        assert found["options"] == first["options"]
        (test,) = found["tests"]
        argv = test["qemu"]["argv"]
        for option, value in (("-cpu", "cortex-a57"), ("-smp", "2"), ("-m", "64")):
            assert argv[argv.index(option) + 1] == value
        assert argv[argv.index("-append") + 1] == "unknown"
        assert argv[argv.index("-d") :][:4] == ["-d", "int", "-icount", "1"]
        assert test["status"] == "fail"
        assert "unknown argument unknown" in test["reason"]


def test_options_of_qemu_in_a_document_of_a_stranger_are_checked(tmp_path: Path) -> None:
    safe = RunMetadata(options={"qemu_args": ["-icount", "1"], "smp": 2})
    assert rerun.overrides(safe, tmp_path, trust=False).smp == 2
    harmful = RunMetadata(run="ID", options={"qemu_args": ["-d", "int", "-D", "/etc/x"]})
    with pytest.raises(UsageError, match="run ID: QEMU option -d is refused"):
        rerun.overrides(harmful, tmp_path, trust=False)
    assert rerun.overrides(harmful, tmp_path, trust=True).qemu_args[0] == "-d"


@pytest.mark.qemu
def test_a_run_of_a_stranger_is_rerun_with_trust_only(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path / "tree")
    args = ("--append", "unknown", "--qemu-arg=-D", f"--qemu-arg={tmp_path}/own")
    results = tmp_path / "results.json"
    realtree.kut(tree, "run", "selftest", "--json", results, *args)
    end = realtree.kut(tree, "rerun", results)
    assert (end.returncode, end.stdout) == (2, "")
    assert "QEMU option -D is refused" in end.stderr
    stored = realtree.last_run(tree)["run"]
    shutil.copytree(tree / "build/runs" / stored, tmp_path / stored)
    assert realtree.kut(tree, "rerun", tmp_path / stored).returncode == 2
    assert realtree.kut(tree, "rerun", "--trust", results).returncode == 1
    assert realtree.kut(tree, "rerun", stored).returncode == 1


@pytest.mark.qemu
def test_a_trace_goes_to_a_file_beside_the_log_and_is_no_error(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path)
    args = ("--qemu-arg=-d", "--qemu-arg=int", "--qemu-arg=-D", f"--qemu-arg={tmp_path}/own")
    end = realtree.kut(tree, "run", "selftest", *args[:2])
    assert end.returncode == 0, end.stdout
    (test,) = realtree.last_run(tree)["tests"]
    trace = Path(test["qemu"]["trace"])
    assert trace == Path(test["log"]).with_suffix(".trace")
    assert "Taking exception" in trace.read_text()
    assert test["qemu"]["ended"]["stderr"] == ""
    assert realtree.kut(tree, "run", "selftest", *args).returncode == 0
    (test,) = realtree.last_run(tree)["tests"]
    assert test["qemu"]["trace"] == f"{tmp_path}/own"
    assert "Taking exception" in (tmp_path / "own").read_text()
    assert realtree.kut(tree, "run", "selftest").returncode == 0
    assert "trace" not in realtree.last_run(tree)["tests"][0]["qemu"]
