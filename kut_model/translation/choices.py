# SPDX-License-Identifier: GPL-2.0-or-later
"""Behaviour that is CONSTRAINED UNPREDICTABLE or IMPLEMENTATION DEFINED.

A rule asks a `Choices` at the place where the architecture leaves something open; `outcomes()`
evaluates it for every answer. So a rule is written once, and nothing has to know which of them
matter for its inputs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Freedom(Generic[T]):
    """A question and its possible answers."""

    question: str
    answers: tuple[T, ...]


def permitted(question: str) -> Freedom[bool]:
    """Return the freedom to do something or not to."""
    return Freedom(question, (True, False))


class Choices:
    """Answers to the freedoms, in the order of the questions; one answer to each."""

    def __init__(self, script: tuple[int, ...] = ()) -> None:
        """`script`: the number of the answer to each question; those after it get the first."""
        self._script = script
        self._asked: dict[str, int] = {}
        self.path: list[int] = []
        self.widths: list[int] = []

    def __call__(self, freedom: Freedom[T]) -> T:
        """Return an answer."""
        number = self._asked.get(freedom.question)
        if number is None:
            position = len(self.path)
            number = self._script[position] if position < len(self._script) else 0
            self._asked[freedom.question] = number
            self.path.append(number)
            self.widths.append(len(freedom.answers))
        return freedom.answers[number]


def outcomes(evaluate: Callable[[Choices], T]) -> tuple[T, ...]:
    """Return every distinct result of `evaluate`, that of the first answers first."""
    found: dict[T, None] = {}
    scripts: list[tuple[int, ...]] = [()]
    while scripts:
        script = scripts.pop()
        choices = Choices(script)
        found[evaluate(choices)] = None
        for position in range(len(script), len(choices.path)):
            taken = tuple(choices.path[:position])
            scripts += [(*taken, other) for other in range(1, choices.widths[position])]
    return tuple(found)
