# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `el2-nvhe`: registers and faults of a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas.el2 import area

AREA: Final = area(vhe=False).without_vhe()
