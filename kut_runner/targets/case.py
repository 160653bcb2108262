# SPDX-License-Identifier: GPL-2.0-or-later
"""A case: a test on a target. Results, logs and times are stored under its id.

The id is the name of the test; in a run on several targets it is `NAME/CELL`, as in
"stage2/qemu-10.0/cortex-a72". Names have no "/", so that the id can be split again.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.targets.protocol import Target

#: Most characters of a file name without the number of an attempt and the suffix.
_LONGEST_FILE_NAME: Final = 200
_UNSAFE: Final = re.compile(r"^\.|[^A-Za-z0-9_.+#/-]")


@dataclass(frozen=True, slots=True)
class Case:
    """A test on a target, with the image to boot."""

    test: "TestDef"
    target: "Target"
    image: "Image"
    cell: str = ""
    """Id of the target in a run on several targets, in parts separated by "/"; else empty."""
    errata: "Path | None" = None
    """File with the errata for rows of the conformance suite; None without one."""

    @property
    def id(self) -> str:
        """Key of results, logs and times."""
        return case_id(self.test.name, self.cell)


def case_id(test: str, cell: str = "") -> str:
    """Return the id of a case."""
    return f"{test}/{cell}" if cell else test


def test_of(case: str) -> str:
    """Return the name of the test from the id of a case."""
    return case.partition("/")[0]


def cell_of(case: str) -> str:
    """Return the cell from the id of a case, "" if it has none."""
    return case.partition("/")[2]


def attempt_name(case: str, attempt: int) -> str:
    """Return the name of an attempt for messages, as in "stage2@2"; attempts count from 1."""
    return case if attempt == 1 else f"{case}@{attempt}"


def file_name(case: str, attempt: int = 1) -> str:
    """Return the name of the files of an attempt, without suffix.

    Characters that have a meaning in ids, in shells or in artifacts of GitHub are written as in
    URLs, "%3A" for ":"; "," stands for the "/" of an id. A long name ends with a hash.
    """
    name = _UNSAFE.sub(_percent, case).replace("/", ",")
    if len(name) > _LONGEST_FILE_NAME:
        from hashlib import sha256

        digest = sha256(name.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST_FILE_NAME - len(digest) - 1]}~{digest}"
    return attempt_name(name, attempt)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode(errors="surrogatepass"))
