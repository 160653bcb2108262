# SPDX-License-Identifier: GPL-2.0-or-later
"""Saving of a booted lab, by a migration to a file, at a moment from which it can go on.

QEMU 11.1 and before do not migrate the timers of EL2 (target/arm/machine.c: vmstate_arm_cpu has
those of EL1 only). Linux at EL2 ticks from one of them, and programs it anew only for an event that
is earlier than the one it believes to come. So the lab is saved while its CPU sleeps without a
tick: the next event is far away, and what wakes the CPU after the restore starts the tick again.

As the CPU sleeps, time advances to its next event at once (-icount sleep=off), so most moments are
too late. Only the saved state has the time.

The lab is stopped through the gdb stub, as by Ctrl-C. It must not stop at a breakpoint: then QEMU
takes the stopped CPU for one that sleeps, and time advances to the last timer.
"""

import os
import re
import select
import socket
import time
from pathlib import Path
from typing import Final, Self, TypeVar, cast

from kut_runner.targets.remote import Link, Monitor, RemoteError, Steps, Stub, monitor_options

Response = TypeVar("Response")

#: Options of a QEMU whose lab is saved: a restored lab runs, although the saved one was stopped.
_RUNS: Final = ("-global", "migration.store-global-state=off")
_GDB: Final = "kut-gdb"
#: Looks at the lab until it sleeps, and seconds between them: after the boot Linux tests ciphers.
_LOOKS: Final = 1000
_PAUSE: Final = 0.05
#: Times that it is saved, of which one in about five is at the right moment.
_SAVES: Final = 100
#: Seconds for an answer of QEMU, which may wait for a CPU.
_ANSWER_LIMIT: Final = 300.0

_SECOND: Final = 1_000_000_000
_WFI: Final = 0xD503207F
_PSTATE_EL: Final = 0xC
_EL2: Final = 0x8
#: Timers of EL2, of which Linux takes one: the virtual one in 7.3, the physical one before.
_TIMERS: Final = ("CNTHV", "CNTHP")
_ENABLED: Final = 1
_CTL_FIELDS: Final = 7
#: Least time to the next event, in ns: more than a tick of the slowest Linux (CONFIG_HZ=100).
_FAR: Final = 12_000_000
#: Subsection of a saved state (migration/savevm.c) with QEMU's time, in ns: two numbers of 64 bits,
#: to which instructions contribute with this shift, that of -icount.
_TIME: Final = re.compile(rb"\x05\x0ctimer/icount.{4}(.{8})(.{8})", re.DOTALL)
_SHIFT: Final = 2
#: The devices of a saved state are within this many bytes of its end.
_DEVICES: Final = 1 << 20


class Saving:
    """Sockets to the QEMU of a lab that is to be saved; a context manager that closes them."""

    def __init__(self, version: tuple[int, ...]) -> None:
        """Open the sockets for a QEMU of this version."""
        self._version = version
        pairs = socket.socketpair(), socket.socketpair()
        self._ours, self._theirs = zip(*pairs, strict=True)
        self._links = tuple(Link(each, lambda: False) for each in self._ours)
        self._monitor, self._stub = Monitor(self._links[0]), Stub(self._links[1])

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors for QEMU to inherit."""
        return tuple(each.fileno() for each in self._theirs)

    @property
    def options(self) -> tuple[str, ...]:
        """Options to add to QEMU's command line."""
        monitor, stub = self.descriptors
        gdb = ("-chardev", f"socket,id={_GDB},fd={stub}")
        return (*_RUNS, *monitor_options(self._version, "kut-lab", monitor), *gdb)

    def on_started(self) -> None:
        """Close QEMU's ends in this process, so that its exit closes the connections."""
        for each in self._theirs:
            each.close()

    def save(self, path: Path) -> None:
        """Save the lab to a file when its next event is far away; raises RemoteError."""
        self._run(_connect(self._monitor, self._stub))
        for _ in range(_SAVES):
            event = self._run(_run_until_asleep(self._stub))
            self._run(_migrate(self._monitor, path))
            if event - _time(path) > _FAR:
                return
        raise RemoteError("its CPU never sleeps without a tick")

    def _run(self, steps: Steps[Response]) -> Response:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return cast("Response", end.value)
            ready, _, _ = select.select(self._links, [], [], _ANSWER_LIMIT)
            if not ready:
                raise RemoteError("QEMU does not answer")
            for link in ready:
                link.read()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close all sockets."""
        for each in (*self._ours, *self._theirs):
            each.close()


def _connect(monitor: Monitor, stub: Stub) -> Steps[None]:
    yield from monitor.ask("qmp_capabilities")
    events = {"capabilities": [{"capability": "events", "state": True}]}
    yield from monitor.ask("migrate-set-capabilities", events)
    yield from monitor.ask_human(f"gdbserver chardev:{_GDB}")
    yield from stub.connect()


def _migrate(monitor: Monitor, path: Path) -> Steps[None]:
    yield from monitor.ask("migrate", {"uri": f"file:{path}"})
    while True:
        _, data = yield from monitor.event("MIGRATION")
        if data.get("status") == "completed":
            return
        if data.get("status") in {"failed", "cancelled"}:
            reason = yield from monitor.ask("query-migrate")
            raise RemoteError(str(reason.get("error-desc", "the migration failed")))


def _run_until_asleep(stub: Stub) -> Steps[int]:
    """Let the lab run until its CPU sleeps; return the time of the next event in ns."""
    for _ in range(_LOOKS):
        running = stub.run()
        next(running)
        time.sleep(_PAUSE)
        stub.interrupt()
        yield from running
        if event := (yield from _event(stub)):
            return event
    raise RemoteError("its CPU never sleeps until a timer of EL2")


def _event(stub: Stub) -> Steps[int]:
    """Return the time of the next event in ns, 0 if the CPU does not sleep until one."""
    registers = yield from stub.core_registers()
    if registers["cpsr"] & _PSTATE_EL != _EL2:
        return 0
    before = yield from stub.memory(registers["pc"] - 4, 4)
    if int.from_bytes(before, "little") != _WFI:
        return 0
    frequency = (yield from stub.system_register("CNTFRQ_EL0")) or 1
    for timer in _TIMERS:
        control = yield from stub.system_register(f"{timer}_CTL_EL2")
        value = yield from stub.system_register(f"{timer}_CVAL_EL2")
        # Neither masked nor with its condition met (ISTATUS)
        if value and control is not None and control & _CTL_FIELDS == _ENABLED:
            return value * _SECOND // frequency
    return 0


def _time(state: Path) -> int:
    """Return QEMU's time in a saved state, in ns; raises RemoteError if it is not there."""
    with state.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _DEVICES))
        match = _TIME.search(file.read())
    if not match:
        raise RemoteError("its saved state has no time")
    bias, instructions = (int.from_bytes(each, signed=True) for each in match.groups())
    return bias + (instructions << _SHIFT)
