# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2attr-nvhe`: the rows of `s2attr`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s2attr

AREA: Final = s2attr.AREA.without_vhe()
