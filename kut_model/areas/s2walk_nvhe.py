# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2walk-nvhe`: the rows of `s2walk`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s2walk

AREA: Final = s2walk.AREA.without_vhe()
