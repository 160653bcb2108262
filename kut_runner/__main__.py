# SPDX-License-Identifier: GPL-2.0-or-later
"""Start of the `kut` program: `python -m kut_runner` and the console script are the same."""

from kut_runner.cli import main

if __name__ == "__main__":
    main()
