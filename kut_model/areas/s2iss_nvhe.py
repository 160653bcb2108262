# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2iss-nvhe`: the rows of `s2iss`, below a host with HCR_EL2.E2H 0."""

from dataclasses import replace
from typing import Final

from kut_model.areas.s2iss import AREA as BASE

AREA: Final = replace(BASE, name="s2iss-nvhe", title=f"{BASE.title}, HCR_EL2.E2H 0", prefix="s2iss")
