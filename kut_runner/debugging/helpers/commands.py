# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands `kut ...` inside a debugger; an adapter prints the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kut_runner.debugging.helpers.machine import (
    CommandError,
    Memory,
    Record,
    UnreadableError,
    is_in_guest,
)
from kut_runner.debugging.helpers.stage2 import Tree, tree_lines, walk_lines
from kut_runner.diagnose import syndrome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kut_runner.debugging.helpers.machine import Debugger

_GUEST, _TREE = "guest", "s2_mmu"
_X_IN_A_LINE = 4
_X = 31
#: Of the guest's system registers those that say where it stands, by the member of struct guest.
_SHOWN = (
    ("sctlr_el1", "tcr_el1", "ttbr0_el1", "ttbr1_el1"),
    ("mair_el1", "vbar_el1", "sp_el1", "sp_el0"),
    ("elr_el1", "spsr_el1", "esr_el1", "far_el1"),
    ("hcr_el2", "vtcr_el2", "vttbr_el2", "cptr_el2"),
)
_XNX = 0xF << 28


class Command(NamedTuple):
    """One of `kut ...`."""

    run: Callable[[Debugger, str], Iterator[str]]
    """Takes the words behind the command's name; yields lines, and may raise Complaint."""
    usage: str
    about: str


def guest(debugger: Debugger, words: str) -> Iterator[str]:
    """Yield a guest in words: `words` is an expression, or empty for the one at hand."""
    memory = Memory(debugger)
    record = Record(debugger, memory, _GUEST, _guest_of(debugger, words))
    yield f"struct guest at {record.address:#x}"
    if memory.is_in_guest and record.address == debugger.register("SP_EL2"):
        yield "it runs: the debugger's registers are its own, these are of the last exit"
    yield from _exit_lines(debugger, record)
    registers = record.all("x")
    for first in range(0, _X, _X_IN_A_LINE):
        few = enumerate(registers[first : first + _X_IN_A_LINE], first)
        yield " ".join(f"{f'x{number}':>5} {value:016x}" for number, value in few)
    yield from _system_lines(debugger, record)
    yield from _life_lines(debugger, record, memory)


def stage2(debugger: Debugger, words: str) -> Iterator[str]:
    """Yield a stage-2 tree, or the walk for an IPA, in words.

    `words` names a guest or a tree by an expression, "cpu" for what is in the CPU's registers, or
    nothing for what is at hand; behind it an IPA may stand.
    """
    memory = Memory(debugger)
    expression, ipa = _split(debugger, words)
    tree = _tree_of(debugger, memory, expression)
    is_memory = _memory_test(debugger, memory)
    if ipa is None:
        return tree_lines(tree, memory.read, is_memory)
    return walk_lines(tree, memory.read, is_memory, ipa)


def exits(debugger: Debugger, words: str) -> Iterator[str]:
    """Yield how often a guest has left, where guest_count_exits() counts it."""
    memory = Memory(debugger)
    record = Record(debugger, memory, _GUEST, _guest_of(debugger, words))
    if not record["statistics"]:
        raise CommandError("its exits are not counted: call guest_count_exits() before guest_run()")
    counts = Record(debugger, memory, "guest_statistics", record["statistics"])
    names = debugger.enumerators("vector")
    for vector, count in enumerate(counts.all("vectors")):
        if count:
            yield f"{count:8} {names.get(vector, f'vector {vector}')}"
    for kind, count in enumerate(counts.all("classes")):
        if count:
            yield f"{count:8} {syndrome.esr_class_name(kind << 26)}"


def esr(debugger: Debugger, words: str) -> Iterator[str]:
    """Yield a syndrome in words: of an expression, or ESR_EL2 as it is."""
    value = debugger.evaluate(words).number if words else debugger.register("ESR_EL2")
    if value is None:
        raise CommandError("which one? `kut esr VALUE`")
    yield f"{value:#x}: {syndrome.describe_esr(value)}"


def summary(debugger: Debugger, address: int) -> str:
    """Return a guest in one line, for the debugger's own `print`."""
    record = Record(debugger, Memory(debugger), _GUEST, address)
    place = _place(debugger, record["elr_el2"])
    state = syndrome.describe_spsr(record["spsr_el2"])
    words = syndrome.esr_summary(record["esr_el2"])
    return f"{{guest at {place}, {state}; last exit {words}}}"


COMMANDS = {
    "guest": Command(guest, "[EXPRESSION]", "struct guest: the last exit, its registers, its life"),
    "stage2": Command(stage2, "[EXPRESSION|cpu] [IPA]", "a stage-2 tree, or the walk for an IPA"),
    "exits": Command(exits, "[EXPRESSION]", "how often a guest has left, by vector and class"),
    "esr": Command(esr, "[VALUE]", "a syndrome in words"),
}


def _exit_lines(debugger: Debugger, record: Record) -> Iterator[str]:
    syndromes, far, hpfar = record["esr_el2"], record["far_el2"], record["hpfar_el2"]
    yield f"  exit    {syndrome.describe_esr(syndromes)}"
    yield f"  ESR_EL2 {syndromes:#x}  FAR_EL2 {far:#x}  HPFAR_EL2 {hpfar:#x}"
    if syndrome.is_abort(syndromes):
        yield f"          {syndrome.describe_hpfar(hpfar, far)}"
    state = record["spsr_el2"]
    yield f"  PC      {_place(debugger, record['elr_el2'])}"
    yield f"  PSTATE  {state:#x}  {syndrome.describe_spsr(state)}"


def _system_lines(debugger: Debugger, record: Record) -> Iterator[str]:
    """Yield the system registers, which stay in the CPU until a handler looks at them."""
    from_cpu = bool(record["thread"]) and not record["regs_in_memory"]
    yield f"  system registers, in {'the CPU' if from_cpu else 'memory'}:"
    for names in _SHOWN:
        yield " ".join(
            f"{name.upper():>11} {_shown(debugger, record, name, from_cpu=from_cpu)}"
            for name in names
        )


def _shown(debugger: Debugger, record: Record, name: str, *, from_cpu: bool) -> str:
    try:
        value = _of_cpu(debugger, name) if from_cpu else record[name]
    except UnreadableError:
        value = None
    return "not readable    " if value is None else f"{value:016x}"


def _of_cpu(debugger: Debugger, name: str) -> int | None:
    """Return a system register, which some versions of QEMU give without its level."""
    value = debugger.register(name.upper())
    return debugger.register(name.upper().partition("_")[0]) if value is None else value


def _life_lines(debugger: Debugger, record: Record, memory: Memory) -> Iterator[str]:
    tree = record["s2mmu"]
    if tree:
        vttbr = Record(debugger, memory, _TREE, tree)["vttbr"]
        yield f"  stage 2 at {tree:#x}, VMID {vttbr >> 48}; see `kut stage2`"
    names = debugger.enumerators("guest_exit_reason")
    reason = names.get(record["exit_reason"], "unknown")
    yield f"  last end of guest_run(): {reason}, exit_code {record['exit_code']:#x}"
    yield f"  virtual CPU {record['vcpu']}; {'runs' if record['thread'] else 'does not run'}"


def _place(debugger: Debugger, address: int) -> str:
    symbol = debugger.symbol(address)
    return f"{address:#x} <{symbol}>" if symbol else f"{address:#x}"


def _guest_of(debugger: Debugger, words: str) -> int:
    """Return the address of the guest that is meant, or that is at hand."""
    if words:
        value = debugger.evaluate(words)
        if value.struct not in {_GUEST, ""} or not value.number:
            raise CommandError(f"{words} is no struct guest")
        return value.number
    found = _guest_at_hand(debugger)
    if not found:
        raise CommandError("no guest is at hand: `kut guest EXPRESSION`")
    return found


def _guest_at_hand(debugger: Debugger) -> int:
    """Return the guest that the CPU is in, or that a function below speaks of; 0 for none."""
    if is_in_guest(debugger):
        return debugger.register("SP_EL2") or 0
    return debugger.find_local(_GUEST)


def _split(debugger: Debugger, words: str) -> tuple[str, int | None]:
    """Return the expression for a tree, and the IPA where there is one."""
    if words in {"", "cpu"}:
        return words, None
    try:
        value = debugger.evaluate(words)
    except CommandError:
        expression, _, last = words.rpartition(" ")
        if not expression:
            raise
        return expression.strip(), debugger.evaluate(last).number
    return (words, None) if value.struct else ("", value.number)


def _tree_of(debugger: Debugger, memory: Memory, expression: str) -> Tree:
    if expression == "cpu":
        return _tree_in_cpu(debugger)
    if expression:
        value = debugger.evaluate(expression)
        if value.struct == _GUEST:
            return _tree_at(debugger, memory, _tree_of_guest(debugger, memory, value.number))
        if value.struct == _TREE and value.number:
            return _tree_at(debugger, memory, value.number)
        raise CommandError(f"{expression} is neither a struct guest nor a struct s2_mmu")
    if found := _guest_at_hand(debugger):
        return _tree_at(debugger, memory, _tree_of_guest(debugger, memory, found))
    if found := debugger.find_local(_TREE):
        return _tree_at(debugger, memory, found)
    raise CommandError("no tree is at hand: `kut stage2 EXPRESSION`, or `kut stage2 cpu`")


def _tree_of_guest(debugger: Debugger, memory: Memory, address: int) -> int:
    return Record(debugger, memory, _GUEST, address)["s2mmu"]


def _tree_at(debugger: Debugger, memory: Memory, address: int) -> Tree:
    record = Record(debugger, memory, _TREE, address)
    is_fwb, has_xnx = bool(record["fwb"]), _has_xnx(debugger)
    return Tree.of(record["vtcr"], record["vttbr"], is_fwb=is_fwb, has_xnx=has_xnx)


def _tree_in_cpu(debugger: Debugger) -> Tree:
    found = [debugger.register(name) for name in ("VTCR_EL2", "VTTBR_EL2", "HCR_EL2")]
    vtcr, vttbr, hcr = (value or 0 for value in found)
    return Tree.of(vtcr, vttbr, is_fwb=bool(hcr >> 46 & 1), has_xnx=_has_xnx(debugger))


def _has_xnx(debugger: Debugger) -> bool:
    features = debugger.register("ID_AA64MMFR1_EL1")
    return features is None or bool(features & _XNX)


def _memory_test(debugger: Debugger, memory: Memory) -> Callable[[int], bool]:
    """Return what tells whether an address is in the machine's memory, by the device tree."""
    try:
        regions = debugger.evaluate("&mem_regions[0]")
        count = debugger.evaluate("nr_mem_regions").number
        size = debugger.evaluate("sizeof(mem_regions[0])").number
        each = [
            Record(debugger, memory, "mem_region", regions.number + number * size)
            for number in range(count)
        ]
        ranges = [(region["start"], region["end"]) for region in each]
    except CommandError:  # not an image of this library: reading will tell
        return lambda _: True
    return lambda address: any(start <= address < end for start, end in ranges)
