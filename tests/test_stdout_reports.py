# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports on stdout, with "-" as the name of the file; what is for people goes to stderr then."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import realtree

from kut_runner.errors import ExitCode
from kut_runner.records.document import Document, RunMetadata, replay
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.report_json import JsonFile


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The document of a run with a pass and a failure."""
    results = (
        TestResult("good", Verdict(Status.PASS, "", ExitCode.OK)),
        TestResult("bad", Verdict(Status.FAIL, "1 of 1 check failed", ExitCode.TESTS_FAILED)),
    )
    path = tmp_path / "stored.json"
    found = Document(RunMetadata(), results, 1.0, ExitCode.TESTS_FAILED, is_complete=True)
    replay(found, [JsonFile(path)])
    return path


@pytest.mark.parametrize("command", ["show", "merge"])
@pytest.mark.parametrize("kind", ["json", "junit", "html", "tap"])
def test_a_report_on_stdout_is_alone_there(
    stored: Path, command: str, kind: str, tmp_path: Path
) -> None:
    end = realtree.kut(realtree.ROOT, command, stored, f"--{kind}", tmp_path / "file")
    assert "tests in" in end.stdout
    human, report = end.stdout, (tmp_path / "file").read_text()
    end = realtree.kut(realtree.ROOT, command, stored, f"--{kind}", "-")
    assert end.stdout == report
    assert human in end.stderr
    if kind == "json":
        assert json.loads(end.stdout)["schema"] == 1
    if kind == "junit":
        assert ET.fromstring(end.stdout).tag == "testsuites"  # noqa: S314 - ours


def test_a_comparison_on_stdout_is_alone_there(stored: Path) -> None:
    end = realtree.kut(realtree.ROOT, "compare", stored, stored, "--json", "-")
    assert end.returncode == 0
    assert json.loads(end.stdout)["schema"] == 1
    assert end.stderr


def test_two_reports_on_stdout_are_refused(stored: Path) -> None:
    end = realtree.kut(realtree.ROOT, "show", stored, "--json", "-", "--tap", "-")
    assert (end.returncode, end.stdout) == (2, "")
    assert "- is written by --json and by --tap" in end.stderr


@pytest.mark.qemu
def test_a_run_prints_its_results_as_json(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path)
    end = realtree.kut(tree, "run", "selftest", "--json", "-")
    assert (end.returncode, json.loads(end.stdout)["complete"]) == (0, True)
    assert "1 test in " in end.stderr
    assert not (tree / "-").exists()
    end = realtree.kut(tree, "rerun", "--json", "-")
    assert (end.returncode, end.stdout) == (4, "")
