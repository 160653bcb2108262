# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of area `mte`, by what varies."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Final

from kut_model.mte.cases import MIXED, OFFSET, TAG, Case, Memory, Stage2
from kut_model.mte.generation import GENERATORS, Registers
from kut_model.mte.instructions import ACCESSES, INSTRUCTIONS, TAG_ACCESSES
from kut_model.mte.tags import Controls, Mode
from kut_model.traps.places import Place, places

_WRONG: Final = 9
_MATCH_ALL, _MATCH_ALL_HIGH = 0, 15
_SYNC: Final = Controls(tcf=Mode.SYNC, tcf0=Mode.SYNC)
_BELOW: Final = (Place.EL1, Place.EL0)
_FEATURES: Final = {
    Mode.NONE: (),
    Mode.SYNC: (),
    Mode.ASYNC: ("FEAT_MTE_ASYNC",),
    Mode.ASYMM: ("FEAT_MTE3",),
}
_PLAIN: Final = ("ldr-x", "ldtr-x", "str-x", "sttr-x", "ldadd-x")
#: Controls that differ from the base.
_GATES: Final = {
    "base": _SYNC,
    "hcr-ata-0": replace(_SYNC, hcr_ata=False),
    "ata-0": replace(_SYNC, ata=False),
    "ata0-0": replace(_SYNC, ata0=False),
    "tco": replace(_SYNC, tco=True),
    "none": Controls(),
}
_MATCH_ALL_GATES: Final = {
    "tcma-0": _SYNC,
    "tcma0": replace(_SYNC, tcma0=True),
    "tcma1": replace(_SYNC, tcma1=True),
    "tcma0.tcma1": replace(_SYNC, tcma0=True, tcma1=True),
}


def _has_two_ranges(place: Place, *, vhe: bool) -> bool:
    return vhe or place in _BELOW


def _modes(insns: dict[str, object], places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield all instructions with the modes of faults, by the right tag and a wrong one."""
    for place, insn, mode, tag, high in product(places, insns, Mode, (TAG, _WRONG), (False, True)):
        if high and (not _has_two_ranges(place, vhe=vhe) or insn not in _PLAIN):
            continue
        yield Case(
            f"{place.value}.{insn}.{mode.name.lower()}.tag{tag}{'.high' if high else ''}",
            "mte.check",
            place,
            insn,
            Controls(tcf=mode, tcf0=mode),
            *(tag, high),
            needs=_FEATURES[mode],
        )


def _two_modes(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield modes that differ for EL0 and the other EL."""
    for place, insn, tcf, tcf0 in product(places, _PLAIN, Mode, Mode):
        if tcf is not tcf0:
            name = f"{place.value}.{insn}.tcf-{tcf.name.lower()}.tcf0-{tcf0.name.lower()}"
            needs = tuple(dict.fromkeys(_FEATURES[tcf] + _FEATURES[tcf0]))
            controls = Controls(tcf=tcf, tcf0=tcf0)
            yield Case(name, "mte.check", place, insn, controls, _WRONG, needs=needs)


def _gates(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield controls that turn checks off, and tags that match all."""
    for place, insn, (gate, controls) in product(places, _PLAIN, _GATES.items()):
        for memory in (Memory.TAGGED, Memory.UNTAGGED):
            name = f"{place.value}.{insn}.{gate}.{memory.value}"
            yield Case(name, "mte.unchecked", place, insn, controls, _WRONG, memory=memory)
    for place, insn, (gate, controls), tag, high in product(
        places,
        ("ldr-x", "str-x", "ldtr-x"),
        _MATCH_ALL_GATES.items(),
        (_MATCH_ALL, _MATCH_ALL_HIGH, _WRONG),
        (False, True),
    ):
        if not _has_two_ranges(place, vhe=vhe) and (high or controls.tcma1):
            continue
        name = f"{place.value}.{insn}.{gate}.tag{tag}{'.high' if high else ''}"
        yield Case(name, "mte.unchecked", place, insn, controls, tag, high)
    for place, insn in product(places, _PLAIN):
        controls = replace(_SYNC, tbi=False)
        yield Case(f"{place.value}.{insn}.tbi-0", "mte.unchecked", place, insn, controls, 0)


def _tag_accesses(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield tag instructions with all controls, at the address and 16 bytes behind it."""
    for place, insn, (gate, controls), memory, offset in product(
        places,
        TAG_ACCESSES,
        _GATES.items(),
        (Memory.TAGGED, Memory.UNTAGGED),
        (OFFSET, OFFSET + 16),
    ):
        yield Case(
            f"{place.value}.{insn}.{gate}.{memory.value}.{offset}",
            *("mte.tags", place, insn, controls, _WRONG),
            memory=memory,
            offset=offset,
        )


def _faults(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield faults that come before a tag check, or of tag instructions."""
    for place, insn, memory, gate in product(
        places, INSTRUCTIONS, (Memory.READ_ONLY, Memory.UNMAPPED), ("base", "hcr-ata-0", "ata-0")
    ):
        details = INSTRUCTIONS[insn]
        is_plain = insn in _PLAIN and not insn.startswith("ldadd")
        if not (is_plain or details.accesses_tags) or (is_plain and gate != "base"):
            continue
        name = f"{place.value}.{insn}.{gate}.{memory.value}"
        yield Case(name, "mte.fault", place, insn, _GATES[gate], _WRONG, memory=memory)
    for place, insn, gate in product(
        places, TAG_ACCESSES, ("base", "hcr-ata-0", "ata-0", "ata0-0")
    ):
        if TAG_ACCESSES[insn].aligned or insn == "ldg":
            name = f"{place.value}.{insn}.{gate}.misaligned"
            yield Case(name, "mte.fault", place, insn, _GATES[gate], offset=OFFSET + 8)
    for place, insn, tag in product(places, ("ldr-x", "str-x"), (TAG, _WRONG)):
        name = f"{place.value}.{insn}.sctlr-a.misaligned.tag{tag}"
        yield Case(
            *(name, "mte.fault", place, insn, _SYNC, tag),
            offset=OFFSET + 4,
            alignment_check=True,
        )


def _second_syndromes(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield faults whose ESR_ELx is compared with its upper half, which is 0."""
    for place, insn in product(places, ("ldr-x", "str-x")):
        name = f"{place.value}.{insn}.sync.iss2"
        yield Case(name, "mte.check", place, insn, _SYNC, _WRONG, iss2=True)


def _crossing(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield accesses of two granules whose tags differ, by either."""
    for place, insn, offset, tag, mode in product(
        places,
        ("ldr-x", "str-x", "ldp-x", "stp-x", "ldr-q", "str-q", "ld1", "st1", "ldtr-x"),
        (8, 12, 15),
        (TAG, TAG + 1, _WRONG),
        Mode,
    ):
        yield Case(
            f"{place.value}.{insn}.{mode.name.lower()}.mixed.offset{offset}.tag{tag}",
            *("mte.check", place, insn, Controls(tcf=mode, tcf0=mode), tag),
            offset=OFFSET + offset,
            before=MIXED,
            needs=_FEATURES[mode],
        )


_MEMATTRS: Final = (0x0, 0x3, 0x5, 0xA, 0xF)  # Device-nGnRnE and GRE, NC, WT, WB
_FWB_MEMATTRS: Final = (0x0, 0x5, 0x6, 0x7)
_S2_INSNS: Final = ("ldr-x", "str-x", "ldg", "stg")


def _stage2() -> Iterator[Case]:
    """Yield types of memory at stage 2, stage 1 off with HCR_EL2.DC, and faults of stage 2."""
    types = [Stage2(each) for each in _MEMATTRS]
    types += [Stage2(each, fwb=True) for each in _FWB_MEMATTRS]
    for place, insn, stage2 in product(_BELOW, _S2_INSNS, types):
        if stage2.attributes.is_device and insn == "stg":
            continue  # CONSTRAINED UNPREDICTABLE
        fwb = ".fwb" if stage2.fwb else ""
        yield Case(
            f"{place.value}.{insn}.s2-{stage2.memattr:x}{fwb}",
            *("mte.stage2", place, insn, _SYNC, _WRONG),
            stage2=stage2,
            needs=("FEAT_S2FWB",) if stage2.fwb else (),
        )
    for place, insn, dct, memattr in product(_BELOW, _S2_INSNS, (False, True), (0x5, 0xF)):
        yield Case(
            f"{place.value}.{insn}.dc.dct{int(dct)}.s2-{memattr:x}",
            *("mte.stage2", place, insn, _SYNC, _WRONG),
            memory=Memory.PHYSICAL,
            stage2=Stage2(memattr, dc=True, dct=dct),
        )
    for place, insn, what in product(_BELOW, TAG_ACCESSES, ("read-only", "unmapped")):
        yield Case(
            f"{place.value}.{insn}.s2-{what}",
            *("mte.fault", place, insn, _SYNC, _WRONG),
            stage2=Stage2(0xF, mapped=what != "unmapped", writable=False),
        )


_REGISTERS: Final = (
    Registers(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, 0, 0, 1),
    Registers(0x0F00_0000_0000_0010, 0x0000_0000_0000_0008, 0, 15, 0xFFFF),
    Registers(0xFAFF_FFFF_FFFF_FFF0, 0x0500_0000_0000_0000, 0x8421, 3, 0xACE1),
    Registers(0x0700_0000_0000_0000, 0x0080_0000_0000_0000, 0xFFFE, 9, 0x1234),
    Registers(0x0700_0000_0000_0000, 0x0000_0000_0000_FFFF, 0xFFFF, 9, 0x1234),
    Registers(0x0100_0000_0000_0000, 0x0000_0000_0000_7FFF, 0x0000, 5, 0x8001),
    Registers(0x0200_0000_0000_0000, 0x0000_0000_0000_00FF, 0xFF00, 2, 0x00FF),
    Registers(0x0000_0000_0000_0000, 0x0000_0000_0000_0001, 0x5555, 14, 0x0000),
)


def _generated(places: tuple[Place, ...]) -> Iterator[Case]:
    """Yield instructions that make tags of registers."""
    for place, insn, (gate, controls), (number, registers) in product(
        places, GENERATORS, _GATES.items(), enumerate(_REGISTERS)
    ):
        if gate != "none":
            yield Case(
                f"{place.value}.{insn}.{gate}.values{number}",
                *("mte.generate", place, insn, controls),
                registers=registers,
            )


def _all(*, vhe: bool) -> Iterator[Case]:
    every = places(vhe=vhe)
    yield from _modes(dict(ACCESSES), every, vhe=vhe)
    yield from _two_modes(every)
    yield from _gates(every, vhe=vhe)
    yield from _tag_accesses(every)
    yield from _faults(every)
    yield from _second_syndromes(every)
    yield from _crossing(every)
    yield from _stage2()
    yield from _generated(every)


@cache
def cases(*, vhe: bool) -> tuple[Case, ...]:
    """Return the cases of hosts with VHE, or of those without."""
    return tuple(
        replace(case, vhe=vhe)
        for case in _all(vhe=vhe)
        if not (case.place is Place.EL2 and _uses_sp(case.insn))
    )


def _uses_sp(insn: str) -> bool:
    return insn in INSTRUCTIONS and INSTRUCTIONS[insn].uses_sp
