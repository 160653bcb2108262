# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `mmio-nvhe`: the rows of `mmio`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import mmio

AREA: Final = mmio.AREA.without_vhe()
