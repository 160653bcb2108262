# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutations of assembly: of instructions, and of uses of macros."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from c_mutations import around
from c_tokens import tokens
from mutation import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

_INSTRUCTION = re.compile(
    r"^[ \t]*(?:[\w.\\]+:[ \t]*)?"
    r"(?P<code>(?P<name>[A-Za-z\\][\w.\\]*)(?P<operands>[ \t]+\S.*?)?)[ \t]*$",
    re.MULTILINE,
)
_LABEL = re.compile(r"^([A-Za-z]\w*)\\?\w*:|^[ \t]*\.macro[ \t]+(\w+)", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.\\])(0x[0-9a-fA-F]+|[0-9]+)(?![\w.])")
_PAIRS = ("cbz/cbnz", "tbz/tbnz", "eq/ne", "lt/ge", "gt/le", "lo/hs", "hi/ls", "mi/pl", "vs/vc")
_INVERSE = {each.split("/")[0]: each.split("/")[1] for each in _PAIRS}
_INVERSE |= {new: old for old, new in _INVERSE.items()}
_CONDITION = re.compile(r"\b(?:" + "|".join(_INVERSE) + r")\b")
#: Uses of macros that emit no code.
_UNWIND = "cfi_"


def edits(source: str) -> list[Edit]:
    """Return all mutations of an assembly source, in its order."""
    code = _without_comments(source)
    labels = [(match.start(), match[1] or match[2]) for match in _LABEL.finditer(code)]
    found = []
    for match in _INSTRUCTION.finditer(code):
        if not match["name"].startswith(_UNWIND):
            function = next((name for at, name in reversed(labels) if at <= match.start()), "")
            found += [Edit(*place, function) for place in _places(match)]
    return found


def _without_comments(source: str) -> str:
    """@source with spaces in place of comments, directives of the preprocessor and strings."""
    kept = [" "] * len(source)
    for at, character in enumerate(source):
        if character == "\n":
            kept[at] = "\n"
    for token in tokens(source):
        if token.kind != "string":
            kept[token.start : token.end] = token.text
    for match in re.finditer(r"^[ \t]*#(?:.*\\\n)*.*", source, re.MULTILINE):
        for at in range(match.start(), match.end()):
            kept[at] = "\n" if source[at] == "\n" else " "
    text = "".join(kept)
    return re.sub(r"[ \t]", " ", text)


def _places(match: re.Match[str]) -> Iterator[tuple[str, int, int, str]]:
    yield "drop-instruction", match.start("code"), match.end("code"), ""
    if condition := _CONDITION.search(match["code"]):
        start = match.start("code") + condition.start()
        yield "invert-condition", start, start + len(condition[0]), _INVERSE[condition[0]]
    if not match["operands"]:
        return
    base = match.start("operands")
    for number in _NUMBER.finditer(match["operands"]):
        style = "#x" if number[0].startswith("0x") else "d"
        for operator, value in around(int(number[0], 0)):
            yield operator, base + number.start(), base + number.end(), format(value, style)
    if swapped := _swapped(match["operands"]):
        yield "swap-operands", base, match.end("operands"), swapped


def _swapped(operands: str) -> str:
    """@operands with the first two swapped, "" if there are none or they are the same."""
    match = re.fullmatch(r"(\s*)([^,\[]+?)(\s*,\s*)([^,\[]+?)(\s*,.*)?", operands)
    if not match or match[2] == match[4] or "#" in match[2] + match[4]:
        return ""
    return match[1] + match[4] + match[3] + match[2] + (match[5] or "")
