# SPDX-License-Identifier: GPL-2.0-or-later
"""What a case sets: tables in memory, the address of the access, and registers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from kut_model.fuzz import layout
from kut_model.fuzz.fields import GRANULES, LEVELS, Case, CaseError
from kut_model.fuzz.layout import Allocator, Stage2Tables, Words, low_bits
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.geometry import START_LEVELS, max_t0sz
from kut_model.translation.granules import DESCRIPTOR_BITS, LAST_LEVEL, Granule
from kut_model.translation.processor import Processor
from kut_model.translation.stage1 import start_level

_PAGE_BITS: Final = 12
#: T0SZ at least (AArch64.S1MinTxSZ).
_LEAST_T0SZ: Final = 16
_WIDE_T0SZ: Final = 12  # with DS
_TOP: Final = 1 << 55  # selects TTBR1_EL1


@dataclass(frozen=True, slots=True)
class Setup:
    """Memory and addresses of a case, and the controls for the model."""

    words: Words
    va: int  # with its tag
    stage1: Stage1Control
    stage2: Stage2Control
    pages: tuple[tuple[int, int], ...]  # IPA and PA of those that outcomes name
    page_names: tuple[str, ...]
    stage1_leaf: int  # addresses of the descriptors of the output; -1: none
    stage2_leaf: int


@dataclass(slots=True)
class _Pages:
    """Pages of a case, mapped at stage 2 where it is on."""

    values: Mapping[str, int]
    words: Words
    tables: Stage2Tables | None
    found: list[tuple[int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def place(self, page: str, pa: int, offset: int, fixed_bits: int) -> tuple[int, int]:
        """Map the page at `pa` + `offset`; return the IPA of `pa`, and the descriptor's address."""
        ipa, leaf = pa, -1
        if self.tables:
            level = self.values[f"s2.{page}.leaf"]
            fixed_bits = max(fixed_bits, self.tables.granule.leaf_bits(level))
            pattern = self.values["s2.ipa"]
            ipa = layout.page_ipa(page, pattern, self.tables.ipa_bits, fixed_bits, pa)
            flips = {each: self.values[f"s2.{page}.d{each}"] for each in LEVELS}
            leaf = self.tables.map(ipa + offset, pa + offset, level, flips)
            if layout.has_reserved_type(self.words[leaf], fwb=self.values["fwb"]):
                raise CaseError(f"s2.{page}: MemAttr is reserved with HCR_EL2.FWB")
        name = "the output page" if page == "out" else f"the level-{page[1:]} table of stage 1"
        self._add(ipa + offset, pa + offset, name)
        return ipa, leaf

    def _add(self, ipa: int, pa: int, name: str) -> None:
        named = ipa >> _PAGE_BITS << _PAGE_BITS, pa >> _PAGE_BITS << _PAGE_BITS
        if named[0] in {each for each, _ in self.found}:
            raise CaseError("two pages have one IPA")
        self.found.append(named)
        self.names.append(name)


def build(case: Case) -> Setup:
    """Return what a case sets; raises CaseError."""
    values = case.values
    words, memory = Words(), Allocator()
    stage1, stage2 = _stage1_control(values), _stage2_control(values)
    tables = _stage2_tables(values, stage2, words, memory) if stage2.enabled else None
    pages = _Pages(values, words, tables)
    out, stage2_leaf = pages.place("out", layout.OUT, 0, _PAGE_BITS)
    va, root, stage1_leaf = out, layout.OUT, -1
    if stage1.enabled:
        va, root, stage1_leaf = _build_stage1(pages, stage1, memory, out)
    for each in (layout.CODE, layout.UPPER):
        if tables:
            tables.map(each, each, LAST_LEVEL, {})
    words.put(*layout.upper_table(ds=values["s1.ds"]))
    root2 = tables.root if tables else layout.OUT
    return Setup(
        words=words,
        va=va | values["tag"] << 56,
        stage1=replace(stage1, root=root ^ values["s1.ttbr"]),
        stage2=replace(stage2, root=root2 ^ values["s2.vttbr"]),
        pages=tuple(pages.found),
        page_names=tuple(pages.names),
        stage1_leaf=stage1_leaf,
        stage2_leaf=stage2_leaf,
    )


def _build_stage1(
    pages: _Pages, control: Stage1Control, memory: Allocator, out: int
) -> tuple[int, int, int]:
    """Build stage 1; return the VA, the root's IPA and the address of the leaf."""
    values, granule, leaf = pages.values, control.granule, pages.values["s1.leaf"]
    input_bits = 64 - control.t0sz
    start = start_level(granule, control.t0sz)
    if not start <= leaf:
        raise CaseError("the leaf of stage 1 is above the start level")
    bits = granule.leaf_bits(leaf)
    pattern = low_bits(values["s1.va"], input_bits) >> bits << bits
    va = pattern | low_bits(out, bits)
    tables = []
    for level in range(start, leaf + 1):
        pa = memory.take(granule.bits)
        index = va >> granule.leaf_bits(level)
        if level > start:
            index = low_bits(index, granule.stride)
        offset = index << DESCRIPTOR_BITS
        tables.append((pages.place(f"t{level}", pa, offset, granule.bits)[0], pa + offset))
    leaf_bits = layout.stage1_leaf(ds=int(control.ds)) | layout.kind_bits(leaf)
    for n, level in enumerate(range(start, leaf + 1)):
        is_leaf = level == leaf
        address, rest = (out >> bits << bits, leaf_bits) if is_leaf else (tables[n + 1][0], 3)
        value = layout.encode(address, granule, ds=control.ds, ips=control.ips) | rest
        pages.words.put(tables[n][1], value ^ values[f"s1.d{level}"])
    high = values["s1.high"] >> input_bits << input_bits & (_TOP - 1)
    return va ^ high, tables[0][0], tables[-1][1]


def _stage1_control(values: Mapping[str, int]) -> Stage1Control:
    granule, t0sz = GRANULES[values["s1.tg"]], values["s1.t0sz"]
    ds = bool(values["s1.ds"]) and granule is not Granule.K64
    _check_t0sz("s1", t0sz, granule, ds=ds)
    names = ("tbi", "epd", "e0pd", "hpd", "ha", "hd", "wxn", "epan", "a", "c", "i")
    flags = {name: bool(values[f"s1.{name}"]) for name in names}
    return Stage1Control(
        enabled=bool(values["s1"]) and not values["dc"],
        granule=granule,
        t0sz=t0sz,
        ds=ds,
        ips=values["s1.ips"],
        mair=values["s1.mair"],
        pan=bool(values["pan"]),
        dc=bool(values["dc"]),
        **flags,
    )


def _stage2_control(values: Mapping[str, int]) -> Stage2Control:
    granule, start = GRANULES[values["s2.tg"]], values["s2.start"]
    codes = [code for code, level in START_LEVELS[granule].items() if level == start]
    if not codes:
        raise CaseError(f"no s2.start={start} with s2.tg={values['s2.tg']}")
    flags = {name: bool(values[name]) for name in ("ptw", "fwb", "cd", "id")}
    return Stage2Control(
        granule=granule,
        t0sz=values["s2.t0sz"],
        sl0=codes[0] & 3,
        sl2=codes[0] >> 2,
        ds=values["s2.ds"],
        ps=values["s2.ps"],
        ha=bool(values["s2.ha"]),
        hd=bool(values["s2.hd"]),
        sh=values["s2.sh"],
        enabled=bool(values["s2"] or values["dc"]),
        **flags,
    )


def _stage2_tables(
    values: Mapping[str, int], control: Stage2Control, words: Words, memory: Allocator
) -> Stage2Tables:
    granule, t0sz = control.granule, control.t0sz
    ds = bool(control.ds) and granule is not Granule.K64
    _check_t0sz("s2", t0sz, granule, ds=ds)
    leaf = layout.stage2_leaf(ds=int(ds), fwb=values["fwb"])
    return Stage2Tables(granule, values["s2.start"], 64 - t0sz, leaf, words, memory)


def _check_t0sz(stage: str, t0sz: int, granule: Granule, *, ds: bool) -> None:
    """Raise CaseError for a T0SZ that no processor has."""
    least = _WIDE_T0SZ if ds else _LEAST_T0SZ
    if not least <= t0sz <= max_t0sz(granule, Processor()):
        raise CaseError(f"{stage}.t0sz={t0sz} is out of range")
