# SPDX-License-Identifier: GPL-2.0-or-later
"""Foreign text, made printable.

Foreign is whatever kut did not write itself: serial output, names, keys and values of files, paths,
messages of other programs. It reaches a terminal, a report, an annotation or a message of an error
only through these functions.

GitHub Actions executes lines of output that begin with `::` after blanks, or have `##[` anywhere,
such as `::error::` and `##[add-mask]`, and LAVA takes results from `<LAVA_SIGNAL_...>` anywhere. In
whole lines of output a backslash prevents that.
"""

import re
from typing import Final

_COMMAND: Final = re.compile(r"^(\s*)(?=::)|(?<=##)(?=\[)|(?<=<LAVA)(?=_SIGNAL_)")
#: Sequences for colours, and the clearing to the end of the line that GCC adds to them.
_COLOURS: Final = re.compile(r"(\x1b\[[0-9;]{0,40}[mK])")
_RESET: Final = "\x1b[m"
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


def line(text: str) -> str:
    """Return `text` as a line of output: printable, and no command for GitHub or LAVA."""
    return inert(printable(text))


def inert(printed: str) -> str:
    """Return a line that is printable, except perhaps for colours of kut, without a command."""
    return _COMMAND.sub(r"\1\\", printed)


def coloured_line(text: str) -> str:
    """Return `text` as `line` does, but with its colours."""
    plain = _COLOURS.sub("", text)
    if plain == text or line(plain) != plain:  # without colours, or with more than colours
        return line(plain)
    return text + _RESET


def _escaped(match: re.Match[str]) -> str:
    return "".join(char if char.isprintable() else _escape(char) for char in match[0])


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
