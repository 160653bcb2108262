# SPDX-License-Identifier: GPL-2.0-or-later
"""Capabilities of an output stream: colour, cursor movement, a board."""

from collections.abc import Mapping
from typing import TextIO


def takes_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether to colour output to `stream`; see https://no-color.org."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_live(stream, environment) and environment.get("CLICOLOR") != "0"


def is_live(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether `stream` is a terminal whose cursor can be moved."""
    return stream.isatty() and environment.get("TERM", "dumb") not in ("", "dumb")


def takes_board(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether to show a board on `stream`: on a terminal, but not on a CI server."""
    return is_live(stream, environment) and not environment.get("CI")
