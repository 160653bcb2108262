# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials of mechanical mutants: build them, and run tests until one fails.

First come the tests of `kut run`, in a given order, on each QEMU; a test that is skipped because of
a mutant has noticed it as well. For sources of the conformance suite its rows come next, all of
which must end as without the mutant. Then come tests of pytest.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import realtree
import workbench
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from pytest_trial import PytestTree

from kut_runner.build.sources import find_sources
from kut_runner.definitions import config
from kut_runner.errors import BuildError, ExitCode
from kut_runner.run import workspace
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mutation import Mutation

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef

VARIANT = "mutants"
_DEFINITION = f"""
[variant.{VARIANT}]
about = "mechanical mutants"
compile = {json.dumps(workbench.LENIENT)}
"""
#: The group of the tests whose rows are compared, and the sources for which they are.
CONFORMANCE = "conform"
_OF_ROWS = r"(?:conform.*|el1-probe.*|stage2-path|translation-outcome)\.[chS]"
#: Images that are built one by one, before all others at once.
_ALONE = 2


class Verdict(Enum):
    """Ends of a trial; the first two are no mutants."""

    NOT_COMPILED = "not compiled"
    SAME_CODE = "same code"
    KILLED = "killed"
    SURVIVED = "SURVIVED"
    INVISIBLE = "invisible"


@dataclass(frozen=True, slots=True)
class Trial:
    """The end of a trial."""

    verdict: Verdict
    reason: str = ""
    """The first failing check or test."""
    test: str = ""
    """Test of `kut run` that killed it."""


def supply(tree: Path, root: Path = realtree.ROOT) -> Path:
    """Copy the sources of @root to @tree, and build all images with the variant of mutants."""
    for part in realtree.PARTS:
        shutil.copytree(root / part, tree / part)
    (tree / "configs" / f"{VARIANT}.toml").write_text(_DEFINITION)
    workspace.of_tree(tree, "gcc", VARIANT).supply([])
    return tree


class TrialBench(workbench.Workbench):
    """A copy of the sources with all images."""

    def __init__(self, tree: Path, qemus: Sequence[str] = (), *, with_pytest: bool = True) -> None:
        """Take what `supply` made of @tree; @qemus are further ones to try."""
        self._all = {test.name: test for test in tests(tree)}
        self._row_tests = row_tests(tree)
        self._qemus = (None, *qemus)
        self._pytest_tree = tree / "pytest" if with_pytest else None
        self._pytest: PytestTree | None = None
        super().__init__(tree, sorted(find_sources(tree).images), VARIANT)
        self._symbols = {name: symbols(image) for name, image in self._images.items()}

    def try_out(self, mutation: Mutation, order: Sequence[str]) -> Trial:
        """Apply the mutation, and run the tests in this order until one fails.

        Tests whose images have the function come before all others.
        """
        known = [self._all[name] for name in order]
        known.sort(key=lambda test: mutation.edit.function not in self._symbols[test.image])
        try:
            with self.changed(mutation.file, mutation.mutated):
                found = self._try_images(known, has_rows=of_rows(mutation.file))
        except BuildError:
            return Trial(Verdict.NOT_COMPILED)
        if found.verdict is Verdict.SURVIVED and self._pytest_tree:
            self._pytest = self._pytest or PytestTree(self._pytest_tree)
            if test := self._pytest.failing(mutation.file, mutation.mutated):
                return Trial(Verdict.KILLED, test)
        return found

    def _try_images(self, order: Sequence[TestDef], *, has_rows: bool) -> Trial:
        """Run the tests in this order, and if the source @has_rows alone the rows as well.

        It has rows alone also if no test in this order has what is changed.
        """
        images: dict[str, Image] = {}
        for qemu in self._qemus:
            is_changed = False
            for test, image in self._changed(order, images):
                is_changed = True
                if reason := self._failure(test, image, qemu):
                    return Trial(Verdict.KILLED, reason, test.name)
            row_tests = self._row_tests if has_rows or not is_changed else ()
            for test, image in self._changed(row_tests, images):
                if reason := self.other_row(test, image, qemu):
                    return Trial(Verdict.KILLED, reason)
        return Trial(Verdict.SURVIVED if images else Verdict.SAME_CODE)

    def _changed(
        self, order: Sequence[TestDef], images: dict[str, Image]
    ) -> Iterator[tuple[TestDef, Image]]:
        """Yield the tests whose images the mutant changes, which are added to @images."""
        built = set(images)
        for test in order:
            if test.image not in built:
                names = [test.image] if len(built) < _ALONE else list(self._images)
                images |= self.changed_images(names)
                built.update(names)
            if test.image in images:
                yield test, images[test.image]
        if not images:  # images of no test in this order
            images |= self.changed_images(list(self._images))

    def _failure(self, test: TestDef, image: Image, qemu: str | None) -> str:
        """Return why @test has noticed the mutant, "" if it has not."""
        try:
            result = self.run_test(test, image, qemu)
        except workbench.UnfitTestError:
            return ""
        failed = result.verdict.exit_code is ExitCode.TESTS_FAILED
        skipped = result.status is Status.SKIP and not self.is_skipped(test, qemu)
        return workbench.first_failure(result) if failed or skipped else ""


def tests(tree: Path) -> list[TestDef]:
    """Return the tests that `kut run` selects in @tree, in the order of their definitions."""
    found = config.load(tree / "configs").tests
    return [test for test in found if config.NODEFAULT not in test.groups]


def row_tests(tree: Path) -> list[TestDef]:
    """Return the tests of the conformance suite in @tree."""
    found = config.load(tree / "configs").tests
    return [test for test in found if CONFORMANCE in test.groups]


def of_rows(file: str) -> bool:
    """Whether rows of the conformance suite are all that uses the source @file."""
    return re.fullmatch(f"lib/arm64/(?:asm/)?{_OF_ROWS}", file) is not None


def symbols(image: Image) -> frozenset[str]:
    """Return the names of the functions and data of @image."""
    with image.elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return frozenset(symbol.name for symbol in table.iter_symbols())
