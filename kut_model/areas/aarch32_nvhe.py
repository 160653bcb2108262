# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `aarch32-nvhe`: the rows of `aarch32`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import aarch32

AREA: Final = aarch32.AREA.without_vhe()
