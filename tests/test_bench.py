# SPDX-License-Identifier: GPL-2.0-or-later
"""The instruction counts of docs/benchmarks.md, measured again."""

import re

import pytest
import realtree

ROW = re.compile(r"\| `(?P<name>\w+)` \| (?P<figure>\d+) \| (?P<limit>\d+) \| instructions")
RESULT = re.compile(r"INFO: bench: (\w+) (\d+) instructions")


def table() -> dict[str, tuple[int, int]]:
    text = (realtree.ROOT / "docs" / "benchmarks.md").read_text()
    return {row["name"]: (int(row["figure"]), int(row["limit"])) for row in ROW.finditer(text)}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    [result] = realtree.run(tmp_path_factory.mktemp("bench"), "bench")["tests"]
    return {name: int(count) for name, count in RESULT.findall("\n".join(result["last_lines"]))}


def test_every_count_has_its_row(measured: dict[str, int]) -> None:
    assert set(measured) == set(table())


@pytest.mark.parametrize("name", table())
def test_count(name: str, measured: dict[str, int]) -> None:
    figure, limit = table()[name]
    assert figure * 0.9 <= measured[name] <= limit
