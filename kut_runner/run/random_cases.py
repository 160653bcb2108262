# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases, of translation or of TLB maintenance, which the model makes as data for images.

The model runs as a program, `python -m kut_model.fuzz`, with a request in a file. Its results are
in a directory of their own, together with the images: the list of rows of an image is beside it.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kut_runner.build.builder import Image
from kut_runner.definitions import errata
from kut_runner.errors import InfrastructureError, NothingSelectedError, UsageError
from kut_runner.process import program
from kut_runner.targets.case import Case
from kut_runner.verdict import row_list

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target
    from kut_runner.verdict.row_list import RowList


@dataclass(frozen=True, slots=True)
class Subject:
    """What cases are about."""

    kind: str
    """Name for the model."""
    images: tuple[str, ...]
    """Images that run the cases."""
    area: str
    """Area that selects it, "" for the subject without a name."""
    most: int
    """Most cases of a run: their data is to fit into the memory of the machine twice, and the model
    is to take no longer than the machine."""


TRANSLATION: Final = Subject("translation", ("conform-random", "conform-random-nvhe"), "", 20_000)
TLB: Final = Subject("tlb", ("conform-tlb-random",), "tlb-random", 2_000)
#: Label of cases that are given, in ids.
GIVEN: Final = "case"
_INITRD: Final = "cases.initrd"
_ROWS: Final = "cases.rows"
_MOST_SECONDS: Final = 600.0
#: Exit status of the model for a case, or a condition, that is wrong.
_WRONG_CASE: Final = 2
#: Directories of earlier runs that are kept.
_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases in a directory."""

    directory: Path

    @property
    def rows(self) -> "RowList":
        """Their rows, with the texts of the cases; raises InfrastructureError."""
        return row_list.load(self.directory / _ROWS)

    def of(
        self, workspace: "Workspace", tests: "Iterable[TestDef]", target: "Target"
    ) -> tuple[Case, ...]:
        """Build the images of `tests`, and return what runs these cases; raises BuildError."""
        return tuple(self._prepared(case) for case in workspace.cases(tests, target))

    def _prepared(self, case: Case) -> Case:
        flat = self.directory / f"{case.image.name}.flat"
        shutil.copyfile(case.image.flat, flat)
        shutil.copyfile(self.directory / _ROWS, flat.with_suffix(".rows"))
        options = (*case.test.qemu_args, "-initrd", str(self.directory / _INITRD))
        image = Image(case.image.name, case.image.elf, flat)
        return replace(case, image=image, test=replace(case.test, qemu_args=options))


@dataclass(frozen=True, slots=True)
class Model:
    """The model as a program."""

    directory: Path
    """Directory for the directories of cases."""
    errata: Mapping[str, Sequence[str]]
    """Conditions over cases by the name of an erratum."""
    subject: Subject = TRANSLATION

    def draw(self, count: int, seed: int) -> Cases:
        """Draw cases from a seed; raises UsageError for too many."""
        if not 1 <= count <= self.subject.most:
            problem = f"--random {count}: the number of cases is 1 to {self.subject.most}"
            raise UsageError(problem, "for more cases, use several seeds" if count > 0 else "")
        return self._write(command="draw", count=count, seed=seed, label=str(seed))

    def take(self, texts: Sequence[str], label: str = GIVEN) -> Cases:
        """Take the cases of texts; raises UsageError for one that cannot run."""
        return self._write(command="write", cases=list(texts), label=label)

    def smaller(self, texts: Sequence[str], failing: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the smaller variants of each case, given smaller ones that failed."""
        with self._scratch() as scratch:
            output = scratch / "smaller.json"
            request = {"command": "shrink", "cases": list(texts), "output": str(output)}
            self._call(scratch, request | {"failing": list(map(list, failing))})
            found: list[list[str]] = json.loads(output.read_bytes())
        return found

    def _write(self, **request: object) -> Cases:
        request["errata"] = {name: list(each) for name, each in self.errata.items()}
        digest = sha256(f"{self.subject.kind} {json.dumps(request)}".encode()).hexdigest()[:12]
        directory = self.directory / f"{request['label']}-{digest}"
        with self._scratch() as scratch:
            files = {"initrd": scratch / _INITRD, "rows": scratch / _ROWS}
            self._call(scratch, request | {kind: str(path) for kind, path in files.items()})
            directory.mkdir(exist_ok=True)
            for path in files.values():
                path.replace(directory / path.name)
        self._prune(directory)
        return Cases(directory)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Create a directory for the files of a request, for the time of the context."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=self.directory) as scratch:
            yield Path(scratch)

    def _call(self, scratch: Path, request: Mapping[str, Any]) -> None:
        """Serve a request; raises UsageError for a wrong case or condition."""
        path = scratch / "request.json"
        path.write_text(json.dumps({**request, "kind": self.subject.kind}))
        argv = [sys.executable, "-P", "-m", "kut_model.fuzz", str(path)]
        outcome = program.call(argv, _MOST_SECONDS)
        if outcome.code == _WRONG_CASE:
            raise UsageError(outcome.output)
        if outcome.code != 0:
            raise InfrastructureError(f"the model failed: {outcome.output}")

    def _prune(self, kept: Path) -> None:
        """Remove the oldest directories."""
        found = [each for each in self.directory.glob("[!.]*") if each.is_dir() and each != kept]
        for each in sorted(found, key=lambda path: path.stat().st_mtime)[: 1 - _KEPT]:
            with suppress(OSError):
                shutil.rmtree(each)


def subject_of(texts: Sequence[str]) -> Subject:
    """Return what cases that are given as texts are about; raises UsageError for a mixture."""
    found = {TLB if ":" in text.partition(" ")[0] else TRANSLATION for text in texts}
    if len(found) > 1:
        raise UsageError("--case of translation and of TLB maintenance", "run them one by one")
    return found.pop()


def model_of(workspace: "Workspace", subject: Subject) -> Model:
    """Return the model, with the conditions of the errata of a workspace; raises ConfigError."""
    file = workspace.definitions.errata
    listed = errata.load(file) if file else ()
    conditions = {each.name: each.cases for each in listed if each.cases}
    return Model(workspace.tree / "build/random", conditions, subject)


def tests_of(workspace: "Workspace", subject: Subject) -> "tuple[TestDef, ...]":
    """Return the tests that run random cases; raises NothingSelectedError without any."""
    found = tuple(test for test in workspace.definitions.tests if test.image in subject.images)
    if not found:
        hint = f"define one with the image {' or '.join(subject.images)}"
        raise NothingSelectedError("no test runs random cases", hint)
    return found
