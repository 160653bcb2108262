# SPDX-License-Identifier: GPL-2.0-or-later
"""A run on several machines: parts of an archive, given to any `concurrent.futures.Executor`.

The engine is not ours: it starts workers, gives them work, and gives the work of a worker that
died to another. What runs on a worker is kut itself, as a user would call it, so that a part has
the verdicts it has anywhere. Worker machines need kut and QEMU, and nothing of the tree.
"""

import hashlib
import json
import os
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
from kut_runner.records import document
from kut_runner.records.document import Document
from kut_runner.targets.case import file_name

if TYPE_CHECKING:
    from concurrent.futures import Future

    from kut_runner.definitions.config import TestDef

#: Parts for each worker: one that is done early takes what a slow one has not begun.
PARTS_EACH: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker sends back."""

    results: bytes
    """The document of its part; empty when there is none."""
    stderr: str
    """What kut wrote to stderr there."""
    logs: Mapping[str, bytes]
    """The serial output of each test that did not pass."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is over."""

    name: str
    """Its number, for messages, as in "part 2/6"."""
    document: Document
    """Its results; none when it came to nothing."""
    stderr: str
    """Why it came to nothing; empty when it did not."""


def spread(  # noqa: PLR0913 - what to run, where, and what is known
    executor: Executor,
    archive: Path,
    tests: "Sequence[TestDef]",
    *,
    workers: int,
    seconds: Mapping[str, float],
    log_dir: Path,
) -> Iterator[Part]:
    """Run the tests of the archive and yield each part when it is over.

    `seconds` are the times that are known, to cut by. Logs of tests that did not pass go to
    `log_dir`. A worker's trouble costs the results of its part, no more.
    """
    data = archive.read_bytes()
    count = min(len(tests), workers * PARTS_EACH)
    futures: dict[Future[Answer], tuple[str, tuple[TestDef, ...]]] = {}
    for index in range(1, count + 1):
        shard = Shard(index, count)
        if mine := shards.take(tests, shard, seconds):
            future = executor.submit(run_here, data, [test.name for test in mine])
            futures[future] = f"part {shard}", mine
    for future in as_completed(futures):
        name, mine = futures[future]
        try:
            yield _part(name, mine, future.result(), log_dir)
        except Exception as error:  # noqa: BLE001 - the engine's own, and each has others
            yield _nothing(name, mine, f"{type(error).__name__}: {error}")


def run_here(archive: bytes, names: Sequence[str]) -> Answer:
    """Run tests of an archive on this machine; called on a worker."""
    with tempfile.TemporaryDirectory(prefix="kut-") as directory:
        place = Path(directory)
        # Unpacked once on a machine, not once for a part.
        cache = Path(tempfile.gettempdir()) / f"kut-archives-{os.getuid()}"
        cache.mkdir(mode=0o700, exist_ok=True)
        packed = cache / f"{hashlib.sha256(archive).hexdigest()}.tar.xz"
        temporary = place / "archive"
        temporary.write_bytes(archive)
        temporary.replace(packed)
        (place / "build").mkdir()
        (place / "build/archives").symlink_to(cache)
        results = place / "results.json"
        command = [sys.executable, "-m", "kut_runner", "run", "--archive", str(packed)]
        done = subprocess.run(
            [*command, "--json", str(results), *names],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        text = results.read_bytes() if results.exists() else b""
        return Answer(text, done.stderr.decode(errors="backslashreplace").strip(), _logs(results))


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
        return _nothing(name, tests, answer.stderr)
    found = document.from_json(json.loads(answer.results))
    moved = []
    for result in found.results:
        log = log_dir / f"{file_name(result.id)}.log"
        if result.id in answer.logs:
            log.write_bytes(answer.logs[result.id])
        moved.append(replace(result, log=str(log) if result.id in answer.logs else ""))
    return Part(name, replace(found, results=tuple(moved)), "")


def _nothing(name: str, tests: "Sequence[TestDef]", stderr: str) -> Part:
    metadata = document.RunMetadata(selection=tuple(test.name for test in tests))
    empty = Document(metadata=metadata, results=(), seconds=0.0, exit_code=None, is_complete=False)
    return Part(name, empty, stderr or "no results, and no word why")
