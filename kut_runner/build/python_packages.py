# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands that install Python packages beside kut, however kut itself was installed."""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

#: File that pipx writes into the environment of each application.
_OF_PIPX = "pipx_metadata.json"


def install(name: str, *, tree: Path | None = None, again: bool = False) -> str:
    """Return the shell command that installs a package; with `again` it replaces a broken one.

    `tree` is a source tree, whose `constraints.txt` gives the version.
    """
    prefix = Path(sys.prefix)
    if (prefix / _OF_PIPX).is_file():
        return shlex.join(("pipx", "inject", *(("--force",) if again else ()), prefix.name, name))
    constraints = tree / "constraints.txt" if tree else None
    options = [
        *(("--force-reinstall",) if again else ()),
        *(("-c", str(constraints)) if constraints and constraints.exists() else ()),
    ]
    command = shlex.join((sys.executable, "-m", "pip", "install", *options, name))
    if find_spec("pip"):
        return command
    return f"{shlex.quote(sys.executable)} -m ensurepip && {command}"
