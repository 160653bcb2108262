# SPDX-License-Identifier: GPL-2.0-or-later
"""Model of the architecture at EL2, and the rows of the conformance suite made from it.

The model states the Arm architecture (DDI 0487, IHI 0069) as pure functions. Areas enumerate rows
from it and write the C headers with their expected values, so that nobody types an expected value
twice. Only the standard library is needed, and nothing of `kut_runner`.

Its layers, in the order of imports: each imports only from those before it::

    bits -> features -> rules -> traps -> translation -> tlb -> timers -> interrupts
         -> gic -> mte -> debug -> rows -> tables -> areas -> header -> fuzz -> __main__
"""
