# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of `tlb` as rows, and as tables in C for `arm/conform-tlb.c`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from kut_model.rows import Row
from kut_model.tables.arrays import (
    BRK,
    RET,
    NeedsTable,
    OutcomeTable,
    array,
    code,
    initialiser,
)
from kut_model.tlb.instructions import encode, instructions
from kut_model.tlb.layout import (
    ADDRESS_BITS,
    CODE_VA,
    IPA_BASE,
    NOTHING,
    VA_BASE,
    Fill,
    Layout,
    layout,
)
from kut_model.tlb.machine import NAMED_TABLES, PAGE_NAMES, Config, outcomes
from kut_model.tlb.steps import Both, Enter, Join, Loop, Maintain, Set, Step, Try
from kut_model.translation.codes import describe_all
from kut_model.translation.granules import Granule

_NO_OBJECT: Final = 0xFFFF
_OPS: Final = {"read": "PROBE_READ", "write": "PROBE_WRITE", "exec": "PROBE_EXECUTE"}
_KINDS: Final[dict[type[Step], str]] = {Both: "TLB_BOTH", Loop: "TLB_LOOP", Join: "TLB_JOIN"}
_GRANULES: Final = tuple(Granule)


@dataclass(frozen=True, slots=True)
class Program:
    """A row."""

    name: str
    rule: str
    steps: tuple[Step, ...]
    config: Config = field(default_factory=Config)
    matrix: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    """Features beside those of its instructions and registers."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Features without which it is skipped."""
        needs = [
            need for step in self.steps if isinstance(step, Maintain) for need in step.tlbi.needs
        ]
        if self.config.vs:
            needs.append("FEAT_VMID16")
        if self.config.granule is Granule.K16:
            needs.append("PARange_42")  # start level 1
        return tuple(dict.fromkeys([*self.extra, *needs]))

    @property
    def codes(self) -> list[tuple[int, ...]]:
        """Permitted outcomes of each step; raises ValueError with the name of a wrong program."""
        try:
            return outcomes(self.config, self.steps)
        except ValueError as e:
            raise ValueError(f"{self.name}: {e}") from e

    @property
    def expected(self) -> str:
        """What each access gives, in one line."""
        return "; then ".join(describe_all(each, PAGE_NAMES) for each in self.codes if each)


def rows(prefix: str, programs: Sequence[Program]) -> list[Row]:
    """Return the rows of an area."""
    return [
        Row(f"{prefix}.{each.name}", each.rule, each.expected, each.needs, matrix=each.matrix)
        for each in programs
    ]


def _fill(fill: Fill) -> str:
    target = _NO_OBJECT if fill.target == NOTHING else fill.target
    fields = (fill.stage, fill.table, fill.index, fill.count, target)
    return initialiser(*fields, f"UL({fill.bits:#x})")


def _layout(number: int, made: Layout) -> str:
    fills = len(list(made.base()))
    objects = (made.number("code"), made.number("tlbi"), made.table1("u", made.start))
    return initialiser(f"tlb_base_{number}", fills, made.granule.bits, made.start, *objects)


@dataclass(slots=True)
class _Tables:
    """What steps refer to by index."""

    fills: dict[Fill, int] = field(default_factory=dict)
    outcomes: OutcomeTable = field(default_factory=OutcomeTable)
    tlbis: tuple[str, ...] = field(default_factory=lambda: tuple(instructions()))

    def step(self, config: Config, step: Step, codes: tuple[int, ...], *, first: bool) -> str:
        """Return a `struct tlb_step`; `first`: the CPU enters its first context."""
        match step:
            case Set(fill):
                index = self.fills.setdefault(fill, len(self.fills))
                return initialiser("TLB_SET", f".index = {index}")
            case Enter(vmid, root, asid, context, cpu):
                here = layout(config.granule)
                kind = "TLB_BEGIN" if first else "TLB_ENTER"
                fields = {
                    "root": here.table2(root, here.start, 0),
                    "table": here.table1(context, here.start),
                    "vmid": vmid,
                    "asid": asid,
                }
                named = (f".{name} = {value}" for name, value in fields.items())
                return initialiser(kind, cpu, *named)
            case Maintain(tlbi, operand, el, cpu):
                value = f".value = UL({encode(tlbi, operand):#x})"
                return initialiser("TLB_MAINTAIN", cpu, el, 0, self.tlbis.index(tlbi.name), value)
            case Try(address, op, el, pan, cpu):
                value = f".value = UL({address:#x})"
                permitted = f".set = {self.outcomes.add(codes)}"
                return initialiser("TLB_TRY", cpu, el, int(pan), _OPS[op], value, permitted)
            case Both(address) | Loop(address) | Join(address):
                value = f".value = UL({address:#x})"
                every = [_KINDS[type(step)], 1, 1, 0, "PROBE_READ", value]
                every += [f".set = {self.outcomes.add(codes)}"] if codes else []
                return initialiser(*every)
        raise TypeError(step)

    def steps(self, program: Program) -> list[str]:
        """Return the initialisers of a program's steps."""
        entered = set[int]()
        found = list[str]()
        for step, codes in zip(program.steps, program.codes, strict=True):
            first = isinstance(step, Enter) and step.cpu not in entered
            if isinstance(step, Enter):
                entered.add(step.cpu)
            found.append(self.step(program.config, step, codes, first=first))
        return found


def header(prefix: str, programs: Sequence[Program], cpus: int) -> str:
    """Return the tables in C."""
    tables, needs = _Tables(), NeedsTable()
    steps, found = list[str](), list[str]()
    for program in programs:
        own = tables.steps(program)
        config = program.config
        fields = (f'"{program.name}"', len(steps), len(own), needs.add(program.needs))
        more = (_GRANULES.index(config.granule), int(config.vs), int(config.fb))
        found.append(initialiser(*fields, *more))
        steps += own
    opcodes = [each.opcode for each in instructions().values()]
    layouts = [layout(granule) for granule in _GRANULES]
    return "".join(
        [
            f'#define TLB_PREFIX "{prefix}"\n',
            f"#define TLB_CPUS {cpus}\n",
            f"#define TLB_ADDRESS_BITS {ADDRESS_BITS}\n",
            f"#define TLB_IPA_BASE UL({IPA_BASE:#x})\n",
            f"#define TLB_VA_BASE UL({VA_BASE:#x})\n",
            f"#define TLB_CODE_VA UL({CODE_VA:#x})\n",
            f"#define TLB_NAMED_TABLES {NAMED_TABLES}\n",
            code("TLB_CODE_EL1", ((each, BRK) for each in opcodes)),
            code("TLB_CODE_EL2", ((each, RET) for each in opcodes)),
            *(
                array("struct tlb_fill", f"tlb_base_{number}", map(_fill, each.base()))
                for number, each in enumerate(layouts)
            ),
            array(
                "struct tlb_layout",
                "tlb_layouts",
                (_layout(number, each) for number, each in enumerate(layouts)),
            ),
            array("struct tlb_fill", "tlb_fills", map(_fill, tables.fills)),
            tables.outcomes.declaration("tlb_outcomes"),
            needs.declaration("tlb_needs"),
            array("struct tlb_step", "tlb_steps", steps),
            array("struct tlb_row", "tlb_rows", found),
        ]
    )
