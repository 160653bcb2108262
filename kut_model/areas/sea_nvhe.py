# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `sea-nvhe`: the rows of `sea`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import sea

AREA: Final = sea.AREA.without_vhe()
