# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of allocation tags: a row that real QEMU passes then has another expected outcome."""

from collections.abc import Callable, Mapping
from functools import cache

import flips
import pytest
import realtree

from kut_model import areas
from kut_model.mte import cases, generation, instructions
from kut_model.mte.tags import Controls, Mode

pytestmark = pytest.mark.qemu

AREA = areas.load("mte-nvhe")
#: Fewest rows that QEMU 7.2 passes, whose granules have no tags of their own.
MANY = 3000


@cache
def verified() -> Mapping[str, str]:
    """Return the initialisers of the rows that the installed QEMU passes."""
    flat = realtree.build("conform-mte-nvhe")
    return flips.passed(AREA, realtree.boot_rows(flat, "", "-machine", "mte=on"))


def always_by_atas(controls: Controls, el: int, *, host: bool) -> bool:  # noqa: ARG001
    """Return access without HCR_EL2.ATA."""
    return controls.ata if el else controls.ata0


def without_tbi(controls: Controls, _address: int, el: int, *, host: bool) -> bool:
    """Return checks with no tag that matches all."""
    return controls.enables_access(el, host=host) and not controls.tco


FLIPS: list[tuple[object, str, Callable[..., object]]] = [
    (Controls, "enables_access", always_by_atas),
    (Controls, "checks", without_tbi),
    (Controls, "mode", lambda controls, _el: controls.tcf),
    (cases, "is_synchronous", lambda mode, *, read: mode is Mode.SYNC),  # noqa: ARG005
    (cases, "is_recorded", lambda mode, *, read: mode is Mode.ASYNC),  # noqa: ARG005
    (cases.Case, "access_el", lambda case, _insn: case.place.el),
    (cases.Case, "is_tagged", True),  # type: ignore[list-item]
    (cases, "_target", lambda _case: 1),
    (generation, "choose", lambda tag, offset, _exclude: tag + offset & 0xF),
    (generation, "random_offset", lambda seed: (seed & 0xF, seed)),
    (instructions, "with_tag", lambda address, _tag: address),
]


@pytest.mark.parametrize(("where", "name", "flip"), FLIPS)
def test_passing_rows_depend_on_the_rule(
    where: object, name: str, flip: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verified()
    assert len(before) > MANY
    monkeypatch.setattr(where, name, flip)
    assert flips.changed(AREA, before), f"no verified row notices {name}"
