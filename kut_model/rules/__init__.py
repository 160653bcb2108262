# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the architecture that rows verify, by key; one module for each subject."""

from typing import Final

from kut_model.rules import (
    calls,
    debug,
    el2,
    gic,
    instructions,
    interrupts,
    mte,
    stage2,
    sysreg,
    timers,
    tlb,
)
from kut_model.rules.rule import Rule

#: Rules by key. A module of this package lists those of its subject in its own `RULES`.
RULES: Final[dict[str, Rule]] = {
    rule.key: rule
    for module in (
        *(calls, debug, el2, gic, instructions, interrupts, mte, stage2, sysreg, timers, tlb),
    )
    for rule in module.RULES
}
