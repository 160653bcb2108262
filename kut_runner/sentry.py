# SPDX-License-Identifier: GPL-2.0-or-later
"""A process of its own that tells of files that change, so that kut stays without threads.

It runs as a script. On stdin it is told what to watch, on lines of JSON: an object with "trees",
directories with all below them, and "files", which may be replaced as editors do. A line replaces
the one before. On stdout it answers each with `null` once it watches, and then writes a list of
paths for every burst of changes, or {"error": WORDS} for trouble, which is the last line. It ends
at the end of stdin: when kut ends, whatever ends it.
"""

import json
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: Milliseconds without a change that end a burst, and the most that a burst may last.
_QUIET: Final = 20
_LONGEST: Final = 2000

_SUFFIXES: Final = (".c", ".h", ".S", ".inc", ".lds", ".toml")
_ADDED: Final = 1


def is_source(change: int, path: str, files: frozenset[str]) -> bool:
    """Tell whether a build could depend on what changed: no backup, no editor's own file."""
    name = Path(path).name
    if path in files:
        return True
    if name.startswith("."):
        return False
    return name.endswith(_SUFFIXES) or (change == _ADDED and Path(path).is_dir())


class _Told:
    """What `RustNotify.watch` asks at each step: whether there is something to read on stdin."""

    def is_set(self) -> bool:
        return bool(select.select([0], [], [], 0)[0])


class _Watch:
    """What is watched, from one order to the next."""

    def __init__(self, order: dict[str, list[str]]) -> None:
        # watchfiles.watch() does not say when it has begun to watch; what is below it does.
        from watchfiles._rust_notify import RustNotify

        self._files = frozenset(order["files"])
        beside = sorted({str(Path(file).parent) for file in self._files})
        self._notifiers = [
            RustNotify(
                paths,
                debug=False,
                force_polling=False,
                poll_delay_ms=0,
                recursive=recursive,
                ignore_permission_denied=True,
            )
            for paths, recursive in ((order["trees"], True), (beside, False))
            if paths
        ]

    def tell(self, told: _Told) -> None:
        """Write the bursts of changes until there is something to read."""
        turns = _QUIET if len(self._notifiers) > 1 else 0  # by turns, or wait for the only one
        while not told.is_set():
            for notifier in self._notifiers:
                self._tell(notifier.watch(_LONGEST, _QUIET, turns, told))

    def close(self) -> None:
        """Write what is still to be told."""
        for notifier in self._notifiers:
            self._tell(notifier.watch(_QUIET, _QUIET, _QUIET, None))
            notifier.close()

    def _tell(self, found: set[tuple[int, str]] | str) -> None:
        if isinstance(found, set):
            paths = {path for change, path in found if is_source(change, path, self._files)}
            if paths:
                _say(sorted(paths))


def _say(what: Any) -> None:  # noqa: ANN401 - whatever JSON takes
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _orders() -> Iterator[dict[str, list[str]]]:
    """Yield what stdin says, until its end."""
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        yield from map(json.loads, lines)


def main() -> None:
    """Obey stdin until its end."""
    watch: _Watch | None = None
    try:
        for order in _orders():
            fresh = _Watch(order)
            if watch:  # nothing is missed between the two
                watch.close()
            watch = fresh
            _say(None)
            watch.tell(_Told())
    except BrokenPipeError:  # kut is gone
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - kut puts it into words
        _say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
