# SPDX-License-Identifier: GPL-2.0-or-later
"""Inspection of a machine that hangs, before its QEMU is stopped.

QEMU starts with two sockets, which stay unused in a normal run: for the monitor and for the gdb
stub. At the timeout a monitor command starts the stub, which stops the machine; then the registers
of each CPU are read and its stack is unwound. If a CPU is in a guest, `livelock` looks for an exit
that repeats. The limit for all of this is TIME_LIMIT seconds. It takes a few hundredths of a second
or, with a guest, at most a few tenths; other tests continue meanwhile. `diagnose.explain` decodes
the result.
"""

import re
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

from kut_runner.process.snapshot import Cpu, Snapshot
from kut_runner.targets import livelock, stacks
from kut_runner.targets.remote import Link, Monitor, RemoteError, Steps, Stub, monitor_options
from kut_runner.targets.stacks import Stacks

#: Seconds for the whole inspection.
TIME_LIMIT: Final = 5.0

_SYSTEM_REGISTERS: Final = tuple(
    f"{name}_EL{level}" for level in (2, 1) for name in ("ESR", "FAR", "ELR", "SPSR", "VBAR")
)
_VM: Final = 1
_HOST_STACK: Final = "SP_EL2"
_EL2_REGISTERS: Final = ("HPFAR_EL2", _HOST_STACK, "HCR_EL2")
_EL2H: Final = 0x3C9
_ROM: Final = re.compile(r'addr=([0-9a-f]{1,16}) .*name="(.*)"')


class QemuInspector:
    """Two sockets to one QEMU: for its monitor (QMP) and its gdb stub."""

    time_limit = TIME_LIMIT

    def __init__(self, version: tuple[int, ...], kernel: str) -> None:
        """Open the sockets for a QEMU of this version that boots `kernel`."""
        self._version = version
        self._kernel = kernel
        self._inspection: Inspection | None = None
        pairs = socket.socketpair(), socket.socketpair()
        self.ours = tuple(pair[0] for pair in pairs)
        self._theirs = tuple(pair[1] for pair in pairs)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for QEMU to inherit."""
        return tuple(each.fileno() for each in self._theirs)

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to QEMU's command line."""
        monitor, stub = self.descriptors
        return (
            *monitor_options(self._version, "kut-monitor", monitor),
            *("-chardev", f"socket,id=kut-gdb,fd={stub}"),
        )

    def on_started(self) -> None:
        """Close QEMU's ends in this process, so that its exit closes the connection."""
        for each in self._theirs:
            each.close()

    def begin(self, on_end: Callable[[], None]) -> tuple[Link, ...]:
        """Begin the inspection; return the sources to wait for until `on_end` is called."""
        self._inspection = Inspection(self.ours, self._kernel, on_end)
        return self._inspection.links

    @property
    def alarm(self) -> float | None:
        """Time of the next `ring`, in seconds of the monotonic clock."""
        return self._inspection.alarm if self._inspection else None

    def ring(self) -> None:
        """Interrupt a machine that runs on."""
        if self._inspection:
            self._inspection.interrupt()

    def give_up(self) -> None:
        """End an inspection in progress with an incomplete snapshot."""
        if self._inspection:
            self._inspection.give_up()

    @property
    def sources(self) -> tuple[Link, ...]:
        """Sources that `begin` returned; empty before."""
        return self._inspection.links if self._inspection else ()

    @property
    def snapshot(self) -> Snapshot | None:
        """State read so far; None before `begin`."""
        return self._inspection.snapshot if self._inspection else None

    def was_reached(self) -> bool:
        """Return whether QEMU has sent the greeting of its monitor."""
        if self._inspection:
            return True
        self.ours[0].settimeout(0)
        try:
            return bool(self.ours[0].recv(1))
        except OSError:  # no data, or closed by QEMU with unread data
            return False

    def close(self) -> None:
        """Close all sockets."""
        for each in (*self.ours, *self._theirs):
            each.close()


class Inspection:
    """An inspection in progress; a selector waits for its `links` and reads them."""

    def __init__(
        self, ends: tuple[socket.socket, ...], kernel: str, on_end: Callable[[], None]
    ) -> None:
        """Send the first request; `on_end` is called at the end of the inspection."""
        self._started = time.monotonic()
        self._on_end = on_end
        self._snapshot = Snapshot()
        self._is_over = False
        self.links = tuple(Link(each, self._advance) for each in ends)
        """Sockets for the responses of QEMU."""
        self.alarm: float | None = None
        """Time at which the machine, which runs on, is to be interrupted."""
        self._stub = Stub(self.links[1])
        self._steps = self._inspect(Monitor(self.links[0]), self._stub, kernel)
        self.links[0].read()

    @property
    def snapshot(self) -> Snapshot:
        """State read so far."""
        return self._snapshot

    def interrupt(self) -> None:
        """Stop the machine, which runs on."""
        self._set_alarm(None)
        with suppress(RemoteError):
            self._stub.interrupt()

    def give_up(self) -> None:
        """End the inspection because its time limit has passed."""
        if not self._is_over:
            self._end(f"QEMU did not answer within {TIME_LIMIT:.0f} s")

    def _advance(self) -> bool:
        """Run the next step; return whether it was the last."""
        if self._is_over:
            return True
        try:
            next(self._steps)
        except StopIteration:
            self._end("")
        except RemoteError as error:
            self._end(str(error))
        return self._is_over

    def _set_alarm(self, alarm: float | None) -> None:
        self.alarm = alarm

    def _end(self, trouble: str) -> None:
        self._is_over = True
        self._set_alarm(None)
        seconds = time.monotonic() - self._started
        self._snapshot = replace(self._snapshot, trouble=trouble, seconds=seconds)
        self._on_end()

    def _inspect(self, monitor: Monitor, stub: Stub, kernel: str) -> Steps[None]:
        if not self.links[0].has_data:  # a monitor sends its greeting immediately
            raise RemoteError("QEMU's monitor has not said a word")
        yield from monitor.ask("qmp_capabilities")
        load = load_address((yield from monitor.ask_human("info roms")), kernel)
        self._snapshot = replace(self._snapshot, load=load)
        yield from monitor.ask_human("gdbserver chardev:kut-gdb")
        cpus: dict[str, Cpu] = {}
        for number, name in enumerate((yield from stub.connect())):
            cpus[name] = yield from _inspect_cpu(stub, name, number)
            self._snapshot = replace(self._snapshot, cpus=tuple(cpus.values()))
        with suppress(RemoteError):  # without hardware breakpoints, or the machine has ended
            repeated = yield from livelock.find(stub, cpus, self._set_alarm)
            self._snapshot = replace(self._snapshot, repeated=repeated)


def _inspect_cpu(stub: Stub, name: str, number: int) -> Steps[Cpu]:
    is_halted = yield from stub.select(name)
    registers = yield from stub.core_registers()
    for each in (*_SYSTEM_REGISTERS, *_EL2_REGISTERS):
        value = yield from stub.system_register(each)
        if value is not None:
            registers[each] = value
    before = yield from stub.memory(max(registers["pc"] - 4, 0), 4)
    if _is_in_guest(registers):
        stack = yield from stacks.unwind(stub, registers["x29"])
        yield from stub.write_state(_EL2H)
        found = Stacks(stack, (yield from stacks.host_of_guest(stub, registers[_HOST_STACK])))
        yield from stub.write_state(registers["cpsr"])
    elif registers.get("HCR_EL2", 0) & _VM:
        found = yield from stacks.at_el2(stub, registers)
    else:
        found = Stacks((yield from stacks.unwind(stub, registers["x29"])))
    code = int.from_bytes(before, "little") if before else None
    return Cpu(
        number,
        is_halted,
        registers,
        code,
        found.stack,
        found.host_stack,
        found.guest,
        found.is_between,
    )


def _is_in_guest(registers: Mapping[str, int]) -> bool:
    """Return whether the CPU is at EL1 or EL0 and EL2 is initialized."""
    is_below = registers["cpsr"] >> 2 & 3 in (0, 1)
    return is_below and bool(registers.get("VBAR_EL2")) and bool(registers.get(_HOST_STACK))


def load_address(roms: str, kernel: str) -> int | None:
    """Return the address of the kernel from the output of "info roms", None if it has none."""
    for line in roms.splitlines():
        match = _ROM.match(line)
        if match and match[2] == kernel:
            return int(match[1], 16)
    return None
