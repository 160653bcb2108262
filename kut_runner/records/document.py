# SPDX-License-Identifier: GPL-2.0-or-later
"""A run on disk: one versioned JSON document, written from results and turned into them again.

The document is the one truth about a run. Every view is made from `TestResult`s, live or from a
saved document: `replay(load(path), views)` shows a run of last week as it was shown then. What
comes out of a document is printable, whoever wrote it, as what comes from a guest is. The keys
are described in docs/results.md and in schema/results-1.json, which comes with the package.
"""

import gc
import json
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner import __version__
from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import output_json
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.lines import printable
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.result import exit_code as exit_code_of
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kut_runner.verdict.diagnosis import Diagnosis

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
#: The JSON Schema of the document.
SCHEMA_FILE: Final = Path(__file__).with_name("schema") / f"results-{SCHEMA}.json"

#: Values of "how" in "ended".
_EXIT_KINDS: Final = {
    ExitKind.EXITED: "exited",
    ExitKind.KILLED: "killed",
    ExitKind.TIMED_OUT: "timed_out",
    ExitKind.LINGERED: "lingered",
    ExitKind.INTERRUPTED: "interrupted",
    ExitKind.NOT_STARTED: "not_started",
}
#: Values of "cause".
_CAUSES: Final = {cause: cause.value for cause in Cause}
_CAUSES_BY_KEY: Final[Mapping[object, Cause]] = {cause.value: cause for cause in Cause}
_EXIT_KINDS_BY_KEY: Final = {key: kind for kind, key in _EXIT_KINDS.items()}
_BY_NAME: Final = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """What is known about a run when it starts."""

    run: str = ""
    """The run's ID; empty where no store keeps it."""
    started: float = field(default_factory=time.time)
    """When, in seconds since the epoch."""
    kut: str = __version__
    host: Mapping[str, Any] = field(default_factory=dict)
    """`system`, `release`, `machine`, `python` and `cpus` of the machine that runs kut."""
    compiler: str = ""
    """"gcc" or "clang"; empty when nothing was built."""
    variant: str = ""
    """Variant of the build; empty for the plain one."""
    target: str = ""
    """Name of the target; empty where there are several, and in documents of an older kut."""
    program: str = ""
    """The target's program."""
    version: str = ""
    """Version of the program."""
    selection: tuple[str, ...] = ()
    """Ids of the cases that are to run."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The options of the call that decide what runs and how; see docs/results.md."""
    seed: int | None = None
    """What the order of the tests was drawn with; None when it was not drawn."""
    rerun_of: str = ""
    """ID of the run whose failed and missing tests these are; empty for a run of its own."""


@dataclass(frozen=True, slots=True)
class Document:
    """A run as it was written: whole, in progress, or cut short."""

    metadata: RunMetadata
    results: Sequence[TestResult]
    """In the order in which the tests ended."""
    seconds: float | None
    """Wall time of the run; None when it was killed, or lasts."""
    exit_code: ExitCode | None
    """Exit code of kut; None when it was killed, or lasts."""
    is_complete: bool
    """Every selected test has its result."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tests that were to run; of an old document those that did."""
        return self.metadata.selection or tuple(result.id for result in self.results)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the tests that have no result."""
        seen = {result.id for result in self.results}
        return tuple(name for name in self.names if name not in seen)

    @property
    def failed(self) -> frozenset[str]:
        """Names of the tests that failed, be it one time of many."""
        return frozenset(result.id for result in self.results if result.status.is_failure)

    @property
    def rounds(self) -> int:
        """How many results each test was to have at least; 1 where a failure was to end the run."""
        options = self.metadata.options
        return 1 if options.get("until_fail") else options.get("repeat") or 1

    @property
    def to_repeat(self) -> frozenset[str]:
        """Names of the tests that failed, or have not all the results that they were to have."""
        seen = Counter(result.id for result in self.results)
        return self.failed.union(name for name in self.names if seen[name] < self.rounds)

    @property
    def counts(self) -> Mapping[Status, int]:
        """Number of tests by status."""
        return Counter(result.status for result in self.results)

    @property
    def run(self) -> Run:
        """The run as views get to see it; one that was killed counts as interrupted."""
        codes = [result.verdict.exit_code for result in self.results]
        if not self.is_complete:
            codes.append(ExitCode.INTERRUPTED)
        code = exit_code_of(codes) if self.exit_code is None else self.exit_code
        seconds = self.seconds
        if seconds is None:
            seconds = sum(result.seconds for result in self.results)
        return Run(
            results=self.results,
            selected=len(self.names),
            started=self.metadata.started,
            seconds=seconds,
            exit_code=code,
            is_complete=self.is_complete,
        )


def host_metadata() -> Mapping[str, Any]:
    """Return what is known of this machine; neither its name nor its user is."""
    system = os.uname()
    return {
        "system": system.sysname,
        "release": system.release,
        "machine": system.machine,
        "python": ".".join(map(str, sys.version_info[:3])),
        "cpus": os.cpu_count() or 1,
    }


def replay(document: Document, views: Sequence[View]) -> ExitCode:
    """Show a saved run through any views, as if it ran now; return its exit code."""
    run = document.run
    for view in views:
        view.on_start(document.names)
    for result in document.results:
        for view in views:
            view.on_result(result)
    for view in views:
        view.on_end(run)
    return run.exit_code


def only(document: Document, name: str) -> Document:
    """Return the part of the run that is one test; raises UsageError when there is none."""
    found = tuple(result for result in document.results if result.id == name)
    if found:
        metadata = replace(document.metadata, selection=(name,))
        seconds = sum(result.seconds for result in found)
        codes = [result.verdict.exit_code for result in found]
        return Document(metadata, found, seconds, exit_code_of(codes), is_complete=True)
    if name in document.missing:
        raise UsageError(f"{name} has no result in this run", "`kut rerun` runs what is missing")
    from difflib import get_close_matches

    near = get_close_matches(name, document.names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`kut show RUN` shows all its tests"
    raise UsageError(f'the run has no test "{name}"', hint)


def dumps(
    metadata: RunMetadata, tests: Sequence[str], counts: Mapping[str, int], run: Run | None = None
) -> str:
    """Return the document of a run, each test in a line of its own.

    `tests` are of `result_line`, `counts` their numbers by status; `run` is None while it lasts.
    """
    head = json.dumps(_to_json(metadata, counts, run), indent=1).removesuffix("[]\n}")
    return "".join((head, "[\n", ",\n".join(tests), "\n]\n}\n"))


class _LastLine:
    """The line of the last result: more than one file gets it, and it may have 100,000 checks."""

    result: TestResult | None = None
    text: str = ""


def result_line(result: TestResult) -> str:
    """Return one of `tests` as a line without its newline; results.jsonl consists of them."""
    if _LastLine.result is not result:
        _LastLine.text = json.dumps(result_to_json(result))
        _LastLine.result = result
    return _LastLine.text


def _to_json(metadata: RunMetadata, counts: Mapping[str, int], run: Run | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "kut": metadata.kut,
        "run": metadata.run,
        "started": _iso(metadata.started),
        "complete": bool(run and run.is_complete),
        "seconds": round(run.seconds, 6) if run else None,
        "exit_code": int(run.exit_code) if run else None,
        "host": dict(metadata.host),
        "build": {"compiler": metadata.compiler, "variant": metadata.variant},
        "qemu": {"program": metadata.program, "version": metadata.version},
        "target": metadata.target,
        "options": dict(metadata.options),
        "seed": metadata.seed,
        "rerun_of": metadata.rerun_of,
        "selection": list(metadata.selection),
        "selected": len(metadata.selection),
        "counts": dict(counts),
        "tests": [],
    }


def result_to_json(result: TestResult) -> dict[str, Any]:
    """Return one of `tests`, which is a line of results.jsonl as well."""
    return {
        "id": result.id,
        "status": result.status.value,
        "reason": result.verdict.reason,
        "cause": _CAUSES[result.verdict.cause] if result.verdict.cause else None,
        "exit_code": int(result.verdict.exit_code),
        "attempt": result.attempt,
        "earlier": [result_to_json(each) for each in result.earlier],
        "seconds": round(result.seconds, 6),
        **output_json.to_json(result.output),
        "diagnosis": result.diagnosis.to_json() if result.diagnosis else None,
        "qemu": {
            "version": result.version,
            "command": shlex.join(result.command),
            "argv": list(result.command),
            "ended": _exit_to_json(result.process_exit),
        },
        "target": result.target,
        "log": result.log,
        "build_id": result.build_id,
    }


def load(path: Path, *, brief: bool = False) -> Document:
    """Return the run in a JSON document, or in results.jsonl, of which a torn last line is left.

    A `brief` one has verdicts and times, and nothing of what the images said.
    Raises UsageError for what is neither, or of a later schema than this kut knows; OSError when
    the file cannot be read.
    """
    try:
        with _uncollected():
            return _parse(path.read_bytes(), is_lines=path.suffix == ".jsonl", brief=brief)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        words = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{path} does not hold results of kut ({words})",
            "name a file that `kut run --json FILE` has written, or a results.jsonl",
        ) from None


def from_json(data: Mapping[str, Any], *, brief: bool = False) -> Document:
    """Return the run of a document; keys that an older kut did not write are empty.

    Raises KeyError, TypeError, ValueError or AttributeError for what is no such document.
    """
    if data["schema"] > SCHEMA:
        raise ValueError(f"schema {data['schema']} of a later kut, and this one knows {SCHEMA}")
    code = data["exit_code"]
    return Document(
        metadata=_metadata_from_json(data),
        results=tuple(result_from_json(test, brief=brief) for test in data["tests"]),
        seconds=data["seconds"],
        exit_code=None if code is None else ExitCode(code),
        is_complete=data["complete"],
    )


def result_from_json(data: Mapping[str, Any], *, brief: bool = False) -> TestResult:
    """Return the result that `result_to_json` wrote; raises as `from_json` does."""
    diagnosis, qemu = data.get("diagnosis"), data["qemu"]
    return TestResult(
        id=printable(data["id"]),
        verdict=_verdict_from_json(data),
        output=GuestOutput() if brief else output_json.from_json(data),
        process_exit=_exit_from_json(data, qemu["ended"]),
        command=tuple(qemu["argv"]),
        version=qemu["version"],
        log=data["log"],
        build_id=data["build_id"],
        diagnosis=_diagnosis_from_json(diagnosis) if diagnosis and not brief else None,
        attempt=data.get("attempt", 1),
        earlier=tuple(map(result_from_json, data.get("earlier", ()))),
        target=data.get("target", ""),
    )


def _diagnosis_from_json(data: Mapping[str, Any]) -> "Diagnosis":
    from kut_runner.verdict.diagnosis import Diagnosis  # a run without failures knows none

    return Diagnosis.from_json(data)


@contextmanager
def _uncollected() -> "Iterator[None]":
    """Let the garbage collector rest: what is read stays, and looking through it takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse(text: bytes, *, is_lines: bool, brief: bool) -> Document:
    if not is_lines:
        return from_json(json.loads(text), brief=brief)
    tests = _whole_lines(text)
    return Document(
        metadata=RunMetadata(started=0.0),
        results=tuple(result_from_json(test, brief=brief) for test in tests),
        seconds=None,
        exit_code=None,
        is_complete=False,
    )


def _whole_lines(text: bytes) -> "Iterable[Any]":
    """Return the values of JSON lines; the last one may have been cut by a kill or a full disk."""
    *lines, _torn = text.split(b"\n")
    return map(json.loads, lines)


def _metadata_from_json(data: Mapping[str, Any]) -> RunMetadata:
    from datetime import datetime

    build, qemu = data.get("build", {}), data.get("qemu", {})
    return RunMetadata(
        run=data.get("run", ""),
        started=datetime.fromisoformat(data["started"]).timestamp(),
        kut=data["kut"],
        host=data.get("host", {}),
        compiler=build.get("compiler", ""),
        variant=build.get("variant", ""),
        target=data.get("target", ""),
        program=qemu.get("program", ""),
        version=qemu.get("version", ""),
        selection=tuple(data.get("selection", ())),
        options=data.get("options", {}),
        seed=data.get("seed"),
        rerun_of=data.get("rerun_of", ""),
    )


def _verdict_from_json(data: Mapping[str, Any]) -> Verdict:
    reason = printable(data["reason"])
    cause = _CAUSES_BY_KEY.get(data.get("cause"))  # of a later kut it may be one more
    return Verdict(_BY_NAME[data["status"]], reason, ExitCode(data["exit_code"]), cause)


def _exit_to_json(process_exit: ProcessExit | None) -> dict[str, Any] | None:
    if not process_exit:
        return None
    return {
        "how": _EXIT_KINDS[process_exit.kind],
        "exit_status": process_exit.code if process_exit.kind is ExitKind.EXITED else None,
        "signal": process_exit.code if process_exit.kind is ExitKind.KILLED else None,
        "stderr": process_exit.stderr,
        "left_out": process_exit.missing,
        "cpu_seconds": round(process_exit.cpu_seconds, 6),
        "lost_seconds": round(process_exit.starved_seconds, 6),
        "cpus_wanted": None
        if process_exit.cpu_demand is None
        else round(process_exit.cpu_demand, 3),
    }


def _exit_from_json(test: Mapping[str, Any], data: Mapping[str, Any] | None) -> ProcessExit | None:
    if data is None:
        return None
    return ProcessExit(
        kind=_EXIT_KINDS_BY_KEY[data["how"]],
        code=data["exit_status"] or data["signal"] or 0,
        seconds=test["seconds"],
        stderr=data["stderr"],
        missing=data.get("left_out", 0),
        cpu_seconds=data.get("cpu_seconds", 0.0),
        starved_seconds=data.get("lost_seconds", 0.0),
        cpu_demand=data.get("cpus_wanted"),
    )


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
