# SPDX-License-Identifier: GPL-2.0-or-later
"""Model of the virtual CPU interface of GIC version 3 (IHI 0069, chapters 4, 6 and 12).

`registers` has the fields of ICH_*_EL2, `interface` the state and what accesses to ICV_* do to it,
`maintenance` the maintenance interrupt, `operations` the accesses by name. `cases` are initial
states with such accesses, and `products` and `sequences` enumerate them.
"""
