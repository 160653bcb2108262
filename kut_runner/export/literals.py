# SPDX-License-Identifier: GPL-2.0-or-later
"""String literals in one line, however long: the style of the kernel, for messages to be found.

Literals that end with a newline stay apart, such as instructions of inline assembly.
"""

import re
from typing import Final

_LITERAL: Final = r'"(?:[^"\\\n]|\\.)*"'
#: A literal in several lines, with what is before it in the first and behind it in the last.
_SPLIT: Final = re.compile(
    rf'^((?:[^"\n]|{_LITERAL})*?)({_LITERAL}(?:\n[ \t]+{_LITERAL})+)(.*)$', re.MULTILINE
)
_PART: Final = re.compile(rf"([ \t]*)({_LITERAL})")
_ENDS_A_LINE: Final = '\\n"'
_COLUMNS: Final = 100
_TAB: Final = 8


def join(text: str) -> str:
    """Return C source with the parts of each literal joined, within 100 columns otherwise."""
    return _SPLIT.sub(_joined, text)


def _joined(match: re.Match[str]) -> str:
    before, literal, behind = match.groups()
    parts = _PART.findall(literal)
    lines = [before + parts[0][1]]
    for indentation, part in parts[1:]:
        if lines[-1].endswith(_ENDS_A_LINE):
            lines.append(indentation + part)
        else:
            lines[-1] = lines[-1][:-1] + part[1:]
    if len(lines) == len(parts):
        return match[0]
    lines[-1] += behind
    indentation = parts[-1][0]
    return "\n".join(line for each in lines for line in _split_around(each, indentation))


def _split_around(line: str, indentation: str) -> list[str]:
    """Return a line with one literal that is too long as lines, that of the literal alone."""
    if len(line.expandtabs(_TAB)) <= _COLUMNS:
        return [line]
    found = _SINGLE.match(line)
    if not found:
        return [line]
    before, literal, behind = found.groups()
    lines = [before.rstrip(), indentation + literal] if before.strip() else [before + literal]
    if behind == "," or not behind.startswith(","):
        return [*lines[:-1], lines[-1] + behind]
    return [*lines[:-1], lines[-1] + ",", indentation + behind[1:].lstrip()]


#: The last literal of a line, and what is around it.
_SINGLE: Final = re.compile(rf'^((?:[^"\n]|{_LITERAL}(?=.*"))*)({_LITERAL})([^"]*)$')
