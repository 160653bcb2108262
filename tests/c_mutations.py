# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutations of C: of expressions anywhere, and of the statements of functions and macros."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from c_tokens import Token, closing, units
from mutation import Edit, with_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from c_tokens import Unit

    #: An edit without the name of its function.
    Place = tuple[str, int, int, str]

_SWAPS = {
    "==": "!=",
    "!=": "==",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "&&": "||",
    "||": "&&",
    "<<": ">>",
    ">>": "<<",
    "|": "&",
    "&": "|",
    "+": "-",
    "-": "+",
    "/": "*",
    "%": "/",
    "++": "--",
    "--": "++",
    "+=": "-=",
    "-=": "+=",
    "|=": "&=",
    "&=": "|=",
    "<<=": ">>=",
    ">>=": "<<=",
    "true": "false",
    "false": "true",
}
#: Operators of _SWAPS that are unary as well.
_AMBIGUOUS = {"&", "+", "-"}
_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)([uUlL]*)")
_ASSIGNMENTS = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="}
#: Tokens that end an operand of the conditional operator, and of those that bind closer.
_OUTSIDE = {*_ASSIGNMENTS, ",", ";", "?", ":", "(", "[", "{", ")", "]", "}", "return", "case"}
_STOPS = {
    "?": _OUTSIDE,
    "||": {*_OUTSIDE, "||"},
    "&&": {*_OUTSIDE, "||", "&&"},
    "|": {*_OUTSIDE, "||", "&&", "|"},
}
_NOT_RUN = {"static_assert", "_Static_assert", "__attribute__", "sizeof", "typeof", "asm"}
_TYPES = {
    *("auto", "bool", "char", "const", "double", "enum", "extern", "float", "int", "long"),
    *("register", "short", "signed", "static", "struct", "typedef", "union", "unsigned", "void"),
    *("volatile", "typeof", "__typeof__", "va_list"),
}


def edits(source: str) -> list[Edit]:
    """Return all mutations of a C source, in its order, macros last."""
    found = []
    for unit in units(source):
        ranges = tuple(_skipped(unit.tokens))
        for operator, start, end, text in _places(unit, source):
            if text != source[start:end] and not any(a <= start < b for a, b in ranges):
                whole = with_lines(text, source[start:end])
                found.append(Edit(operator, start, end, whole, unit.name))
    return found


def _places(unit: Unit, source: str) -> Iterator[Place]:
    for rule in _EXPRESSION_RULES:
        yield from rule(unit.tokens, source)
    if unit.is_code:
        yield from _statements(unit.tokens, source)
    else:
        yield from _initializers(unit.tokens, source)


def _skipped(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield the parts of the source, as offsets, that only the compiler evaluates.

    An asm statement can be deleted, but what is in it stays as it is.
    """
    for index, token in enumerate(tokens):
        if token.text in _NOT_RUN:
            opening = index + 1
            while opening < len(tokens) and tokens[opening].text in {"volatile", "goto", "inline"}:
                opening += 1
            if opening < len(tokens) and tokens[opening].text == "(":
                end = closing(tokens, opening)
                if end < len(tokens):
                    yield token.end, tokens[end].end


def _swap_operator(tokens: Sequence[Token], _: str) -> Iterator[Place]:
    for index, token in enumerate(tokens):
        new = _SWAPS.get(token.text)
        if new and token.kind != "string" and _is_binary(tokens, index):
            yield "swap-operator", token.start, token.end, new


def _is_binary(tokens: Sequence[Token], index: int) -> bool:
    """Whether the token is no unary operator."""
    if tokens[index].text not in _AMBIGUOUS:
        return True
    before = tokens[index - 1] if index else Token("", "", 0)
    if before.text == ")":
        return not _is_cast(tokens, index - 1)
    return (
        before.kind in {"number", "char"}
        or before.text == "]"
        or (before.kind == "word" and before.text not in {"return", "case"})
    )


def _is_cast(tokens: Sequence[Token], closed: int) -> bool:
    opening = closed
    while opening and tokens[opening].text != "(":
        opening -= 1
    texts = [token.text for token in tokens[opening + 1 : closed]]
    return bool(texts) and (
        texts[0] in _TYPES
        or texts[-1] == "*"
        or (len(texts) == 1 and bool(re.fullmatch(r"[us]\d+|\w+_t", texts[0])))
    )


def _drop_negation(tokens: Sequence[Token], _: str) -> Iterator[Place]:
    for token in tokens:
        if token.text in {"!", "~"}:
            yield "drop-negation", token.start, token.end, ""


def _change_constant(tokens: Sequence[Token], _: str) -> Iterator[Place]:
    for token in tokens:
        match = _INTEGER.fullmatch(token.text)
        if token.kind != "number" or not match:
            continue
        base = 16 if match[1][:2] in {"0x", "0X"} else 10
        if base == 10 and match[1] != "0" and match[1].startswith("0"):
            continue
        for operator, value in around(int(match[1], base)):
            text = f"{value:#x}" if base == 16 else str(value)
            yield operator, token.start, token.end, text + match[2]


def around(value: int) -> Iterator[tuple[str, int]]:
    """Yield the operators that change an integer constant, with the value that they make it."""
    yield "increment", value + 1
    if value:
        yield "decrement", value - 1


def _drop_operand(tokens: Sequence[Token], _: str) -> Iterator[Place]:
    """Drop what is left of an operator, and what is right of the last one."""
    for index, token in enumerate(tokens):
        if token.text not in {"&&", "||", "|"}:
            continue
        stops = _STOPS[token.text]
        first, last = _left(tokens, index, stops), _right(tokens, index, stops)
        if first < index and last > index:
            yield "drop-left-operand", tokens[first].start, tokens[index + 1].start, ""
            if last + 1 >= len(tokens) or tokens[last + 1].text != token.text:
                yield "drop-right-operand", tokens[index - 1].end, tokens[last].end, ""


def _left(tokens: Sequence[Token], index: int, stops: set[str]) -> int:
    """Return the first token of the operand that ends before @index."""
    depth = 0
    while index:
        text = tokens[index - 1].text
        depth += text in {")", "]", "}"}
        if not depth and text in stops:
            break
        depth -= text in {"(", "[", "{"}
        index -= 1
    return index


def _right(tokens: Sequence[Token], index: int, stops: set[str]) -> int:
    """Return the last token of the operand that begins after @index."""
    while index + 1 < len(tokens):
        text = tokens[index + 1].text
        if text in {"(", "[", "{"}:
            index = closing(tokens, index + 1)
        elif text in stops:
            break
        else:
            index += 1
    return min(index, len(tokens) - 1)


def _negate_conditional(tokens: Sequence[Token], source: str) -> Iterator[Place]:
    for index, token in enumerate(tokens):
        if token.text == "?":
            first = _left(tokens, index, _STOPS["?"])
            if first < index:
                yield _negation("negate-choice", tokens[first].start, tokens[index - 1].end, source)


def _negation(operator: str, start: int, end: int, source: str) -> Place:
    return operator, start, end, f"!({source[start:end]})"


def _swap_arguments(tokens: Sequence[Token], source: str) -> Iterator[Place]:
    """Swap two neighbours among the arguments of each call."""
    for index, token in enumerate(tokens[1:], 1):
        if token.text == "(" and tokens[index - 1].kind == "word":
            arguments = list(_elements(tokens, index))
            for left, right in pairwise(arguments):
                if _is_parameter(left) or _is_parameter(right):
                    continue
                start, end = left[0].start, right[-1].end
                between = source[left[-1].end : right[0].start]
                text = source[right[0].start : end] + between + source[start : left[-1].end]
                yield "swap-arguments", start, end, text


def _is_parameter(part: Sequence[Token]) -> bool:
    """Whether this declares a parameter, and is no argument."""
    kinds = [token.kind for token in part]
    return part[0].text in _TYPES or ("word", "word") in pairwise(kinds)


def _elements(tokens: Sequence[Token], opening: int) -> Iterator[Sequence[Token]]:
    """Yield the tokens of each element of a list in parentheses or braces; none that is empty."""
    end = closing(tokens, opening)
    first = index = opening + 1
    while index < end:
        if tokens[index].text in {"(", "[", "{"}:
            index = closing(tokens, index)
        elif tokens[index].text == ",":
            if index > first:
                yield tokens[first:index]
            first = index + 1
        index += 1
    if first < end < len(tokens):
        yield tokens[first:end]


def _initializers(tokens: Sequence[Token], source: str) -> Iterator[Place]:
    """Drop the elements with a designator, which then are zero."""
    for index, token in enumerate(tokens):
        if token.text != "{":
            continue
        for element in _elements(tokens, index):
            if element[0].text in {".", "["} and any(each.text == "=" for each in element):
                yield _deletion("drop-initializer", element, source, "")


def _deletion(operator: str, part: Sequence[Token], source: str, text: str) -> Place:
    start, end = part[0].start, part[-1].end
    comma = source[end : end + 1] == ","  # an element's own, so that the rest stays a list
    end += comma and not text
    return operator, start, end, text


@dataclass
class _Statements:
    """Walks through the statements of a body."""

    tokens: Sequence[Token]
    source: str

    def within(self, index: int, end: int) -> Iterator[Place]:
        """Yield the mutations of the statements from the token @index to before @end."""
        while index < end:
            text = self.tokens[index].text
            if text in {"if", "while", "for", "switch"}:
                close = closing(self.tokens, index + 1)
                yield from self._condition(text, index + 1, close)
                index = close + 1
            elif text in {"{", "}", ";", "else", "do"}:
                index += 1
            elif label := self._label(index, end):
                index = label
            else:
                stop = self._stop(index, end)
                yield from self._statement(index, stop)
                index = stop + 1

    def _condition(self, keyword: str, opening: int, close: int) -> Iterator[Place]:
        part: Sequence[Token] = self.tokens[opening + 1 : close]
        if keyword == "switch":
            return
        if keyword == "for":
            ends = [index for index, token in enumerate(part) if token.text == ";"]
            part = part[ends[0] + 1 : ends[1]] if len(ends) == 2 else ()
        if part and [token.text for token in part] not in (["0"], ["1"]):
            yield _negation("negate-condition", part[0].start, part[-1].end, self.source)

    def _label(self, index: int, end: int) -> int:
        """Return the index after the label at @index, 0 without one."""
        first = self.tokens[index].text
        if first == "case":
            while index < end and self.tokens[index].text != ":":
                index += 1
            return index + 1
        is_label = index + 1 < end and self.tokens[index + 1].text == ":"
        return index + 2 if is_label and self.tokens[index].kind == "word" else 0

    def _stop(self, index: int, end: int) -> int:
        """Return the index of the semicolon that ends the statement, or of what ends the block."""
        while index < end and self.tokens[index].text not in {";", "}"}:
            nested = self.tokens[index].text in {"(", "[", "{"}
            index = closing(self.tokens, index) + 1 if nested else index + 1
        return index

    def _statement(self, first: int, stop: int) -> Iterator[Place]:
        for index in range(first, min(stop, len(self.tokens)) - 1):
            if self.tokens[index].text == "(" and self.tokens[index + 1].text == "{":
                yield from self.within(index + 2, closing(self.tokens, index + 1))
        if stop >= len(self.tokens) or self.tokens[stop].text != ";":
            return
        part = self.tokens[first : stop + 1]
        if part[0].text == "return" and len(part) > 2:
            yield from _return_zero(part[1:-1])
        elif part[0].text not in _NOT_RUN - {"asm"} and not _is_declaration(part):
            yield _deletion("delete-statement", part, self.source, "{}")


def _return_zero(value: Sequence[Token]) -> Iterator[Place]:
    if len(value) > 1 or value[0].text not in {"0", "NULL", "false", "true"}:
        yield "return-zero", value[0].start, value[-1].end, "0"


def _statements(tokens: Sequence[Token], source: str) -> Iterator[Place]:
    yield from _Statements(tokens, source).within(0, len(tokens))


def _is_declaration(part: Sequence[Token]) -> bool:
    texts = [token.text for token in part]
    if texts[0] in _TYPES:
        return True
    if part[0].kind != "word" or texts[0] in {"goto", "asm"}:
        return False
    after = 1
    while texts[after] == "*":
        after += 1
    return part[after].kind == "word" and texts[after] != "volatile"


_EXPRESSION_RULES: tuple[Callable[[Sequence[Token], str], Iterator[Place]], ...] = (
    _swap_operator,
    _drop_negation,
    _change_constant,
    _drop_operand,
    _negate_conditional,
    _swap_arguments,
)
