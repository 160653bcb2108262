# SPDX-License-Identifier: GPL-2.0-or-later
"""Conditions over cases: those that an erratum of an emulator concerns."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from kut_model.fuzz.fields import FIELDS, CaseError
from kut_model.fuzz.judge import Judged
from kut_model.translation.processor import PA_BITS

_EXPECTED: Final = "expected"
#: Facts that follow from several fields: whether stage 2 has IPAs above its output size.
_ABOVE_PS: Final = "s2.above-ps"


def _facts(judged: Judged) -> dict[str, str]:
    """Return the fields as text, and what follows from them."""
    values = judged.case.values
    found = {name: FIELDS[name].text(value) for name, value in values.items()}
    above = 64 - values["s2.t0sz"] > PA_BITS[values["s2.ps"]]
    return found | {_ABOVE_PS: str(int(above))}


def matches(judged: Judged, condition: str) -> bool:
    """Return whether a case has what a condition says; raises CaseError for a malformed one.

    A condition is a list of FIELD=GLOB; the field may be "expected", whose glob is compared with
    each permitted outcome, with "_" for spaces, and a glob after "!" excludes what it matches.
    """
    facts = _facts(judged)
    for word in condition.split():
        name, _, glob = word.partition("=")
        glob, negated = glob.removeprefix("!"), glob.startswith("!")
        if name == _EXPECTED:
            text = judged.expected.replace(" ", "_")
            found = any(fnmatchcase(each, glob) for each in re.split(",_or_", text))
        elif name in facts:
            found = fnmatchcase(facts[name], glob)
        else:
            raise CaseError(f"condition {condition!r}: no field {name!r}")
        if found == negated:
            return False
    return True


def listed(cases: Sequence[Judged], errata: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Return the numbers of the cases that each erratum concerns, by its name."""
    return {
        name: [
            number
            for number, case in enumerate(cases)
            if any(matches(case, condition) for condition in conditions)
        ]
        for name, conditions in errata.items()
    }
