# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs that run a program, and the outcomes that its accesses may have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import accumulate, product
from typing import Final

from kut_model.tlb.entries import Entry, drops
from kut_model.tlb.layout import NEW, NOTHING, OLD, VA_BASE, Fill, layout
from kut_model.tlb.steps import Both, Enter, Join, Maintain, Set, Step, Try
from kut_model.tlb.walks import Walker
from kut_model.translation.access import OPERATIONS
from kut_model.translation.codes import Scene, code_of_abort, code_of_page
from kut_model.translation.faults import Fault
from kut_model.translation.granules import Granule

#: Objects whose IPA an outcome names beside the page of each region: tables of stage 1.
NAMED_TABLES: Final = 5
PAGE_NAMES: Final = (
    "the page of OLD",
    "the page of NEW",
    *(f"table {number} of stage 1" for number in range(NAMED_TABLES)),
)


class ConflictError(ValueError):
    """A program makes an access while a TLB may hold two entries that contradict each other."""


@dataclass(frozen=True, slots=True)
class Config:
    """Registers that do not change while a program runs."""

    granule: Granule = Granule.K4
    vs: bool = False  # VTCR_EL2.VS: VMIDs of 16 bits
    fb: bool = False  # HCR_EL2.FB
    cpus: int = 1

    def vmid(self, vmid: int) -> int:
        """Return the VMID that counts: without VS the upper 8 bits are ignored."""
        return vmid if self.vs else vmid & 0xFF


@dataclass(frozen=True, slots=True)
class _Cpu:
    """A CPU: its context, None before the first one, and what its TLB may hold."""

    context: Enter | None = None
    tlb: frozenset[Entry] = frozenset()
    conflicts: tuple[tuple[Entry, Entry], ...] = ()

    @property
    def current(self) -> Enter:
        """The context."""
        if not self.context:
            raise ValueError("a CPU enters a context before it maintains a TLB or makes an access")
        return self.context


_Memory = Mapping[tuple[int, int], Fill]


@dataclass(frozen=True, slots=True)
class _State:
    """CPUs, and the descriptors that are not those of the base."""

    cpus: tuple[_Cpu, ...]
    memory: _Memory


def outcomes(config: Config, steps: Sequence[Step]) -> list[tuple[int, ...]]:
    """Return the permitted outcomes of each step as codes: none but for accesses.

    Raises ConflictError for a program that breaks break-before-make.
    """
    reads = (each for each in steps if isinstance(each, Try | Both | Join))
    addresses = tuple(dict.fromkeys(each.address for each in reads))
    programs = accumulate((step,) for step in steps)
    return [_run(config, addresses, program)[1] for program in programs]


@cache
def _run(
    config: Config, addresses: tuple[int, ...], program: tuple[Step, ...]
) -> tuple[_State, tuple[int, ...]]:
    """Return the state after a program, and the outcomes of its last step."""
    if not program:
        return _State((_Cpu(),) * config.cpus, {}), ()
    *before, step = program
    state = _run(config, addresses, tuple(before))[0]
    if isinstance(step, Try):
        return state, _outcomes(config, state, step)
    if isinstance(step, Join):
        return state, _outcomes(config, state, Try(step.address, cpu=1))
    if isinstance(step, Both):
        return state, _outcomes_of_both(config, state, step)
    if isinstance(step, Set):
        state = replace(state, memory={**state.memory, **dict(_entries(step.fill))})
    elif isinstance(step, Enter):
        entered = replace(step, vmid=config.vmid(step.vmid))
        cpus = list(state.cpus)
        cpus[step.cpu] = replace(cpus[step.cpu], context=entered)
        state = replace(state, cpus=tuple(cpus))
    elif isinstance(step, Maintain):
        state = replace(state, cpus=tuple(_maintain(config, state, step)))
    return _speculate(config, addresses, state), ()


@cache
def _base(granule: Granule) -> _Memory:
    """Return the descriptors that programs begin with."""
    return dict(each for fill in layout(granule).base() for each in _entries(fill))


def _entries(fill: Fill) -> Iterable[tuple[tuple[int, int], Fill]]:
    """Yield the descriptors of a fill, one by one, by table and index."""
    for n in range(fill.count):
        target = fill.target + n if fill.target != NOTHING else NOTHING
        key = (fill.table, fill.index + n)
        yield key, Fill(fill.stage, *key, fill.bits, target)


def _maintain(config: Config, state: _State, step: Maintain) -> Iterable[_Cpu]:
    """Yield the CPUs without what a TLBI has to drop: of one, or of a shareability domain."""
    vmid = state.cpus[step.cpu].current.vmid
    broadcast = bool(step.tlbi.domain) or (config.fb and step.el == 1)
    for number, cpu in enumerate(state.cpus):
        if not broadcast and number != step.cpu:
            yield cpu
            continue
        kept = frozenset(
            entry
            for entry in cpu.tlb
            if not drops(step.tlbi, step.operand, vmid, entry, config.granule)
        )
        conflicts = tuple(pair for pair in cpu.conflicts if kept.issuperset(pair))
        yield replace(cpu, tlb=kept, conflicts=conflicts)


def _walker(config: Config, state: _State, cpu: _Cpu, learnt: set[Entry]) -> Walker:
    base = _base(config.granule)
    memory = state.memory
    return Walker(
        layout(config.granule),
        lambda table, index: memory.get((table, index)) or base.get((table, index)),
        cpu.current,
        cpu.tlb,
        learnt.add,
    )


def _speculate(config: Config, addresses: tuple[int, ...], state: _State) -> _State:
    """Add to each TLB all that the tables give now, by any walk of its context."""
    cpus = list[_Cpu]()
    for before in state.cpus:
        cpu = before
        while cpu.context:
            learnt: set[Entry] = set()
            walker = _walker(config, state, cpu, learnt)
            for address in addresses:
                walker.translate(address, "read")
            if learnt <= cpu.tlb:
                break
            held = cpu.tlb | learnt
            found = [pair for pair in product(held, learnt - cpu.tlb) if _conflict(*pair)]
            cpu = replace(cpu, tlb=held, conflicts=(*cpu.conflicts, *found))
        cpus.append(cpu)
    return replace(state, cpus=tuple(cpus))


def _outcomes(config: Config, state: _State, step: Try) -> tuple[int, ...]:
    cpu = state.cpus[step.cpu]
    if cpu.conflicts:
        raise ConflictError(" and ".join(map(str, cpu.conflicts[0])))
    walker = _walker(config, state, cpu, set())
    found = walker.translate(step.address, step.op)
    return tuple(sorted({_code(config, step, each) for each in found}))


def _outcomes_of_both(config: Config, state: _State, step: Both) -> tuple[int, ...]:
    """Return the outcomes of either CPU: they are the same."""
    one, other = (_outcomes(config, state, Try(step.address, cpu=cpu)) for cpu in (0, 1))
    if one != other:
        raise ValueError("CPUs that make an access at once have the same entries")
    return one


def _code(config: Config, step: Try, result: int | Fault) -> int:
    if isinstance(result, Fault):
        access = replace(OPERATIONS[step.op], el=step.el)
        return code_of_abort(result, access, _scene(config, step.address))
    number = result >> config.granule.bits
    return code_of_page(1 + (number >= NEW)) if step.op == "read" else 0


def _scene(config: Config, address: int) -> Scene:
    """Return the pages that an outcome names: of both regions for this address, tables."""
    offset = address - VA_BASE >> 12 << 12
    here = layout(config.granule)
    regions = [here.ipa(region) + offset for region in (OLD, NEW)]
    tables = [here.ipa(number) for number in range(NAMED_TABLES)]
    return Scene(tuple((ipa, -1) for ipa in (*regions, *tables)))


def _conflict(old: Entry, new: Entry) -> bool:
    """Return whether two entries may match one address and differ in more than permissions."""
    if old.stage != new.stage or old.vmid != new.vmid:
        return False
    if not (old.asid == new.asid or None in {old.asid, new.asid}):
        return False
    if not (old.covers(new.first) or new.covers(old.first)):
        return False
    if not old.leaf and not new.leaf:
        return old.level == new.level and old.target != new.target
    if old.leaf != new.leaf:
        table, leaf = (new, old) if old.leaf else (old, new)
        return leaf.level <= table.level
    return (old.level, old.level2, old.bits, old.target) != (
        *(new.level, new.level2, new.bits, new.target),
    )
