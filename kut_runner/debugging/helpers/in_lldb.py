# SPDX-License-Identifier: GPL-2.0-or-later
"""Script for lldb: the `kut` commands."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import lldb

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


class _Lldb:
    """`machine.Debugger` for lldb."""

    def __init__(self, context: lldb.SBExecutionContext) -> None:
        self._target = context.GetTarget()
        self._process = context.GetProcess()
        self._thread = context.GetThread()
        self._frame = context.GetFrame()

    def evaluate(self, expression: str) -> Value:
        value = self._frame.EvaluateExpression(expression)
        if value.GetError().Fail():
            raise CommandError(str(value.GetError()).strip())
        return _value(value)

    def find_local(self, struct: str) -> int:
        first = self._frame.GetFrameID()
        count = self._thread.GetNumFrames()
        for number in (*range(first, count), *range(first)):
            frame = self._thread.GetFrameAtIndex(number)
            for each in frame.GetVariables(True, True, False, True):  # noqa: FBT003 - lldb's
                value = _value(each)
                if value.struct == struct and value.number and each.GetError().Success():
                    return value.number
        return 0

    def members(self, struct: str) -> dict[str, Member]:
        kind = self._target.FindFirstType(struct)
        if not kind.IsValid():
            raise CommandError(f"unknown struct {struct}")
        return dict(_members(kind, "", 0))

    def enumerators(self, enum: str) -> dict[int, str]:
        kind = self._target.FindFirstType(enum)
        if not kind.IsValid():
            raise CommandError(f"unknown enum {enum}")
        members = list(kind.GetEnumMembers())
        return {each.GetValueAsUnsigned(): each.GetName() for each in reversed(members)}

    def register(self, name: str) -> int | None:
        value = self._frame.FindRegister(name)
        return value.GetValueAsUnsigned() if value.IsValid() else None

    def read(self, address: int, size: int) -> bytes:
        error = lldb.SBError()
        data = self._process.ReadMemory(address, size, error)
        if error.Fail() or data is None or len(data) < size:
            raise UnreadableError(f"cannot read memory at {address:#x}")
        return bytes(data)

    def read_physical(self, address: int, size: int) -> bytes:
        self._send("Qqemu.PhyMemMode:1")
        try:
            return self.read(address, size)
        finally:
            self._send("Qqemu.PhyMemMode:0")

    def symbol(self, address: int) -> str:
        symbol = self._target.ResolveLoadAddress(address).GetSymbol()
        if not symbol.IsValid():
            return ""
        distance = address - symbol.GetStartAddress().GetLoadAddress(self._target)
        return f"{symbol.GetName()}+{distance}" if distance else str(symbol.GetName())

    def _send(self, packet: str) -> None:
        reply = lldb.SBCommandReturnObject()
        interpreter = self._target.GetDebugger().GetCommandInterpreter()
        interpreter.HandleCommand(f"process plugin packet send {packet}", reply)


def _value(value: lldb.SBValue) -> Value:
    kind = value.GetType().GetCanonicalType()
    if kind.IsPointerType():
        inner = kind.GetPointeeType().GetCanonicalType()
        name = inner.GetName() if inner.GetTypeClass() == lldb.eTypeClassStruct else ""
        return Value(value.GetValueAsUnsigned(), _plain(name))
    if kind.GetTypeClass() == lldb.eTypeClassStruct:
        return Value(value.GetLoadAddress(), _plain(kind.GetName()))
    return Value(value.GetValueAsUnsigned())


def _plain(name: str | None) -> str:
    return (name or "").rpartition(" ")[2]


def _members(kind: lldb.SBType, prefix: str, base: int) -> Iterator[tuple[str, Member]]:
    aggregate = (lldb.eTypeClassStruct, lldb.eTypeClassUnion)
    for field in kind.get_fields_array():
        inner = field.GetType().GetCanonicalType()
        offset, name = base + field.GetOffsetInBytes(), f"{prefix}{field.GetName() or ''}"
        if inner.GetTypeClass() in aggregate:
            yield from _members(inner, f"{name}." if field.GetName() else prefix, offset)
            continue
        count = 1
        if inner.IsArrayType():
            element = inner.GetArrayElementType().GetCanonicalType()
            count = inner.GetByteSize() // max(element.GetByteSize(), 1)
            inner = element
        if inner.GetTypeClass() not in aggregate and not inner.IsArrayType():
            yield name, Member(offset, inner.GetByteSize(), count)


def kut(
    _debugger: lldb.SBDebugger,
    arguments: str,
    context: lldb.SBExecutionContext,
    result: lldb.SBCommandReturnObject,
    _session: object,
) -> None:
    """Print guests and stage-2 page tables: kut guest, stage2, exits or esr, with arguments."""
    name, _, rest = arguments.strip().partition(" ")
    command = commands.COMMANDS.get(name)
    if not command:
        lines = [
            f"kut {each} {known.usage}  {known.about}" for each, known in commands.COMMANDS.items()
        ]
        result.SetError("\n".join(lines))
        return
    try:
        for line in command.run(_Lldb(context), rest.strip()):
            result.AppendMessage(line)
    except CommandError as error:
        result.SetError(str(error))


def __lldb_init_module(debugger: lldb.SBDebugger, _session: object) -> None:
    debugger.HandleCommand(f"command script add --function {__name__}.kut kut")
    debugger.HandleCommand("settings set target.process.disable-memory-cache true")
