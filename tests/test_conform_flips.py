# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong rules of traps: a row that real QEMU passes then has another expected outcome."""

from collections.abc import Callable
from functools import cache

import pytest
import realtree

from kut_model.tables import sysreg
from kut_model.traps.access import rules
from kut_model.traps.cases import Case, outcome_of
from kut_model.traps.conditions import CONDITIONS, Access, Condition
from kut_model.traps.result import Outcome
from kut_runner.verdict.rows import PASS

pytestmark = pytest.mark.qemu

#: Fewest rows that QEMU 7.2 passes.
MANY = 4000


@cache
def verified() -> tuple[Case, ...]:
    """Return the cases that the installed QEMU passes."""
    flat = realtree.build("conform-traps-nvhe")
    codes = zip(sysreg.cases_of(e2h=0), realtree.boot_rows(flat).codes(), strict=True)
    return tuple(case for case, code in codes if code == PASS)


def without(_: Condition) -> Condition:
    """Return a rule that says nothing."""
    return lambda _access, _argument: None


def swapped(condition: Condition) -> Condition:
    """Return a rule that takes its traps to the other EL."""

    def other(access: Access, argument: str) -> Outcome | None:
        result = condition(access, argument)
        taken = result.taken if result else None
        return access.exception(3 - taken.el, taken.ec, taken.iss) if taken else result

    return other


def for_writes_too(condition: Condition) -> Condition:
    """Return a rule that looks at the control of writes for reads."""
    return lambda access, argument: condition(
        Access(access.el, access.state, access.register, not access.write), argument
    )


FLIPS = [
    ("hcr", without),
    ("hcr!", without),
    ("vm", for_writes_too),
    ("mdcr", without),
    ("tda", without),
    ("cptr", without),
    ("cntp", without),
    ("ich", without),
    ("nv", without),
    ("fp", swapped),
    ("uci", swapped),
    ("pmu", without),
]


@pytest.mark.parametrize(("rule", "flip"), FLIPS)
def test_passing_rows_depend_on_the_rule(
    rule: str, flip: Callable[[Condition], Condition], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = verified()
    assert len(cases) > MANY
    monkeypatch.setitem(CONDITIONS, rule, flip(CONDITIONS[rule]))
    rules.cache_clear()
    changed = [case for case in cases if outcome_now(case) != case.outcome]
    rules.cache_clear()
    assert changed, f"no verified row notices the rule {rule}"


def outcome_now(case: Case) -> Outcome:
    """Return the outcome that the model gives now."""
    return outcome_of(case.register, case.place, case.changes, write=case.write, e2h=case.e2h)
