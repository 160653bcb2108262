# SPDX-License-Identifier: GPL-2.0-or-later
"""Views of a run for people and for programs."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.verdict.diagnosis import Diagnosis, Frame, Kind
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult, exit_code, skipped
from kut_runner.views.display import DisplayOptions
from kut_runner.views.opening import open_views
from kut_runner.views.report_html import Html
from kut_runner.views.report_json import JsonFile, JsonLines
from kut_runner.views.report_junit import JUnit
from kut_runner.views.report_terminal import Terminal

GOLDEN = Path(__file__).with_name("golden")
POWER_OFF = ProcessExit(ExitKind.EXITED, 0, 0.125, "")


def result(name: str, log: bytes, ended: ProcessExit = POWER_OFF) -> TestResult:
    said = collect(parse(split([log])))
    return TestResult(
        id=name,
        verdict=judge(said, ended),
        output=said,
        process_exit=ended,
        command=("/opt/my qemu", "-append", "a b"),
        version="7.2.0",
        log=f"build/logs/{name}.log",
        build_id="0123abcd",
        target="tcg",
    )


def show(view: View, results: list[TestResult], *, missing: int = 0) -> None:
    names = [one.id for one in results] + [f"missing{number}" for number in range(missing)]
    codes = [one.verdict.exit_code for one in results]
    view.on_start(names)
    for one in results:
        view.on_result(one)
    view.on_end(
        Run(
            results=results,
            selected=len(names),
            started=0.0,
            seconds=1.5,
            exit_code=exit_code([*codes, *([ExitCode.INTERRUPTED] if missing else [])]),
            is_complete=not missing,
        )
    )


def terminal(results: list[TestResult], *, missing: int = 0, verbose: bool = False) -> str:
    stream = io.StringIO()
    show(
        Terminal(DisplayOptions(verbosity=int(verbose)), stream=stream, environment={}),
        results,
        missing=missing,
    )
    return stream.getvalue()


PASSES = result("ok", b"PASS: a: b\nSKIP: c\nSUMMARY: 3 tests, 1 skipped\n\nEXIT: STATUS=1\n")
FAILS = result(
    "broken", b"PASS: a\nFAIL: b: c\nSUMMARY: 2 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n"
)
DIES = result("dies", b"PASS: a\n\nlast\x1b words\n")
HANGS = result("hangs", b"half a li", ProcessExit(ExitKind.TIMED_OUT, 0, 2.0, "qemu: terminating"))
REFUSED = result("refused", b"", ProcessExit(ExitKind.EXITED, 1, 0.01, "qemu: no such\x1b machine"))
NEEDY = TestResult("needy", skipped("needs qemu>=99, and this is QEMU 7.2.0"))
ALL = [PASSES, FAILS, DIES, HANGS, REFUSED, NEEDY]


def test_terminal() -> None:
    assert terminal(ALL) == (
        "PASS     ok        0.12 s  3 checks, 1 skip\n"
        "FAIL     broken    0.12 s  1 of 2 checks failed\n"
        "         FAIL: b: c\n"
        "         log: build/logs/broken.log\n"
        "CRASH    dies      0.12 s"
        "  power-off without an EXIT line; last words: last\\x1b words\n"
        "         | PASS: a\n"
        "         | last\\x1b words\n"
        "         log: build/logs/dies.log\n"
        "TIMEOUT  hangs     2.00 s  no verdict after 2.0 s; last words: half a li\n"
        "         | half a li\n"
        "         log: build/logs/hangs.log\n"
        "ERROR    refused   0.01 s  QEMU refused: qemu: no such\\x1b machine\n"
        "SKIP     needy     0.00 s  needs qemu>=99, and this is QEMU 7.2.0\n"
        "6 tests in 1.50 s: 1 pass, 1 fail, 1 skip, 1 timeout, 1 crash, 1 error\n"
    )


def test_terminal_verbose_shows_each_check_and_remark_and_the_command() -> None:
    noted = b"INFO: begins\nPASS: a\nnoise\nINFO: ends\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n"
    assert terminal([FAILS, result("noted", noted)], verbose=True) == (
        "FAIL     broken   0.12 s  1 of 2 checks failed\n"
        "         $ '/opt/my qemu' -append 'a b'\n"
        "         PASS: a\n"
        "         FAIL: b: c\n"
        "         log: build/logs/broken.log\n"
        "PASS     noted    0.12 s  1 check\n"
        "         $ '/opt/my qemu' -append 'a b'\n"
        "         INFO: begins\n"
        "         PASS: a\n"
        "         INFO: ends\n"
        "2 tests in 1.50 s: 1 pass, 1 fail\n"
    )


def test_terminal_says_when_nothing_ran_or_not_all() -> None:
    assert terminal([NEEDY]).endswith("1 skip\nnothing ran: every test was skipped\n")
    assert terminal([PASSES], missing=2).endswith("1 pass\ncut short: 2 tests have no result\n")
    assert terminal([], missing=1).startswith("0 tests in 1.50 s: none ran\n")


def test_terminal_shows_a_flood_of_failures_in_part() -> None:
    lines = b"".join(b"FAIL: %d\n" % number for number in range(50))
    many = result("many", lines + b"SUMMARY: 50 tests, 50 unexpected failures\n\nEXIT: STATUS=3\n")
    text = terminal([many])
    assert text.count("FAIL: ") == 20
    assert "and 30 more\n" in text


def test_terminal_shows_the_whole_dump_of_a_dead_guest() -> None:
    text = terminal([result("dead", (GOLDEN / "crash-exception.log").read_bytes())])
    assert "| Unhandled exception\n" in text
    assert "| EXIT: STATUS=255\n" in text


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "stream", "coloured"),
    [
        ({"TERM": "xterm"}, Tty(), True),
        ({"TERM": "xterm", "NO_COLOR": ""}, Tty(), True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, Tty(), False),
        ({"TERM": "dumb"}, Tty(), False),
        ({"TERM": "xterm"}, io.StringIO(), False),
    ],
)
def test_colour(environment: dict[str, str], stream: io.StringIO, *, coloured: bool) -> None:
    show(Terminal(stream=stream, environment=environment), ALL)
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_character_that_the_terminal_lacks_is_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    accent = result("accent", "\u00e9\n".encode())
    show(Terminal(stream=stream, environment={}), [accent])
    assert b"| \\xe9\n" in raw.getvalue()


def test_json_has_everything(tmp_path: Path) -> None:
    show(JsonFile(tmp_path / "r.json"), ALL)
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["schema"] == 1
    assert (document["complete"], document["exit_code"], document["selected"]) == (True, 6, 6)
    assert document["counts"]["pass"] == 1
    broken = document["tests"][1]
    assert broken == {
        "id": "broken",
        "status": "fail",
        "reason": "1 of 2 checks failed",
        "cause": "checks-failed",
        "exit_code": 1,
        "attempt": 1,
        "earlier": [],
        "seconds": 0.125,
        "checks_made": 2,
        "checks": [
            {"status": "pass", "prefixes": [], "message": "a"},
            {"status": "fail", "prefixes": ["b"], "message": "c"},
        ],
        "infos": [],
        "last": {
            "summary": "SUMMARY: 2 tests, 1 unexpected failures",
            "exit": "EXIT: STATUS=3",
            "output": "",
        },
        "diagnosis": None,
        "last_lines": [
            "PASS: a",
            "FAIL: b: c",
            "SUMMARY: 2 tests, 1 unexpected failures",
            "EXIT: STATUS=3",
        ],
        "qemu": {
            "version": "7.2.0",
            "command": "'/opt/my qemu' -append 'a b'",
            "argv": ["/opt/my qemu", "-append", "a b"],
            "ended": {
                "how": "exited",
                "exit_status": 0,
                "signal": None,
                "stderr": "",
                "left_out": 0,
                "cpu_seconds": 0.0,
                "lost_seconds": 0.0,
                "cpus_wanted": None,
                "migrations": 0,
                "finding": None,
            },
        },
        "target": "tcg",
        "log": "build/logs/broken.log",
        "build_id": "0123abcd",
    }
    assert document["tests"][5]["qemu"]["ended"] is None


def keys(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name for key, item in value.items() for name in (key, *keys(item))}
    if isinstance(value, list):
        return {name for item in value for name in keys(item)}
    return set()


def test_the_docs_name_every_key_of_the_json(tmp_path: Path) -> None:
    show(JsonFile(tmp_path / "r.json"), ALL)
    found = keys(json.loads((tmp_path / "r.json").read_text()))
    docs = (Path(__file__).parents[1] / "docs/results.md").read_text()
    statuses = {"pass", "fail", "skip", "timeout", "crash", "error"}
    assert not {key for key in found - statuses if f"`{key}`" not in docs}


def test_json_is_whole_and_says_that_it_is_not_complete_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    view = JsonFile(path)
    assert not path.exists()
    view.on_start(["ok", "two"])
    assert json.loads(path.read_text())["complete"] is False
    view._written -= 10
    view.on_result(PASSES)
    document = json.loads(path.read_text())
    assert (document["complete"], len(document["tests"]), document["exit_code"]) == (False, 1, None)
    assert [item.name for item in tmp_path.iterdir()] == ["r.json"]


def test_json_lines_are_written_as_they_come(tmp_path: Path) -> None:
    view = JsonLines(tmp_path / "new/r.jsonl")
    for number, one in enumerate(ALL, start=1):
        view.on_result(one)
        lines = (tmp_path / "new/r.jsonl").read_text().splitlines()
        assert len(lines) == number
        assert json.loads(lines[-1])["id"] == one.id
    show(view, [])


def test_junit(tmp_path: Path) -> None:
    show(JUnit(tmp_path / "r.xml"), ALL)
    (suite,) = ET.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - ours
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "3", "errors": "1", "skipped": "1"}
    cases = {case.get("name"): case for case in suite}
    assert [child.tag for child in cases["ok"]] == ["properties", "system-out"]
    failure = cases["broken"].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("1 of 2 checks failed", "FAIL: b: c")
    assert cases["refused"].find("error") is not None
    assert cases["needy"].find("skipped") is not None
    assert cases["hangs"].findtext("system-err") == "qemu: terminating"


def test_junit_of_a_run_cut_short_is_no_success(tmp_path: Path) -> None:
    show(JUnit(tmp_path / "r.xml"), [PASSES], missing=3)
    (suite,) = ET.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - ours
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")
    assert suite[-1].findtext("error") == "the run was cut short: 3 tests have no result"


def test_junit_can_be_read_whatever_the_guest_and_the_system_say(tmp_path: Path) -> None:
    noise = bytes(range(256)) + "]]>\ufffe\ud7ff<&\"'\x85\u2028".encode()
    path = "odd\udcff\x01path"
    odd = TestResult(
        id="odd",
        verdict=judge(collect(parse(split([b"FAIL: " + noise]))), POWER_OFF),
        output=collect(parse(split([b"FAIL: " + noise.replace(b"\n", b"") + b"\n"]))),
        process_exit=ProcessExit(ExitKind.EXITED, 0, 1.0, noise.decode("latin-1")),
        command=("qemu", path),
        log=path,
    )
    show(JUnit(tmp_path / "r.xml"), [odd])
    (suite,) = ET.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - ours
    assert "\\x00" in (suite[0].findtext("failure") or "")


@pytest.mark.parametrize("view", [JsonFile, JUnit, JsonLines])
def test_a_file_that_cannot_be_written_is_a_usage_error(
    tmp_path: Path, view: type[JsonFile | JUnit | JsonLines]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    for name in ("file/x", "directory"):
        with pytest.raises(UsageError, match=f"{name} cannot be written"):
            view(tmp_path / name)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["directory", "file"]


@pytest.mark.parametrize("view", [JsonFile, JUnit])
def test_what_an_earlier_run_left_is_gone_before_anything_runs(
    tmp_path: Path, view: type[JsonFile | JUnit]
) -> None:
    path = tmp_path / "r"
    path.write_text("all passed")
    view(path)
    assert not path.exists()


@pytest.mark.parametrize("view", [JsonFile, JUnit])
def test_a_device_is_written_in_place_and_once(
    tmp_path: Path, view: type[JsonFile | JUnit]
) -> None:
    import os

    reader, writer = os.pipe()
    show(view(Path(f"/proc/self/fd/{writer}")), [PASSES])
    os.close(writer)
    with open(reader) as pipe:  # noqa: PTH123 - a descriptor
        text = pipe.read()
    assert text.count('"schema"') + text.count("<testsuites>") == 1
    assert not list(tmp_path.iterdir())


def test_open_views(tmp_path: Path) -> None:
    views = open_views(
        log_dir=tmp_path / "logs",
        reports={"json": tmp_path / "j", "junit": tmp_path / "x", "html": tmp_path / "h"},
    )
    kinds = [JsonLines, JsonFile, JsonFile, JUnit, Html, Terminal]
    assert [type(view) for view in views] == kinds
    views[0].on_end(Run([], 0, 0.0, 0.0, ExitCode.OK, is_complete=True))


def test_a_diagnosis_is_in_the_terminal_and_in_junit(tmp_path: Path) -> None:
    found = Diagnosis(
        Kind.EXCEPTION,
        "data abort: read; address 0x10",
        frames=(Frame(0x10, "load", "arm/x.c", 7, "return *p;"),),
    )
    dead = replace(DIES, diagnosis=found)
    shown = terminal([dead])
    assert "data abort: read; address 0x10" in shown
    assert "#0 load() at arm/x.c:7" in shown
    assert "return *p;" in shown
    assert "| last" not in shown  # the dump says the same in numbers
    report = tmp_path / "r.xml"
    show(JUnit(report), [dead])
    failure = ET.parse(report).find(".//failure")  # noqa: S314 - our own file
    assert failure is not None
    assert failure.text == "\n".join(found.lines())
