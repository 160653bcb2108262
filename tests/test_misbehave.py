# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that misbehave on purpose, on a real QEMU; the expectations are the table in the docs."""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs/misbehaving-images.md"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    status: str
    message: str
    exit_code: int

    @property
    def pattern(self) -> str:
        return ".*".join(re.escape(part) for part in self.message.split("…"))


def rows() -> list[Row]:
    found = []
    for line in TABLE.read_text().splitlines():
        if line.startswith("| `misbehave-"):
            name, _, status, message, code = map(str.strip, line.strip("|").split("|"))
            found.append(Row(name.strip("`"), status, message.strip("`"), int(code)))
    return found


def test_the_table_has_every_misbehaving_test_once() -> None:
    defined = tomllib.loads((ROOT / "configs/misbehave.toml").read_text())["test"]
    assert sorted(row.name for row in rows()) == sorted(defined)


@pytest.mark.qemu
@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_status_message_and_exit_code_are_those_of_the_docs(row: Row, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    done = subprocess.run(
        [sys.executable, "-m", "kut_runner", "run", row.name, "--json", report],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (test,) = json.loads(report.read_text())["tests"]
    assert (test["status"], done.returncode) == (row.status, row.exit_code), done.stdout
    assert re.fullmatch(row.pattern, test["reason"])
    assert re.search(rf"^{row.status.upper():8} {row.name} ", done.stdout, re.MULTILINE)
    assert test["reason"] in done.stdout
    assert done.stderr == ""
