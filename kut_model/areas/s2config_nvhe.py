# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2config-nvhe`: the rows of `s2config`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s2config

AREA: Final = s2config.AREA.without_vhe()
