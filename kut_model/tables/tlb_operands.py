# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs with operands of all kinds: ranges, TTL hints, granules and contiguous runs."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from kut_model.tables.programs import Program
from kut_model.tables.tlb_changes import page_operand
from kut_model.tlb import edits
from kut_model.tlb.instructions import TG, Operand, Tlbi, instructions, range_of
from kut_model.tlb.layout import ADDRESS_BITS, layout
from kut_model.tlb.machine import Config
from kut_model.tlb.steps import Enter, Maintain, Set, Step, Try
from kut_model.translation.descriptors import CONTIGUOUS
from kut_model.translation.granules import LAST_LEVEL, Granule

_ENTER: Final = Enter()
_PAGE: Final = 5
_RANGES: Final = ("rvae1", "rvaae1", "rvale1", "rvaale1", "ripas2e1", "ripas2le1")
_SINGLE: Final = ("vae1", "vale1", "vaae1", "vaale1", "ipas2e1", "ipas2le1")


def _program(name: str, rule: str, granule: Granule, tlbi: Tlbi, operand: Operand) -> Program:
    """Return a program: a page is used, becomes invalid, TLBI, it is used again.

    By IPA it is the page of the last table of stage 1 instead: a walk uses its entry of stage 2,
    while entries that combine both stages are dropped by VMALLE1.
    """
    here = layout(granule)
    access = Try(here.va(_PAGE))
    descriptor = edits.page1(granule, _PAGE)
    after: tuple[Step, ...] = ()
    if tlbi.kind.is_stage2:
        descriptor = edits.page2(granule, here.table1("a", LAST_LEVEL))
        after = (Maintain(instructions()["vmalle1"]),)
    steps = (_ENTER, access, descriptor.unmap(), Maintain(tlbi, operand), *after, access)
    return Program(name, rule, steps, Config(granule))


def _address(granule: Granule, tlbi: Tlbi) -> int:
    """Return the address that an operand has to have."""
    here = layout(granule)
    return here.ipa(here.table1("a", LAST_LEVEL)) if tlbi.kind.is_stage2 else here.va(_PAGE)


def _fits(operand: Operand, granule: Granule) -> bool:
    return operand.address >= 0 and range_of(operand, granule).stop <= 1 << ADDRESS_BITS


def _ranges() -> Iterator[Program]:
    """Yield ranges of all scales, whose first or last page it is, or the one before or after."""
    sizes = [(0, 0), (0, 1), (0, 31), (1, 0), (1, 31), (2, 0), (2, 31)]
    sizes += [(3, num) for num in (0, 2, 3, 7, 14, 15, 16, 30, 31)]
    for granule, name, (scale, num) in product(Granule, _RANGES, sizes):
        tlbi = instructions()[name]
        address = _address(granule, tlbi)
        pages = (num + 1) << (5 * scale + 1)
        places = {"first": 0, "last": pages - 1, "before": -1, "after": pages, "middle": pages // 2}
        for place, page in places.items():
            base = address - (page << granule.bits)
            operand = Operand(base, 1, scale=scale, num=num, tg=TG[granule])
            if _fits(operand, granule):
                label = f"range.{granule.label.lower()}.{name}.scale{scale}.num{num}.{place}"
                yield _program(label, "tlb.range", granule, tlbi, operand)


def _range_fields() -> Iterator[Program]:
    """Yield ranges with each TG, TTL and ASID."""
    for granule, name, tg, ttl in product(Granule, _RANGES, range(4), range(4)):
        tlbi = instructions()[name]
        operand = Operand(_address(granule, tlbi), 1, ttl, tg=tg, num=1)
        label = f"range.{granule.label.lower()}.{name}.tg{tg}.ttl{ttl}"
        yield _program(label, "tlb.range", granule, tlbi, operand)
    for name in _RANGES[:4]:
        tlbi = instructions()[name]
        operand = Operand(_address(Granule.K4, tlbi), 2, tg=1)
        yield _program(f"range.4k.{name}.other-asid", "tlb.range", Granule.K4, tlbi, operand)


def _hints() -> Iterator[Program]:
    """Yield each value of TTL for a page, and for a block."""
    for granule, name, ttl in product(Granule, _SINGLE, range(16)):
        tlbi = instructions()[name]
        operand = Operand(_address(granule, tlbi), 1, ttl)
        label = f"hint.{granule.label.lower()}.{name}.ttl{ttl}"
        program = _program(label, "tlb.hint", granule, tlbi, operand)
        yield Program(label, "tlb.hint", program.steps, program.config, extra=("FEAT_TTL",))
    block, here = edits.block1(), layout(Granule.K4)
    for name, ttl in product(_SINGLE[:4], range(16)):
        maintain = Maintain(instructions()[name], Operand(here.va(_PAGE), 1, ttl))
        access = Try(here.va(_PAGE))
        steps = (block.write(), _ENTER, access, block.unmap(), maintain, access)
        label = f"hint.4k-block.{name}.ttl{ttl}"
        yield Program(label, "tlb.hint", steps, extra=("FEAT_TTL",))


def _granules() -> Iterator[Program]:
    """Yield pages of all sizes: TLBI by any address in one, and for its neighbours."""
    for granule, name in product(Granule, _SINGLE):
        tlbi = instructions()[name]
        size = 1 << granule.bits
        inside = {0, size // 2 >> 12 << 12, size - 0x1000}
        for offset in sorted({*inside, -0x1000, size}):
            operand = Operand(_address(granule, tlbi) + offset, 1)
            label = f"page.{granule.label.lower()}.{name}.{offset:#x}".replace("-0x", "minus-0x")
            yield _program(label, "tlb.block", granule, tlbi, operand)
        here = layout(granule)
        if tlbi.kind.is_stage2:
            continue
        for offset in sorted(inside):
            # Two parts of a page, and TLBI by a third one
            accesses = tuple(Try(here.va(_PAGE) + each) for each in sorted(inside))
            unmapped = edits.page1(granule, _PAGE).unmap()
            maintain = Maintain(tlbi, Operand(here.va(_PAGE) + offset, 1))
            steps = (_ENTER, *accesses, unmapped, maintain, *accesses)
            label = f"page.{granule.label.lower()}.{name}.parts-{offset:#x}"
            yield Program(label, "tlb.block", steps, Config(granule))


def _contiguous() -> Iterator[Program]:
    """Yield runs with the contiguous bit, at each stage: one address, or all, are dropped."""
    for granule, stage in product(Granule, (1, 2)):
        here = layout(granule)
        count = min(1 << granule.contiguous_bits(LAST_LEVEL), here.pages)
        if count < 1 << granule.contiguous_bits(LAST_LEVEL):
            continue  # the region is smaller than a run
        first = edits.page(granule, 0, stage)
        marked = Set(replace(first.write(set_bits=CONTIGUOUS).fill, count=count))
        unmapped = Set(replace(first.unmap().fill, count=count))
        ends = tuple(Try(here.va(page)) for page in (0, _PAGE, count - 1))
        sequences = {"vmalls12e1": ("vmalls12e1",), "ipas2e1-vmalle1": ("ipas2e1", "vmalle1")}
        if stage == 1:
            sequences = {name: (name,) for name in ("vae1", "vaale1", "aside1", "vmalle1")}
        for name, tlbis in sequences.items():
            label = f"contiguous.{granule.label.lower()}.s{stage}.{name}"
            whole = tuple(
                Maintain(instructions()[each], page_operand(each, page, granule))
                for each in tlbis
                for page in range(count if instructions()[each].kind.has_address else 1)
            )
            one = tuple(
                Maintain(instructions()[each], page_operand(each, 0, granule)) for each in tlbis
            )
            before = (marked, _ENTER, *ends, unmapped)
            yield Program(
                f"{label}.all", "tlb.contiguous", (*before, *whole, *ends), Config(granule)
            )
            yield Program(f"{label}.one", "tlb.contiguous", (*before, *one, *ends), Config(granule))


def every() -> Iterator[Program]:
    """Yield all of them."""
    yield from _ranges()
    yield from _range_fields()
    yield from _hints()
    yield from _granules()
    yield from _contiguous()
