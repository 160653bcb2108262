# SPDX-License-Identifier: GPL-2.0-or-later
"""Examples of output in the documents: reports of tests, places in sources, and counts."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import realtree
import transcripts

from kut_runner.definitions import config

#: Those that do not depend on the load of this machine.
REPORTS = [each for each in transcripts.reports() if not each.lines[0].startswith("TIMEOUT")]
#: A function and a place, as kut and gdb print them.
CALL = re.compile(r"(\w+) ?\([^\n]*?\) at ((?:arm|lib)/[\w/.-]+\.[chS]):(\d+)")
#: A definition in C, and a label or macro in assembly.
DEFINITION = re.compile(r"(?![#\s/*]).*?\b(\w+)\([^()]*[),]?$|(?:\.macro )?([A-Za-z_]\w+):?$")


@pytest.fixture(scope="module")
def current() -> dict[str, list[str]]:
    if not realtree.qemu_version().startswith(transcripts.QEMU):
        pytest.skip(f"the examples are those of QEMU {transcripts.QEMU}")
    return transcripts.run(report.test for report in REPORTS)


@pytest.mark.qemu
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.place)
def test_a_report_is_what_kut_prints_now(
    report: transcripts.Report, current: dict[str, list[str]]
) -> None:
    differences = report.differences(current[report.test])
    assert differences == [], f"{report.place}: run `python tests/transcripts.py`"


def function_at(path: Path, line: int) -> str:
    """The function of a line: the last definition up to it."""
    for text in reversed(path.read_text().splitlines()[:line]):
        if found := DEFINITION.match(text):
            return found[1] or found[2]
    return ""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an example, and the source shown below it, which may be none."""

    function: str
    file: str
    line: int
    source: str


def source_below(frame: str, below: str) -> str:
    """The line of source below the line of a frame: of gdb with a number, of kut indented."""
    if numbered := re.match(r"\d+\t+(.*)", below):
        return numbered[1]
    is_source = frame.lstrip().startswith("#") and indent(below) > indent(frame)
    return below.strip() if is_source else ""


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def places() -> dict[str, Place]:
    """The places in the documents, by their own places."""
    found = {}
    for path in transcripts.documents():
        lines = [*path.read_text().splitlines(), ""]
        for number, line in enumerate(lines):
            for call in CALL.finditer(line):
                source = source_below(line, lines[number + 1])
                where = f"{path.relative_to(realtree.ROOT)}:{number + 1}:{call.start()}"
                found[where] = Place(call[1], call[2], int(call[3]), source)
    return found


@pytest.mark.parametrize("place", [*places().values()], ids=places())
def test_a_place_is_in_its_function_and_has_the_source_shown(place: Place) -> None:
    path = realtree.ROOT / place.file
    assert function_at(path, place.line) == place.function
    assert place.source in path.read_text().splitlines()[place.line - 1]


def default_tests() -> list[config.TestDef]:
    tests = config.load(realtree.ROOT / "configs").tests
    return [test for test in tests if config.NODEFAULT not in test.groups]


def is_skipped(test: config.TestDef) -> bool:
    oldest = tuple(map(int, transcripts.QEMU.split(".")))
    return any(need.oldest > oldest for need in test.needs)


def test_the_readme_has_the_number_of_the_default_tests() -> None:
    tests = default_tests()
    counts = Counter("skip" if is_skipped(test) else "pass" for test in tests)
    summaries = transcripts.summaries((realtree.ROOT / "README.md").read_text())
    assert (len(tests), dict(counts)) in summaries


def test_the_page_of_archive_has_the_number_of_the_default_tests() -> None:
    tests = default_tests()
    text = (realtree.ROOT / "docs/commands/archive.md").read_text()
    assert f": {len(tests)} tests with {len({test.image for test in tests})} images, " in text


@pytest.mark.parametrize("document", transcripts.documents(), ids=lambda path: path.name)
def test_a_summary_counts_each_test_once(document: Path) -> None:
    for total, counts in transcripts.summaries(document.read_text()):
        assert sum(counts.values()) == total
