# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases: most of a case is legal, and a few things in it are wrong or unusual."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from kut_model.fuzz.fields import (
    AT_AT_EL1,
    AT_AT_EL2,
    FIELDS,
    GRANULES,
    LEVELS,
    OPS,
    PAGES,
    Case,
    CaseError,
)
from kut_model.fuzz.judge import Judged, judge
from kut_model.translation.geometry import START_LEVELS
from kut_model.translation.granules import LAST_LEVEL, Granule
from kut_model.translation.processor import PA_BITS
from kut_model.translation.stage1 import start_level

#: Accesses, by how often they are drawn.
_WEIGHTS: Final = {"read": 6, "write": 6, "exec": 5, "atomic": 3}
_DATA: Final = ("read", "write", "read-unaligned", "write-unaligned", "atomic", "dc-zva")
#: Attr fields of MAIR_EL1, of all kinds of memory; none needs a feature.
_MAIR: Final = (0xFF, 0xFF, 0xFF, 0xFF, 0x44, 0xBB, 0xF4, 0x4F, 0x77, 0x00, 0x04, 0x08, 0x0C)
_IGNORED: Final = (*range(55, 64),)  # of leaves: software, PBHA, and RES0
_LEAF_1: Final = (2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 10, 10, 11, 50, 51, 51, 53, 54, *_IGNORED)
_LEAF_2: Final = (2, 3, 4, 5, 6, 6, 7, 7, 8, 9, 10, 10, 11, 51, 51, 53, 54, *_IGNORED)
_TABLE_1: Final = (*range(2, 8), *range(52, 59), 59, 60, 61, 62, 59, 60, 61, 62, 63)
_TABLE_2: Final = (*range(2, 8), *range(52, 64))
_ADDRESS: Final = tuple(range(32, 48))
_WIDE_ADDRESS: Final = (48, 49, 8, 9)  # where DS has bits 51:48
_SH: Final = (8, 9)
_XNX: Final = 53  # of stage 2


class _Draw:
    """Draws the fields of one case; a plain one needs few features, so that any CPU runs it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.values: dict[str, int] = {}
        self.is_plain = self.chance(25)

    def chance(self, percent: int) -> bool:
        """Return whether something happens."""
        return self.random.randrange(100) < percent

    def flags(self, names: Sequence[str], percent: int) -> None:
        """Set each of the fields, or clear it if it is set by default, now and then."""
        for name in names:
            if self.chance(percent):
                self.values[name] = 1 - FIELDS[name].default

    def flip(self, name: str, bits: Sequence[int], most: int) -> None:
        """Flip up to `most` of the bits in a mask."""
        for _ in range(self.random.randint(1, most)):
            self.values[name] = self.values.get(name, 0) ^ 1 << self.random.choice(bits)

    def operation(self) -> None:
        """Draw the access."""
        weights = [_WEIGHTS.get(op, 1) for op in OPS]
        (number,) = self.random.choices(range(len(OPS)), weights)
        op = OPS[number]
        self.values["op"] = number
        if op not in {"dc-ivac", *AT_AT_EL1, *AT_AT_EL2}:
            self.values["el"] = self.random.randrange(2)
        if op in _DATA and self.chance(10):
            self.values["tag"] = self.random.randrange(256)
        if op in _DATA and self.values["el"] and self.chance(15):
            self.values["pan"] = 1

    def stages(self) -> None:
        """Draw which stages are on."""
        kind = self.random.randrange(100)
        if kind < 12:  # noqa: PLR2004 - percent
            self.values["s2"] = 0
        elif kind < 20:  # noqa: PLR2004
            self.values["s1"] = 0
        elif kind < 28:  # noqa: PLR2004
            self.values |= {"dc": 1, "s2": self.random.randrange(2)}

    def geometry(self, stage: str) -> tuple[int, int]:
        """Draw granule, format and sizes of a stage; return start level and input size."""
        random, values = self.random, self.values
        size = random.choice((4, 4, 16, 64))
        granule = GRANULES[size]
        ds = int(granule is not Granule.K64 and not self.is_plain and self.chance(15))
        limit = 52 if ds else 48
        starts = [level for level in START_LEVELS[granule].values() if ds or level >= 0]
        start = random.choice(starts)
        most = granule.stride + (4 if stage == "s2" else 0)
        low = max(granule.leaf_bits(start) + 1, 31)
        high = min(granule.leaf_bits(start) + most, limit)
        if low > high:
            return self.geometry(stage)
        bits = random.randint(low, high)
        values |= {f"{stage}.tg": size, f"{stage}.t0sz": 64 - bits}
        if ds:
            values[f"{stage}.ds"] = 1
        if stage == "s2":
            values["s2.start"] = start
        self.output_size(stage, wide=bool(ds) or granule is Granule.K64)
        return start, bits

    def output_size(self, stage: str, *, wide: bool) -> None:
        """Draw IPS or PS: mostly enough for all IPAs."""
        ipa_bits = 64 - self.values["s2.t0sz"]
        sizes = [n for n, size in enumerate(PA_BITS) if wide or size <= 48]  # noqa: PLR2004
        if not self.chance(10):
            sizes = [n for n in sizes if PA_BITS[n] >= ipa_bits] or sizes
        self.values["s1.ips" if stage == "s1" else "s2.ps"] = self.random.choice(sizes)

    def descriptors(
        self, prefix: str, start: int, leaf: Sequence[int], table: Sequence[int]
    ) -> None:
        """Draw the level of a leaf, and changes of the descriptors on the way to it."""
        random = self.random
        level = random.randint(max(start, 0), LAST_LEVEL) if self.chance(30) else LAST_LEVEL
        level = max(level, start)
        stage = prefix[:2]
        ds = self.values.get(f"{stage}.ds", 0)
        self.values[f"{prefix}.leaf"] = level
        if self.chance(70 if prefix in {"s1", "s2.out"} else 25):
            bits = [bit for bit in leaf if not (ds and bit in _SH)]
            if self.is_plain and stage == "s2":
                bits = [bit for bit in bits if bit != _XNX]
            self.flip(f"{prefix}.d{level}", bits, 4)
        for each in range(start, level):
            if self.chance(15):
                self.flip(f"{prefix}.d{each}", table, 3)
        if self.chance(12):
            wrong = (0, 1, *_ADDRESS, *(_WIDE_ADDRESS if ds else ()))
            self.flip(f"{prefix}.d{random.randint(start, level)}", wrong, 1)

    def stage1(self) -> None:
        """Draw registers and tables of stage 1."""
        random, values = self.random, self.values
        start, bits = self.geometry("s1")
        self.flags(("s1.tbi", "s1.wxn"), 20)
        self.flags(("s1.epd", "s1.a", "s1.c", "s1.i"), 4)
        if not self.is_plain:
            self.flags(("s1.ha", "s1.hd"), 35)
            self.flags(("s1.hpd", "s1.epan"), 20)
            self.flags(("s1.e0pd",), 4)
        values["s1.mair"] = int.from_bytes(random.choice(_MAIR) for _ in range(8))
        values["s1.va"] = random.getrandbits(64)
        if self.chance(4):
            values["s1.high"] = 1 << random.randint(bits, 54)
        if self.chance(2):
            values["s1.ttbr"] = 1 << random.randint(32, 47)
        self.descriptors("s1", start, _LEAF_1, _TABLE_1)

    def stage2(self) -> None:
        """Draw registers and tables of stage 2."""
        random, values = self.random, self.values
        start, _ = self.geometry("s2")
        self.flags(("ptw",), 20)
        self.flags(("cd", "id"), 8)
        if not self.is_plain:
            self.flags(("s2.ha", "s2.hd"), 35)
            self.flags(("fwb",), 20)
        values["s2.sh"] = random.choice((0, 2, 3))
        values["s2.ipa"] = random.getrandbits(64)
        if OPS[values["op"]] in AT_AT_EL2 and self.chance(5):  # no code could be fetched
            values["s2.vttbr"] = 1 << random.randint(32, 47)
        for page in PAGES:
            self.descriptors(f"s2.{page}", start, _LEAF_2, _TABLE_2)

    def case(self) -> Case:
        """Draw a case."""
        self.operation()
        self.stages()
        self.stage2()
        self.stage1()
        return Case.of(_relevant(self.values))


def _relevant(values: dict[str, int]) -> dict[str, int]:
    """Leave out fields of a stage that is off, and of pages that the case does not have."""
    has_stage1 = values.get("s1", 1) and not values.get("dc")
    has_stage2 = values.get("s2", 1) or values.get("dc")
    found = dict(values)
    if not has_stage1:
        kept = {"s1", "s1.c", "s1.i", "s1.a", "s1.tbi"}
        found = {name: n for name, n in found.items() if name[:2] != "s1" or name in kept}
    if not has_stage2:
        found = {name: n for name, n in found.items() if name[:3] != "s2."}
        for name in ("ptw", "fwb", "cd", "id"):
            found.pop(name, None)
    has = _tables_of(found) if has_stage1 else set[str]()
    gone = {f"s2.t{level}" for level in LEVELS if f"t{level}" not in has}
    return {name: n for name, n in found.items() if name.rpartition(".")[0] not in gone}


def _tables_of(values: dict[str, int]) -> set[str]:
    """Return the tables of stage 1."""
    start = start_level(GRANULES[values["s1.tg"]], values["s1.t0sz"])
    return {f"t{level}" for level in range(start, values["s1.leaf"] + 1)}


def draw(count: int, seed: int) -> Iterator[Judged]:
    """Yield `count` cases that can run; equal seeds give equal cases, of which each has its own."""
    for number in range(count):
        random = Random(f"{seed}.{number}")  # noqa: S311 - reproducible, no secret
        while True:
            try:
                yield judge(_Draw(random).case())
                break
            except CaseError:
                continue
