# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-smp-nvhe`: the rows of `tlb-smp` below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import tlb_smp

AREA: Final = tlb_smp.AREA.without_vhe()
