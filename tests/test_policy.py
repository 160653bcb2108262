# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that make a run end early or fail, in documents and on the command line."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import realtree

from kut_runner.errors import ExitCode
from kut_runner.records import merge
from kut_runner.records.document import Document, RunMetadata, replay
from kut_runner.records.policy import Policy
from kut_runner.run import rerun
from kut_runner.run.options import RunOptions
from kut_runner.run.test_states import TestStates
from kut_runner.verdict.result import TestResult, Verdict, skipped
from kut_runner.verdict.status import Status
from kut_runner.views.report_terminal import Terminal

PASSED = TestResult("good", Verdict(Status.PASS, "", ExitCode.OK))
FAILED = TestResult("bad", Verdict(Status.FAIL, "1 of 1 check failed", ExitCode.TESTS_FAILED))
SKIPPED = TestResult("new", skipped("needs QEMU 99"))


def document(*results: TestResult, also: tuple[str, ...] = (), **options: object) -> Document:
    metadata = RunMetadata(selection=(*(each.id for each in results), *also), options=options)
    return Document(metadata, results, 1.0, None, is_complete=not also)


@pytest.mark.parametrize(
    "policy", [Policy(), Policy(max_fail=2), Policy(skips_fail=True), Policy(1, skips_fail=True)]
)
def test_a_policy_comes_back_from_the_options_of_a_run(policy: Policy) -> None:
    options = RunOptions(policy=policy).to_json()
    assert RunOptions.from_json(options, None).policy == policy
    assert ("max_fail" in options) == bool(policy.max_fail)
    assert ("skips_fail" in options) == policy.skips_fail


@pytest.mark.parametrize(
    ("options", "code"), [({"skips_fail": True}, ExitCode.TESTS_FAILED), ({}, ExitCode.OK)]
)
def test_documents_keep_the_policy(options: Mapping[str, Any], code: ExitCode) -> None:
    old = document(PASSED, SKIPPED, **options)
    assert old.run.exit_code is code
    other = document(replace(PASSED, id="other"))
    assert merge.merge({"a": old, "b": other}).document.exit_code is code
    assert rerun.joined_code(ExitCode.OK, old) is code


def test_the_states_of_watch_keep_the_policy() -> None:
    for policy, code in ((Policy(), 4), (Policy(skips_fail=True), 1)):
        states = TestStates(policy)
        states._verdicts["new"] = (Status.SKIP, policy.exit_codes([SKIPPED])[0])
        assert states.exit_code == code


def shown(found: Document) -> list[str]:
    stream = io.StringIO()
    replay(found, [Terminal(stream=stream, policy=Policy.of(found.metadata.options))])
    return stream.getvalue().splitlines()


def test_the_summary_says_why_a_run_ended_early() -> None:
    lines = shown(document(PASSED, FAILED, also=("later",), max_fail=1))
    assert lines[-2:] == [
        "cut short: 1 test has no result",
        "stopped after 1 test failed (--fail-fast)",
    ]
    assert "stopped" not in shown(document(PASSED, also=("later",), max_fail=1))[-1]
    assert "stopped" not in shown(document(PASSED, FAILED, max_fail=1))[-1]


def test_the_summary_says_why_a_run_without_failures_fails() -> None:
    note = "1 test skipped, which is a failure here (--skips-fail)"
    assert shown(document(PASSED, SKIPPED, skips_fail=True))[-1] == note
    assert shown(document(PASSED, skips_fail=True))[-1] == "1 test in 1.00 s: 1 pass"


def test_two_limits_contradict_each_other() -> None:
    end = realtree.kut(realtree.ROOT, "run", "--fail-fast", "--max-fail", "2")
    assert end.returncode == 2
    assert "--fail-fast and --max-fail contradict each other" in end.stderr


@pytest.mark.qemu
def test_a_run_that_was_stopped_goes_on_in_a_rerun(tmp_path: Path) -> None:
    tree = realtree.copy(tmp_path)
    tests = ("misbehave-fail", "misbehave-known", "misbehave-skip")
    end = realtree.kut(tree, "run", "--fail-fast", "--skips-fail", "-j1", "--shuffle", "1", *tests)
    assert end.returncode == 1
    options = realtree.last_run(tree)["options"]
    assert (options["max_fail"], options["skips_fail"]) == (1, True)
    realtree.kut(tree, "rerun")
    found = realtree.last_run(tree)
    assert (found["options"]["max_fail"], found["exit_code"]) == (1, 1)
    json.dumps(found)
