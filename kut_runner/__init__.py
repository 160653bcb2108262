# SPDX-License-Identifier: GPL-2.0-or-later
"""kut: builds hypervisor-level arm64 tests, boots them on a target, and gives the verdict.

Its layers, in the order of imports: each imports only from those before it::

    text -> errors -> definitions -> process -> build -> bundle -> export -> lab -> targets
           -> verdict -> diagnose -> records -> run -> bisection -> debugging -> views -> watch
           -> health -> commands -> pytest_plugin -> cli -> __main__
"""

__version__ = "0.1.0"
