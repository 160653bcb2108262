# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of an area as the model lists them for the build, beside the image."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from kut_runner.errors import InfrastructureError, describe
from kut_runner.text import printable
from kut_runner.verdict.rows import KNOWN, NO_COVERAGE, RAN, AreaRows, Coverage

_HINT: Final = "remove the file and build again: `kut build`"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the architecture, with the places that state it."""

    key: str
    statement: str
    section: str
    """Section of `document`."""
    function: str
    """Function of Arm's pseudocode."""
    matrix: str
    """Id of the coverage table that all of its rows verify; "" without one."""
    document: str = "DDI 0487"
    """Manual, by Arm's number."""


@dataclass(frozen=True, slots=True)
class RowList:
    """The rows of an area, as columns by row number."""

    area: str
    title: str
    hash: str
    rules: Mapping[str, Rule]
    """Rules by key."""
    matrix: Mapping[str, str]
    """Descriptions of the coverage table, of all areas, by id."""
    not_covered: Mapping[str, str]
    """Why no row of any area verifies it, by id of the coverage table."""
    ids: Sequence[str]
    rule_keys: Sequence[str]
    expected: Sequence[str]
    """Expected outcomes, decoded, each in one line."""
    needs: Sequence[Sequence[str]]
    """Features without which a row is skipped."""
    kinds: Sequence[str]
    """"undefined" where UNDEFINED is expected; else empty."""
    coverage: Sequence[str]
    """Ids of the coverage table that a row verifies, with spaces between them."""
    cases: Sequence[str] = ()
    """Texts of random cases; empty for other rows."""
    errata: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Numbers of random cases that an erratum may concern, by its name."""

    def named(self, rows: AreaRows) -> AreaRows:
        """Return verdicts on rows of this list with their ids."""
        return replace(rows, ids=tuple(self.ids))

    def covered(self, rows: AreaRows, marked: AreaRows) -> AreaRows:
        """Return `marked` with its coverage: `rows`, with known failures marked."""
        kinds = Counter[str]()
        verdicts = Counter[tuple[str, str, bool]]()
        columns = zip(rows.codes(), marked.codes(), self.kinds, self.coverage, strict=True)
        for code, after, kind, covered in columns:
            if kind and code[0] in RAN:
                kinds[kind] += 1
            verdicts[covered, code[0], after == KNOWN] += 1
        matrix = dict[str, Coverage]()
        for (covered, code, is_known), count in verdicts.items():
            coverage = Coverage.of({code: count}, count if is_known else 0)
            for each in covered.split():
                matrix[each] = matrix.get(each, NO_COVERAGE) + coverage
        return replace(marked, verified=dict(kinds), matrix=matrix)


def load(path: Path) -> RowList:
    """Return the list in a file; raises InfrastructureError if it cannot be read."""
    try:
        data = json.loads(path.read_bytes())
        columns = data["rows"]
        found = RowList(
            area=printable(data["area"]),
            title=printable(data["title"]),
            hash=printable(data["hash"]),
            rules={
                key: Rule(**{name: printable(text) for name, text in rule.items()})
                for key, rule in data["rules"].items()
            },
            matrix={key: printable(text) for key, text in data["matrix"].items()},
            not_covered={key: printable(text) for key, text in data["not_covered"].items()},
            ids=list(map(printable, columns["id"])),
            rule_keys=columns["rule"],
            expected=list(map(printable, columns["expected"])),
            needs=columns["needs"],
            kinds=columns["kind"],
            coverage=columns["matrix"],
            cases=list(map(printable, columns.get("case", ()))),
            errata=data.get("errata", {}),
        )
    except OSError as error:
        raise InfrastructureError(f"{path} cannot be read: {describe(error)}", _HINT) from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InfrastructureError(f"{path} is no list of rows: {error}", _HINT) from None
    if len({len(column) for column in columns.values()}) != 1:
        raise InfrastructureError(f"{path} is no list of rows: its columns differ in length", _HINT)
    return found
