# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection of rows of the conformance suite by areas, tests and globs over ids."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import similar
from kut_runner.errors import KutError, NothingSelectedError, UsageError
from kut_runner.verdict.row_list import Rule

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.verdict.row_list import RowList

#: Group of the tests that `kut conform` runs.
GROUP: Final = "conform"
#: Beginning of the names of images with rows.
_IMAGE: Final = "conform-"
_GLOB: Final = re.compile(r"[*?[]")
#: Most characters of the argument of an image: all of them are to fit into 1 KiB.
LONGEST: Final = 900
_LIST: Final = "`kut conform --list` shows all rows"

#: First and last number of consecutive rows.
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of an area."""

    number: int
    id: str
    expected: str
    rule: Rule
    needs: Sequence[str]
    coverage: Sequence[str]
    """Ids of the coverage table."""
    of: "RowList"


def select(
    tests: "Iterable[TestDef]",
    lists: "Mapping[str, RowList]",
    patterns: Sequence[str],
    *,
    strict: bool = True,
) -> "tuple[TestDef, ...]":
    """Return the tests of the suite for the selected rows, with arguments that select them.

    `lists` are by image. A pattern is the name of an area or of a test, or an id of a row, or a
    glob over names of tests or ids. Without patterns all rows of group "conform" are selected.
    Raises UsageError and NothingSelectedError for a pattern that selects nothing; if not `strict`,
    only if no pattern selects anything.
    """
    suite = [test for test in tests if GROUP in test.groups]
    offered = [test for test in suite if test.image in lists]
    if not patterns:
        if not offered:
            raise NothingSelectedError("no test of the conformance suite is defined", _GROUP_HINT)
        return tuple(offered)
    found = list(_found(offered, lists, patterns, _names(suite), strict=strict))
    chosen = ((test, _joined(test, found)) for test in offered)
    return tuple(
        test if numbers is None else _with_rows(test, numbers)
        for test, numbers in chosen
        if numbers is None or numbers
    )


def rows(
    lists: "Iterable[RowList]", patterns: Sequence[str], areas: Iterable[str] = ()
) -> Iterator[ListedRow]:
    """Yield the rows of areas and globs over ids, without patterns all; raises as `select`.

    `areas` are names for the hint of an error, beside those of `lists`.
    """
    lists = list(lists)
    for pattern in patterns:
        if not any(pattern == each.area or _numbers(each, pattern) for each in lists):
            raise _no_row(pattern, lists, areas)
    for each in lists:
        numbers = set[int]().union(*(_numbers(each, pattern) for pattern in patterns))
        if not patterns or each.area in patterns:
            numbers = set(range(len(each.ids)))
        for number in sorted(numbers):
            yield ListedRow(
                number,
                each.ids[number],
                each.expected[number],
                each.rules[each.rule_keys[number]],
                each.needs[number],
                each.coverage[number].split(),
                each,
            )


def areas(tests: "Iterable[TestDef]") -> dict[str, str]:
    """Return the areas that tests of the suite are for, by image."""
    images = {test.image for test in tests if GROUP in test.groups}
    return {image: image.removeprefix(_IMAGE) for image in images if image.startswith(_IMAGE)}


def images(tests: "Sequence[TestDef]", patterns: Sequence[str]) -> set[str]:
    """Return the images of the suite with rows that patterns may select, without any all.

    Nothing is known of the rows but that an id begins with its area, less "-nvhe", and a dot.
    """
    found = {
        image
        for image, area in areas(tests).items()
        if not patterns or any(map(partial(_may_have, area), patterns))
    }
    suite = [test for test in tests if GROUP in test.groups]
    by_name = {each.image for each in suite for name in patterns if fnmatchcase(each.name, name)}
    return found | by_name


def _may_have(area: str, pattern: str) -> bool:
    literal = _GLOB.split(pattern)[0]
    starts = (f"{area}.", f"{area.removesuffix('-nvhe')}.")
    return any(start.startswith(literal) or literal.startswith(start) for start in starts)


_GROUP_HINT: Final = f'its tests are those of group "{GROUP}" whose image is conform-AREA'

#: Rows by test; None for all of them.
_Found = dict[str, set[int] | None]


def _found(
    tests: "Sequence[TestDef]",
    lists: "Mapping[str, RowList]",
    patterns: Sequence[str],
    names: "Collection[str]",
    *,
    strict: bool,
) -> Iterator[_Found]:
    """Yield the rows that each pattern selects; raises as `select`, with hints out of `names`."""
    error: KutError | None = None
    has_any = False
    for pattern in patterns:
        try:
            yield _match(pattern, tests, lists, names)
            has_any = True
        except KutError as each:
            error = error or each
    if error and (strict or not has_any):
        raise error


def _match(
    pattern: str,
    tests: "Sequence[TestDef]",
    lists: "Mapping[str, RowList]",
    names: "Collection[str]",
) -> "_Found":
    """Return the rows that a pattern selects."""
    by_test = {test.name: lists[test.image] for test in tests}
    if found := [test for test, each in by_test.items() if each.area == pattern]:
        return dict.fromkeys(found)
    if found := [test for test in by_test if fnmatchcase(test, pattern)]:
        return dict.fromkeys(found)
    by_rows: _Found = {
        test: numbers for test, each in by_test.items() if (numbers := _numbers(each, pattern))
    }
    if by_rows:
        return by_rows
    raise _no_row(pattern, by_test.values(), names)


def _names(suite: "Iterable[TestDef]") -> set[str]:
    """Return the names of tests and of their areas."""
    suite = list(suite)
    return {test.name for test in suite} | set(areas(suite).values())


def _no_row(pattern: str, lists: "Iterable[RowList]", others: "Iterable[str]") -> KutError:
    """Return the error for a pattern without rows; `others` are names for its hint."""
    if any(character in pattern for character in "*?["):
        return NothingSelectedError(f'no row matches "{pattern}"', _LIST)
    names = {*others, *(each.area for each in lists)}
    start = f"{pattern.partition('.')[0]}."  # of many ids only those of this beginning are near
    names |= {id_ for each in lists for id_ in each.ids if id_.startswith(start)}
    hint = similar.hint(pattern, sorted(names), _LIST)
    return UsageError(f'no area, test or row is called "{pattern}"', hint)


def _numbers(each: "RowList", pattern: str) -> set[int]:
    return {number for number, id_ in enumerate(each.ids) if fnmatchcase(id_, pattern)}


def _joined(test: "TestDef", found: "Iterable[_Found]") -> set[int] | None:
    """Return the rows that patterns select of a test, None for all of them."""
    numbers = set[int]()
    for each in found:
        if test.name in each:
            of_one = each[test.name]
            if of_one is None:
                return None
            numbers |= of_one
    return numbers


def _with_rows(test: "TestDef", numbers: set[int]) -> "TestDef":
    """Return the test with an argument that selects these rows, and perhaps others between them."""
    text = text_of(_fitting(sorted(numbers)))
    return replace(test, args=f"{test.args} rows={text}".strip())


def _fitting(numbers: Sequence[int]) -> list[Range]:
    """Return ascending numbers as ranges; the smallest gaps are closed until their text fits."""
    gap = 1
    while True:
        found = list(ranges(numbers, gap))
        if len(text_of(found)) <= LONGEST:
            return found
        gap *= 2


def ranges(numbers: Iterable[int], gap: int) -> Iterator[Range]:
    """Yield ranges of ascending numbers that are at most `gap` apart."""
    first = last = -1
    for number in numbers:
        if first >= 0 and number - last <= gap:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    yield first, last


def text_of(ranges: Iterable[Range]) -> str:
    """Return ranges as arguments of an image have them, as in "3-5,7"."""
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in ranges)
