# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `timers-nvhe`: the generic timers below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas.timers import area

AREA: Final = area(vhe=False).without_vhe()
