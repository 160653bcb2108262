# SPDX-License-Identifier: GPL-2.0-or-later
"""Replay of recorded tests: which attempts of a run, on which QEMU, and with the same output."""

import fnmatch
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build.builder import Image
from kut_runner.definitions.config import TestDef
from kut_runner.definitions.needs import parse_accelerator
from kut_runner.errors import MissingToolError, NothingSelectedError, UsageError
from kut_runner.process.boot import ExitKind
from kut_runner.records.view import View
from kut_runner.targets.case import Case
from kut_runner.targets.qemu import find_qemu
from kut_runner.targets.recording import Replay, path_of
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.records.document import Document
    from kut_runner.records.store import Store
    from kut_runner.verdict.result import TestResult

#: Ratio of the timeout of a replay to the time of the recording; a replay of a guest that waits
#: took up to eight times as long.
_SLOWER: Final = 40
#: Shortest timeout in seconds.
_SHORTEST: Final = 60.0
#: Most characters of a line in a difference.
_WIDEST: Final = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded attempt."""

    result: "TestResult"

    @property
    def log(self) -> Path:
        """File with its serial output."""
        return Path(self.result.log)

    @property
    def id(self) -> str:
        """Id of the case."""
        return self.result.id

    def option(self, name: str, default: str) -> str:
        """Return the value of an option of QEMU's command line."""
        pairs = zip(self.result.command, self.result.command[1:], strict=False)
        return next((value for option, value in pairs if option == name), default)

    def case(self, cache: Path, qemu_args: tuple[str, ...] = ()) -> Case:
        """Return the case that replays the attempt, with further options of QEMU.

        `cache` and errors are those of `find_qemu`. Raises MissingToolError when the program has
        another version now, or the image is gone.
        """
        qemu = find_qemu(self.result.command[0], cache=cache)
        if qemu.release != self.result.version:
            raise MissingToolError(
                f"{self.id} was recorded with QEMU {self.result.version}, and {qemu.program} is"
                f" QEMU {qemu.release} now",
                "a replay needs the same version; record the test again",
            )
        flat = Path(self.option("-kernel", ""))
        if not flat.is_file():
            raise MissingToolError(
                f"the image of the recording does not exist: {flat}", "record the test again"
            )
        accelerator = parse_accelerator(self.option("-accel", "tcg"))
        assert accelerator  # noqa: S101 - kut wrote it
        target = Replay(qemu, accelerator, self.result.command, self.log, qemu_args)
        return Case(self._test(flat.stem), target, Image(flat.stem, flat.with_suffix(".elf"), flat))

    def _test(self, image: str) -> TestDef:
        """Return a definition with the keys that matter besides QEMU's command line."""
        memory = self.option("-m", "")
        return TestDef(
            name=self.result.test,
            image=image,
            args="",
            smp=1,
            memory=int(memory) if memory.isdigit() else 128,
            cpu=self.option("-cpu", ""),
            machine=(),
            groups=(),
            timeout=max(_SHORTEST, _SLOWER * self.result.seconds),
            needs=(),
            qemu_args=(),
        )


def load(store: "Store", run: str) -> "Document":
    """Return a run of this store; raises UsageError for one of another place, and as `Store.load`.

    A document from elsewhere may name any program.
    """
    if not store.keeps(run):
        raise UsageError(
            f"{run} is not a run of this build directory", "`kut history` lists its runs"
        )
    return store.load(run)


def recorded(document: "Document", patterns: Sequence[str] = ()) -> tuple[Recorded, ...]:
    """Return an attempt of each test that matches a name or glob, by default of each that failed.

    It is the last failed attempt, else the last one. Raises UsageError for a name without test or
    without recording, NothingSelectedError when no recorded test failed.
    """
    found = _attempts(document)
    if not patterns:
        failed = [each for each in found.values() if each.result.status.is_failure]
        if not failed:
            raise NothingSelectedError(
                "no recorded test failed in this run", "name a test, as in `kut replay NAME`"
            )
        return tuple(failed)
    chosen: dict[str, Recorded] = {}
    for pattern in patterns:
        matching = {name: each for name, each in found.items() if _matches(name, pattern)}
        if not matching:
            raise _nothing(document, pattern)
        chosen |= matching
    return tuple(chosen.values())


def one(document: "Document", name: str) -> Recorded:
    """Return the recorded attempt of one test; raises UsageError as `recorded`, and for several."""
    found = recorded(document, [name])
    if len(found) > 1:
        names = ", ".join(each.id for each in found[:5])
        raise UsageError(f"{name} matches {len(found)} recorded tests, such as {names}", "name one")
    return found[0]


def _attempts(document: "Document") -> "Mapping[str, Recorded]":
    """Return by id the last failed attempt, else the last one, of those with a recording."""
    found: dict[str, Recorded] = {}
    for result in document.results:
        for attempt in (*result.earlier, result):
            is_recorded = attempt.log and path_of(Path(attempt.log)).is_file()
            seen = found.get(result.id)
            if is_recorded and (
                not seen or attempt.status.is_failure or not seen.result.status.is_failure
            ):
                found[result.id] = Recorded(attempt)
    return found


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or name.partition("/")[0] == pattern


def _nothing(document: "Document", pattern: str) -> UsageError:
    """Return the error for a pattern that matches no recorded test."""
    results = [each for each in document.results if _matches(each.id, pattern)]
    if not results:
        return UsageError(
            f'the run has no result of "{pattern}"', f"`kut run --record {pattern}` records it"
        )
    first = results[0]
    if first.status is Status.SKIP:
        return UsageError(f"{first.id} was skipped: {first.verdict.reason}")
    return UsageError(
        f"{first.id} was not recorded in this run", f"`kut run --record {pattern}` records it"
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A replay that has ended."""

    recorded: Recorded
    result: "TestResult"
    difference: str
    """First difference from the recorded output, or why there is no output; "" for none."""

    def lines(self) -> Iterator[str]:
        """Yield lines for the user."""
        before, log = self.recorded.result, self.result.log
        verdict = ": ".join(filter(None, (before.status.value, before.verdict.reason)))
        if self.difference:
            yield f"DIFFERENT  {self.recorded.id}  {self.difference}"
        else:
            size = Path(log).stat().st_size
            yield f"SAME       {self.recorded.id}  {size} bytes of output; recorded {verdict}"
        if self.result.trace:
            yield f"           trace: {os.path.relpath(self.result.trace)}"


class Comparer(View):
    """View that compares each replay with its recording."""

    def __init__(self, attempts: Sequence[Recorded], show: Callable[[Outcome], None]) -> None:
        """Compare with these recordings, and pass each outcome to `show`."""
        self._attempts = {each.id: each for each in attempts}
        self._show = show
        self.different = 0
        """Number of replays that differ from their recordings."""

    def on_result(self, result: "TestResult") -> None:
        """Compare the serial output."""
        attempt = self._attempts[result.id]
        outcome = Outcome(attempt, result, _difference(attempt, result))
        self.different += bool(outcome.difference)
        self._show(outcome)


def _difference(attempt: Recorded, result: "TestResult") -> str:
    end = result.process_exit
    if not end or end.kind is ExitKind.NOT_STARTED or not Path(result.log).is_file():
        return result.verdict.reason
    before, after = attempt.log.read_bytes(), Path(result.log).read_bytes()
    if before == after:
        return "the replay did not end" if end.kind is ExitKind.TIMED_OUT else ""
    if not after and end.stderr:
        return f"QEMU refused the recording: {end.stderr.splitlines()[-1]}"
    return next(_differing_lines(before, after))


def _differing_lines(before: bytes, after: bytes) -> Iterator[str]:
    old, new = (data.decode(errors="backslashreplace").split("\n") for data in (before, after))
    for number in range(max(len(old), len(new))):
        one = old[number] if number < len(old) else "the end"
        other = new[number] if number < len(new) else "the end"
        if one != other:
            yield f"line {number + 1}: recorded {one[:_WIDEST]!r}, replayed {other[:_WIDEST]!r}"
    yield "bytes that are not text"
