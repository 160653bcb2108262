# SPDX-License-Identifier: GPL-2.0-or-later
"""The git repository that is bisected.

The revisions are checked out in a worktree of kut's own, whose `git bisect` has a state of its own:
the checkout of the user and a bisection there are not touched.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from kut_runner.build.toolchain import find_program
from kut_runner.errors import InfrastructureError, MissingToolError, UsageError

#: Between fields of `git log`.
_SEPARATOR: Final = "\x1f"
_LEFT: Final = re.compile(r"Bisecting: .*\(roughly ([0-9]+) steps?\)")
_FOUND: Final = re.compile(r"^([0-9a-f]{40,64}) is the first '?bad'? commit$", re.MULTILINE)
_CANDIDATE: Final = re.compile(r"^([0-9a-f]{40,64})$", re.MULTILINE)
_ONLY_SKIPPED: Final = 2
#: Digits of a hash in messages.
_SHORT: Final = 12
#: Variables with which git tells its hooks and scripts the repository that it works in.
_LOCAL: Final = (
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
)


class _GitError(Exception):
    """A git command that failed, with its message."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, for a reader."""

    hash: str
    subject: str
    author: str
    date: str

    @property
    def short(self) -> str:
        """The start of the hash."""
        return self.hash[:_SHORT]

    def to_json(self) -> dict[str, Any]:
        """Return the commit for a document."""
        return {name: getattr(self, name) for name in ("hash", "subject", "author", "date")}


@dataclass(frozen=True, slots=True)
class Position:
    """State of a bisection: the next revision, or the end."""

    next: str = ""
    """Hash of the revision to try; "" at the end."""
    steps: int = 0
    """Number of steps that git expects after it."""
    first_bad: str = ""
    """Hash of the first bad commit; "" if it is not known."""
    candidates: tuple[str, ...] = ()
    """Hashes of the commits of which one is the first bad, where only skipped ones are left."""


class Repository:
    """A checkout of a repository; commands that fail raise KutError with git's message."""

    def __init__(self, top: Path) -> None:
        """Take the top directory of a checkout."""
        self.top = top

    @classmethod
    def of(cls, directory: Path, option: str) -> Self:
        """Return the repository of a directory; raises UsageError, with the option in the hint."""
        try:
            top = _git(directory, "rev-parse", "--show-toplevel").strip()
        except _GitError as error:
            raise UsageError(
                f"{option} {directory} is not a checkout of a git repository: {error}",
                "clone the repository: an unpacked archive has no history",
            ) from None
        return cls(Path(top))

    def commit(self, name: str, option: str) -> str:
        """Return the hash of a commit by its name; raises UsageError."""
        try:
            return self._run(
                "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}"
            ).strip()
        except _GitError:
            raise UsageError(
                f"{option} {name} is no commit of {self.top}",
                "name a commit, a tag or a branch; `git fetch --tags` gets those of the server",
            ) from None

    def is_ancestor(self, one: str, other: str) -> bool:
        """Return whether commit `other` has `one` in its history, or is it."""
        try:
            self._run("merge-base", "--is-ancestor", one, other)
        except _GitError:
            return False
        return True

    def is_dirty(self) -> bool:
        """Return whether tracked files have changes that are not committed."""
        return bool(self.checked("status", "--porcelain", "--untracked-files=no"))

    def has_file(self, commit: str, path: str) -> bool:
        """Return whether a commit has the file."""
        try:
            self._run("cat-file", "-e", f"{commit}:{path}")
        except _GitError:
            return False
        return True

    def describe(self, commit: str) -> Commit:
        """Return a commit with its subject, author and date."""
        layout = _SEPARATOR.join(("%H", "%s", "%an <%ae>", "%as"))
        text = self.checked("log", "-1", f"--format={layout}", commit)
        return Commit(*text.strip("\n").split(_SEPARATOR))

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the hashes of the parents of a commit."""
        return tuple(self.checked("rev-parse", f"{commit}^@").split())

    def worktree(self, path: Path, commit: str) -> "Repository":
        """Return the worktree at a path; where there is none, a new one with a commit."""
        if not (path / ".git").exists():
            self.remove_worktree(path)
            self.checked("worktree", "add", "--force", "--detach", str(path), commit)
        found = Repository(path)
        for lock in ("index.lock", "HEAD.lock"):  # of a git that was killed
            (path / found.checked("rev-parse", "--git-path", lock).strip()).unlink(missing_ok=True)
        return found

    def remove_worktree(self, path: Path) -> None:
        """Remove a worktree, with its bisection; it may be damaged or missing."""
        from shutil import rmtree

        with suppress(_GitError):
            self._run("worktree", "remove", "--force", "--force", str(path))
        rmtree(path, ignore_errors=True)
        with suppress(_GitError):
            self._run("worktree", "prune")

    def check_out(self, commit: str) -> None:
        """Check a commit out, without changes that a build made to tracked files."""
        self.checked("checkout", "--quiet", "--force", "--detach", commit)

    def begin(self, good: str, bad: str, paths: Sequence[str]) -> Position:
        """Start the bisection; nothing is checked out."""
        self.checked("bisect", "reset")
        return self._bisect("start", "--no-checkout", bad, good, "--", *paths)

    def mark(self, commit: str, mark: str) -> Position:
        """Mark a commit as "good", "bad" or "skip"."""
        return self._bisect(mark, commit)

    def end(self) -> None:
        """End the bisection."""
        self.checked("bisect", "reset")

    def checked(self, *arguments: str) -> str:
        """Return the output of a git command; raises InfrastructureError when it fails."""
        try:
            return self._run(*arguments)
        except _GitError as error:
            raise InfrastructureError(f"git {arguments[0]} in {self.top} failed: {error}") from None

    def _bisect(self, *arguments: str) -> Position:
        code, output = _call(self.top, "bisect", *arguments)
        if found := _FOUND.search(output):
            return Position(first_bad=found[1])
        if code == _ONLY_SKIPPED:
            return Position(candidates=tuple(_CANDIDATE.findall(output)))
        if code:
            problem = _last_line(output)
            raise InfrastructureError(f"git bisect {arguments[0]} in {self.top} failed: {problem}")
        left = _LEFT.search(output)
        current = self.checked("rev-parse", "--verify", "BISECT_HEAD").strip()
        return Position(current, int(left[1]) if left else 0)

    def _run(self, *arguments: str) -> str:
        return _git(self.top, *arguments)


def _git(directory: Path, *arguments: str) -> str:
    code, output = _call(directory, *arguments)
    if code:
        raise _GitError(_last_line(output) or f"exit status {code}")
    return output


def _call(directory: Path, *arguments: str) -> tuple[int, str]:
    """Return exit status and output of git, in English, whatever repository the caller works in."""
    program = find_program("git", os.environ)
    if not program:
        raise MissingToolError("git is not installed", "install it (Debian: apt install git)")
    environment = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    done = subprocess.run(
        [program, "-C", str(directory), "-c", "advice.detachedHead=false", *arguments],
        env=environment | {"LC_ALL": "C", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        check=False,
    )
    return done.returncode, done.stdout


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return (errors or lines or [""])[-1]
