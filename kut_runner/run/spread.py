# SPDX-License-Identifier: GPL-2.0-or-later
"""Run on several machines: parts of an archive, run by any `concurrent.futures.Executor`.

The executor starts the workers, distributes the parts, and reschedules those of a worker that died.
A worker calls the kut command line, so the verdicts are those of a local run. Workers need kut and
QEMU, but not the source tree.
"""

import hashlib
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import shards
from kut_runner.definitions.shards import Shard
from kut_runner.errors import UsageError
from kut_runner.records import document
from kut_runner.records.document import Document
from kut_runner.targets.case import file_name

if TYPE_CHECKING:
    from concurrent.futures import Future

    from kut_runner.definitions.config import TestDef

#: Parts for each worker; with several, a fast worker takes over work from a slow one.
PARTS_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """Results that a worker sends back."""

    results: bytes
    """Document of the part; empty when kut wrote none."""
    stderr: str
    """Stderr of kut on the worker."""
    logs: Mapping[str, bytes]
    """Serial output of each failed test, by id."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has ended."""

    name: str
    """Name in messages, as in "part 2/6"."""
    document: Document
    """Results; none when the part failed."""
    stderr: str
    """Error message when the part failed; else empty."""


def spread(  # noqa: PLR0913 - archive, tests, executor, and their environment
    executor: Executor,
    archive: Path,
    tests: "Sequence[TestDef]",
    *,
    workers: int,
    seconds: Mapping[str, float],
    log_dir: Path,
    trust: bool = False,
) -> Iterator[Part]:
    """Run tests of an archive on `workers` workers, and yield each part when it ends.

    `seconds` are known times by test, for parts of equal length. Logs of failed tests are written
    to `log_dir`. `trust` allows the tests all options of QEMU. An error on a worker loses the
    results of its part only.
    """
    data = archive.read_bytes()
    count = min(len(tests), workers * PARTS_EACH)
    futures: dict[Future[Answer], tuple[str, tuple[TestDef, ...]]] = {}
    for index in range(1, count + 1):
        shard = Shard(index, count)
        if mine := shards.take(tests, shard, seconds):
            future = executor.submit(run_here, data, [test.name for test in mine], trust=trust)
            futures[future] = f"part {shard}", mine
    for future in as_completed(futures):
        name, mine = futures[future]
        try:
            yield _part(name, mine, future.result(), log_dir)
        except Exception as error:  # noqa: BLE001 - each executor raises its own
            yield _failed_part(name, mine, f"{type(error).__name__}: {error}")


def run_here(archive: bytes, names: Sequence[str], *, trust: bool = False) -> Answer:
    """Run tests of an archive on this machine; called on a worker."""
    with tempfile.TemporaryDirectory(prefix="kut-") as name:
        directory = Path(name)
        # Shared by all parts on this machine, so that the archive is unpacked only once.
        cache = Path(tempfile.gettempdir()) / f"kut-archives-{os.getuid()}"
        cache.mkdir(mode=0o700, exist_ok=True)
        _check_owner(cache)
        packed = cache / f"{hashlib.sha256(archive).hexdigest()}.tar.xz"
        temporary = directory / "archive"
        temporary.write_bytes(archive)
        temporary.replace(packed)
        (directory / "build").mkdir()
        (directory / "build/archives").symlink_to(cache)
        results = directory / "results.json"
        command = [sys.executable, "-m", "kut_runner", "run", "--archive", str(packed)]
        command += ["--trust"] if trust else []
        done = subprocess.run(
            [*command, "--json", str(results), *names],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        text = results.read_bytes() if results.exists() else b""
        return Answer(text, done.stderr.decode(errors="backslashreplace").strip(), _logs(results))


def _check_owner(directory: Path) -> None:
    """Raise UsageError for a directory in which other users could put an archive."""
    status = directory.lstat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise UsageError(f"{directory} belongs to others", "remove it, or set TMPDIR")


def _logs(results: Path) -> Mapping[str, bytes]:
    if not results.exists():
        return {}
    found = document.load(results)
    return {
        result.id: Path(result.log).read_bytes()
        for result in found.results
        if result.status.is_failure and result.log
    }


def _part(name: str, tests: "Sequence[TestDef]", answer: Answer, log_dir: Path) -> Part:
    if not answer.results:
        return _failed_part(name, tests, answer.stderr)
    found = document.from_json(json.loads(answer.results))
    moved = []
    for result in found.results:
        log = log_dir / f"{file_name(result.id)}.log"
        if result.id in answer.logs:
            log.write_bytes(answer.logs[result.id])
        moved.append(replace(result, log=str(log) if result.id in answer.logs else ""))
    return Part(name, replace(found, results=tuple(moved)), "")


def _failed_part(name: str, tests: "Sequence[TestDef]", stderr: str) -> Part:
    metadata = document.RunMetadata(selection=tuple(test.name for test in tests))
    empty = Document(metadata=metadata, results=(), seconds=0.0, exit_code=None, is_complete=False)
    return Part(name, empty, stderr or "no results and no error message")
