# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports for KCIDB, checked with what its schema 5.3 says of the objects that kut writes.

kcidb-io, which has the schema, needs a dozen packages for the formats of JSON Schema; the table
below was compared with its version 141.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st
from test_views import ALL, FAILS, PASSES, result, show

from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import RunMetadata
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.report_kcidb import Kcidb

ID = re.compile(r"[a-z0-9_]+:.*")
ORIGIN = re.compile(r"[a-z0-9_]+")
TEXT = re.compile(r"[^\0]*", re.DOTALL)
WORD = re.compile(r"[a-z0-9_]*")
PATH = re.compile(r"[.a-zA-Z0-9_-]*")
STATUS = re.compile("FAIL|ERROR|MISS|PASS|DONE|SKIP")
#: Properties of each object: a pattern of a string, or a type.
OBJECTS: Mapping[str, Mapping[str, re.Pattern[str] | type]] = {
    "checkouts": {"id": ID, "origin": ORIGIN, "comment": TEXT, "start_time": datetime},
    "builds": {
        "id": ID,
        "origin": ORIGIN,
        "checkout_id": ID,
        "start_time": datetime,
        "architecture": WORD,
        "compiler": TEXT,
        "config_name": TEXT,
        "status": STATUS,
    },
    "tests": {
        "id": ID,
        "origin": ORIGIN,
        "build_id": ID,
        "path": PATH,
        "status": STATUS,
        "comment": TEXT,
        "log_excerpt": TEXT,
        "duration": float,
        "environment": dict,
        "number": dict,
        "misc": dict,
    },
}
REQUIRED = {
    "checkouts": {"id", "origin"},
    "builds": {"id", "origin", "checkout_id"},
    "tests": {"id", "origin", "build_id"},
}


def check(report: Mapping[str, Any]) -> None:
    """Check a report as the schema does."""
    assert report["version"] == {"major": 5, "minor": 3}
    assert {*report} <= {"version", *OBJECTS}
    for kind, properties in OBJECTS.items():
        objects = report.get(kind, [])
        assert len({each["id"] for each in objects}) == len(objects)
        for each in objects:
            assert {*each} >= REQUIRED[kind]
            assert {*each} <= {*properties}
            assert each["id"].startswith(f"{each['origin']}:")
            for key, value in each.items():
                check_value(value, properties[key])
    for test in report["tests"]:
        assert len(test.get("log_excerpt", "")) <= 16384
        assert {*test.get("environment", {})} <= {"comment", "compatible", "misc"}
        if "number" in test:
            assert {*test["number"]} == {"value", "unit"}


def check_value(value: object, rule: "re.Pattern[str] | type") -> None:
    if isinstance(rule, re.Pattern):
        assert isinstance(value, str)
        assert rule.fullmatch(value)
    elif rule is datetime:
        assert isinstance(value, str)
        assert datetime.fromisoformat(value).tzinfo
    else:
        assert isinstance(value, (int, float) if rule is float else rule)


def report(
    path: Path,
    results: list[TestResult],
    *,
    missing: int = 0,
    metadata: RunMetadata | None = None,
    **environment: str,
) -> dict[str, Any]:
    show(Kcidb(path / "r.json", metadata, environment), results, missing=missing)
    found: dict[str, Any] = json.loads((path / "r.json").read_text())
    check(found)
    return found


def statuses(found: Mapping[str, Any]) -> dict[str, str]:
    return {test["path"]: test["status"] for test in found["tests"]}


def test_trouble_is_never_a_failure(tmp_path: Path) -> None:
    assert statuses(report(tmp_path, ALL, missing=1)) == {
        "kut.ok": "PASS",
        "kut.broken": "FAIL",
        "kut.dies": "FAIL",
        "kut.hangs": "FAIL",
        "kut.refused": "ERROR",
        "kut.needy": "SKIP",
        "kut.missing0": "MISS",
    }


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        (ExitKind.NOT_STARTED, 0, "MISS"),
        (ExitKind.INTERRUPTED, 0, "MISS"),
        (ExitKind.KILLED, 11, "ERROR"),
        (ExitKind.EXITED, 1, "ERROR"),
        (ExitKind.TIMED_OUT, 0, "FAIL"),
        (ExitKind.LINGERED, 0, "FAIL"),
    ],
)
def test_each_end_of_the_process(tmp_path: Path, kind: ExitKind, code: int, expected: str) -> None:
    ended = ProcessExit(kind, code, 1.0, "qemu: trouble")
    log = b"PASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n" if kind is ExitKind.LINGERED else b""
    assert statuses(report(tmp_path, [result("t", log, ended)])) == {"kut.t": expected}


@pytest.mark.parametrize("cause", Cause)
def test_no_error_of_any_cause_is_a_failure(tmp_path: Path, cause: Cause) -> None:
    error = Verdict(Status.ERROR, "trouble", ExitCode.INFRASTRUCTURE, cause)
    (found,) = statuses(report(tmp_path, [TestResult("t", error)])).values()
    assert found in {"ERROR", "MISS"}


def test_a_pass_without_a_check_says_nothing_of_the_code(tmp_path: Path) -> None:
    silent = TestResult("t", Verdict(Status.PASS, "", ExitCode.OK, Cause.PASSED))
    assert statuses(report(tmp_path, [silent])) == {"kut.t": "DONE"}


def test_measurements_are_tests_with_a_number(tmp_path: Path) -> None:
    log = b"INFO: bench: exit 123 instructions\nPASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n"
    test, measurement = report(tmp_path, [result("bench", log)])["tests"]
    assert (test["path"], test["status"]) == ("kut.bench", "PASS")
    assert (measurement["path"], measurement["status"]) == ("kut.bench.exit", "DONE")
    assert measurement["number"] == {"value": 123, "unit": "instructions"}


def test_the_details_of_a_failure(tmp_path: Path) -> None:
    (test,) = report(tmp_path, [FAILS], metadata=RunMetadata(run="ID"))["tests"]
    assert test["id"] == "kut:ID:broken@1"
    assert test["comment"] == "1 of 2 checks failed"
    assert test["log_excerpt"] == "FAIL: b: c"
    assert test["duration"] == 0.125
    assert test["environment"]["comment"] == "tcg 7.2.0"
    assert test["misc"] == {"status": "fail", "cause": "checks-failed", "checks": 2}


def test_the_build_is_that_of_the_images_or_one_that_kcidb_knows(tmp_path: Path) -> None:
    metadata = RunMetadata(run="ID", compiler="gcc", variant="O0")
    found = report(tmp_path, [PASSES], metadata=metadata, KUT_KCIDB_ORIGIN="mylab")
    (build,) = found["builds"]
    assert (build["id"], build["compiler"], build["config_name"]) == ("mylab:ID", "gcc", "O0")
    assert found["checkouts"][0]["id"] == build["checkout_id"]
    assert found["tests"][0]["build_id"] == build["id"]
    found = report(tmp_path, [PASSES], KUT_KCIDB_BUILD="maestro:67f0")
    assert "builds" not in found
    assert "checkouts" not in found
    assert found["tests"][0]["build_id"] == "maestro:67f0"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("KUT_KCIDB_ORIGIN", "My Lab"), ("KUT_KCIDB_ORIGIN", "\x1b"), ("KUT_KCIDB_BUILD", "67f0")],
)
def test_a_bad_name_is_a_usage_error(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"${variable} is")):
        Kcidb(tmp_path / "r", None, {variable: value})


def test_rounds_and_cells_have_ids_of_their_own(tmp_path: Path) -> None:
    results = [PASSES, replace(PASSES, attempt=2), replace(PASSES, id="ok/qemu-10.0+x")]
    found = report(tmp_path, results)
    assert len({test["id"] for test in found["tests"]}) == 3
    assert found["tests"][2]["path"] == "kut.ok_qemu-10_0_x"


@given(st.binary(max_size=300), st.text(max_size=50))
def test_whatever_a_guest_prints_the_report_is_valid(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, name: str
) -> None:
    path = tmp_path_factory.mktemp("k")
    long = b"FAIL: " + b"x" * 20000 + b"\n"
    report(path, [replace(result("t", data + long), id=f"t{name}"), result("u", data)])


@pytest.mark.qemu
@pytest.mark.parametrize("command", ["show", "merge"])
def test_a_report_can_be_made_of_a_stored_run(tmp_path: Path, command: str) -> None:
    stored = tmp_path / "stored.json"
    files = ("--json", stored, "--kcidb", tmp_path / "first.json")
    assert realtree.kut(realtree.ROOT, "run", "misbehave-known", *files).returncode == 0
    first = json.loads((tmp_path / "first.json").read_text())
    check(first)
    assert first["tests"][0]["status"] == "PASS"
    end = realtree.kut(realtree.ROOT, command, stored, "--kcidb", "-")
    again = json.loads(end.stdout)
    check(again)
    assert statuses(again) == statuses(first)
