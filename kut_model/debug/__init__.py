# SPDX-License-Identifier: GPL-2.0-or-later
"""Model of self-hosted debug at EL2, EL1 and EL0 (DDI 0487, D2).

`events` has what decides on breakpoints, watchpoints and software step, `instructions` what is
executed under them, `cases` the exceptions that end it. `products` enumerates cases.
"""
