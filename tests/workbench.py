# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of the sources with all images built, to change one source at a time."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from first_failure import StopAtFailure

from kut_runner.build.builder import _BUILD_ID_NOTE, Image
from kut_runner.errors import ExitCode, KutError
from kut_runner.run import bench, engine, workspace
from kut_runner.run.options import RunOptions
from kut_runner.targets.case import Case
from kut_runner.targets.tcg import Tcg
from kut_runner.verdict.rows import SKIP
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kut_runner.definitions.config import TestDef
    from kut_runner.targets.protocol import Target
    from kut_runner.verdict.result import TestResult
    from kut_runner.verdict.rows import AreaRows

#: A test with a mutant may take so many times what it takes without, and at least these seconds;
#: as in all timeouts of kut, time in which other processes had the CPUs does not count. For a test
#: that ends soon that time is not known, so that its CPU time counts, and twice its wall time.
PATIENCE, LEAST = 10, 0.5
#: Flags after -Werror: what a mechanical mutant leaves unused, as a variable that nothing reads, is
#: no error. All other warnings are: no build has such a mutant.
LENIENT = (
    *(
        f"-Wno-error={each}"
        for each in (
            *("unused-variable", "unused-but-set-variable", "unused-but-set-parameter"),
            *("unused-const-variable", "unused-function", "unused-label", "unused-value"),
            *("bool-compare", "empty-body", "maybe-uninitialized", "parentheses", "type-limits"),
        )
    ),
    "-Wno-unknown-warning-option",  # of Clang, which has not all of them
)


class UnfitTestError(KutError):
    """A test fails without a mutant."""


class Workbench:
    """A copy of the sources and of what is built from them, which is as before after a change."""

    def __init__(self, tree: Path, images: Sequence[str], variant: str | None = None) -> None:
        """Take the directory @tree, which has the sources, and build @images there."""
        self._tree = tree
        self._workspace = workspace.of_tree(tree, "gcc", variant)
        self._workspace.supply(images)
        self._built = tree / "build" / self._workspace.compiler
        self._kept = tree / "kept"
        shutil.copytree(self._built, self._kept)
        self._images = {name: self._kept_image(name) for name in images}
        self._times = {file: (self._kept / file).stat().st_mtime_ns for file in files(self._kept)}
        self._plain: dict[tuple[str, str, str | None], TestResult] = {}
        self._targets: dict[str | None, Target] = {}
        self._logs = tree / "logs"
        self._logs.mkdir()

    @contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """Give the source @file the content @text, and put it and all builds back afterwards."""
        path = self._tree / file
        source, before = path.read_text(), path.stat()
        path.write_text(text)
        try:
            yield
        finally:
            path.write_text(source)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            self._put_back()

    def changed_images(self, names: Sequence[str]) -> dict[str, Image]:
        """Build the images @names, and return those whose code or data are not as before."""
        built = self._workspace.supply(names)
        return {
            name: built[name]
            for name in names
            if content(built[name]) != content(self._images[name])
        }

    def run_test(self, test: TestDef, image: Image, qemu: str | None = None) -> TestResult:
        """Boot @image for @test until a check fails.

        It may take ten times as long as without the change, which is measured again when the time
        is over.

        @qemu is the program, None for the default one. Raises UnfitTestError if the test fails
        without the change.
        """
        seconds = timeout(self._without_change(test, qemu))
        result = self._boot(test, image, seconds, qemu)
        if result.status is Status.TIMEOUT:  # or the machine has become slower
            del self._plain[test.name, test.args, qemu]
            now = timeout(self._without_change(test, qemu))
            if now > seconds:
                result = self._boot(test, image, now, qemu)
        return result

    def other_row(self, test: TestDef, image: Image, qemu: str | None = None) -> str:
        """Return the first row of @test that ends otherwise than without the change, or "".

        Rows that fail without it, as the emulator is wrong, count as well. A difference counts if
        the image without the change has none, and the changed one has it again.
        """
        plain = self._result_without_change(test, qemu)
        before = plain.output.rows
        if not before:
            return ""

        def difference(image: Image, seconds: float) -> str:
            rows = self._boot(test, image, seconds, qemu).output.rows
            return first_difference(before, rows)

        different = difference(image, timeout(plain))
        if not different or difference(self._images[test.image], test.timeout):
            return ""
        return different if difference(image, timeout(plain)) == different else ""

    def is_skipped(self, test: TestDef, qemu: str | None = None) -> bool:
        """Whether @test is skipped without a change too."""
        return self._without_change(test, qemu).status is Status.SKIP

    def _kept_image(self, name: str) -> Image:
        return Image(name, self._kept / f"{name}.elf", self._kept / f"{name}.flat")

    def _without_change(self, test: TestDef, qemu: str | None) -> TestResult:
        plain = self._result_without_change(test, qemu)
        if plain.status.is_failure:
            raise UnfitTestError(f"without a mutant: {first_failure(plain)}")
        return plain

    def _result_without_change(self, test: TestDef, qemu: str | None) -> TestResult:
        key = (test.name, test.args, qemu)
        if key not in self._plain:
            self._plain[key] = self._boot(test, self._images[test.image], test.timeout, qemu)
        return self._plain[key]

    def _boot(self, test: TestDef, image: Image, seconds: float, qemu: str | None) -> TestResult:
        if qemu not in self._targets:
            target = self._workspace.target(qemu=qemu)
            assert isinstance(target, Tcg)
            self._targets[qemu] = StopAtFailure(target.qemu, target.accelerator)
        seen = bench.Collector()
        options = RunOptions(timeout=seconds, inspect=False)
        errata = self._workspace.definitions.errata
        case = Case(test, self._targets[qemu], image, errata=errata)
        if engine.run([case], options, [seen], log_dir=self._logs) is ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        (result,) = seen.results
        return result

    def _put_back(self) -> None:
        """Give what was built the content and the time that it had before.

        So ninja has nothing to do for sources that are as they were.
        """
        for file, time in self._times.items():
            built = self._built / file  # of a build that failed, it is missing
            if not built.exists() or built.stat().st_mtime_ns != time:
                shutil.copy2(self._kept / file, built)


def files(top: Path) -> list[str]:
    """The files that were built below the directory @top, relative to it; none of ninja's own."""
    return [
        os.path.relpath(Path(directory) / name, top)
        for directory, _, names in os.walk(top)
        for name in names
        if not name.startswith(".")
    ]


def content(image: Image) -> bytes:
    """The code and data of @image, without the build-id, which depends on debug information too."""
    data = image.flat.read_bytes()
    at = data.find(_BUILD_ID_NOTE)
    end = at + len(_BUILD_ID_NOTE) + 20
    return data if at < 0 else data[:at] + data[end:]


def timeout(plain: TestResult) -> float:
    """The seconds that a test gets with a change; @plain is its result without one."""
    if not (ended := plain.process_exit):
        return LEAST
    seconds = ended.seconds - ended.starved_seconds
    of_cpu = LEAST + PATIENCE * ended.cpu_seconds
    return max(LEAST, 2 * seconds, min(PATIENCE * seconds, of_cpu))


def first_difference(before: AreaRows, after: AreaRows | None) -> str:
    """The first row whose verdict, or whose reason of a skip, is not that of @before, or ""."""
    if not after:
        return f"{before.area}: no rows"
    for number, (old, new) in enumerate(zip(verdicts(before), verdicts(after), strict=True)):
        if old != new:
            return f"{before.area}: row {number}: expected {old} as before, found {new}"
    return ""


def verdicts(rows: AreaRows) -> Iterator[str]:
    """Yield the verdict on each row: a letter, or S and the reason."""
    reasons = {code: f"S {rows.reason_of(code)}" for _, code in rows.runs if code[0] == SKIP}
    return (reasons.get(code, code) for code in rows.codes())


def first_failure(result: TestResult) -> str:
    """The first check that failed, or the reason for which the test ended badly."""
    for check in result.output.checks:
        if check.status is Status.FAIL:
            return f"{result.id}: {check.text}"
    return f"{result.id}: {result.status.value}: {result.verdict.reason}"
