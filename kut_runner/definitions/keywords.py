# SPDX-License-Identifier: GPL-2.0-or-later
"""Keyword expressions (-k) over names and groups of tests.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | word

A word matches a test if it is part of the test's name or equal to one of its groups, ignoring
case. Words have any characters but spaces and parentheses.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

Predicate = Callable[["TestDef"], bool]

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_OPERATORS: Final = ("and", "or", "not", "(", ")")
_DEEPEST: Final = 100
_EXAMPLE: Final = 'an example: -k "stage2 and not (smp or a72)"'


def parse(text: str) -> Predicate:
    """Return the predicate for an expression; raises UsageError for a syntax error."""
    parser = _Parser(text, _TOKEN.findall(text))
    predicate = parser.expression()
    if parser.tokens:
        raise parser.error(f'"and" or "or" is missing before "{parser.tokens[0]}"')
    return predicate


class _Parser:
    """Recursive descent parser."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text = text
        self.tokens = tokens
        self.depth = 0

    def expression(self) -> Predicate:
        terms = [self.term()]
        while self.take("or"):
            terms.append(self.term())
        return lambda test: any(term(test) for term in terms)

    def term(self) -> Predicate:
        factors = [self.factor()]
        while self.take("and"):
            factors.append(self.factor())
        return lambda test: all(factor(test) for factor in factors)

    def factor(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} levels")
        try:
            return self.negation() if self.take("not") else self.operand()
        finally:
            self.depth -= 1

    def negation(self) -> Predicate:
        factor = self.factor()
        return lambda test: not factor(test)

    def operand(self) -> Predicate:
        if self.take("("):
            inner = self.expression()
            if not self.take(")"):
                raise self.error('")" is missing')
            return inner
        if not self.tokens or self.tokens[0].lower() in _OPERATORS:
            where = f'before "{self.tokens[0]}"' if self.tokens else "at the end"
            raise self.error(f"a word is missing {where}")
        return _matches(self.tokens.pop(0).lower())

    def take(self, token: str) -> bool:
        """Consume the next token if it is `token`; return whether it was."""
        is_next = bool(self.tokens) and self.tokens[0].lower() == token
        if is_next:
            del self.tokens[0]
        return is_next

    def error(self, problem: str) -> UsageError:
        return UsageError(f'-k "{self.text}": {problem}', _EXAMPLE)


def _matches(word: str) -> Predicate:
    def matches(test: "TestDef") -> bool:
        return word in test.name.lower() or word in (group.lower() for group in test.groups)

    return matches
