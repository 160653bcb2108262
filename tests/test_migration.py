# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness of migrations, with stand-ins for the monitors of QEMU.

test_migration_qemu has the tests with a real QEMU.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.process.harness import Finding, FindingKind
from kut_runner.process.inspector import Source
from kut_runner.targets.dialogue import Dialogue
from kut_runner.targets.migration import Migration
from kut_runner.targets.migration_requests import Request, RequestReader
from kut_runner.targets.panic import Panic

ASK = b"Now migrate the VM, then press a key to continue...\n"
QUIET = b"Now migrate the VM (quiet)\n"
SKIP = b"Skipped VM migration (quiet)\n"
BEGIN = b"Begin continuous migration\n"
END = b"End continuous migration\nEnd continuous migration (quiet)\n"


class FakeQemu:
    """The end of QEMU of a dialogue: answers every command until it is told not to."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self.options = dialogue.options
        self.commands: list[str] = []
        self.errors: dict[str, str] = {}
        self.answers: dict[str, Any] = {}
        self._end = dialogue._theirs.dup()
        self._end.settimeout(0)
        self._end.send(b'{"QMP": {"version": {}, "capabilities": []}}\r\n')
        dialogue.on_started()
        self.serve()

    def serve(self) -> None:
        """Answer the commands that have come, and those that the answers lead to."""
        before = -1
        while self.dialogue._ours.fileno() >= 0 and before < len(self.commands):
            before = len(self.commands)
            self.dialogue._link.read()
            try:
                requests = self._end.recv(1 << 16)
            except BlockingIOError:
                continue
            for line in requests.splitlines():
                self._answer(json.loads(line)["execute"])
            self.dialogue._link.read()

    def tell(self, event: str, **data: str) -> None:
        """Send an event, and have it read."""
        self._end.send(json.dumps({"event": event, "data": data}).encode() + b"\r\n")
        self.serve()

    def close(self) -> None:
        self._end.close()

    def _answer(self, command: str) -> None:
        self.commands.append(command)
        if desc := self.errors.get(command):
            answer: dict[str, Any] = {"error": {"class": "GenericError", "desc": desc}}
        else:
            answer = {"return": self.answers.get(command, {})}
        self._end.send(json.dumps(answer).encode() + b"\r\n")


class FakeStage:
    """The machines of a test: those that the harness has started, by their monitors."""

    def __init__(self) -> None:
        self.watcher = self
        self.watched: set[Source] = set()
        self.log: list[str] = []
        self.is_out_of_processes = False
        self.harness = Migration((7, 2, 0), Path("/logs/x.trace"), self)
        self.machines = [FakeQemu(self.harness.attach())]
        self.harness.on_started()

    def watch(self, source: Source) -> None:
        assert source.fileno() >= 0
        self.watched.add(source)

    def ignore(self, source: Source) -> None:
        assert source.fileno() >= 0
        self.watched.discard(source)

    def start_spare(self) -> None:
        if self.is_out_of_processes:
            raise OSError(11, "Resource temporarily unavailable")
        self.machines.append(FakeQemu(self.harness.attach()))

    def hand_over(self) -> None:
        self.log.append("hand over")

    def press_key(self) -> None:
        self.log.append("key")

    def give_up(self) -> None:
        self.log.append("give up")

    def say(self, data: bytes) -> None:
        """Let the guest print, and QEMU answer."""
        self.harness.on_output(data)
        for machine in (*self.machines[-2:], self.machines[-2]):  # which waits for the destination
            machine.serve()

    def migrate(self) -> None:
        """Complete the migration in progress."""
        source, destination = self.machines[-2:]
        source.tell("MIGRATION", status="completed")
        destination.tell("RESUME")
        self.machines[-1].serve()


@pytest.fixture
def stage() -> Iterator[FakeStage]:
    made = FakeStage()
    yield made
    made.harness.close()
    made.harness.close()
    for machine in made.machines:
        machine.close()
    assert not made.watched


def finding(stage: FakeStage) -> Finding:
    found = stage.harness.finish("")
    assert found
    return found


READY = ["qmp_capabilities", "migrate-set-capabilities"]


def test_a_destination_waits_from_the_start(stage: FakeStage) -> None:
    source, destination = stage.machines
    assert "-incoming" not in source.options
    assert "-D" not in source.options
    assert destination.options[-4:] == ("-incoming", "defer", "-D", "/logs/x.1.trace")
    assert (source.commands, destination.commands) == ([], READY)


@pytest.mark.parametrize("line", [ASK, QUIET, b"x: " + QUIET, QUIET.replace(b"\n", b"\r\n")])
def test_a_migration_ends_with_a_key_on_the_destination(stage: FakeStage, line: bytes) -> None:
    stage.say(line)
    source, destination = stage.machines
    assert source.commands == [*READY, "stop", "cont", "getfd", "migrate"]
    assert destination.commands == [*READY, "getfd", "migrate-incoming"]
    assert stage.log == []
    stage.migrate()
    assert stage.log == ["hand over", "key"]
    assert stage.harness.moves == 1
    assert stage.harness.finish("") is None


def test_a_further_migration_starts_a_further_destination(stage: FakeStage) -> None:
    for number in (1, 2, 3):
        stage.say(QUIET)
        assert len(stage.machines) == number + 1
        stage.migrate()
    assert stage.machines[1].commands == [
        *READY,
        *("getfd", "migrate-incoming", "stop", "cont", "getfd", "migrate"),
    ]
    assert stage.log == ["hand over", "key"] * 3
    assert stage.harness.moves == 3


def test_the_machine_stops_until_the_destination_waits_for_its_data(stage: FakeStage) -> None:
    source, destination = stage.machines
    stage.harness.on_output(QUIET)
    source.serve()
    assert source.commands == [*READY, "stop"]
    destination.serve()
    source.serve()
    assert source.commands == [*READY, "stop", "cont", "getfd", "migrate"]


def test_the_machine_goes_on_in_continuous_migration(stage: FakeStage) -> None:
    stage.say(BEGIN)
    assert stage.machines[0].commands == [*READY, "getfd", "migrate"]


def test_a_line_may_come_in_parts(stage: FakeStage) -> None:
    for byte in ASK:
        assert "migrate" not in stage.machines[0].commands
        stage.say(bytes((byte,)))
    assert stage.machines[0].commands[-1] == "migrate"


def test_an_exit_is_nothing_special_without_a_migration(stage: FakeStage) -> None:
    stage.say(QUIET)
    stage.migrate()
    stage.say(b"EXIT: STATUS=1\n")
    assert stage.log == ["hand over", "key"]


def test_a_skip_needs_no_migration(stage: FakeStage) -> None:
    stage.say(SKIP)
    assert stage.log == ["key"]
    assert stage.harness.finish("") is None


def test_a_migration_may_follow_a_skip(stage: FakeStage) -> None:
    stage.say(SKIP)
    stage.say(QUIET)
    stage.migrate()
    assert stage.log == ["key", "hand over", "key"]


def test_continuous_migration(stage: FakeStage) -> None:
    stage.say(BEGIN)
    assert stage.log == ["key"]
    for _ in range(3):
        stage.migrate()
    assert stage.log == ["key", *["hand over"] * 3]
    stage.say(END)
    assert stage.log == ["key", *["hand over"] * 3]
    stage.migrate()
    assert stage.log == ["key", *["hand over"] * 4, "key"]
    stage.say(QUIET)
    stage.migrate()
    assert stage.harness.finish("") is None
    assert stage.harness.moves == 5


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([END], "continuous migration ended, but it was not begun"),
        ([BEGIN, BEGIN], "continuous migration begun again; end it first"),
        ([BEGIN, SKIP], "migration skipped in continuous migration"),
        ([BEGIN, QUIET], "migrate() in continuous migration; end it first"),
        ([QUIET, QUIET], '"Now migrate the VM" before the migration was complete'),
        ([QUIET, SKIP], '"Skipped VM migration" before the migration was complete'),
    ],
)
def test_requests_that_make_no_sense(stage: FakeStage, lines: list[bytes], text: str) -> None:
    for line in lines:
        stage.say(line)
    stage.say(END)
    assert stage.log[-1] == "give up"
    assert stage.log.count("give up") == 1
    assert finding(stage) == Finding(FindingKind.MISUSED, "migration-misused", text)


def test_no_migration(stage: FakeStage) -> None:
    text = "the test ended without a migration; call migrate(), or migrate_skip()"
    assert finding(stage) == Finding(FindingKind.UNMET, "not-migrated", text)


def test_an_end_during_a_migration(stage: FakeStage) -> None:
    stage.say(QUIET)
    stage.migrate()
    stage.say(QUIET)
    text = "migration 2 did not complete"
    assert finding(stage) == Finding(FindingKind.UNFINISHED, "not-migrated", text)


@pytest.mark.parametrize("is_seen_first", [False, True])
def test_a_guest_that_powers_off_in_continuous_migration(
    stage: FakeStage, *, is_seen_first: bool
) -> None:
    """QEMU may hang or crash then, and the destination ends with an error."""
    stage.say(BEGIN)
    if is_seen_first:
        stage.machines[0].tell("SHUTDOWN", reason="guest-shutdown")
    else:
        stage.machines[0]._end.send(b'{"event": "SHUTDOWN"}\r\n')
    stage.harness.on_spare_exit(1, "load of migration failed")
    assert stage.log == ["key", "give up"]
    assert finding(stage).kind is FindingKind.UNMET


def test_an_end_in_continuous_migration(stage: FakeStage) -> None:
    stage.say(BEGIN)
    found = finding(stage)
    assert (found.kind, found.cause) == (FindingKind.UNMET, "migration-misused")
    assert "without migrate_end_continuous()" in found.text
    stage.say(b"EXIT: STATUS=1\n")
    assert stage.log == ["key", "give up"]


def failed(stage: FakeStage) -> str:
    assert stage.log[-1] == "give up"
    found = finding(stage)
    assert (found.kind, found.cause) == (FindingKind.FAILED, "migration-failed")
    return found.text


def test_a_source_that_refuses(stage: FakeStage) -> None:
    stage.machines[0].errors["migrate"] = "device x is not migratable"
    stage.say(QUIET)
    assert failed(stage) == ("migration 1 failed: QEMU rejects migrate: device x is not migratable")


def test_a_source_that_fails_and_then_the_destination(stage: FakeStage) -> None:
    stage.machines[0].answers["query-migrate"] = {"status": "failed", "error-desc": "it broke"}
    stage.say(QUIET)
    stage.machines[0].tell("MIGRATION", status="failed")
    assert stage.log == []
    stage.harness.on_spare_exit(1, "qemu: load of migration failed")
    assert failed(stage) == (
        "migration 1 failed: the source reports: it broke; "
        "the destination ended with exit status 1: qemu: load of migration failed"
    )


def test_a_source_that_fails_after_the_destination(stage: FakeStage) -> None:
    stage.say(QUIET)
    stage.harness.on_spare_exit(-6, "")
    assert failed(stage) == "migration 1 failed: the destination ended with signal 6"
    stage.machines[0].tell("MIGRATION", status="failed")
    assert stage.log == ["give up"]


def test_a_destination_that_cannot_be_started(stage: FakeStage) -> None:
    stage.say(QUIET)
    stage.migrate()
    stage.is_out_of_processes = True
    stage.say(QUIET)
    assert failed(stage) == (
        "migration 2 failed: the destination could not be started: Resource temporarily unavailable"
    )


def test_a_destination_that_ends_before_it_is_needed_is_replaced(stage: FakeStage) -> None:
    stage.harness.on_spare_exit(1, "no such CPU")
    assert stage.log == []
    stage.say(QUIET)
    source, _, destination = stage.machines
    source.serve()
    destination.serve()
    source.serve()
    assert source.commands[-1] == "migrate"
    destination.tell("RESUME")
    assert stage.harness.moves == 1


def test_a_destination_that_ends_right_after_it_took_over(stage: FakeStage) -> None:
    """Its exit is seen before the event."""
    stage.say(QUIET)
    destination = stage.machines[1]
    destination._end.send(b'{"event": "RESUME"}\r\n')
    destination.close()
    stage.harness.on_spare_exit(0, "")
    assert stage.log == ["hand over", "key"]
    assert stage.harness.finish("") is None


def test_a_machine_that_ends_is_no_failure_of_the_harness(stage: FakeStage) -> None:
    stage.machines[0].close()
    stage.machines[0].dialogue._link.read()
    assert stage.log == []


REQUESTS = {
    ASK: [Request.MIGRATE],
    QUIET: [Request.MIGRATE],
    SKIP: [Request.SKIP],
    BEGIN: [Request.BEGIN],
    END: [Request.END],
    b"EXIT: STATUS=1\n": [Request.EXIT],
    b"PASS: a migration\n": [],
    b"Now migrate\nthe VM\n": [],
    b"\xff\x00\n\n": [],
}


@given(st.lists(st.sampled_from(list(REQUESTS)), max_size=8), st.data())
def test_requests_do_not_depend_on_how_the_output_is_divided(
    lines: list[bytes], data: st.DataObject
) -> None:
    text = b"".join(lines)
    reader = RequestReader()
    found: list[Request] = []
    while text:
        size = data.draw(st.integers(1, len(text)))
        found += reader.feed(text[:size])
        text = text[size:]
    assert found == [request for line in lines for request in REQUESTS[line]]


def test_an_endless_line_takes_no_memory() -> None:
    reader = RequestReader()
    for _ in range(100):
        assert not list(reader.feed(b"x" * 100_000))
    assert len(reader._pending) < 10_000
    assert list(reader.feed(QUIET)) == [Request.MIGRATE]


class PanicStage(FakeStage):
    """The machine of a test that is to panic."""

    def __init__(self, errors: dict[str, str] | None = None) -> None:
        self.watcher = self
        self.watched = set()
        self.log = []
        self.panic = Panic((11, 1, 0), self)
        dialogue = self.panic.attach()
        self.qemu = FakeQemu(dialogue)
        self.qemu.errors = errors or {}
        self.panic.on_started()


@pytest.fixture
def panics() -> Iterator[Callable[..., PanicStage]]:
    made: list[PanicStage] = []

    def make() -> PanicStage:
        made.append(PanicStage())
        return made[-1]

    yield make
    for each in made:
        each.panic.close()
        each.qemu.close()
        assert not each.watched


def test_a_machine_that_is_to_panic_starts_stopped(panics: Callable[..., PanicStage]) -> None:
    qemu = panics().qemu
    assert qemu.options[-1] == "-S"
    assert any(option.startswith("monitor-qmp,") for option in qemu.options)
    assert qemu.commands == ["qmp_capabilities", "cont"]


def test_a_panic_passes(panics: Callable[..., PanicStage]) -> None:
    stage = panics()
    assert stage.panic.finish("").kind is FindingKind.UNMET_END
    stage.qemu.tell("RESUME")
    stage.qemu.tell("GUEST_PANICKED", action="poweroff")
    assert stage.log == ["give up"]
    assert stage.panic.finish("") == Finding(FindingKind.PASSED, "panicked", "the guest panicked")


def test_a_panic_that_is_read_after_the_end_passes(panics: Callable[..., PanicStage]) -> None:
    stage = panics()
    stage.qemu._end.send(b'{"event": "GUEST_PANICKED", "data": {"action": "poweroff"}}\r\n')
    stage.qemu.close()
    assert stage.panic.finish("").kind is FindingKind.PASSED


def test_no_panic(panics: Callable[..., PanicStage]) -> None:
    stage = panics()
    stage.qemu.tell("SHUTDOWN", reason="guest-shutdown")
    stage.qemu.close()
    text = "the guest did not panic"
    assert stage.panic.finish("") == Finding(FindingKind.UNMET_END, "no-panic", text)


def test_a_monitor_that_sends_garbage_is_no_panic(panics: Callable[..., PanicStage]) -> None:
    stage = panics()
    stage.qemu._end.send(b'\xff{"event"\n[]\n"GUEST_PANICKED"\n{"event": []}\n')
    assert stage.panic.finish("").kind is FindingKind.UNMET_END
