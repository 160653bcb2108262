# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s1s2-nvhe`: the rows of `s1s2`, below a host with HCR_EL2.E2H 0."""

from dataclasses import replace
from typing import Final

from kut_model.areas.s1s2 import AREA as BASE

AREA: Final = replace(BASE, name="s1s2-nvhe", title=f"{BASE.title}, HCR_EL2.E2H 0", prefix="s1s2")
