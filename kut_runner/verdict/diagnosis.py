# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis of a failed test: its data, its text and its JSON.

A `Diagnosis` has a headline, the source lines of the stack, and the decoded registers. In JSON,
addresses and registers are strings, as in "0x40200000": many JSON readers store numbers in
fewer than 64 bits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from textwrap import wrap
from typing import Any, Final, Self

#: Lines shown of one stack; the JSON has all frames.
_MOST_FRAMES: Final = 16
#: Columns of wrapped lines.
_WIDTH: Final = 100
#: Registers that are shown in a line each.
_SYSTEM_REGISTERS: Final = ("ESR", "FAR", "HPFAR", "SPSR", "PSTATE", "ELR")


#: Beginning of the headline of a stack overflow, before the description of the exception.
_OVERFLOW: Final = "stack overflow: "


class Kind(Enum):
    """Kind of a failure."""

    EXCEPTION = "exception"
    """An unhandled exception of the host or of a guest."""
    ASSERT = "assert"
    """A failed assertion."""
    ABORT = "abort"
    """An abort that the image reported."""
    STACK = "stack"
    """A stack overflow."""
    HANG = "hang"
    """A timeout."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack."""

    address: int
    """Offset from the start of the image, or an absolute address if `is_in_image` is False."""
    function: str = ""
    """Name of the function; empty if unknown."""
    file: str = ""
    """Source file, relative to the source tree if it is inside; empty if unknown."""
    line: int = 0
    """Line in the file, from 1; 0 if unknown."""
    source: str = ""
    """Text of the line; empty if unknown or if the file is newer than the image."""
    is_inlined: bool = False
    """Whether it is inlined into the function of the next frame."""
    is_in_image: bool = True
    """Whether `address` is an offset from the start of the image."""

    @property
    def place(self) -> str:
        """Function and source line, as in "load_from() at arm/misbehave.c:36"."""
        address = f"{'image offset ' if self.is_in_image else ''}{self.address:#x}"
        name = f"{self.function}()" if self.function else address
        if not self.file:
            return name
        line = f":{self.line}" if self.line else ""
        return f"{name} at {self.file}{line}{' (inlined)' if self.is_inlined else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "address": hex(self.address),
            "function": self.function,
            "file": self.file,
            "line": self.line,
            "source": self.source,
            "inlined": self.is_inlined,
            "in_image": self.is_in_image,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the frame from the output of `to_json`; raises KeyError for a missing key."""
        return cls(
            address=int(data["address"], 16),
            function=data["function"],
            file=data["file"],
            line=data["line"],
            source=data["source"],
            is_inlined=data["inlined"],
            is_in_image=data["in_image"],
        )


@dataclass(frozen=True, slots=True)
class Register:
    """A register and the meaning of its value."""

    name: str
    """Architectural name: "ESR_EL2", "x0", "PC"."""
    value: int
    meaning: str = ""
    """Decoded value, or the symbol at that address; empty if there is neither."""

    @property
    def text(self) -> str:
        """Name, value and meaning in one line."""
        return f"{self.name} {self.value:#x}{f'  {self.meaning}' if self.meaning else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {"name": self.name, "value": hex(self.value), "words": self.meaning}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the register from the output of `to_json`; raises KeyError for a missing key."""
        return cls(data["name"], int(data["value"], 16), data["words"])


@dataclass(frozen=True, slots=True)
class CpuState:
    """State of one CPU at a timeout."""

    cpu: int
    """Number of the CPU, from 0."""
    state: str
    """Description: "running at EL2", "asleep in WFI at EL2", "off: never started"."""
    frames: tuple[Frame, ...] = ()
    registers: tuple[Register, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "cpu": self.cpu,
            "state": self.state,
            "frames": [frame.to_json() for frame in self.frames],
            "registers": [register.to_json() for register in self.registers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the state from the output of `to_json`; raises KeyError for a missing key."""
        return cls(
            cpu=data["cpu"],
            state=data["state"],
            frames=tuple(map(Frame.from_json, data["frames"])),
            registers=tuple(map(Register.from_json, data["registers"])),
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Reason for a failure, from the dump of the image or the state of the stopped machine."""

    kind: Kind
    headline: str
    """Description of the failure in one line."""
    frames: tuple[Frame, ...] = ()
    """Stack of the CPU that failed, innermost first; empty if there is no dump."""
    registers: tuple[Register, ...] = ()
    """Registers of the dump, decoded."""
    cpus: tuple[CpuState, ...] = ()
    """All CPUs after a timeout."""
    notes: tuple[str, ...] = ()
    """Notes: problems with decoding, source lines of offsets."""

    def headline_after(self, reason: str) -> str:
        """Return the headline without the parts that are in `reason`, shown before it.

        It is empty if `reason` has all of it.
        """
        place = f", in {self.frames[0].place}" if self.frames else ""
        body = self.headline.removesuffix(place)
        parts = [part for part in body.split("; ") if part.removeprefix(_OVERFLOW) not in reason]
        if place and body != self.headline:
            return "; ".join(parts) + place if parts else place.removeprefix(", ")
        return "; ".join(parts)

    def lines(self, reason: str = "") -> Iterator[str]:
        """Yield the text: headline, stack, registers, CPUs, notes.

        `reason` is that of the verdict, if it is shown before the text, which does not repeat it.
        """
        if not reason:
            yield self.headline
        elif headline := self.headline_after(reason):
            yield headline
        yield from _stack_lines(self.frames)
        yield from _register_lines(self.registers)
        for cpu in self.cpus:
            yield f"  CPU {cpu.cpu}: {cpu.state}"
            yield from (f"  {line}" for line in _stack_lines(cpu.frames))
            yield from (f"  {line}" for line in _system_lines(cpu.registers))
        yield from (f"  note: {note}" for note in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `from_json` reads."""
        return {
            "kind": self.kind.value,
            "headline": self.headline,
            "frames": [frame.to_json() for frame in self.frames],
            "registers": [register.to_json() for register in self.registers],
            "cpus": [cpu.to_json() for cpu in self.cpus],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the diagnosis from the output of `to_json`.

        Raises KeyError for a missing key, ValueError for an unknown kind.
        """
        return cls(
            kind=Kind(data["kind"]),
            headline=data["headline"],
            frames=tuple(map(Frame.from_json, data["frames"])),
            registers=tuple(map(Register.from_json, data["registers"])),
            cpus=tuple(map(CpuState.from_json, data["cpus"])),
            notes=tuple(data["notes"]),
        )


def _stack_lines(frames: tuple[Frame, ...]) -> Iterator[str]:
    """Yield one line for each frame, and below the first that has one its source line.

    Consecutive equal frames, as of a recursion, share a line.
    """
    runs = [(place, [*same]) for place, same in groupby(frames, lambda frame: frame.place)]
    shown = next((frame for frame in frames if frame.source), None)
    number = 0
    for place, same in runs[:_MOST_FRAMES]:
        last = number + len(same) - 1
        yield f"  #{number}{f' to #{last}' if last > number else ''} {place}"
        if shown in same:
            yield f"       {shown.source.strip()}"
            shown = None
        number = last + 1
    if number < len(frames):
        yield f"  and {len(frames) - number} more"


def _system_lines(registers: tuple[Register, ...]) -> Iterator[str]:
    """Yield a line for each decoded system register."""
    for register in registers:
        if register.meaning and register.name.startswith(_SYSTEM_REGISTERS):
            yield f"  {register.text}"


def _register_lines(registers: tuple[Register, ...]) -> Iterator[str]:
    """Yield a line for each system register, then the general registers that hold symbols."""
    yield from _system_lines(registers)
    pointers = " ".join(
        f"{register.name}={register.meaning}"
        for register in registers
        if register.meaning and register.name.startswith("x")
    )
    yield from wrap(pointers, _WIDTH, initial_indent="  ", subsequent_indent="    ")
