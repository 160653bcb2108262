# SPDX-License-Identifier: GPL-2.0-or-later
"""The maintenance interrupt: ICH_MISR_EL2, ICH_EISR_EL2, ICH_ELRSR_EL2 (IHI 0069, 6, 12.4)."""

from typing import Final

from kut_model.gic.interface import VirtualInterface
from kut_model.gic.registers import (
    BOTH,
    INVALID,
    LRENPIE,
    NPIE,
    PENDING,
    UIE,
    VGRP0DIE,
    VGRP0EIE,
    VGRP1DIE,
    VGRP1EIE,
    ListRegister,
)

#: ICH_MISR_EL2; bit 0 (EOI) has no enable, and each other one has that of ICH_HCR_EL2 at its place.
EOI: Final = 1 << 0
NAMES: Final = ("EOI", "U", "LRENP", "NP", "VGrp0E", "VGrp0D", "VGrp1E", "VGrp1D")
_ALL: Final = 0xFF


def _ended(lr: ListRegister) -> bool:
    """Return whether it has an EOI maintenance interrupt: State 0, HW 0, EOI 1."""
    return lr.state == INVALID and not lr.hw and lr.eoi


def eisr(state: VirtualInterface) -> int:
    """Return ICH_EISR_EL2."""
    return sum(_ended(lr) << number for number, lr in enumerate(state.lrs))


def elrsr(state: VirtualInterface) -> int:
    """Return ICH_ELRSR_EL2: the list registers without an interrupt, and without one of EISR."""
    return sum(
        (lr.state == INVALID and not _ended(lr)) << number for number, lr in enumerate(state.lrs)
    )


def misr(state: VirtualInterface) -> int:
    """Return ICH_MISR_EL2, by the descriptions of its fields."""
    group0, group1 = state.controls.enabled
    valid = sum(lr.state != INVALID for lr in state.lrs)
    causes = {
        UIE: valid <= 1,
        LRENPIE: state.eoicount > 0,
        NPIE: not any(lr.state == PENDING for lr in state.lrs),
        VGRP0EIE: group0,
        VGRP0DIE: not group0,
        VGRP1EIE: group1,
        VGRP1DIE: not group1,
    }
    asserted = sum(enable for enable, cause in causes.items() if cause and state.hcr & enable)
    return asserted | (EOI if eisr(state) else 0)


def misr_known(state: VirtualInterface) -> int:
    """Return the bits of ICH_MISR_EL2 with a defined value.

    While the interface is disabled there is no maintenance interrupt, whatever the register says.
    An interrupt that is pending and active is not clearly one "in the pending state".
    """
    if not state.enabled:
        return 0
    states = {lr.state for lr in state.lrs}
    return _ALL & ~NPIE if BOTH in states and PENDING not in states else _ALL


def line_known(state: VirtualInterface) -> bool:
    """Return whether it is defined if the interrupt is asserted."""
    known = misr_known(state)
    return not state.enabled or known == _ALL or bool(misr(state) & known)


def line(state: VirtualInterface) -> bool:
    """Return whether the maintenance interrupt is asserted."""
    return state.enabled and misr(state) != 0


def describe(value: int) -> str:
    """Return the names of the bits of ICH_MISR_EL2."""
    return " ".join(name for bit, name in enumerate(NAMES) if value >> bit & 1) or "none"
