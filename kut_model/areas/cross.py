# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `cross`: loads and stores of 8 bytes that cross a page, with either page or both wrong.

A fault is that of one of the pages: FAR_ELx is the first byte of the access in it. Where both fault
either may come first, as the accesses to their bytes are not ordered (B2.2.1).
"""

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import OutcomeTable, array, initialiser, names
from kut_model.translation import descriptors
from kut_model.translation.access import OPERATIONS
from kut_model.translation.codes import Scene, codes_of_access, describe_all
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.coverage import covered
from kut_model.translation.faults import Fault
from kut_model.translation.granules import Granule
from kut_model.translation.processor import Processor
from kut_model.translation.tables import DATA, ROOT, STAGE1_LEAF, STAGE2_LEAF, walk
from kut_model.translation.translate import Machine, Outcome, alternatives

#: What is wrong with a page, in the order of the image.
STATES: Final = ("ok", "s1-none", "s1-read-only", "s2-none", "s2-read-only", "s2-no-af")
OPS: Final = ("read", "write")
#: Bytes in the first page.
BEFORE: Final = (1, 4, 7)
#: VA and IPA of the first page.
PAGE: Final = 0x8000_0000
_SIZE: Final = 0x1000
_STAGE1: Final = 0x4053_0000
_STAGE1_IPA: Final = 0x1_0000_0000 | _STAGE1 & 0x3FFF_FFFF
_BLOCK2: Final = _STAGE1 >> 30 << 30 | STAGE2_LEAF & ~descriptors.TABLE
_PAGE_NAMES: Final = ("the first page", "the second page")


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    first: str
    second: str
    op: str
    el: int
    before: int

    @property
    def id(self) -> str:
        """Its id; the image builds the same."""
        return f"cross.{self.first}.{self.second}.{self.op}.el{self.el}.at{self.before}"


@cache
def _cases() -> tuple[_Case, ...]:
    return tuple(_Case(*each) for each in product(STATES, STATES, OPS, (1, 0), BEFORE))


def _leaves(state: str) -> tuple[int, int]:
    """Return the leaves of stage 1 and 2 without addresses."""
    first = {"s1-none": 0, "s1-read-only": STAGE1_LEAF | descriptors.AP_READ_ONLY}
    second = {
        "s2-none": 0,
        "s2-read-only": STAGE2_LEAF & ~descriptors.S2AP_WRITE,
        "s2-no-af": STAGE2_LEAF & ~descriptors.AF,
    }
    return first.get(state, STAGE1_LEAF), second.get(state, STAGE2_LEAF)


def _machine(case: _Case) -> Machine:
    tables = {
        _STAGE1 + (PAGE >> 30) * 8: _STAGE1_IPA + 0x1000 | 3,
        _STAGE1 + 0x1000: _STAGE1_IPA + 0x2000 | 3,
        ROOT + (_STAGE1_IPA >> 30) * 8: _BLOCK2,
    }
    for number, state in enumerate((case.first, case.second)):
        ipa = PAGE + number * _SIZE
        stage1, stage2 = _leaves(state)
        tables[_STAGE1 + 0x2000 + number * 8] = ipa | stage1
        tables |= walk(Granule.K4, 1, ipa, DATA + number * _SIZE | stage2)
    control = Stage1Control(enabled=True, root=_STAGE1_IPA, mair=0xFF)
    return Machine(Processor(), control, Stage2Control(ps=2, root=ROOT), tables)


@cache
def _codes(case: _Case) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the permitted outcomes, by the page of FAR_ELx; without a fault, the first."""
    machine = _machine(case)
    access = OPERATIONS[f"{case.op}-unaligned"].at(case.el)
    scene = Scene(((PAGE, DATA), (PAGE + _SIZE, DATA + _SIZE)))

    def faults(address: int) -> list[Outcome]:
        found = alternatives(machine, address, access)
        return [each for each in found if isinstance(each.result, Fault)]

    def codes(found: list[Outcome]) -> tuple[int, ...]:
        return codes_of_access(found, access, machine, scene)

    first, second = codes(faults(PAGE + _SIZE - case.before)), codes(faults(PAGE + _SIZE))
    return first or (() if second else (0,)), second


def _describe(case: _Case) -> str:
    first, second = _codes(case)
    texts = [describe_all(first, _PAGE_NAMES)] if first else []
    if first and first != (0,):
        texts = [f"{texts[0]}, FAR_ELx the address"]
    if second:
        texts.append(f"{describe_all(second, _PAGE_NAMES)}, FAR_ELx the second page")
    return ", or ".join(texts)


def _matrix(case: _Case) -> tuple[str, ...]:
    """Return the ids of the coverage table: F17 for a fault of one page."""
    first, second = _codes(case)
    if first == (0,) or (first and second):
        return ()
    return ("F17", *covered(first or second))


def _rows() -> list[Row]:
    return [
        Row(case.id, "abort.crossing", _describe(case), matrix=_matrix(case)) for case in _cases()
    ]


def _header() -> str:
    """Return the tables in C."""
    outcomes = OutcomeTable()
    rows = [
        initialiser(
            initialiser(STATES.index(case.first), STATES.index(case.second)),
            *(OPS.index(case.op), case.el, case.before),
            initialiser(*map(outcomes.add, _codes(case))),
        )
        for case in _cases()
    ]
    return "".join(
        [
            names("cross_states", STATES),
            names("cross_ops", OPS),
            outcomes.declaration("cross_outcomes"),
            array("struct cross_row", "cross_rows", rows),
        ]
    )


AREA: Final = Area("cross", "accesses that cross a page", _rows, _header)
