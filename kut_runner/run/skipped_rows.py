# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite that do not run, as the emulator dies at them on some runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kut_runner.errors import ConfigError
from kut_runner.run import known_failures, row_selection
from kut_runner.verdict import row_list

if TYPE_CHECKING:
    from kut_runner.definitions.errata import Erratum
    from kut_runner.targets.case import Case


def without(case: "Case", errata: Sequence["Erratum"]) -> "Case":
    """Return the case with arguments that skip the rows of those errata which say so.

    Raises ConfigError for more separate rows than fit into the arguments.
    """
    skips = [each for each in known_failures.applicable(errata, case) if each.skip]
    if not skips or not case.image.row_list.exists():
        return case
    ids = row_list.load(case.image.row_list).ids
    found = ((each.name, known_failures.numbers(ids, each)) for each in skips)
    added = [_argument(name, numbers) for name, numbers in found if numbers]
    args = " ".join((case.test.args, *added)).strip()
    return replace(case, test=replace(case.test, args=args)) if added else case


def _argument(name: str, numbers: Sequence[int]) -> str:
    ranges = row_selection.text_of(row_selection.ranges(numbers, gap=1))
    if len(ranges) > row_selection.LONGEST:
        problem = f"erratum.{name}.rows: {len(numbers)} separate rows are too many to skip"
        raise ConfigError([problem])
    return f"skip={name}:{ranges}"
