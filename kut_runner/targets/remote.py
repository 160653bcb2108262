# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests to a running QEMU, through its monitor (QMP) and its gdb stub.

A request is a generator that never blocks: it yields until the response has arrived and returns it.
The caller resumes it after a `Link` has received data.
"""

import json
import re
import socket
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

Response = TypeVar("Response")
Steps = Generator[None, None, Response]

_CHUNK: Final = 1 << 16
#: Bytes of a description in one request, below the smallest packet size of any QEMU.
_PART: Final = 0x800
#: Most bytes of a response.
_LARGEST_RESPONSE: Final = 1 << 22
#: Events of a monitor that are kept until they are asked for.
_MOST_EVENTS: Final = 64
#: First version of QEMU with monitor objects; it deprecates "-mon".
_MONITOR_OBJECTS: Final = (11, 1)
#: Registers in a "g" packet, in its order: 64 bits each, then 32 bits of processor state.
_CORE: Final = (*(f"x{number}" for number in range(31)), "sp", "pc")
_CPSR: Final = 33
_PC: Final = 32
_THREAD: Final = re.compile(r"thread:([^;]*);")
_XML_REGISTER: Final = re.compile(r"<reg\b[^>]*>")
_XML_NAME: Final = re.compile(r'\bname="(\w+)"')
_XML_NUMBER: Final = re.compile(r'\bregnum="(\d+)"')
_XML_SYSTEM: Final = re.compile(r'href="(system-registers[\w.-]*)"')


class RemoteError(Exception):
    """A missing or unexpected response of QEMU, described by the text."""


class Link:
    """One end of a socket to QEMU, for a selector."""

    def __init__(self, end: socket.socket, on_data: Callable[[], bool]) -> None:
        """Take over the socket; `on_data` is called after each read and returns True at the end."""
        self._socket = end
        self._socket.settimeout(0)
        self._on_data = on_data
        self._received = bytearray()
        self._is_closed = False

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return self._socket.fileno()

    def read(self) -> int | None:
        """Receive data and process it; return 0 at the end, None before."""
        with suppress(BlockingIOError):
            try:
                data = self._socket.recv(_CHUNK)
            except ConnectionError:
                data = b""
            self._received += data
            self._is_closed = not data or len(self._received) > _LARGEST_RESPONSE
        return 0 if self._on_data() or self._is_closed else None

    @property
    def has_data(self) -> bool:
        """Whether received bytes are left."""
        return bool(self._received)

    @property
    def is_closed(self) -> bool:
        """Whether QEMU has closed the connection."""
        return self._is_closed

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send bytes and descriptors; raises RemoteError if QEMU does not accept them."""
        try:
            if descriptors:
                sent = socket.send_fds(self._socket, [data], descriptors)
            else:
                sent = self._socket.send(data)
        except OSError as error:
            self._is_closed = self._is_closed or isinstance(error, ConnectionError)
            raise RemoteError(f"QEMU accepts no request: {error.strerror}") from None
        if sent < len(data):
            raise RemoteError("QEMU accepts no more requests")

    def receive(self, pattern: re.Pattern[bytes]) -> Steps[bytes]:
        """Return group 1 of a pattern in the received bytes; bytes before it are discarded."""
        while not (match := pattern.search(self._received)):
            if self._is_closed:
                raise RemoteError("QEMU has closed the connection")
            yield
        found = bytes(match[1])  # before the buffer changes
        del self._received[: match.end()]
        return found


class Monitor:
    """Client of QEMU's monitor (QMP)."""

    _LINE: Final = re.compile(rb"([^\n]*)\n")

    def __init__(self, link: Link) -> None:
        """Send nothing yet."""
        self._link = link
        self._events: deque[dict[str, Any]] = deque(maxlen=_MOST_EVENTS)

    def ask(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        descriptors: Sequence[int] = (),
    ) -> Steps[Any]:
        """Return the response to a command; raises RemoteError."""
        request = {"execute": command, "arguments": arguments or {}}
        self._link.send(json.dumps(request).encode() + b"\n", descriptors)
        while True:
            response = yield from self._receive()
            if "error" in response:
                raise RemoteError(f"QEMU rejects {command}: {_description(response['error'])}")
            if "return" in response:
                return response["return"]
            if "event" in response:
                self._events.append(response)

    def event(self, *names: str) -> Steps[tuple[str, Mapping[str, Any]]]:
        """Return name and data of the next event with one of these names.

        Other events before it are discarded. Raises RemoteError if QEMU closes the connection.
        """
        while True:
            response = self._events.popleft() if self._events else (yield from self._receive())
            if (name := response.get("event")) in names:
                data = response.get("data")
                return name, data if isinstance(data, dict) else {}

    def _receive(self) -> Steps[dict[str, Any]]:
        """Return the next message."""
        while True:
            line = yield from self._link.receive(self._LINE)
            try:
                response = json.loads(line)
            except ValueError:
                continue
            if isinstance(response, dict):
                return response

    def ask_human(self, command: str) -> Steps[str]:
        """Return the output of a command of the human monitor; raises RemoteError."""
        response = yield from self.ask("human-monitor-command", arguments={"command-line": command})
        return str(response)


class Stub:
    """Client of QEMU's gdb stub."""

    _PACKET: Final = re.compile(rb"\$([^#$]*)#..", re.DOTALL)

    def __init__(self, link: Link) -> None:
        """Send nothing yet."""
        self._link = link
        self._numbers: dict[str, int] = {}

    def ask(self, request: str) -> Steps[str]:
        """Return the response to a packet; raises RemoteError."""
        data = request.encode()
        self._link.send(b"$%s#%02x" % (data, sum(data) & 0xFF))
        packet = yield from self._link.receive(self._PACKET)
        self._link.send(b"+")
        return _unescaped(packet).decode("latin-1")

    def connect(self) -> Steps[list[str]]:
        """Return the stub's names of the CPUs, in the order of their numbers."""
        yield from self.ask("qSupported:multiprocess+;xmlRegisters=aarch64")
        yield from self._read_register_numbers()
        names: list[str] = []
        response = yield from self.ask("qfThreadInfo")
        while response.startswith("m"):
            names += response[1:].split(",")
            response = yield from self.ask("qsThreadInfo")
        return names

    def select(self, cpu: str) -> Steps[bool]:
        """Select a CPU for further requests; return whether it is halted."""
        yield from self.ask(f"Hg{cpu}")
        state = yield from self.ask(f"qThreadExtraInfo,{cpu}")
        with suppress(ValueError):
            return b"halted" in bytes.fromhex(state)
        return False

    def core_registers(self) -> Steps[dict[str, int]]:
        """Return x0 to x30, sp, pc and cpsr."""
        data = _bytes((yield from self.ask("g")))
        if len(data) < _CPSR * 8 + 4:
            raise RemoteError("QEMU provides no registers")
        found = {name: _number(data[at * 8 : at * 8 + 8]) for at, name in enumerate(_CORE)}
        return {**found, "cpsr": _number(data[_CPSR * 8 : _CPSR * 8 + 4])}

    def system_register(self, name: str) -> Steps[int | None]:
        """Return a system register, None if QEMU does not provide it."""
        if name not in self._numbers:
            return None
        response = yield from self.ask(f"p{self._numbers[name]:x}")
        data = _bytes(response)
        return _number(data) if data else None

    def write_state(self, state: int) -> Steps[None]:
        """Write PSTATE of the CPU, which selects the translation regime of `memory`."""
        yield from self.ask(f"P{_CPSR:x}={state.to_bytes(4, 'little').hex()}")

    def memory(self, address: int, size: int) -> Steps[bytes]:
        """Return bytes of memory at a virtual address of the CPU; none if it is not mapped."""
        response = yield from self.ask(f"m{address:x},{size:x}")
        data = _bytes(response)
        return data if len(data) == size else b""

    def set_breakpoint(self, address: int, *, is_set: bool) -> Steps[None]:
        """Set or remove a hardware breakpoint; raises RemoteError."""
        if (yield from self.ask(f"{'Z' if is_set else 'z'}1,{address:x},4")) != "OK":
            raise RemoteError(f"QEMU rejects a breakpoint at {address:#x}")

    def run(self) -> Steps[str]:
        """Run the machine until a CPU stops it; return that CPU. Raises RemoteError if it ends."""
        return (yield from self._resume("c"))

    def step(self) -> Steps[str]:
        """Execute an instruction of the CPU that stopped last; return and raise as for `run`."""
        return (yield from self._resume("s"))

    def program_counter(self) -> Steps[int]:
        """Return PC of the selected CPU, which is the one that stopped last; raises RemoteError."""
        data = _bytes((yield from self.ask(f"p{_PC:x}")))
        if not data:
            raise RemoteError("QEMU provides no registers")
        return _number(data)

    def _resume(self, request: str) -> Steps[str]:
        stopped = yield from self.ask(request)
        if stopped[:1] not in {"T", "S"}:
            raise RemoteError("the machine has ended")
        match = _THREAD.search(stopped)
        return match[1] if match else ""

    def interrupt(self) -> None:
        """Stop a running machine, which ends a pending `run`."""
        self._link.send(b"\x03")

    def _read_register_numbers(self) -> Steps[None]:
        """Read the numbers of the system registers, which depend on the version of QEMU."""
        target = yield from self._description("target.xml")
        if not (match := _XML_SYSTEM.search(target)):
            return
        for each in _XML_REGISTER.findall((yield from self._description(match[1]))):
            name, number = _XML_NAME.search(each), _XML_NUMBER.search(each)
            if name and number:
                self._numbers.setdefault(name[1], int(number[1]))

    def _description(self, name: str) -> Steps[str]:
        text = ""
        while len(text) < _LARGEST_RESPONSE:
            part = yield from self.ask(f"qXfer:features:read:{name}:{len(text):x},{_PART:x}")
            text += part[1:]
            if part[:1] != "m":
                break
        return text


def monitor_options(version: tuple[int, ...], name: str, descriptor: int) -> tuple[str, ...]:
    """Return options for a monitor (QMP) on a socket that QEMU inherits; `name` is unique."""
    if version >= _MONITOR_OBJECTS:
        monitor = ("-object", f"monitor-qmp,id={name}-qmp,chardev={name}")
    else:
        monitor = ("-mon", f"chardev={name},mode=control")
    return ("-chardev", f"socket,id={name},fd={descriptor}", *monitor)


def _description(error: object) -> str:
    """Return the text of an error in a response."""
    text = error.get("desc") if isinstance(error, dict) else None
    return text if isinstance(text, str) else str(error)


def _unescaped(data: bytes) -> bytes:
    """Undo the escapes of the stub: bit 5 of a byte after "}" is inverted."""
    return re.sub(rb"\}(.)", lambda match: bytes((match[1][0] ^ 0x20,)), data, flags=re.DOTALL)


def _bytes(response: str) -> bytes:
    """Return the bytes of a response in hex, none for an error."""
    try:
        return bytes.fromhex(response)
    except ValueError:
        return b""


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
