# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcomes as the numbers that images compare: the layout of `asm/translation-outcome.h`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from kut_model.translation.access import Access, Kind
from kut_model.translation.descriptors import AF, AP_READ_ONLY, S2AP_WRITE
from kut_model.translation.faults import STATUS_BASES, Fault, FaultType
from kut_model.translation.stage2 import Output
from kut_model.translation.syndromes import abort, par_of_fault
from kut_model.translation.translate import Machine, Outcome

_ISS = 0x3FFF
_EC_SHIFT = 14
_EL_SHIFT = 20
_PAGE_SHIFT = 22
_FAR = 1 << 25
_AT_EL2 = 3  # in place of the EL
_AT = _AT_EL2 << _EL_SHIFT
_OTHER = 1 << 30
_DIRTY_BIT = 1 << 31
_S2_AF, _S2_DIRTY, _S1_AF, _S1_DIRTY = (1 << bit for bit in range(26, 30))


@dataclass(frozen=True, slots=True)
class Scene:
    """A test's pages and descriptors: what an outcome may name."""

    pages: tuple[tuple[int, int], ...]  # IPA and PA, by number
    stage1: int = -1  # physical addresses of the descriptors that hardware may change
    stage2: int = -1
    others: bool = False  # whether changes of other descriptors count, too

    def page(self, address: int, *, ipa: bool) -> int:
        """Return 1 + the number of the page with this address; 0: none."""
        for number, (its_ipa, its_pa) in enumerate(self.pages, 1):
            if (its_ipa if ipa else its_pa) == address >> 12 << 12:
                return number
        return 0


def _changes(outcome: Outcome, machine: Machine, scene: Scene) -> int:
    """Return the bits of the descriptors that changed."""
    bits = 0
    for address, new in outcome.changes:
        flipped = new ^ machine.descriptors[address]
        if address == scene.stage2:
            bits |= _S2_AF if flipped & AF else 0
            bits |= _S2_DIRTY if flipped & S2AP_WRITE else 0
        elif address == scene.stage1:
            bits |= _S1_AF if flipped & AF else 0
            bits |= _S1_DIRTY if flipped & AP_READ_ONLY else 0
        elif scene.others:
            bits |= _OTHER
    return bits


def code_of_abort(fault: Fault, access: Access, scene: Scene) -> int:
    """Return the code of an abort of an access by EL1 or EL0 itself."""
    taken = abort(fault, access, access.el)
    code = taken.iss & _ISS | taken.ec << _EC_SHIFT | taken.target_el << _EL_SHIFT | _FAR
    if fault.dirty:
        code |= _DIRTY_BIT
    if taken.hpfar is not None:
        code |= scene.page(taken.hpfar << 8, ipa=True) << _PAGE_SHIFT
    return code


def code_of_page(number: int) -> int:
    """Return the code of a read of page `number`, from 1."""
    return number << _PAGE_SHIFT


def code_of_access(outcome: Outcome, access: Access, machine: Machine, scene: Scene) -> int:
    """Return the code of an access."""
    code = _changes(outcome, machine, scene)
    result = outcome.result
    if isinstance(result, Fault):
        return code | code_of_abort(result, access, scene)
    if isinstance(result, Output) and access.kind is Kind.DATA and access.read and access.aligned:
        reads = not access.write
        return code | (scene.page(result.address, ipa=False) << _PAGE_SHIFT if reads else 0)
    return code


def codes_of_access(
    outcomes: Iterable[Outcome], access: Access, machine: Machine, scene: Scene
) -> tuple[int, ...]:
    """Return the codes of alternatives of an access, sorted."""
    return tuple(sorted({code_of_access(each, access, machine, scene) for each in outcomes}))


def code_of_at(outcome: Outcome, machine: Machine, scene: Scene, *, is_ipa: bool) -> int:
    """Return the code of an AT instruction at EL2; `is_ipa`: of one of stage 1 only."""
    code = _AT | _changes(outcome, machine, scene)
    if isinstance(outcome.result, Fault):
        code |= _DIRTY_BIT if outcome.result.dirty else 0
        return code | par_of_fault(outcome.result) & 0x37F
    assert outcome.result is not None  # noqa: S101 - AT always translates
    return code | scene.page(outcome.result.address, ipa=is_ipa) << _PAGE_SHIFT


def codes_of_at(
    outcomes: Iterable[Outcome], machine: Machine, scene: Scene, *, is_ipa: bool
) -> tuple[int, ...]:
    """Return the codes of alternatives of an AT instruction at EL2, sorted."""
    return tuple(sorted({code_of_at(each, machine, scene, is_ipa=is_ipa) for each in outcomes}))


def codes_of_at_el1(
    outcomes: Iterable[Outcome], access: Access, machine: Machine, scene: Scene
) -> tuple[int, ...]:
    """Return the codes of alternatives of AT S1E1R or S1E1W at EL1, sorted.

    A fault of stage 2 on the walk is an abort taken to EL2.
    """

    def code(outcome: Outcome) -> int:
        if isinstance(outcome.result, Fault) and outcome.result.on_walk:
            return code_of_access(outcome, access, machine, scene)
        return code_of_at(outcome, machine, scene, is_ipa=True)

    return tuple(sorted({code(each) for each in outcomes}))


@dataclass(frozen=True, slots=True)
class Abort:
    """An abort of an access by EL1 or EL0."""

    el: int  # that takes it
    status: int  # fault status code
    on_walk: bool  # S1PTW
    maintenance: bool  # CM
    has_hpfar: bool  # HPFAR_EL2 is compared


def abort_of(code: int) -> Abort | None:
    """Return the abort that a code has, None if it has none or is of AT at EL2."""
    el = code >> _EL_SHIFT & 3
    if el in {0, _AT_EL2}:
        return None
    return Abort(el, code & 0x3F, bool(code & 1 << 7), bool(code & 1 << 8), bool(_number(code)))


def _number(code: int) -> int:
    """Return 1 + the number of the page that a code has; 0: none."""
    return code >> _PAGE_SHIFT & 7


def _page(code: int, pages: Sequence[str]) -> str:
    """Return the name of the page that a code has; "" without one."""
    number = _number(code)
    return pages[number - 1] if number else ""


def _status(status: int) -> str:
    """Return a fault status code decoded."""
    if status == Fault(FaultType.ALIGNMENT, 1).status:
        return "alignment fault"
    if status == Fault(FaultType.EXTERNAL, 1).status:
        return FaultType.EXTERNAL.value
    for kind in (FaultType.TRANSLATION, FaultType.ADDRESS_SIZE):
        if status == Fault(kind, 2, -1).status:
            return f"{kind.value} fault, level -1"
    kind = next(kind for kind, base in STATUS_BASES.items() if base == status & 0x3C)
    if kind is FaultType.EXTERNAL_ON_WALK:
        return f"{kind.value}, level {status & 3}"
    return f"{kind.value} fault, level {status & 3}"


def _describe_abort(code: int, pages: Sequence[str]) -> str:
    ec, iss = code >> _EC_SHIFT & 0x3F, code & _ISS
    kind = "instruction abort" if ec & 0x3E == 0x20 else "data abort"  # noqa: PLR2004
    bits = ((7, "S1PTW"), (8, "CM"), (6, "WnR"))
    decoded = ", ".join([_status(iss & 0x3F), *(name for bit, name in bits if iss >> bit & 1)])
    page = _page(code, pages)
    where = f", HPFAR_EL2 of {page}" if page else ""
    return f"{kind} to EL{code >> _EL_SHIFT & 3}, EC {ec:#x}, ISS {iss:#x} ({decoded}){where}"


def describe(code: int, pages: Sequence[str]) -> str:
    """Return a code decoded; `pages`: names of the scene's pages."""
    page = _page(code, pages)
    el = code >> _EL_SHIFT & 3
    if el == _AT_EL2 and code & 1:
        status = code >> 1 & 0x3F
        text = f"PAR_EL1 F=1 FST={status:#x} ({_status(status)})"
        text += f" PTW={code >> 8 & 1} S={code >> 9 & 1}"
    elif el == _AT_EL2:
        text = f"PAR_EL1 with the address of {page or 'another page'}"
    elif el:
        text = _describe_abort(code, pages)
    else:
        text = f"the value of {page}" if page else "no exception"
    changes = {
        _DIRTY_BIT: "DirtyBit",
        _S2_AF: "stage-2 access flag set",
        _S2_DIRTY: "stage-2 page dirty",
        _S1_AF: "stage-1 access flag set",
        _S1_DIRTY: "stage-1 page dirty",
        _OTHER: "another descriptor changed",
    }
    return ", ".join([text, *(name for bit, name in changes.items() if code & bit)])


@cache
def describe_all(codes: tuple[int, ...], pages: tuple[str, ...]) -> str:
    """Return the permitted outcomes in one line."""
    return ", or ".join(describe(code, pages) for code in codes)
