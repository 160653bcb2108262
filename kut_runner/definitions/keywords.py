# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions over the names and groups of tests, as -k takes them.

    expression = term { "or" term }
    term       = factor { "and" factor }
    factor     = "not" factor | "(" expression ")" | word

A word holds for a test when its name has the word in it or one of its groups is the word; case
does not count. Words are made of everything but spaces and parentheses.
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
    """Return what tells whether a test is meant; raises UsageError where it is no expression."""
    parser = _Parser(text, _TOKEN.findall(text))
    meant = parser.expression()
    if parser.tokens:
        raise parser.error(f'"and" or "or" is missing before "{parser.tokens[0]}"')
    return meant


class _Parser:
    """Takes tokens from the left."""

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
        return _has(self.tokens.pop(0).lower())

    def take(self, token: str) -> bool:
        """Take the next token if it is this one."""
        is_next = bool(self.tokens) and self.tokens[0].lower() == token
        if is_next:
            del self.tokens[0]
        return is_next

    def error(self, what: str) -> UsageError:
        return UsageError(f'-k "{self.text}": {what}', _EXAMPLE)


def _has(word: str) -> Predicate:
    def holds(test: "TestDef") -> bool:
        return word in test.name.lower() or word in (group.lower() for group in test.groups)

    return holds
