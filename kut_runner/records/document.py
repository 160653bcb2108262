# SPDX-License-Identifier: GPL-2.0-or-later
"""The document of a run: versioned JSON, written from results and read back into them.

A view receives the same `TestResult`s from a document as from a live run, so
`replay(load(path), views)` shows a past run as it was shown then. Text read from a document is made
printable, as is the output of a guest. docs/results.md and schema/results-1.json, which is part of
the package, describe the keys.
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
from kut_runner.definitions import similar
from kut_runner.errors import ExitCode, UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.process.harness import Finding, FindingKind
from kut_runner.records import output_json, validation
from kut_runner.records.policy import Policy
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.targets.case import cell_of
from kut_runner.text import printable
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.result import exit_code as exit_code_of
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kut_runner.verdict.diagnosis import Diagnosis

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
#: Seconds from the epoch to the year 3000.
_END_OF_TIME: Final = 32503680000
#: Most bytes of a file that is not in the store.
LIMIT: Final = 128 << 20
#: Most characters of the reason why a file has no results.
_LONGEST_REASON: Final = 300
#: The JSON Schema of the document.
SCHEMA_FILE: Final = Path(__file__).with_name("schema") / f"results-{SCHEMA}.json"

#: Values of the key "how" in "ended".
_EXIT_KINDS: Final = {
    ExitKind.EXITED: "exited",
    ExitKind.KILLED: "killed",
    ExitKind.TIMED_OUT: "timed_out",
    ExitKind.LINGERED: "lingered",
    ExitKind.INTERRUPTED: "interrupted",
    ExitKind.GIVEN_UP: "given_up",
    ExitKind.NOT_STARTED: "not_started",
}
#: Values of the key "cause".
_CAUSES: Final = {cause: cause.value for cause in Cause}
_CAUSES_BY_KEY: Final[Mapping[object, Cause]] = {cause.value: cause for cause in Cause}
_EXIT_KINDS_BY_KEY: Final = {key: kind for kind, key in _EXIT_KINDS.items()}
_BY_NAME: Final = {status.value: status for status in Status}


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """Metadata of a run, known when it starts."""

    run: str = ""
    """ID of the run; empty if no store keeps it."""
    started: float = field(default_factory=time.time)
    """Start, in seconds since the epoch."""
    kut: str = __version__
    """Version of kut."""
    host: Mapping[str, Any] = field(default_factory=dict)
    """`system`, `release`, `machine`, `python` and `cpus` of the host; see `host_metadata`."""
    compiler: str = ""
    """"gcc", "clang" or "zig"; empty when nothing was built."""
    variant: str = ""
    """Variant of the build; empty for the default one."""
    target: str = ""
    """Name of the target; empty for several targets and in documents of an older kut."""
    program: str = ""
    """Path of the target's program."""
    version: str = ""
    """Version of the program."""
    selection: tuple[str, ...] = ()
    """Ids of the selected cases."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options that decide what runs and how; see docs/results.md."""
    seed: int | None = None
    """Seed of the order of the tests; None when they were not shuffled."""
    rerun_of: str = ""
    """ID of the run whose failed and missing tests this one repeats; empty for a first run."""


@dataclass(frozen=True, slots=True)
class Document:
    """A run as read from disk: complete, in progress, or cut short."""

    metadata: RunMetadata
    results: Sequence[TestResult]
    """In the order in which the tests ended."""
    seconds: float | None
    """Wall time of the run; None while it is in progress or when it was killed."""
    exit_code: ExitCode | None
    """Exit code of kut; None while it is in progress or when it was killed."""
    is_complete: bool
    """Whether every selected test has its result."""

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the selected cases; in a document without selection those with a result."""
        return self.metadata.selection or tuple(result.id for result in self.results)

    @property
    def has_cells(self) -> bool:
        """Whether tests have results on several targets."""
        return any(map(cell_of, self.names))

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of the cases without result."""
        seen = {result.id for result in self.results}
        return tuple(name for name in self.names if name not in seen)

    @property
    def failed(self) -> frozenset[str]:
        """Ids of the cases that failed at least once."""
        return frozenset(result.id for result in self.results if result.status.is_failure)

    @property
    def rounds(self) -> int:
        """Number of results that each case needs; 1 for a run until the first failure."""
        options = self.metadata.options
        return 1 if options.get("until_fail") else options.get("repeat") or 1

    @property
    def to_repeat(self) -> frozenset[str]:
        """Ids of the cases that failed, or have fewer results than `rounds`."""
        seen = Counter(result.id for result in self.results)
        return self.failed.union(name for name in self.names if seen[name] < self.rounds)

    @property
    def counts(self) -> Mapping[Status, int]:
        """Number of results by status."""
        return Counter(result.status for result in self.results)

    @property
    def run(self) -> Run:
        """The run for views; a run that was killed counts as interrupted."""
        codes = Policy.of(self.metadata.options).exit_codes(self.results)
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
    """Return metadata of this host, without its name and its user."""
    system = os.uname()
    return {
        "system": system.sysname,
        "release": system.release,
        "machine": system.machine,
        "python": ".".join(map(str, sys.version_info[:3])),
        "cpus": os.cpu_count() or 1,
    }


def replay(document: Document, views: Sequence[View]) -> ExitCode:
    """Pass a saved run to views as if it ran now; return its exit code."""
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
    """Return the run reduced to one test, or one of its cells.

    Raises UsageError when it has no result.
    """
    found = tuple(each for each in document.results if name in (each.id, each.test))
    if found:
        metadata = replace(document.metadata, selection=tuple(dict.fromkeys(r.id for r in found)))
        seconds = sum(result.seconds for result in found)
        codes = [result.verdict.exit_code for result in found]
        return Document(metadata, found, seconds, exit_code_of(codes), is_complete=True)
    if name in document.missing:
        raise UsageError(f"{name} has no result in this run", "`kut rerun` runs what is missing")
    hint = similar.hint(name, document.names, "`kut show RUN` shows all its tests")
    raise UsageError(f'the run has no test "{name}"', hint)


def dumps(
    metadata: RunMetadata, tests: Sequence[str], counts: Mapping[str, int], run: Run | None = None
) -> str:
    """Return the document of a run as text, one line per test.

    `tests` are lines from `result_line`, `counts` their numbers by status. `run` is None while the
    run is in progress.
    """
    head = json.dumps(_to_json(metadata, counts, run), indent=1).removesuffix("[]\n}")
    return "".join((head, "[\n", ",\n".join(tests), "\n]\n}\n"))


class _LastLine:
    """Cache for the line of the latest result: several files get it, and it may be large."""

    result: TestResult | None = None
    text: str = ""


def result_line(result: TestResult) -> str:
    """Return a result as a line of results.jsonl, without the newline."""
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
    """Return a result as an entry of "tests" in the document."""
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
            **({"trace": result.trace} if result.trace else {}),
            "ended": _exit_to_json(result.process_exit),
        },
        "target": result.target,
        "log": result.log,
        "build_id": result.build_id,
    }


def load(path: Path, *, brief: bool = False, limit: int | None = LIMIT) -> Document:
    """Load a JSON document, or a results.jsonl, whose truncated last line is ignored.

    With `brief` the results have verdicts and times, but neither output nor diagnosis. Raises
    UsageError when the file holds no results, is larger than `limit` bytes or has a newer schema,
    and OSError when it cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(limit + 1 if limit else -1)
    if limit and len(text) > limit:
        raise UsageError(
            f"{path} has more than {limit >> 20} MiB, the limit for results of another place",
            "copy the directory of the run to build/runs, or split the run",
        )
    try:
        with _no_garbage_collection():
            return _parse(text, is_lines=path.suffix == ".jsonl", brief=brief)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise _no_results(path, reason) from None
    except RecursionError:
        raise _no_results(path, "nested too deeply") from None


def _no_results(path: Path, reason: str) -> UsageError:
    return UsageError(
        f"{path} has no results of kut ({reason[:_LONGEST_REASON]})",
        "name a file that `kut run --json FILE` has written, or a results.jsonl",
    )


def from_json(data: Mapping[str, Any], *, brief: bool = False) -> Document:
    """Return the run of a document; keys missing from an older document are empty.

    Raises KeyError, TypeError, ValueError or AttributeError for anything else.
    """
    if not isinstance(schema := data["schema"], int):
        raise TypeError("it is not a document with a schema")
    if schema > SCHEMA:
        raise ValueError(f"schema {schema} is newer than {SCHEMA}, which this kut supports")
    validation.check(data, SCHEMA_FILE, brief=brief)
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
        trace=printable(qemu.get("trace", "")),
        build_id=data["build_id"],
        diagnosis=_diagnosis_from_json(diagnosis) if diagnosis and not brief else None,
        attempt=data.get("attempt", 1),
        earlier=tuple(_earlier_from_json(each, brief=brief) for each in data.get("earlier", ())),
        target=data.get("target", ""),
    )


def _earlier_from_json(data: Mapping[str, Any], *, brief: bool) -> TestResult:
    if data.get("earlier"):
        raise ValueError("an earlier attempt has earlier attempts")
    return result_from_json(data, brief=brief)


def _diagnosis_from_json(data: Mapping[str, Any]) -> "Diagnosis":
    from kut_runner.verdict.diagnosis import Diagnosis  # only needed for failures

    return Diagnosis.from_json(data)


@contextmanager
def _no_garbage_collection() -> "Iterator[None]":
    """Disable the garbage collector: it would scan all that is read, and free none of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse(text: bytes, *, is_lines: bool, brief: bool) -> Document:
    if not is_lines:
        return from_json(validation.loads(text), brief=brief)
    tests = _complete_lines(text)
    return Document(
        metadata=RunMetadata(started=0.0),
        results=tuple(_line_from_json(test, brief=brief) for test in tests),
        seconds=None,
        exit_code=None,
        is_complete=False,
    )


def _complete_lines(text: bytes) -> "Iterable[Any]":
    """Return the values of JSON lines; a kill or a full disk may have truncated the last one."""
    *lines, _truncated = text.split(b"\n")
    return map(validation.loads, lines)


def _line_from_json(data: Mapping[str, Any], *, brief: bool) -> TestResult:
    validation.check(data, SCHEMA_FILE, "test", brief=brief)
    return result_from_json(data, brief=brief)


def _seconds_of(started: str) -> float:
    """Return the seconds since the epoch of a time that `_iso` wrote; raises ValueError."""
    from datetime import datetime

    seconds = datetime.fromisoformat(started).timestamp()
    if not 0 <= seconds < _END_OF_TIME:
        raise ValueError(f"started: expected a time from 1970 to 2999, found {started}")
    return seconds


def _metadata_from_json(data: Mapping[str, Any]) -> RunMetadata:
    build, qemu = data.get("build", {}), data.get("qemu", {})
    return RunMetadata(
        run=data.get("run", ""),
        started=_seconds_of(data["started"]),
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
    cause = _CAUSES_BY_KEY.get(data.get("cause"))  # a newer kut may have more causes

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
        "migrations": process_exit.moves,
        "finding": _finding_to_json(process_exit.finding),
    }


def _finding_to_json(finding: Finding | None) -> dict[str, str] | None:
    if not finding:
        return None
    return {"kind": finding.kind.name.lower(), "cause": finding.cause, "text": finding.text}


def _finding_from_json(data: Mapping[str, str] | None) -> Finding | None:
    if not data:
        return None
    kind = FindingKind[data["kind"].upper()]
    return Finding(kind, Cause(data["cause"]).value, printable(data["text"]))


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
        moves=data.get("migrations", 0),
        finding=_finding_from_json(data.get("finding")),
    )


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
