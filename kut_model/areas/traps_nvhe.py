# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `traps-nvhe`: system registers and instructions below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.tables import sysreg

AREA: Final = sysreg.area("traps-nvhe", "system registers and instructions, HCR_EL2.E2H 0", e2h=0)
