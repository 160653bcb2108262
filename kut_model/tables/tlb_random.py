# SPDX-License-Identifier: GPL-2.0-or-later
"""Random programs of two CPUs: descriptors, contexts, TLBI and accesses in any order.

A program is a function of its seed. Steps after which an access would break break-before-make are
left out, so that each access has the outcomes of the tables, and of entries that TLBI left.
"""

from dataclasses import replace
from random import Random
from typing import Final

from kut_model.tables import tlb_text
from kut_model.tables.programs import Program
from kut_model.tables.tlb_text import ASIDS, CPUS, PAGES
from kut_model.tlb.edits import Descriptor
from kut_model.tlb.instructions import instructions
from kut_model.tlb.steps import Enter, Maintain, Set, Step, Try

_STEPS: Final = 14
_CONTEXTS: Final = tuple(tlb_text.CONTEXTS.values())
_TLBIS: Final = tuple(each for each in instructions().values() if each.el == 1 and not each.nxs)
_READS: Final = tuple(tlb_text.access(page, "read", cpu) for page in PAGES for cpu in CPUS)
_WRITES: Final = tuple(tlb_text.access(page, "write", cpu) for page in PAGES for cpu in CPUS)
_OF_PAGES: Final = tuple(tlb_text.pages().values())
_OF_TABLES: Final = tuple(tlb_text.tables().values())


def _set(random: Random) -> Set:
    """Return a change: a table, or a page with other permissions, or elsewhere."""
    if random.choice((True, False, False)):
        return _valid_or_not(random, random.choice(_OF_TABLES))
    page = random.choice(_OF_PAGES)
    named = tlb_text.changes(page)
    changes = (
        *[_valid_or_not(random, page)] * 3,
        *(named[name] for name in ("readonly", "old", "other")),
    )
    return random.choice(changes)


def _valid_or_not(random: Random, descriptor: Descriptor) -> Set:
    return random.choice((descriptor.unmap(), descriptor.write()))


def _maintain(random: Random) -> Maintain:
    """Return a TLBI for one of the pages, or of a table of stage 1."""
    tlbi = random.choice(_TLBIS)
    page = random.choice(PAGES)
    place = str(page)
    if tlbi.kind.is_stage2:
        place = random.choice((f"old{page}", f"new{page}", "table1"))
    operand = tlb_text.operand(tlbi, place, random.choice(ASIDS))
    el = random.choice((1, 2)) if tlbi.at_el1 else 2
    return Maintain(tlbi, operand, el, random.choice(CPUS))


def _enter(random: Random) -> Enter:
    return replace(random.choice(_CONTEXTS), cpu=random.choice(CPUS))


def _access(random: Random) -> Try:
    return random.choice((*_READS, *_READS, *_WRITES))


#: By how often they are drawn.
_KINDS: Final = (*[_set] * 4, *[_maintain] * 3, _enter, *[_access] * 3)


def program(seed: int) -> Program:
    """Return the program of a seed: it ends with an access to each page by each CPU."""
    random = Random(seed)  # noqa: S311 - no secrets
    entered = (replace(_CONTEXTS[0], cpu=cpu) for cpu in CPUS)
    steps: tuple[Step, ...] = (*entered, *_READS, *_WRITES)
    for _ in range(_STEPS):
        step = random.choice(_KINDS)(random)
        if tlb_text.is_legal((*steps, step, *_READS)):
            steps = (*steps, step)
    return Program(f"seed-{seed}", "tlb.random", (*steps, *_READS), tlb_text.CONFIG)
