# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of timers: a row that real QEMU passes then has another expected outcome."""

import re
from collections.abc import Callable, Mapping
from functools import cache

import pytest
import realtree

from kut_model import areas, timers
from kut_runner.run.row_selection import ranges, text_of
from kut_runner.verdict.rows import PASS

pytestmark = pytest.mark.qemu

AREA = areas.load("timers-nvhe")
#: Rows of CNTV at EL1, which no known error of QEMU touches and which do not wait.
_CHOSEN = re.compile(r"timers\.v\.el1\.(?!offset|.*fires|.*ends|.*holds)")
MANY = 300


def table() -> Mapping[str, str]:
    """Return the initialisers of the rows by id, as the model gives them now."""
    found = re.findall(r'\.name = "([^"]+)", ([^}]*)', AREA.header())
    return {f"timers.{name}": fields for name, fields in found}


@cache
def verified() -> Mapping[str, str]:
    """Return the initialisers of the chosen rows that the installed QEMU passes."""
    ids = [row.id for row in AREA.rows()]
    chosen = [number for number, row in enumerate(ids) if _CHOSEN.match(row)]
    flat = realtree.build("conform-timers-nvhe")
    rows = realtree.boot_rows(flat, f"rows={text_of(ranges(chosen, 1))}")
    codes = zip(ids, rows.codes(), strict=True)
    passed = {row for row, code in codes if code == PASS and _CHOSEN.match(row)}
    return {row: fields for row, fields in table().items() if row in passed}


def signed(value: int) -> int:
    """Return 64 bits as a signed number."""
    return value - (value >> 63 << 64)


FLIPS: list[tuple[str, Callable[..., int]]] = [
    (
        "condition_met",
        lambda count, cval: signed(count & timers.MASK) >= signed(cval & timers.MASK),
    ),
    ("condition_met", lambda count, cval: signed(count - cval & timers.MASK) >= 0),
    ("condition_met", lambda count, cval: count & timers.MASK <= cval & timers.MASK),
    ("control", lambda written, *, met: written & 3),  # noqa: ARG005 - it ignores met
    ("control", lambda written, *, met: written & 1 | (4 if met and written & 1 else 0)),
    ("asserted", lambda written, *, met: met and written & 1),
    ("asserted", lambda written, *, met: met and written & 2 == 0),
    ("asserted", lambda written, *, met: written & 3 == 1),  # noqa: ARG005 - as well
    ("compare_value", lambda count, tval: count + (tval & 0xFFFFFFFF) & timers.MASK),
    ("compare_value", lambda count, tval: count + tval & timers.MASK),
]


@pytest.mark.parametrize(("rule", "flip"), FLIPS)
def test_passing_rows_depend_on_the_rule(
    rule: str, flip: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verified()
    assert len(before) > MANY
    monkeypatch.setattr(timers, rule, flip)
    now = table()
    changed = [row for row, fields in before.items() if now.get(row, fields) != fields]
    assert changed, f"no verified row notices {rule}"
