# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of debug exceptions: a row that real QEMU passes then expects something else."""

import re
from collections.abc import Mapping
from functools import cache

import pytest
import realtree

from kut_model import areas
from kut_model.debug.cases import Case
from kut_model.debug.events import Context, Levels, Machine, Watched
from kut_runner.verdict.rows import PASS

pytestmark = pytest.mark.qemu

AREA = areas.load("debug-nvhe")
#: Fewest rows that QEMU 7.2 passes.
MANY = 2000


def table() -> Mapping[str, str]:
    """Return the initialisers of the rows by id, as the model gives them now."""
    found = re.findall(r'\.name = "([^"]+)", (.*)', AREA.header())
    return {f"debug.{name}": fields for name, fields in found}


@cache
def verified() -> Mapping[str, str]:
    """Return the initialisers of the rows that the installed QEMU passes."""
    rows = realtree.boot_rows(realtree.build("conform-debug-nvhe"))
    codes = zip(table().items(), rows.codes(), strict=True)
    return {row: fields for (row, fields), code in codes if code == PASS}


def whole_dwords(watched: Watched) -> range:
    """Return the bytes without BAS and MASK."""
    return range(watched.offset, watched.offset + 8)


FLIPS: list[tuple[type, str, object]] = [
    (Machine, "debug_target", 1),
    (Machine, "debug_target", 2),
    (Machine, "generates_from", lambda machine, el, *, masked: el < machine.debug_target),  # noqa: ARG005
    (Machine, "generates_from", lambda machine, el, *, masked: machine.kde and not masked),  # noqa: ARG005
    (Machine, "matches", True),
    (Machine, "steps", False),
    (Levels, "match", lambda levels, _el: bool(levels.pxc & 1)),
    (Levels, "match", lambda levels, el: el == 2 or bool(levels.pxc & (1 if el else 2))),
    (Context, "match", lambda context, _machine: context.low and context.high),
    (Watched, "bytes", property(whole_dwords)),
    (Watched, "writes", lambda _watched, *, read: not read),
    (Case, "_stepped", lambda _case, ended: (ended,)),
]


@pytest.mark.parametrize(("where", "name", "flip"), FLIPS)
def test_passing_rows_depend_on_the_rule(
    where: type, name: str, flip: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verified()
    assert len(before) > MANY
    monkeypatch.setattr(where, name, flip)
    now = table()
    changed = [row for row, fields in before.items() if now.get(row, fields) != fields]
    assert changed, f"no verified row notices {where.__name__}.{name}"
