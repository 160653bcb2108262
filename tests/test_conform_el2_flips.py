# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of EL2 itself: a row that real QEMU passes then has another expected outcome."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType

import pytest
import realtree

from kut_model import areas
from kut_model.areas import aarch32, align, pstate
from kut_model.translation import load_store32
from kut_model.translation.alignment import Controls, faults
from kut_model.traps import pstate as rules
from kut_model.traps.pstate import AARCH64, after_exception, after_return
from kut_model.traps.returns import Below
from kut_runner.verdict.rows import PASS

pytestmark = pytest.mark.qemu

#: Fewest rows of an area that QEMU 7.2 passes.
MANY = 500


def expected(area: str) -> Mapping[str, str]:
    """Return what the rows of an area expect, as the model has it now."""
    pstate.cases.cache_clear()
    align.cases.cache_clear()
    aarch32.cases.cache_clear()
    return {row.id: row.expected for row in areas.load(area).rows()}


@cache
def verified(area: str) -> Mapping[str, str]:
    """Return what the rows expect that the installed QEMU passes."""
    rows = expected(area)
    found = realtree.boot_rows(realtree.build(f"conform-{area}"))
    codes = zip(rows, found.codes(), strict=True)
    return {row: rows[row] for row, code in codes if code == PASS}


def without_pan(before: rules.Pstate, below: Below, controls: rules.Controls) -> rules.Pstate:
    """Return PSTATE of a handler for which PAN is cleared."""
    after = after_exception(before, below, controls)
    return replace(after, value=after.value & ~AARCH64["pan"])


def with_ss(spsr: int, below: Below) -> rules.Pstate:
    """Return PSTATE after a return that takes SS from SPSR_EL2."""
    after = after_return(spsr, below)
    return replace(after, value=after.value | spsr & AARCH64["ss"])


def without(**fixed: object) -> Callable[..., bool]:
    """Return the rule of alignment faults that has fixed arguments."""
    return lambda *args, **others: faults(*args, **others | fixed)


FLIPS: list[tuple[str, ModuleType, str, object]] = [
    ("pstate-nvhe", rules, "is_illegal", lambda mode, below: mode == 0),  # noqa: ARG005
    ("pstate-nvhe", pstate, "after_exception", without_pan),
    ("pstate-nvhe", pstate, "after_return", with_ss),
    ("align-nvhe", align, "faults", without(device=False)),
    ("align-nvhe", align, "faults", without(pair=False)),
    ("align-nvhe", align, "faults", without(controls=Controls())),
    ("align-nvhe", align, "_WNR", 0),
    ("aarch32-nvhe", load_store32, "placed", lambda value, low, width: 0),  # noqa: ARG005
    ("aarch32-nvhe", aarch32, "_SVC_VECTOR", 3),
]


@pytest.mark.parametrize(("area", "module", "name", "flip"), FLIPS)
def test_passing_rows_depend_on_the_rule(
    area: str, module: ModuleType, name: str, flip: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = verified(area)
    assert len(before) > MANY
    monkeypatch.setattr(module, name, flip)
    now = expected(area)
    monkeypatch.undo()
    expected(area)
    assert any(now.get(row) != text for row, text in before.items()), f"no row notices {name}"
