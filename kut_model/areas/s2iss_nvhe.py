# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2iss-nvhe`: the rows of `s2iss`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s2iss

AREA: Final = s2iss.AREA.without_vhe()
