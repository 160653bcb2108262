# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `cross-nvhe`: the rows of `cross`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import cross

AREA: Final = cross.AREA.without_vhe()
