# SPDX-License-Identifier: GPL-2.0-or-later
"""Foreign text, made printable.

Foreign is whatever kut did not write itself: serial output, names, keys and values of files, paths,
messages of other programs. It reaches a terminal, a report, an annotation or a message of an error
only through these functions.
"""

import re
from typing import Final

_UNUSUAL: Final = re.compile(r"[^\t -~]+")


def printable(text: str) -> str:
    """Return `text` with every character that is neither printable nor a tab escaped.

    The result is safe on a terminal and in XML 1.0, which has no way to write most control
    characters, lone surrogates and U+FFFE, not even as references.
    """
    return text if text.isprintable() else _UNUSUAL.sub(_escaped, text)


def decode(data: bytes) -> str:
    """Return bytes as printable text, with backslash escapes for those that are not UTF-8."""
    return printable(data.decode(errors="backslashreplace"))


def _escaped(match: re.Match[str]) -> str:
    return "".join(char if char.isprintable() else _escape(char) for char in match[0])


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
