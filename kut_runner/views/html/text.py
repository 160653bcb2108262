# SPDX-License-Identifier: GPL-2.0-or-later
"""Text in a page: harmless whoever wrote it, and of bounded size."""

import re
from html import escape
from typing import Final

from kut_runner.verdict.lines import printable

#: Characters of one piece of text; more is cut.
MOST: Final = 2000
#: Characters of logs, checks and command lines in one page, apart from what each test has anyway.
TOTAL: Final = 12_000_000
#: The characters that `escape` changes: in a large page most pieces have none.
_MARKUP: Final = re.compile("[&<>\"']")


def shown(text: str, most: int = MOST) -> str:
    """Return text as HTML that shows it: markup and what is not printable as itself, in words."""
    if len(text) > most:
        return f"{escape(printable(text[:most]))}…"
    if not text.isprintable():
        text = printable(text)
    return escape(text) if _MARKUP.search(text) else text


class Budget:
    """How much detail may still be added to a page; those who ask first get it."""

    def __init__(self, characters: int = TOTAL) -> None:
        """Start with so many characters."""
        self.left = characters

    def take(self, html: str) -> bool:
        """Tell whether there is room for `html`, and count it if so."""
        if len(html) > self.left:
            return False
        self.left -= len(html)
        return True
