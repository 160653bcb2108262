# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that real QEMU passes, and whether they notice a rule of the model that is wrong."""

import re
from collections.abc import Mapping

from kut_model.rows import Area
from kut_runner.verdict.rows import PASS, AreaRows


def initialisers(area: Area) -> dict[str, str]:
    """Return those of the rows by name, in their order, as the model gives them now."""
    return dict(re.findall(r'\.name = "([^"]+)", (.*)', area.header()))


def passed(area: Area, rows: AreaRows) -> dict[str, str]:
    """Return the initialisers of the rows that pass."""
    codes = zip(initialisers(area).items(), rows.codes(), strict=True)
    return {name: fields for (name, fields), code in codes if code == PASS}


def changed(area: Area, before: Mapping[str, str]) -> list[str]:
    """Return the names of the rows whose initialiser is not as before."""
    now = initialisers(area)
    return [name for name, fields in before.items() if now.get(name, fields) != fields]
