# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-nvhe`: the rows of `tlb` below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import tlb

AREA: Final = tlb.AREA.without_vhe()
