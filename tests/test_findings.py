# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings: their record, page and command, and that real QEMUs behave as recorded."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from fnmatch import translate
from pathlib import Path

import pytest
import realtree
from click.testing import CliRunner

from kut_model import areas
from kut_runner.cli import kut
from kut_runner.definitions import errata, source_trees
from kut_runner.errors import ConfigError, UsageError
from kut_runner.records import findings
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.findings import Difference, Seen
from kut_runner.verdict.events import Check
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, skipped
from kut_runner.verdict.rows import AreaRows, Reason, runs_of
from kut_runner.verdict.status import Status
from kut_runner.views import report_findings

ERRATA = errata.load(realtree.ROOT / "configs/errata.toml")
RECORD = findings.load(realtree.ROOT / "configs/findings.json")
LISTED = [each for each in ERRATA if each.rows and not each.skip and each.program == errata.QEMU]
IDS = ("some.a.b.1", "some.a.b.2", "some.c.d.1", "some.e")


def run(version: str, verdicts: str, *checks: tuple[str, str], hash_: str = "0" * 16) -> Document:
    """Return a run of area `some`; a check is a row and the erratum that lists it."""
    area = AreaRows("some", 4, hash_, runs_of(verdicts), (Reason("FEAT_A", "A"),), ids=IDS)
    lines = [
        Check(f"KFAIL: some: {row}: expected 1, found {version} (erratum {name})", Status.KFAIL)
        for row, name in checks
    ]
    output = GuestOutput(rows=area, checks=tuple(lines))
    metadata = RunMetadata(run=f"run-{version}", version=version)
    result = TestResult("conform-some", skipped(""), output)
    return Document(metadata, (result,), 1.0, None, is_complete=True)


OLD = run("7.2.1", "2K P S1", ("some.a.b.1", "one"), ("some.a.b.2", "one"))
NEW = run("10.0.3", "2P K P", ("some.c.d.1", "two"))


def test_a_record_has_what_each_version_shows() -> None:
    found = findings.record([NEW, OLD])
    assert (found.versions, found.verified) == (("7.2.1", "10.0.3"), (3, 4))
    assert found.seen == {
        "one": {"7.2.1": Seen(2, "some.a.b.1", "expected 1, found 7.2.1")},
        "two": {"10.0.3": Seen(1, "some.c.d.1", "expected 1, found 10.0.3")},
    }
    assert found.differences == (
        Difference("one", "some.a.b.1", 2, ("fail", "pass")),
        Difference("two", "some.c.d.1", 1, ("pass", "fail")),
    )
    assert findings.Record.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_row_that_is_skipped_or_fails_everywhere_is_no_difference() -> None:
    other = run("11.1.3", "K P K S1", ("some.a.b.1", "one"), ("some.c.d.1", "two"))
    one = run("7.2.1", "K S1 K P", ("some.a.b.1", "one"), ("some.c.d.1", "two"))
    assert findings.record([one, other]).differences == ()


def test_a_row_that_kills_the_machine_is_a_crash() -> None:
    result = OLD.results[0]
    check = Check("KFAIL: some: some.a.b.1: crash: SIGABRT (erratum one)", Status.KFAIL)
    checks = (check, *result.output.checks[1:])
    dying = replace(OLD, results=(replace(result, output=replace(result.output, checks=checks)),))
    found = findings.record([dying, NEW])
    assert found.differences[0] == Difference("one", "some.a.b.1", 1, ("crash", "pass"))
    assert report_findings.split(found.seen["one"]["7.2.1"].outcome) == ("", "crash: SIGABRT")


def test_where_a_machine_hangs_is_not_recorded() -> None:
    assert findings.stable("crash: no progress for 2 s of CPU time: in main()") == (
        "crash: no progress for 2 s of CPU time"
    )
    crash = "crash: QEMU crashed: SIGABRT: ptw.c:1: f: Assertion `x' failed."
    assert findings.stable(crash) == crash
    assert findings.stable("expected TVAL 0x12 or less by up to 0x3, found 0xff") == (
        "expected TVAL N or less by up to N, found another"
    )


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (Document(RunMetadata(run="run"), (), 1.0, None, is_complete=True), "run has no rows"),
        (run("11.1", "3P F"), "run-11.1 has 1 failures that errata do not list"),
        (run("11.1", "4P", hash_="1" * 16), "the rows of run-11.1 are not those of the first run"),
    ],
)
def test_a_run_of_no_use_is_refused(document: Document, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        findings.record([OLD, document])


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2}', '{"schema": 1, "versions": []}'])
def test_a_file_that_is_no_record_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"findings\.json: no record of findings: .*--record"):
        findings.load(path)


def test_the_page_is_up_to_date() -> None:
    page = (realtree.ROOT / "docs/findings.md").read_text()
    found = report_findings.findings(ERRATA, RECORD)
    assert page == report_findings.markdown(found, RECORD), "run `kut findings --markdown`"


def test_the_record_has_more_than_fifty_differences_each_with_a_row() -> None:
    ids = {row.id for name in areas.names() for row in areas.load(name).rows()}
    assert len(RECORD.differences) > 50
    assert {each.row for each in RECORD.differences} <= ids


@pytest.mark.parametrize("erratum", LISTED, ids=lambda each: each.name)
def test_versions_and_rows_are_those_of_the_runs(erratum: errata.Erratum) -> None:
    seen = RECORD.seen.get(erratum.name)
    if seen is None:
        pytest.skip("not recorded: run `kut findings --record`")
    applies = [each for each in RECORD.versions if erratum.applies("qemu", each, "max")]
    assert list(seen) == applies, "run `kut findings --record`, or correct `versions`"
    listed = re.compile("|".join(map(translate, erratum.globs)))
    excluded = re.compile("|".join(map(translate, erratum.excluded)) or "(?!)")
    for each in seen.values():
        assert listed.match(each.row)
        assert not excluded.match(each.row)


def test_a_record_without_an_erratum_is_out_of_date() -> None:
    assert {*RECORD.seen} <= {each.name for each in LISTED}


@pytest.mark.qemu
def test_the_installed_qemu_shows_what_is_recorded(tmp_path: Path) -> None:
    report = tmp_path / "results.json"
    probe = realtree.kut(realtree.ROOT, "conform", "hvc.hvc.el1.0x0000", "--json", report)
    assert probe.returncode == 0, probe.stderr
    version = json.loads(report.read_text())["qemu"]["version"]
    expected = {
        each.row: each.outcome
        for seen in RECORD.seen.values()
        for key, each in seen.items()
        if key == version
    }
    if not expected:
        pytest.skip(f"no record of QEMU {version} in configs/findings.json")
    done = realtree.kut(realtree.ROOT, "conform", *expected, "--json", report, "--quiet")
    assert done.returncode == 0, done.stdout
    found = defaultdict[str, set[str]](set)  # several tests may have a row
    for test in json.loads(report.read_text())["tests"]:
        for check in test["checks"]:
            text = ": ".join((*check["prefixes"], check["message"]))
            _, row, outcome = text.split(": ", 2)
            found[row].add(findings.stable(outcome.rpartition(" (erratum ")[0]))
    assert {row: found[row] for row, text in expected.items() if text not in found[row]} == {}


def test_the_command_lists_findings_and_shows_one() -> None:
    listed = realtree.kut(realtree.ROOT, "findings")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        each.name for each in LISTED if each.name in RECORD.seen
    ]
    shown = realtree.kut(realtree.ROOT, "findings", "qemu-bkpt-il")
    newest = [*RECORD.seen["qemu-bkpt-il"].values()][-1]
    assert re.search(rf"\n  reproducer +kut conform {re.escape(newest.row)}\n", shown.stdout)
    assert "BKPT in T32 sets ESR_ELx.IL" in shown.stdout


def test_the_command_writes_json() -> None:
    done = realtree.kut(realtree.ROOT, "findings", "qemu-bkpt-il", "--json", "-")
    values = json.loads(done.stdout)
    assert values["versions"] == [*RECORD.versions]
    (found,) = values["findings"]
    assert found["name"] == "qemu-bkpt-il"
    assert found["expected"] != found["seen"]
    assert {*found["versions"]} == {*RECORD.seen["qemu-bkpt-il"]}


def test_the_bundled_tree_is_not_changed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "configs/errata.toml").write_text("")
    monkeypatch.setattr(source_trees, "is_bundled", lambda _: True)
    command = ["--root", str(tree), "findings", "--record", "latest"]
    done = CliRunner().invoke(kut, command, standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "bundled with kut cannot be changed" in str(done.exception)


def test_an_unknown_name_is_an_error_with_similar_ones() -> None:
    done = realtree.kut(realtree.ROOT, "findings", "qemu-bkpt")
    assert done.returncode == 2
    assert 'no finding is called "qemu-bkpt"' in done.stderr
    assert "did you mean qemu-bkpt-il" in done.stderr
