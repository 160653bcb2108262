# SPDX-License-Identifier: GPL-2.0-or-later
"""A run survives being written as a document and read again."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import document
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind, Register
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult, Verdict, after, skipped
from kut_runner.verdict.status import Status
from kut_runner.views.display import DisplayOptions
from kut_runner.views.report_json import JsonFile, JsonLines
from kut_runner.views.report_junit import JUnit
from kut_runner.views.report_terminal import Terminal

GOLDEN = sorted(Path(__file__).with_name("golden").glob("*.log"))
SCHEMA = json.loads(document.SCHEMA_FILE.read_text())
DIAGNOSIS = Diagnosis(
    Kind.HANG,
    "hangs",
    (Frame(0x40, "f", "arm/a.c", 3, "spin();"),),
    (Register("ESR_EL2", 0x96000045, "data abort"),),
    (CpuState(1, "running", (Frame(0x1234, is_in_image=False),), (Register("PC", 7),)),),
    ("a note",),
)
FACTS = RunMetadata(
    run="20260101-000000-000-abcd",
    started=1767225600.0,
    host=document.host_metadata(),
    compiler="clang",
    variant="o3",
    target="tcg",
    program="/opt/qemu",
    version="10.0.0",
    options={"timeout": 2.5, "jobs": None},
    seed=7,
    rerun_of="20251231-000000-000-abcd",
)


def result(name: str, log: bytes, ended: ProcessExit, **more: Any) -> TestResult:  # noqa: ANN401
    said = collect(parse(split([log])))
    return TestResult(
        name, judge(said, ended), said, ended, ("q", "a b"), "7.2.0", "l", "0a", **more
    )


def strict(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the schema with every unknown key forbidden."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {} if "properties" not in schema else {"additionalProperties": False}
    return closed | {key: strict(value) for key, value in schema.items()}


def written(results: list[TestResult], path: Path, *, run: Run | None = None) -> Document:
    done = run or Run(results, len(results), 0.0, 1.5, ExitCode.TESTS_FAILED, is_complete=True)
    view = JsonFile(path, FACTS)
    view.on_start([one.id for one in results])
    for one in results:
        view.on_result(one)
    view.on_end(done)
    Draft202012Validator(strict(SCHEMA)).validate(json.loads(path.read_text()))
    return document.load(path)


ENDINGS = st.sampled_from(ExitKind).flatmap(
    lambda how: st.builds(
        ProcessExit,
        st.just(how),
        st.integers(1, 255) if how in (ExitKind.EXITED, ExitKind.KILLED) else st.just(0),
        st.integers(0, 10**9).map(lambda number: number / 10**6),
        st.text(max_size=20),
        st.integers(0, 10**6),
    )
)
WORDS = [b"PASS: ", b"FAIL: ", b"SKIP: ", b"INFO: ", b"ABORT: ", b": ", b"a", b"\n", b"\xff\x1b"]
WORDS += [
    b"SUMMARY: 1 tests\n",
    b"EXIT: STATUS=1\n",
    b"\tSTACK: @40 80\n",
    b"ESR_EL2: 96000045, x\n",
]
WORDS += [b"Unhandled exception\n", b"XPASS: : \n", b"\xe2\x80\xae", b"<script>"]
LOGS = st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=30).map(b"".join)


@given(log=LOGS, ended=ENDINGS)
def test_a_result_comes_back_as_it_was(log: bytes, ended: ProcessExit) -> None:
    before = result("x", log, ended, diagnosis=DIAGNOSIS)
    data = json.loads(json.dumps(document.result_to_json(before)))
    assert document.result_from_json(data) == before


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_log_comes_back_as_it_was(path: Path) -> None:
    before = result(path.stem, path.read_bytes(), ProcessExit(ExitKind.EXITED, 0, 0.25, ""))
    data = json.loads(json.dumps(document.result_to_json(before)))
    Draft202012Validator(strict({**SCHEMA, **SCHEMA["$defs"]["test"]})).validate(data)
    assert document.result_from_json(data) == before


def flaky() -> TestResult:
    log = (GOLDEN[0].parent / "pass.log").read_bytes()
    first = result("flaky", b"FAIL: a", ProcessExit(ExitKind.EXITED, 0, 1.5, ""), attempt=3)
    ended = ProcessExit(
        ExitKind.EXITED, 0, 1.5, "", cpu_seconds=0.5, starved_seconds=0.25, cpu_demand=0.125
    )
    return after((first,), result("flaky", log, ended, attempt=4))


def sample() -> list[TestResult]:
    ends = ProcessExit(ExitKind.EXITED, 0, 0.25, "")
    return [
        *(result(path.stem, path.read_bytes(), ends) for path in GOLDEN),
        result(
            "hangs",
            b"INFO: 1",
            ProcessExit(ExitKind.TIMED_OUT, 0, 2.0, "qemu"),
            diagnosis=DIAGNOSIS,
        ),
        flaky(),
        result("breaks", b"", ProcessExit(ExitKind.KILLED, 6, 2.0, "qemu: assertion")),
        TestResult("needy", skipped("needs qemu>=99")),
    ]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_notices_what_is_wrong(tmp_path: Path) -> None:
    written(sample(), tmp_path / "r.json")
    good = json.loads((tmp_path / "r.json").read_text())
    validator = Draft202012Validator(SCHEMA)
    for key, value in (("schema", 2), ("counts", {"passed": 1}), ("tests", {}), ("run", None)):
        assert not validator.is_valid(good | {key: value})
    good["tests"][0]["status"] = "passed"
    assert not validator.is_valid(good)


def test_a_document_comes_back_as_it_was(tmp_path: Path) -> None:
    found = written(sample(), tmp_path / "r.json")
    names = tuple(one.id for one in sample())
    assert list(found.results) == sample()
    assert found.metadata.selection == names
    assert found.names == names
    assert found.missing == ()
    assert (found.seconds, found.exit_code, found.is_complete) == (1.5, 1, True)
    again = written(list(found.results), tmp_path / "again.json")
    assert again == found
    assert found.counts[Status.TIMEOUT] == 1


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    assert replace(written([], tmp_path / "r.json").metadata, selection=()) == FACTS


def test_a_document_of_an_older_kut_can_be_read(tmp_path: Path) -> None:
    """A document of schema 1 without the keys that were added later can be read."""
    written(sample(), tmp_path / "r.json")
    data = json.loads((tmp_path / "r.json").read_text())

    def required(value: Any, schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        if reference := schema.get("$ref"):
            schema = SCHEMA["$defs"][reference.rpartition("/")[2]]
        for choice in schema.get("anyOf", ()):
            if value is not None and "$ref" in choice:
                return required(value, choice)
        if isinstance(value, list):
            return [required(item, schema.get("items", {})) for item in value]
        if isinstance(value, dict) and "required" in schema:
            properties = schema["properties"]
            return {key: required(value[key], properties[key]) for key in schema["required"]}
        return value

    old = required(data, SCHEMA)
    assert "run" not in old
    assert "infos" not in old["tests"][0]
    found = document.from_json(old)
    assert [one.id for one in found.results] == [one.id for one in sample()]
    assert [one.verdict for one in found.results] == [
        replace(one.verdict, cause=None) for one in sample()
    ]
    assert {one.target for one in found.results} == {""}
    assert found.metadata.run == ""
    shown(found)


def shown(saved: Document) -> str:
    stream = io.StringIO()
    document.replay(
        saved, [Terminal(stream=stream, environment={}, display=DisplayOptions(verbosity=1))]
    )
    return stream.getvalue()


def test_every_view_of_a_saved_run_is_that_of_the_live_one(tmp_path: Path) -> None:
    live, replayed = tmp_path / "live", tmp_path / "replayed"
    found = written(sample(), tmp_path / "r.json")
    stream = io.StringIO()
    for directory, results in ((live, sample()), (replayed, found.results)):
        run = Run(tuple(results), len(sample()), found.metadata.started, 1.5, ExitCode(1), True)  # noqa: FBT003
        views = [
            JsonLines(directory / "r.jsonl"),
            JUnit(directory / "r.xml"),
            Terminal(stream=stream, environment={}, display=DisplayOptions(verbosity=1)),
        ]
        for view in views:
            view.on_start([one.id for one in sample()])
            for one in results:
                view.on_result(one)
            view.on_end(run)
    for name in ("r.jsonl", "r.xml"):
        assert (live / name).read_bytes() == (replayed / name).read_bytes()
    text = stream.getvalue()
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    assert shown(found) == text[: len(text) // 2]


def test_replay_returns_the_exit_code_of_the_run(tmp_path: Path) -> None:
    assert document.replay(written(sample(), tmp_path / "r.json"), []) is ExitCode.TESTS_FAILED


def test_results_jsonl_of_a_killed_run(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    view = JsonLines(path)
    for one in sample():
        view.on_result(one)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"id": "to')
    found = document.load(path)
    assert list(found.results) == sample()
    assert (found.is_complete, found.exit_code, found.seconds) == (False, None, None)
    assert found.run.exit_code is ExitCode.INTERRUPTED
    view.on_end(found.run)


def test_a_run_that_lasts_has_missing_tests(tmp_path: Path) -> None:
    view = JsonFile(tmp_path / "r.json", FACTS)
    view.on_start(["needy", "one", "two"])
    view._written -= 10
    view.on_result(sample()[-1])
    found = document.load(tmp_path / "r.json")
    assert found.missing == ("one", "two")
    assert "cut short: 2 tests have no result" in shown(found)


def damaged() -> Iterator[bytes]:
    yield b""
    yield b"{"
    yield b"[]"
    yield b"null"
    yield b"\xff\xfe"
    yield b"[" * 100_000
    good = json.loads(document.dumps(FACTS, [document.result_line(one) for one in sample()], {}))
    for key, value in (
        ("schema", "1"),
        ("schema", 2),
        ("started", "yesterday"),
        ("exit_code", 99),
        ("tests", [1]),
        ("tests", [{}]),
        ("tests", None),
        ("tests", [good["tests"][0] | {"status": "fine"}]),
        ("tests", [good["tests"][0] | {"last": {"exit": "EXIT: STATUS=x"}}]),
        ("tests", [good["tests"][0] | {"checks": [{"status": "pass"}]}]),
        ("tests", [good["tests"][0] | {"diagnosis": {"kind": "?"}}]),
    ):
        yield json.dumps(good | {key: value}).encode()


@pytest.mark.parametrize("data", [*damaged()], ids=range(17))
def test_what_is_no_document_is_a_usage_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"r\.json has no results of kut") as caught:
        document.load(path)
    assert "name a file" in caught.value.hint


def test_a_hostile_document_cannot_reach_the_terminal() -> None:
    test = document.result_to_json(sample()[0])
    bad = "\x1b[31m\u202e\x00"
    test |= {"id": bad, "reason": bad, "last_lines": [bad], "last": {"output": bad}}
    test |= {"checks": [{"status": "fail", "prefixes": [bad], "message": bad}]}
    test |= {"infos": [{"after": 0, "text": bad}], "status": "crash"}
    data = document.dumps(FACTS, [json.dumps(test)], {})
    text = shown(document.from_json(json.loads(data)))
    assert text.replace("\n", "").isprintable()


def test_a_verdict_without_a_run() -> None:
    verdict = Verdict(Status.ERROR, "why", ExitCode.MACHINE_REFUSED)
    before = TestResult("x", verdict)
    assert document.result_from_json(document.result_to_json(before)) == before
