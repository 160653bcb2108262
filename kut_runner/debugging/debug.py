# SPDX-License-Identifier: GPL-2.0-or-later
"""Debugging of a test: its machine is stopped at `main` when the debugger connects.

QEMU starts as for a run, with its CPUs stopped and the two sockets of `targets.inspection`. Through
them kut runs the machine to `main`, so that any debugger finds it there. kut then listens on a
local port and passes the connection of the first client to QEMU, which attaches its gdb stub to it.
From then on kut only waits for the debugger, the client or QEMU to end; QEMU ends with kut, even
when kut is killed.
"""

import codecs
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

from kut_runner.debugging import debugger as debuggers
from kut_runner.debugging import symbol_file
from kut_runner.definitions.fields import DAY
from kut_runner.diagnose import symbols
from kut_runner.errors import (
    ExitCode,
    InfrastructureError,
    MachineRefusedError,
    NothingSelectedError,
    UsageError,
)
from kut_runner.process.boot import Boot, ProcessExit
from kut_runner.process.capture import create, write_all
from kut_runner.process.child import die_with_parent
from kut_runner.process.signals import Signals
from kut_runner.targets import snapshots
from kut_runner.targets.case import file_name
from kut_runner.targets.inspection import QemuInspector, load_address
from kut_runner.targets.remote import Link, Monitor, RemoteError, Steps, Stub
from kut_runner.targets.unmigrated import Unmigrated
from kut_runner.text import printable

if TYPE_CHECKING:
    from kut_runner.debugging.debugger import DebuggedImage, Debugger, DebuggerOptions
    from kut_runner.targets.case import Case

_HERE: Final = "127.0.0.1"
#: Events for a peer that has closed the connection; macOS has no POLLRDHUP.
_HUNG_UP: Final = getattr(select, "POLLRDHUP", 0) | select.POLLHUP
#: Seconds from SIGTERM to SIGKILL for a debugger.
_GRACE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """A case to debug, with its options."""

    case: "Case"
    tree: Path
    serial: Path
    """File for the raw bytes of the serial line."""
    at_reset: bool = False
    """Whether to stop at the first instruction of the machine instead of at main."""
    snapshots: Path | None = None
    """Disk image for the snapshots of a replay; None for a case that is no replay."""
    show: Callable[[str], None] | None = None
    """Receives the output of the guest as printable text."""


class Machine:
    """Context manager for a stopped machine; QEMU ends with the block."""

    def __init__(self, request: Request, signals: Signals) -> None:
        """Start QEMU.

        Raises OSError when it cannot be started, NothingSelectedError when the target does not
        meet the needs of the test, and UsageError when it has no gdb stub.
        """
        case = request.case
        if need := case.target.unmet_need(case.test):
            raise NothingSelectedError(f"{case.id} cannot run here: {need}")
        self._request = request
        self._signals = signals
        self._readers: dict[int, Callable[[], int | None]] = {}
        self._poll = select.poll()
        self._steps: Steps[None] | None = None
        self._deadline: float | None = None
        self._stopped = "at its first instruction" if request.at_reset else "at main"
        self._load: int | None = None
        self._client: socket.socket | None = None
        self._ended: ProcessExit | None = None
        self._has_told = False
        self.is_left = False
        """Whether the client has disconnected."""
        launch = case.target.launch(case.test, case.image, request.serial, DAY, inspect=True)
        if not launch.inspector:
            raise UsageError(
                f"target {case.target.name} has no gdb stub that kut supports", "omit --target"
            )
        self._boot = Boot(
            replace(
                launch,
                command=(*launch.command, "-S"),
                harness=partial(Unmigrated, self._on_migration) if case.test.migration else None,
                stderr=request.tree / f"build/debug/{file_name(case.id)}.stderr",
            ),
            _Text(request.show).feed if request.show else None,
        )
        assert isinstance(self._boot.inspector, QemuInspector)  # noqa: S101 - for mypy
        self._ends = self._boot.inspector.ours
        self._links = [Link(end, self._go_on) for end in self._ends]
        self._monitor, self._stub = Monitor(self._links[0]), Stub(self._links[1])
        self._watch(signals.fileno(), self._drain)
        self._watch(self._boot.fileno(), self._boot.read)
        for link in self._links:
            self._watch(link.fileno(), link.read)

    def __enter__(self) -> Self:
        """Return the machine."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End QEMU."""
        try:
            self._finish()
        except (InfrastructureError, OSError):  # the disk is full
            if not error:
                raise

    @property
    def _has_steps(self) -> bool:
        return self._steps is not None

    @property
    def has_ended(self) -> bool:
        """Whether QEMU has ended."""
        return self._boot.has_ended()

    def prepare(self) -> "DebuggedImage":
        """Run the machine to main, report that to the user, and return the image to debug.

        Raises MachineRefusedError when QEMU refuses the machine, and InfrastructureError when it
        ends before main.
        """
        elf = self._request.case.image.elf
        self._steps = self._begin(symbols.Symbols(elf).address("main"))
        self._go_on()
        while self._has_steps:
            if self._deadline and time.monotonic() >= self._deadline:
                self._stop_before_main()
            self.wait(self._deadline and self._deadline - time.monotonic())
        if self._load is None:
            raise InfrastructureError("QEMU does not report the load address of the image")
        self._close_stub()
        name, log = self._request.case.id, os.path.relpath(self._request.serial)
        say(f"{name} is stopped {self._stopped}; serial output: {log}")
        if trace := self._boot.launch.trace:
            say(f"trace: {os.path.relpath(trace)}")
        symbols_for = symbol_file.write(elf, self._request.tree / "build/debug")
        return debuggers.DebuggedImage(symbols_for, self._load, self._request.tree)

    def listen(self, listener: socket.socket) -> None:
        """Pass the first client of `listener` to QEMU's gdb stub."""

        def accept() -> None:
            self._client, _ = listener.accept()
            self._ignore(listener.fileno())
            listener.close()
            # Without TCP_NODELAY every packet of the gdb protocol takes 40 ms.
            self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._steps = self._hand_over(self._client)
            self._go_on()
            self._watch(self._client.fileno(), self._leave, _HUNG_UP)

        self._watch(listener.fileno(), accept)

    def wait(self, seconds: float | None = None) -> None:
        """Wait for events, at most `seconds`, and handle them.

        Raises KeyboardInterrupt when a signal asks kut to stop, and KutError as `prepare` does or
        when QEMU does not take the connection of a client.
        """
        for descriptor, _ in self._poll.poll(None if seconds is None else max(seconds, 0) * 1000):
            if descriptor in self._readers and self._readers[descriptor]() == 0:
                self._ignore(descriptor)
        if self._signals.stops:
            raise KeyboardInterrupt

    def _finish(self) -> ProcessExit:
        """Kill QEMU on the first call; its output up to then is in the log."""
        if not self._ended:
            with self._boot.log:
                self._ended = self._boot.finish()
            if self._client:
                self._client.close()
        return self._ended

    def _watch(
        self, descriptor: int, read: Callable[[], int | None], events: int = select.POLLIN
    ) -> None:
        """Call `read` on events of a descriptor, until it returns 0."""
        self._readers[descriptor] = read
        self._poll.register(descriptor, events)

    def _ignore(self, descriptor: int) -> None:
        if self._readers.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def _close_stub(self) -> None:
        """Disconnect from the gdb stub; the machine stays stopped."""
        self._ignore(self._links[1].fileno())
        self._ends[1].close()

    def _on_migration(self) -> None:
        if not self._has_told:
            say("the test asks for a migration; in a debugger it stays on this machine")
        self._has_told = True

    def _drain(self) -> None:
        self._signals.drain()

    def _leave(self) -> int:
        self.is_left = True
        return 0

    def _go_on(self) -> bool:
        """Take the next step of the dialogue with QEMU; return False, to go on reading."""
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
            except RemoteError as error:
                self._steps = None
                raise self._failure(error) from None
        return False

    def _begin(self, main: int | None) -> Steps[None]:
        yield from self._monitor.ask("qmp_capabilities")
        roms = yield from self._monitor.ask_human("info roms")
        self._load = load_address(roms, str(self._request.case.image.flat))
        yield from self._monitor.ask_human("gdbserver chardev:kut-gdb")
        if self._request.at_reset or main is None or self._load is None:
            return
        yield from self._stub.set_breakpoint(self._load + main, is_set=True)
        self._deadline = time.monotonic() + self._request.case.test.timeout
        yield from self._stub.run()
        self._deadline = None
        yield from self._stub.set_breakpoint(self._load + main, is_set=False)

    def _hand_over(self, client: socket.socket) -> Steps[None]:
        """Pass a connection to QEMU, and attach its gdb stub to it.

        In a replay QEMU then takes the snapshot from which it goes back, if it has a disk.
        """
        if self._request.snapshots:
            disk = snapshots.node(self._request.snapshots)
            yield from self._monitor.ask("blockdev-add", disk)
        name = "kut-client"
        yield from self._monitor.ask("getfd", {"fdname": name}, [client.fileno()])
        address = {"type": "fd", "data": {"str": name}}
        backend = {"type": "socket", "data": {"addr": address, "server": False}}
        yield from self._monitor.ask("chardev-add", {"id": name, "backend": backend})
        yield from self._monitor.ask_human(f"gdbserver chardev:{name}")

    def _stop_before_main(self) -> None:
        """Stop a machine that has not reached main in time."""
        self._deadline = None
        self._stub.interrupt()
        self._stopped = f"before main, after {self._request.case.test.timeout:g} s"

    def _failure(self, error: RemoteError) -> Exception:
        process_exit = self._finish()
        name = self._request.case.id
        if self._client:
            return InfrastructureError(
                f"{name}: QEMU did not take the connection of the debugger: {error}",
                process_exit.stderr or f"see {self._request.serial}",
            )
        if process_exit.stderr and not self._deadline:
            return MachineRefusedError(f"QEMU refused: {process_exit.stderr}")
        message = f"{name} ended before main: {error}"
        hint = f"see {self._request.serial}; --at-reset stops at the machine's first instruction"
        return InfrastructureError(message, hint)


def with_debugger(
    request: Request, debugger: "Debugger", debugger_options: "DebuggerOptions"
) -> int:
    """Run a debugger in this terminal, connected to the machine; return the exit code.

    Raises KutError, and KeyboardInterrupt when a signal asks kut to stop.
    """
    with Signals() as signals, Machine(request, signals) as stopped, _listen(0) as listener:
        debugged = stopped.prepare()
        port: int = listener.getsockname()[1]
        stopped.listen(listener)
        signals.handles_interrupts = False  # Ctrl-C is the debugger's
        argv = debuggers.arguments(debugger, debugged, port, debugger_options)
        with _running(argv, debugger.environment(os.environ)) as process:
            while process.poll() is None:
                stopped.wait()
        return _exit_code(debugger, process.returncode)


def for_client(request: Request, port: int) -> int:
    """Let a debugger connect to `port`, 0 for any free one; return the exit code at its end.

    Raises KutError, and KeyboardInterrupt when a signal asks kut to stop.
    """
    with Signals() as signals, Machine(request, signals) as stopped, _listen(port) as listener:
        debugged = stopped.prepare()
        port = listener.getsockname()[1]
        stopped.listen(listener)
        script = _write_for_ide(debugged, request.tree / "build/debug")
        say(f"symbols: source {script}")
        say(f"gdb stub: localhost:{port}")
        while not (stopped.is_left or stopped.has_ended):
            stopped.wait()
    return ExitCode.OK


def say(text: str) -> None:
    """Print a message for the user on stderr."""
    print(f"kut: {text}", file=sys.stderr, flush=True)  # noqa: T201


class _Text:
    """Decodes serial bytes into text that is safe on a terminal, without waiting for full lines."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def feed(self, data: bytes) -> None:
        text = self._decoder.decode(data).replace("\r", "")
        self._show("\n".join(printable(line) for line in text.split("\n")))


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HERE, port))
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}", "choose another one with --port"
        ) from None
    return listener


def _write_for_ide(debugged: "DebuggedImage", directory: Path) -> Path:
    """Write the commands for an IDE's gdb, and link the ELF file under a fixed name."""
    script = directory / "kut.gdb"
    with create(script) as file:
        write_all(file, script, debuggers.gdb_script(debugged).encode())
    temporary = directory / f"image.elf.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(debugged.elf)
    temporary.replace(directory / "image.elf")
    return script


@contextmanager
def _running(
    argv: tuple[str, ...], environ: Mapping[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a debugger in the foreground of the terminal; it ends with kut."""
    with _terminal_restored(sys.stdin):
        process = subprocess.Popen(
            argv,
            env=environ,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - see there
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _terminal_restored(stream: TextIO | None) -> Iterator[None]:
    """Restore the modes of a terminal after the block."""
    if not stream or not stream.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(stream)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(stream, termios.TCSADRAIN, before)


def _exit_code(debugger: "Debugger", status: int) -> int:
    """Return kut's exit code for the exit status of a debugger.

    Raises InfrastructureError when a signal killed it.
    """
    if status < 0:
        name = signal.Signals(-status).name
        raise InfrastructureError(f"{debugger.program} was killed by {name}")
    return ExitCode.OK if status == 0 else ExitCode.TESTS_FAILED
