# SPDX-License-Identifier: GPL-2.0-or-later
"""Random programs of two CPUs: descriptors, contexts, TLBI and accesses in any order.

A program is a function of its seed. Steps after which an access would break break-before-make are
left out, so that each access has the outcomes of the tables, and of entries that TLBI left.
"""

from dataclasses import replace
from random import Random
from typing import Final

from kut_model.tables.programs import Program
from kut_model.tlb import edits
from kut_model.tlb.edits import Descriptor
from kut_model.tlb.instructions import TG, Operand, instructions
from kut_model.tlb.layout import NEW, OLD, layout
from kut_model.tlb.machine import Config, ConflictError, outcomes
from kut_model.tlb.steps import Enter, Maintain, Set, Step, Try
from kut_model.translation import descriptors as d
from kut_model.translation.granules import LAST_LEVEL, Granule

_K4: Final = Granule.K4
_HERE: Final = layout(_K4)
_TWO: Final = Config(cpus=2)
_PAGES: Final = (5, 6)
_CPUS: Final = (0, 1)
_STEPS: Final = 14
#: No two of them have one VMID, or one VMID and ASID, with other roots.
_CONTEXTS: Final = (
    Enter(),
    Enter(asid=2, context="b"),
    Enter(2, "q"),
    Enter(2, "q", 2, "b"),
)
_TLBIS: Final = tuple(each for each in instructions().values() if each.el == 1 and not each.nxs)
_READS: Final = tuple(Try(_HERE.va(page), cpu=cpu) for page in _PAGES for cpu in _CPUS)
_WRITES: Final = tuple(replace(each, address=each.address + 8, op="write") for each in _READS)


def _pages() -> tuple[Descriptor, ...]:
    stage1 = [edits.page1(_K4, page, context) for page in _PAGES for context in "ab"]
    stage2 = [edits.page2(_K4, OLD + page, root) for page in _PAGES for root in "rq"]
    return (*stage1, *stage2)


_OF_PAGES: Final = _pages()
_OF_TABLES: Final = (
    edits.page2(_K4, _HERE.table1("a", LAST_LEVEL)),
    *(edits.table_of_old(stage) for stage in (1, 2)),
)


def _set(random: Random) -> Set:
    """Return a change: a table, or a page with other permissions, or elsewhere."""
    if random.choice((True, False, False)):
        return _valid_or_not(random, random.choice(_OF_TABLES))
    page = random.choice(_OF_PAGES)
    denied = {"set_bits": d.AP_READ_ONLY} if page.stage == 1 else {"clear": d.S2AP_WRITE}
    region = NEW if page.fill.target < NEW else OLD
    elsewhere = region + page.fill.target % (NEW - OLD)
    changes = (
        *[_valid_or_not(random, page)] * 3,
        page.write(**denied),
        page.write(clear=d.AF),
        page.write(target=elsewhere),
    )
    return random.choice(changes)


def _valid_or_not(random: Random, descriptor: Descriptor) -> Set:
    return random.choice((descriptor.unmap(), descriptor.write()))


def _maintain(random: Random) -> Maintain:
    """Return a TLBI for one of the pages, or of a table of stage 1."""
    tlbi = random.choice(_TLBIS)
    page = random.choice(_PAGES)
    address = _HERE.va(page)
    if tlbi.kind.is_stage2:
        objects = (OLD + page, NEW + page, _HERE.table1("a", LAST_LEVEL))
        address = _HERE.ipa(random.choice(objects))
    operand = Operand(address, random.choice((1, 2)), tg=TG[_K4] if tlbi.kind.is_range else 0)
    el = random.choice((1, 2)) if tlbi.at_el1 else 2
    return Maintain(tlbi, operand, el, random.choice(_CPUS))


def _enter(random: Random) -> Enter:
    return replace(random.choice(_CONTEXTS), cpu=random.choice(_CPUS))


def _access(random: Random) -> Try:
    return random.choice((*_READS, *_READS, *_WRITES))


#: By how often they are drawn.
_KINDS: Final = (*[_set] * 4, *[_maintain] * 3, _enter, *[_access] * 3)


def program(seed: int) -> Program:
    """Return the program of a seed: it ends with an access to each page by each CPU."""
    random = Random(seed)  # noqa: S311 - no secrets
    entered = (replace(_CONTEXTS[0], cpu=cpu) for cpu in _CPUS)
    steps: tuple[Step, ...] = (*entered, *_READS, *_WRITES)
    for _ in range(_STEPS):
        step = random.choice(_KINDS)(random)
        if _is_legal((*steps, step, *_READS)):
            steps = (*steps, step)
    return Program(f"seed-{seed}", "tlb.random", (*steps, *_READS), _TWO)


def _is_legal(steps: tuple[Step, ...]) -> bool:
    """Return whether no access is made while a TLB may hold entries that contradict each other."""
    try:
        outcomes(_TWO, steps)
    except ConflictError:
        return False
    return True
