# SPDX-License-Identifier: GPL-2.0-or-later
"""Search of rows of the conformance suite by words, or by a value of ESR_ELx."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from kut_runner.run import row_selection

if TYPE_CHECKING:
    from kut_runner.run.row_selection import ListedRow
    from kut_runner.verdict.row_list import RowList, Rule

_NUMBER: Final = re.compile("0x0*([0-9a-f]+)", re.IGNORECASE)
_EC_SHIFT: Final = 26
_ISS: Final = (1 << 25) - 1
#: Exception classes of aborts, of which most rows compare ISS[13:0] only.
_ABORTS: Final = (0x20, 0x21, 0x24, 0x25)
_LOW_ISS: Final = 0x3FFF


def search(lists: "Iterable[RowList]", words: Sequence[str]) -> "list[ListedRow]":
    """Return the rows with all of the words in the expected outcome.

    Without any, those with all of them in id, expected outcome, rule and coverage together. Upper
    and lower case are the same, and a number stands for itself however many zeros it begins with.
    One with a class of exceptions in bits 31:26 also stands for an outcome with that value of
    ESR_ELx. Rows of rules that have all of the words themselves come first.
    """
    patterns = list(map(_pattern, words))
    left: dict[str, list[re.Pattern[str]]] = {}
    found = []
    for row in distinct(row_selection.rows(lists, ())):
        rule = row.rule
        if rule.key not in left:
            left[rule.key] = [each for each in patterns if not each.search(_text_of(rule))]
        if all(each.search(_text(row)) for each in left[rule.key]):
            found.append(row)
    exact = [row for row in found if all(each.search(row.expected) for each in patterns)]
    return sorted(exact or found, key=lambda row: bool(left[row.rule.key]))


def distinct(rows: "Iterable[ListedRow]") -> "Iterator[ListedRow]":
    """Yield rows without those that another area has too, with the same expected outcome."""
    seen = set[tuple[str, str]]()
    for row in rows:
        if (key := (row.id, row.expected)) not in seen:
            seen.add(key)
            yield row


def _pattern(word: str) -> re.Pattern[str]:
    """Return a pattern of texts that have a word."""
    number = _NUMBER.fullmatch(word)
    if not number:
        return re.compile(re.escape(word), re.IGNORECASE)
    digits = number[1].lower()
    text = rf"\b0x0*{digits}\b"
    value = int(digits, 16)
    if 1 <= value >> _EC_SHIFT < 1 << 6:
        text += f"|{_outcome(value >> _EC_SHIFT, value & _ISS)}"
    return re.compile(text, re.IGNORECASE)


def _outcome(ec: int, iss: int) -> str:
    """Return a pattern of expected outcomes with this exception class and ISS."""
    values = {iss, iss & _LOW_ISS} if ec in _ABORTS else {iss}
    shown = "|".join(f"{each:#x}" for each in sorted(values))
    return rf"\bEC {ec:#x}( \(\w+\))?, ISS ({shown})\b"


def _text(row: "ListedRow") -> str:
    coverage = (f"{key} {row.of.matrix[key]}" for key in row.coverage)
    return "\n".join((row.id, row.expected, *coverage))


def _text_of(rule: "Rule") -> str:
    return f"{rule.key}\n{rule.statement}\n{rule.section}\n{rule.function}"
