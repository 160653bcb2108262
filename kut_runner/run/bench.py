# SPDX-License-Identifier: GPL-2.0-or-later
"""Instruction counts: printed by images, compared with the baseline that the tree keeps.

An image of group `bench` prints `INFO: bench: NAME VALUE UNIT` for each metric. The baseline is
`configs/bench-baseline.json`: for each compiler, by metric, its `value` and its `tolerance`, the
fraction by which it may grow. A metric that grew by more, or is gone, is a failure; one that the
baseline does not have is only shown. Counts are exact, so an unchanged tree gives the same ones.
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
    """A count, in its unit."""

    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What the baseline says of a metric."""

    value: int
    tolerance: float
    """Fraction of `value` by which it may grow: 0 or more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A metric beside its baseline; one of the two may be missing."""

    name: str
    found: Metric | None
    kept: Kept | None

    @property
    def is_good(self) -> bool:
        """It is there, and within its tolerance if it has one."""
        if not self.found:
            return False
        return not self.kept or self.found.value <= self.kept.value * (1 + self.kept.tolerance)

    def __str__(self) -> str:
        """Return a line of the table."""
        found = str(self.found.value) if self.found else "missing"
        if not self.kept:
            return f"{self.name:24} {found:>12} {'new':>12}"
        change = (self.found.value / self.kept.value - 1) * 100 if self.found else 0.0
        verdict = "" if self.is_good else "  TOO MUCH" if self.found else "  MISSING"
        return f"{self.name:24} {found:>12} {self.kept.value:>12} {change:+8.1f} %{verdict}"


class Collector(View):
    """A view that keeps the results."""

    def __init__(self) -> None:
        """Start without any."""
        self.results: Sequence[TestResult] = ()

    def on_end(self, run: "Run") -> None:
        """Keep all results."""
        self.results = run.results


def metrics(results: "Sequence[TestResult]") -> dict[str, Metric]:
    """Return what images printed, in its order."""
    found = {}
    for result in results:
        for line in result.output.last_lines:
            if match := _LINE.fullmatch(line):
                found[match[1]] = Metric(int(match[2]), match[3])
    return found


def problems(results: "Sequence[TestResult]") -> list[str]:
    """Return a line for each image that did not end well."""
    bad = [result for result in results if result.verdict.reason]
    return [f"{each.id}: {each.status.value}: {each.verdict.reason}" for each in bad]


def load_baseline(path: Path, compiler: str) -> dict[str, Kept]:
    """Return the baseline of a compiler, empty when there is none; ConfigError for a bad file."""
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text()).get(compiler, {})
        return {
            name: Kept(int(entry["value"]), float(entry.get("tolerance", _TOLERANCE)))
            for name, entry in kept.items()
        }
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        words = f"{path}: not a baseline ({error!r}); write a new one with `kut bench --update`"
        raise ConfigError([words]) from None


def compare(found: Mapping[str, Metric], kept: Mapping[str, Kept]) -> list[Row]:
    """Return a row for each metric of either, those that were found first."""
    names = [*found, *(name for name in kept if name not in found)]
    return [Row(name, found.get(name), kept.get(name)) for name in names]


def report(found: Mapping[str, Metric], *, qemu: str, compiler: str) -> str:
    """Return the metrics as JSON."""
    values = {name: {"value": each.value, "unit": each.unit} for name, each in found.items()}
    return json.dumps({"metrics": values, "qemu": qemu, "compiler": compiler}, indent=2) + "\n"


def update_baseline(path: Path, compiler: str, found: Mapping[str, Metric]) -> None:
    """Make `found` the baseline of a compiler; tolerances stay. Raises OSError, ConfigError."""
    kept = load_baseline(path, compiler)
    whole: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    whole[compiler] = {
        name: {
            "value": metric.value,
            "tolerance": kept[name].tolerance if name in kept else _TOLERANCE,
        }
        for name, metric in found.items()
    }
    path.write_text(json.dumps(whole, indent=2) + "\n")
