# SPDX-License-Identifier: GPL-2.0-or-later
"""A process of its own that tells of files that change, so that kut stays without threads.

It runs as a script. On stdin it is told what to watch, on lines of JSON: an object with "trees",
directories with all below them, and "files", which may be replaced as editors do; those of a line
take the place of those of the line before. On stdout it answers each with `null` once it watches,
and writes a list of paths for every burst of changes, or {"error": WORDS} for trouble, which is
the last line. It ends at the end of stdin: when kut ends, whatever ends it.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: Milliseconds without a change that end a burst, and the most that a burst may last.
_QUIET: Final = 20
_LONGEST: Final = 2000

_SUFFIXES: Final = (".c", ".h", ".S", ".inc", ".lds", ".toml")
_ADDED: Final = 1


def is_source(change: int, path: str) -> bool:
    """Tell whether a build could depend on what changed: no backup, no editor's own file."""
    name = Path(path).name
    if name.startswith("."):
        return False
    return name.endswith(_SUFFIXES) or (change == _ADDED and Path(path).is_dir())


class _Watcher:
    """What is watched. Nothing ever ceases to be: watchfiles forgets changes when it is stopped."""

    def __init__(self) -> None:
        self._files = frozenset[str]()
        self._watched = set[tuple[str, bool]]()
        self._speaking = threading.Lock()

    def obey(self, order: dict[str, list[str]]) -> None:
        """Watch what an order names."""
        self._files = frozenset(order["files"])
        self._watch(order["trees"], recursive=True)
        self._watch(sorted({str(Path(file).parent) for file in self._files}), recursive=False)
        self.say(None)

    def say(self, what: Any) -> None:  # noqa: ANN401 - whatever JSON takes
        """Write a line."""
        with self._speaking:
            sys.stdout.write(f"{json.dumps(what)}\n")
            sys.stdout.flush()

    def _watch(self, paths: list[str], *, recursive: bool) -> None:
        # watchfiles.watch() does not say when it has begun to watch; what is below it does.
        from watchfiles._rust_notify import RustNotify

        fresh = [path for path in paths if (path, recursive) not in self._watched]
        if fresh:
            notifier = RustNotify(
                fresh,
                debug=False,
                force_polling=False,
                poll_delay_ms=0,
                recursive=recursive,
                ignore_permission_denied=True,
            )
            self._watched.update((path, recursive) for path in fresh)
            threading.Thread(
                target=self._tell, args=(notifier,), kwargs={"whole": recursive}, daemon=True
            ).start()

    def _tell(self, notifier: Any, *, whole: bool) -> None:  # noqa: ANN401 - its class comes late
        """Write the bursts of changes, for ever: of files that are named, and if `whole` of all."""
        try:
            while True:
                found = notifier.watch(_LONGEST, _QUIET, 0, None)
                paths = {
                    path
                    for change, path in found
                    if path in self._files or (whole and is_source(change, path))
                }
                if paths:
                    self.say(sorted(paths))
        except BrokenPipeError:  # kut is gone
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - kut puts it into words
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Say what is wrong, and end."""
        self.say({"error": f"{type(error).__name__}: {error}"})
        os._exit(1)


def _orders() -> Iterator[dict[str, list[str]]]:
    """Yield what stdin says, until its end."""
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        yield from map(json.loads, lines)


def main() -> None:
    """Obey stdin until its end."""
    watcher = _Watcher()
    try:
        for order in _orders():
            watcher.obey(order)
    except BrokenPipeError:  # kut is gone
        pass
    except Exception as error:  # noqa: BLE001 - kut puts it into words
        watcher.fail(error)
    os._exit(0)  # whatever the threads are at


if __name__ == "__main__":
    main()
