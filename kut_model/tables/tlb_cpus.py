# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of two CPUs: broadcast TLBI, vCPUs of one stage 2, moves, changes under a running guest.

CPU 0 changes descriptors; the rows of `broadcast` access what CPU 1 has used.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from kut_model.tables.programs import Program
from kut_model.tables.tlb_changes import BY_NAME, Subject, name_of, of_el1, operand_of, sufficient
from kut_model.tlb import edits
from kut_model.tlb.instructions import Operand, instructions
from kut_model.tlb.layout import NEW, layout
from kut_model.tlb.machine import Config
from kut_model.tlb.steps import Both, Enter, Join, Loop, Maintain, Step, Try
from kut_model.translation.granules import Granule

_K4: Final = Granule.K4
_TWO: Final = Config(cpus=2)
_FB: Final = Config(cpus=2, fb=True)
_PAGE: Final = 5
_HERE: Final = layout(_K4)
_READ: Final = Try(_HERE.va(_PAGE))
_THERE: Final = replace(_READ, cpu=1)
_ENTER: Final = (Enter(), Enter(cpu=1))
_USED: Final = (Enter(), _READ, Enter(cpu=1), _THERE)
_EL1: Final = 1
_SUBJECTS: Final = tuple(
    BY_NAME[name]
    for name in ("s1-page", "s1-block", "s1-table-l2", "s2-page", "s2-block", "walk-l3")
)


def _used(subject: Subject) -> tuple[Step, ...]:
    """Return the steps after which both CPUs have used a subject that is invalid then."""
    access = Try(subject.va)
    both = (Enter(), access, Enter(cpu=1), replace(access, cpu=1))
    return (*subject.before, *both, subject.descriptor.unmap())


def _broadcast() -> Iterator[Program]:
    """Yield every TLBI on one CPU, and the access on the other one."""
    for tlbi, subject in product(of_el1(), _SUBJECTS):
        if tlbi.nxs and subject.name not in {"s1-page", "walk-l3"}:
            continue
        there = Try(subject.va, cpu=1)
        for el in tlbi.els:
            maintain = Maintain(tlbi, operand_of(tlbi, subject), el)
            label = name_of("broadcast", subject.name, tlbi.name, f"el{el}")
            yield Program(label, "tlb.broadcast", (*_used(subject), maintain, there), _TWO)
            if el == _EL1 and not tlbi.nxs:
                label = name_of("forced", subject.name, tlbi.name)
                yield Program(label, "tlb.forced", (*_used(subject), maintain, there), _FB)


def _pairs() -> Iterator[Program]:
    """Yield TLBI by IPA, and then of stage 1: each of this CPU or broadcast."""
    by_ipa = [each for each in of_el1() if each.kind.is_stage2]
    for subject in _SUBJECTS:
        if subject.descriptor.stage == 1:
            continue
        there = Try(subject.va, cpu=1)
        for first, then in product(by_ipa, ("vmalle1", "vmalle1is", "vmalle1os")):
            if first.nxs and (then != "vmalle1is" or subject.name != "walk-l3"):
                continue
            last = Maintain(instructions()[then])
            steps = (*_used(subject), Maintain(first, operand_of(first, subject)), last, there)
            label = name_of("broadcast-pair", subject.name, first.name, then)
            yield Program(label, "tlb.broadcast", steps, _TWO)


def _from_the_other() -> Iterator[Program]:
    """Yield TLBI by the CPU that did not change the descriptor."""
    for subject, name in product(_SUBJECTS, ("vmalls12e1", "vmalls12e1is", "alle1is", "vmalle1is")):
        maintain = Maintain(instructions()[name], cpu=1)
        steps = (*_used(subject), maintain, Try(subject.va))
        label = name_of("from-other", subject.name, name)
        yield Program(label, "tlb.broadcast", steps, _TWO)


def _blocks() -> Iterator[Program]:
    """Yield a block that becomes a table, and another one again, seen by both CPUs."""
    for name in ("s1-block", "s2-block"):
        subject = BY_NAME[name]
        stage = subject.descriptor.stage
        table, page = edits.table_of_old(stage), edits.page(_K4, _PAGE, stage)
        before = (*subject.before, page.write(target=NEW + _PAGE), *_USED)
        for kind, maintains in sufficient(subject, "is").items():
            split = (subject.descriptor.unmap(), *maintains, table.write(), _READ, _THERE)
            label = name_of("split", name, kind)
            yield Program(label, "tlb.vcpu-blocks", (*before, *split), _TWO)
            if kind in {"vae1", "ipas2e1-vmalle1"}:
                continue  # one address is not enough for the pages of a table
            back = (table.unmap(), *maintains, subject.descriptor.write(), _READ, _THERE)
            label = name_of("collapse", name, kind)
            yield Program(label, "tlb.vcpu-blocks", (*before, *split, *back), _TWO)


def _vcpus() -> Iterator[Program]:
    """Yield two vCPUs of one stage 2, each with a stage 1 of its own."""
    other = Enter(asid=1, context="b", cpu=1)
    own = (Enter(), other, _READ, _THERE, _READ, _THERE)
    yield Program("vcpus.own-stage1", "tlb.vcpus", own, _TWO)
    for name in ("s1-page", "s2-page"):
        subject = BY_NAME[name]
        for kind, maintains in sufficient(subject, "is").items():
            for by in (0, 1):
                steps = tuple(replace(each, cpu=by) for each in maintains)
                program = (*own, subject.descriptor.unmap(), *steps, _READ, _THERE)
                yield Program(f"vcpus.{name}.{kind}.cpu{by}", "tlb.vcpus", program, _TWO)
    yield Program("vcpus.vmids", "tlb.vcpus", (Enter(), Enter(2, "q", cpu=1), _READ, _THERE), _TWO)


def _moves() -> Iterator[Program]:
    """Yield a vCPU that moves, and comes back; stage 2 changes while it is away."""
    away = (Enter(2, "q"), _READ)
    for name in ("s1-page", "s2-page"):
        subject = BY_NAME[name]
        for domain in ("", "is"):
            for kind, maintains in sufficient(subject, domain).items():
                there = tuple(replace(each, cpu=1) for each in maintains)
                moved = (Enter(), _READ, Enter(cpu=1), _THERE, *away)
                program = (*moved, subject.descriptor.unmap(), *there, _THERE, Enter(), _READ)
                label = name_of("moves", name, f"{kind}{domain}")
                yield Program(label, "tlb.moves", program, _TWO)
    # Two vCPUs of one VMID and ASID in turn on one CPU: TLBI of stage 1 between them.
    for name in ("vmalle1", "vmalls12e1", "alle1"):
        flush = Maintain(instructions()[name])
        program = (Enter(), _READ, Enter(context="b"), flush, _READ, Enter(), flush, _READ)
        yield Program(f"moves.in-turn.{name}", "tlb.moves", program, _TWO)


def _faults() -> Iterator[Program]:
    """Yield both CPUs that access at once: a page that is not mapped, is, and is not again."""
    both = Both(_READ.address)
    for name in ("s1-page", "s2-page", "s2-block", "walk-l3"):
        subject = BY_NAME[name]
        unmap, restore = subject.descriptor.unmap(), subject.descriptor.write()
        yield Program(
            f"at-once.{name}.map",
            "tlb.at-once",
            (*subject.before, unmap, *_ENTER, both, restore, both),
            _TWO,
        )
        for kind, maintains in sufficient(subject, "is").items():
            steps = (*subject.before, *_ENTER, both, unmap, *maintains, both, restore, both)
            yield Program(f"at-once.{name}.{kind}", "tlb.at-once", steps, _TWO)


def _running() -> Iterator[Program]:
    """Yield a page that is unmapped while CPU 1 reads it in a loop."""
    address = _READ.address
    for name in ("s1-page", "s2-page"):
        subject = BY_NAME[name]
        for domain in ("is", "os"):
            for kind, maintains in sufficient(subject, domain).items():
                steps = (*_ENTER, Loop(address), subject.descriptor.unmap(), *maintains)
                label = name_of("running", name, f"{kind}{domain}")
                yield Program(label, "tlb.running", (*steps, Join(address)), _TWO)
    page = BY_NAME["s1-page"]
    at_el1 = Maintain(instructions()["vae1"], Operand(address, 1), _EL1)
    steps = (*_ENTER, Loop(address), page.descriptor.unmap(), at_el1, Join(address))
    yield Program("running.s1-page.vae1-forced", "tlb.running", steps, _FB)


def every() -> Iterator[Program]:
    """Yield all of them."""
    yield from _broadcast()
    yield from _pairs()
    yield from _from_the_other()
    yield from _blocks()
    yield from _vcpus()
    yield from _moves()
    yield from _faults()
    yield from _running()
