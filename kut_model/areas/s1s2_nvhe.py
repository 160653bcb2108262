# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s1s2-nvhe`: the rows of `s1s2`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s1s2

AREA: Final = s1s2.AREA.without_vhe()
