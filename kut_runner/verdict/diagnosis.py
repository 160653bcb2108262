# SPDX-License-Identifier: GPL-2.0-or-later
"""What went wrong, in words: the data, its lines for people and its JSON.

A `Diagnosis` belongs to a test that failed. It says what happened in one headline, where that
was in the source, and what the registers meant. In JSON addresses and registers are strings, as
in "0x40200000": 64 bits are more than a number has in many a JSON reader.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from textwrap import wrap
from typing import Any, Final, Self

#: Lines shown of one stack; the JSON has all frames.
_MOST_FRAMES: Final = 16
#: Columns of the lines that are broken.
_WIDTH: Final = 100
#: Registers whose words are a line of their own.
_WORDY: Final = ("ESR", "FAR", "HPFAR", "SPSR", "PSTATE", "ELR")


class Kind(Enum):
    """What sort of thing went wrong."""

    EXCEPTION = "exception"
    """An exception that nobody handles, of the host or of a guest."""
    ASSERT = "assert"
    """A failed assertion."""
    ABORT = "abort"
    """The image said that it cannot go on."""
    STACK = "stack"
    """A stack ran out."""
    HANG = "hang"
    """No end within the time-out."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One function on a stack, innermost first."""

    address: int
    """Where it was: offset from the start of the image, or an address when it is not in there."""
    function: str = ""
    """Name of the function; empty when not known."""
    file: str = ""
    """Source file; relative to the tree where it belongs to it."""
    line: int = 0
    """Line in the file, from 1; 0 when not known."""
    source: str = ""
    """The text of that line; empty when not known or changed since the image was built."""
    is_inlined: bool = False
    """The compiler made it a part of the next frame's function."""
    is_in_image: bool = True
    """`address` is an offset from the start of the image."""

    @property
    def place(self) -> str:
        """The frame in one line, as "load_from() at arm/misbehave.c:36"."""
        address = f"{'image offset ' if self.is_in_image else ''}{self.address:#x}"
        name = f"{self.function}()" if self.function else address
        if not self.file:
            return name
        line = f":{self.line}" if self.line else ""
        return f"{name} at {self.file}{line}{' (inlined)' if self.is_inlined else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
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
        """Return the frame that `to_json` wrote; KeyError when something is missing."""
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
    """A register, and what its value means."""

    name: str
    """As the architecture calls it: "ESR_EL2", "x0", "PC"."""
    value: int
    words: str = ""
    """What the value means; empty when it is only a number."""

    @property
    def text(self) -> str:
        """The register in one line."""
        return f"{self.name} {self.value:#x}{f'  {self.words}' if self.words else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return {"name": self.name, "value": hex(self.value), "words": self.words}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the register that `to_json` wrote; KeyError when something is missing."""
        return cls(data["name"], int(data["value"], 16), data["words"])


@dataclass(frozen=True, slots=True)
class CpuState:
    """What one CPU was doing when it was looked at."""

    cpu: int
    """Its number, from 0."""
    state: str
    """In words: "running at EL2", "asleep in WFI at EL2", "off: never started"."""
    frames: tuple[Frame, ...] = ()
    registers: tuple[Register, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return {
            "cpu": self.cpu,
            "state": self.state,
            "frames": [frame.to_json() for frame in self.frames],
            "registers": [register.to_json() for register in self.registers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the place that `to_json` wrote; KeyError when something is missing."""
        return cls(
            cpu=data["cpu"],
            state=data["state"],
            frames=tuple(map(Frame.from_json, data["frames"])),
            registers=tuple(map(Register.from_json, data["registers"])),
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a test failed, as far as the image's dump or the stopped machine tells."""

    kind: Kind
    headline: str
    """What happened, in one line of words."""
    frames: tuple[Frame, ...] = ()
    """The stack of the CPU that the headline is about; empty when there is none."""
    registers: tuple[Register, ...] = ()
    """The registers of the dump that mean something, with what they mean."""
    cpus: tuple[CpuState, ...] = ()
    """After a hang: every CPU."""
    notes: tuple[str, ...] = ()
    """What else is to be known: why something could not be decoded, where offsets point."""

    def lines(self) -> Iterator[str]:
        """Yield the block for people: headline, source, stack, registers, CPUs, notes."""
        yield self.headline
        yield from _stack_lines(self.frames)
        yield from _register_lines(self.registers)
        for place in self.cpus:
            yield f"  CPU {place.cpu}: {place.state}"
            yield from (f"  {line}" for line in _stack_lines(place.frames))
            yield from (f"  {line}" for line in _system_lines(place.registers))
        yield from (f"  note: {note}" for note in self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes: values that JSON knows."""
        return {
            "kind": self.kind.value,
            "headline": self.headline,
            "frames": [frame.to_json() for frame in self.frames],
            "registers": [register.to_json() for register in self.registers],
            "cpus": [place.to_json() for place in self.cpus],
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the diagnosis that `to_json` wrote.

        Raises KeyError when something is missing, ValueError for an unknown kind.
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
    """Yield a line per frame, one for a recursion; the innermost with source has it below."""
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
    """Yield a line for each system register that has a meaning."""
    for register in registers:
        if register.words and register.name.startswith(_WORDY):
            yield f"  {register.text}"


def _register_lines(registers: tuple[Register, ...]) -> Iterator[str]:
    """Yield these lines, and the registers that point at symbols side by side."""
    yield from _system_lines(registers)
    pointers = " ".join(
        f"{register.name}={register.words}"
        for register in registers
        if register.words and register.name.startswith("x")
    )
    yield from wrap(pointers, _WIDTH, initial_indent="  ", subsequent_indent="    ")
