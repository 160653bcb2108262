# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-el2-nvhe`: TLB maintenance of EL2 itself with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas.tlb_el2 import area

AREA: Final = area(vhe=False).without_vhe()
