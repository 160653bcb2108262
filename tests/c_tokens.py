# SPDX-License-Identifier: GPL-2.0-or-later
"""Tokens of C: the code of a file and the bodies of its macros, without comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TOKEN = re.compile(
    r"""
    (?P<space> (?: \s | \\\n )+ )
    | (?P<comment> /\*.*?\*/ | //[^\n]* )
    | (?P<string> "(?: \\. | [^"\\] )*" )
    | (?P<char> '(?: \\. | [^'\\] )+' )
    | (?P<number> \.?[0-9] (?: [eEpP][+-] | [\w.] )* )
    | (?P<word> [A-Za-z_]\w* )
    | (?P<punctuation> <<= | >>= | \.\.\. | -> | \+\+ | -- | << | >> | [<>=!]= | && | \|\|
        | [-+*/%&|^]= | \#\# | . )
    """,
    re.DOTALL | re.VERBOSE,
)
_DEFINE = re.compile(r"#[ \t]*define[ \t]+(\w+)(?:\([^)]*\))?")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is neither space nor comment."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset behind it."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Unit:
    """The tokens of a function's body with its braces, of a macro's body, or between functions."""

    name: str
    """Function or macro, "" for what is neither."""
    tokens: tuple[Token, ...]
    is_code: bool
    """Whether it has statements."""


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    """Yield the tokens of text[start:end], those of directives too."""
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        if match.lastgroup not in {"space", "comment"}:
            yield Token(match.lastgroup or "", match[0], match.start())


def units(text: str) -> list[Unit]:
    """Return the units of a C source: those of its code, then those of its macros."""
    spans = [_span(text, token) for token in _directives(text)]
    inside = iter([*spans, (len(text), len(text))])
    begin, end = next(inside)
    code = []
    for token in tokens(text):
        while token.start >= end:
            begin, end = next(inside)
        if token.start < begin:
            code.append(token)
    macros = (_macro(text, *span) for span in spans)
    return [*_functions(code), *(macro for macro in macros if macro)]


def closing(sequence: Sequence[Token], opening: int) -> int:
    """Return the index of the token that closes the parenthesis or brace at @opening.

    One that is never closed ends with the sequence.
    """
    depth = 0
    for index in range(opening, len(sequence)):
        text = sequence[index].text
        depth += text in _CLOSING
        depth -= text in _CLOSING.values()
        if not depth:
            return index
    return len(sequence)


def _directives(text: str) -> Iterator[Token]:
    """Yield the # of each directive that is not part of another."""
    end = 0
    for token in tokens(text):
        first = not text[text.rfind("\n", 0, token.start) + 1 : token.start].strip()
        if token.text == "#" and first and token.start >= end:
            end = _span(text, token)[1]
            yield token


def _span(text: str, token: Token) -> tuple[int, int]:
    """Return where the directive that begins with @token starts and ends."""
    for match in _TOKEN.finditer(text, token.start):
        if match.lastgroup == "space" and "\n" in match[0].replace("\\\n", ""):
            return token.start, match.start()
        if match[0].startswith("//"):
            return token.start, match.end()
    return token.start, len(text)


def _macro(text: str, start: int, end: int) -> Unit | None:
    define = _DEFINE.match(text, start)
    if not define:
        return None
    body = tuple(tokens(text, define.end(), end))
    is_code = any(token.text in {";", "{"} for token in body)
    return Unit(define[1], body, is_code)


def _functions(code: Sequence[Token]) -> Iterator[Unit]:
    """Yield the bodies of functions, and as one unit each what is between them."""
    begin = index = 0
    while index < len(code):
        if code[index].text == "{":
            end = closing(code, index)
            if index and code[index - 1].text == ")":
                yield Unit("", tuple(code[begin:index]), is_code=False)
                yield Unit(_name(code, index - 1), tuple(code[index : end + 1]), is_code=True)
                begin = end + 1
            index = end
        index += 1
    yield Unit("", tuple(code[begin:]), is_code=False)


def _name(code: Sequence[Token], closed: int) -> str:
    """Return the name of the function whose parameters end with the token at @closed."""
    depth = 0
    for index in range(closed, 0, -1):
        depth += code[index].text == ")"
        depth -= code[index].text == "("
        if not depth:
            return code[index - 1].text
    return ""
