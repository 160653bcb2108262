# SPDX-License-Identifier: GPL-2.0-or-later
"""Past runs: each in a directory of its own under `build/runs`, the newest also as `build/logs`.

A run's directory has the raw logs, `results.jsonl`, which grows while tests end, and
`results.json`: written when the run starts, with what is to run, and when it ends, with all that
came of it. After a `kill -9` the two together are the run as far as it came.

A run in progress holds a lock (flock) on a file of its directory, which the kernel takes away
however kut ends. Old runs are removed when a new one starts, never one that is in progress, and
`build/logs` never points to nothing. A second lock, on the store, is held while that is done.
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

#: Runs kept, unless $KUT_KEEP_RUNS says another number.
KEEP_RUNS: Final = 50
#: Megabytes of runs kept, unless $KUT_KEEP_MB says another number.
KEEP_MB: Final = 1000

_LOCK: Final = ".lock"
_LINES: Final = "results.jsonl"
_DOCUMENT: Final = "results.json"
_ID: Final = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[0-9a-f]{4}")
_LATEST: Final = re.compile(r"latest(?:~([0-9]{1,6}))?")
_NAMED: Final = "a run is an ID or the beginning of one, latest, latest~1, or a JSON file"


class RunDirectory:
    """The directory of a run that is in progress until its block is left."""

    def __init__(self, path: Path, lock: int) -> None:
        """Take over a directory and the open file with its lock."""
        self.path = path
        self._lock = lock

    @property
    def run(self) -> str:
        """The run's ID."""
        return self.path.name

    def __enter__(self) -> Self:
        """Keep the lock until the end of the block."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Note the size, so that nobody has to measure it again, and let go."""
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
        """A kut that lives still writes it."""
        return _is_locked(self.path)

    def load(self, *, brief: bool = False) -> Document:
        """Return the run as far as it came, as `document.load` does.

        Raises UsageError when its files are damaged.
        """
        whole, lines = self.path / _DOCUMENT, self.path / _LINES
        if not whole.exists():
            metadata = RunMetadata(run=self.run, started=_time_of(self.run))
            return replace(document.load(lines, brief=brief), metadata=metadata)
        found = document.load(whole, brief=brief)
        if found.exit_code is not None or not lines.exists():
            return found
        seconds = max(lines.stat().st_mtime - found.metadata.started, 0.0)
        results = document.load(lines, brief=brief).results
        return replace(found, results=results, seconds=seconds)


class Store:
    """The runs of one build directory."""

    def __init__(self, build: Path, environment: Mapping[str, str] | None = None) -> None:
        """Take `build` as the build directory, and the bounds from the environment.

        Raises UsageError when a bound is no number of 1 or more.
        """
        environment = os.environ if environment is None else environment
        self._runs = build / "runs"
        self._link = build / "logs"
        self._keep = _bound(environment, "KUT_KEEP_RUNS", KEEP_RUNS)
        self._keep_bytes = _bound(environment, "KUT_KEEP_MB", KEEP_MB) * 10**6

    def begin(self) -> RunDirectory:
        """Make the directory of a new run, after removing old ones; raises OSError."""
        self._runs.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self._adopt_old_logs()
            self._prune()
            made = self._make()
            self._point_to(made.path)
        return made

    def runs(self) -> list[Stored]:
        """Return all runs that came so far as to start a test, the oldest first."""
        return [Stored(path) for path in self._directories() if _has_results(path)]

    def find(self, name: str) -> Stored | Path:
        """Return the run of that name, or the JSON file; raises UsageError when there is none."""
        if (found := Path(name)).is_file():
            return found
        if found.is_dir() and _has_results(found):
            return Stored(found)
        runs = self.runs()
        if match := _LATEST.fullmatch(name):
            back = int(match[1] or 0)
            if back < len(runs):
                return runs[-1 - back]
            raise UsageError(f"there is no run {name}: {_number(len(runs))}", _hint(runs))
        matches = [run for run in runs if run.run.startswith(name)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(run.run for run in matches[-5:])
            raise UsageError(f'"{name}" begins {len(matches)} runs, as {names}', "name more of it")
        raise UsageError(f'there is no run "{name}"', _hint(runs))

    def load(self, name: str, *, brief: bool = False) -> Document:
        """Return the run of that name, as `document.load` does.

        Raises UsageError when there is none that can be read.
        """
        found = self.find(name)
        if isinstance(found, Stored):
            return found.load(brief=brief)
        return document.load(found, brief=brief)

    def load_ended(self, name: str) -> Document:
        """Return the run as `load` does; raises UsageError also when it is in progress."""
        found = self.find(name)
        if isinstance(found, Stored) and found.is_in_progress:
            raise UsageError(f"run {found.run} is in progress", "wait for its end, or stop it")
        return self.load(name)

    def _directories(self) -> list[Path]:
        try:
            names = sorted(filter(_ID.fullmatch, os.listdir(self._runs)))  # noqa: PTH208 - quicker
        except FileNotFoundError:
            return []
        return [self._runs / name for name in names]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let no other kut add or remove a run meanwhile."""
        lock = os.open(self._runs / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with suppress(OSError):  # a file system without locks: hardly two at once there
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _make(self) -> RunDirectory:
        while True:
            path = self._runs / _new_id(time.time())
            with suppress(FileExistsError):
                path.mkdir()
                break
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)  # at once: others only try it, for a moment
        return RunDirectory(path, lock)

    def _point_to(self, path: Path) -> None:
        """Make `build/logs` a link to `path`, in one step."""
        temporary = self._link.with_name(f".logs.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(path.relative_to(self._link.parent))
        temporary.replace(self._link)

    def _adopt_old_logs(self) -> None:
        """Make a run of `build/logs` where it is a directory, as kut once wrote it."""
        if self._link.is_dir() and not self._link.is_symlink():
            self._link.rename(self._runs / _new_id(self._link.stat().st_mtime))

    def _prune(self) -> None:
        """Remove the oldest runs until, with one more, no bound is passed."""
        directories = []
        for path in self._directories():
            if _has_results(path):
                directories.append(path)
            elif not _is_locked(path):  # its build failed: it must not push out runs
                _remove(path)
        sizes = [_size(path) for path in directories]
        left, total = len(sizes), sum(sizes)
        for path, size in zip(directories, sizes, strict=True):
            if left < self._keep and total <= self._keep_bytes:
                return
            if not _is_locked(path):
                _remove(path)
                left -= 1
                total -= size


def shown_log(log: str) -> str:
    """Return the path of a log for people: through `build/logs` where that is the log's run."""
    path = Path(log)
    link = path.parent.parent.parent / "logs"
    try:
        is_newest = link.samefile(path.parent)
    except OSError:
        is_newest = False
    return os.path.relpath(link / path.name if is_newest else path)


def _new_id(seconds: float) -> str:
    """Return an ID: UTC to the millisecond, and what tells apart two runs of one moment."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))
    return f"{stamp}-{int(seconds * 1000) % 1000:03}-{os.urandom(2).hex()}"


def _time_of(run: str) -> float:
    import calendar

    return calendar.timegm(time.strptime(run[:15], "%Y%m%d-%H%M%S")) if _ID.fullmatch(run) else 0.0


def _has_results(path: Path) -> bool:
    """Tell whether a test has been started there, or at least was about to be."""
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
    """Return the bytes of a run, which it noted itself unless it was killed."""
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


def _bound(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if re.fullmatch("[0-9]{1,9}", text) and int(text):
        return int(text)
    raise UsageError(f'${name} is "{text}"', "set it to a number of 1 or more, or unset it")


def _number(count: int) -> str:
    return f"{count} run{' is' if count == 1 else 's are'} kept"


def _hint(runs: list[Stored]) -> str:
    return f"{_NAMED}; `kut history` shows them" if runs else "`kut run` makes the first one"
