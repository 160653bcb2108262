# SPDX-License-Identifier: GPL-2.0-or-later
"""Ids of the coverage table (`rules.matrix`) that the permitted outcomes of an access verify."""

from functools import cache
from typing import Final

from kut_model.translation.codes import Abort, abort_of
from kut_model.translation.faults import Fault, FaultType

_EL2: Final = 2
_FIRST_LEVEL: Final = 0
_KINDS: Final = {
    FaultType.TRANSLATION: "F1",
    FaultType.ACCESS_FLAG: "F4",
    FaultType.PERMISSION: "F5",
    FaultType.ADDRESS_SIZE: "F6",
}
#: Ids of faults of stage 2 by fault status code.
_BY_STATUS: Final = {
    Fault(kind, 2, level).status: name
    for kind, name in _KINDS.items()
    for level in range(-1 if name in {"F1", "F6"} else _FIRST_LEVEL, 4)
}


@cache
def covered(codes: tuple[int, ...]) -> tuple[str, ...]:
    """Return the ids that every permitted outcome of an access verifies; none of AT at EL2."""
    every = [set(_of_abort(found)) if (found := abort_of(code)) else set() for code in codes]
    return tuple(sorted(set.intersection(*every)))


def taken_to(el: int, codes: tuple[int, ...]) -> bool:
    """Whether every permitted outcome is an abort of an access that is taken to `el`."""
    return all((found := abort_of(code)) and found.el == el for code in codes)


def _of_abort(found: Abort) -> list[str]:
    if found.el != _EL2:
        return []
    ids = ["F15"] if found.has_hpfar else []
    if found.on_walk:
        return [*ids, "F10"]
    kind = _BY_STATUS.get(found.status)
    if found.maintenance and kind == "F1":
        ids.append("F18")
    return [*ids, kind] if kind else ids
