# SPDX-License-Identifier: GPL-2.0-or-later
"""A diagnosis in the page: headline, stacks with source lines, decoded registers."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from kut_runner.verdict.diagnosis import Diagnosis, Frame, Register
from kut_runner.views.html.text import shown

#: Maximum number of frames shown of one stack; a recursion counts as one.
_MOST_FRAMES: Final = 24
_GENERAL: Final = re.compile("x[0-9]+")


def diagnosis(found: Diagnosis, reason: str) -> str:
    """Return the section with the diagnosis of a failure, without what its `reason` has."""
    headline = found.headline_after(reason)
    parts = [f'<p class="headline">{shown(headline)}</p>'] if headline else []
    parts += [_stack(found.frames), _registers(found.registers)]
    for cpu in found.cpus:
        parts.append(f"<h4>CPU {cpu.cpu}: {shown(cpu.state)}</h4>")
        parts += [_stack(cpu.frames), _registers(cpu.registers)]
    parts += [f'<p class="note">{shown(note)}</p>' for note in found.notes]
    return f'<section class="diagnosis">{"".join(parts)}</section>'


def _stack(frames: tuple[Frame, ...]) -> str:
    if not frames:
        return ""
    groups = [[*same] for _, same in groupby(frames, lambda frame: frame.place)]
    items = "".join(map(_frame, groups[:_MOST_FRAMES]))
    more = sum(map(len, groups[_MOST_FRAMES:]))
    rest = f"<li>and {more} more</li>" if more else ""
    return f'<ol class="stack">{items}{rest}</ol>'


def _frame(same: list[Frame]) -> str:
    frame = same[0]
    prefix = "image offset " if frame.is_in_image else ""
    name = f"{shown(frame.function)}()" if frame.function else f"{prefix}{frame.address:#x}"
    line = f":{frame.line}" if frame.line else ""
    location = f'<span class="location">{shown(frame.file)}{line}</span>' if frame.file else ""
    notes = [f"{len(same)} times"] if len(same) > 1 else []
    notes += ["inlined"] if frame.is_inlined else []
    note = f"<small>{', '.join(notes)}</small>" if notes else ""
    source = f"<pre>{shown(frame.source.strip())}</pre>" if frame.source else ""
    return f"<li><b>{name}</b> {location} {note}{source}</li>"


def _registers(registers: Iterable[Register]) -> str:
    """Return system registers as a table, and general registers that point to symbols."""
    known = [register for register in registers if register.meaning]
    general = [register for register in known if _GENERAL.fullmatch(register.name)]
    rows = "".join(_row(register) for register in known if register not in general)
    table = f'<div class="scroll"><table class="registers">{rows}</table></div>' if rows else ""
    pointers = " ".join(
        f'<span title="{register.value:#x}">{shown(register.name)}={shown(register.meaning)}</span>'
        for register in general
    )
    return table + (f'<p class="pointers">{pointers}</p>' if pointers else "")


def _row(register: Register) -> str:
    value = f"<td><code>{register.value:#x}</code>"
    return f"<tr><th>{shown(register.name)}{value}<td>{shown(register.meaning)}"
