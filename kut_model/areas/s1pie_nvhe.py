# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s1pie-nvhe`: the rows of `s1pie`, of a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s1pie

AREA: Final = s1pie.AREA.without_vhe()
