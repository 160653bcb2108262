# SPDX-License-Identifier: GPL-2.0-or-later
"""Trials of mechanical mutants on a real QEMU, with a test of one function of the library."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from concurrent.futures._base import DoneAndNotDoneFutures
from dataclasses import replace
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, cast

import c_mutations
import cases
import invisible
import mutants
import pytest
import pytest_trial
import random_mutants
import realtree
import tree_mutations
import trial
import workbench
from mutation import Mutation
from trial import Trial, Verdict

from kut_runner.errors import KutError
from kut_runner.verdict.rows import AreaRows, Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import ProcessPoolExecutor
    from pathlib import Path
    from typing import Never

    from kut_runner.definitions.config import TestDef

FILE = "lib/arm64/delay.c"
#: Of this file, it uses all functions and tests usecs_to_cycles().
IMAGE = """
#include <libcflat.h>
#include <asm/delay.h>
#include <asm/processor.h>

int main(void)
{
	mdelay(1);
	report(usecs_to_cycles(1000000) == get_cntfrq(), "a second");
	return report_summary();
}
"""
UNUSED = "\nvoid unused(void);\nvoid unused(void)\n{\n\tmdelay(1);\n}\n"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> trial.TrialBench:
    root = tmp_path_factory.mktemp("random") / "root"
    shutil.copytree(realtree.ROOT / "lib", root / "lib")
    with (root / FILE).open("a") as file:
        file.write(UNUSED)
    for name, text in {"arm/second.c": IMAGE, "configs/tests.toml": "[test.second]\n"}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    tree = trial.supply(root.with_name("tree"), root)
    return trial.TrialBench(tree, with_pytest=False)


def mutation(bench: trial.TrialBench, function: str, operator: str) -> Mutation:
    """The first one of the operator in the function."""
    found = tree_mutations.of_source(FILE, bench._tree / FILE)
    wanted = (function, operator)
    return next(each for each in found if (each.edit.function, each.edit.operator) == wanted)


KILLED = Trial(Verdict.KILLED, "second: a second", "second")


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("function", "operator", "expected"),
    [
        ("usecs_to_cycles", "swap-arguments", KILLED),
        ("usecs_to_cycles", "return-zero", KILLED),
        ("delay", "negate-condition", Trial(Verdict.SURVIVED)),
        ("mdelay", "delete-statement", Trial(Verdict.SURVIVED)),
        ("unused", "delete-statement", Trial(Verdict.SAME_CODE)),
    ],
)
def test_a_mutant_is_killed_by_a_test_that_notices_it(
    bench: trial.TrialBench, function: str, operator: str, expected: Trial
) -> None:
    assert bench.try_out(mutation(bench, function, operator), ["second"]) == expected


@pytest.mark.qemu
def test_a_hang_is_noticed(bench: trial.TrialBench) -> None:
    found = bench.try_out(mutation(bench, "mdelay", "swap-operator"), ["second"])
    assert (found.verdict, found.test) == (Verdict.KILLED, "second")
    assert found.reason.startswith("second: timeout: ")


@pytest.mark.qemu
def test_what_does_not_compile_is_no_mutant_and_leaves_nothing(bench: trial.TrialBench) -> None:
    good = mutation(bench, "usecs_to_cycles", "return-zero")
    broken = replace(good, edit=replace(good.edit, text="$"))
    assert bench.try_out(broken, ["second"]) == Trial(Verdict.NOT_COMPILED)
    assert bench.try_out(good, ["second"]) == KILLED


def area_rows(*runs: tuple[int, str], field: str = "PMCR_EL0") -> AreaRows:
    """Return the rows of an area, with a reason for skipped ones."""
    count = sum(count for count, _ in runs)
    return AreaRows("hvc", count, "0" * 16, runs, (Reason("PMU", field),))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (area_rows((2, "P"), (1, "F"), (1, "S1")), ""),
        (area_rows((3, "P"), (1, "S1")), "row 2: expected F as before, found P"),
        (area_rows((1, "P"), (2, "F"), (1, "S1")), "row 1: expected P as before, found F"),
        (
            area_rows((2, "P"), (1, "F"), (1, "S1"), field="ID"),
            "row 3: expected S PMU (PMCR_EL0) as before, found S PMU (ID)",
        ),
        (None, "no rows"),
    ],
)
def test_a_row_that_ends_otherwise_has_noticed_a_mutant(
    after: AreaRows | None, reason: str
) -> None:
    before = area_rows((2, "P"), (1, "F"), (1, "S1"))
    assert workbench.first_difference(before, after) == (reason and f"hvc: {reason}")


def test_rows_are_for_sources_of_the_conformance_suite() -> None:
    assert trial.of_rows("lib/arm64/conform-probe.S")
    assert trial.of_rows("lib/arm64/asm/conform.h")
    assert not trial.of_rows("lib/arm64/guest.c")
    names = {test.name for test in trial.row_tests(realtree.ROOT)}
    assert "conform-traps" in names
    assert not names & {test.name for test in trial.tests(realtree.ROOT)}


#: Verdicts of the mutants that are tried, in their order, from the first again after the last.
ENDS = [Verdict.KILLED, Verdict.SAME_CODE, Verdict.NOT_COMPILED, Verdict.SURVIVED]


def made_tests(*names: str) -> list[TestDef]:
    """Tests of images of the same names."""
    return [cases.definition(name) for name in names]


class Pool:
    """Ends trials when they are waited for, the latest first."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.running: list[tuple[Future[Trial], Trial]] = []

    def submit(self, _: object, mutation: Mutation, order: list[str]) -> Future[Trial]:
        assert order == ["one", "two"]
        verdict = ENDS[len(self.submitted) % len(ENDS)]
        self.submitted.append(mutation.name)
        self.running.append((Future(), Trial(verdict)))
        return self.running[-1][0]

    def wait(self, futures: Collection[Future[Trial]], **_: object) -> DoneAndNotDoneFutures[Trial]:
        future, trial = self.running.pop()
        future.set_result(trial)
        return DoneAndNotDoneFutures({future}, set(futures) - {future})


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_wanted_number_is_tried_whatever_the_jobs(
    jobs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(random_mutants, "KILLS", tmp_path / "kills.json")
    monkeypatch.setattr(invisible, "LIST", tmp_path / "invisible.toml")
    (tmp_path / "invisible.toml").write_text("")
    pool = Pool()
    monkeypatch.setattr(random_mutants, "wait", pool.wait)
    options = random_mutants.Options(number=9, seed=3, jobs=jobs)
    session = random_mutants.Session(options, random_mutants.Order(made_tests("one", "two"), []))
    for _, found in session._trials(cast("ProcessPoolExecutor", pool)):
        session.counts[found.verdict] += 1
    mutants = [each for each in session.chosen if each.edit.function not in session._unused]
    assert pool.submitted == [each.name for each in mutants[:17]]
    assert session.counts[Verdict.KILLED] == 5
    assert session.counts[Verdict.SURVIVED] == 4
    assert random_mutants.summary(session.counts, 90) == (
        "9 mutants in 2 min: 5 killed, 0 invisible (invisible.toml), 4 survived; besides, 4 did not"
        f" compile and {session.counts[Verdict.SAME_CODE]} changed no code"
    )


def test_the_tests_that_killed_the_mutants_of_a_function_come_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(random_mutants, "KILLS", tmp_path / "kills.json")
    source = "void f(void)\n{\n\ta();\n}\nvoid g(void)\n{\n\ta();\n}\n"
    in_f, in_g = (Mutation("a.c", source, edit) for edit in c_mutations.edits(source))
    names = made_tests("one", "two", "three", "four")
    order = random_mutants.Order(names, [("a.c", "two"), ("b.c", "four")])
    assert order.of(in_f) == ["two", "one", "three", "four"]
    order.learn(in_f, "three")
    order.learn(in_g, "four")
    order.learn(in_g, "four")
    again = random_mutants.Order(names, [("a.c", "two"), ("b.c", "four")])
    assert again.of(in_f) == ["three", "four", "two", "one"]
    assert again.of(in_g) == ["four", "two", "three", "one"]


def test_the_tests_that_use_a_function_come_before_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(random_mutants, "KILLS", tmp_path / "kills.json")
    order = random_mutants.Order(made_tests("fdt", "gic", "psci"), [("lib/arm64/psci.c", "psci")])
    source = "#define PSCI_RET_SUCCESS 1\n"
    edit = c_mutations.edits(source)[0]
    assert order.of(Mutation("a.h", source, edit))[0] == "psci"
    edit = replace(edit, function="gic_enable_defaults")
    assert order.of(Mutation("a.h", source, edit))[0] == "gic"


def test_a_survivor_has_its_diff_and_the_command_to_try_it_again() -> None:
    (edit,) = c_mutations.edits("void f(void)\n{\n\ta();\n}\n")
    survivor = Mutation("lib/arm64/a.c", "void f(void)\n{\n\ta();\n}\n", edit)
    assert list(random_mutants.report(survivor, Trial(Verdict.SURVIVED))) == [
        "SURVIVED  lib/arm64/a.c:3:2:delete-statement",
        "          -a();",
        "          +{}",
        "          scripts/mutants lib/arm64/a.c:3:2:delete-statement",
    ]


def test_the_list_of_mutants_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert mutants.main(["--random", "3", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:10] for line in lines] == ["lib/arm64/", " " * 9 + " ", " " * 9 + " "] * 3
    assert mutants.main([lines[0], "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == lines[:3]
    assert mutants.main(["lib/arm64/none.c"]) == 2
    assert "unknown: lib/arm64/none.c" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["--random", "1", "--qemu", "/nonexistent"],
            "--qemu: no QEMU: /nonexistent does not exist",
        ),
        (["--random", "-1"], "--random: expected a positive number"),
        (["--random", "1", "-j", "-1"], "--jobs: expected a positive number"),
    ],
)
def test_a_wrong_value_is_a_usage_error(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        mutants.main(argv)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            KutError("pytest: No module", "install it"),
            5,
            "mutants: pytest: No module\nmutants: hint: install it\n",
        ),
        (CalledProcessError(3, ["kut", "build", "a b"]), 3, "mutants: failed: kut build 'a b'\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_in_a_trial_ends_the_run_with_the_counts_so_far(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def trials(_: object, __: Path) -> Never:
        raise error

    monkeypatch.setattr(random_mutants.Session, "run", trials)
    assert mutants.main(["--random", "3"]) == code
    out, err = capsys.readouterr()
    assert out.startswith("0 mutants in 0 min: 0 killed")
    assert err == said


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("FAILED tests/test_a.py::test_b - assert 1 == 2", "tests/test_a.py::test_b"),
        ("FAILED tests/test_a.py::test_b[4K granule, 36 bits] - x", "tests/test_a.py::test_b"),
        ("ERROR tests/test_a.py::test_b[x]", "tests/test_a.py::test_b"),
    ],
)
def test_a_failing_test_is_named_without_its_parameters(line: str, name: str) -> None:
    found = pytest_trial._FAILED.search(f"=== short test summary info ===\n{line}\n1 failed\n")
    assert found
    assert found[1] == name
