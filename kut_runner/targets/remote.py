# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions to a QEMU that runs: its monitor's (QMP), and its gdb stub's.

Nothing here waits. A question is a generator that yields while the answer is not there yet, and
returns it; whoever drives it comes back when a `Link` has heard more.
"""

import json
import re
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")
Steps = Generator[None, None, Answer]

_CHUNK: Final = 1 << 16
#: Bytes asked for at a time of a description, below the smallest packet size of any QEMU.
_PART: Final = 0x800
#: Bytes of an answer that no QEMU reaches: who sends more is not one.
_MOST: Final = 1 << 22
#: What is in a "g" packet, in its order: 64 bits each, then 32 bits of processor state.
_CORE: Final = (*(f"x{number}" for number in range(31)), "sp", "pc")
_CPSR: Final = 33
_XML_REGISTER: Final = re.compile(r"<reg\b[^>]*>")
_XML_NAME: Final = re.compile(r'\bname="(\w+)"')
_XML_NUMBER: Final = re.compile(r'\bregnum="(\d+)"')
_XML_SYSTEM: Final = re.compile(r'href="(system-registers[\w.-]*)"')


class RemoteError(Exception):
    """QEMU has not answered as it should; the text says how."""


class Link:
    """One end of a socket to QEMU; a selector may wait for it."""

    def __init__(self, end: socket.socket, on_data: Callable[[], bool]) -> None:
        """Take over the socket; `on_data` is called after bytes came, and says if it is over."""
        self._socket = end
        self._socket.settimeout(0)
        self._on_data = on_data
        self._received = bytearray()
        self._is_closed = False

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def read(self) -> int | None:
        """Take what has come and go on with it; return None while there is more to come, else 0."""
        with suppress(BlockingIOError):
            try:
                data = self._socket.recv(_CHUNK)
            except ConnectionError:
                data = b""
            self._received += data
            self._is_closed = not data or len(self._received) > _MOST
        return 0 if self._on_data() or self._is_closed else None

    @property
    def has_data(self) -> bool:
        """Tell whether there are bytes that nobody has taken."""
        return bool(self._received)

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send bytes, and descriptors with them; raises RemoteError when QEMU takes none."""
        try:
            if descriptors:
                sent = socket.send_fds(self._socket, [data], descriptors)
            else:
                sent = self._socket.send(data)
        except OSError as error:
            raise RemoteError(f"QEMU takes no question: {error.strerror}") from None
        if sent < len(data):
            raise RemoteError("QEMU takes no more questions")

    def take(self, shape: re.Pattern[bytes]) -> Steps[bytes]:
        """Wait for bytes of a shape, whose group 1 is returned; what comes before is lost."""
        while not (match := shape.search(self._received)):
            if self._is_closed:
                raise RemoteError("QEMU has closed the connection")
            yield
        found = bytes(match[1])  # before the bytes that the match is about are gone
        del self._received[: match.end()]
        return found


class Monitor:
    """QEMU's monitor, through QMP."""

    _LINE: Final = re.compile(rb"([^\n]*)\n")

    def __init__(self, link: Link) -> None:
        """Ask nothing yet."""
        self._link = link

    def ask(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        descriptors: Sequence[int] = (),
    ) -> Steps[Any]:
        """Return the answer to a command; raises RemoteError."""
        question = {"execute": command, "arguments": arguments or {}}
        self._link.send(json.dumps(question).encode() + b"\n", descriptors)
        while True:
            line = yield from self._link.take(self._LINE)
            try:
                answer = json.loads(line)
            except ValueError:
                continue
            if isinstance(answer, dict) and "error" in answer:
                raise RemoteError(f"QEMU refuses {command}: {answer['error']}")
            if isinstance(answer, dict) and "return" in answer:
                return answer["return"]

    def ask_human(self, command: str) -> Steps[str]:
        """Return the answer to a command of the human monitor; raises RemoteError."""
        answer = yield from self.ask("human-monitor-command", arguments={"command-line": command})
        return str(answer)


class Stub:
    """QEMU's gdb stub; it looks at one CPU at a time."""

    _PACKET: Final = re.compile(rb"\$([^#$]*)#..", re.DOTALL)

    def __init__(self, link: Link) -> None:
        """Ask nothing yet."""
        self._link = link
        self._numbers: dict[str, int] = {}

    def ask(self, question: str) -> Steps[str]:
        """Return the answer to a packet; raises RemoteError."""
        data = question.encode()
        self._link.send(b"$%s#%02x" % (data, sum(data) & 0xFF))
        packet = yield from self._link.take(self._PACKET)
        self._link.send(b"+")
        return _unescaped(packet).decode("latin-1")

    def connect(self) -> Steps[list[str]]:
        """Return the names that the stub has for its CPUs, in the order of their numbers."""
        yield from self.ask("qSupported:multiprocess+;xmlRegisters=aarch64")
        yield from self._learn_numbers()
        names: list[str] = []
        answer = yield from self.ask("qfThreadInfo")
        while answer.startswith("m"):
            names += answer[1:].split(",")
            answer = yield from self.ask("qsThreadInfo")
        return names

    def select(self, cpu: str) -> Steps[bool]:
        """Look at one CPU from now on; return whether it is halted."""
        yield from self.ask(f"Hg{cpu}")
        words = yield from self.ask(f"qThreadExtraInfo,{cpu}")
        with suppress(ValueError):
            return b"halted" in bytes.fromhex(words)
        return False

    def core_registers(self) -> Steps[dict[str, int]]:
        """Return x0 to x30, sp, pc and cpsr."""
        data = _bytes((yield from self.ask("g")))
        if len(data) < _CPSR * 8 + 4:
            raise RemoteError("QEMU gives no registers")
        found = {name: _number(data[at * 8 : at * 8 + 8]) for at, name in enumerate(_CORE)}
        return {**found, "cpsr": _number(data[_CPSR * 8 : _CPSR * 8 + 4])}

    def system_register(self, name: str) -> Steps[int | None]:
        """Return a system register; None when QEMU does not give it."""
        if name not in self._numbers:
            return None
        answer = yield from self.ask(f"p{self._numbers[name]:x}")
        data = _bytes(answer)
        return _number(data) if data else None

    def write_state(self, state: int) -> Steps[None]:
        """Change the CPU's PSTATE: memory is then what is seen from there."""
        yield from self.ask(f"P{_CPSR:x}={state.to_bytes(4, 'little').hex()}")

    def memory(self, address: int, size: int) -> Steps[bytes]:
        """Return bytes as the CPU would read them; none when it could not."""
        answer = yield from self.ask(f"m{address:x},{size:x}")
        data = _bytes(answer)
        return data if len(data) == size else b""

    def set_breakpoint(self, address: int, *, is_set: bool) -> Steps[None]:
        """Set or remove a breakpoint that changes no memory; raises RemoteError."""
        if (yield from self.ask(f"{'Z' if is_set else 'z'}1,{address:x},4")) != "OK":
            raise RemoteError(f"QEMU takes no breakpoint at {address:#x}")

    def run(self) -> Steps[None]:
        """Let the machine run until something stops it; raises RemoteError when it ends."""
        stopped = yield from self.ask("c")
        if stopped[:1] not in {"T", "S"}:
            raise RemoteError("the machine has ended")

    def interrupt(self) -> None:
        """Stop a machine that runs; the question that made it run gets its answer."""
        self._link.send(b"\x03")

    def _learn_numbers(self) -> Steps[None]:
        """Learn the numbers that this QEMU has for system registers."""
        target = yield from self._description("target.xml")
        if not (match := _XML_SYSTEM.search(target)):
            return
        for each in _XML_REGISTER.findall((yield from self._description(match[1]))):
            name, number = _XML_NAME.search(each), _XML_NUMBER.search(each)
            if name and number:
                self._numbers.setdefault(name[1], int(number[1]))

    def _description(self, name: str) -> Steps[str]:
        text = ""
        while len(text) < _MOST:
            part = yield from self.ask(f"qXfer:features:read:{name}:{len(text):x},{_PART:x}")
            text += part[1:]
            if part[:1] != "m":
                break
        return text


def _unescaped(data: bytes) -> bytes:
    """Undo the stub's escapes: a byte after "}" has bit 5 turned over."""
    return re.sub(rb"\}(.)", lambda match: bytes((match[1][0] ^ 0x20,)), data, flags=re.DOTALL)


def _bytes(answer: str) -> bytes:
    """Return the bytes of an answer in hex; none of an error."""
    try:
        return bytes.fromhex(answer)
    except ValueError:
        return b""


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
