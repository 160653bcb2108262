# SPDX-License-Identifier: GPL-2.0-or-later
"""Script for gdb: the `kut` commands, a pretty-printer for struct guest, and an unwinder."""

from __future__ import annotations

import importlib.util
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import gdb
from gdb.unwinder import Unwinder, register_unwinder

if TYPE_CHECKING:
    from collections.abc import Iterator


def _find_package() -> None:
    """Make this package importable, but not its neighbours in site-packages."""
    home = Path(__file__).resolve().parents[2]
    if "kut_runner" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "kut_runner", home / "__init__.py", submodule_search_locations=[str(home)]
    )
    if spec and spec.loader:
        sys.modules["kut_runner"] = package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)


_find_package()

from kut_runner.debugging.helpers import commands  # noqa: E402 - only importable now
from kut_runner.debugging.helpers.machine import CommandError, Member, UnreadableError, Value  # noqa: E402

_ALL_BITS = (1 << 64) - 1
#: Code of the host's vectors before it has saved the registers, with its exception level.
_VECTORS = re.compile(r"(?:host_(?:vectors|exception)_el([12])|guest_vectors(?:_dc)?)\b")
#: Bytes of a slot of a vector table.
_VECTOR_SLOT = 0x80
#: Offset of the instruction in a slot that makes room on the stack; before it PAN is cleared.
_VECTOR_SUB = 4
_STRUCTS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)


class _Gdb:
    """`machine.Debugger` for gdb."""

    def evaluate(self, expression: str) -> Value:
        try:
            return _value(gdb.parse_and_eval(expression))
        except gdb.error as error:
            raise CommandError(str(error)) from None

    def find_local(self, struct: str) -> int:
        for frame in _frames():
            for symbol in _variables(frame):
                with suppress(gdb.error, ValueError):
                    value = _value(symbol.value(frame))
                    if value.struct == struct and value.number:
                        return value.number
        return 0

    def members(self, struct: str) -> dict[str, Member]:
        try:
            return dict(_members(gdb.lookup_type(f"struct {struct}"), "", 0))
        except gdb.error as error:
            raise CommandError(str(error)) from None

    def enumerators(self, enum: str) -> dict[int, str]:
        try:
            fields = gdb.lookup_type(f"enum {enum}").fields()
        except gdb.error as error:
            raise CommandError(str(error)) from None
        return {field.enumval: field.name for field in reversed(fields)}

    def register(self, name: str) -> int | None:
        with suppress(gdb.error):
            value = gdb.parse_and_eval(f"${name}")
            if value.type.code != gdb.TYPE_CODE_VOID:
                return int(value) & (1 << 64) - 1
        return None

    def read(self, address: int, size: int) -> bytes:
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except gdb.error as error:
            raise UnreadableError(str(error)) from None

    def read_physical(self, address: int, size: int) -> bytes:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
        try:
            return self.read(address, size)
        finally:
            gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)

    def symbol(self, address: int) -> str:
        text = gdb.execute(f"info symbol {address:#x}", to_string=True)
        name, _, rest = text.partition(" in section ")
        return name.replace(" + ", "+") if rest else ""


def _frames() -> Iterator[gdb.Frame]:
    """Yield the frames from the selected one outwards, then all from the innermost."""
    with suppress(gdb.error):
        for first in (gdb.selected_frame, gdb.newest_frame):
            frame = first()
            while frame is not None and frame.is_valid():
                yield frame
                frame = frame.older()


def _variables(frame: gdb.Frame) -> list[gdb.Symbol]:
    found = []
    with suppress(RuntimeError):  # a frame without debug information
        block = frame.block()
        while block and not block.is_static:
            found += [each for each in block if each.is_variable or each.is_argument]
            block = block.superblock
    return found


def _struct_of(value: gdb.Value) -> str:
    """Return the name of the structure that a value is or points to, "" for other values."""
    kind = value.type.strip_typedefs()
    if kind.code == gdb.TYPE_CODE_PTR:
        kind = kind.target().strip_typedefs()
    return (kind.tag or "") if kind.code == gdb.TYPE_CODE_STRUCT else ""


def _value(value: gdb.Value) -> Value:
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        return Value(int(value.address), _struct_of(value))
    return Value(int(value) & (1 << 64) - 1, _struct_of(value))


def _members(kind: gdb.Type, prefix: str, base: int) -> Iterator[tuple[str, Member]]:
    for field in kind.fields():
        inner = field.type.strip_typedefs()
        name, offset = f"{prefix}{field.name or ''}", base + field.bitpos // 8
        if inner.code in _STRUCTS:
            yield from _members(inner, f"{name}." if field.name else prefix, offset)
            continue
        count = 1
        if inner.code == gdb.TYPE_CODE_ARRAY:
            low, high = inner.range()
            count, inner = high - low + 1, inner.target().strip_typedefs()
        if inner.code not in _STRUCTS and inner.code != gdb.TYPE_CODE_ARRAY:
            yield name, Member(offset, inner.sizeof, count)


class _Prefix(gdb.Command):  # type: ignore[misc]
    """Print guests and stage-2 page tables; `help kut` lists the commands."""

    def __init__(self) -> None:
        super().__init__("kut", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)


class _Command(gdb.Command):  # type: ignore[misc]
    def __init__(self, name: str, command: commands.Command) -> None:
        self.__doc__ = f"kut {name} {command.usage}\n{command.about}"
        self._run = command.run
        super().__init__(f"kut {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, arguments: str, _from_tty: bool) -> None:  # noqa: FBT001 - gdb's signature
        try:
            for line in self._run(_Gdb(), arguments.strip()):
                gdb.write(f"{line}\n")
        except CommandError as error:
            raise gdb.GdbError(str(error)) from None


class _Print(gdb.Command):  # type: ignore[misc]
    """Print the value of an expression, as gdb does; `help call` lists the options.

    A struct guest whose system registers are in the CPU is printed without them, where gdb would
    print an error only.
    """

    def __init__(self) -> None:
        super().__init__("print", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, arguments: str, from_tty: bool) -> None:  # noqa: FBT001 - gdb's signature
        try:
            gdb.execute(f"call {arguments}", from_tty)  # which is print, but for void
        except gdb.MemoryError as error:
            lines = _guest_lines(arguments)
            if not lines:
                raise gdb.GdbError(f"{error}{_hint(str(error))}") from None
            gdb.write("\n".join(lines) + "\n")
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None


def _guest_lines(arguments: str) -> list[str]:
    """Return a struct guest without its hidden members; empty if `arguments` is another value."""
    match = re.match(r"/(\w+)\s+", arguments)
    form, expression = (match[1], arguments[match.end() :]) if match else (None, arguments)
    with suppress(gdb.error, CommandError):
        value = gdb.parse_and_eval(expression)
        if value.type.strip_typedefs().code not in _STRUCTS or _struct_of(value) != "guest":
            return []
        address = int(value.address)
        if form is None:
            return [commands.summary(_Gdb(), address)]
        hidden = commands.hidden_at(_Gdb(), address)
        options = {"format": form} if form in set("acdfostuxz") else {}
        shown = [
            f"  {field.name} = {value[field].format_string(raw=True, **options)}"
            for field in value.type.strip_typedefs().fields()
            if field.name and (hidden is None or field.bitpos // 8 < hidden)
        ]
        return ["{", *shown, "  system registers: in the CPU, see `kut guest`", "}"]
    return []


def _hint(error: str) -> str:
    """Return where to look for the memory of an error, if it is a guest's hidden page."""
    with suppress(CommandError):
        guest = _Gdb().find_local("guest")
        hidden = commands.hidden_at(_Gdb(), guest) if guest else None
        found = re.search(r"0x[0-9a-f]+", error)
        if hidden and found and guest + hidden <= int(found[0], 16) < guest + 2 * hidden:
            return ": the guest's system registers are in the CPU, see `kut guest`"
    return ""


class _Summary:
    """Pretty-printer for a guest, or a pointer to one; `print/r` shows the plain structure."""

    def __init__(self, address: int, *, is_pointer: bool) -> None:
        self._address = address
        self._prefix = f"{address:#x} " if is_pointer else ""

    def to_string(self) -> str:
        try:
            return f"{self._prefix}{commands.summary(_Gdb(), self._address)}"
        except CommandError:  # for example, not initialised yet
            return f"{self._prefix}{{not readable}}"


def _look_up(value: gdb.Value) -> _Summary | None:
    if _struct_of(value) != "guest":
        return None
    is_pointer = value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR
    if not is_pointer and value.address is None:
        return None
    address = int(value if is_pointer else value.address)
    return _Summary(address, is_pointer=is_pointer) if address else None


def _on_exit(_event: object) -> None:
    """Kill the machine when gdb exits, which would otherwise let it run on."""
    with suppress(gdb.error):
        gdb.execute("kill", to_string=True)


class _AssemblyUnwinder(Unwinder):  # type: ignore[misc]
    """Unwinder for assembly without call frame information, where gdb guesses, possibly endlessly.

    It follows frame records, and in the first instructions of a vector of the host ELR, which call
    frame information cannot refer to. C functions and the library's assembly are left to gdb.
    """

    def __init__(self) -> None:
        super().__init__("kut")

    def __call__(self, pending: gdb.PendingFrame) -> gdb.UnwindInfo | None:
        pc, frame, stack = (pending.read_register(name) for name in ("pc", "x29", "sp"))
        address = int(pc)
        if _is_in_c(address):
            return None
        if match := _VECTORS.match(_Gdb().symbol(address)):
            has_room = "exception" in match[0] or address % _VECTOR_SLOT > _VECTOR_SUB
            values = _interrupted(pending, int(match[1] or 2), int(stack), has_room=has_room)
        elif _is_in_library(address):
            return None
        else:
            caller, back = _frame_record(int(frame) & _ALL_BITS)
            values = {"x29": caller, "sp": int(frame if back else stack) + 16, "pc": back}
        found = pending.create_unwind_info(_FrameId(stack, pc))
        for name, value in values.items():
            found.add_saved_register(name, gdb.Value(value & _ALL_BITS).cast(frame.type))
        return found


class _FrameId:
    def __init__(self, sp: gdb.Value, pc: gdb.Value) -> None:
        self.sp, self.pc = sp, pc


def _interrupted(
    pending: gdb.PendingFrame, level: int, stack: int, *, has_room: bool
) -> dict[str, int]:
    """Return the registers of the code that an exception interrupted; they are not saved yet.

    `has_room` is whether SP is below the room for them.
    """
    registers = {name: pending.read_register(f"{name}_EL{level}") for name in ("ELR", "SPSR")}
    if not int(registers["SPSR"]) & 1:
        stack = int(pending.read_register("SP_EL0"))
    elif has_room:
        stack += gdb.lookup_type("struct exception_frame").sizeof
    return {"pc": int(registers["ELR"]), "sp": stack}


def _is_in_library(address: int) -> bool:
    """Return whether an address is in assembly of the library, which has call frame information."""
    symtab = gdb.find_pc_line(address).symtab
    return symtab is not None and "lib/arm64/" in symtab.filename


def _is_in_c(address: int) -> bool:
    with suppress(gdb.error, RuntimeError):
        block = gdb.block_for_pc(address)
        while block is not None:
            if block.function is not None:
                return True
            block = block.superblock
    return False


def _frame_record(address: int) -> tuple[int, int]:
    """Return the frame record at an address: that of the caller, and the return address.

    Both are 0 at the end of the stack.
    """
    with suppress(CommandError):
        data = _Gdb().read(address, 16) if address and address % 8 == 0 else bytes(16)
        caller, back = (int.from_bytes(data[at : at + 8], "little") for at in (0, 8))
        return caller, back & (1 << 48) - 1
    return 0, 0


_look_up.name = "kut"  # type: ignore[attr-defined]
_Prefix()
_Print()
for _name, _each in commands.COMMANDS.items():
    _Command(_name, _each)
gdb.pretty_printers.append(_look_up)
register_unwinder(None, _AssemblyUnwinder(), replace=True)
if hasattr(gdb.events, "gdb_exiting"):  # since gdb 12
    gdb.events.gdb_exiting.connect(_on_exit)
