# SPDX-License-Identifier: GPL-2.0-or-later
"""The state of a bisection on disk, from which an interrupted one goes on.

`build/bisect/` has the worktree with the revision, the build directory, the logs, and
`session.json` with the request and the mark of each revision that was tried. A resumed bisection
starts git's anew and gives it these marks, so that it does not depend on the state in which git, or
a `kill -9`, has left the worktree.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Any, Final, Self

from kut_runner.bisection.repository import Repository
from kut_runner.bisection.watch import Mark, Watch
from kut_runner.errors import UsageError

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1
_LOCK: Final = ".lock"
_FILE: Final = "session.json"
#: Directories of a session: the worktree, the build, the saved boot of a lab, and the logs.
_PARTS: Final = ("source", "build", "boots", "logs")
_RESUME: Final = "`kut bisect --resume` continues it, `kut bisect --reset` removes it"


@dataclass(frozen=True, slots=True)
class Request:
    """Options of a bisection that decide its result."""

    kind: str
    """Kind of tree, as in `kinds`."""
    tree: str
    """Directory of the checkout; absolute in a session."""
    pattern: str
    """Test, or row or area of the conformance suite."""
    compiler: str
    variant: str | None = None
    good: str = ""
    """Good end: the hash in a session, before that a name."""
    bad: str = ""
    command: str = ""
    """Build command; in a session never empty, and so `program`."""
    program: str = ""
    """Product of the build, relative to its directory."""
    paths: tuple[str, ...] = ()
    """Paths of which the changes are bisected; all without any."""
    only: str | None = None
    config: str | None = None
    """Configuration of the kernel, an absolute path; None for none."""
    qemu: str | None = None
    """QEMU that runs the kernel; None for the default."""
    target: str | None = None
    repeat: int = 1
    timeout: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the request for a document."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the request that `to_json` wrote."""
        return cls(**{**data, "paths": tuple(data["paths"])})


@dataclass(frozen=True, slots=True)
class Trial:
    """The end of the trial of a revision."""

    mark: Mark
    line: str
    """The line of the output that decides, or why the revision is skipped."""
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the trial for a document."""
        return {"mark": self.mark.value, "line": self.line, "seconds": round(self.seconds, 3)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the trial that `to_json` wrote."""
        return cls(Mark(data["mark"]), data["line"], data["seconds"])


@dataclass(slots=True)
class Session:
    """A bisection with its results so far; `save` writes it."""

    directory: Path
    request: Request
    watch: Watch | None = None
    """What is watched; None until both ends have run."""
    others: int = 0
    """Number of further checks that fail at the bad end only."""
    trials: dict[str, Trial] = field(default_factory=dict)
    """By hash, in the order in which the revisions were tried."""
    images: dict[str, str] = field(default_factory=dict)
    """Build ids of the images, by name."""

    @property
    def source(self) -> Path:
        """Worktree with the revision."""
        return self.directory / "source"

    @property
    def logs(self) -> Path:
        """Directory of the logs of builds and tests."""
        return self.directory / "logs"

    def save(self) -> None:
        """Write the session, in one step."""
        data = {
            "schema": SCHEMA,
            "request": self.request.to_json(),
            "watch": self.watch.to_json() if self.watch else None,
            "others": self.others,
            "trials": {commit: trial.to_json() for commit, trial in self.trials.items()},
            "images": self.images,
        }
        temporary = self.directory / f".{_FILE}.{os.getpid()}"
        temporary.write_text(json.dumps(data, indent=1) + "\n")
        temporary.replace(self.directory / _FILE)

    def check_images(self, images: Mapping[str, str]) -> None:
        """Note the build ids of the images; raises UsageError when one has changed since."""
        for name, build_id in images.items():
            if self.images.setdefault(name, build_id) != build_id:
                raise UsageError(
                    f"the image {name} has changed since the bisection began",
                    "restore its sources, or start again after `kut bisect --reset`",
                )


class Directory:
    """`build/bisect` of a source tree, for one bisection at a time."""

    def __init__(self, build: Path) -> None:
        """Take the build directory of the source tree."""
        self.path = build / "bisect"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock; raises UsageError when another kut holds it."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(
                    f"another kut bisects in {self.path}", "wait for it, or stop it"
                ) from None
            yield
        finally:
            os.close(lock)

    def begin(self, request: Request) -> Session:
        """Return a new session; raises UsageError if there is an interrupted one."""
        if (self.path / _FILE).exists():
            raise UsageError("an interrupted bisection is kept in build/bisect", _RESUME)
        for part in _PARTS:  # of a kut that died before it saved the session
            rmtree(self.path / part, ignore_errors=True)
        (self.path / "logs").mkdir()
        session = Session(self.path, request)
        session.save()
        return session

    def resume(self) -> Session:
        """Return the interrupted session; raises UsageError if there is none."""
        path = self.path / _FILE
        try:
            data = json.loads(path.read_bytes())
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']}")  # noqa: TRY301 - damaged, like the rest
            return Session(
                self.path,
                Request.from_json(data["request"]),
                Watch.from_json(data["watch"]) if data["watch"] else None,
                data["others"],
                {commit: Trial.from_json(each) for commit, each in data["trials"].items()},
                data["images"],
            )
        except FileNotFoundError:
            raise UsageError(
                "no bisection is interrupted", "start one with --good, --bad and a test"
            ) from None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"{path} is damaged ({str(error)[:200]})", "remove it with `kut bisect --reset`"
            ) from None

    def remove(self, *, keeps: Sequence[str] = ()) -> None:
        """Remove the session with its worktree and all files but those in `keeps`."""
        source = self.path / "source"
        tree = self._tree()
        if tree and tree.is_dir():
            Repository(tree).remove_worktree(source)
        for part in _PARTS:
            if part not in keeps:
                rmtree(self.path / part, ignore_errors=True)
        with suppress(FileNotFoundError):
            (self.path / _FILE).unlink()

    def _tree(self) -> Path | None:
        """Return the checkout that is bisected, None if it is not known."""
        try:
            return Path(self.resume().request.tree)
        except UsageError:
            return None
