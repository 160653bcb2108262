# SPDX-License-Identifier: GPL-2.0-or-later
"""Random programs of the area tlb-random: as text, smaller ones, and failures that shrink."""

import re
import shutil
from pathlib import Path

import pytest
import realtree
from hypothesis import given, settings
from hypothesis import strategies as st

from kut_model.fuzz import tlb
from kut_model.fuzz.fields import CaseError
from kut_model.tables import tlb_random, tlb_text
from kut_model.tlb.steps import Try
from kut_runner.errors import UsageError
from kut_runner.run import random_cases, rerun


@settings(max_examples=20)
@given(st.integers(0, 1 << 32))
def test_a_program_is_what_its_text_says(seed: int) -> None:
    steps = tlb_random.program(seed).steps
    assert tlb_text.parse(tlb_text.text(steps)) == steps
    assert tlb_random.program(seed).steps == steps


def test_smaller_programs_can_run() -> None:
    steps = tlb_random.program(3).steps
    found = list(tlb_text.variants(steps))
    assert len(set(found)) == len(found) > 20
    assert all(len(each) < len(steps) and tlb_text.is_legal(each) for each in found)
    assert any(len(each) == len(steps) - 1 for each in found)
    assert not list(tlb_text.variants(tlb_text.parse("0:enter=a 0:read=5")))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("0:fly=5", '"0:fly=5" is no step'),
        ("0:enter=z 0:read=5", "z is not known"),
        ("set=s2.7.r:unmap", "set=s2.7.r:unmap is not known"),
        ("0:enter=a 0:read=7", "pages are 5 and 6"),
        ("0:enter=a 0:vae2=5,asid1 0:read=5", "EL2 cannot execute it for EL1"),
        ("0:enter=a 0:alle1.el1=5,asid1 0:read=5", "EL1 cannot execute it"),
        ("0:enter=a", "there is no access"),
        ("0:read=5", "a CPU has no context"),
    ],
)
def test_a_text_that_is_no_program_is_an_error(text: str, error: str) -> None:
    with pytest.raises(CaseError, match=re.escape(error)):
        tlb.take(text)


#: A rule of the model that is turned into another one: a TLBI without a domain reaches all CPUs.
FLIP = (
    "tlb/machine.py",
    "broadcast = bool(step.tlbi.domain) or (config.fb and step.el == 1)",
    "broadcast = True",
)
FAILING = (
    "0:enter=a 1:enter=a 0:read=5 1:read=5 0:read=6 1:read=6 0:write=5 1:write=5 "
    "1:ipas2e1is=table1,asid1 0:read=6 set=s1.table:unmap 1:read=5 0:read=6 set=s2.5.r:map "
    "1:aside1=5,asid1 set=s1.6.b:map 0:write=5"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return realtree.copy(tmp_path_factory.mktemp("tree"), images=("conform-tlb-random",))


@pytest.mark.parametrize("texts", [["op=read", FAILING], [FAILING, "op=read"]])
def test_cases_of_one_run_are_of_one_subject(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="--case of translation and of TLB maintenance"):
        random_cases.subject_of(texts)
    assert random_cases.subject_of(texts[:1]) is not random_cases.subject_of(texts[1:])


@pytest.mark.qemu
def test_programs_of_a_seed_are_the_rows_with_this_seed(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "tlb-random", "--random", "3", "--seed", "7", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rows: 3 verified" in done.stdout
    options = realtree.last_run(tree)["options"]
    assert rerun._random_hint(options) == (
        "run them again: `kut conform tlb-random --random 3 --seed 7`"
    )


@pytest.mark.qemu
def test_a_wrong_rule_is_noticed_and_its_program_shrinks(tree: Path, tmp_path: Path) -> None:
    """It passes with the right rule: QEMU's other CPU keeps its entries."""
    assert realtree.kut(tree, "conform", "--case", FAILING, "-q").returncode == 0
    shutil.copytree(realtree.ROOT / "kut_model", tmp_path / "kut_model")
    name, right, wrong = FLIP
    path = tmp_path / "kut_model" / name
    source = path.read_text()
    assert source.count(right) == 1
    path.write_text(source.replace(right, wrong))
    env = {"PYTHONPATH": f"{tmp_path}:{realtree.ROOT}"}
    done = realtree.kut(tree, "conform", "--case", FAILING, env=env)
    assert done.returncode == 1, done.stdout + done.stderr
    case = re.search(r"kut conform --case '(.+)'", done.stdout)
    assert case, done.stdout
    steps = tlb_text.parse(case[1])
    assert len(steps) <= 6  # of 17
    assert isinstance(steps[-1], Try)
