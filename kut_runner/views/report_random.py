# SPDX-License-Identifier: GPL-2.0-or-later
"""Failures of random cases on the terminal, by kind."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kut_runner.text import line

if TYPE_CHECKING:
    from kut_runner.run.shrinking import Kind


def lines(kinds: "Iterable[Kind]") -> Iterator[str]:
    """Yield the lines for each kind of failures as it is shrunk: its number, and a small case."""
    for kind in kinds:
        cases = "1 case fails" if kind.count == 1 else f"{kind.count} cases fail"
        yield line(f"{cases} like this one of {kind.smallest.test}:")
        yield line(f"  {kind.smallest.message}")
        yield line(f"  kut conform --case '{kind.smallest.text}'")
