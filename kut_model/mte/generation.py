# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions that make tags, or compute with tagged addresses, in registers (DDI 0487, C6.2)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from kut_model.mte.tags import choose, random_offset, tag_of, with_tag

_MASK: Final = (1 << 64) - 1
_EXCLUDE: Final = 0xFFFF
_SEED_SHIFT: Final = 8
_SUBTRACTED: Final = 56
_STEP: Final = 16
_TAG_OFFSET: Final = 3


@dataclass(frozen=True, slots=True)
class Registers:
    """Registers that an instruction reads."""

    x1: int
    x2: int = 0
    exclude: int = 0
    """GCR_EL1.Exclude; RRND is 0."""
    tag: int = 0
    seed: int = 0
    """RGSR_EL1.TAG, and SEED[15:0]."""

    @property
    def rgsr(self) -> int:
        """RGSR_EL1."""
        return self.seed << _SEED_SHIFT | self.tag


#: x0 and RGSR_EL1 afterwards; the second argument is whether tags are accessible.
Generate = Callable[[Registers, bool], tuple[int, int]]


def _insert_random(registers: Registers, access: bool, exclude: int) -> tuple[int, int]:  # noqa: FBT001
    if not access:
        return with_tag(registers.x1, 0), registers.rgsr
    offset, seed = random_offset(registers.seed)
    tag = choose(registers.tag, offset, exclude)
    return with_tag(registers.x1, tag), replace(registers, tag=tag, seed=seed).rgsr


def _irg(registers: Registers, access: bool) -> tuple[int, int]:  # noqa: FBT001
    """IRG X0, X1."""
    return _insert_random(registers, access, registers.exclude)


def _irg_excluding(registers: Registers, access: bool) -> tuple[int, int]:  # noqa: FBT001
    """IRG X0, X1, X2."""
    return _insert_random(registers, access, registers.exclude | registers.x2 & _EXCLUDE)


def _add(step: int, tag_offset: int) -> Generate:
    """ADDG and SUBG X0, X1, #16, #3, and ADDG X0, X1, #0, #0."""

    def add(registers: Registers, access: bool) -> tuple[int, int]:  # noqa: FBT001
        tag = choose(tag_of(registers.x1), tag_offset, registers.exclude) if access else 0
        return with_tag(registers.x1 + step & _MASK, tag), registers.rgsr

    return add


def _insert_mask(registers: Registers, _access: bool) -> tuple[int, int]:  # noqa: FBT001
    """GMI X0, X1, X2: whatever the controls."""
    return registers.x2 | 1 << tag_of(registers.x1), registers.rgsr


def _subtract(registers: Registers, _access: bool) -> tuple[int, int]:  # noqa: FBT001
    """SUBP X0, X1, X2: the low 56 bits, signed."""

    def signed(value: int) -> int:
        value &= (1 << _SUBTRACTED) - 1
        return value - (value >> _SUBTRACTED - 1 << _SUBTRACTED)

    return signed(registers.x1) - signed(registers.x2) & _MASK, registers.rgsr


@dataclass(frozen=True, slots=True)
class Generator:
    """An instruction."""

    code: tuple[int, ...]
    generate: Generate


GENERATORS: Final = {
    "irg": Generator((0x9ADF1020,), _irg),
    "irg-excluding": Generator((0x9AC21020,), _irg_excluding),
    "addg": Generator((0x91810C20,), _add(_STEP, _TAG_OFFSET)),
    "addg-0": Generator((0x91800020,), _add(0, 0)),
    "subg": Generator((0xD1810C20,), _add(-_STEP, _TAG_OFFSET)),
    "gmi": Generator((0x9AC21420,), _insert_mask),
    "subp": Generator((0x9AC20020,), _subtract),
}
