# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of a tree's sources, as something a selector can wait for; see `watcher`."""

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

from kut_runner.definitions import config, source_trees
from kut_runner.errors import InfrastructureError, MissingToolError
from kut_runner.watch import watcher_process

#: Seconds between a save and the moment in which it is told of; what is longer was no save.
_FRESH: Final = 10.0


class SourceWatcher:
    """Context manager that knows which sources have changed since it was asked the last time."""

    def __init__(self, tree: Path) -> None:
        """Watch the sources of a tree, its library's among them.

        Raises MissingToolError when watchfiles is not installed, and as `trees.library` does.
        """
        if not find_spec("watchfiles"):
            raise MissingToolError(
                "the Python package watchfiles is not installed", "pip install watchfiles"
            )
        self._tree = tree
        self._tops = (*("arm", "configs"), source_trees.library(tree))
        self._own = (config.MARK,) if (tree / config.MARK).is_file() else ()
        self._files = frozenset(str(tree / file) for file in self._own)
        self._paths: set[str] = set()
        self._rest = b""
        self._is_ready = False

    def __enter__(self) -> Self:
        """Begin to watch; raises InfrastructureError when that is not possible."""
        self._process = subprocess.Popen(
            [sys.executable, "-P", watcher_process.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for kut
        )
        try:
            os.set_blocking(self.fileno(), False)
            self._order()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """Watch no more."""
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
        """Take in what the descriptor has; tell whether something has changed."""
        with suppress(BlockingIOError):
            self._read()
        return bool(self._paths)

    def also(self, files: Iterable[str], since: float) -> None:
        """Watch these files too, in place of those of the last call; the tree's own are anyway.

        Each is a path relative to the tree, or an absolute one. Those that are new here count as
        changed if they were so after `since`, in seconds of the epoch.
        """
        absolute = {os.path.normpath(self._tree / file) for file in (*files, *self._own)}
        tops = tuple(f"{self._tree / name}{os.sep}" for name in (*self._tops, "build"))
        outside = frozenset(path for path in absolute if not path.startswith(tops))
        fresh = outside - self._files
        self._files = outside
        if fresh:
            self._order()
        for path in fresh:
            with suppress(FileNotFoundError):
                if Path(path).stat().st_ctime > since:
                    self._paths.add(path)

    def take(self) -> tuple[str, ...]:
        """Return what has changed since the last call, sorted, relative to the tree."""
        paths, self._paths = self._paths, set()
        return tuple(sorted(os.path.relpath(path, self._tree) for path in paths))

    def _order(self) -> None:
        """Tell the other process what to watch, and wait until it does."""
        trees = [str(top) for name in self._tops if (top := self._tree / name).is_dir()]
        files = sorted(file for file in self._files if Path(file).parent.is_dir())
        order = json.dumps({"trees": trees, "files": files})
        assert self._process.stdin  # noqa: S101 - for mypy: stdin=PIPE
        with suppress(BrokenPipeError):  # what it said before it died is still to be read
            self._process.stdin.write(f"{order}\n".encode())
        self._is_ready = False
        while not self._is_ready:
            select.select([self], [], [])
            self._read()

    def _read(self) -> None:
        """Take in what the other process says."""
        data = os.read(self.fileno(), 1 << 16)
        if not data:
            self._fail(f"it ended with exit status {self._process.wait()}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))

    def _handle(self, said: Any) -> None:  # noqa: ANN401 - what JSON gives
        if said is None:
            self._is_ready = True
        elif isinstance(said, list):
            self._paths.update(said)
        else:
            self._fail(said["error"])

    def _fail(self, words: str) -> None:
        raise InfrastructureError(
            f"the sources cannot be watched: {words}",
            "on Linux, `sysctl fs.inotify` shows the limits that may have been reached",
        )


def saved_at(tree: Path, paths: Iterable[str]) -> float:
    """Return when the last of `paths`, of which was just told, was saved: seconds of the epoch."""
    now = time.time()
    times = []
    for path in paths:
        with suppress(OSError):
            times.append((tree / path).stat().st_ctime)
    return max((each for each in times if now - _FRESH <= each <= now), default=now)
