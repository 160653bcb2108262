# SPDX-License-Identifier: GPL-2.0-or-later
"""Failures of random cases, by kind, each shrunk to a small case.

Smaller variants of a case, which the model makes, run all in one machine; the smallest one that
fails in the same way is shrunk next, until none does.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.records.view import View
from kut_runner.run import engine
from kut_runner.run.options import RunOptions
from kut_runner.verdict.events import Check
from kut_runner.verdict.rows import parts_of
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.records.run_record import Run
    from kut_runner.run.random_cases import Cases, Model
    from kut_runner.targets.case import Case
    from kut_runner.verdict.result import TestResult

#: Most kinds of failures that are shrunk, and most machines in sequence for it.
MOST_KINDS: Final = 24
_MOST_ROUNDS: Final = 30
_FAILED: Final = (Status.FAIL, Status.CRASH)
#: Numbers in messages that do not tell kinds of failures apart.
_NUMBERS: Final = re.compile(
    r"level -?\d|of page \d|0x[0-9a-f]+|from a lower EL|, HPFAR_EL2|step \d+|CPU \d"
)
#: Most variants that are tried of a case at which the machine dies: each costs a machine.
_MOST_CRASHES: Final = 12


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that failed."""

    text: str
    message: str
    """Expected and found outcome, or how the machine died."""
    test: str
    is_crash: bool = False

    @property
    def kind(self) -> str:
        """What failures of one cause have in common."""
        if self.is_crash:
            return _NUMBERS.sub("", self.message)
        first = self.text.split()[0]
        family = "" if ":" in first else re.split(r"[-=]", first)[1]  # programs have none
        return f"{family} {_NUMBERS.sub('', self.message)}"

    @property
    def size(self) -> tuple[int, int, str]:
        """How large the case is; of equal ones that of the first test."""
        return len(self.text.split()), len(self.text), self.test


@dataclass(frozen=True, slots=True)
class Kind:
    """Failures of one kind."""

    count: int
    smallest: Failure


class Collector(View):
    """Collects the failures of a run."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Texts of the cases, by number."""
        self._texts = texts
        self.failures: list[Failure] = []
        self.is_complete = False

    def on_end(self, run: "Run") -> None:
        """Note whether all cases ran."""
        self.is_complete = run.is_complete

    def on_result(self, result: "TestResult") -> None:
        """Collect the failures of a test."""
        for check in result.output.checks:
            if found := self._failure(check, result.test):
                self.failures.append(found)

    def _failure(self, check: Check, test: str) -> Failure | None:
        parts = parts_of(check) if check.status in _FAILED else None
        if not parts:
            return None
        number = int(parts[1].rpartition(".")[2])
        return Failure(self._texts[number], parts[2], test, check.status is Status.CRASH)


#: Runs cases, quietly, and returns those of a test that failed.
_Run = Callable[["Cases", str], list[Failure]]


def kinds(failures: Iterable[Failure]) -> dict[str, list[Failure]]:
    """Return failures by kind, the kinds with the most of them first."""
    found: dict[str, list[Failure]] = {}
    for each in failures:
        found.setdefault(each.kind, []).append(each)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def shrink(model: "Model", failures: Iterable[Failure], run: _Run) -> Iterator[Kind]:
    """Yield the kinds of failures, the first of them with small cases; raises KutError."""
    by_kind = kinds(failures)
    smallest = {kind: min(found, key=lambda each: each.size) for kind, found in by_kind.items()}
    shrinking = dict(islice(smallest.items(), MOST_KINDS))
    for test in sorted({each.test for each in shrinking.values()}):
        mine = {kind: each for kind, each in shrinking.items() if each.test == test}
        smallest |= _shrunk(model, mine, test, run)
    for kind, found in by_kind.items():
        yield Kind(len(found), smallest[kind])


def _shrunk(
    model: "Model", given: Mapping[str, Failure], test: str, run: _Run
) -> dict[str, Failure]:
    """Return a small case of each kind of failure of a test."""
    best = dict(given)
    failing: dict[str, list[str]] = {kind: [] for kind in best}
    for _ in range(_MOST_ROUNDS):
        variants = _variants(model, {kind: best[kind] for kind in failing}, failing)
        every = list(dict.fromkeys(chain.from_iterable(variants.values())))
        if not every:
            break
        smaller: dict[str, list[Failure]] = {}
        for each in run(model.take(every, label="shrink"), test):
            if each.text in variants.get(each.kind, ()):
                smaller.setdefault(each.kind, []).append(each)
        best |= {kind: min(found, key=lambda each: each.size) for kind, found in smaller.items()}
        failing = {kind: [each.text for each in found] for kind, found in smaller.items()}
        if not failing:
            break
    return best


def _variants(
    model: "Model", best: Mapping[str, Failure], failing: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return smaller variants of the best cases, given those that failed, by kind of failure."""
    texts = [each.text for each in best.values()]
    smaller = zip(best.items(), model.smaller(texts, list(failing.values())), strict=True)
    return {
        kind: found[:_MOST_CRASHES] if each.is_crash else found for (kind, each), found in smaller
    }


def quiet_run(prepare: "Callable[[Cases, str], Case]", timeout: float | None) -> _Run:
    """Return a function that runs cases without views, and without a trace in the store.

    `prepare` returns what runs them as a test of this name does.
    """

    def run(cases: "Cases", test: str) -> list[Failure]:
        collector = Collector(cases.rows.cases)
        with tempfile.TemporaryDirectory(prefix="kut-shrink-") as directory:
            prepared = replace(prepare(cases, test), errata=None)
            options = RunOptions(timeout=timeout)
            engine.run([prepared], options, [collector], log_dir=Path(directory))
        return collector.failures if collector.is_complete else []

    return run
