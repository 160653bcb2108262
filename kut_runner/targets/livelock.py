# SPDX-License-Identifier: GPL-2.0-or-later
"""Search for an exit of a guest that repeats: a handler that resumes it without a change.

The machine, which is stopped, runs on with breakpoints at the vectors for exits (VBAR_EL2 + 0x400
and up). Equal exits one after the other are a livelock if the guest does not come to the
instruction after the one that exits: a guest that polls a device does. After that the first
instructions of EL2 are executed one by one, to find the handler.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from kut_runner.process.snapshot import Cpu, RepeatedExit
from kut_runner.targets.remote import RemoteError, Steps, Stub
from kut_runner.targets.stacks import unwind

#: Seconds for which the machine runs on to the next exit, and in all.
WINDOW: Final = 0.2
_LONGEST: Final = 2.0
#: Equal exits in a row that are a livelock.
_ENOUGH: Final = 8
#: Exits looked at; a guest whose exits differ is not followed for long.
_MOST_EXITS: Final = 64
#: Instructions of EL2 followed after an exit.
_MOST_STEPS: Final = 400
#: Offsets of the vectors for exits in a vector table; synchronous ones come from two of them.
_VECTORS: Final = range(0x400, 0x800, 0x80)
_SYNCHRONOUS: Final = (0x400, 0x600)
_TABLE_MASK: Final = 0x7FF
_VM: Final = 1
_EXIT_REGISTERS: Final = ("ELR_EL2", "SPSR_EL2", "ESR_EL2", "FAR_EL2", "HPFAR_EL2")
#: Exception classes whose preferred return address is after the instruction: SVC, HVC.
_CALLS: Final = (0x11, 0x12, 0x15, 0x16)
#: An emulated one goes elsewhere, and may come back.
_ERET: Final = 0x1A
_EC_SHIFT: Final = 26
_CLASS_OF_FAR: Final = range(0x20, 0x26)


def is_candidate(cpu: Cpu) -> bool:
    """Return whether a CPU is in a guest or in a handler of one, and awake."""
    is_guest = cpu.registers.get("HCR_EL2", 0) & _VM and cpu.registers.get("VBAR_EL2")
    return bool(is_guest) and not cpu.is_halted


def find(
    stub: Stub,
    cpus: Mapping[str, Cpu],
    set_alarm: Callable[[float | None], None],
) -> Steps[RepeatedExit | None]:
    """Return an exit that repeats on one of `cpus`, by their names in the stub; None without one.

    The machine runs meanwhile. `set_alarm` receives the time at which to interrupt it, None at the
    end. Raises RemoteError.
    """
    tables = {cpu.registers["VBAR_EL2"] for cpu in cpus.values() if is_candidate(cpu)}
    if not tables:
        return None
    breakpoints = {table + offset for table in tables for offset in _VECTORS}
    for address in breakpoints:
        yield from stub.set_breakpoint(address, is_set=True)
    found = yield from _watch(stub, cpus, breakpoints, set_alarm)
    set_alarm(None)
    if not found:
        return None
    return (yield from _complete(stub, found))


def _watch(
    stub: Stub,
    cpus: Mapping[str, Cpu],
    breakpoints: set[int],
    set_alarm: Callable[[float | None], None],
) -> Steps[RepeatedExit | None]:
    """Return the first exit of which enough were equal; None when the time is over."""
    last: dict[str, RepeatedExit] = {}
    limit = time.monotonic() + _LONGEST
    for _ in range(_MOST_EXITS):
        now = time.monotonic()
        if now >= limit:
            break
        set_alarm(min(now + WINDOW, limit))
        name = yield from stub.run()
        yield from stub.ask(f"Hg{name}")
        address = yield from stub.program_counter()
        if address not in breakpoints:
            return None  # interrupted, or after the instruction that exits: the guest goes on
        if address & _TABLE_MASK in _SYNCHRONOUS and name in cpus:
            registers = yield from _exit_registers(stub)
            before = last.get(name)
            is_equal = before and _key(before.registers) == _key(registers)
            count = before.count + 1 if before and is_equal else 1
            last[name] = RepeatedExit(cpus[name].number, registers, count)
            if count == _ENOUGH:
                return last[name]
            if _class_of(registers) in _CALLS:
                return None
            for after in (registers["ELR_EL2"] + 2, registers["ELR_EL2"] + 4):
                yield from stub.set_breakpoint(after, is_set=True)
        yield from stub.step()  # past the breakpoint
    return None


def _exit_registers(stub: Stub) -> Steps[Mapping[str, int]]:
    """Return the registers of an exit, at the first instruction of its vector."""
    core = yield from stub.core_registers()
    registers = {name: value for name, value in core.items() if name.startswith("x")}
    for name in _EXIT_REGISTERS:
        registers[name] = (yield from stub.system_register(name)) or 0
    if _class_of(registers) not in _CLASS_OF_FAR:
        del registers["FAR_EL2"], registers["HPFAR_EL2"]  # UNKNOWN
    return registers


def _key(registers: Mapping[str, int]) -> Mapping[str, int]:
    """Return the registers in which equal exits are equal: a handler may change x0 to x30."""
    if _class_of(registers) == _ERET:
        return registers
    return {name: value for name, value in registers.items() if not name.startswith("x")}


def _class_of(registers: Mapping[str, int]) -> int:
    return registers["ESR_EL2"] >> _EC_SHIFT & 0x3F


def _complete(stub: Stub, found: RepeatedExit) -> Steps[RepeatedExit]:
    """Add the stack of the guest, and the code of EL2 after the exit."""
    state = (yield from stub.core_registers())["cpsr"]
    yield from stub.write_state(found.registers["SPSR_EL2"])
    stack = yield from unwind(stub, found.registers["x29"])
    yield from stub.write_state(state)
    code: list[int] = []
    try:
        while len(code) < _MOST_STEPS:
            code.append((yield from stub.program_counter()))
            yield from stub.step()
    except RemoteError:
        pass  # what was seen until then
    return RepeatedExit(found.cpu, found.registers, found.count, stack, tuple(code))
