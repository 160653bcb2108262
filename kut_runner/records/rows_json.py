# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of the conformance suite as JSON in the document of a run, and back.

Ids are written as their difference from the id before: "16*0a" has its first 16 characters. 50,000
ids are 400 kB then, a fifth of their size.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import Any, Final

from kut_runner.text import printable
from kut_runner.verdict.rows import (
    MOST_ROWS,
    SKIP,
    AreaRows,
    Coverage,
    Listed,
    Reason,
    runs_of,
    text_of,
)

_DIFFERENCE: Final = re.compile(r"([0-9]{1,3})\*(.*)")


def to_json(rows: AreaRows) -> dict[str, Any]:
    """Return the value of the key "rows" of a result."""
    return {
        "area": rows.area,
        "count": rows.count,
        "hash": rows.hash,
        "verdicts": text_of(rows.runs),
        "reasons": [[reason.feature, reason.field] for reason in rows.reasons],
        "verified": dict(rows.verified),
        "errata": {name: list(astuple(each)) for name, each in rows.errata.items()},
        "matrix": {row: list(astuple(each)) for row, each in rows.matrix.items()},
        "ids": list(_differences(rows.ids)),
    }


def from_json(data: Mapping[str, Any]) -> AreaRows:
    """Return the rows that `to_json` wrote.

    Raises KeyError, TypeError or ValueError for anything else.
    """
    runs, reasons = runs_of(data["verdicts"]), data["reasons"]
    count = sum(count for count, _ in runs)
    ids = tuple(_ids(data["ids"]))
    if count != data["count"] or count > MOST_ROWS or len(ids) not in (0, count):
        raise ValueError(f"{data['count']} rows, {count} verdicts and {len(ids)} ids")
    if any(code[0] == SKIP and int(code[1:]) > len(reasons) for _, code in runs):
        raise ValueError("a row is skipped for a reason that does not exist")
    return AreaRows(
        area=printable(data["area"]),
        count=count,
        hash=printable(data["hash"]),
        runs=runs,
        reasons=tuple(Reason(*map(printable, reason)) for reason in reasons),
        ids=ids,
        verified=data["verified"],
        errata={name: Listed(*each) for name, each in data.get("errata", {}).items()},
        matrix={row: Coverage(*counts) for row, counts in data.get("matrix", {}).items()},
    )


def _differences(ids: Iterable[str]) -> Iterator[str]:
    before = ""
    for each in ids:
        pairs = enumerate(zip(before, each, strict=False))
        shared = next(
            (at for at, (one, other) in pairs if one != other), min(len(before), len(each))
        )
        yield f"{shared}*{each[shared:]}"
        before = each


def _ids(differences: Iterable[str]) -> Iterator[str]:
    before = ""
    for each in differences:
        match = _DIFFERENCE.fullmatch(each)
        if not match:
            raise ValueError(f"{each!r} is no id of a row")
        before = before[: int(match[1])] + match[2]
        yield before
