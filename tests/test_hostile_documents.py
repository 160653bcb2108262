# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of unknown origin: each value of a document replaced by each hostile value.

A document either is refused with an error that names the file, or can be shown by every view and
compared; the output then has neither control characters nor workflow commands.
"""

import copy
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest
from test_document import DIAGNOSIS, FACTS, result
from test_text import HOSTILE, is_inert

from kut_runner.commands.output import echo
from kut_runner.errors import UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import cells, compare, document, history, merge
from kut_runner.records.document import Document
from kut_runner.records.run_record import Run
from kut_runner.records.store import kept_log
from kut_runner.verdict.result import TestResult, after
from kut_runner.views import report_github
from kut_runner.views.display import DisplayOptions
from kut_runner.views.opening import open_views

ROOT = Path(__file__).parent.parent
LOG = (
    b"INFO: a\nPASS: a: b\nFAIL: c\narm/x.c:3: c\nABORT: d\n"
    b"SUMMARY: 2 tests, 1 unexpected failures\nEXIT: STATUS=3\n"
)
END = ProcessExit(ExitKind.EXITED, 1, 0.5, "words\nof QEMU", 3, None, 0.25, 0.1, 1.0)

HUGE = 10**30
VALUES: tuple[Any, ...] = (
    *(HOSTILE, "", "9999-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
    *("/etc/passwd", "x" * 100_000, "-0x1", "\udc80", "a/b/../../c", "@", 0, -1, 1, 2.5, HUGE),
    *(-HUGE, 1e308, float("inf"), float("nan"), True, None, [], [None], [[]], ["x"], {}),
    *({"a": HOSTILE}, {HOSTILE: 1}),
)


def whole() -> dict[str, Any]:
    """A document with every key."""
    failed = result("a", LOG, END, diagnosis=DIAGNOSIS, trace="/no/such.trace")
    again = after((failed,), result("b", LOG, END, attempt=2))
    results = (failed, again, TestResult("c/cell", failed.verdict))
    lines = [document.result_line(each) for each in results]
    run = Run(results, 3, FACTS.started, 1.5, failed.verdict.exit_code, is_complete=True)
    data: dict[str, Any] = json.loads(document.dumps(FACTS, lines, {"fail": 3}, run))
    data["selection"] = ["a", "b", "c/cell"]
    options = ("accel", "archive", "tree", "append", "cpu")
    data["options"] |= {**dict.fromkeys(options, "x"), "qemu_args": ["x"], "max_fail": 1}
    return data


def places(value: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each value in JSON."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, *path, key)


def replaced(data: object, path: tuple[str | int, ...], value: object) -> Any:  # noqa: ANN401
    if not path:
        return value
    changed: Any = copy.deepcopy(data)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


WHOLE = whole()


def test_the_whole_document_is_accepted() -> None:
    assert len(document.from_json(copy.deepcopy(WHOLE)).results) == 3


#: Of alike values one is enough: those of the first test, and of the first item of a list.
PLACES = [path for path in places(WHOLE) if not {1, 2} & set(path) and "earlier" not in path]


def views(found: Document, directory: Path) -> Iterator[str]:
    """Yield what the views show; in GitHub Actions no command in it is executed."""
    reports = {kind: directory / f"out.{kind}" for kind in ("json", "junit", "tap", "html")}
    display = DisplayOptions(verbosity=2, slowest=3)
    with redirect_stdout(io.StringIO()) as stdout:
        document.replay(
            found, open_views(metadata=found.metadata, display=display, reports=reports)
        )
    yield stdout.getvalue()
    yield from (path.read_text("utf-8") for path in reports.values())
    yield from report_github.annotations(found.run)
    yield report_github.summary(found.run, report_github.MOST_SUMMARY)


def tables(found: Document) -> Iterator[str]:
    """Yield the lines of comparisons, histories and merges."""
    other = document.from_json(copy.deepcopy(WHOLE))
    past = [history.Past("x", found)]
    table = cells.cell_table(found.results, found.names)
    with suppress(UsageError):  # one has cells, the other has none
        yield from compare.compare(found, other).lines()
        yield from compare.compare(other, found).lines()
    yield from history.lines(past, (), by_test=False)
    with suppress(UsageError):  # no test has a result
        yield from history.lines(past, ("*",), by_test=True)
    yield from table.lines() if table else ()
    with suppress(UsageError):  # the same tests in both
        yield from merge.merge({"one": found, "two": found}).missing


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)) or "all")
def test_each_value(
    path: tuple[str | int, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"
    for value in VALUES:
        file.write_text(json.dumps(replaced(WHOLE, path, value)), errors="surrogatepass")
        try:
            found = document.load(file)
        except UsageError as error:
            echo(error.message)
            continue
        for shown in views(found, tmp_path):
            assert controls(shown) == [], value
        for line in tables(found):
            echo(line)
    assert is_inert("".join(capsys.readouterr()))


def controls(text: str) -> list[str]:
    """Return the lines of a view that control a terminal."""
    return [line for line in text.split("\n") if not line.replace("\t", "").isprintable()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": 1, "a": ' * 500, ""),
        ('{"schema": NaN}', "NaN is not JSON"),
        ('{"schema": 1' + "0" * 5000 + "}", "limit"),
        ("[]", ""),
        ("3", ""),
        ('{"schema": true, "tests": 3}', ""),
        ('{"schema": 1}', "no key"),
        ("\x1b]0;x\x07", ""),
        ("\0", ""),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "a\x1b[2J.json"])
def test_a_file_without_results(text: str, message: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(f"{text}\n")
    with pytest.raises(UsageError, match="has no results of kut") as caught:
        document.load(path)
    assert message in caught.value.message
    assert is_inert(caught.value.message)
    assert len(caught.value.message) < 1000


def test_attempts_within_attempts_are_refused(tmp_path: Path) -> None:
    data = copy.deepcopy(WHOLE)
    earlier = data["tests"][1]["earlier"][0]
    earlier["earlier"] = [copy.deepcopy(earlier)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    with pytest.raises(UsageError, match="an earlier attempt has earlier attempts"):
        document.load(path)


def test_only_so_much_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(WHOLE))
    assert document.load(path, limit=path.stat().st_size).results
    with pytest.raises(UsageError, match="the limit for results of another place"):
        document.load(path, limit=path.stat().st_size - 1)
    with pytest.raises(UsageError, match="the limit for results of another place"):
        document.load(Path("/dev/zero"), limit=1000)


def test_only_logs_of_kut_are_read(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    log = run / "a.log"
    log.write_text("log")
    secret = tmp_path / "secret.log"
    secret.write_text("secret")
    assert not kept_log(str(log))  # no run has written to this directory
    (run / "results.json").touch()
    assert kept_log(str(log)) == log
    (run / "link.log").symlink_to(secret)
    (run / "loop.log").symlink_to(run / "loop.log")
    os.mkfifo(run / "pipe.log")
    with (run / "large.log").open("wb") as large:
        large.truncate(1 << 30)
    (run / "a.key").touch()
    others = ("link.log", "loop.log", "pipe.log", "large.log", "a.key", ".", "../secret.log")
    for name in others:
        assert not kept_log(str(run / name)), name
    for name in ("", "/etc/passwd", "/dev/zero", "\0", "x" * 10_000):
        assert not kept_log(name), name


@pytest.mark.parametrize("command", ["show", "merge"])
def test_no_other_file_gets_into_a_page(command: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    secret.write_text("a word that nobody may read\n")
    data = copy.deepcopy(WHOLE)
    for test in data["tests"]:
        test["log"] = str(secret)
    (tmp_path / "x.json").write_text(json.dumps(data))
    (tmp_path / "build/runs").mkdir(parents=True)
    done = kut(tmp_path, command, "x.json", "--html", "x.html")
    assert "Traceback" not in done.stderr
    page = (tmp_path / "x.html").read_text()
    assert str(secret) in page
    assert "nobody" not in page


@pytest.mark.qemu
def test_a_rerun_does_not_start_the_program_of_a_file(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\necho QEMU emulator version 7.2.22\n")
    program.chmod(0o755)
    tree = tmp_path / "tree"
    (tree / "arm").mkdir(parents=True)
    (tree / "arm/unittests.cfg").write_text("[a]\nfile = x.flat\ntimeout = 0.5s\n")
    (tree / "arm/x.flat").touch()
    (tmp_path / "build/runs").mkdir(parents=True)
    data = copy.deepcopy(WHOLE)
    data["qemu"]["program"] = str(program)
    data["options"] = {"tree": str(tree), "el2": False}
    data["selection"] = ["a"]
    data["tests"] = data["tests"][:1]
    (tmp_path / "x.json").write_text(json.dumps(data))
    kut(tmp_path, "rerun", "x.json")
    assert not (tmp_path / "owned").exists()
    kut(tmp_path, "rerun", "x.json", "--trust")
    assert (tmp_path / "owned").exists()


def kut(directory: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run kut in a directory that is no source tree."""
    return subprocess.run(
        [sys.executable, "-m", "kut_runner", *args],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
