# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of an image of the conformance suite that dies at rows: see dying_image.py."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from cases import case_of, definition, tcg

from kut_runner.errors import ExitCode
from kut_runner.records.view import View
from kut_runner.run.engine import run
from kut_runner.run.options import RunOptions
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.rows import AreaRows, text_of

IMAGE = Path(__file__).with_name("dying_image.py")


class Recorder(View):
    """View that keeps the results and counts the beginnings."""

    def __init__(self) -> None:
        self.results: list[TestResult] = []
        self.begun = 0

    def on_begin(self, case: str, attempt: int) -> None:
        assert (case, attempt) == ("t", 1)
        self.begun += 1

    def on_result(self, result: TestResult) -> None:
        self.results.append(result)


class Bench:
    """Runs of an image whose rows behave as letters say."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        program = directory / "qemu"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {IMAGE} "$@"\n')
        program.chmod(0o755)
        self.target = tcg(program)
        self.code = ExitCode.OK

    def run(
        self,
        letters: str,
        args: str = "",
        *,
        listed: bool = True,
        cpu: str = "max",
        errata: Path | None = None,
    ) -> TestResult:
        image = self.directory / "some.flat"
        image.write_text(letters)
        rows = letters.partition("/")[0]
        if listed:
            image.with_suffix(".rows").write_text(json.dumps(row_list(len(rows))))
        view = Recorder()
        case = case_of(definition("t", args=args, cpu=cpu), image, self.target)
        case = replace(case, errata=errata)
        self.code = run([case], RunOptions(jobs=2), [view], log_dir=self.directory)
        (result,) = view.results
        assert view.begun == 1
        return result

    @property
    def boots(self) -> int:
        """Number of machines of the last run."""
        return len(list(self.directory.glob("t*.log")))


def row_list(count: int, area: str = "some", hash_: int = 0x0123456789ABCDEF) -> dict[str, object]:
    """The list of rows of the image."""
    rule = dict.fromkeys(("key", "statement", "section", "function", "matrix"), "x")
    columns = {
        "id": [f"{area}.{number}" for number in range(count)],
        "rule": ["x"] * count,
        "expected": ["1"] * count,
        "needs": [[]] * count,
        "kind": ["undefined", *[""] * (count - 1)],
        "matrix": ["x"] * count,
    }
    return {
        "area": area,
        "title": "Some rows",
        "hash": f"{hash_:016x}",
        "rules": {"x": rule},
        "matrix": {"x": "some"},
        "not_covered": {},
        "rows": columns,
    }


def verdicts(result: TestResult) -> str:
    assert result.output.rows
    return text_of(result.output.rows.runs)


def rows(result: TestResult) -> AreaRows:
    assert result.output.rows
    return result.output.rows


def failed(result: TestResult) -> list[str]:
    return [check.line for check in result.output.failed]
