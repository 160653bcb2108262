# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `exceptions-nvhe`: instructions below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.tables import instructions

AREA: Final = instructions.area(
    "exceptions-nvhe", "instructions that are exceptions or trapped, HCR_EL2.E2H 0", e2h=0
)
