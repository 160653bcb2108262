# SPDX-License-Identifier: GPL-2.0-or-later
"""A rule of the architecture."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, with the places that state it."""

    key: str
    """Stable, as in "call.hvc"."""
    statement: str
    """The rule in one sentence."""
    section: str
    """Section of `document`, as in "C6.2, HVC"."""
    function: str
    """Function of Arm's pseudocode, as in "AArch64.CallHypervisor"."""
    matrix: str = ""
    """Id of the coverage table (`kut matrix`), as in "C", that each row of the rule verifies; empty
    if it depends on the row, or if the table has none."""
    document: str = "DDI 0487"
    """Manual, by Arm's number."""
