# SPDX-License-Identifier: GPL-2.0-or-later
"""Parser of the VMM's report; `lab/vmm/report.h` describes its lines.

A report may be truncated or garbled: lines that are not of the format are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kut_runner.process.snapshot import Cpu, Snapshot

_LINE: Final = re.compile(r"vmm: (\w+) (.*)")
_HEX: Final = "0x([0-9a-f]{1,16})"
_CPU: Final = re.compile(r"([0-9]{1,3}) (.*)")
_REGISTER: Final = re.compile(rf"(\w+)={_HEX}\b")
_ADDRESS: Final = re.compile(rf"{_HEX}\b")
_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_CAPABILITY: Final = re.compile(r"^vmm: capability (\w+) ([0-9]+)$", re.MULTILINE)
#: State of a vCPU that did not leave the kernel.
_STUCK: Final = "stuck"
#: Encodings of WFI and WFE.
_WAITS: Final = (0xD503207F, 0xD503205F)
_PSTATE_SPSEL: Final = 1
_PSTATE_EL: Final = 3
_PSTATE_EL_SHIFT: Final = 2


@dataclass(frozen=True, slots=True)
class Report:
    """Report of one run of the VMM."""

    end: str = ""
    """Way in which the run ended in order: "power-off", "reset" or "stopped"; "" for none."""
    error: str = ""
    """Error of the VMM or of KVM; "" for none."""
    status: int | None = None
    """Exit status of the VMM; None if it never exited."""
    accesses: tuple[str, ...] = ()
    """Accesses that no memory and no device answered, as the report has them."""
    stuck: tuple[int, ...] = ()
    """Numbers of vCPUs that did not leave the kernel."""
    cpus: tuple[Cpu, ...] = ()
    load: int | None = None
    """Address of the image; None if the report does not have it."""

    def snapshot(self, trouble: str = "", seconds: float = 0.0) -> Snapshot:
        """Return the state of the vCPUs; `trouble` and `seconds` are those of a snapshot."""
        return Snapshot(self.cpus, self.load, error=self.error, trouble=trouble, seconds=seconds)


@dataclass(slots=True)
class _CpuLines:
    """Lines about one vCPU."""

    state: str = ""
    registers: dict[str, int] = field(default_factory=dict)
    before: int | None = None
    stack: tuple[int, ...] = ()

    def add(self, text: str) -> None:
        kind, _, rest = text.partition(" ")
        if kind == "state":
            self.state = rest
        elif kind == "before" and (match := _ADDRESS.fullmatch(rest)):
            self.before = int(match[1], 16)
        elif kind == "stack":
            self.stack = tuple(int(each, 16) for each in _ADDRESS.findall(rest))
        else:
            self.registers |= {name: int(value, 16) for name, value in _REGISTER.findall(text)}

    def cpu(self, number: int) -> Cpu:
        is_off = self.state == "off"
        is_halted = is_off or self.before in _WAITS
        registers = _named_as_qemu_does(self.registers)
        before = None if is_off else self.before
        return Cpu(number, is_halted, registers, before, self.stack)


def parse(text: str) -> Report:
    """Return the report in `text`."""
    last: dict[str, str] = {}
    accesses: list[str] = []
    cpus: dict[int, _CpuLines] = {}
    for match in filter(None, map(_LINE.fullmatch, text.splitlines())):
        kind, rest = match[1], match[2]
        if kind == "access":
            accesses.append(rest)
        elif kind == "cpu" and (about := _CPU.fullmatch(rest)):
            cpus.setdefault(int(about[1]), _CpuLines()).add(about[2])
        else:
            last[kind] = rest
    status, image = last.get("status", ""), _ADDRESS.fullmatch(last.get("image", ""))
    return Report(
        end=last.get("end", ""),
        error=last.get("error", ""),
        status=int(status) if _NUMBER.fullmatch(status) else None,
        accesses=tuple(accesses),
        stuck=tuple(number for number, lines in cpus.items() if lines.state == _STUCK),
        cpus=tuple(lines.cpu(number) for number, lines in sorted(cpus.items())),
        load=int(image[1], 16) if image else None,
    )


def capabilities(text: str) -> Mapping[str, int]:
    """Return what KVM offers by its names, from the output of the VMM's --capabilities."""
    return {name: int(value) for name, value in _CAPABILITY.findall(text)}


def _named_as_qemu_does(registers: Mapping[str, int]) -> dict[str, int]:
    """Return registers with PSTATE as "cpsr" and the current stack pointer as "sp"."""
    found = dict(registers)
    if (pstate := found.pop("pstate", None)) is not None:
        found["cpsr"] = pstate
        level = pstate >> _PSTATE_EL_SHIFT & _PSTATE_EL if pstate & _PSTATE_SPSEL else 0
        if (pointer := found.get(f"SP_EL{level}")) is not None:
            found["sp"] = pointer
    return found
