# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields of integers."""


def placed(value: int, low: int, width: int) -> int:
    """Return `value` as the field of `width` bits that begins at bit `low`.

    Raises ValueError if it does not fit.
    """
    if value >> width or value < 0:
        raise ValueError(f"{value:#x} does not fit {width} bits")
    return value << low
