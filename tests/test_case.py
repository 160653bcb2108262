# SPDX-License-Identifier: GPL-2.0-or-later
"""Ids of cases: taken apart they are what they were made of, and each has files of its own."""

import re
import string
from pathlib import Path

from cases import FAKE, case_of, definition
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions import config
from kut_runner.errors import ExitCode
from kut_runner.targets import case as ids
from kut_runner.targets.case import Case, attempt_name, case_id, cell_of, file_name
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status

LETTERS = string.ascii_letters + string.digits
NAMES = st.builds(
    str.__add__, st.sampled_from(LETTERS), st.text(st.sampled_from(LETTERS + "_.+-"), max_size=99)
)
CELLS = st.just("") | st.lists(NAMES, min_size=1, max_size=3).map("/".join)
ATTEMPTS = st.integers(1, 1000)


@given(NAMES, CELLS)
def test_an_id_can_be_taken_apart(name: str, cell: str) -> None:
    assert config.is_name(name)
    case = case_id(name, cell)
    assert (ids.test_of(case), cell_of(case)) == (name, cell)
    assert (case == name) is (not cell)


@given(NAMES, CELLS)
def test_a_case_and_its_result_have_the_id(name: str, cell: str) -> None:
    plain = case_of(definition(name))
    case = Case(plain.test, FAKE, plain.image, cell)
    assert case.id == case_id(name, cell)
    result = TestResult(case.id, Verdict(Status.PASS, "", ExitCode.OK))
    assert (result.test, result.cell) == (name, cell)


@given(NAMES, CELLS, ATTEMPTS)
def test_a_file_is_in_the_directory_and_its_name_can_be_read_back(
    name: str, cell: str, attempt: int
) -> None:
    found = file_name(case_id(name, cell), attempt)
    assert Path(found).name == found
    case, _, number = found.partition("@")
    assert int(number or 1) == attempt
    if len(case_id(name, cell)) <= 200:
        assert case.replace(",", "/") == case_id(name, cell)


@given(st.text(min_size=1, max_size=100), ATTEMPTS)
def test_a_file_of_any_name_can_be_an_artifact(name: str, attempt: int) -> None:
    found = file_name(name, attempt)
    assert re.fullmatch(r"[A-Za-z0-9_+#%,~-][A-Za-z0-9_.+#%,~-]*(@[0-9]+)?", found)
    assert len(f"{found}.stderr".encode()) <= 255


def test_the_characters_of_a_file_name() -> None:
    assert file_name("tlbflush::page_other") == "tlbflush%3A%3Apage_other"
    assert file_name("a b@2,%", 3) == "a%20b%402%2C%25@3"
    assert file_name("../x") == "%2E.,x"
    first, second = (file_name("\u20ac" * 99 + last) for last in "ab")
    assert first != second


CASES = st.tuples(NAMES, CELLS, ATTEMPTS)


@given(CASES, CASES)
def test_two_attempts_never_share_a_file(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    names = [file_name(case_id(name, cell), attempt) for name, cell, attempt in (one, other)]
    assert (names[0] == names[1]) is (one == other)


def test_files_without_a_cell_are_named_as_ever() -> None:
    assert file_name("stage2") == "stage2"
    assert file_name("stage2", 3) == "stage2@3"
    assert file_name("stage2/qemu-10.0/cortex-a72", 2) == "stage2,qemu-10.0,cortex-a72@2"
    assert attempt_name("stage2/qemu-10.0", 2) == "stage2/qemu-10.0@2"
