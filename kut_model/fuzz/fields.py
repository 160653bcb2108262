# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields of a case: names, defaults and values, and their text, as in "op=write s2.out.d3=0x80"."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kut_model.translation.access import OPERATIONS
from kut_model.translation.granules import Granule

#: AT instructions at EL2, as in `enum probe_at` of the image.
AT_AT_EL2: Final = tuple(
    f"at-{stages}e{el}{letter}" for stages in ("s12", "s1") for el in (1, 0) for letter in "rw"
)
#: AT instructions at EL1.
AT_AT_EL1: Final = ("at-s1e1r.el1", "at-s1e1w.el1")
OPS: Final = (
    *(name for name in OPERATIONS if not name.startswith("at-")),
    *AT_AT_EL2,
    *AT_AT_EL1,
)
LEVELS: Final = (-1, 0, 1, 2, 3)
#: Granules by their size in KiB.
GRANULES: Final = {1 << granule.bits - 10: granule for granule in Granule}
#: Pages of stage 2: those of the stage-1 descriptors by their level, and the output.
PAGES: Final = (*(f"t{level}" for level in LEVELS), "out")
_BIT: Final = (0, 1)
_MOST: Final = (1 << 64) - 1
_ANY: Final = range(_MOST + 1)


class CaseError(Exception):
    """A case that cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a case."""

    default: int
    values: Sequence[int] = _ANY
    names: tuple[str, ...] = ()
    """Names of the values, if they are no numbers."""

    def text(self, value: int) -> str:
        """Return a value as text."""
        if self.names:
            return self.names[value]
        return hex(value) if self.values == _ANY else str(value)

    def parse(self, text: str) -> int:
        """Return the value of a text; raises ValueError."""
        value = self.names.index(text) if self.names else int(text, 0)
        if value not in self.values:
            raise ValueError(text)
        return value

    @property
    def expected(self) -> str:
        """Describe the values."""
        if self.names:
            return f"one of {', '.join(self.names)}"
        if isinstance(self.values, tuple):
            return f"one of {', '.join(map(str, self.values))}"
        return f"a number from {self.values[0]} to {self.values[-1]:#x}"


_FLAG: Final = Field(0, _BIT)
_ON: Final = Field(1, _BIT)
_MASK: Final = Field(0)


def _fields() -> Iterator[tuple[str, Field]]:
    yield "op", Field(0, range(len(OPS)), OPS)
    yield "el", _ON
    yield "pan", _FLAG  # PSTATE
    yield "tag", Field(0, range(256))  # bits 63:56 of the address
    yield "s1", _ON  # SCTLR_EL1.M
    yield "s1.tg", Field(4, tuple(GRANULES))  # KiB
    yield "s1.t0sz", Field(25, range(12, 49))
    yield "s1.ips", Field(2, range(7))
    for name in ("ds", "tbi", "epd", "e0pd", "hpd", "ha", "hd", "wxn", "epan", "a"):
        yield f"s1.{name}", _FLAG
    yield "s1.c", _ON
    yield "s1.i", _ON
    yield "s1.mair", Field(_MOST)
    yield "s1.ttbr", _MASK  # flips bits of TTBR0_EL1
    yield "s1.va", _MASK  # pattern of the address above the leaf
    yield "s1.high", _MASK  # flips bits of the address above the input size
    yield "s1.leaf", Field(3, LEVELS)
    for level in LEVELS:
        yield f"s1.d{level}", _MASK  # flips bits of the descriptor of this level
    yield "s2", _ON  # HCR_EL2.VM
    yield "s2.tg", Field(4, tuple(GRANULES))
    yield "s2.t0sz", Field(25, range(12, 49))
    yield "s2.start", Field(1, LEVELS)
    yield "s2.ps", Field(2, range(7))
    yield "s2.sh", Field(3, range(4))
    for name in ("ds", "ha", "hd"):
        yield f"s2.{name}", _FLAG
    yield "s2.vttbr", _MASK
    yield "s2.ipa", _MASK  # pattern of the pages' IPAs
    for name in ("dc", "ptw", "fwb", "cd", "id"):  # HCR_EL2
        yield name, _FLAG
    for page in PAGES:
        yield f"s2.{page}.leaf", Field(3, LEVELS)
        for level in LEVELS:
            yield f"s2.{page}.d{level}", _MASK


FIELDS: Final[Mapping[str, Field]] = dict(_fields())


@dataclass(frozen=True, slots=True)
class Case:
    """A case: the fields that differ from their defaults, in the order of FIELDS."""

    fields: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(values: Mapping[str, int]) -> "Case":
        """Return the case with these values."""
        return Case(
            tuple(
                (name, values[name])
                for name, field in FIELDS.items()
                if values.get(name, field.default) != field.default
            )
        )

    @staticmethod
    def parse(text: str) -> "Case":
        """Return the case of a text; raises CaseError."""
        values = dict[str, int]()
        for word in text.split():
            name, _, value = word.partition("=")
            field = FIELDS.get(name)
            if not field:
                known = "op, el, s1.t0sz, s1.d3, s2.tg, s2.out.d3 and the like"
                raise CaseError(f"unknown field {name!r}; a case has {known}: docs/conformance.md")
            try:
                values[name] = field.parse(value)
            except ValueError:
                raise CaseError(f"{name}={value}: expected {field.expected}") from None
        return Case.of(values)

    @property
    def values(self) -> dict[str, int]:
        """All fields."""
        return {name: field.default for name, field in FIELDS.items()} | dict(self.fields)

    @property
    def op(self) -> str:
        """The access or AT instruction."""
        return OPS[dict(self.fields).get("op", 0)]

    def __str__(self) -> str:
        """Return the text, with the operation always."""
        words = [f"op={self.op}"]
        words += [f"{name}={FIELDS[name].text(n)}" for name, n in self.fields if name != "op"]
        return " ".join(words)
