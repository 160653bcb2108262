# SPDX-License-Identifier: GPL-2.0-or-later
"""What a dying image printed: lines in, the facts of its dump out.

Understood are the dumps of `lib/arm64/processor.c`, `lib/abort.c` and `lib/arm64/guest-dump.c`,
and those of kvm-unit-tests, whose words these are. A dump may be cut or garbled anywhere: what is
there is taken, what is not is None.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from kut_runner.verdict.diagnosis import Kind
from kut_runner.verdict.events import Abort, Check, Event, Info, Stack, parse
from kut_runner.verdict.status import Status

_HEX: Final = "([0-9a-f]{1,16})"
_EXCEPTION: Final = re.compile(r"(Unhandled exception|Unhandled vector|Stack overflow)\b.*")
_ASSERT: Final = re.compile(r"\S+:[0-9]+: assert failed: .*")
_LOAD: Final = re.compile(rf"Load address: {_HEX}")
_PC: Final = re.compile(rf"PC: {_HEX}(?: PC offset: {_HEX})?")
_VECTOR: Final = re.compile(r"Vector: [0-9]{1,2} \((\S+)\)")
_ESR: Final = re.compile(rf"ESR_EL([123]): *{_HEX}\b.*")
_FAR: Final = re.compile(rf"FAR_EL[123]: {_HEX}(?: \((not )?valid\))?")
_STATE: Final = re.compile(rf"pc : \[<{_HEX}>\] lr : \[<{_HEX}>\] pstate: {_HEX}")
_SP: Final = re.compile(rf"sp : {_HEX}")
_PAIR: Final = re.compile(rf"(x[0-9]{{1,2}}) *: {_HEX}")

_GUEST: Final = re.compile(r"INFO: (?:.*: )?guest:( .*)")
_GUEST_START: Final = re.compile(r" (exit .+|exception at EL1 without handler, vector \S+)")
_GUEST_SYNDROME: Final = re.compile(r"(ESR|FAR|HPFAR|SPSR)_EL([12]) (?:0x)?([0-9a-f]{1,16})")
_GUEST_PC: Final = re.compile(r" PC 0x([0-9a-f]{1,16})(?:, image offset (?:0x)?([0-9a-f]{1,16}))?")
_GUEST_IPA: Final = re.compile(r" faulting IPA (?:0x)?([0-9a-f]{1,16})")
_GUEST_X: Final = re.compile(r"(x[0-9]{1,2}) +([0-9a-f]{16})")


@dataclass(frozen=True, slots=True)
class Dump:
    """The facts of one dump. Addresses are as the image has them, not offsets."""

    kind: Kind
    what: str
    """Its first line."""
    is_guest: bool = False
    """A guest died, and its host said so."""
    load: int | None = None
    """Where the image starts."""
    pc: int | None = None
    vector: str = ""
    level: int = 0
    """The exception level that took the exception, 1 or 2; 0 when not known."""
    esr: int | None = None
    far: int | None = None
    """None too when the image said that it is not valid."""
    hpfar: int | None = None
    ipa: int | None = None
    spsr: int | None = None
    registers: tuple[tuple[str, int], ...] = ()
    """x0 to x30 and SP, in the order of the architecture."""
    stack: Stack | None = None
    """The STACK line, whose addresses are offsets."""

    @property
    def offset(self) -> int | None:
        """The PC as an offset from the start of the image."""
        return self.pc - self.load if self.pc is not None and self.load is not None else None


@dataclass(slots=True)
class _Facts:
    """A dump that is being read."""

    kind: Kind
    what: str
    values: dict[str, int | str] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    stack: Stack | None = None

    def dump(self, *, is_guest: bool) -> Dump:
        order = [f"x{number}" for number in range(31)] + ["SP"]
        registers = tuple((name, self.registers[name]) for name in order if name in self.registers)
        plain = Dump(self.kind, self.what, is_guest, registers=registers, stack=self.stack)
        return replace(plain, **self.values)  # type: ignore[arg-type]


def of_host(lines: Iterable[str]) -> Dump | None:
    """Return the last dump among `lines`; None when there is none.

    A STACK line that nothing announced is a dump of kind ABORT.
    """
    facts: _Facts | None = None
    for line in lines:
        facts = _next_dump(facts, line) or facts
        if stack := _stack(line):
            facts = facts or _Facts(Kind.ABORT, "")
            facts.stack = stack
        elif facts:
            _take_host_line(facts, line)
    return facts.dump(is_guest=False) if facts else None


def of_guest(told: Iterable[Event]) -> Dump | None:
    """Return the dump of a guest that a failure followed before any other check passed."""
    facts: _Facts | None = None
    for event in told:
        if isinstance(event, Info) and (match := _GUEST.fullmatch(event.line)):
            text = match[1]
            if start := _GUEST_START.fullmatch(text):
                facts = _Facts(Kind.EXCEPTION, start[1])
            elif facts:
                _take_guest_line(facts, text)
        elif isinstance(event, Check) and facts:
            if event.status.is_failure:
                break
            if event.status is Status.PASS:
                facts = None
        elif isinstance(event, Abort) and facts:
            break
    return facts.dump(is_guest=True) if facts else None


def _next_dump(facts: _Facts | None, line: str) -> _Facts | None:
    """Return the dump that `line` begins, which in kvm-unit-tests is the load address; or None."""
    if _ASSERT.fullmatch(line):
        return _Facts(Kind.ASSERT, line)
    if _EXCEPTION.fullmatch(line):
        kind = Kind.STACK if line.startswith("Stack") else Kind.EXCEPTION
        if not facts or facts.what or facts.stack:
            return _Facts(kind, line)
        facts.kind, facts.what = kind, line
    elif _LOAD.fullmatch(line) and (not facts or facts.stack or "load" in facts.values):
        return _Facts(Kind.EXCEPTION, "")
    return None


def _stack(line: str) -> Stack | None:
    if "STACK:" not in line:
        return None
    (event,) = parse([f"{line}\n"])
    return event if isinstance(event, Stack) else None


def _take_host_line(facts: _Facts, line: str) -> None:
    if match := _LOAD.fullmatch(line):
        facts.values["load"] = int(match[1], 16)
    elif match := _PC.fullmatch(line):
        facts.values["pc"] = int(match[1], 16)
    elif match := _VECTOR.fullmatch(line):
        facts.values["vector"] = match[1]
    elif match := _ESR.fullmatch(line):
        facts.values |= {"level": int(match[1]), "esr": int(match[2], 16)}
    elif match := _FAR.fullmatch(line):
        if not match[2]:
            facts.values["far"] = int(match[1], 16)
    elif match := _STATE.fullmatch(line):
        facts.values |= {"pc": int(match[1], 16), "spsr": int(match[3], 16)}
        facts.registers["x30"] = int(match[2], 16)
    elif match := _SP.fullmatch(line):
        facts.registers["SP"] = int(match[1], 16)
    else:
        facts.registers |= {name: int(value, 16) for name, value in _PAIR.findall(line)}


def _take_guest_line(facts: _Facts, text: str) -> None:
    if match := _GUEST_PC.fullmatch(text):
        facts.values["pc"] = int(match[1], 16)
        if match[2]:
            facts.values["load"] = int(match[1], 16) - int(match[2], 16)
    elif match := _GUEST_IPA.fullmatch(text):
        facts.values["ipa"] = int(match[1], 16)
    elif found := _GUEST_SYNDROME.findall(text):
        facts.values |= {name.lower(): int(value, 16) for name, _, value in found}
        facts.values["level"] = int(found[0][1])
    else:
        facts.registers |= {name: int(value, 16) for name, value in _GUEST_X.findall(text)}
