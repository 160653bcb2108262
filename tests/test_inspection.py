# SPDX-License-Identifier: GPL-2.0-or-later
"""Inspection of QEMU at a timeout: invalid responses of stand-ins, and the cost.

test_explain has the tests with a real QEMU.
"""

import json
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.boot import ExitKind, Launch, ProcessExit
from kut_runner.process.pool import Pool
from kut_runner.process.snapshot import GuestPlace, Snapshot
from kut_runner.targets import inspection, stacks
from kut_runner.targets.inspection import QemuInspector
from kut_runner.targets.remote import Steps, Stub

GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\r\n'
FINE = b'{"return": {}}\r\n'
ROMS = b'{"return": "addr=0000000040080000 size=0x01 mem=ram name=\\"my kernel\\"\\r\\n"}\r\n'


class Fake:
    """The ends of QEMU, and the inspection that uses the others."""

    def __init__(self, greeting: bytes) -> None:
        self.inspector = QemuInspector((7, 2, 0), "my kernel")
        self.monitor, self.stub = self.inspector._theirs
        self.monitor.send(greeting)
        self._ended: list[bool] = []
        self._links = self.inspector.begin(self._on_end)

    def _on_end(self) -> None:
        self._ended.append(True)

    def ends(self) -> int:
        """Number of calls of `on_end`."""
        return len(self._ended)

    def say(self, end: socket.socket, *what: bytes) -> list[int | None]:
        """Send data, and let the inspection read it."""
        for each in what:
            end.send(each)
        return [link.read() for link in self._links]

    @property
    def trouble(self) -> str:
        return self.snapshot.trouble

    @property
    def snapshot(self) -> Snapshot:
        assert self.inspector.snapshot
        return self.inspector.snapshot


@pytest.fixture
def fake() -> Iterator[Callable[[bytes], Fake]]:
    made: list[Fake] = []

    def make(greeting: bytes = GREETING) -> Fake:
        made.append(Fake(greeting))
        return made[-1]

    yield make
    for each in made:
        each.inspector.close()


def packet(text: str) -> bytes:
    return f"+${text}#00".encode()


def test_one_that_has_not_said_a_word_is_not_waited_for(fake: Callable[[bytes], Fake]) -> None:
    silent = fake(b"")
    assert silent.trouble == "QEMU's monitor has not said a word"
    assert silent.ends() == 1


def test_one_that_does_not_answer_is_given_up(fake: Callable[[bytes], Fake]) -> None:
    wedged = fake(GREETING)
    assert not wedged.ends()
    wedged.inspector.give_up()
    wedged.inspector.give_up()
    assert wedged.trouble == "QEMU did not answer within 5 s"
    assert wedged.ends() == 1
    assert wedged.say(wedged.monitor, FINE) == [0, 0]


def test_one_that_dies_meanwhile(fake: Callable[[bytes], Fake]) -> None:
    dying = fake(GREETING)
    dying.monitor.close()
    assert dying.inspector.sources[0].read() == 0
    assert "QEMU has closed the connection" in dying.trouble


def test_one_that_refuses(fake: Callable[[bytes], Fake]) -> None:
    refusing = fake(GREETING)
    refusing.say(refusing.monitor, b'{"error": {"class": "GenericError", "desc": "no"}}\n')
    assert refusing.trouble.startswith("QEMU rejects qmp_capabilities")


def test_what_was_said_until_then_is_kept(fake: Callable[[bytes], Fake]) -> None:
    cut = fake(GREETING)
    cut.say(cut.monitor, b'{"event": "STOP"}\n', FINE)
    cut.say(cut.monitor, ROMS)
    cut.say(cut.monitor, FINE)
    for answer in ("PacketSize=1000", "l<target/>", "m1,2", "l", "OK", "b"):
        cut.say(cut.stub, packet(answer))
    assert not cut.ends()
    registers = "".join(number.to_bytes(8, "little").hex() for number in range(33)) + "c9030000"
    for answer in (registers, "E14", "E14", "OK", "b", "E01"):
        cut.say(cut.stub, packet(answer))
    found = cut.snapshot
    assert found.load == 0x40080000
    (cpu,) = found.cpus
    assert (cpu.registers["x29"], cpu.registers["pc"], cpu.registers["cpsr"]) == (29, 32, 0x3C9)
    assert found.trouble == "QEMU provides no registers"


@given(
    st.lists(st.tuples(st.booleans(), st.binary() | st.sampled_from([FINE, ROMS, packet("m1")])))
)
def test_nothing_that_is_heard_makes_it_raise(said: list[tuple[bool, bytes]]) -> None:
    fake = Fake(GREETING)
    for to_stub, what in said:
        fake.say(fake.stub if to_stub else fake.monitor, what)
    fake.inspector.give_up()
    assert fake.ends() == 1
    fake.inspector.close()


def end_of(script: str, log: Path) -> ProcessExit:
    command = (sys.executable, "-c", f"import os, re, sys, time\n{script}\ntime.sleep(60)")
    with Pool() as pool:
        pool.start(Launch(command, log, 1.0, partial(QemuInspector, (7, 2, 0), "x")))
        ended: list[ProcessExit] = []
        while not ended:
            for done, how in pool.wait():
                done.log.close()
                ended.append(how)
    return ended[0]


def test_a_wedged_qemu_costs_no_more_than_the_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QemuInspector, "time_limit", 0.3)
    monkeypatch.setattr(inspection, "TIME_LIMIT", 0.3)
    greet = f"os.write(int(re.findall(r'fd=(.*)', sys.argv[2])[0]), {GREETING!r})"
    ended = end_of(greet, tmp_path / "x.log")
    assert ended.kind is ExitKind.TIMED_OUT
    assert ended.snapshot
    assert ended.snapshot.trouble == "QEMU did not answer within 0 s"
    assert ended.seconds < 30


def test_what_is_no_qemu_is_stopped_at_once(tmp_path: Path) -> None:
    ended = end_of("", tmp_path / "x.log")
    assert ended.kind is ExitKind.TIMED_OUT
    assert ended.snapshot
    assert ended.snapshot.trouble == "QEMU's monitor has not said a word"


@pytest.mark.qemu
def test_the_command_in_the_results_has_none_of_it(tmp_path: Path) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    (test,) = realtree.run(tmp_path, "misbehave-hang")["tests"]
    assert test["diagnosis"]["cpus"]
    assert "fd=" not in test["qemu"]["command"]
    assert "-chardev" not in test["qemu"]["argv"]
    assert test["qemu"]["ended"]["stderr"].count("\n") == 0  # only the signal, no error message
    assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(("version", "monitor"), [((7, 2, 0), "-mon"), ((11, 1, 0), "-object")])
def test_a_monitor_is_asked_for_as_each_qemu_likes_it(
    version: tuple[int, ...], monitor: str
) -> None:
    inspector = QemuInspector(version, "x")
    assert monitor in inspector.options
    assert json.dumps(inspector.options).count("fd=") == 2
    inspector.close()


class Memory:
    """Frame records by address: the address of the next one, and the return address."""

    def __init__(self, *records: tuple[int, int, int]) -> None:
        self._records = {at: struct.pack("<QQ", above, to) for at, above, to in records}

    def memory(self, address: int, size: int) -> Steps[bytes]:
        yield from ()
        return self._records.get(address, b"")[:size]


def unwind(frame: int, *records: tuple[int, int, int]) -> tuple[int, ...]:
    steps = stacks.unwind(cast("Stub", Memory(*records)), frame)
    with pytest.raises(StopIteration) as end:
        next(steps)
    found: tuple[int, ...] = end.value.value
    return found


def test_a_stack_ends_where_its_records_do() -> None:
    chain = (0x10, 0x20, 1), (0x20, 0x30, 2)
    assert unwind(0x10, *chain) == (1, 2)
    assert unwind(0x10, *chain, (0x30, 0x40, 0)) == (1, 2)
    assert unwind(0x14, *chain) == ()
    assert unwind(0x10, *chain, (0x30, 0x10, 3)) == (1, 2, 3), "a circle"
    assert unwind(0x10, (0x10, 0x10, 1)) == (1,)
    # A handler's stack is above that of the code that ran the guest.
    assert unwind(0x20, (0x20, 0x10, 1), (0x10, 0, 2)) == (1, 2)


class Handler(Memory):
    """A CPU in a handler, whose stack leads to a struct guest; `SPSR` reads the guest's memory."""

    GUEST, FRAME, SPSR = 0x1000, 0x1000 + 55 * 8, 0x3C5

    def __init__(self, *records: tuple[int, int, int]) -> None:
        super().__init__((0x10, self.FRAME, 1), (self.FRAME, 0, 2))
        self._of_guest = Memory(*records)
        self._is_guest = False
        words = {29: 0x40, 30: 6, 31: 5, 33: self.SPSR, 34: 7}
        words |= dict.fromkeys(range(39, 55, 2), self.FRAME)
        self._guest = struct.pack("<55Q", *(words.get(at, 0) for at in range(55)))

    def write_state(self, state: int) -> Steps[None]:
        yield from ()
        self._is_guest = state == self.SPSR

    def memory(self, address: int, size: int) -> Steps[bytes]:
        if self._is_guest:
            return (yield from self._of_guest.memory(address, size))
        if address == self.GUEST:
            return self._guest
        return (yield from super().memory(address, size))


def test_a_guests_stack_is_read_in_the_state_of_the_guest() -> None:
    machine = Handler((0x40, 0, 8))
    steps = stacks.at_el2(cast("Stub", machine), {"sp": 0x8, "x29": 0x10, "cpsr": 0x3C9})
    with pytest.raises(StopIteration) as end:
        next(steps)
    found = end.value.value
    assert found == stacks.Stacks((1,), (2,), GuestPlace(5, 7, 6, (8,)))
    assert not machine._is_guest
