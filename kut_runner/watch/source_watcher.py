# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of the sources of a tree, for use with a selector; `watcher_process` detects them."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self

from kut_runner.build import python_packages
from kut_runner.definitions import config, source_trees
from kut_runner.errors import InfrastructureError, MissingToolError
from kut_runner.watch import watcher_process

#: Maximum seconds between a save and its report; an older change time is not that of a save.
_FRESH: Final = 10.0


class SourceWatcher:
    """Context manager that collects the sources that changed since the last call of `take`."""

    def __init__(self, tree: Path) -> None:
        """Prepare to watch the sources of a tree and of its library.

        Raises MissingToolError when watchfiles is not installed, and the errors of
        `source_trees.library`.
        """
        if not find_spec("watchfiles"):
            raise MissingToolError(
                "the Python package watchfiles is not installed",
                python_packages.install("watchfiles", tree=tree),
            )
        self._tree = tree
        self._tops = (*("arm", "configs"), source_trees.library(tree))
        self._own = (config.MARK,) if (tree / config.MARK).is_file() else ()
        self._files = frozenset(str(tree / file) for file in self._own)
        self._paths: set[str] = set()
        self._rest = b""
        self._is_ready = False

    def __enter__(self) -> Self:
        """Start watching; raises InfrastructureError when that is not possible."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", watcher_process.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for kut only
        )
        try:
            os.set_blocking(self.fileno(), False)
            self._send_request()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop watching."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def fileno(self) -> int:
        """Return the descriptor that a change makes readable."""
        assert self._process.stdout  # noqa: S101 - for mypy: stdout=PIPE
        return self._process.stdout.fileno()

    def stop_requested(self) -> bool:
        """Read pending changes; return whether a source has changed."""
        with suppress(BlockingIOError):
            self._read()
        return bool(self._paths)

    def also(self, files: Iterable[str], since: float) -> None:
        """Watch `files`, too, instead of those of the previous call.

        They are absolute, or relative to the tree. A file that was not watched before counts as
        changed if it has changed after `since`, in seconds since the epoch.
        """
        absolute = {os.path.normpath(self._tree / file) for file in (*files, *self._own)}
        tops = tuple(f"{self._tree / name}{os.sep}" for name in (*self._tops, "build"))
        outside = frozenset(path for path in absolute if not path.startswith(tops))
        fresh = outside - self._files
        self._files = outside
        if fresh:
            self._send_request()
        for path in fresh:
            with suppress(FileNotFoundError):
                if Path(path).stat().st_ctime > since:
                    self._paths.add(path)

    def take(self) -> tuple[str, ...]:
        """Return the paths that changed since the last call, sorted, relative to the tree."""
        paths, self._paths = self._paths, set()
        return tuple(sorted(os.path.relpath(path, self._tree) for path in paths))

    def _send_request(self) -> None:
        """Send the watcher process the paths to watch, and wait until it watches them."""
        trees = [str(top) for name in self._tops if (top := self._tree / name).is_dir()]
        files = sorted(file for file in self._files if Path(file).parent.is_dir())
        request = json.dumps({"trees": trees, "files": files})
        assert self._process.stdin  # noqa: S101 - for mypy: stdin=PIPE
        with suppress(BrokenPipeError):  # its error message can still be read
            self._process.stdin.write(f"{request}\n".encode())
        self._is_ready = False
        while not self._is_ready:
            select.select([self], [], [])
            self._read()

    def _read(self) -> None:
        """Read and handle the output of the watcher process."""
        data = os.read(self.fileno(), 1 << 16)
        if not data:
            self._fail(f"the watcher process ended with exit status {self._process.wait()}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))

    def _handle(self, message: Any) -> None:  # noqa: ANN401 - any JSON value
        if message is None:
            self._is_ready = True
        elif isinstance(message, list):
            self._paths.update(message)
        else:
            self._fail(message["error"])

    def _fail(self, reason: str) -> None:
        raise InfrastructureError(
            f"the sources cannot be watched: {reason}",
            "on Linux a limit may have been reached, see `sysctl fs.inotify`",
        )


def saved_at(tree: Path, paths: Iterable[str]) -> float:
    """Return the time at which the last of `paths`, just reported, was saved; since the epoch."""
    now = time.time()
    times = []
    for path in paths:
        with suppress(OSError):
            times.append((tree / path).stat().st_ctime)
    return max((each for each in times if now - _FRESH <= each <= now), default=now)
