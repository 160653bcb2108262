# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of timers: a row that real QEMU passes then has another expected outcome."""

import re
from collections.abc import Callable, Mapping
from functools import cache

import flips
import pytest
import realtree

from kut_model import areas, timers
from kut_runner.run.row_selection import ranges, text_of

pytestmark = pytest.mark.qemu

AREA = areas.load("timers-nvhe")
#: Rows of CNTV at EL1, which no known error of QEMU touches and which do not wait.
_CHOSEN = re.compile(r"v\.el1\.(?!offset|.*fires|.*ends|.*holds)")
MANY = 300


@cache
def verified() -> Mapping[str, str]:
    """Return the initialisers of the chosen rows that the installed QEMU passes."""
    names = flips.initialisers(AREA)
    chosen = [number for number, name in enumerate(names) if _CHOSEN.match(name)]
    flat = realtree.build("conform-timers-nvhe")
    rows = realtree.boot_rows(flat, f"rows={text_of(ranges(chosen, 1))}")
    passed = flips.passed(AREA, rows)
    return {name: fields for name, fields in passed.items() if _CHOSEN.match(name)}


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
    assert flips.changed(AREA, before), f"no verified row notices {rule}"
