# SPDX-License-Identifier: GPL-2.0-or-later
"""What the architecture requires of rows of the conformance suite, as text."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kut_runner.run.row_selection import ListedRow
    from kut_runner.verdict.row_list import Rule

#: Most rules, and outcomes of a rule, that are listed.
_MOST_RULES: Final = 8
_MOST_OUTCOMES: Final = 6
#: Most characters of an outcome in a list of several.
_LONGEST_OUTCOME: Final = 240


def of_row(row: "ListedRow") -> Iterator[str]:
    """Yield everything about a row."""
    rule, area = row.rule, row.of
    yield row.id
    yield from _facts(
        {
            "area": f"{area.area} ({area.title}), row {row.number}",
            "expected": row.expected,
            "rule": f"{rule.key}: {rule.statement}",
            **_places(rule),
            "coverage": ", ".join(f"{key} ({area.matrix[key]})" for key in row.coverage),
            "needs": ", ".join(row.needs),
            "run": f"kut conform --case '{area.cases[row.number]}'"
            if area.cases
            else f"kut conform {row.id}",
        }
    )


def by_rule(rows: "Iterable[ListedRow]") -> Iterator[str]:
    """Yield the rules of rows in their order, each with its most frequent outcomes."""
    groups: dict[str, list[ListedRow]] = {}
    for row in rows:
        groups.setdefault(row.rule.key, []).append(row)
    for group in islice(groups.values(), _MOST_RULES):
        rule = group[0].rule
        yield f"{rule.key}: {rule.statement}"
        yield from _facts(_places(rule))
        yield from _outcomes(group)
    if more := [*groups][_MOST_RULES:]:
        yield f"and rows of {len(more)} more rules: {', '.join(more)}"


def _outcomes(rows: "Iterable[ListedRow]") -> Iterator[str]:
    """Yield the expected outcomes of rows, the most frequent first, each with its first row."""
    counts = Counter[str]()
    first: dict[str, str] = {}
    for row in rows:
        counts[row.expected] += 1
        first.setdefault(row.expected, row.id)
    for expected, count in counts.most_common(_MOST_OUTCOMES):
        yield f"{count:7}  {textwrap.shorten(expected, _LONGEST_OUTCOME, placeholder=' ...')}"
        yield f"{'':7}  {'at' if count == 1 else 'such as at'} {first[expected]}"
    if rest := counts.most_common()[_MOST_OUTCOMES:]:
        yield f"{sum(count for _, count in rest):7}  {len(rest)} other outcomes"


def _places(rule: "Rule") -> Mapping[str, str]:
    return {"manual": f"{rule.document}, {rule.section}", "pseudocode": rule.function}


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    yield from (f"  {name:11}{text}" for name, text in facts.items() if text)
