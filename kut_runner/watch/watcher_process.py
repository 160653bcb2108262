# SPDX-License-Identifier: GPL-2.0-or-later
"""Script that watches files in a separate process, so that kut itself has no threads.

Requests on stdin and replies on stdout are lines of JSON. A request has "trees", directories to
watch recursively, and "files", which editors may replace; it supersedes the previous one. The reply
is `null` once they are watched. Each burst of changes is reported as a list of paths, and an error
as {"error": MESSAGE}, which is the last line. The process ends at the end of stdin, so it ends with
kut.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: Milliseconds without a change that end a burst.
_QUIET: Final = 20
#: Maximum milliseconds of a burst.
_LONGEST: Final = 2000

_SUFFIXES: Final = (".c", ".h", ".S", ".inc", ".lds", ".toml")
#: Kind of a change in watchfiles: the path was added.
_ADDED: Final = 1


def is_source(change: int, path: str) -> bool:
    """Return whether a build may depend on a changed path; backups of editors are excluded."""
    name = Path(path).name
    if name.startswith("."):
        return False
    return name.endswith(_SUFFIXES) or (change == _ADDED and Path(path).is_dir())


class _Watcher:
    """The watched paths; none is ever removed, because watchfiles loses changes when stopped."""

    def __init__(self) -> None:
        self._files = frozenset[str]()
        self._watched = set[tuple[str, bool]]()
        self._write_lock = threading.Lock()

    def handle(self, request: dict[str, list[str]]) -> None:
        """Watch the paths of a request."""
        self._files = frozenset(request["files"])
        self._watch(request["trees"], recursive=True)
        self._watch(sorted({str(Path(file).parent) for file in self._files}), recursive=False)
        self._write(None)

    def _write(self, message: Any) -> None:  # noqa: ANN401 - any JSON value
        with self._write_lock:
            sys.stdout.write(f"{json.dumps(message)}\n")
            sys.stdout.flush()

    def _watch(self, paths: list[str], *, recursive: bool) -> None:
        # Unlike watchfiles.watch(), the class below it watches from its construction on.
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
                target=self._report, args=(notifier,), kwargs={"recursive": recursive}, daemon=True
            ).start()

    def _report(self, notifier: Any, *, recursive: bool) -> None:  # noqa: ANN401 - imported late
        """Report bursts of changes without end: of the files, and if `recursive` of all sources."""
        try:
            while True:
                found = notifier.watch(_LONGEST, _QUIET, 0, None)
                paths = {
                    path
                    for change, path in found
                    if path in self._files or (recursive and is_source(change, path))
                }
                if paths:
                    self._write(sorted(paths))
        except BrokenPipeError:  # kut has ended
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - kut reports it
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Report an error, and exit."""
        self._write({"error": f"{type(error).__name__}: {error}"})
        os._exit(1)


def _requests() -> Iterator[dict[str, list[str]]]:
    """Yield the requests on stdin until its end."""
    rest = b""
    while data := os.read(0, 1 << 16):
        *lines, rest = (rest + data).split(b"\n")
        yield from map(json.loads, lines)


def main() -> None:
    """Handle the requests on stdin until its end."""
    watcher = _Watcher()
    try:
        for request in _requests():
            watcher.handle(request)
    except BrokenPipeError:  # kut has ended
        pass
    except Exception as error:  # noqa: BLE001 - kut reports it
        watcher.fail(error)
    os._exit(0)  # does not wait for the threads


if __name__ == "__main__":
    main()
