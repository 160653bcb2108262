# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework's tests can fail: each breakage of mutants.toml turns them red."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import mutants
import pytest
import workbench

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.qemu

MUTANTS = mutants.load()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> mutants.Workbench:
    return mutants.Workbench(tmp_path_factory.mktemp("mutants"), MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_killed(mutant: mutants.Mutant, bench: mutants.Workbench) -> None:
    """The tests named for a mutant fail, and say so with a check or a crash."""
    outcome = bench.run(mutant)
    assert outcome.killed, f"survived: {mutant.property}: {outcome.reason}"
    assert outcome.reason


#: One that its test kills.
MUTANT = mutants.Mutant(
    name="mmu-off",
    property="",
    file="arm/selftest.c",
    find="report(mmu_enabled(),",
    replace="report(!mmu_enabled(),",
    tests=("selftest",),
    family="mmu-off",
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> mutants.Workbench:
    """A workbench for the mutants below."""
    needed = replace(MUTANT, tests=("selftest", "misbehave-fail"))
    return mutants.Workbench(tmp_path_factory.mktemp("small"), [needed])


def test_a_mutant_is_what_runs_and_then_everything_is_as_before(small: mutants.Workbench) -> None:
    before = state(small)
    message = "selftest: setup: mmu_enabled() in main(): expected 1, found 1"
    assert small.run(MUTANT) == mutants.Outcome(killed=True, reason=message)
    assert state(small) == before
    same = replace(MUTANT, replace="report( mmu_enabled(),")
    assert small.run(same) == mutants.Outcome(killed=False, reason="no image has what is changed")


def state(bench: mutants.Workbench) -> dict[Path, tuple[bytes, int]]:
    """Content and time of the sources and of what was built from them."""
    built = [bench._built / file for file in bench._times]
    sources = [path for part in ("arm", "lib") for path in (bench._tree / part).rglob("*.[chS]")]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in built + sources}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"replace": "(void)0;\n\treport(mmu_enabled(),"}, "selftest: pass "),
        ({"replace": "report(mmu_enabled("}, "the build failed:\n"),
        ({"find": "report("}, "`find` stands "),
        (
            {
                "file": "arm/misbehave.c",
                "find": "if (argc != 2)\n",
                "replace": "if (argc != 2 || !argv[0])\n",
                "tests": ("misbehave-fail",),
            },
            "without a mutant: misbehave-fail: ",
        ),
    ],
)
def test_what_is_no_kill(
    change: dict[str, str | tuple[str, ...]], reason: str, small: mutants.Workbench
) -> None:
    outcome = small.run(replace(MUTANT, **change))  # type: ignore[arg-type]
    assert not outcome.killed
    assert outcome.reason.startswith(reason)


#: Key of the result of `selftest` without a mutant: its name, its arguments, and no other QEMU.
SELFTEST = ("selftest", "smp=1 mem=256 el=2", None)


def test_a_hang_ends_after_ten_times_what_the_test_takes(small: mutants.Workbench) -> None:
    hang = replace(MUTANT, replace="for (;;)\n\t\t;\n\treport(mmu_enabled(),")
    outcome = small.run(hang)
    assert outcome.killed
    assert outcome.reason.startswith("selftest: timeout: ")
    assert 0.5 <= workbench.timeout(small._plain[SELFTEST]) < 10


def test_a_machine_ends_at_its_first_failing_check(small: mutants.Workbench) -> None:
    """What hangs after it, would take ten times as long as the test."""
    source = (small._tree / MUTANT.file).read_text()
    fails = 'report(false, "fails");\n\tfor (;;)\n\t\t;\n\treport(mmu_enabled(),'
    with small.changed(MUTANT.file, source.replace(MUTANT.find, fails)):
        image = small.changed_images(["selftest"])["selftest"]
        result = small.run_test(small._tests["selftest"], image)
    assert workbench.first_failure(result) == "selftest: setup: fails"
    assert result.verdict.exit_code is ExitCode.TESTS_FAILED
    assert result.process_exit
    assert result.process_exit.kind is ExitKind.GIVEN_UP


def test_a_machine_that_has_become_slower_is_no_kill(
    small: mutants.Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = replace(MUTANT, replace="(void)0;\n\treport(mmu_enabled(),")
    assert not small.run(harmless).killed
    plain = small._plain[SELFTEST]
    assert plain.process_exit
    quick = replace(plain.process_exit, seconds=0.001, starved_seconds=0)
    small._plain[SELFTEST] = replace(plain, process_exit=quick)
    monkeypatch.setattr(workbench, "LEAST", 0.01)
    assert small.run(harmless) == mutants.Outcome(killed=False, reason="selftest: pass ")
