# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples in docs/ci/: they parse, and their commands are commands of kut."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import realtree
import yaml

from kut_runner.cli import kut

EXAMPLES = realtree.ROOT / "docs/ci"


def load(name: str) -> Any:  # noqa: ANN401 - any YAML
    return yaml.safe_load((EXAMPLES / name).read_text())


def parse(line: str) -> click.Context:
    """Parse the command line of kut at the start of a line of shell, as kut would."""
    line = re.sub(r"\$\w+", "1", line).partition("||")[0]
    script, name, *arguments = shlex.split(line)
    assert script == "scripts/kut"
    assert (realtree.ROOT / script).is_file()
    with click.Context(kut) as context:
        command = kut.get_command(context, name)
    assert command
    return command.make_context(name, arguments)


def test_the_examples_are_named_in_the_document() -> None:
    text = (realtree.ROOT / "docs/ci.md").read_text()
    files = [path for path in EXAMPLES.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert f"({path.relative_to(realtree.ROOT / 'docs')})" in text


def test_gitlab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = load("gitlab-ci.yml")
    run, merge = jobs["kut"], jobs["verdict"]
    (line,) = run["script"]
    context = parse(line)
    assert context.params["shard"] == "1/1"
    assert context.params["junit"] == Path(run["artifacts"]["reports"]["junit"])
    # The runner archives a link, such as build/logs, without the files behind it.
    assert run["artifacts"]["paths"] == ["*.json", "build/runs/"]
    monkeypatch.chdir(tmp_path)
    Path("1.json").touch()
    (line,) = merge["script"]
    context = parse(line.replace("*.json", "1.json"))
    assert context.params["html"] == Path(merge["artifacts"]["paths"][0])


def test_lava() -> None:
    job = load("lava-job.yaml")
    assert {*job} == {"job_name", "device_type", "priority", "visibility", "timeouts", "actions"}
    assert [next(iter(action)) for action in job["actions"]] == ["deploy", "boot", "test"]
    (definition,) = job["actions"][2]["test"]["definitions"]
    assert (realtree.ROOT / definition["path"]).samefile(EXAMPLES / "lava-test.yaml")
    test = load("lava-test.yaml")
    assert test["metadata"]["format"] == "Lava-Test Test Definition 1.0"
    (step,) = test["run"]["steps"]
    assert parse(step).params["lava"]


@pytest.mark.qemu
def test_a_step_of_lava_ends_well_whatever_the_verdict(tmp_path: Path) -> None:
    (step,) = load("lava-test.yaml")["run"]["steps"]
    end = subprocess.run(
        ["/bin/sh", "-e", "-c", step.replace("kcidb.json", f"{tmp_path}/kcidb.json")],
        cwd=realtree.ROOT,
        env={**os.environ, "TESTS": "misbehave-fail misbehave-known"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0
    assert "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=misbehave-fail RESULT=fail " in end.stdout
    assert end.stdout.endswith("kut ended with exit code 1\n")
    assert json.loads((tmp_path / "kcidb.json").read_text())["tests"]


def test_the_control_file_of_debian() -> None:
    text = (EXAMPLES / "autopkgtest/control").read_text()
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert {*fields} == {"Tests", "Depends", "Restrictions"}
    setup = (realtree.ROOT / "scripts/setup.sh").read_text()
    for package in fields["Depends"].split(", "):
        assert package in setup
    script = EXAMPLES / "autopkgtest" / fields["Tests"]
    assert os.access(script, os.X_OK)
    (line,) = (
        line for line in script.read_text().splitlines() if "kut run" in line and "`" not in line
    )
    assert parse(line.replace('"$@"', "")).params["junit"]


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["misbehave-known"], 0), (["misbehave-fail"], 1), (["misbehave-skip"], 77)],
)
def test_the_script_for_debian(tmp_path: Path, arguments: list[str], code: int) -> None:
    end = subprocess.run(
        [EXAMPLES / "autopkgtest/kut", *arguments],
        cwd=realtree.ROOT,
        env={**os.environ, "AUTOPKGTEST_ARTIFACTS": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert end.returncode == code
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.xml"}
