# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `exceptions`: instructions below a host with HCR_EL2.E2H 1."""

from typing import Final

from kut_model.tables import instructions

AREA: Final = instructions.area(
    "exceptions", "instructions that are exceptions or trapped, below a VHE host", e2h=1
)
