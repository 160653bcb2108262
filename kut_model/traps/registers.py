# SPDX-License-Identifier: GPL-2.0-or-later
"""System registers and system instructions: encodings, who may access them, what traps them.

The facts are lines of text (`facts_*.py`), a register or an array of registers each:

    NAME  op0:op1:CRn:CRm:op2  EL1  EL0  FEATURES  RULES...

- `{0-15}` in a name is an index n; `+n` adds it to CRm, or to op2, where it carries into CRm.
- EL1, EL0: `r`, `w`, `rw`; `x` an instruction; `i` IMPLEMENTATION DEFINED; `nv`, `nvr` both or
  reads, with nested virtualization alone; `-` none.
- FEATURES without which the encoding is UNDEFINED, `-` for none (tables/sysreg_needs.py).
- RULES, `NAME`, `NAME:ARGUMENT` and the like, in the order of their priority (conditions.py).

Source: DDI 0487, D24.2 to D24.11, the accessibility of each register, and C5.3 to C5.5.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from kut_model.bits import placed
from kut_model.traps import facts_debug, facts_el1, facts_el2, facts_gic_timer, facts_sys

_TABLES: Final = (facts_el1, facts_debug, facts_gic_timer, facts_el2, facts_sys)
_INDEX: Final = re.compile(r"\{(\d+)-(\d+)\}")


@dataclass(frozen=True, slots=True)
class Register:
    """A system register, or a system instruction."""

    name: str
    """Assembler's name, with _ for the space of an instruction: "DC_ZVA"."""
    op0: int
    op1: int
    crn: int
    crm: int
    op2: int
    el1: str
    el0: str
    features: tuple[str, ...]
    rules: tuple[str, ...]
    index: int = 0
    """n of an array."""

    @property
    def is_instruction(self) -> bool:
        """Whether it is an instruction of the SYS kind."""
        return self.op0 == 1

    @property
    def is_identification(self) -> bool:
        """Whether it lies in the space that FEAT_IDST is about (D24.3.2)."""
        return self.op0 == 3 and self.op1 in {0, 1, 3} and self.crn == 0 and self.crm < 8  # noqa: PLR2004

    @property
    def encoding(self) -> tuple[int, int, int, int, int]:
        """op0, op1, CRn, CRm and op2."""
        return self.op0, self.op1, self.crn, self.crm, self.op2

    def iss(self, *, write: bool) -> int:
        """Return the ISS of a trapped access with EC 0x18 and Rt 0 (D24.2, ESR_EL2)."""
        fields = ((self.op0, 20, 2), (self.op2, 17, 3), (self.op1, 14, 3), (self.crn, 10, 4))
        return (
            sum(placed(*field) for field in fields)
            | placed(self.crm, 1, 4)
            | placed(int(not write), 0, 1)
        )

    def opcode(self, *, write: bool) -> int:
        """Return the instruction, with Rt 0: MRS, MSR or SYS (C6.2)."""
        fields = ((self.op0, 19, 2), (self.op1, 16, 3), (self.crn, 12, 4), (self.crm, 8, 4))
        base = 0xD5000000 | placed(int(not write), 21, 1) | placed(self.op2, 5, 3)
        return base | sum(placed(*field) for field in fields)


@cache
def registers() -> tuple[Register, ...]:
    """Return all of them, in the order of the tables."""
    return tuple(register for table in _TABLES for register in parse(table.TABLE))


@cache
def by_name() -> dict[str, Register]:
    """Return all of them by name; names are unique."""
    return {register.name: register for register in registers()}


def parse(table: str) -> Iterator[Register]:
    """Yield the registers of a table; raises ValueError with the line that is wrong."""
    for line in table.splitlines():
        if not line or line.startswith("#"):
            continue
        try:
            yield from _line(line)
        except ValueError as e:
            raise ValueError(f"{line}: {e}") from e


def _line(line: str) -> Iterator[Register]:
    name, encoding, el1, el0, features, *rules = line.split()
    index = _INDEX.search(name)
    for n in range(int(index[1]), int(index[2]) + 1) if index else [0]:
        yield Register(
            _INDEX.sub(str(n), name),
            *_encoding(encoding, n),
            el1.strip("-"),
            el0.strip("-"),
            () if features == "-" else tuple(features.split(",")),
            tuple(rule.replace("{n}", str(n)) for rule in rules if rule != "-"),
            n,
        )


def _encoding(text: str, n: int) -> tuple[int, int, int, int, int]:
    """Return the five numbers; op2 + n carries into CRm."""
    op0, op1, crn, crm, op2 = (_number(part, n) for part in text.split(":"))
    return op0, op1, crn, crm + op2 // 8, op2 % 8


def _number(text: str, n: int) -> int:
    return int(text.removesuffix("+n")) + (n if text.endswith("+n") else 0)
