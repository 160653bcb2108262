# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E402 - SIGINT may arrive during the imports
"""Entry point of `kut`, both as console script and as `python -m kut_runner`.

Until the command line handles Ctrl-C, SIGINT ends the process without a message: Python would print
a traceback of the imports. A SIGINT that is ignored, as with nohup, stays so. `scripts/kut` blocks
SIGINT until here.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))

import sys
from typing import NoReturn

from kut_runner.errors import ExitCode


def main() -> NoReturn:
    """Run the command line; report an error when a package that it imports is broken."""
    try:
        from kut_runner import cli
    except ImportError as error:
        pip = f"{sys.executable} -m pip install --force-reinstall"
        sys.stderr.write(f"kut: error: a Python package that kut needs is broken: {error}\n")
        sys.stderr.write(f"kut: hint: {pip} {(error.name or 'click').partition('.')[0]}\n")
        sys.exit(ExitCode.INFRASTRUCTURE)
    cli.main()


if __name__ == "__main__":
    main()
