# SPDX-License-Identifier: GPL-2.0-or-later
"""A case: a test on a target. Its id is the key of everything that is kept about it.

The id is the name of the test; where a run has a test on several targets it is `NAME/CELL`, as in
"stage2/qemu-10.0/cortex-a72". A name has no "/", so an id can be taken apart again.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.targets.protocol import Target


@dataclass(frozen=True, slots=True)
class Case:
    """A test on a target, with the image that it boots."""

    test: "TestDef"
    target: "Target"
    image: "Image"
    cell: str = ""
    """Which of several targets, in parts separated by "/"; empty where there is only one."""

    @property
    def id(self) -> str:
        """The key of results, logs and times."""
        return case_id(self.test.name, self.cell)


def case_id(test: str, cell: str = "") -> str:
    """Return the id of a test's case."""
    return f"{test}/{cell}" if cell else test


def test_of(case: str) -> str:
    """Return the name of the test in the id of a case."""
    return case.partition("/")[0]


def cell_of(case: str) -> str:
    """Return the cell in the id of a case, "" when it has none."""
    return case.partition("/")[2]


def attempt_name(case: str, attempt: int) -> str:
    """Return the name of one attempt of a case, counted from 1, as people read it."""
    return case if attempt == 1 else f"{case}@{attempt}"


def file_name(case: str, attempt: int = 1) -> str:
    """Return the name of the attempt's files, without suffix; names and cells have no comma."""
    return attempt_name(case.replace("/", ","), attempt)
