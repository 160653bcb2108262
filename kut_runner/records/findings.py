# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs of the conformance suite on several versions show of the errata, as a file.

`configs/findings.json` has for each erratum and version the number of rows that failed and one of
them, with what was expected and found, and the rows whose outcome is not the same on all versions.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from kut_runner.definitions import errata
from kut_runner.errors import ConfigError, UsageError, describe
from kut_runner.text import printable
from kut_runner.verdict import rows as codes
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.records.document import Document
    from kut_runner.verdict.result import TestResult

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
#: First components of the id of a row that name its kind.
_COMPONENTS: Final = 2
_KNOWN: Final = re.compile(r"(.*) \(erratum ([a-z0-9-]+)\)")
#: Where a machine hangs is not the same in each run.
_HANG: Final = re.compile(r"(crash: no progress for [^:]*):.*")
#: Values that follow a counter: a range, and what was found instead.
_COUNT: Final = re.compile(r"0x[0-9a-f]+( or less by up to |\.\.)0x[0-9a-f]+, found 0x[0-9a-f]+")
_HOST: Final = re.compile(r"^([a-z0-9]+)-nvhe\.")


@dataclass(frozen=True, slots=True)
class Seen:
    """Rows of an erratum on one version of the program."""

    failed: int
    row: str
    """One of them."""
    outcome: str
    """What was expected and found at this row."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one kind whose outcomes differ between versions in the same way."""

    erratum: str
    row: str
    """The first of them."""
    rows: int
    outcomes: tuple[str, ...]
    """By version: pass, fail, crash, skip or none (it did not run)."""


@dataclass(frozen=True, slots=True)
class Record:
    """Outcomes of the suite on several versions of a program."""

    versions: tuple[str, ...]
    verified: tuple[int, ...]
    """Number of rows that ran to a verdict, by version."""
    seen: Mapping[str, Mapping[str, Seen]]
    """By erratum and version."""
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the values of the file."""
        return {
            "schema": SCHEMA,
            "versions": dict(zip(self.versions, self.verified, strict=True)),
            "errata": {
                name: {version: asdict(each) for version, each in versions.items()}
                for name, versions in sorted(self.seen.items())
            },
            "differences": [asdict(each) for each in self.differences],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` wrote; raises LookupError, TypeError or ValueError."""
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not {SCHEMA}")
        return cls(
            tuple(map(printable, data["versions"])),
            tuple(map(int, data["versions"].values())),
            {
                name: {version: Seen(**each) for version, each in versions.items()}
                for name, versions in data["errata"].items()
            },
            tuple(
                Difference(**{**each, "outcomes": tuple(each["outcomes"])})
                for each in data["differences"]
            ),
        )


def file_of(program: str) -> str:
    """Return the name of the file with the record of a program."""
    return "findings.json" if program == errata.QEMU else f"findings-{program}.json"


def program_of(documents: Sequence["Document"]) -> str:
    """Return the program that runs tested; raises UsageError if it is not one."""
    found = {_under_test(each)[0] for each in documents}
    if len(found) > 1:
        titles = " and ".join(sorted(map(errata.title, found)))
        raise UsageError(f"the runs are of {titles}", "record the runs of each by itself")
    return found.pop()


def _under_test(document: "Document") -> tuple[str, str]:
    """Return the program that a run tested, and its version."""
    return errata.programs(errata.QEMU, document.metadata.version)[0]


def load(path: Path) -> Record:
    """Return the record in a file; raises ConfigError if it cannot be read or is no record."""
    try:
        record = Record.from_json(json.loads(path.read_bytes()))
    except OSError as error:
        problem = describe(error)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        problem = f"{path.parent.name}/{path.name}: no record of findings: {str(error)[:200]}"
    else:
        return record
    raise ConfigError([f"{problem}; write it by `kut findings --record`"])


def record(documents: Sequence["Document"]) -> Record:
    """Return the record of runs of the whole suite, in the order of their versions.

    Raises UsageError for a run without rows, with failures that errata do not list, or of another
    suite than the first one.
    """
    runs = sorted(map(_Run, documents), key=lambda run: _numbers(run.version))
    for run in runs:
        run.check(runs[0])
    return Record(
        tuple(run.version for run in runs),
        tuple(run.verified for run in runs),
        _seen(runs),
        tuple(_differences(runs)),
    )


class _Run:
    """A run of the suite."""

    def __init__(self, document: "Document") -> None:
        self.version = _under_test(document)[1]
        results = sorted(document.results, key=lambda result: result.id)
        self.areas = {each.id: area for each in results if (area := each.output.rows)}
        self._name = document.metadata.run or "the document"
        counts = [area.counts for area in self.areas.values()]
        self.verified = sum(each[code] for each in counts for code in codes.RAN)
        self._unlisted = sum(area.failed for area in self.areas.values())
        self.known = dict(_known(results))
        """Outcome and erratum by row."""

    def check(self, first: "_Run") -> None:
        """Raise UsageError if it is of no use together with the first run."""
        hashes = {test: area.hash for test, area in self.areas.items()}
        if not hashes:
            raise UsageError(
                f"{self._name} has no rows of the conformance suite", "run `kut conform`"
            )
        if self._unlisted:
            raise UsageError(
                f"{self._name} has {self._unlisted} failures that errata do not list",
                "list them in configs/errata.toml, and run `kut conform` again",
            )
        if hashes != {test: area.hash for test, area in first.areas.items()}:
            raise UsageError(
                f"the rows of {self._name} are not those of the first run",
                "run `kut conform` on each QEMU with the same images",
            )

    def listed(self) -> Mapping[str, Sequence[str]]:
        """Return the rows that failed, by erratum."""
        found: dict[str, list[str]] = {}
        for row, (_, name) in self.known.items():
            found.setdefault(name, []).append(row)
        return found

    def outcome(self, row: str, code: str) -> str:
        """Return the outcome of a row in one word."""
        if code == codes.KNOWN:
            return "crash" if self.known[row][0].startswith("crash: ") else "fail"
        return codes.STATUSES[code[0]]


def stable(outcome: str) -> str:
    """Return an outcome without what differs from run to run."""
    return _COUNT.sub(r"N\1N, found another", _HANG.sub(r"\1", outcome))


def _seen(runs: Sequence[_Run]) -> Mapping[str, Mapping[str, Seen]]:
    """Return what the runs show of each erratum, at a row that fails in all of them if there is."""
    listed = [run.listed() for run in runs]
    found: dict[str, dict[str, Seen]] = {}
    for name in {name: None for each in listed for name in each}:
        shared = frozenset.intersection(*(frozenset(each[name]) for each in listed if name in each))
        for run, each in zip(runs, listed, strict=True):
            if name in each:
                row = next((row for row in each[name] if row in shared), each[name][0])
                seen = Seen(len(each[name]), row, run.known[row][0])
                found.setdefault(name, {})[run.version] = seen
    return found


def _known(results: "Sequence[TestResult]") -> Iterator[tuple[str, tuple[str, str]]]:
    for result in sorted(results, key=lambda each: each.test):
        for check in result.output.checks:
            parts = codes.parts_of(check) if check.status is Status.KFAIL else None
            if parts and (match := _KNOWN.fullmatch(parts[2])):
                yield parts[1], (stable(match[1]), match[2])


def _differences(runs: Sequence[_Run]) -> Iterator[Difference]:
    """Yield the rows that pass on one version and fail on another, by their kind."""
    groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for test, area in runs[0].areas.items():
        for row, *found in zip(area.ids, *(run.areas[test].codes() for run in runs), strict=True):
            if len({code[0] for code in found}) == 1:
                continue
            outcomes = tuple(run.outcome(row, code) for run, code in zip(runs, found, strict=True))
            if "pass" in outcomes and {"fail", "crash"} & {*outcomes}:
                name = next(run.known[row][1] for run in runs if row in run.known)
                rows = groups.setdefault((name, _kind(row), outcomes), [])
                rows += [row] if row not in rows[-1:] else []
    for (name, _, outcomes), rows in groups.items():
        yield Difference(name, rows[0], len({*rows}), outcomes)


def _kind(row: str) -> str:
    """Return the first components of an id; on hosts with VHE and without it is the same."""
    return ".".join(_HOST.sub(r"\1.", row).split(".")[:_COMPONENTS])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]{1,6}", version)[:3]))
