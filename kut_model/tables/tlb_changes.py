# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that change a descriptor: every TLBI for each kind of change."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from kut_model.tables.programs import Program
from kut_model.tlb import edits
from kut_model.tlb.edits import Descriptor
from kut_model.tlb.instructions import TG, Kind, Operand, Tlbi, instructions
from kut_model.tlb.layout import NEW, OLD, PRIVILEGED, layout
from kut_model.tlb.steps import Enter, Maintain, Step, Try
from kut_model.translation import descriptors as d
from kut_model.translation.granules import Granule

_K4: Final = Granule.K4
_PAGE: Final = 5
_ENTER: Final = Enter()
_EL1, _EL2 = 1, 2
_STAGE2: Final = 2


@dataclass(frozen=True, slots=True)
class Subject:
    """A descriptor that becomes invalid, and the changes of the base before it is used."""

    name: str
    descriptor: Descriptor
    before: tuple[Step, ...] = ()
    granule: Granule = _K4

    @property
    def va(self) -> int:
        """The address that is accessed; a block of 1G maps every object."""
        return layout(self.granule).va(_PAGE + (OLD if "gigabyte" in self.name else 0))

    @property
    def ipa(self) -> int:
        """The IPA of the page that is accessed, or that of the table for stage 2 of walks."""
        if self.descriptor.stage == _STAGE2 and "walk" in self.name:
            return self.descriptor.address
        return layout(self.granule).ipa(OLD + _PAGE)


def _subjects() -> tuple[Subject, ...]:
    block1, block2 = edits.block1(), edits.block2()
    gigabyte = edits.block1(1)
    here = layout(_K4)
    walks = [
        Subject(f"walk-l{level}", edits.page2(_K4, here.table1("a", level))) for level in (1, 2, 3)
    ]
    return (
        Subject("s1-page", edits.page1(_K4, _PAGE)),
        Subject("s1-block", block1, (block1.write(),)),
        Subject("s1-table-l2", edits.table1(_K4, 2)),
        Subject("s1-table-l1", edits.table1(_K4, 1)),
        Subject("s2-page", edits.page2(_K4, OLD + _PAGE)),
        Subject("s2-block", block2, (block2.write(),)),
        Subject("s2-table-l2", edits.table2(_K4, 2, OLD)),
        Subject("blocks-s1", block1, (block1.write(), block2.write())),
        Subject("blocks-s2", block2, (block1.write(), block2.write())),
        Subject("s1-gigabyte", gigabyte, (gigabyte.write(),)),
        *walks,
    )


_SUBJECTS: Final = _subjects()
_SUBJECTS_OF_STAGE2: Final = tuple(each for each in _SUBJECTS if each.descriptor.stage == _STAGE2)
BY_NAME: Final = {each.name: each for each in _SUBJECTS}


def name_of(*parts: object) -> str:
    """Return the name of a program: parts with dots between them."""
    return ".".join(map(str, parts))


def operand_of(tlbi: Tlbi, subject: Subject, asid: int = 1) -> Operand:
    """Return the operand for the subject: a range has 2 pages, and begins at an even one."""
    address = subject.ipa if tlbi.kind.is_stage2 else subject.va
    if not tlbi.kind.is_range:
        return Operand(address, asid)
    bits = subject.granule.bits + 1
    return Operand(address >> bits << bits, asid, tg=TG[subject.granule])


def page_operand(name: str, page: int, granule: Granule = _K4) -> Operand:
    """Return the operand of an instruction that is not by range, for a page of OLD."""
    here, is_stage2 = layout(granule), instructions()[name].kind.is_stage2
    return Operand(here.ipa(OLD + page) if is_stage2 else here.va(page), 1)


def _maintain(name: str, subject: Subject, el: int = _EL2) -> Maintain:
    tlbi = instructions()[name]
    return Maintain(tlbi, operand_of(tlbi, subject), el)


def _elsewhere(tlbi: Tlbi) -> Operand:
    """Return the operand for a page far from all subjects."""
    address = layout(_K4).ipa(NEW + 64)
    return Operand(address, tg=TG[_K4] if tlbi.kind.is_range else 0)


def of_el1() -> list[Tlbi]:
    """Return the instructions of the EL1&0 regime."""
    return [each for each in instructions().values() if each.el == 1]


def _plain(*kinds: Kind) -> list[Tlbi]:
    """Return those of this CPU only, without nXS, of some kinds."""
    return [each for each in of_el1() if not each.domain and not each.nxs and each.kind in kinds]


def _stale(subject: Subject, *steps: Step) -> tuple[Step, ...]:
    """Return a program: the subject is used, becomes invalid, steps, it is used again."""
    access = Try(subject.va)
    return (*subject.before, _ENTER, access, subject.descriptor.unmap(), *steps, access)


def _kinds() -> Iterator[Program]:
    """Yield every instruction, at each EL that has it, for every subject."""
    for tlbi, subject in product(of_el1(), _SUBJECTS):
        rule = "tlb.kinds"
        if "walk" in subject.name:
            rule = "tlb.walk"
        elif tlbi.kind.is_stage2:
            rule = "tlb.ipa"
        for el in tlbi.els:
            matrix = ("T11",) if el == _EL1 else ()
            steps = _stale(subject, Maintain(tlbi, operand_of(tlbi, subject), el))
            yield Program(
                name_of("all", subject.name, tlbi.name, f"el{el}"), rule, steps, matrix=matrix
            )


def _after_ipa() -> Iterator[Program]:
    """Yield what comes after TLBI by IPA, or before it; each variant of both once at least."""
    by_ipa = [each for each in of_el1() if each.kind.is_stage2]
    plain = _plain(Kind.IPAS2, Kind.RIPAS2)
    every = [each for each in of_el1() if not each.nxs and not each.kind.is_stage2]
    for subject in _SUBJECTS_OF_STAGE2:
        rule = "tlb.walk" if "walk" in subject.name else "tlb.ipa"
        pairs = [(each, instructions()["vmalle1"]) for each in by_ipa]
        pairs += [(first, then) for first in plain for then in every if not then.domain]
        for first, then in dict.fromkeys(pairs):
            one, other = (Maintain(each, operand_of(each, subject)) for each in (first, then))
            name = name_of(subject.name, first.name, then.name)
            yield Program(f"pair.{name}", rule, _stale(subject, one, other))
        for first in plain:
            one, other = (_maintain(each, subject) for each in ("vmalle1", first.name))
            name = name_of(subject.name, "vmalle1", first.name)
            yield Program(f"pair.{name}", rule, _stale(subject, one, other))
            wrong = Maintain(first, _elsewhere(first))
            steps = _stale(subject, wrong, _maintain("vmalle1", subject))
            yield Program(
                name_of("pair", subject.name, f"{first.name}-other", "vmalle1"), rule, steps
            )


def _try(page: int, op: str = "read", el: int = 1, *, pan: bool = False) -> Try:
    return Try(layout(_K4).va(page) + (8 if op == "write" else 0), op, el, pan)


def _accesses(page: int) -> dict[str, Try]:
    """Return the accesses that a page permits: only to a page that is not EL0's with PAN."""
    if page >= PRIVILEGED[_K4]:
        ops = [("read", 1), ("write", 1), ("exec", 1)]
        found = {f"{op}-el{el}-pan": _try(page, op, el, pan=True) for op, el in ops}
        return {**found, "read-el1": _try(page)}
    ops = [("read", 1), ("read", 0), ("write", 1), ("write", 0), ("exec", 0)]
    return {f"{op}-el{el}": _try(page, op, el) for op, el in ops}


#: Sequences of TLBI by the name of programs; each drops all that a page has at its stage.
_SEQUENCES: Final = {
    "vae1": ("vae1",),
    "aside1": ("aside1",),
    "vmalle1": ("vmalle1",),
    "ipas2e1-vmalle1": ("ipas2e1", "vmalle1"),
    "vmalls12e1": ("vmalls12e1",),
    "alle1": ("alle1",),
}
_OF_STAGE1: Final = ("vae1", "aside1", "vmalle1")
_OF_STAGE2: Final = ("ipas2e1-vmalle1", "vmalls12e1", "alle1")


def _each_access() -> Iterator[Program]:
    """Yield one access before a page becomes invalid, and another one after TLBI."""
    for page, stage, (name, tlbis) in product((_PAGE, 300), (1, 2), _SEQUENCES.items()):
        descriptor = edits.page(_K4, page, stage)
        steps = tuple(Maintain(instructions()[each], page_operand(each, page)) for each in tlbis)
        accesses = _accesses(page)
        for (first, before), (then, after) in product(accesses.items(), accesses.items()):
            program = (_ENTER, before, descriptor.unmap(), *steps, after)
            yield Program(
                name_of("access", f"s{stage}-page{page}", first, then, name), "tlb.kinds", program
            )


def _valid() -> Iterator[Program]:
    """Yield descriptors that become valid, without TLBI; of both stages."""
    for subject in _SUBJECTS:
        if subject.name == "blocks-s1":
            continue
        access, restored = Try(subject.va), subject.descriptor.write()
        steps = (*subject.before, subject.descriptor.unmap(), _ENTER, access, restored, access)
        yield Program(name_of("valid", subject.name), "tlb.valid", steps)
        if "table" in subject.name:
            continue
        no_flag = subject.descriptor.write(clear=d.AF)
        steps = (*subject.before, no_flag, _ENTER, access, restored, access)
        yield Program(name_of("valid", subject.name, "access-flag"), "tlb.valid", steps)


def sufficient(subject: Subject, domain: str = "") -> dict[str, tuple[Maintain, ...]]:
    """Return sequences of a shareability domain that drop all of a subject."""
    enough = _OF_STAGE1 if subject.descriptor.stage == 1 else _OF_STAGE2
    return {
        name: tuple(_maintain(f"{each}{domain}", subject) for each in _SEQUENCES[name])
        for name in enough
    }


def _permissions() -> Iterator[Program]:
    """Yield changes of permissions and of the access flag: before TLBI, and after it."""
    for name in ("s1-page", "s1-block", "s2-page", "s2-block"):
        subject = BY_NAME[name]
        descriptor, stage1 = subject.descriptor, subject.descriptor.stage == 1
        read_only = {"set_bits": d.AP_READ_ONLY} if stage1 else {"clear": d.S2AP_WRITE}
        write, read = Try(subject.va + 8, "write"), Try(subject.va)
        denied, permitted = descriptor.write(**read_only), descriptor.write()
        for kind, maintains in sufficient(subject).items():
            where = name_of("permission", name, kind)
            before = subject.before
            steps = (*before, _ENTER, write, denied, write, *maintains, write, read)
            yield Program(f"{where}.read-only", "tlb.permission", steps)
            steps = (*before, denied, _ENTER, read, write, permitted, write, *maintains, write)
            yield Program(f"{where}.writable", "tlb.permission", steps)
            flag = (descriptor.write(clear=d.AF), read, *maintains, read, permitted, read)
            steps = (*before, _ENTER, read, *flag)
            yield Program(f"{where}.access-flag", "tlb.permission", steps)


def _remap() -> Iterator[Program]:
    """Yield a page or block that is mapped elsewhere by break-before-make."""
    for name in ("s1-page", "s1-block", "s2-page", "s2-block"):
        subject = BY_NAME[name]
        target = NEW + (_PAGE if "page" in name else 0)
        moved, read = subject.descriptor.write(target=target), Try(subject.va)
        for kind, maintains in sufficient(subject).items():
            steps = _stale(subject, *maintains)[:-1]
            program = (*steps, moved, read)
            yield Program(name_of("remap", name, kind), "tlb.kinds", program)
            back = (subject.descriptor.unmap(), *maintains, subject.descriptor.write(), read)
            program = (*steps, moved, read, *back)
            yield Program(name_of("remap-back", name, kind), "tlb.kinds", program)


def _blocks() -> Iterator[Program]:
    """Yield blocks that become tables, and back, by break-before-make; other addresses of them."""
    for name in ("s1-block", "s2-block"):
        subject = BY_NAME[name]
        stage = subject.descriptor.stage
        table = edits.table_of_old(stage)
        pages = {page: edits.page(_K4, page, stage) for page in (0, _PAGE, 511)}
        moved = tuple(each.write(target=NEW + page) for page, each in pages.items())
        reads = tuple(Try(layout(_K4).va(page)) for page in pages)
        for kind, maintains in sufficient(subject).items():
            to_table = (subject.descriptor.unmap(), *maintains, table.write())
            back = (table.unmap(), *maintains, subject.descriptor.write())
            program = (*subject.before, *moved, _ENTER, *reads, *to_table, *reads)
            yield Program(name_of("split", name, kind), "tlb.block", program)
            if "e1-" in kind or kind == "vae1":
                continue  # one address is not enough for the pages of a table
            yield Program(name_of("collapse", name, kind), "tlb.block", (*program, *back, *reads))
    for name in ("s1-block", "blocks-s1", "blocks-s2", "s2-block"):
        yield from _other_addresses(BY_NAME[name])


def _other_addresses(subject: Subject) -> Iterator[Program]:
    """Yield TLBI by another address of a block than the one that is accessed."""
    here = layout(_K4)
    tlbis = _plain(Kind.VA, Kind.VAA, Kind.RVA, Kind.RVAA)
    if subject.descriptor.stage == _STAGE2:
        tlbis = _plain(Kind.IPAS2, Kind.RIPAS2)
    for tlbi, page in product(tlbis, (0, 255, 511)):
        address = here.ipa(OLD + page) if tlbi.kind.is_stage2 else here.va(page)
        operand = Operand(address, 1, tg=TG[_K4] if tlbi.kind.is_range else 0)
        last = (_maintain("vmalle1", subject),) if tlbi.kind.is_stage2 else ()
        steps = _stale(subject, Maintain(tlbi, operand), *last)
        yield Program(name_of("inside", subject.name, tlbi.name, page), "tlb.block", steps)


def every() -> Iterator[Program]:
    """Yield all of them."""
    yield from _kinds()
    yield from _after_ipa()
    yield from _each_access()
    yield from _valid()
    yield from _permissions()
    yield from _remap()
    yield from _blocks()
