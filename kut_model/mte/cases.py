# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of allocation tags: an instruction at an EL, controls, memory, and the result."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from kut_model.mte.generation import GENERATORS, Registers
from kut_model.mte.instructions import GRANULES, INSTRUCTIONS, VALUE, Access, Insn, State
from kut_model.mte.tags import GRANULE, TAG_SHIFT, Controls, is_recorded, is_synchronous
from kut_model.translation import attributes
from kut_model.translation.choices import Choices
from kut_model.translation.processor import Processor
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.places import EL2, Place

_WNR: Final = 1 << 6
_TRANSLATION, _PERMISSION = 0b000111, 0b001111  # of level 3
_TAG_CHECK, _ALIGNMENT = 0b010001, 0b100001
_TAGGED_MAIR: Final = 0xF0
_HIGH: Final = (1 << 64) - (1 << 55)

#: Tags of the block: all the same, or another one for the granule that follows OFFSET's.
TAG, OTHER_TAG = 5, 6
_ONES: Final = sum(1 << 4 * granule for granule in range(GRANULES))
UNIFORM: Final = TAG * _ONES
#: Offset of the address in the block.
OFFSET: Final = 32
MIXED: Final = UNIFORM ^ (TAG ^ OTHER_TAG) << 4 * (OFFSET // GRANULE + 1)


class Memory(Enum):
    """The page of the block at stage 1; PHYSICAL: stage 1 is off."""

    TAGGED = "tagged"
    UNTAGGED = "untagged"
    READ_ONLY = "read-only"
    UNMAPPED = "unmapped"
    PHYSICAL = "physical"


@dataclass(frozen=True, slots=True)
class Stage2:
    """Stage 2 of the page: its leaf, and HCR_EL2."""

    memattr: int
    fwb: bool = False
    mapped: bool = True
    writable: bool = True
    dc: bool = False
    dct: bool = False

    @property
    def attributes(self) -> attributes.Attributes:
        """Return the combined attributes of the page, whose stage 1 is tagged, or off with DC."""
        sh = attributes.Shareability.ISH
        if self.dc:
            stage1 = attributes.stage1_disabled(fetch=False, icache=True, dc=True, dct=self.dct)
        else:
            stage1 = attributes.decode_stage1(_TAGGED_MAIR, sh)
        processor = Processor()
        if self.fwb:
            return attributes.force(stage1, self.memattr, sh, fnxs=False, processor=processor)
        stage2 = attributes.decode_stage2(self.memattr, sh, fnxs=False, choices=Choices(()))
        return attributes.combine(stage1, stage2, processor)


@dataclass(frozen=True, slots=True)
class Result:
    """What the instruction does."""

    taken: Taken | None
    far: tuple[int, ...]
    """Offsets of the addresses that FAR_ELx may have."""
    tfsr: dict[int, int]
    """TFSRE0_EL1, TFSR_EL1 and TFSR_EL2, by EL: those that are not 0."""
    state: State
    rgsr: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """A row."""

    name: str
    rule: str
    place: Place
    insn: str
    """Key of INSTRUCTIONS or GENERATORS."""
    controls: Controls = field(default_factory=Controls)
    tag: int = TAG
    """Of the pointer."""
    high: bool = False
    """Whether the address is translated by TTBR1_ELx."""
    memory: Memory = Memory.TAGGED
    stage2: Stage2 | None = None
    offset: int = OFFSET
    before: int = UNIFORM
    alignment_check: bool = False
    """SCTLR_ELx.A."""
    registers: Registers | None = None
    """Of GENERATORS."""
    iss2: bool = False
    """Whether ESR_ELx[63:32] is compared: a row of its own, as all others would fail with it."""
    vhe: bool = True
    needs: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name, with "granules" where tags of granules differ, before or after."""
        tags = {self.before, *(() if self.registers else (self.result.state.tags,))}
        differ = any(each != (each & 0xF) * _ONES for each in tags)
        return f"{self.name}.granules" if differ else self.name

    @property
    def host(self) -> bool:
        """Whether HCR_EL2.{E2H, TGE} is {1, 1}."""
        return self.place.is_host(vhe=self.vhe)

    @property
    def address(self) -> int:
        """Bits of the address that its checks look at."""
        return (_HIGH if self.high else 0) & ~(0xF << TAG_SHIFT) | self.tag << TAG_SHIFT

    def access_el(self, insn: Insn) -> int:
        """Return the EL of an access (AArch64.IsUnprivAccessPriv)."""
        if insn.unprivileged and (self.place is Place.EL1 or self.host):
            return 0
        return self.place.el

    @property
    def is_tagged(self) -> bool:
        """Whether memory is tagged."""
        if self.stage2 and self.stage2.mapped:
            return self.stage2.attributes.tagged
        return self.memory is not Memory.UNTAGGED

    @property
    def result(self) -> Result:
        """What the instruction does."""
        if self.registers:
            return _generated(self, self.registers)
        return _accessed(self, INSTRUCTIONS[self.insn])


def _generated(case: Case, registers: Registers) -> Result:
    access = case.controls.enables_access(case.place.el, host=case.host)
    x0, rgsr = GENERATORS[case.insn].generate(registers, access)
    return Result(None, (), {}, State(x0, case.before), rgsr)


def _exception(case: Case, iss: int, el: int) -> Taken:
    same = ExceptionClass.DATA_ABORT_SAME_EL
    ec = same if el == case.place.el else ExceptionClass.DATA_ABORT_LOWER_EL
    return Taken(el, ec, iss, after=False)


def _target(case: Case) -> int:
    return EL2 if case.place is Place.HOST_EL0 else max(case.place.el, 1)


def _fault(case: Case, insn: Insn, offset: int) -> Taken | None:
    """Return the fault that comes before a tag check: alignment, stage 1, stage 2."""
    write = insn.write and not insn.read
    stage2, own = case.stage2, _target(case)
    misaligned = (insn.aligned and offset % GRANULE) or (
        case.alignment_check and offset % insn.size
    )
    faults = (
        (misaligned, _ALIGNMENT, write, own),
        (case.memory is Memory.UNMAPPED, _TRANSLATION, write, own),
        (case.memory is Memory.READ_ONLY and insn.write, _PERMISSION, True, own),
        (stage2 and not stage2.mapped, _TRANSLATION, write, EL2),
        (stage2 and not stage2.writable and insn.write, _PERMISSION, True, EL2),
    )
    for applies, status, wnr, el in faults:
        if applies:
            return _exception(case, status | (_WNR if wnr else 0), el)
    return None


def _mismatches(case: Case, insn: Insn, state: State, offset: int) -> list[int]:
    """Return the first bytes of an access in each granule whose tag differs."""
    first = offset // GRANULE * GRANULE
    granules = range(first, min(offset + insn.size, GRANULES * GRANULE), GRANULE)
    return [max(each, offset) for each in granules if state.tag(each) != case.tag]


def _accessed(case: Case, insn: Insn) -> Result:
    state = State(VALUE, case.before)
    offset = case.offset + insn.offset
    start = offset // insn.size * insn.size if insn.block else offset
    if insn.multiple and case.place.el == 0:
        el = _target(case)
        taken = Taken(el, ExceptionClass.UNKNOWN, 0, after=False)
        return Result(taken, (), {}, state)
    before = _fault(case, insn, offset)
    if before:
        return Result(before, (start if insn.multiple else offset,), {}, state)
    el = case.access_el(insn)
    tfsr: dict[int, int] = {}
    checks = case.controls.checks(case.address, el, host=case.host)
    wrong = _mismatches(case, insn, state, start)
    if insn.checked and checks and case.is_tagged and wrong:
        mode = case.controls.mode(el)
        if is_synchronous(mode, read=insn.read):
            wnr = 0 if insn.read else _WNR
            taken = _exception(case, _TAG_CHECK | wnr, _target(case))
            return Result(taken, tuple(dict.fromkeys((offset, wrong[0]))), {}, state)
        if is_recorded(mode, read=insn.read):
            tfsr = {el: 1 << case.high}
    tags = case.controls.enables_access(case.place.el, host=case.host) and case.is_tagged
    return Result(None, (), tfsr, insn.effect(insn, state, Access(start, case.tag, tags)))
