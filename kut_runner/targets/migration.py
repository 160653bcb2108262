# SPDX-License-Identifier: GPL-2.0-or-later
"""Harness that migrates a test from one QEMU to another, when the test asks for it.

The destination is the same QEMU with `-incoming defer`. The first one starts with the test, as at
least one migration is expected; a further one starts when it is needed. The two QEMUs are connected
by a pair of sockets, which the monitors pass to them: nothing is in the file system, and no port is
open. A guest that waits for a key polls, so that its machine is stopped until the destination is
ready for its data. The destination's event RESUME completes a migration: from then on the guest
runs there, the source is killed, and the guest gets the key that it waits for. In a continuous
migration the next one begins immediately, until the guest asks for the end.

    request      answer
    MIGRATE      migrate, then press a key
    SKIP         press a key; the test may end without a migration
    BEGIN        press a key; migrate again and again
    END          press a key after the migration in progress, which is the last one
    EXIT         stop the test, if a migration is in progress
"""

import socket
from typing import TYPE_CHECKING, Any, Final

from kut_runner.process.harness import Finding, FindingKind
from kut_runner.targets.dialogue import Dialogue, lost_socket
from kut_runner.targets.migration_requests import Request, RequestReader

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.process.harness import Stage
    from kut_runner.targets.remote import Steps

_INCOMING: Final = ("-incoming", "defer")
#: Name of the socket in a QEMU.
_CHANNEL: Final = "kut-migration"
_EVENTS: Final = {"capabilities": [{"capability": "events", "state": True}]}
_FAILURES: Final = ("failed", "cancelled")


class Migration:
    """Harness of one test; see `process.harness.Harness`."""

    def __init__(self, version: tuple[int, ...], trace: "Path | None", stage: "Stage") -> None:
        """Start nothing yet; `version` is that of QEMU, `trace` the file of its `-D`."""
        self._version = version
        self._trace = trace
        self._attached = 0
        self._stage = stage
        self._requests = RequestReader()
        self._current: _Peer | None = None
        self._spare: _Peer | None = None
        self._is_migrating = False
        self.is_continuous = False
        """Whether the guest is migrated again and again, and does not wait."""
        self._is_ending = False
        self._has_skipped = False
        self._has_shut_down = False
        self._source_error = ""
        self._finding: Finding | None = None
        self.moves = 0
        """Number of completed migrations."""

    def attach(self) -> Dialogue:
        """Return the connection to the next machine, the first one or a destination."""
        options = self._options_of_destination() if self._current else ()
        peer = _Peer(self, self._version, self._stage, options)
        self._attached += 1
        if self._current:
            self._spare = peer
        else:
            self._current = peer
        return peer.dialogue

    def on_started(self) -> None:
        """Start the first destination; raises OSError."""
        self._stage.start_spare()

    def on_output(self, data: bytes) -> None:
        """Process output of the guest."""
        for request in self._requests.feed(data):
            if not self._finding:
                self._handle(request)

    def on_spare_exit(self, code: int, stderr: str) -> None:
        """Handle the exit of the destination by itself, maybe right after it has taken over."""
        spare = self._spare
        if not spare:
            return
        spare.dialogue.drain()
        if self._spare is not spare:
            return
        if self._current:  # a source that powers off ends the destination too
            self._current.dialogue.drain()
        self._spare = None
        spare.dialogue.close()
        if self._is_migrating and not self._has_shut_down:
            end = f"signal {-code}" if code < 0 else f"exit status {code}"
            message = " / ".join(stderr.splitlines())
            self.fail(": ".join(filter(None, (f"the destination ended with {end}", message))))

    def finish(self, stderr: str) -> Finding | None:
        """Return the finding after the end of the last machine."""
        if self._finding:
            return self._finding
        if reason := lost_socket(stderr):
            return Finding(FindingKind.FAILED, "migration-failed", reason)
        if self.is_continuous:
            text = "the test ended in continuous migration, without migrate_end_continuous()"
            return Finding(FindingKind.UNMET, "migration-misused", text)
        if self._is_migrating:
            text = f"migration {self.moves + 1} did not complete"
            return Finding(FindingKind.UNFINISHED, "not-migrated", text)
        if not self.moves and not self._has_skipped:
            text = "the test ended without a migration; call migrate(), or migrate_skip()"
            return Finding(FindingKind.UNMET, "not-migrated", text)
        return None

    def close(self) -> None:
        """Close all descriptors."""
        for peer in (self._current, self._spare):
            if peer:
                peer.close()

    def take_over(self) -> None:
        """Continue on the destination, where the guest runs now."""
        assert self._current  # noqa: S101 - a destination is never the first machine
        self._current.close()
        self._current, self._spare = self._spare, None
        self._is_migrating = False
        self.moves += 1
        self._stage.hand_over()
        if self.is_continuous and not self._is_ending:
            self._migrate()
            return
        self.is_continuous = self._is_ending = False
        self._stage.press_key()

    def on_ready(self) -> None:
        """Let the source begin: the destination waits for its data."""
        if self._current:
            self._current.on_destination_ready()

    def fail(self, text: str) -> None:
        """Stop the test because of a failed migration."""
        reasons = "; ".join(filter(None, (self._source_error, text)))
        text = f"migration {self.moves + 1} failed: {reasons}"
        self._stop(Finding(FindingKind.FAILED, "migration-failed", text))

    def on_shutdown(self) -> None:
        """Stop the test: the guest has ended during a migration, in which QEMU may hang then."""
        self._has_shut_down = True
        self._stage.give_up()

    def on_source_error(self, text: str) -> None:
        """Keep the reason why the source failed, for the report of the destination's end."""
        self._source_error = text
        if not self._spare:
            self.fail("")

    def _options_of_destination(self) -> tuple[str, ...]:
        """Return the options of the next destination; each machine has a trace of its own."""
        if not self._trace:
            return _INCOMING
        trace = self._trace.with_name(f"{self._trace.stem}.{self._attached}{self._trace.suffix}")
        return (*_INCOMING, "-D", str(trace))

    def _handle(self, request: Request) -> None:
        if request is Request.EXIT:
            if self._is_migrating:
                self.on_shutdown()
        elif self.is_continuous:
            self._handle_in_continuous(request)
        elif self._is_migrating:
            self._misuse(f'"{request.value}" before the migration was complete')
        elif request is Request.MIGRATE:
            self._migrate()
        elif request is Request.SKIP:
            self._has_skipped = True
            self._stage.press_key()
        elif request is Request.BEGIN:
            self.is_continuous = True
            self._stage.press_key()
            self._migrate()
        else:
            self._misuse("continuous migration ended, but it was not begun")

    def _handle_in_continuous(self, request: Request) -> None:
        if request is Request.END:
            self._is_ending = True
        elif request is Request.BEGIN:
            self._misuse("continuous migration begun again; end it first")
        elif request is Request.SKIP:
            self._misuse("migration skipped in continuous migration")
        else:
            self._misuse("migrate() in continuous migration; end it first")

    def _migrate(self) -> None:
        """Begin a migration."""
        self._is_migrating = True
        try:
            if not self._spare:
                self._stage.start_spare()
        except OSError as error:
            self.fail(f"the destination could not be started: {error.strerror}")
            return
        assert self._current and self._spare  # noqa: S101, PT018 - both are attached
        ends = socket.socketpair()
        for peer, end in zip((self._current, self._spare), ends, strict=True):
            peer.connect(end)

    def _misuse(self, text: str) -> None:
        self._stop(Finding(FindingKind.MISUSED, "migration-misused", text))

    def _stop(self, finding: Finding) -> None:
        if not self._finding:
            self._finding = finding
            self._stage.give_up()


class _Peer:
    """One QEMU of a migration: first the destination of one, then the source of the next."""

    def __init__(
        self,
        harness: Migration,
        version: tuple[int, ...],
        stage: "Stage",
        options: tuple[str, ...],
    ) -> None:
        """Attach to a machine; `options` are those of a destination, none for the first one."""
        self._harness = harness
        self._is_incoming = bool(options)
        self._channel: socket.socket | None = None
        self._has_ready_destination = False
        self.dialogue = Dialogue(version, stage.watcher, self._steps, harness.fail, options)

    def connect(self, channel: socket.socket) -> None:
        """Take over the end of a connection to the other QEMU, and begin."""
        self._channel = channel
        self.dialogue.advance()

    def on_destination_ready(self) -> None:
        """Begin the migration that waits for its destination."""
        self._has_ready_destination = True
        self.dialogue.advance()

    def close(self) -> None:
        """Close the monitor and the connection."""
        self.dialogue.close()
        if self._channel:
            self._channel.close()

    def _steps(self, dialogue: Dialogue) -> "Steps[None]":
        monitor = dialogue.monitor
        if self._is_incoming:
            yield from self._set_up()
            yield from self._channel_given()
            yield from self._pass_channel("migrate-incoming")
            self._harness.on_ready()
            yield from monitor.event("RESUME")
            self._harness.take_over()
        yield from self._channel_given()
        if not self._is_incoming:
            yield from self._set_up()
        yield from self._destination_ready()
        yield from self._pass_channel("migrate")
        name, status = "", ""
        while name != "SHUTDOWN" and status not in _FAILURES:
            name, data = yield from monitor.event("MIGRATION", "SHUTDOWN")
            status = data.get("status", "")
        if name == "SHUTDOWN":
            self._harness.on_shutdown()
            return
        answer = yield from monitor.ask("query-migrate")
        self._harness.on_source_error(_reason(answer))

    def _set_up(self) -> "Steps[None]":
        """Prepare the monitor.

        For the first machine not before it is needed: QEMU 7.2 may hang when the guest powers off
        while it executes a command.
        """
        yield from self.dialogue.monitor.ask("qmp_capabilities")
        yield from self.dialogue.monitor.ask("migrate-set-capabilities", _EVENTS)

    def _channel_given(self) -> "Steps[None]":
        """Wait for `connect`."""
        while not self._channel:
            yield

    def _destination_ready(self) -> "Steps[None]":
        """Wait for the destination, with the machine stopped if the guest waits too.

        A guest that polls for the key would take the CPU that the destination needs to start.
        """
        monitor, stops = self.dialogue.monitor, not self._harness.is_continuous
        if stops:
            yield from monitor.ask("stop")
        while not self._has_ready_destination:
            yield
        if stops:
            yield from monitor.ask("cont")

    def _pass_channel(self, command: str) -> "Steps[None]":
        """Pass the connection to QEMU, and give a command that uses it."""
        monitor = self.dialogue.monitor
        channel, self._channel = self._channel, None
        assert channel  # noqa: S101 - see _channel_given
        with channel:
            yield from monitor.ask("getfd", {"fdname": _CHANNEL}, [channel.fileno()])
        yield from monitor.ask(command, {"uri": f"fd:{_CHANNEL}"})


def _reason(answer: Any) -> str:  # noqa: ANN401 - JSON
    """Return the reason of a failed migration from the answer to "query-migrate"."""
    reason = answer.get("error-desc") if isinstance(answer, dict) else None
    return f"the source reports: {reason}" if reason else "the source reports no reason"
