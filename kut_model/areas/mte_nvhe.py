# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `mte-nvhe`: allocation tags below a host with HCR_EL2.E2H 0, and at its EL2."""

from typing import Final

from kut_model.areas.mte import area

AREA: Final = area(vhe=False).without_vhe()
