# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `tlb`: TLB maintenance on one CPU.

A row is a program: an access, a change of tables or of the context, TLBI, and accesses again. What
they may give is that of a walk now, or of an entry that no TLBI has had to drop.
"""

from functools import cache
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables import programs, tlb_changes, tlb_contexts, tlb_operands
from kut_model.tables.programs import Program


@cache
def _programs() -> tuple[Program, ...]:
    return (*tlb_changes.every(), *tlb_contexts.every(), *tlb_operands.every())


def _rows() -> list[Row]:
    return programs.rows("tlb", _programs())


def _header() -> str:
    return programs.header("tlb", _programs(), cpus=1)


AREA: Final = Area("tlb", "TLB maintenance on one CPU", _rows, _header)
