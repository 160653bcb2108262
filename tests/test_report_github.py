# SPDX-License-Identifier: GPL-2.0-or-later
"""Output for GitHub Actions: within its limits, and safe from output of guests."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_views import ALL, DIES, FAILS, NEEDY, PASSES, result, show

from kut_runner.errors import ExitCode, UsageError
from kut_runner.records.run_record import Run
from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.display import is_github
from kut_runner.views.report_github import GitHub, annotations, summary

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).with_name("golden")
MIB = 1 << 20
FRAMES = (
    Frame(0x10, "crash", "/usr/include/x.h", 5),
    Frame(0x20, "load_from", "arm/mis,be:have.c", 36, is_inlined=True),
    Frame(0x30, "main", "arm/misbehave.c", 225),
)
FLAKY = replace(PASSES, id="shaky", verdict=Verdict(Status.FLAKY, "passed later", ExitCode.OK))


def run(results: Sequence[TestResult], *, missing: int = 0, code: int = 1) -> Run:
    return Run(
        results=results,
        selected=len(results) + missing,
        started=0.0,
        seconds=1.5,
        exit_code=ExitCode(code),
        is_complete=not missing,
    )


def test_annotations_as_a_whole() -> None:
    assert [*annotations(run([*ALL, FLAKY]))] == [
        "::error title=broken%3A fail::1 of 2 checks failed%0AFAIL: b: c",
        "::error title=dies%3A crash::power-off without an EXIT line; last words: last\\x1b words",
        "::error title=hangs%3A timeout::no verdict after 2.0 s; last words: half a li",
        "::error title=refused%3A error::QEMU refused: qemu: no such\\x1b machine",
        "::warning title=shaky%3A flaky::passed later",
    ]
    assert [*annotations(run([PASSES, NEEDY], code=0))] == []


@pytest.mark.parametrize(
    "diagnosis",
    [
        Diagnosis(Kind.EXCEPTION, "100% wrong", FRAMES),
        Diagnosis(Kind.HANG, "100% wrong", cpus=(CpuState(0, "off"), CpuState(1, "runs", FRAMES))),
    ],
)
def test_an_annotation_stands_at_the_innermost_line_in_the_tree(diagnosis: Diagnosis) -> None:
    (line,) = annotations(run([replace(DIES, diagnosis=diagnosis)]))
    assert line.startswith("::error file=arm/mis%2Cbe%3Ahave.c,line=36,title=dies%3A crash::")
    assert line.endswith("words%0A100%25 wrong")


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        ("repo", "file=arm/misbehave.c,line=225,"),
        ("repo/deep/tests", "file=deep/tests/arm/misbehave.c,line=225,"),
        ("elsewhere", ""),
    ],
)
def test_files_are_named_from_the_top_of_the_repository(
    tmp_path: Path, tree: str, place: str
) -> None:
    for workspace, expected in (("repo", place), ("", "file=arm/misbehave.c,line=225,")):
        environment = {"GITHUB_WORKSPACE": str(tmp_path / workspace)} if workspace else {}
        shown = io.StringIO()
        diagnosis = Diagnosis(Kind.EXCEPTION, "bad", FRAMES[2:])
        view = GitHub(stream=shown, environment=environment, tree=tmp_path / tree)
        show(view, [replace(DIES, diagnosis=diagnosis)])
        assert f"::error {expected}title=dies%3A crash::" in shown.getvalue()


@pytest.mark.qemu
def test_a_tree_below_the_top_of_the_repository() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "kut_runner", "run", "misbehave-exception"],
        cwd=ROOT / "docs",
        env={**os.environ, "GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(ROOT.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert f"::error file={ROOT.name}/arm/misbehave.c,line=" in ended.stdout


@pytest.mark.parametrize(("count", "shown"), [(10, 10), (11, 10), (500, 10)])
def test_ten_annotations_of_a_kind_at_most(count: int, shown: int) -> None:
    failed = [replace(FAILS, id=f"t{number}") for number in range(count)]
    shaky = [replace(FLAKY, id=f"f{number}") for number in range(count)]
    lines = [*annotations(run([*failed, *shaky]))]
    for kind in ("error", "warning"):
        assert len([line for line in lines if line.startswith(f"::{kind} ")]) == shown
    more = [line for line in lines if "title=and " in line]
    assert len(more) == (2 if count > 10 else 0)
    if more:
        assert f"title=and {count - 9} more::t9%3A" not in more[0]
        assert f"title=and {count - 9} more::t9: fail%0A" in more[0]


def test_a_run_without_a_failure_that_is_no_success() -> None:
    assert [*annotations(run([NEEDY], code=4))] == [
        "::error title=kut::nothing ran: every test was skipped"
    ]
    assert next(annotations(run([FAILS], missing=2))) == (
        "::error title=kut::the run was cut short: 2 tests have no result"
    )


@given(st.text(), st.text(), st.text())
def test_nobody_else_can_write_a_command(reason: str, headline: str, file: str) -> None:
    verdict = Verdict(Status.FAIL, reason, ExitCode.TESTS_FAILED)
    diagnosis = Diagnosis(Kind.EXCEPTION, headline, (Frame(1, "f", f"x{file}", 3),))
    (line,) = annotations(run([replace(FAILS, verdict=verdict, diagnosis=diagnosis)]))
    assert line.isprintable() or "\t" in line
    properties = re.fullmatch(r"::error ([^:]*)::.*", line)
    assert properties
    assert re.fullmatch(r"file=[^,]*,line=3,title=[^,]*", properties[1])


def test_commands_of_guests_are_off_while_tests_run(tmp_path: Path) -> None:
    stream = io.StringIO()
    environment = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    show(GitHub(stream=stream, environment=environment), [FAILS])
    stop, resume, *rest = stream.getvalue().splitlines()
    token = stop.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert resume == f"::{token}::"
    assert [line[:7] for line in rest] == ["::error"]
    other = io.StringIO()
    show(GitHub(stream=other, environment={}), [])
    assert token not in other.getvalue()


def test_the_summary_as_a_whole() -> None:
    assert summary(run([*ALL, FLAKY]), MIB) == (GOLDEN / "summary.md").read_text()


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("# of an earlier command\n")
    view = GitHub(stream=io.StringIO(), environment={"GITHUB_STEP_SUMMARY": str(path)})
    show(view, [FAILS])
    text = path.read_text()
    assert text.startswith("# of an earlier command\n")
    assert "<code>broken</code>" in text


@pytest.mark.parametrize("taken", [0, 500_000, MIB - 1500, MIB - 10])
def test_the_summary_has_a_mebibyte_at_most_and_failures_first(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "summary"
    path.write_bytes(b"x" * taken)
    wide = b"".join(b"FAIL: \xf0\x9f\x98\x80 <%d>\n" % number for number in range(200))
    failed = [replace(result("f", wide), id=f"f{number}") for number in range(600)]
    environment = {"GITHUB_STEP_SUMMARY": str(path)}
    show(GitHub(stream=io.StringIO(), environment=environment), [PASSES, *failed, NEEDY])
    text = path.read_bytes()[taken:].decode()
    assert taken + len(text.encode()) <= MIB
    if taken < MIB - 2000:
        shown = text.count("<details>")
        assert shown > 50
        assert f"{600 - shown} more failed tests do not fit here." in text
        assert "1 more tests" not in text.partition("<details>")[0]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_nothing_in_the_summary_is_markup_of_others(text: str) -> None:
    text = "</pre><script>*a* `b` @who #1 [x](y)\n\n# c" + text
    verdict = Verdict(Status.CRASH, text, ExitCode.TESTS_FAILED)
    bad = replace(DIES, id=text, verdict=verdict)
    needy = replace(NEEDY, verdict=Verdict(Status.SKIP, text, ExitCode.NOTHING_RAN))
    found = summary(run([bad, needy]), MIB)
    tags = Tags()
    tags.feed(found)
    once = ["details", "summary", "code", "code", "pre"]
    assert tags.seen == [*once, "code", "code", "code", "code", "code", "code"]
    assert "<script>*a* `b` @who" in tags.text
    assert not re.search("[*`@_]|^# c", found.replace("**", ""), re.MULTILINE)


def test_a_summary_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"GITHUB_STEP_SUMMARY: .* cannot be written"):
        GitHub(environment={"GITHUB_STEP_SUMMARY": str(tmp_path)})


def test_where_kut_is() -> None:
    assert is_github({"GITHUB_ACTIONS": "true"})
    assert not is_github({"CI": "true"})
