# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables in C: arrays, initialisers, instructions, and sets that rows refer to by index."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

#: BRK #0, after an instruction that is not to be executed.
BRK: Final = 0xD4200000
#: RET, after an instruction at EL2, and SVC #0 or HVC #0, after one of a lower EL.
RET: Final = 0xD65F03C0
SVC: Final = 0xD4000001
HVC: Final = 0xD4000002


def initialiser(*fields: object) -> str:
    """Return the initialiser of a struct or array: "{ A, B }"."""
    return f"{{ {', '.join(map(str, fields))} }}"


def designated(fields: Mapping[str, object]) -> str:
    """Return the initialiser of a struct by the names of its members: "{ .a = A, .b = B }"."""
    return initialiser(*(f".{name} = {value}" for name, value in fields.items()))


def sparse(fields: Mapping[str, object]) -> str:
    """Return designated() without the members that are 0."""
    return designated({name: value for name, value in fields.items() if value not in {0, "0x0"}})


def array(kind: str, name: str, elements: Iterable[str], length: str = "[]") -> str:
    """Return an array of `kind`, each element on a line of its own."""
    lines = "".join(f"\t{element},\n" for element in elements)
    return f"static const {kind} {name}{length} = {{\n{lines}}};\n"


def names(variable: str, values: Iterable[str]) -> str:
    """Return an array of strings: the parts of ids."""
    quoted = initialiser(*(f'"{value}"' for value in values))
    return f"static const char *const {variable}[] = {quoted};\n"


def code(macro: str, sequences: Iterable[tuple[int, ...]]) -> str:
    """Return a macro with the assembly of sequences: an instruction, and what is after it."""
    lines = "".join(f'\t".inst {", ".join(map(hex, each))}\\n" \\\n' for each in sequences)
    return f'#define {macro} \\\n{lines}\t""\n'


@dataclass(slots=True)
class OutcomeTable:
    """Sets of outcomes, each written once."""

    numbers: list[int] = field(default_factory=list)
    _sets: dict[tuple[int, ...], int] = field(default_factory=dict)

    def first(self, codes: tuple[int, ...]) -> int:
        """Return the index of the first outcome of a set."""
        if codes not in self._sets:
            self._sets[codes] = len(self.numbers)
            self.numbers += codes
        return self._sets[codes]

    def add(self, codes: tuple[int, ...]) -> str:
        """Return the initialiser of a `struct translation_set`."""
        return initialiser(self.first(codes), len(codes))

    def declaration(self, name: str) -> str:
        """Return the array."""
        values = initialiser(*map(hex, self.numbers))
        return f"static const u32 {name}[] = {values};\n"


@dataclass(slots=True)
class NeedsTable:
    """Sets of features, each written once."""

    _sets: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, needs: tuple[str, ...]) -> int:
        """Return the index of a set of features."""
        return self._sets.setdefault(needs, len(self._sets))

    def declaration(self, name: str) -> str:
        """Return the array: lists that NULL ends."""
        longest = max(map(len, self._sets)) + 1
        lists = (
            initialiser(*(f"&conform_features[CONFORM_{need}]" for need in needs), "NULL")
            for needs in self._sets
        )
        return array("struct conform_feature *const", name, lists, f"[][{longest}]")
