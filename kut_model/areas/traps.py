# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `traps`: system registers and instructions below a host with VHE (HCR_EL2.E2H is 1)."""

from typing import Final

from kut_model.tables import sysreg

AREA: Final = sysreg.area("traps", "system registers and instructions below a VHE host", e2h=1)
