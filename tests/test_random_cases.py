# SPDX-License-Identifier: GPL-2.0-or-later
"""Random cases on real QEMU: runs, failures that shrink, errata, wrong rules of the model."""

import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
import realtree

from kut_model.fuzz import table
from kut_model.fuzz.draw import draw
from kut_model.fuzz.fields import CaseError
from kut_model.fuzz.judge import WIDE, Judged, outcomes
from kut_model.translation import descriptors, permissions
from kut_model.translation import stage1 as first
from kut_model.translation import stage2 as second
from kut_model.translation.access import Access, Kind
from kut_model.translation.faults import Fault
from kut_model.translation.granules import Granule
from kut_model.translation.stage1 import Stage1
from kut_runner.verdict.rows import NONE, PASS

pytestmark = pytest.mark.qemu

COUNT, SEED = 3000, 1
#: Fewest cases that QEMU 7.2 passes.
MANY = 1800


@cache
def drawn() -> list[Judged]:
    """The cases."""
    return list(draw(COUNT, SEED))


@cache
def passed() -> list[Judged]:
    """The cases that QEMU passes; after one at which it dies, those that it traces."""
    flat = realtree.build("conform-random")
    found: list[Judged] = []
    args, start = "", 0
    with tempfile.NamedTemporaryFile(suffix=".initrd") as initrd:
        initrd.write(table.initrd(drawn(), 0, "test"))
        initrd.flush()
        while start < COUNT:
            rows = realtree.boot_rows(flat, args, "-initrd", initrd.name)
            codes = list(enumerate(rows.codes()))
            found += [drawn()[number] for number, code in codes if code == PASS]
            ended = [number for number, code in codes if code != NONE]
            start = max(*ended, -1 if rows.traced is None else rows.traced) + 1
            args = f"start={start} trace={COUNT}"
    return found


def flips() -> Iterator[tuple[str, object, str, object]]:
    """Names, and rules of the model with what they are turned into."""
    yield "AP[2] permits writes", descriptors, "AP_READ_ONLY", 0
    yield "AP[1] and AP[2] change places", descriptors, "AP_EL0", 1 << 7
    yield "UXN is PXN", descriptors, "UXN", descriptors.PXN
    yield "APTable[1] has no effect", descriptors, "AP_TABLE_READ_ONLY", 0
    yield "S2AP[0] permits writes", descriptors, "S2AP_WRITE", 1 << 6
    yield "DBM is bit 52", descriptors, "DBM", 1 << 52
    yield "the access flag is bit 11", descriptors, "AF", 1 << 11
    yield "XN of stage 2 is ignored", permissions, "stage2_permissions", executes
    yield "blocks at every level", descriptors, "has_blocks", lambda *_, **__: True
    yield "no output size", second, "pa_size", lambda *_: 52
    yield "IPS has no effect", Stage1, "_out_bits", property(lambda _: 52)
    yield "tags are part of addresses", first, "_UNTAGGED", (1 << 64) - 1
    yield "hardware sets no access flag", second, "sets_access_flag", lambda *_: False
    yield "stage 1 sets no access flag", first, "sets_access_flag", lambda *_: False
    yield "walks need no permission", Access, "walk", lambda access: Access(Kind.CLEAN, access.el)
    yield "S1PTW is never set", Stage1, "_of_walk", staticmethod(not_on_walk)
    yield "levels count from 1", Fault, "status", property(one_more)
    yield "a level of 16K has 12 bits", Granule.K16, "stride", 12


def executes(descriptor: int, el: int, **rest: bool) -> permissions.Permissions:
    """Permissions of stage 2 without XN."""
    return ORIGINAL(descriptor & ~(3 << 53), el, **rest)


ORIGINAL = permissions.stage2_permissions
STATUS = Fault.status.fget  # type: ignore[attr-defined]


def not_on_walk(fault: Fault, _: Access) -> Fault:
    """A fault of a walk as one of the access."""
    return Fault(fault.type, fault.stage, fault.level, fault.ipa, False, fault.write)  # noqa: FBT003


def one_more(fault: Fault) -> int:
    """The status of the next level."""
    status: int = STATUS(fault)
    return status + 1 if fault.level >= 0 else status


@pytest.mark.parametrize(
    ("where", "name", "wrong"), [flip[1:] for flip in flips()], ids=[flip[0] for flip in flips()]
)
def test_passing_cases_depend_on_the_rule(where: object, name: str, wrong: object) -> None:
    assert len(passed()) > MANY
    with patch.object(where, name, new=wrong):
        noticed = next((each for each in passed() if is_noticed(each)), None)
    assert noticed, "no case notices the wrong rule"


def is_noticed(judged: Judged) -> bool:
    """Whether none of the outcomes that are permitted now was permitted before."""
    try:
        return not set(outcomes(judged.case, judged.setup, WIDE)) & set(judged.codes)
    except CaseError:
        return False


def test_the_image_fails_cases_of_a_wrong_model(tmp_path: Path) -> None:
    initrd = tmp_path / "initrd"
    with patch.object(descriptors, "S2AP_WRITE", new=1 << 6):
        initrd.write_bytes(table.initrd(list(draw(300, SEED)), 0, "wrong"))
    output = realtree.boot(realtree.build("conform-random"), "", "-initrd", str(initrd))[1]
    assert re.search(
        r"^FAIL: random: random\.wrong\.\d+: expected .*permission fault.*, found no exception",
        output,
        re.MULTILINE,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree without errata."""
    tree = realtree.copy(
        tmp_path_factory.mktemp("tree"), images=("conform-random", "conform-random-nvhe")
    )
    (tree / "configs/errata.toml").write_text("")
    return tree


def test_cases_that_pass_are_rows_of_a_run(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "--case", "op=read", "--case", "op=exec s1.d3=0x80")
    assert done.returncode == 0, done.stderr
    assert "4 rows: 4 verified" in done.stdout
    assert realtree.last_run(tree)["options"]["cases"] == ["op=read", "op=exec s1.d3=0x80"]


FAILING = "op=dc-cvac s1.epd=1 s1.tbi=1 s2.ps=3 s1.mair=0xff44"
FAILURE = (
    "expected data abort: translation fault, level 0, write, cache maintenance, to EL1, ISS 0x144,"
    " found no exception"
)


def test_a_failure_shrinks_to_a_case_that_can_be_run_again(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "--case", FAILING)
    assert done.returncode == 1
    assert "\n".join(done.stdout.splitlines()[-3:]) == (
        f"2 cases fail like this one of conform-random:\n  {FAILURE}\n"
        "  kut conform --case 'op=dc-cvac s1.epd=1'"
    )
    again = realtree.kut(tree, "conform", "--case", "op=dc-cvac s1.epd=1", "-q")
    assert f"random: random.case.0: {FAILURE}" in again.stdout


ERRATUM = """
[erratum.no-maintenance]
cases = ["op=dc-cvac expected=*to_EL1*"]
reason = "DC does nothing"
rule = "DC is translated"
"""


def test_a_case_of_an_erratum_is_a_known_failure(tree: Path, tmp_path: Path) -> None:
    other = realtree.linked(tmp_path)
    (other / "configs/errata.toml").write_text(ERRATUM)
    (other / "build").symlink_to(tree / "build")
    done = realtree.kut(other, "conform", "--case", FAILING)
    assert done.returncode == 0, done.stdout
    assert "2 rows: 2 verified, 2 known" in done.stdout
    assert "fail like" not in done.stdout


def test_a_seed_is_part_of_the_ids(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "--random", "20", "--seed", "5", "-v", "--append", "list")
    assert "random.5.19" in (tree / "build/logs/conform-random.log").read_text(), done.stdout
    assert realtree.last_run(tree)["options"]["random"] == 20


def test_explain_shows_what_is_expected_of_a_case(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "--explain", "--case", "op=write s2.ha=1 s2.out.d3=0x480")
    assert done.returncode == 0, done.stderr
    assert (
        "expected   data abort to EL2, EC 0x24, ISS 0x4f (permission fault, level 3, WnR)"
        in done.stdout
    )
    assert "needs      FEAT_HAFDBS" in done.stdout
    assert "run        kut conform --case 'op=write s2.ha=1 s2.out.d3=0x480'" in done.stdout


def test_a_run_of_random_cases_is_repeated_by_its_seed(tree: Path) -> None:
    assert realtree.kut(tree, "conform", "--random", "200", "--seed", "5", "-q").returncode == 1
    done = realtree.kut(tree, "rerun")
    assert done.returncode == 2
    assert "ran random cases" in done.stderr
    assert "run them again: `kut conform --random 200 --seed 5`" in done.stderr


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--case", "op=fly"], 'kut: error: "op=fly": op=fly: expected one of read, write'),
        (["--seed", "3"], "kut: error: --seed is the seed of random cases\n"),
        (["--random", "3", "--case", "op=read"], "kut: error: --case and --random contradict"),
        (["--random", "0"], "kut: error: --random 0: the number of cases is 1 to 20000"),
        (["--random", "3", "hvc"], "kut: error: --random and --case do not run rows of areas"),
    ],
)
def test_options_that_make_no_sense_are_errors(tree: Path, options: list[str], error: str) -> None:
    done = realtree.kut(tree, "conform", *options)
    assert done.returncode == 2
    assert done.stderr.startswith(error)


def test_the_image_without_cases_is_skipped() -> None:
    output = realtree.boot(realtree.build("conform-random"))[1]
    assert "SKIP: no cases in the initrd: use `kut conform --random`" in output


def test_a_machine_whose_initrd_is_elsewhere_is_refused(tree: Path) -> None:
    done = realtree.kut(tree, "conform", "--case", "op=read", "--memory", "64", "-q")
    assert done.returncode == 1
    assert "the cases are for 0x48000000: use a machine with 256 MiB" in done.stdout
