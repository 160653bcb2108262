# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `debug-nvhe`: debug exceptions below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas.debug import area

AREA: Final = area(vhe=False).without_vhe()
