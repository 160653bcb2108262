# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases for the runner: `python -m kut_model.fuzz REQUEST`.

REQUEST is a JSON file: "command" is one of

    draw     draw "count" cases from the seed "seed"
    write    take the texts in "cases"
    shrink   write the smaller variants of the cases in "cases", each with those of "failing", lists
             of smaller cases that failed, to the file "output": JSON, a list for each case

draw and write write the cases for the image, to the file "initrd", and for the runner, to "rows".
"label" is part of the ids of the rows, "errata" are conditions by the name of an erratum. "kind" is
"translation", or "tlb" for programs of the area tlb-random, which no condition is for.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from kut_model.fuzz import conditions, shrink, table, tlb
from kut_model.fuzz.draw import draw
from kut_model.fuzz.fields import Case, CaseError
from kut_model.fuzz.judge import Judged, judge
from kut_model.header import row_list, table_hash
from kut_model.rows import Area, Row
from kut_model.tables import tlb_text

_RULE: Final = "random.case"


def main(argv: list[str]) -> str:
    """Serve a request; return the error, "" without one."""
    if len(argv) != 1:
        return "usage: python -m kut_model.fuzz REQUEST"
    request: dict[str, Any] = json.loads(Path(argv[0]).read_text())
    try:
        if request["kind"] == "tlb":
            _serve_tlb(request)
        elif request["command"] == "shrink":
            _shrink(request)
        elif request["command"] == "draw":
            _write(list(draw(request["count"], request["seed"])), request)
        else:
            _write([_judged(text) for text in request["cases"]], request)
    except CaseError as error:
        return str(error)
    return ""


def _serve_tlb(request: Mapping[str, Any]) -> None:
    if request["command"] == "shrink":
        found = [tlb.smaller(text) for text in request["cases"]]
        Path(request["output"]).write_text(json.dumps(found))
        return
    drawn = request["command"] == "draw"
    programs = (
        list(tlb.draw(request["count"], request["seed"]))
        if drawn
        else [tlb.take(text) for text in request["cases"]]
    )
    label = request["label"]
    rows = [
        Row(f"tlb-random.{label}.{number}", tlb.RULE, each.expected, each.needs)
        for number, each in enumerate(programs)
    ]
    area = Area("tlb-random", "random programs of two CPUs", lambda: rows, str)
    listed: dict[str, Any] = json.loads(row_list(area, rows))
    listed["rows"]["case"] = [tlb_text.text(each.steps) for each in programs]
    Path(request["initrd"]).write_bytes(tlb.initrd(programs, table_hash(rows), label))
    Path(request["rows"]).write_text(json.dumps(listed))


def _judged(text: str) -> Judged:
    try:
        return judge(Case.parse(text))
    except CaseError as error:
        raise CaseError(f'"{text}": {error}') from None


def _shrink(request: Mapping[str, Any]) -> None:
    pairs = zip(request["cases"], request["failing"], strict=True)
    found = [
        list(map(str, shrink.variants(Case.parse(text), list(map(Case.parse, failing)))))
        for text, failing in pairs
    ]
    Path(request["output"]).write_text(json.dumps(found))


def _write(cases: Sequence[Judged], request: Mapping[str, Any]) -> None:
    """Write the initrd, and the list of rows with the cases' texts and errata."""
    label = request["label"]
    rows = [
        Row(f"random.{label}.{number}", _RULE, each.expected, each.needs)
        for number, each in enumerate(cases)
    ]
    area = Area("random", "random tables, registers and accesses", lambda: rows, str)
    listed: dict[str, Any] = json.loads(row_list(area, rows))
    listed["rows"]["case"] = [str(each.case) for each in cases]
    listed["errata"] = conditions.listed(cases, request["errata"])
    Path(request["initrd"]).write_bytes(table.initrd(cases, table_hash(rows), label))
    Path(request["rows"]).write_text(json.dumps(listed))


if __name__ == "__main__":
    if problem := main(sys.argv[1:]):
        sys.stderr.write(f"{problem}\n")
        sys.exit(2)
