# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `align-nvhe`: the rows of `align`, of a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import align

AREA: Final = align.AREA.without_vhe()
