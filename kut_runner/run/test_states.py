# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the tests of a selection stand, from round to round: what is due, and what is still bad.

A verdict holds for a definition and for an image as it was linked. A test is due when it has none
for what there is now; one that failed counts as bad until it has passed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind
from kut_runner.verdict import results

if TYPE_CHECKING:
    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.verdict.results import TestResult
    from kut_runner.verdict.status import Status

#: A definition, wherever it stands, and when its image was linked.
_Subject = tuple["TestDef", int]


class TestStates:
    """The verdicts on the tests of a selection."""

    __test__ = False  # not a class for pytest to collect

    def __init__(self) -> None:
        """Know nothing yet."""
        self._now: dict[str, _Subject] = {}
        self._judged: dict[str, _Subject] = {}
        self._verdicts: dict[str, tuple[Status, ExitCode]] = {}

    def see(self, tests: "Iterable[TestDef]", images: "Mapping[str, Image]") -> None:
        """Take note of the tests that there are now, and of their images as they are now."""
        self._now = {test.name: _subject(test, images) for test in tests}
        for name in [*self._verdicts, *self._judged]:
            if name not in self._now:
                self._verdicts.pop(name, None)
                self._judged.pop(name, None)

    def due(self, tests: "Iterable[TestDef]") -> "tuple[TestDef, ...]":
        """Return those of `tests`, all of which were seen, that have no verdict as they are."""
        return tuple(test for test in tests if self._judged.get(test.name) != self._now[test.name])

    def settle(self) -> None:
        """Take no test for due that is as it is now."""
        self._judged = dict(self._now)

    def forget(self, names: Iterable[str]) -> None:
        """Take these tests for due, whatever has become of them."""
        for name in names:
            self._judged.pop(name, None)

    def record(
        self, tests: "Iterable[TestDef]", found: "Iterable[TestResult]", times: int = 1
    ) -> None:
        """Take note of a round: the results of `tests`, each of which was to run so many times.

        One that was cut off, or is missing, leaves its test due.
        """
        by_name = defaultdict[str, list["TestResult"]](list)
        for result in found:
            if not (result.process_exit and result.process_exit.kind is ExitKind.INTERRUPTED):
                by_name[result.name].append(result)
        for test in tests:
            mine = by_name[test.name]
            worst = next((each for each in mine if each.status.is_failure), None)
            if worst or len(mine) >= times:
                shown = worst or mine[-1]
                self._judged[test.name] = self._now[test.name]
                self._verdicts[test.name] = shown.status, shown.verdict.exit_code
            else:
                self.forget([test.name])

    @property
    def names(self) -> Collection[str]:
        """The tests that there are."""
        return self._now.keys()

    @property
    def bad(self) -> tuple[str, ...]:
        """The tests that failed and have not passed since, in the order of the definitions."""
        verdicts = self._verdicts
        return tuple(
            name for name in self._now if name in verdicts and verdicts[name][0].is_failure
        )

    @property
    def unknown(self) -> int:
        """How many tests are due: they never ran, or not as they are."""
        return sum(self._judged.get(name) != subject for name, subject in self._now.items())

    @property
    def exit_code(self) -> ExitCode:
        """What the verdicts stand for, as a run of all tests would have ended."""
        return results.exit_code(code for _, code in self._verdicts.values())


def _subject(test: "TestDef", images: "Mapping[str, Image]") -> _Subject:
    linked = 0
    with suppress(FileNotFoundError):
        linked = images[test.image].flat.stat().st_mtime_ns
    return replace(test, origin=""), linked


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names as part of a sentence, the first ones of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
