# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `sea`: synchronous external aborts of accesses and of walks, below a stage 2.

One page of the tables is in a hole of the address map, where reads abort:

    page                 the page that is accessed, stage 1 off
    s2-l2, s2-l3         the table of this level of stage 2, for that page
    s1-page              the page that is accessed, stage 1 on
    s1-l2, s1-l3         the table of this level of stage 1
    walk-s2-l2, -l3      the table of this level of stage 2, for stage 1's level-3 table
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, OutcomeTable, array, initialiser, names
from kut_model.translation import descriptors
from kut_model.translation.access import OPERATIONS
from kut_model.translation.codes import Scene, codes_of_access, describe_all
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.granules import LAST_LEVEL
from kut_model.translation.processor import Processor
from kut_model.translation.tables import STAGE1_LEAF, STAGE2_LEAF
from kut_model.translation.translate import Machine, alternatives

#: In the order of the image.
PLACES: Final = (
    *("page", "s2-l2", "s2-l3"),
    *("s1-page", "s1-l2", "s1-l3", "walk-s2-l2", "walk-s2-l3"),
)
OPS: Final = ("read", "exec")
#: Addresses of 1G: of the access, which is also the VA, and of stage 1's tables by level.
PAGE: Final = 0x8000_0000
_TABLES: Final = {1: 0x1_0000_0000, 2: 0x1_4000_0000, 3: 0x1_8000_0000}
_HOLE: Final = 0x0B00_0000
_ROOT: Final = 0x4050_0000
_BELOW: Final = 0x4060_0000  # tables of stage 2 below the root
_MEMORY: Final = 0x4080_0000  # what leaves of stage 2 map
_TABLE: Final = descriptors.VALID | descriptors.TABLE


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    place: str
    op: str
    el: int
    tea: int

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        return f"sea.{self.place}.{self.op}.el{self.el}.tea{self.tea}"

    @property
    def needs(self) -> tuple[str, ...]:
        """FEAT_RAS for HCR_EL2.TEA."""
        return ("FEAT_RAS",) if self.tea else ()

    @property
    def stage1(self) -> bool:
        """Whether stage 1 is on."""
        return self.place.startswith(("s1", "walk"))

    @property
    def rule(self) -> str:
        """Key of its rule."""
        return "external.access" if self.place.endswith("page") else "external.walk"


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(_Case(*fields) for fields in product(PLACES, OPS, (1, 0), (0, 1)))


def _map(ipa: int, number: int, hole: str) -> dict[int, int]:
    """Return stage 2's descriptors for an IPA of 1G, with the hole at "page", "l2" or "l3"."""
    level2, level3 = _BELOW + number * 0x2000, _BELOW + number * 0x2000 + 0x1000
    return {
        _ROOT + (ipa >> 30) * 8: (_HOLE if hole == "l2" else level2) | _TABLE,
        level2: (_HOLE if hole == "l3" else level3) | _TABLE,
        level3: (_HOLE if hole == "page" else _MEMORY + number * 0x1000) | STAGE2_LEAF,
    }


def _machine(case: _Case) -> Machine:
    """Return tables for the page, and for stage 1's tables as pages 1 to 3."""
    hole = {"page": "page", "s1-page": "page", "s2-l2": "l2", "s2-l3": "l3"}
    tables = _map(PAGE, 0, hole.get(case.place, ""))
    walk_hole = {"s1-l2": (2, "page"), "s1-l3": (3, "page")}
    walk_hole |= {"walk-s2-l2": (3, "l2"), "walk-s2-l3": (3, "l3")}
    level_of, part = walk_hole.get(case.place, (0, ""))
    leaf = PAGE | STAGE1_LEAF | descriptors.AP_READ_ONLY  # what EL0 can write, EL1 cannot execute
    for level, ipa in _TABLES.items():
        tables |= _map(ipa, level, part if level == level_of else "")
        below = leaf if level == LAST_LEVEL else _TABLES[level + 1] | _TABLE
        tables[_MEMORY + level * 0x1000 + ((PAGE >> 30) * 8 if level == 1 else 0)] = below
    stage1 = Stage1Control(enabled=case.stage1, root=_TABLES[1], mair=0xFF)
    stage2 = Stage2Control(ps=2, root=_ROOT, tea=bool(case.tea))
    return Machine(Processor(), stage1, stage2, tables, frozenset({_HOLE}))


@cache
def _codes(case: _Case) -> tuple[int, ...]:
    machine, access = _machine(case), OPERATIONS[case.op].at(case.el)
    return codes_of_access(alternatives(machine, PAGE, access), access, machine, Scene(()))


def _rows() -> list[Row]:
    return [
        Row(case.id, case.rule, describe_all(_codes(case), ()), case.needs) for case in _cases()
    ]


def _header() -> str:
    """Return the tables in C."""
    outcomes, needs = OutcomeTable(), NeedsTable()
    rows = [
        initialiser(
            *(PLACES.index(case.place), OPS.index(case.op), case.el, case.tea),
            *(needs.add(case.needs), outcomes.add(_codes(case))),
        )
        for case in _cases()
    ]
    return "".join(
        [
            names("sea_places", PLACES),
            names("sea_ops", OPS),
            outcomes.declaration("sea_outcomes"),
            needs.declaration("sea_needs"),
            array("struct sea_row", "sea_rows", rows),
        ]
    )


AREA: Final = Area("sea", "synchronous external aborts of accesses and walks", _rows, _header)
