# SPDX-License-Identifier: GPL-2.0-or-later
"""Text in the page: escaped, and of limited size."""

import re
from html import escape
from typing import Final

from kut_runner.text import printable

#: Maximum number of characters of one piece of text.
MOST: Final = 2000
#: Maximum number of characters of all details in one page.
TOTAL: Final = 12_000_000
#: Characters that `escape` replaces; most pieces of text have none.
_MARKUP: Final = re.compile("[&<>\"']")


def shown(text: str, most: int = MOST) -> str:
    """Return text as HTML, with markup escaped and unprintable characters made printable."""
    if len(text) > most:
        return f"{escape(printable(text[:most]))}…"
    if not text.isprintable():
        text = printable(text)
    return escape(text) if _MARKUP.search(text) else text


class Budget:
    """Number of characters of details that may still be added to the page."""

    def __init__(self, characters: int = TOTAL) -> None:
        """Start with a number of characters."""
        self.left = characters

    def take(self, html: str) -> bool:
        """Subtract the length of `html` and return True, or return False if it does not fit."""
        if len(html) > self.left:
            return False
        self.left -= len(html)
        return True
