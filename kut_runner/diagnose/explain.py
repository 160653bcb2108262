# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnosis of a failed test from its output and the state of its stopped machine."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.bundle import build_settings
from kut_runner.definitions.config import is_root
from kut_runner.diagnose import dump, symbols, syndrome
from kut_runner.diagnose.symbols import Symbols
from kut_runner.errors import KutError
from kut_runner.text import printable
from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind, Register
from kut_runner.verdict.events import Abort

if TYPE_CHECKING:
    from kut_runner.diagnose.dump import Dump
    from kut_runner.process.snapshot import Cpu, RepeatedExit, Snapshot
    from kut_runner.verdict.guest_output import GuestOutput

#: Functions of the library that print a dump, omitted at the top of a stack.
_DUMPERS: Final = ("dump_stack", "dump_frame_stack", "assert_failed", "report_abort", "abort")
_IMAGE_OFFSET: Final = re.compile(r"image offset (0x[0-9a-f]{1,16})")
#: Bytes of an instruction.
_INSTRUCTION: Final = 4
#: Assumed size of an image without symbols, in bytes.
_LARGEST_IMAGE: Final = 16 << 20
#: Exception classes other than aborts with a valid FAR: PC alignment, watchpoints.
_OTHER_CLASSES_WITH_FAR: Final = (0x22, 0x34, 0x35)
#: Encodings of the instructions that a CPU sleeps in.
_WAITS: Final = {0xD503207F: "WFI", 0xD503205F: "WFE"}
_SYSTEM_REGISTERS: Final = tuple(
    f"{name}_EL{level}" for level in (2, 1) for name in ("ELR", "ESR", "FAR", "VBAR")
)
_SMC_OR_HVC: Final = (0xD4000002, 0xD4000003)
_CALL_MASK: Final = 0xFFE0001F
#: Paths of the library: in kut's own source tree, and in others.
_LIBRARY: Final = ("lib/", "build/lib/")


@dataclass(frozen=True, slots=True)
class Elf:
    """ELF file with the symbols of an image."""

    path: Path
    build_id: str = ""
    """Build-id of the image that ran, in hex; empty if unknown."""


def explain(
    output: "GuestOutput", snapshot: "Snapshot | None" = None, elf: Elf | None = None
) -> Diagnosis | None:
    """Return the diagnosis of a failed test; None without a dump, an abort or a snapshot.

    `snapshot` is the state of the machine at a timeout. Without `elf`, or if it does not belong to
    the image, frames have offsets instead of functions, and a note has the reason. Never raises,
    because an error here must not hide the verdict.
    """
    try:
        return _explain(output, snapshot, elf)
    except Exception as error:  # noqa: BLE001 - see the docstring
        kind = Kind.HANG if snapshot else Kind.EXCEPTION
        description = printable(f"{type(error).__name__}: {error}")
        return Diagnosis(kind, f"no diagnosis, because of a bug in kut: {description}")


def _explain(
    output: "GuestOutput", snapshot: "Snapshot | None", elf: Elf | None
) -> Diagnosis | None:
    found = dump.of_host(output.dump_lines or output.last_lines) or dump.of_guest(
        output.checks_and_infos
    )
    abort = output.latest(Abort)
    if not found and not snapshot and not (abort and _IMAGE_OFFSET.search(abort.line)):
        return None
    image = _Image(elf)
    if found:
        diagnosis = _of_dump(found, output, image)
        image.notes[:0] = image.offsets_in(abort.line) if abort else ()
        cpus = _cpu_states(snapshot, image) if snapshot else ()
        return replace(diagnosis, cpus=cpus, notes=tuple(image.notes))
    if snapshot:
        return _of_hang(snapshot, image)
    line = abort.line if abort else ""
    return Diagnosis(Kind.ABORT, line, notes=(*image.offsets_in(line), *image.notes))


class _Image:
    """Symbols of an image, and notes about problems with them."""

    def __init__(self, elf: Elf | None) -> None:
        self.notes: list[str] = []
        self._symbols: Symbols | None = None
        if elf:
            try:
                self._symbols = self._open(elf)
            except KutError as error:
                self.note(f"no symbols: {elf.path}: {error.message}")
            except OSError as error:
                self.note(f"no symbols: {elf.path}: {error.strerror}")

    def _open(self, elf: Elf) -> Symbols | None:
        root = next(filter(_is_top, elf.path.absolute().parents), None)
        found = symbols.load(elf.path.absolute(), elf.build_id or _fingerprint(elf.path), root)
        if elf.build_id and found.build_id != elf.build_id:
            self.note(
                f"no symbols: {elf.path} is not the image that ran: its build-id is"
                f" {found.build_id[:12] or 'missing'}, that of the image {elf.build_id[:12]}"
            )
            return None
        if not found.has_lines:
            self.note(f"no source lines: {elf.path} has no debug information")
        return found

    def note(self, text: str) -> None:
        """Add a note, unless it is empty or known."""
        if text and text not in self.notes:
            self.notes.append(text)

    def frames(self, offset: int, *, is_exact: bool) -> tuple[Frame, ...]:
        """Return the functions at `offset`; without symbols, one frame with the offset."""
        if self._symbols and 0 <= offset < self._symbols.size:
            try:
                return self._symbols.frames(offset, is_exact=is_exact)
            except KutError as error:
                self.note(error.message)
        return (Frame(offset),)

    def frames_at(self, address: int, load: int | None, *, is_exact: bool) -> tuple[Frame, ...]:
        """Return the functions at `address`, which may be outside the image."""
        if load is None or not self.contains(address - load):
            return (Frame(address, is_in_image=False),)
        return self.frames(address - load, is_exact=is_exact)

    def callers(
        self, stack: tuple[int, ...], load: int | None, *, pc: int = 0, link: int = 0
    ) -> Iterator[Frame]:
        """Yield the functions at the return addresses of a stack.

        `link` is x30 at `pc`, to be added if no frame record has it; 0 leaves it out.
        """
        if link and link not in stack and self.is_call_by_another(link, pc, load):
            stack = link, *stack
        for address in stack:
            if load is None or self.contains(address - load):  # else it is not from a frame record
                yield from self.frames_at(address, load, is_exact=False)

    def symbol(self, address: int, load: int | None) -> str:
        """Return the symbol at `address`, as in "name+0x10"; "" outside the image."""
        if self._symbols is None or load is None:
            return ""
        return self._symbols.nearest(address - load)

    def is_call_by_another(self, address: int, pc: int, load: int | None) -> bool:
        """Return whether the instruction before `address` is in another function than `pc`.

        If x30 is such an address and no frame record has it, the function at `pc` has no frame
        record, as is usual for leaf functions, and x30 is in its caller.
        """
        caller = self.symbol(address - _INSTRUCTION, load).partition("+")[0]
        return bool(caller) and caller != self.symbol(pc, load).partition("+")[0]

    def offsets_in(self, text: str) -> Iterator[str]:
        """Yield the source line of each "image offset" in `text`."""
        for match in _IMAGE_OFFSET.finditer(text):
            frame = self.frames(int(match[1], 16), is_exact=True)[0]
            if frame.function:
                yield f"{match[0]} is {frame.place}"

    def contains(self, offset: int) -> bool:
        """Return whether an offset is in the image."""
        size = self._symbols.size if self._symbols else _LARGEST_IMAGE
        return 0 <= offset < size


def _is_top(directory: Path) -> bool:
    """Return whether a directory is the top of a source tree, of kut or of kvm-unit-tests."""
    return is_root(directory) or (directory / build_settings.FILE).is_file()


def _of_dump(found: "Dump", output: "GuestOutput", image: _Image) -> Diagnosis:
    frames = _dump_frames(found, image)
    abort = output.latest(Abort)
    if found.kind is Kind.ASSERT:
        headline = found.first_line
    elif found.kind is Kind.ABORT:
        headline = abort.line if abort else "the image printed its stack"
    else:
        headline = _exception_text(found)
    if frames and frames[0].function and found.kind in (Kind.EXCEPTION, Kind.STACK):
        headline = f"{headline}, in {frames[0].place}"
    is_exit = found.is_guest and found.kind is not Kind.STACK
    if is_exit and found.esr is not None and found.ipa is not None:
        image.note(syndrome.describe_stage2_fault(found.esr, found.ipa))
    registers = tuple(_registers(found, image))
    return Diagnosis(found.kind, headline, frames, registers)


def _dump_frames(found: "Dump", image: _Image) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    stack = found.stack
    is_exact = found.esr is None or not syndrome.returns_after(found.esr)
    if stack:
        for number, offset in enumerate(stack.addresses):
            is_pc = stack.exact and number == 0
            frames += image.frames(offset, is_exact=is_pc and is_exact)
    is_at_pc = bool(stack and stack.exact)
    if found.pc is not None and not is_at_pc:
        frames[:0] = image.frames_at(found.pc, found.load, is_exact=is_exact)
    link = dict(found.registers).get("x30")
    if found.pc is not None and found.load is not None and link is not None:
        rest = {found.load + offset for offset in stack.addresses[1:]} if stack else ()
        if link not in rest and image.is_call_by_another(link, found.pc, found.load):
            inner = len(image.frames_at(found.pc, found.load, is_exact=is_exact))
            frames[inner:inner] = image.frames_at(link, found.load, is_exact=False)
    while len(frames) > 1 and frames[0].function in _DUMPERS:
        del frames[0]
    return tuple(frames)


def _exception_text(found: "Dump") -> str:
    """Return the description of an exception, without its function."""
    if found.esr is None:
        text = f"unexpected exception, vector {found.vector}" if found.vector else found.first_line
    else:
        text = syndrome.describe_esr(found.esr)
    if found.kind is Kind.STACK:
        text = f"stack overflow: {text}"
    if found.is_guest:
        text = f"guest: {text}"
    if found.ipa is not None:
        return f"{text}; address {found.far or 0:#x}, IPA {found.ipa:#x}"
    if found.far is not None and found.esr is not None and _has_far(found.esr):
        return f"{text}; address {found.far:#x}"
    return text


def _has_far(esr: int) -> bool:
    """Return whether FAR holds the faulting address."""
    return syndrome.is_abort(esr) or syndrome.esr_class(esr) in _OTHER_CLASSES_WITH_FAR


def _registers(found: "Dump", image: _Image) -> Iterator[Register]:
    level = f"_EL{found.level}" if found.level else ""
    if found.pc is not None:
        yield Register("PC", found.pc, image.symbol(found.pc, found.load))
    if found.esr is not None:
        yield Register(f"ESR{level}", found.esr, syndrome.describe_esr(found.esr))
    if found.far is not None and found.esr is not None:
        meaning = "not valid for this exception class"
        if _has_far(found.esr):
            meaning = image.symbol(found.far, found.load)
        yield Register(f"FAR{level}", found.far, meaning)
    if found.hpfar is not None and found.ipa is not None:
        yield Register("HPFAR_EL2", found.hpfar, syndrome.describe_hpfar(found.hpfar, found.far))
    if found.spsr is not None:
        yield Register(f"SPSR{level}", found.spsr, syndrome.describe_spsr(found.spsr))
    for name, value in found.registers:
        yield Register(name, value, image.symbol(value, found.load))


def _of_hang(snapshot: "Snapshot", image: _Image) -> Diagnosis:
    cpus = _cpu_states(snapshot, image)
    if snapshot.repeated:
        return _of_livelock(snapshot.repeated, snapshot.load, cpus, image)
    busy = next((cpu for cpu in cpus if cpu.frames), None)
    headline = _hang_text(cpus, busy, snapshot)
    trouble = printable(snapshot.trouble)
    notes = (*image.notes, *((trouble,) if trouble and cpus else ()))
    return Diagnosis(Kind.HANG, headline, cpus=cpus, notes=notes)


def _of_livelock(
    repeated: "RepeatedExit", load: int | None, cpus: tuple[CpuState, ...], image: _Image
) -> Diagnosis:
    registers = repeated.registers
    pc = registers["ELR_EL2"]
    frames = [*image.frames_at(pc, load, is_exact=True)]
    frames += image.callers(repeated.stack, load, pc=pc, link=registers["x30"])
    handler = _handler_frame(repeated, load, image)
    headline = (
        f"livelock: the same exit of a guest repeats: {_exit_text(registers)}, in {frames[0].place}"
    )
    if handler:
        headline += f"; handler {handler.place}"
    proof = (
        f"CPU {repeated.cpu} took {repeated.count} exits in a row with the same syndrome and"
        " addresses, and the guest did not come to the next instruction"
    )
    shown = tuple(_exit_registers(registers, load, image))
    return Diagnosis(Kind.HANG, headline, tuple(frames), shown, cpus, (*image.notes, proof))


def _handler_frame(repeated: "RepeatedExit", load: int | None, image: _Image) -> Frame | None:
    """Return the handler of an exit: the first function after it that is not the library's.

    If there is none, the first function of the library in C.
    """
    first: Frame | None = None
    for address in repeated.host_code:
        frame = image.frames_at(address, load, is_exact=True)[-1]
        if frame.file.endswith(".c"):
            if not frame.file.startswith(_LIBRARY):
                return frame
            first = first or frame
    return first


def _exit_text(registers: Mapping[str, int]) -> str:
    """Return the description of an exit with the address that faulted."""
    esr = registers["ESR_EL2"]
    text = syndrome.describe_esr(esr)
    if syndrome.is_abort(esr) and "FAR_EL2" in registers:
        text = f"{text}; address {registers['FAR_EL2']:#x}"
        if syndrome.has_hpfar(esr):
            text = f"{text}, IPA page {syndrome.page_of_hpfar(registers['HPFAR_EL2']):#x}"
    return text


def _exit_registers(
    registers: Mapping[str, int], load: int | None, image: _Image
) -> Iterator[Register]:
    esr = registers["ESR_EL2"]
    yield Register("ESR_EL2", esr, syndrome.describe_esr(esr))
    if "FAR_EL2" in registers:
        yield Register("FAR_EL2", registers["FAR_EL2"], image.symbol(registers["FAR_EL2"], load))
    if syndrome.has_hpfar(esr) and "HPFAR_EL2" in registers:
        value = registers["HPFAR_EL2"]
        yield Register("HPFAR_EL2", value, syndrome.describe_hpfar(value))
    yield Register("SPSR_EL2", registers["SPSR_EL2"], syndrome.describe_spsr(registers["SPSR_EL2"]))
    for name in (f"x{number}" for number in range(31)):
        yield Register(name, registers[name], image.symbol(registers[name], load))


def _hang_text(cpus: Sequence[CpuState], busy: CpuState | None, snapshot: "Snapshot") -> str:
    if not cpus:
        return f"where it hangs is not known: {printable(snapshot.trouble) or 'QEMU named no CPU'}"
    if not busy:
        return "hangs with every CPU off"
    way = f"{printable(snapshot.error)}," if snapshot.error else "hangs"
    text = f"{way} in {busy.frames[0].place}: CPU {busy.cpu} is {busy.state}"
    others = len(cpus) - 1
    return f"{text} (and {others} more CPU{'s' * (others > 1)}, below)" if others else text


def _cpu_states(snapshot: "Snapshot", image: _Image) -> tuple[CpuState, ...]:
    return tuple(_cpu_state(cpu, snapshot.load, image) for cpu in snapshot.cpus)


def _cpu_state(cpu: "Cpu", load: int | None, image: _Image) -> CpuState:
    state, is_off = _describe_cpu(cpu)
    if is_off:
        return CpuState(cpu.number, state)
    pc, link = cpu.registers["pc"], cpu.registers["x30"]
    frames = [*image.frames_at(pc, load, is_exact=not cpu.is_halted)]
    if not cpu.is_between:
        frames += image.callers(cpu.stack, load, pc=pc, link=link)
    if guest := cpu.guest:
        is_exact = not syndrome.returns_after(guest.syndrome)
        frames += image.frames_at(guest.pc, load, is_exact=is_exact)
        frames += image.callers(guest.stack, load, pc=guest.pc, link=guest.link)
    frames += image.callers(cpu.host_stack, load)
    return CpuState(cpu.number, state, tuple(frames), tuple(_cpu_registers(cpu, load, image)))


def _describe_cpu(cpu: "Cpu") -> tuple[str, bool]:
    """Return the description of the CPU's state, and whether it is off or unknown."""
    if "pc" not in cpu.registers:
        return "unknown: its registers could not be read", True
    level = f"at EL{syndrome.level_of(cpu.registers.get('cpsr', 0))}"
    if cpu.guest:
        level += ", in a handler of a guest's exit"
    elif cpu.is_between:
        level += ", between a guest and its handler"
    elif cpu.host_stack:
        level += ", in a guest"
    if not cpu.is_halted:
        return f"running {level}", False
    if cpu.before in _WAITS:
        return f"asleep in {_WAITS[cpu.before]} {level}", False
    if cpu.before is not None and cpu.before & _CALL_MASK in _SMC_OR_HVC:
        return "off: it turned itself off", True
    if not cpu.registers["pc"] or cpu.before is None:
        return "off: never started", True
    return f"halted {level}", False


def _cpu_registers(cpu: "Cpu", load: int | None, image: _Image) -> Iterator[Register]:
    values = cpu.registers
    yield Register("PC", values["pc"], image.symbol(values["pc"], load))
    if "cpsr" in values:
        yield Register("PSTATE", values["cpsr"], syndrome.describe_spsr(values["cpsr"]))
    for name in _SYSTEM_REGISTERS:
        if not (value := values.get(name)):
            continue
        meaning = image.symbol(value, load)
        if name.startswith("ESR"):
            meaning = f"the last exception: {syndrome.describe_esr(value)}"
        yield Register(name, value, meaning)
    for name in (*(f"x{number}" for number in range(31)), "sp"):
        if name in values:
            shown = name.upper() if name == "sp" else name
            yield Register(shown, values[name], image.symbol(values[name], load))


def _fingerprint(path: Path) -> str:
    """Return text that differs between two builds of a file, in place of a build-id."""
    status = path.stat()
    return f"{status.st_mtime_ns} {status.st_size}"
