# SPDX-License-Identifier: GPL-2.0-or-later
"""Smaller variants of a case: those that fail as it does are the next cases to shrink."""

from collections.abc import Iterator, Sequence
from typing import Final

from kut_model.fuzz.fields import FIELDS, Case, CaseError
from kut_model.fuzz.judge import judge

#: Fields that have to be dropped together, as the others need them.
_GROUPS: Final = (
    ("s1",),
    ("s2",),
    ("s1.tg", "s1.t0sz", "s1.ds", "s1.leaf"),
    ("s1.tg", "s1.t0sz", "s1.ds", "s1.leaf", "s2.tg", "s2.t0sz", "s2.start", "s2.ds", "s2.ps"),
    ("s2.tg", "s2.t0sz", "s2.start", "s2.ds"),
    ("s2.tg", "s2.t0sz", "s2.start", "s2.ds", "s2.ps"),
)


def variants(case: Case, failing: Sequence[Case] = ()) -> Iterator[Case]:
    """Yield variants that can run; each has fewer fields or fewer bits.

    `failing` are smaller cases that failed: what all of them have comes first.
    """
    seen = {case}
    for found in (*_common(case, failing), *_variants(case)):
        if found in seen or size(found) >= size(case):
            continue
        seen.add(found)
        try:
            judge(found)
        except CaseError:
            continue
        yield found


def size(case: Case) -> tuple[int, int]:
    """Return how large a case is: its fields, and the bits that are set in them."""
    return len(case.fields), sum(value.bit_count() for _, value in case.fields if value > 0)


def _common(case: Case, failing: Sequence[Case]) -> Iterator[Case]:
    """Yield what all of the failing cases have, and what the halves of them have."""
    while len(failing) > 1:
        values = dict(case.fields)
        for each in failing:
            values = {name: _both(name, value, each) for name, value in values.items()}
        yield Case.of(values)
        failing = failing[: len(failing) // 2]


def _both(name: str, value: int, other: Case) -> int:
    """Return the value of a field if the other case has it, too, else the default."""
    default, others = FIELDS[name].default, other.values[name]
    if default == 0:
        return value & others
    return value if value == others else default


def _variants(case: Case) -> Iterator[Case]:
    values = dict(case.fields)
    names = [name for name, _ in case.fields if name != "op"]
    yield from _without(values, [name for name in names if name[:3] == "s2."])
    yield from _without(values, [name for name in names if name[:3] == "s1."])
    for page in dict.fromkeys(name.rpartition(".")[0] for name in names if name.count(".") > 1):
        yield from _without(values, [name for name in names if name.startswith(f"{page}.")])
    half = len(names) // 2
    for part in (names[:half], names[half:], names[::2], names[1::2]):
        yield from _without(values, part)
    for group in _GROUPS:
        yield from _without(
            values, [name for name in names if name in group or _below(name, group)]
        )
    for name in names:
        yield from _without(values, [name])
        value = values[name]
        if FIELDS[name].default == 0:
            for bit in range(value.bit_length()):
                if value >> bit & 1:
                    yield Case.of(values | {name: value & ~(1 << bit)})


def _below(name: str, group: tuple[str, ...]) -> bool:
    """Whether a field is one of a stage that is dropped as a whole."""
    return len(group) == 1 and name.startswith(f"{group[0]}.")


def _without(values: dict[str, int], names: list[str]) -> Iterator[Case]:
    if names:
        yield Case.of({name: value for name, value in values.items() if name not in names})
