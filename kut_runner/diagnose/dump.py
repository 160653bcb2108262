# SPDX-License-Identifier: GPL-2.0-or-later
"""Parser for the dumps of images.

It reads the dumps of `lib/arm64/processor.c`, `lib/abort.c` and `lib/arm64/guest-dump.c`, which
have the format of kvm-unit-tests, and those of its forks, which may begin each line with a tab and
name registers `ESR_ELx`. A dump may be truncated or garbled; missing values are None.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from kut_runner.verdict.diagnosis import Kind
from kut_runner.verdict.events import Abort, Check, Event, Info, Stack, parse
from kut_runner.verdict.status import Status

_HEX: Final = "([0-9a-f]{1,16})"
_EXCEPTION: Final = re.compile(
    r"(?:Unhandled exception|Unhandled vector|Stack overflow)\b.*|Got bad (?:ec|vector)=.*"
)
_ASSERT: Final = re.compile(r"\S+:[0-9]+: assert failed: .*")
_LOAD: Final = re.compile(rf"Load address: {_HEX}")
_PC: Final = re.compile(rf"PC: {_HEX}(?: PC offset: {_HEX})?")
_VECTOR: Final = re.compile(r"Vector: [0-9]{1,2} \((\S+)\)")
_ESR: Final = re.compile(rf"ESR_EL([123x]): *{_HEX}\b.*")
_FAR: Final = re.compile(rf"FAR_EL[123x]: *{_HEX}(?: \((not )?valid\))?")
_ABORT: Final = "ABORT: "
_STATE: Final = re.compile(rf"pc : \[<{_HEX}>\] lr : \[<{_HEX}>\] pstate: {_HEX}")
_SP: Final = re.compile(rf"sp : {_HEX}")
_PAIR: Final = re.compile(rf"(x[0-9]{{1,2}}) *: {_HEX}")

_GUEST: Final = re.compile(r"INFO: (?:.*: )?guest:( .*)")
_GUEST_START: Final = re.compile(r" (exit .+|exception at EL1 without handler, vector \S+)")
_GUEST_SYNDROME: Final = re.compile(r"(ESR|FAR|HPFAR|SPSR)_EL([12]) (?:0x)?([0-9a-f]{1,16})")
_GUEST_PC: Final = re.compile(r" PC 0x([0-9a-f]{1,16})(?:, image offset (?:0x)?([0-9a-f]{1,16}))?")
_GUEST_IPA: Final = re.compile(r" faulting IPA (?:0x)?([0-9a-f]{1,16})")
_GUEST_OVERFLOW: Final = re.compile(r" stack overflow: .+")
_GUEST_X: Final = re.compile(r"(x[0-9]{1,2}) +([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Dump:
    """Values of a dump. Addresses are absolute."""

    kind: Kind
    first_line: str
    is_guest: bool = False
    """Whether the host printed it about a guest."""
    load: int | None = None
    """Address of the start of the image."""
    pc: int | None = None
    vector: str = ""
    level: int = 0
    """Exception level that took the exception, 1 or 2; 0 if unknown."""
    esr: int | None = None
    far: int | None = None
    """FAR; None also if the dump marks it as not valid."""
    hpfar: int | None = None
    ipa: int | None = None
    spsr: int | None = None
    registers: tuple[tuple[str, int], ...] = ()
    """x0 to x30 and SP, in this order."""
    stack: Stack | None = None
    """STACK line, whose addresses are offsets."""

    @property
    def offset(self) -> int | None:
        """PC as an offset from the start of the image; None if unknown."""
        return self.pc - self.load if self.pc is not None and self.load is not None else None


@dataclass(slots=True)
class _Builder:
    """Builder of a dump from its lines."""

    kind: Kind
    first_line: str
    values: dict[str, int | str] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    stack: Stack | None = None

    def dump(self, *, is_guest: bool) -> Dump:
        order = [f"x{number}" for number in range(31)] + ["SP"]
        registers = tuple((name, self.registers[name]) for name in order if name in self.registers)
        plain = Dump(self.kind, self.first_line, is_guest, registers=registers, stack=self.stack)
        return replace(plain, **self.values)  # type: ignore[arg-type]


def of_host(lines: Iterable[str]) -> Dump | None:
    """Return the first dump in `lines`, None without one.

    A STACK line outside of a dump is a dump of kind ABORT, as is that after an ABORT line.
    """
    builder: _Builder | None = None
    for line in lines:
        if stack := _stack(line):
            builder = builder or _Builder(Kind.ABORT, "")
            builder.stack = builder.stack or stack
            continue
        text = line.lstrip("\t")
        if begun := _next_dump(builder, text):
            if builder and builder.first_line:
                break
            builder = begun
        if builder:
            _add_host_line(builder, text)
    if builder and (builder.kind is not Kind.ABORT or builder.stack):
        return builder.dump(is_guest=False)
    return None


def of_guest(events: Iterable[Event]) -> Dump | None:
    """Return the dump of a guest that is followed by a failure before any check passes."""
    builder: _Builder | None = None
    for event in events:
        if isinstance(event, Info) and (match := _GUEST.fullmatch(event.line)):
            text = match[1]
            if start := _GUEST_START.fullmatch(text):
                builder = _Builder(Kind.EXCEPTION, start[1])
            elif builder:
                _add_guest_line(builder, text)
        elif isinstance(event, Check) and builder:
            if event.status.is_failure:
                break
            if event.status is Status.PASS:
                builder = None
        elif isinstance(event, Abort) and builder:
            break
    return builder.dump(is_guest=True) if builder else None


def _next_dump(builder: _Builder | None, line: str) -> _Builder | None:
    """Return the dump that `line` begins, if any; kvm-unit-tests prints the load address first."""
    if line.startswith(_ABORT):
        return _Builder(Kind.ABORT, line)
    if _ASSERT.fullmatch(line):
        return _Builder(Kind.ASSERT, line)
    if _EXCEPTION.fullmatch(line):
        kind = Kind.STACK if line.startswith("Stack") else Kind.EXCEPTION
        if not builder or builder.first_line or builder.stack:
            return _Builder(kind, line)
        builder.kind, builder.first_line = kind, line
    elif _LOAD.fullmatch(line) and (not builder or builder.stack or "load" in builder.values):
        return _Builder(Kind.EXCEPTION, "")
    return None


def _stack(line: str) -> Stack | None:
    if "STACK:" not in line:
        return None
    (event,) = parse([f"{line}\n"])
    return event if isinstance(event, Stack) else None


def _add_host_line(builder: _Builder, line: str) -> None:
    if match := _LOAD.fullmatch(line):
        builder.values["load"] = int(match[1], 16)
    elif match := _PC.fullmatch(line):
        builder.values["pc"] = int(match[1], 16)
    elif match := _VECTOR.fullmatch(line):
        builder.values["vector"] = match[1]
    elif match := _ESR.fullmatch(line):
        level = 0 if match[1] == "x" else int(match[1])
        builder.values |= {"level": level, "esr": int(match[2], 16)}
    elif match := _FAR.fullmatch(line):
        if not match[2]:
            builder.values["far"] = int(match[1], 16)
    elif match := _STATE.fullmatch(line):
        builder.values |= {"pc": int(match[1], 16), "spsr": int(match[3], 16)}
        builder.registers["x30"] = int(match[2], 16)
    elif match := _SP.fullmatch(line):
        builder.registers["SP"] = int(match[1], 16)
    else:
        builder.registers |= {name: int(value, 16) for name, value in _PAIR.findall(line)}


def _add_guest_line(builder: _Builder, text: str) -> None:
    if stack := _stack(f"\t{text.strip()}"):
        builder.stack = stack
    elif _GUEST_OVERFLOW.fullmatch(text):
        builder.kind = Kind.STACK
    elif match := _GUEST_PC.fullmatch(text):
        builder.values["pc"] = int(match[1], 16)
        if match[2]:
            builder.values["load"] = int(match[1], 16) - int(match[2], 16)
    elif match := _GUEST_IPA.fullmatch(text):
        builder.values["ipa"] = int(match[1], 16)
    elif found := _GUEST_SYNDROME.findall(text):
        builder.values |= {name.lower(): int(value, 16) for name, _, value in found}
        builder.values["level"] = int(found[0][1])
    else:
        builder.registers |= {name: int(value, 16) for name, value in _GUEST_X.findall(text)}
