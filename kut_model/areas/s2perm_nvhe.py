# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2perm-nvhe`: the rows of `s2perm`, below a host with HCR_EL2.E2H 0."""

from typing import Final

from kut_model.areas import s2perm

AREA: Final = s2perm.AREA.without_vhe()
