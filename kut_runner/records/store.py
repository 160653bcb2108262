# SPDX-License-Identifier: GPL-2.0-or-later
"""The store of past runs: one directory per run in `build/runs`; `build/logs` links to the newest.

The directory of a run has its raw logs, `results.jsonl`, to which each result is appended, and
`results.json`, written at the start with the selection and again at the end with all results.
After a `kill -9` the two together hold everything up to that moment.

A run in progress holds a lock (flock) on a file in its directory, which the kernel releases
however kut ends. The start of a run removes old runs that are not in progress, under a second lock
on the store. `build/logs` is replaced in one step, so it always links to a directory that exists.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from kut_runner.errors import UsageError
from kut_runner.records import document
from kut_runner.records.document import Document, RunMetadata
from kut_runner.text import printable

#: Number of runs to keep; $KUT_KEEP_RUNS overrides it.
KEEP_RUNS: Final = 50
#: Megabytes of runs to keep; $KUT_KEEP_MB overrides it.
KEEP_MB: Final = 1000

#: Most bytes of a log: more than `capture` keeps of a flood.
_LARGEST_LOG: Final = 16 << 20
_LOCK: Final = ".lock"
_LINES: Final = "results.jsonl"
_DOCUMENT: Final = "results.json"
#: Characters of an ID that give the time, to the millisecond.
_STAMP: Final = len("20261231-235959-999")
_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[0-9a-f]{4}")
_LATEST: Final = re.compile(r"latest(?:~([0-9]{1,6}))?")
_NAMED: Final = "name a run by its ID, the start of its ID, latest, latest~1, or a JSON file"


class RunDirectory:
    """Context manager for the directory of a run, which is in progress until the block ends."""

    def __init__(self, path: Path, lock: int) -> None:
        """Take ownership of `lock`, the descriptor that holds the lock on `path`."""
        self.path = path
        self._lock = lock

    @property
    def run(self) -> str:
        """The run's ID."""
        return self.path.name

    def __enter__(self) -> Self:
        """Return the directory, locked."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Write the size of the run into the lock file, and release the lock."""
        with suppress(OSError):
            os.pwrite(self._lock, b"%d\n" % _measure(self.path), 0)
        os.close(self._lock)


@dataclass(frozen=True, slots=True)
class Stored:
    """A past run, or one in progress."""

    path: Path

    @property
    def run(self) -> str:
        """The run's ID."""
        return self.path.name

    @property
    def is_in_progress(self) -> bool:
        """Whether a running kut still writes to it."""
        return _is_locked(self.path)

    def load(self, *, brief: bool = False) -> Document:
        """Load the run, or its results so far; `brief` as for `document.load`.

        Raises UsageError when its files are damaged.
        """
        complete, lines = self.path / _DOCUMENT, self.path / _LINES
        if not complete.exists():
            metadata = RunMetadata(run=self.run, started=_time_of(self.run))
            return replace(document.load(lines, brief=brief, limit=None), metadata=metadata)
        found = document.load(complete, brief=brief, limit=None)

        if found.exit_code is not None or not lines.exists():
            return found
        seconds = max(lines.stat().st_mtime - found.metadata.started, 0.0)
        results = document.load(lines, brief=brief, limit=None).results
        return replace(found, results=results, seconds=seconds)


class Store:
    """The runs of one build directory."""

    def __init__(self, build: Path, environment: Mapping[str, str] | None = None) -> None:
        """Open the store of a build directory, with the limits of the environment.

        Raises UsageError when a limit is not an integer of 1 or more.
        """
        environment = os.environ if environment is None else environment
        self.build = build
        """The build directory."""
        self._runs = build / "runs"
        self._link = build / "logs"
        self._keep_runs = _limit(environment, "KUT_KEEP_RUNS", KEEP_RUNS)
        self._keep_bytes = _limit(environment, "KUT_KEEP_MB", KEEP_MB) * 10**6

    def begin(self) -> RunDirectory:
        """Remove old runs and create the directory of a new one; raises OSError."""
        self._runs.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._adopt_old_logs()
            self._prune()
            directory = self._create()
            self._link_to(directory.path)
        return directory

    def runs(self) -> list[Stored]:
        """Return all runs that got as far as their tests, the oldest first."""
        return [Stored(path) for path in self._directories() if _has_results(path)]

    def find(self, name: str) -> Stored | Path:
        """Return the run with that name, or the JSON file; raises UsageError for neither."""
        if (found := Path(name)).is_file():
            return found
        if found.is_dir() and _has_results(found):
            return Stored(found)
        runs = self.runs()
        if match := _LATEST.fullmatch(name):
            back = int(match[1] or 0)
            if back < len(runs):
                return runs[-1 - back]
            raise UsageError(f"no run {name}: {_count_of_runs(len(runs))}", _hint(runs))
        matches = [run for run in runs if run.run.startswith(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.run for run in matches[-5:])
            raise UsageError(
                f'"{name}" is ambiguous: {len(matches)} runs start with it, such as {names}',
                "give more of the ID",
            )
        raise UsageError(f'no run "{name}"', _hint(runs))

    def load(self, name: str, *, brief: bool = False) -> Document:
        """Load the run with that name; `brief` as for `document.load`.

        Raises UsageError when it does not exist or cannot be read.
        """
        found = self.find(name)
        if isinstance(found, Stored):
            return found.load(brief=brief)
        return document.load(found, brief=brief)

    def load_ended(self, name: str) -> Document:
        """Load the run with that name; raises UsageError as `load`, and for one in progress."""
        found = self.find(name)
        if isinstance(found, Stored) and found.is_in_progress:
            raise UsageError(f"run {found.run} is in progress", "wait for it to end, or stop it")
        return self.load(name)

    def keeps(self, name: str) -> bool:
        """Return whether the run with that name is in this store; raises UsageError as `find`."""
        found = self.find(name)
        return isinstance(found, Stored) and found.path.parent.resolve() == self._runs.resolve()

    def _directories(self) -> list[Path]:
        try:
            names = sorted(filter(_ID.fullmatch, os.listdir(self._runs)))  # noqa: PTH208 - quicker
        except FileNotFoundError:
            return []
        return [self._runs / name for name in names]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock on the store: no other kut adds or removes a run meanwhile."""
        lock = os.open(self._runs / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks is not worth an error
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _create(self) -> RunDirectory:
        while True:
            path = self._runs / _new_id(time.time())
            newest = max(self._directories(), default=self._runs)
            if newest.name[:_STAMP] == path.name[:_STAMP]:
                time.sleep(0.001)  # within one millisecond the order of IDs would be random
                continue
            with suppress(FileExistsError):  # a file system without locks
                path.mkdir()
                break
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)  # does not block: others only test it
        return RunDirectory(path, lock)

    def _link_to(self, path: Path) -> None:
        """Replace `build/logs` by a link to `path`, in one step."""
        temporary = self._link.with_name(f".logs.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(path.relative_to(self._link.parent))
        temporary.replace(self._link)

    def _adopt_old_logs(self) -> None:
        """Move `build/logs` to the runs if it is a directory, as written by an older kut."""
        if self._link.is_dir() and not self._link.is_symlink():
            self._link.rename(self._runs / _new_id(self._link.stat().st_mtime))

    def _prune(self) -> None:
        """Remove the oldest runs until one more fits within the limits."""
        directories = []
        for path in self._directories():
            if _has_results(path):
                directories.append(path)
            elif not _is_locked(path):  # its build failed
                _remove(path)
        sizes = [_size(path) for path in directories]
        left, total = len(sizes), sum(sizes)
        for path, size in zip(directories, sizes, strict=True):
            if left < self._keep_runs and total <= self._keep_bytes:
                return
            if not _is_locked(path):
                _remove(path)
                left -= 1
                total -= size


def shown_log(log: str) -> str:
    """Return the path of a log for display: through `build/logs` if that links to its run."""
    path = Path(log)
    link = path.parent.parent.parent / "logs"
    try:
        is_newest = link.samefile(path.parent)
    except (OSError, ValueError):
        is_newest = False
    return printable(os.path.relpath(link / path.name if is_newest else path))


def kept_log(log: str) -> Path | None:
    """Return the file of a result's log, None if there is none or it is not one of kut.

    A document from elsewhere may name any file. Only a log in the directory of a run is read, after
    all links, and of no more than the size to which kut limits a log.
    """
    try:
        path = Path(log).resolve()
        is_log = path.suffix == ".log" and path.is_file() and path.stat().st_size <= _LARGEST_LOG
    except (OSError, ValueError, RuntimeError):  # from another host, a cycle, or not a path
        return None
    return Path(log) if is_log and _has_results(path.parent) else None


def _new_id(seconds: float) -> str:
    """Return an ID: UTC to the millisecond, and a random suffix."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    return f"{stamp}-{int(seconds * 1000) % 1000:03}-{os.urandom(2).hex()}"


def _time_of(run: str) -> float:
    import calendar

    return calendar.timegm(time.strptime(run[:15], "%Y%m%d-%H%M%S")) if _ID.fullmatch(run) else 0.0


def _has_results(path: Path) -> bool:
    """Return whether the run got as far as its tests."""
    if (path / _DOCUMENT).exists():
        return True
    lines = path / _LINES
    return lines.exists() and lines.stat().st_size > 0


def _is_locked(path: Path) -> bool:
    try:
        lock = os.open(path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    from shutil import rmtree

    rmtree(path, ignore_errors=True)


def _size(path: Path) -> int:
    """Return the size in bytes: from the lock file, or measured for a run that was killed."""
    try:
        return int((path / _LOCK).read_bytes())
    except (OSError, ValueError):
        return _measure(path)


def _measure(path: Path) -> int:
    total = 0
    with os.scandir(path) as entries:
        for entry in entries:
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def _limit(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if re.fullmatch("[0-9]{1,9}", text) and int(text):
        return int(text)
    raise UsageError(f'${name} is "{text}"', "set it to an integer of 1 or more, or unset it")


def _count_of_runs(count: int) -> str:
    return f"{count} run{' is' if count == 1 else 's are'} kept"


def _hint(runs: list[Stored]) -> str:
    return f"{_NAMED}; `kut history` lists them" if runs else "start one with `kut run`"
