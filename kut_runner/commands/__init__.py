# SPDX-License-Identifier: GPL-2.0-or-later
"""One module per command, named as the command is; `command` in it is what click calls.

A command turns options into a call of the stations and their outcome into an exit code: no logic
lives here. What a command needs is imported when it runs: start-up is part of every run.
"""
