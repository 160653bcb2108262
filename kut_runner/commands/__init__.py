# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of the command line, one module each, with the click command as `command`.

A command passes its options to the layers below and returns an exit code; it has no logic. Its
imports are inside the function, because start-up time is part of every run.
"""
