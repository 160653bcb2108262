# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-random`: random programs of two CPUs, by the seeds that their ids have."""

from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables import programs, tlb_random
from kut_model.tables.programs import Program

_SEEDS: Final = 100


@cache
def _programs() -> tuple[Program, ...]:
    return tuple(tlb_random.program(seed) for seed in range(_SEEDS))


def _rows() -> list[Row]:
    return programs.rows("tlb-random", _programs())


def _header() -> str:
    return programs.header("tlb-random", _programs(), cpus=2)


AREA: Final = Area("tlb-random", "TLB maintenance with two CPUs, at random", _rows, _header)
