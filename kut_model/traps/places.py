# SPDX-License-Identifier: GPL-2.0-or-later
"""Exception levels at which rows execute an instruction, that of a host's EL0 included."""

from enum import Enum
from typing import Final

EL2: Final = 2


class Place(Enum):
    """Where the instruction is executed; HOST_EL0: HCR_EL2.{E2H, TGE} is {1, 1}."""

    EL2 = "el2"
    EL1 = "el1"
    EL0 = "el0"
    HOST_EL0 = "host-el0"

    @property
    def el(self) -> int:
        """The exception level."""
        return {"el2": EL2, "el1": 1}.get(self.value, 0)

    def is_host(self, *, vhe: bool) -> bool:
        """Whether HCR_EL2.{E2H, TGE} is {1, 1}; `vhe`: the host has HCR_EL2.E2H 1."""
        return self is Place.HOST_EL0 or (self is Place.EL2 and vhe)


def places(*, vhe: bool) -> tuple[Place, ...]:
    """Return the places of hosts with VHE, or of those without."""
    return tuple(place for place in Place if vhe or place is not Place.HOST_EL0)
