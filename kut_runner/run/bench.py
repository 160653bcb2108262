# SPDX-License-Identifier: GPL-2.0-or-later
"""Instruction counts: printed by images, compared with a baseline in the source tree.

An image of group `bench` prints `INFO: bench: NAME VALUE UNIT` for each metric. The baseline,
`configs/bench-baseline.json`, has for each compiler (with its major version, as in "gcc 12") and
metric its `value` and its `tolerance`, the fraction by which it may grow. A metric that grew by
more or is missing is a failure; a new one is only shown. Counts are exact: the same sources give
the same counts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner.errors import ConfigError
from kut_runner.records.view import View

if TYPE_CHECKING:
    from kut_runner.records.run_record import Run
    from kut_runner.verdict.result import TestResult

_LINE: Final = re.compile(r"INFO: bench: (\w+) ([0-9]+) (\w+)")
_TOLERANCE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Metric:
    """A count with its unit."""

    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Expected value of a metric."""

    value: int
    tolerance: float
    """Fraction of `value` by which the metric may grow, 0 or more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A metric and its baseline, one of which may be missing."""

    name: str
    found: Metric | None
    baseline: Baseline | None

    @property
    def is_good(self) -> bool:
        """Whether the metric was found, and is within its tolerance if it has a baseline."""
        if not self.found:
            return False
        if not self.baseline:
            return True
        return self.found.value <= self.baseline.value * (1 + self.baseline.tolerance)

    def __str__(self) -> str:
        """Return the row as a line of the table."""
        found = str(self.found.value) if self.found else "missing"
        if not self.baseline:
            return f"{self.name:24} {found:>12} {'new':>12}"
        change = (self.found.value / self.baseline.value - 1) * 100 if self.found else 0.0
        verdict = "" if self.is_good else "  TOO MUCH" if self.found else "  MISSING"
        return f"{self.name:24} {found:>12} {self.baseline.value:>12} {change:+8.1f} %{verdict}"


class Collector(View):
    """View that keeps the results."""

    def __init__(self) -> None:
        """Start without results."""
        self.results: Sequence[TestResult] = ()

    def on_end(self, run: "Run") -> None:
        """Keep all results."""
        self.results = run.results


def metrics(results: "Sequence[TestResult]") -> dict[str, Metric]:
    """Return the metrics by name, in the order in which the images printed them."""
    found = {}
    for result in results:
        for line in result.output.last_lines:
            if match := _LINE.fullmatch(line):
                found[match[1]] = Metric(int(match[2]), match[3])
    return found


def problems(results: "Sequence[TestResult]") -> list[str]:
    """Return a line for each test that did not pass."""
    bad = [result for result in results if result.verdict.reason]
    return [f"{each.id}: {each.status.value}: {each.verdict.reason}" for each in bad]


def load_baseline(path: Path, build: str) -> dict[str, Baseline]:
    """Return the baselines of a compiler by metric, none if the file does not exist.

    Raises ConfigError for a malformed file.
    """
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text()).get(build, {})
        return {
            name: Baseline(int(entry["value"]), float(entry.get("tolerance", _TOLERANCE)))
            for name, entry in entries.items()
        }
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        problem = f"{path}: not a baseline ({error!r}); write a new one with `kut bench --update`"
        raise ConfigError([problem]) from None


def compare(found: Mapping[str, Metric], baseline: Mapping[str, Baseline]) -> list[Row]:
    """Return a row for each metric: those found, then those only in the baseline."""
    names = [*found, *(name for name in baseline if name not in found)]
    return [Row(name, found.get(name), baseline.get(name)) for name in names]


def report(found: Mapping[str, Metric], *, qemu: str, compiler: str) -> str:
    """Return the metrics as JSON."""
    values = {name: {"value": each.value, "unit": each.unit} for name, each in found.items()}
    return json.dumps({"metrics": values, "qemu": qemu, "compiler": compiler}, indent=2) + "\n"


def update_baseline(path: Path, build: str, found: Mapping[str, Metric]) -> None:
    """Make `found` the baseline of a build, keeping tolerances.

    Raises OSError when the file cannot be written, ConfigError when it is malformed.
    """
    old = load_baseline(path, build)
    document: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    document[build] = {
        name: {
            "value": metric.value,
            "tolerance": old[name].tolerance if name in old else _TOLERANCE,
        }
        for name, metric in found.items()
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
