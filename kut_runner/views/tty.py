# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be shown where: plain lines everywhere, colour and changing lines on a terminal."""

from collections.abc import Mapping
from typing import TextIO


def takes_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether to colour what goes to `stream`; https://no-color.org has the last word."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_live(stream, environment) and environment.get("CLICOLOR") != "0"


def is_live(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether `stream` is a terminal whose cursor can be moved."""
    return stream.isatty() and environment.get("TERM", "dumb") not in ("", "dumb")


def takes_board(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether a person looks at `stream`: a terminal that is no log of a CI server."""
    return is_live(stream, environment) and not environment.get("CI")
