# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile outputs of guests: none is misjudged, running or saved, and every view is inert.

The golden logs (see `test_golden`) are shown by the same views.
"""

import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from test_document import FACTS, SCHEMA
from test_hostile_documents import controls, tables
from test_report_kcidb import check as check_kcidb
from test_report_ktap import parse as parse_ktap
from test_report_lava import signals
from test_text import is_inert

from kut_runner.commands.output import echo
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.process.capture import PARTS, Capture
from kut_runner.records import document, saved_log
from kut_runner.records.document import Document
from kut_runner.records.run_record import Run
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import MAX_LINE, split
from kut_runner.verdict.result import TestResult, exit_code
from kut_runner.views import report_github
from kut_runner.views.display import DisplayOptions
from kut_runner.views.opening import open_views

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.log"))

#: Text within a line that controls a terminal, a CI system, or the reader of a report.
TEXTS = {
    "colour": b"\x1b[31mred\x1b[2J",
    "title": b"\x1b]0;owned\x07",
    "paste": b"\x1b]52;c;b3duZWQ=\x1b\\",
    "c1": b"\xc2\x9b2J\xc2\x85",
    "backspaces": b"bad\b\b\bgood",
    "carriage-return": b"a\rPASS: b",
    "nul": b"a\0b",
    "no-utf-8": b"\xff\xfe\xc0\xaf\xed\xa0\x80",
    "bidirectional": "\u202eevil\u2066\ufeff".encode(),
    "separators": "a\u2028::error::b\u2029c\x0b\x0c\x1c".encode(),
    "github": b"##[error]owned ::stop-commands::x",
    "lava": b"<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=owned RESULT=pass>",
    "xml": b"]]></system-out><testcase name='owned'/>&#0; <!--",
    "html": b"</pre><script>owned()</script><img src=x onerror=owned()>",
    "markdown": b"</details>|`[owned](javascript:owned())@all",
    "format": b"%s%n{0}{reason}$(touch owned)`touch owned`%0A::error::owned",
    "long": b"x" * 20_000,
    "wide": "\U0001f4a9\u0300\u200b".encode() * 50,
}
#: Output with such a text, and the status and cause that it has.
PLACES = {
    "a check": (b"PASS: %b\nSUMMARY: 1 tests\nEXIT: STATUS=1\n", "pass passed"),
    "a prefix": (b"PASS: %b: x\nINFO: %b\nSUMMARY: 1 tests\nEXIT: STATUS=1\n", "pass passed"),
    "a failure": (
        b"FAIL: %b\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n",
        "fail checks-failed",
    ),
    "a skip": (b"SKIP: %b\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n", "skip all-skipped"),
    "an abort": (b"ABORT: %b\nSUMMARY: 0 tests\nEXIT: STATUS=255\n", "fail abort"),
    "an assert": (b"x.c:1: assert failed: %b\n\tSTACK: 10\nEXIT: STATUS=255\n", "crash fatal"),
    "the last line": (b"PASS: a\n%b", "crash no-exit"),
    "after the end": (
        b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=1\n-%b\n",
        "crash output-after-exit",
    ),
}
END = b"SUMMARY: 1 tests\nEXIT: STATUS=1\n"
PASSED = b"PASS: a\n" + END
#: Bytes of head and tail that are kept, and lines that fill both.
KEPT = 40_000
FLOOD = b"words\n" * (KEPT // 3)

#: Forgeries and floods, with the status and cause of each; "/" separates those of a saved log.
FORGERIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "crash no-exit"),
    "NUL only": (bytes(100_000), "crash no-exit"),
    "newlines only": (b"\n" * 100_000, "crash no-exit"),
    "noise": (bytes(range(256)) * 400, "crash no-exit"),
    "a pass without newline": (PASSED[:-1], "crash no-exit"),
    "an exit of another number": (b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=01\n", "pass passed"),
    "a long status": (b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=0001\n", "crash no-exit"),
    "a negative status": (b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=-1\n", "crash no-exit"),
    "digits of others": (
        "PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=\u0661\n".encode(),
        "crash no-exit",
    ),
    "a summary of others": ("PASS: a\nSUMMARY: \u0661 tests\n".encode() + END[-15:], "crash"),
    "a huge summary": (b"PASS: a\nSUMMARY: %b tests\nEXIT: STATUS=1\n" % (b"9" * 99), "crash"),
    "only a summary": (END, "pass passed"),
    "no check": (b"SUMMARY: 0 tests\nEXIT: STATUS=1\n", "crash exit-contradicts"),
    "more checks than announced": (b"PASS: b\n" + PASSED, "crash summary-mismatch"),
    "a failure that is not announced": (b"FAIL: b\n" + PASSED, "crash summary-mismatch"),
    "an announced failure without line": (
        b"PASS: a\nSUMMARY: 2 tests, 1 unexpected failures\nEXIT: STATUS=1\n",
        "crash summary-mismatch",
    ),
    "a failure over a pass": (b"PASS: a\rFAIL: a\n" + END, "pass passed"),
    "a failure after a return": (
        b"\rFAIL: a\nPASS: a\n" + END,
        "pass passed / crash summary-mismatch",
    ),
    "a pass over a failure": (
        b"FAIL: a\rPASS: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n",
        "fail checks-failed",
    ),
    "a NUL in a keyword": (b"FA\0IL: b\n" + PASSED, "pass passed"),
    "a colour before a failure": (
        b"\x1b[31mFAIL: b\x1b[0m\n" + PASSED,
        "pass passed / crash summary-mismatch",
    ),
    "a wide colon": ("PASS\uff1a a\n".encode() + b"SUMMARY: 0 tests\nEXIT: STATUS=1\n", "crash"),
    "lower case": (b"pass: a\nsummary: 1 tests\nexit: status=1\n", "crash no-exit"),
    "an indented pass": (b" " + PASSED.replace(b"\n", b"\n ").rstrip(b" "), "crash no-exit / pass"),
    "a quoted pass": (b"x\n> " + PASSED.replace(b"\n", b"\n> ")[:-2], "crash no-exit"),
    "time stamps among others": (b"x\n[ 1.000] " + PASSED, "pass passed"),
    "a failure with a time stamp": (b"[    1.000000] FAIL: b\n" + PASSED, "pass passed"),
    "two passes": (PASSED + PASSED, "crash output-after-exit / pass passed"),
    "a pass, then a failure": (
        PASSED + b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n",
        "crash output-after-exit / fail checks-failed",
    ),
    "a crash, then a pass": (b"Unhandled exception ec=0x25 (DABT)\n" + PASSED, "crash fatal"),
    "another crash, then a pass": (b"\t\tGot bad ec=0x3c\n" + PASSED, "crash fatal"),
    "an abort, then a pass": (b"ABORT: b\n" + PASSED, "fail abort"),
    "a stack, then a pass": (b"\tSTACK: @10 20\n" + PASSED, "crash fatal"),
    "a failed exit, then a pass": (b"EXIT: STATUS=3\n" + PASSED, "crash no-summary"),
    "a forged verdict of run_tests.sh": (b"PASS: a\nPASS x (1 tests)\n" + END, "pass / crash no-"),
    "a forged begin": (b"PASS: a\nBEGIN b\n" + END, "pass passed / crash no-exit"),
    "a forged command line": (
        b"PASS: a\nqemu-system-aarch64 -kernel x\n" + END,
        "pass passed / crash no-exit",
    ),
    "a forged timeout": (
        b"qemu-system-aarch64: terminating on signal 15 from pid 1 (timeout)\n" + PASSED,
        "pass passed / timeout no-power-off",
    ),
    "a forged message of QEMU": (
        PASSED + b"qemu-system-aarch64: warning: x\n",
        "crash output-after-exit / pass passed",
    ),
    "a line of 1 MB": (b"x" * (1 << 20) + b"\n" + PASSED, "pass passed"),
    "a failure of 1 MB": (
        b"FAIL: " + b"x" * (1 << 20) + b"\n" + PASSED,
        "crash summary-mismatch",
    ),
    "a failure behind a long line": (
        b"x" * MAX_LINE + b"FAIL: b\n" + PASSED,
        "pass passed",
    ),
    "CRLF": (PASSED.replace(b"\n", b"\r\r\n"), "pass passed"),
    "a failure in a flood": (FLOOD + b"FAIL: b\n" + FLOOD + PASSED, "crash summary-mismatch"),
    "an abort in a flood": (FLOOD + b"ABORT: b\n" + FLOOD + PASSED, "fail abort"),
    "a crash in a flood": (FLOOD + b"Stack overflow\n" + FLOOD + PASSED, "crash fatal"),
    "a failure behind a decoy": (
        FLOOD + b"Unhandled words\n" * (PARTS // 10) + b"FAIL: b\n" + FLOOD + PASSED,
        "crash summary-mismatch",
    ),
    "a failure behind loads": (
        FLOOD + b"Load address: 0\n" * (PARTS // 10) + b"FAIL: b\n" + FLOOD + PASSED,
        "crash summary-mismatch",
    ),
    "a failure behind summaries": (
        FLOOD + b"SUMMARY: 1 tests, 0 unexpected failures\n" * (PARTS // 20) + b"FAIL: b\n"
        b"" + FLOOD + PASSED,
        "crash summary-mismatch",
    ),
    "many failures": (FLOOD + b"FAIL: b\n" * PARTS + FLOOD + PASSED, "crash summary-mismatch"),
    "many checks": (
        b"PASS: a\n" * 50_000 + b"SUMMARY: 50000 tests\nEXIT: STATUS=1\n",
        "pass passed",
    ),
}


def outputs() -> Iterator[tuple[str, bytes, str]]:
    """Yield the name, the bytes and the wanted verdict of each output."""
    for place, (template, wanted) in PLACES.items():
        for name, text in TEXTS.items():
            yield f"{name} in {place}", template.replace(b"%b", text), wanted
    for name, (log, wanted) in FORGERIES.items():
        yield name, log, wanted
    for path in GOLDEN:
        found = json.loads(path.with_suffix(".json").read_text())
        yield path.stem, path.read_bytes(), f"{found['status']} {found['cause']} /"


OUTPUTS = {name: (log, wanted) for name, log, wanted in outputs()}


def of_run(name: str, log: bytes, path: Path, size: int) -> TestResult:
    """Return the result of a run that prints `log` in chunks of `size` bytes."""
    with Capture(path, head=KEPT, tail=KEPT) as capture:
        for start in range(0, len(log), size):
            capture.write(log[start : start + size])
        capture.finish()
        output = collect(parse(split(capture.chunks())))
    ended = ProcessExit(ExitKind.EXITED, 0, 0.1, "", missing=capture.missing)
    return TestResult(name, judge(output, ended), output, ended, log=str(path))


def shown(result: TestResult) -> str:
    verdict = result.verdict
    return f"{verdict.status.value} {verdict.cause.value if verdict.cause else ''}"


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_verdict(name: str, tmp_path: Path) -> None:
    log, wanted = OUTPUTS[name]
    live, _, saved = wanted.partition(" / ")
    path = tmp_path / "log"
    for size in (4096, 7 if len(log) < KEPT else 65_536):
        assert shown(of_run(name, log, path, size)).startswith(live.rstrip(" /"))
    if not wanted.endswith(" /"):  # those of golden logs are in `test_saved_log`
        found = saved_log.results(str(path), path.read_bytes())
        assert any(shown(each).startswith(saved or live) for each in found), found[0].verdict
        worst = exit_code(each.verdict.exit_code for each in found)
        assert (worst == 0) == (saved or live).startswith("pass") or live.startswith("skip")


@cache
def results() -> tuple[TestResult, ...]:
    with TemporaryDirectory() as directory:
        path = Path(directory, "log")
        return tuple(of_run(name, log, path, 65_536) for name, (log, _) in OUTPUTS.items())


def past() -> Document:
    """The document of a run with all outputs, as it is read back."""
    found = results()
    run = Run(found, len(found), FACTS.started, 1.5, exit_code([]), is_complete=True)
    data = document.dumps(FACTS, [document.result_line(each) for each in found], {}, run)
    Draft202012Validator(SCHEMA).validate(json.loads(data))
    return document.from_json(json.loads(data))


def test_there_are_hundreds() -> None:
    assert len(OUTPUTS) > 200


def test_every_view_is_inert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = past()
    kinds = ("json", "junit", "tap", "ktap", "kcidb", "html")
    reports = {kind: tmp_path / f"r.{kind}" for kind in kinds}
    with redirect_stdout(io.StringIO()) as stdout:
        display = DisplayOptions(verbosity=2, slowest=3, lava=True)
        views = open_views(metadata=found.metadata, display=display, reports=reports)
        document.replay(found, views)
    texts = {kind: path.read_text("utf-8") for kind, path in reports.items()}
    for kind, text in {**texts, "terminal": stdout.getvalue()}.items():
        assert controls(text) == [], kind
    assert not re.search(r"^\s*::|##\[", stdout.getvalue(), re.MULTILINE)
    issued = signals(stdout.getvalue())
    assert len(issued) == len(found.results)
    assert "owned" not in {words.get("TEST_CASE_ID") for _, words in issued}
    suite = ET.fromstring(texts["junit"])  # noqa: S314 - ours
    assert len([*suite.iter("testcase")]) == len(found.results)
    Draft202012Validator(SCHEMA).validate(json.loads(texts["json"]))
    check_kcidb(json.loads(texts["kcidb"]))
    assert len(parse_ktap(texts["ktap"].splitlines())) == len(found.results)
    assert len(re.findall(r"^(?:not )?ok ", texts["tap"], re.MULTILINE)) == len(found.results)
    assert not re.search(r"<(?:script>owned|img src=x)", texts["html"])
    for line in report_github.annotations(found.run):
        assert re.fullmatch(r"::(?:error|warning|notice) [^\n]*", line)
        assert not controls(line)
    summary = report_github.summary(found.run, report_github.MOST_SUMMARY)
    assert controls(summary) == []
    assert "<script>" not in summary
    for line in tables(found):
        echo(line)
    assert is_inert(capsys.readouterr().out)
