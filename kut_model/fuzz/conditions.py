# SPDX-License-Identifier: GPL-2.0-or-later
"""Conditions over cases: those that an erratum of an emulator concerns.

A condition is a list of FIELD=GLOB; the field may be "expected", whose glob is compared with each
permitted outcome, with "_" for spaces, and a glob after "!" excludes what it matches.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from kut_model.fuzz.fields import FIELDS, GRANULES, PAGES, CaseError
from kut_model.fuzz.judge import Judged
from kut_model.translation.processor import PA_BITS

_EXPECTED: Final = "expected"
_LOW: Final = 32
#: Facts that follow from several fields: whether stage 2 has IPAs above its output size, and
#: whether address bits of a block's descriptor are set that are those of the offset.
_ABOVE_PS: Final = "s2.above-ps"
_OFFSETS: Final = ("s1.offset", "s2.offset")


def listed(cases: Sequence[Judged], errata: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Return the numbers of the cases that each erratum concerns, by its name.

    `errata`: alternative conditions, by the name of an erratum. Raises CaseError for a malformed
    one.
    """
    found = {name: list[int]() for name in errata}
    terms = {name: list(map(_terms, conditions)) for name, conditions in errata.items()}
    for number, case in enumerate(cases):
        facts = _facts(case)
        for name, conditions in terms.items():
            if any(_is_met(each, facts) for each in conditions):
                found[name].append(number)
    return found


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of a condition."""

    name: str
    glob: str
    negated: bool


def _terms(condition: str) -> list[_Term]:
    found = []
    for word in condition.split():
        name, _, glob = word.partition("=")
        if name not in FIELDS and name not in {_EXPECTED, _ABOVE_PS, *_OFFSETS}:
            raise CaseError(f"condition {condition!r}: no field {name!r}")
        found.append(_Term(name, glob.removeprefix("!"), glob.startswith("!")))
    return found


def _facts(judged: Judged) -> Mapping[str, Sequence[str]]:
    """Return the fields that differ from their defaults, and what follows from all of them."""
    values = judged.case.values
    fields = {name: (FIELDS[name].text(value),) for name, value in judged.case.fields}
    above = 64 - values["s2.t0sz"] > PA_BITS[values["s2.ps"]]
    outcomes = judged.expected.replace(" ", "_").split(",_or_")
    leaves = {"s1.offset": ["s1"], "s2.offset": [f"s2.{page}" for page in PAGES]}
    offsets = {
        name: (str(int(any(_flips_offset(values, leaf) for leaf in found))),)
        for name, found in leaves.items()
    }
    return {**fields, **offsets, _ABOVE_PS: (str(int(above)),), _EXPECTED: outcomes}


def _flips_offset(values: Mapping[str, int], leaf: str) -> bool:
    """Whether bits of the offset, from 32 on, are set in a block's descriptor."""
    granule = GRANULES[values[f"{leaf[:2]}.tg"]]
    bits = granule.leaf_bits(values[f"{leaf}.leaf"])
    return values[f"{leaf}.d{values[f'{leaf}.leaf']}"] & ((1 << bits) - 1) >> _LOW << _LOW != 0


def _is_met(terms: Sequence[_Term], facts: Mapping[str, Sequence[str]]) -> bool:
    return all(_has(term, facts) != term.negated for term in terms)


def _has(term: _Term, facts: Mapping[str, Sequence[str]]) -> bool:
    """Whether a fact matches the glob of a term."""
    found = facts.get(term.name)
    if found is None:
        field = FIELDS[term.name]
        found = (field.text(field.default),)
    return any(fnmatchcase(each, term.glob) for each in found)
