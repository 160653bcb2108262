# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of debug exceptions: a row that real QEMU passes then expects something else."""

from collections.abc import Mapping
from functools import cache

import flips
import pytest
import realtree

from kut_model import areas
from kut_model.debug.cases import Case
from kut_model.debug.events import Context, Levels, Machine, Watched

pytestmark = pytest.mark.qemu

AREA = areas.load("debug-nvhe")
#: Fewest rows that QEMU 7.2 passes.
MANY = 2000


@cache
def verified() -> Mapping[str, str]:
    """Return the initialisers of the rows that the installed QEMU passes."""
    return flips.passed(AREA, realtree.boot_rows(realtree.build("conform-debug-nvhe")))


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
    assert flips.changed(AREA, before), f"no verified row notices {where.__name__}.{name}"
