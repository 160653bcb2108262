# SPDX-License-Identifier: GPL-2.0-or-later
"""Try random mechanical mutants of lib/arm64, each until a test notices it.

Mutants are drawn in the order of a seed. One that does not compile, or changes the code of no
image, is counted but is no mutant; so the wanted number are tried in the end. The tests that
noticed mutants of the same function, or of the same file, come first; build/mutant-kills.json
remembers them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import invisible
import realtree
import tree_mutations
import trial
from trial import Trial, Verdict

from kut_runner.build.sources import find_sources
from kut_runner.definitions import shards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mutation import Mutation

    from kut_runner.definitions.config import TestDef

#: Tests by how many mutants of a function of a file they killed.
KILLS = realtree.ROOT / "build" / "mutant-kills.json"
_NO_MUTANTS = (Verdict.NOT_COMPILED, Verdict.SAME_CODE)
#: What a kill counts for mutants of the same function, and of the same file; what it counts when
#: the image of a test mentions the function.
_SAME_FUNCTION, _SAME_FILE, _MENTIONED = 100, 1, 10


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the command."""

    number: int
    """Mutants to try, 0 for all of `names`."""
    seed: int
    names: Sequence[str] = ()
    """Mutants to choose from, by name or its beginning; all if empty."""
    jobs: int = 1
    qemus: Sequence[str] = ()
    """Further QEMUs, on which those are tried that survive on the default one."""
    with_pytest: bool = True


class Order:
    """Decides which tests are tried first."""

    def __init__(self, tests: Sequence[TestDef], named: Sequence[tuple[str, str]]) -> None:
        """Take all @tests, and the files of listed mutants with the tests that kill them."""
        times = shards.load_times(realtree.ROOT / shards.TIMES)
        self._tests = sorted(tests, key=lambda test: times.get(test.name, 0.0))
        self._listed = Counter(named)
        self._uses = uses(realtree.ROOT)
        self._kills: Counter[tuple[str, str, str]] = Counter()
        if KILLS.exists():
            self._kills.update({tuple(k): n for *k, n in json.loads(KILLS.read_text())})

    def of(self, mutation: Mutation) -> list[str]:
        """Return the tests, beginning with the most likely to fail."""
        users = self._uses.get(mutation.edit.function, frozenset())
        scores: Counter[str] = Counter()
        for (file, name), mutants in self._listed.items():
            scores[name] += mutants * ((file == mutation.file) + (file in users))
        for test in self._tests:
            scores[test.name] += _MENTIONED * (f"arm/{test.image}" in users)
        for (file, function, name), kills in self._kills.items():
            if file == mutation.file:
                same = function == mutation.edit.function
                scores[name] += kills * (_SAME_FUNCTION if same else _SAME_FILE)
        return sorted((test.name for test in self._tests), key=lambda name: -scores[name])

    def learn(self, mutation: Mutation, test: str) -> None:
        """Record the test that killed a mutant, and save the record."""
        self._kills[mutation.file, mutation.edit.function, test] += 1
        KILLS.parent.mkdir(exist_ok=True)
        KILLS.write_text(json.dumps([[*key, kills] for key, kills in self._kills.items()]))


def uses(root: Path) -> dict[str, frozenset[str]]:
    """Return the sources that have each word: files of the library, and images as arm/NAME."""
    found: dict[str, set[str]] = {}
    images = find_sources(root).images
    files = {path: f"arm/{name}" for name, paths in images.items() for path in paths}
    files |= {file: file for file in find_sources(root).library}
    for file, user in files.items():
        for word in set(re.findall(r"[A-Za-z_]\w*", (root / file).read_text())):
            found.setdefault(word, set()).add(user)
    return {word: frozenset(users) for word, users in found.items()}


class Session:
    """One run of the command."""

    def __init__(self, options: Options, order: Order) -> None:
        """Draw the mutants."""
        self._options = options
        self._order = order
        self._entries = invisible.load(invisible.LIST.read_text())
        self._all = tree_mutations.of_tree(realtree.ROOT)
        self._unused = tree_mutations.unused_macros(realtree.ROOT)
        chosen = tree_mutations.named(self._all, options.names) if options.names else self._all
        self.chosen = tree_mutations.shuffled(chosen, options.seed)
        self.wanted = options.number or len(self.chosen)
        self.stale = invisible.stale(self._entries, self._all)
        self.counts: Counter[Verdict] = Counter()

    def run(self, directory: Path) -> Iterator[tuple[Mutation, Trial]]:
        """Yield trials as they end; their copies of the tree are in @directory."""
        base = trial.supply(directory / "base")
        arguments = (base, tuple(self._options.qemus), self._options.with_pytest)
        with ProcessPoolExecutor(
            self._options.jobs, get_context("spawn"), _start_worker, arguments
        ) as pool:
            for mutation, found in self._trials(pool):
                self.counts[found.verdict] += 1
                if found.test:
                    self._order.learn(mutation, found.test)
                yield mutation, found

    def _trials(self, pool: ProcessPoolExecutor) -> Iterator[tuple[Mutation, Trial]]:
        queue = iter(self.chosen)
        running: dict[Future[Trial], Mutation] = {}
        while True:
            while len(running) < self._options.jobs and self._tried() + len(running) < self.wanted:
                if not (mutation := next(queue, None)):
                    break
                if found := self._without_trial(mutation):
                    yield mutation, found
                else:
                    running[pool.submit(_try_out, mutation, self._order.of(mutation))] = mutation
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()

    def _tried(self) -> int:
        return self.counts.total() - sum(self.counts[each] for each in _NO_MUTANTS)

    def _without_trial(self, mutation: Mutation) -> Trial | None:
        if mutation.edit.function in self._unused:
            return Trial(Verdict.SAME_CODE)
        if not self._options.names:  # one that is asked for by name is tried all the same
            for entry in self._entries:
                if entry.has(mutation):
                    return Trial(Verdict.INVISIBLE, entry.reason)
        return None


_bench: trial.TrialBench


def _start_worker(base: Path, qemus: Sequence[str], with_pytest: bool) -> None:  # noqa: FBT001
    """Give this process its own copy of the tree."""
    global _bench  # noqa: PLW0603 - of this process
    tree = base.parent / str(os.getpid())
    shutil.copytree(base, tree)
    _bench = trial.TrialBench(tree, qemus, with_pytest=with_pytest)


def _try_out(mutation: Mutation, order: Sequence[str]) -> Trial:
    return _bench.try_out(mutation, order)


def report(mutation: Mutation, found: Trial) -> Iterator[str]:
    """Yield the lines on a trial."""
    yield f"{found.verdict.value:9} {mutation.name}  {found.reason}".rstrip()
    if found.verdict is Verdict.SURVIVED:
        yield from difference(mutation)
        yield f"{'':9} scripts/mutants {mutation.name}"


def difference(mutation: Mutation) -> list[str]:
    """Return the lines of the diff, indented."""
    return [f"{'':9} {line}" for line in mutation.diff.splitlines()]


def summary(counts: Counter[Verdict], seconds: float) -> str:
    """Return the counts as a line."""
    mutants = counts.total() - sum(counts[each] for each in _NO_MUTANTS)
    return (
        f"{mutants} mutants in {seconds / 60:.0f} min: {counts[Verdict.KILLED]} killed, "
        f"{counts[Verdict.INVISIBLE]} invisible ({invisible.LIST.name}), "
        f"{counts[Verdict.SURVIVED]} survived; besides, {counts[Verdict.NOT_COMPILED]} "
        f"did not compile and {counts[Verdict.SAME_CODE]} changed no code"
    )


def main(options: Options, named: Sequence[tuple[str, str]], *, lists: bool) -> int:
    """Run the mutants, or print them if @lists; return the exit code as `mutants.main` does."""
    session = Session(options, Order(trial.tests(realtree.ROOT), named))
    if not session.chosen:
        print(
            f"mutants: unknown: {' '.join(options.names)}; see --random N --list", file=sys.stderr
        )
        return 2
    if lists:
        for mutation in session.chosen[: session.wanted]:
            print(mutation.name, *difference(mutation), sep="\n")
        return 0
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="kut-mutants-") as directory:
            for mutation, found in session.run(Path(directory)):
                if found.verdict not in _NO_MUTANTS or options.names:
                    print("\n".join(report(mutation, found)), flush=True)
    finally:
        for entry in session.stale:
            print(f"stale entry of {invisible.LIST.name}: {entry.file}: {entry.line}")
        print(summary(session.counts, time.monotonic() - started), flush=True)
    return 1 if session.counts[Verdict.SURVIVED] or session.stale else 0
