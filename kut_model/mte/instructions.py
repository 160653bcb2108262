# SPDX-License-Identifier: GPL-2.0-or-later
"""Loads, stores and tag instructions, and their effects on a block of memory with tags.

Registers: x0 is what is loaded or stored, x1 the address, x2 another value, 0. Instructions: DDI
0487, C6.2; those with SP as base are after a MOV from x1.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from kut_model.mte.tags import GRANULE, tag_of, with_tag

_WORD: Final = 8
_NIBBLE: Final = 4
#: Words of memory before a row, and x0.
PATTERN: Final = 0x1111_1111_1111_1111
VALUE: Final = 0x3A2B_4C6D_7E8F_9A1B
#: Granules of which tags are compared, and their words.
GRANULES: Final = 16
_MOV_SP: Final = 0x9100003F
_ZVA: Final = ("DC_ZVA_64",)


@dataclass(frozen=True, slots=True)
class State:
    """x0, tags of granules (4 bits each), and words that differ from PATTERN (1 bit each)."""

    x0: int
    tags: int
    changed: int = 0

    def tag(self, offset: int) -> int:
        """Return the tag of the granule with this byte."""
        return self.tags >> offset // GRANULE * _NIBBLE & 0xF

    def with_tags(self, offset: int, size: int, tag: int) -> "State":
        """Return it with all granules of a range tagged."""
        tags = self.tags
        for granule in range(offset // GRANULE, min((offset + size) // GRANULE, GRANULES)):
            tags = tags & ~(0xF << granule * _NIBBLE) | tag << granule * _NIBBLE
        return replace(self, tags=tags)

    def with_change(self, offset: int, size: int) -> "State":
        """Return it with all words changed that have a byte of a range."""
        last = min((offset + size - 1) // _WORD, GRANULES * GRANULE // _WORD - 1)
        words = range(offset // _WORD, last + 1)
        return replace(self, changed=self.changed | sum(1 << word for word in words))


@dataclass(frozen=True, slots=True)
class Access:
    """An access to the block."""

    offset: int
    """Of its first byte."""
    pointer_tag: int
    tags: bool
    """Whether allocation tags are accessible, and the memory is tagged."""


Effect = Callable[["Insn", State, Access], State]


def _load(insn: "Insn", state: State, _: Access) -> State:
    """Return it with x0 loaded."""
    return replace(state, x0=PATTERN & (1 << 8 * min(insn.size, _WORD)) - 1)


def _store(insn: "Insn", state: State, access: Access) -> State:
    """Return it with memory changed."""
    return state.with_change(access.offset, insn.size)


def _exchange(insn: "Insn", state: State, access: Access) -> State:
    """Return it after LDADD or SWP: x0 is loaded, memory is changed."""
    return _store(insn, _load(insn, state, access), access)


def _nothing(_insn: "Insn", state: State, _access: Access) -> State:
    """Return it as it is."""
    return state


def _load_tag(_: "Insn", state: State, access: Access) -> State:
    """LDG: AArch64.MemTag[], read."""
    tag = state.tag(access.offset) if access.tags else 0
    return replace(state, x0=with_tag(state.x0, tag))


def _store_tag(insn: "Insn", state: State, access: Access) -> State:
    """STG, ST2G: AArch64.MemTag[], write."""
    if not access.tags:
        return state
    return state.with_tags(access.offset, insn.size, tag_of(state.x0))


def _store_tag_zero(insn: "Insn", state: State, access: Access) -> State:
    """STZG, STZ2G."""
    return _store(insn, _store_tag(insn, state, access), access)


def _store_pointer_tag(insn: "Insn", state: State, access: Access) -> State:
    """DC GVA: the tag is that of the address."""
    return state.with_tags(access.offset, insn.size, access.pointer_tag) if access.tags else state


def _store_pointer_tag_data(insn: "Insn", state: State, access: Access) -> State:
    """STGP, DC GZVA."""
    return _store(insn, _store_pointer_tag(insn, state, access), access)


def _load_tags(_: "Insn", state: State, access: Access) -> State:
    """LDGM of all granules."""
    return replace(state, x0=state.tags if access.tags else 0)


def _store_tags(_: "Insn", state: State, access: Access) -> State:
    """STGM of all granules."""
    return replace(state, tags=state.x0) if access.tags else state


def _store_tags_zero(insn: "Insn", state: State, access: Access) -> State:
    """STZGM: the tag is in the low bits of x0."""
    tagged = state.with_tags(access.offset, insn.size, state.x0 & 0xF) if access.tags else state
    return _store(insn, tagged, access)


@dataclass(frozen=True, slots=True)
class Insn:
    """A load, store or tag instruction."""

    code: tuple[int, ...]
    size: int = _WORD
    effect: Effect = _load
    read: bool = True
    write: bool = False
    checked: bool = True
    """Whether its tag is checked at all."""
    unprivileged: bool = False
    """Whether it is an access of EL0 at EL1, and at EL2 of a host."""
    offset: int = 0
    """Of the access from x1."""
    block: bool = False
    """Whether the access is that of the aligned block of `size` bytes."""
    aligned: bool = False
    """Whether a misaligned address is an alignment fault in any memory."""
    multiple: bool = False
    """Whether it is LDGM, STGM or STZGM: UNDEFINED at EL0, and the address it aligns is in FAR."""
    needs: tuple[str, ...] = ()

    @property
    def uses_sp(self) -> bool:
        """Whether SP is its base: not for EL2, which has its stack there."""
        return self.code[0] == _MOV_SP

    @property
    def accesses_tags(self) -> bool:
        """Whether it is a tag instruction."""
        return self.effect not in {_load, _store, _exchange, _nothing}


def _read(*code: int, size: int = _WORD, **others: object) -> Insn:
    return Insn(code, size, _load, **others)  # type: ignore[arg-type]


def _write(*code: int, size: int = _WORD, **others: object) -> Insn:
    return Insn(code, size, _store, read=False, write=True, **others)  # type: ignore[arg-type]


def _both(*code: int, effect: Effect = _exchange, **others: object) -> Insn:
    needs = ("FEAT_LSE",)
    return Insn(code, effect=effect, write=True, needs=needs, **others)  # type: ignore[arg-type]


def _hint(*code: int) -> Insn:
    """Return one that changes nothing, and whose tag is not checked."""
    return Insn(code, _WORD, _nothing, checked=False)


def _tag_read(*code: int, effect: Effect, **others: object) -> Insn:
    return Insn(code, GRANULE, effect, checked=False, block=True, **others)  # type: ignore[arg-type]


def _tag_write(*code: int, effect: Effect, size: int = GRANULE, **others: object) -> Insn:
    writes = {"read": False, "write": True, "checked": False}
    return Insn(code, size, effect, **writes, **others)  # type: ignore[arg-type]


#: Those that are no tag instructions.
ACCESSES: Final = {
    "ldr-x": _read(0xF9400020),
    "ldrb": _read(0x39400020, size=1),
    "ldp-x": _read(0xA9400820, size=16),
    "ldnp-x": _read(0xA8400820, size=16),
    "ldr-q": Insn((0x3DC00020,), 16, _nothing),
    "ld1": Insn((0x4C407020,), 16, _nothing),
    "ldar-x": _read(0xC8DFFC20),
    "ldapr-x": _read(0xF8BFC020, needs=("FEAT_LRCPC",)),
    "ldxr-x": _read(0xC85F7C20),
    "ldxp-x": _read(0xC87F0820, size=16),
    "ldtr-x": _read(0xF8400820, unprivileged=True),
    "ldr-post": _read(0xF8410420),
    "ldr-reg": _read(0xF8626820),
    "str-x": _write(0xF9000020),
    "strb": _write(0x39000020, size=1),
    "stp-x": _write(0xA9000820, size=16),
    "stnp-x": _write(0xA8000820, size=16),
    "str-q": _write(0x3D800020, size=16),
    "st1": _write(0x4C007020, size=16),
    "stlr-x": _write(0xC89FFC20),
    "sttr-x": _write(0xF8000820, unprivileged=True),
    "ldadd-x": _both(0xF8200020),
    "swp-x": _both(0xF8208020),
    "stadd-x": _both(0xF820003F, effect=_store),
    "cas-x": _both(0xC8A07C22, effect=_load),  # another value is in memory
    "casp-x": replace(_both(0x48227C24, effect=_nothing), size=16),  # of x2 and x3
    "prfm": _hint(0xF9800020),
    "dc-zva": _write(0xD50B7421, size=64, block=True, needs=_ZVA),
    "dc-civac": _hint(0xD50B7E21),
    "dc-cvac": _hint(0xD50B7A21),
    "dc-cgvac": _hint(0xD50B7A61),
    "dc-cigvac": _hint(0xD50B7E61),
    "ic-ivau": _hint(0xD50B7521),
    "ldr-sp": _read(_MOV_SP, 0xF94003E0, checked=False),
    "ldr-sp-post": _read(_MOV_SP, 0xF84107E0),
    "ldr-sp-pre": _read(_MOV_SP, 0xF8408FE0, offset=8),
    "ldr-sp-reg": _read(_MOV_SP, 0xF8626BE0),
    "ldp-sp": _read(_MOV_SP, 0xA9400BE0, size=16, checked=False),
    "ldxr-sp": _read(_MOV_SP, 0xC85F7FE0, checked=False),
    "str-sp": _write(_MOV_SP, 0xF90003E0, checked=False),
    "str-sp-pre": _write(_MOV_SP, 0xF81F0FE0, offset=-16),
    "ldadd-sp": _both(_MOV_SP, 0xF82003E0, checked=False),
}

#: Tag instructions.
TAG_ACCESSES: Final = {
    "ldg": _tag_read(0xD9600020, effect=_load_tag),
    "stg": _tag_write(0xD9200820, effect=_store_tag, aligned=True),
    "stzg": _tag_write(0xD9600820, effect=_store_tag_zero, aligned=True),
    "st2g": _tag_write(0xD9A00820, effect=_store_tag, size=32, aligned=True),
    "stz2g": _tag_write(0xD9E00820, effect=_store_tag_zero, size=32, aligned=True),
    "stgp": _tag_write(0x69000820, effect=_store_pointer_tag_data, aligned=True),
    "ldgm": replace(
        _tag_read(0xD9E00020, effect=_load_tags, multiple=True, needs=("LDGM_256",)), size=256
    ),
    "stgm": _tag_write(
        0xD9A00020,
        effect=_store_tags,
        size=256,
        block=True,
        multiple=True,
        needs=("LDGM_256",),
    ),
    "stzgm": _tag_write(
        0xD9200020, effect=_store_tags_zero, size=64, block=True, multiple=True, needs=_ZVA
    ),
    "dc-gva": _tag_write(0xD50B7461, effect=_store_pointer_tag, size=64, block=True, needs=_ZVA),
    "dc-gzva": _tag_write(
        0xD50B7481, effect=_store_pointer_tag_data, size=64, block=True, needs=_ZVA
    ),
}

INSTRUCTIONS: Final = ACCESSES | TAG_ACCESSES
