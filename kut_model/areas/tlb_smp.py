# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb-smp`: TLB maintenance with two CPUs."""

from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables import programs, tlb_cpus
from kut_model.tables.programs import Program


@cache
def _programs() -> tuple[Program, ...]:
    return tuple(tlb_cpus.every())


def _rows() -> list[Row]:
    return programs.rows("tlb-smp", _programs())


def _header() -> str:
    return programs.header("tlb-smp", _programs(), cpus=2)


AREA: Final = Area("tlb-smp", "TLB maintenance with two CPUs", _rows, _header)
