# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite, and the areas that group them into images."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kut_model.features import FEATURES
from kut_model.rules import RULES
from kut_model.rules.matrix import MATRIX

#: Kind of a row that expects an instruction to be UNDEFINED.
UNDEFINED: Final = "undefined"
KINDS: Final = ("", UNDEFINED)

_ID: Final = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)+")
#: Most characters of an id: an image builds it in a buffer of CONFORM_ID_BYTES.
MAX_ID: Final = 127


@dataclass(frozen=True, slots=True)
class Row:
    """A check of the suite."""

    id: str
    """Stable and unique: lower-case parts with dots between them, the first one the area's."""
    rule: str
    """Key of `rules.RULES`."""
    expected: str
    """Expected outcome, decoded, in one line."""
    needs: tuple[str, ...] = ()
    """Names of `features.FEATURES` without which the row is skipped."""
    kind: str = ""
    """"undefined" if the instruction is to be UNDEFINED."""
    matrix: tuple[str, ...] = ()
    """Ids of `rules.matrix.MATRIX` that the row verifies beside that of its rule."""

    @property
    def coverage(self) -> tuple[str, ...]:
        """All ids of the coverage table that the row verifies, each once."""
        return tuple(dict.fromkeys(filter(None, (RULES[self.rule].matrix, *self.matrix))))


@dataclass(frozen=True, slots=True)
class Area:
    """Rows that one image runs, `arm/conform-NAME.c`."""

    name: str
    title: str
    rows: Callable[[], Sequence[Row]]
    """The rows, in the order of the tables in C: the number of a row is its index."""
    header: Callable[[], str]
    """The tables in C, all of them static const."""
    prefix: str = ""
    """First part of the ids; empty if it is the name."""

    def without_vhe(self) -> "Area":
        """Return the area of the same rows below a host with HCR_EL2.E2H 0."""
        title = f"{self.title}, HCR_EL2.E2H 0"
        return replace(self, name=f"{self.name}-nvhe", title=title, prefix=self.name)


def problems(area: Area, rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is wrong with the rows of an area, in sentences that name the row."""
    if not rows:
        yield f"{area.name}: no rows"
    prefix = f"{area.prefix or area.name}."
    seen = set[str]()
    for row in rows:
        if row.id in seen:
            yield f"{row.id}: two rows have this id"
        seen.add(row.id)
        if not _ID.fullmatch(row.id) or not row.id.startswith(prefix) or len(row.id) > MAX_ID:
            yield (
                f"{row.id}: an id has at most {MAX_ID} characters, a-z, 0-9, _ and -, in parts with"
                f" dots between them, and begins with {prefix}"
            )
        if row.rule not in RULES:
            yield f"{row.id}: no rule {row.rule} in kut_model/rules"
        if not row.expected.isprintable() or not row.expected.isascii() or not row.expected:
            yield f"{row.id}: expected is to be one line of ASCII, found {row.expected!r}"
        yield from (
            f"{row.id}: no feature {need} in kut_model/features.py"
            for need in row.needs
            if need not in FEATURES
        )
        yield from (
            f"{row.id}: no id {each} in kut_model/rules/matrix.py"
            for each in row.matrix
            if each not in MATRIX
        )
        if row.kind not in KINDS:
            yield f"{row.id}: kind {row.kind!r} is none of {', '.join(map(repr, KINDS))}"
