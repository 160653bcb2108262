# SPDX-License-Identifier: GPL-2.0-or-later
"""States of tests over rounds: due tests and failed tests."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cases import FAKE, case_of

from kut_runner.build.builder import Image
from kut_runner.definitions import config
from kut_runner.definitions.config import TestDef
from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.run.test_states import TestStates, listed
from kut_runner.targets.case import Case
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status

PASS = Verdict(Status.PASS, "", ExitCode.OK)
FAIL = Verdict(Status.FAIL, "1 of 1 check failed", ExitCode.TESTS_FAILED)
ERROR = Verdict(Status.ERROR, "interrupted", ExitCode.INTERRUPTED, Cause.INTERRUPTED)


class World:
    """Tests one, two and three over rounds, each with an image of the same name."""

    def __init__(self, directory: Path) -> None:
        (directory / "tests.toml").write_text("".join(f"[test.{n}]\n" for n in NAMES))
        self.tests = {test.name: test for test in config.load(directory).tests}
        self.target = FAKE
        self.images = {name: Image(name, directory / name, directory / name) for name in NAMES}
        self.time = 0
        self.states = TestStates()
        self.link(*NAMES)

    def link(self, *names: str) -> None:
        self.time += 1
        for name in names:
            self.images[name].flat.write_text("")
            os.utime(self.images[name].flat, ns=(self.time, self.time))
        self.see()

    def define(self, test: TestDef) -> None:
        self.tests[test.name] = test
        self.see()

    @property
    def cases(self) -> dict[str, Case]:
        return {
            name: case_of(test, self.images[test.image], self.target)
            for name, test in self.tests.items()
        }

    def see(self) -> None:
        self.states.see(self.cases.values())

    def due(self) -> list[str]:
        return [case.id for case in self.states.due(self.cases.values())]

    def round(self, *, times: int = 1, **verdicts: Verdict | list[Verdict]) -> None:
        """Run the due tests; one without a verdict was not started."""
        found = []
        for name, each in verdicts.items():
            for verdict in each if isinstance(each, list) else [each]:
                how = ExitKind.INTERRUPTED if verdict is ERROR else ExitKind.EXITED
                ended = ProcessExit(how, 0, 0.1, "")
                found.append(TestResult(name, verdict, GuestOutput(), ended))
        self.states.record([self.cases[name] for name in self.due()], found, times)


NAMES = ("one", "two", "three")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_all_are_due_at_first_and_none_after(world: World) -> None:
    assert world.due() == [*NAMES]
    assert world.states.unknown == 3
    world.round(one=PASS, two=PASS, three=PASS)
    assert world.due() == []
    assert (world.states.bad, world.states.unknown) == ((), 0)
    assert world.states.exit_code == ExitCode.OK


def test_an_image_that_is_linked_makes_its_tests_due(world: World) -> None:
    world.round(one=PASS, two=PASS, three=PASS)
    world.link("two")
    assert world.due() == ["two"]
    assert world.states.unknown == 1


def test_a_failure_counts_until_it_is_gone(world: World) -> None:
    world.round(one=PASS, two=FAIL, three=FAIL)
    assert world.due() == []
    assert [*world.states.bad] == ["two", "three"]
    world.link("one", "two")
    world.round(one=PASS, two=ERROR)
    assert [*world.states.bad] == ["two", "three"]
    assert world.due() == ["two"]
    world.round(two=PASS)
    assert [*world.states.bad] == ["three"]
    assert world.states.exit_code == ExitCode.TESTS_FAILED


def test_what_was_cut_off_or_never_begun_stays_due(world: World) -> None:
    world.round(one=PASS, two=ERROR)
    assert world.due() == ["two", "three"]
    assert [*world.states.bad] == []
    world.round(two=[PASS, PASS], three=[PASS], times=2)
    assert world.due() == ["three"]
    world.round(three=[PASS, FAIL, PASS], times=3)
    assert world.due() == []
    assert [*world.states.bad] == ["three"]


def test_a_definition_that_changes_makes_its_test_due_wherever_it_stands(world: World) -> None:
    world.round(one=PASS, two=PASS, three=FAIL)
    world.define(replace(world.tests["one"], origin="elsewhere.toml"))
    assert world.due() == []
    world.define(replace(world.tests["one"], smp=2))
    assert world.due() == ["one"]
    del world.tests["three"]
    world.see()
    assert [*world.states.bad] == []
    assert world.states.exit_code == ExitCode.OK


def test_another_target_or_version_makes_all_tests_due(world: World) -> None:
    world.round(one=PASS, two=PASS, three=PASS)
    world.target = replace(FAKE, version="10.0.0")
    world.see()
    assert world.due() == [*NAMES]
    world.round(one=PASS, two=PASS, three=PASS)
    world.target = replace(FAKE, version="10.0.0", program="/opt/fake")
    world.see()
    assert world.due() == [*NAMES]


def test_wishes(world: World) -> None:
    world.states.settle()
    assert world.states.exit_code == ExitCode.NOTHING_RAN
    assert world.due() == []
    world.states.forget(["two", "unheard of"])
    assert world.due() == ["two"]


def test_an_image_that_is_gone(world: World) -> None:
    world.round(one=PASS, two=PASS, three=PASS)
    world.images["one"].flat.unlink()
    world.see()
    assert world.due() == ["one"]


def test_many_names_are_cut_short() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"
