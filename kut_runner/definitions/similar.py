# SPDX-License-Identifier: GPL-2.0-or-later
"""Hints with similar names, for a name that does not exist."""

from collections.abc import Collection


def hint(name: str, names: Collection[str], otherwise: str = "") -> str:
    """Return a hint with the names that are similar to `name`, or `otherwise` if there are none."""
    from difflib import get_close_matches  # slow to import, and only needed for errors

    if near := get_close_matches(name, names, n=3):
        *others, last = near
        return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
    return otherwise
