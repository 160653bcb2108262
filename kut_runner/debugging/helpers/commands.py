# SPDX-License-Identifier: GPL-2.0-or-later
"""The `kut` commands inside a debugger; they yield lines, which an adapter prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kut_runner.debugging.helpers.machine import (
    CommandError,
    Memory,
    Record,
    UnreadableError,
    is_in_guest,
)
from kut_runner.debugging.helpers.stage2 import Tables, leaf_lines, walk_lines
from kut_runner.diagnose import syndrome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kut_runner.debugging.helpers.machine import Debugger

_GUEST, _MMU = "guest", "s2_mmu"
_X_PER_LINE = 4
_X_REGISTERS = 31
#: System registers to print, line by line, as members of struct guest.
_SYSTEM_REGISTERS = (
    ("sctlr_el1", "tcr_el1", "ttbr0_el1", "ttbr1_el1"),
    ("mair_el1", "vbar_el1", "sp_el1", "sp_el0"),
    ("elr_el1", "spsr_el1", "esr_el1", "far_el1"),
    ("hcr_el2", "vtcr_el2", "vttbr_el2", "cptr_el2"),
)
_XNX = 0xF << 28
#: Text for ESR_EL2 = 0, which no synchronous exception sets (DDI 0487, ESR_ELx.IL).
_NO_EXIT = "no synchronous exit yet"


class Command(NamedTuple):
    """A subcommand of `kut`."""

    run: Callable[[Debugger, str], Iterator[str]]
    """Takes the arguments as one string and yields lines; may raise CommandError."""
    usage: str
    about: str


def guest(debugger: Debugger, arguments: str) -> Iterator[str]:
    """Yield the state of a guest: `arguments` is an expression, or empty for the current guest."""
    memory = Memory(debugger)
    record = Record(debugger, memory, _GUEST, _find_guest(debugger, arguments))
    yield f"struct guest at {record.address:#x}"
    if memory.is_in_guest and record.address == debugger.register("SP_EL2"):
        yield "running; the registers below are those of its last exit"
    yield from _exit_lines(debugger, record)
    registers = record.all("x")
    for first in range(0, _X_REGISTERS, _X_PER_LINE):
        line = enumerate(registers[first : first + _X_PER_LINE], first)
        yield " ".join(f"{f'x{number}':>5} {value:016x}" for number, value in line)
    yield from _system_lines(debugger, record)
    yield from _run_lines(debugger, record, memory)


def stage2(debugger: Debugger, arguments: str) -> Iterator[str]:
    """Yield the leaves of stage-2 page tables, or the walk for an IPA.

    `arguments` is an expression for a struct guest or a struct s2_mmu, "cpu" for the tables in the
    CPU's registers, or empty for those of the current guest; an IPA may follow.
    """
    memory = Memory(debugger)
    expression, ipa = _split(debugger, arguments)
    tables = _find_tables(debugger, memory, expression)
    is_memory = _memory_test(debugger, memory)
    if ipa is None:
        return leaf_lines(tables, memory.read, is_memory)
    return walk_lines(tables, memory.read, is_memory, ipa)


def exits(debugger: Debugger, arguments: str) -> Iterator[str]:
    """Yield the numbers of exits of a guest, as counted after guest_count_exits()."""
    memory = Memory(debugger)
    record = Record(debugger, memory, _GUEST, _find_guest(debugger, arguments))
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


def esr(debugger: Debugger, arguments: str) -> Iterator[str]:
    """Yield the decoded syndrome of an expression, or of ESR_EL2 if `arguments` is empty."""
    value = debugger.evaluate(arguments).number if arguments else debugger.register("ESR_EL2")
    if value is None:
        raise CommandError("ESR_EL2 is not available: use `kut esr VALUE`")
    yield f"{value:#x}: {syndrome.describe_esr(value)}"


def summary(debugger: Debugger, address: int) -> str:
    """Return a guest in one line, for the `print` command of the debugger."""
    record = Record(debugger, Memory(debugger), _GUEST, address)
    pc = _location(debugger, record["elr_el2"])
    state = syndrome.describe_spsr(record["spsr_el2"])
    value = record["esr_el2"]
    last_exit = f"last exit {syndrome.esr_summary(value)}" if value else _NO_EXIT
    return f"{{guest at {pc}, {state}; {last_exit}}}"


def hidden_at(debugger: Debugger, address: int) -> int | None:
    """Return the offset from which a guest's memory is hidden, None if all of it can be read.

    While its system registers are in the CPU, their page is not mapped, and out of date.
    """
    record = Record(debugger, Memory(debugger), _GUEST, address)
    if record["regs_in_memory"]:
        return None
    return debugger.members(_GUEST)["registers_page"].offset


COMMANDS = {
    "guest": Command(guest, "[EXPRESSION]", "print a struct guest: last exit, registers, last run"),
    "stage2": Command(
        stage2, "[EXPRESSION|cpu] [IPA]", "print stage-2 tables, or the walk for an IPA"
    ),
    "exits": Command(exits, "[EXPRESSION]", "print the exits of a guest, by vector and class"),
    "esr": Command(esr, "[VALUE]", "decode a syndrome"),
}


def _exit_lines(debugger: Debugger, record: Record) -> Iterator[str]:
    """Yield the last exit, and the PC and PSTATE at which it happened."""
    value, far, hpfar = record["esr_el2"], record["far_el2"], record["hpfar_el2"]
    yield f"  exit    {syndrome.describe_esr(value) if value else _NO_EXIT}"
    yield f"  ESR_EL2 {value:#x}  FAR_EL2 {far:#x}  HPFAR_EL2 {hpfar:#x}"
    if syndrome.is_abort(value):
        yield f"          {syndrome.describe_hpfar(hpfar, far)}"
    state = record["spsr_el2"]
    yield f"  PC      {_location(debugger, record['elr_el2'])}"
    yield f"  PSTATE  {state:#x}  {syndrome.describe_spsr(state)}"


def _system_lines(debugger: Debugger, record: Record) -> Iterator[str]:
    """Yield the system registers, which stay in the CPU until a handler reads them."""
    from_cpu = bool(record["thread"]) and not record["regs_in_memory"]
    yield f"  system registers, in {'the CPU' if from_cpu else 'memory'}:"
    for names in _SYSTEM_REGISTERS:
        yield " ".join(
            f"{name.upper():>11} {_register_text(debugger, record, name, from_cpu=from_cpu)}"
            for name in names
        )


def _register_text(debugger: Debugger, record: Record, name: str, *, from_cpu: bool) -> str:
    try:
        value = _cpu_register(debugger, name) if from_cpu else record[name]
    except UnreadableError:
        value = None
    return "not readable    " if value is None else f"{value:016x}"


def _cpu_register(debugger: Debugger, name: str) -> int | None:
    """Return a system register; some versions of QEMU name it without its exception level."""
    value = debugger.register(name.upper())
    return debugger.register(name.upper().partition("_")[0]) if value is None else value


def _run_lines(debugger: Debugger, record: Record, memory: Memory) -> Iterator[str]:
    """Yield the page tables of a guest, and how its last run ended."""
    mmu = record["s2mmu"]
    if mmu:
        vttbr = Record(debugger, memory, _MMU, mmu)["vttbr"]
        yield f"  stage 2 at {mmu:#x}, VMID {vttbr >> 48}; see `kut stage2`"
    if record["thread"]:
        yield "  guest_run() has not returned"
    elif not record["esr_el2"] and not record["exit_reason"]:
        yield "  no guest_run() yet, or one that a handler of interrupts ended"
    else:
        names = debugger.enumerators("guest_exit_reason")
        reason = names.get(record["exit_reason"], "unknown")
        yield f"  last guest_run() ended with {reason}, return_value {record['return_value']:#x}"
    yield f"  virtual CPU {record['vcpu']}, {'running' if record['thread'] else 'not running'}"


def _location(debugger: Debugger, address: int) -> str:
    symbol = debugger.symbol(address)
    return f"{address:#x} <{symbol}>" if symbol else f"{address:#x}"


def _find_guest(debugger: Debugger, expression: str) -> int:
    """Return the address of the guest of an expression, or of the current guest."""
    if expression:
        value = debugger.evaluate(expression)
        if value.struct not in {_GUEST, ""} or not value.number:
            raise CommandError(f"{expression} is not a struct guest")
        return value.number
    found = _current_guest(debugger)
    if not found:
        raise CommandError("no current guest: use `kut guest EXPRESSION`")
    return found


def _current_guest(debugger: Debugger) -> int:
    """Return the guest that the CPU is in, or the nearest variable with one; 0 for none."""
    if is_in_guest(debugger):
        return debugger.register("SP_EL2") or 0
    return debugger.find_local(_GUEST)


def _split(debugger: Debugger, arguments: str) -> tuple[str, int | None]:
    """Split arguments into the expression for the tables, and the IPA or None."""
    if arguments in {"", "cpu"}:
        return arguments, None
    try:
        value = debugger.evaluate(arguments)
    except CommandError:
        expression, _, last = arguments.rpartition(" ")
        if not expression:
            raise
        return expression.strip(), debugger.evaluate(last).number
    return (arguments, None) if value.struct else ("", value.number)


def _find_tables(debugger: Debugger, memory: Memory, expression: str) -> Tables:
    """Return the page tables of an expression, of the CPU, or of the current guest."""
    if expression == "cpu":
        return _cpu_tables(debugger)
    if expression:
        value = debugger.evaluate(expression)
        if value.struct == _GUEST:
            return _tables_at(debugger, memory, _mmu_of_guest(debugger, memory, value.number))
        if value.struct == _MMU and value.number:
            return _tables_at(debugger, memory, value.number)
        raise CommandError(f"{expression} is neither a struct guest nor a struct s2_mmu")
    if found := _current_guest(debugger):
        return _tables_at(debugger, memory, _mmu_of_guest(debugger, memory, found))
    if found := debugger.find_local(_MMU):
        return _tables_at(debugger, memory, found)
    raise CommandError("no current guest: use `kut stage2 EXPRESSION` or `kut stage2 cpu`")


def _mmu_of_guest(debugger: Debugger, memory: Memory, address: int) -> int:
    return Record(debugger, memory, _GUEST, address)["s2mmu"]


def _tables_at(debugger: Debugger, memory: Memory, address: int) -> Tables:
    record = Record(debugger, memory, _MMU, address)
    is_fwb, has_xnx = bool(record["fwb"]), _has_xnx(debugger)
    return Tables.of(record["vtcr"], record["vttbr"], is_fwb=is_fwb, has_xnx=has_xnx)


def _cpu_tables(debugger: Debugger) -> Tables:
    found = [debugger.register(name) for name in ("VTCR_EL2", "VTTBR_EL2", "HCR_EL2")]
    vtcr, vttbr, hcr = (value or 0 for value in found)
    return Tables.of(vtcr, vttbr, is_fwb=bool(hcr >> 46 & 1), has_xnx=_has_xnx(debugger))


def _has_xnx(debugger: Debugger) -> bool:
    features = debugger.register("ID_AA64MMFR1_EL1")
    return features is None or bool(features & _XNX)


def _memory_test(debugger: Debugger, memory: Memory) -> Callable[[int], bool]:
    """Return a function that returns whether an address is in memory, by the device tree."""
    try:
        regions = debugger.evaluate("&ram_regions[0]")
        count = debugger.evaluate("nr_ram_regions").number
        size = debugger.evaluate("sizeof(ram_regions[0])").number
        each = [
            Record(debugger, memory, "mem_region", regions.number + number * size)
            for number in range(count)
        ]
        ranges = [(region["start"], region["end"]) for region in each]
    except CommandError:  # not an image of this library: only a read can show it
        return lambda _: True
    return lambda address: any(start <= address < end for start, end in ranges)
