# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection by names, globs, groups and keywords; unknown names and empty selections fail."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kut_runner.definitions import config, plan
from kut_runner.definitions.config import Config
from kut_runner.definitions.plan import Selection
from kut_runner.errors import NothingSelectedError, UsageError


def definitions(tmp_path: Path, names: Sequence[str], *, group: str = "other") -> Config:
    tables = "".join(f'[test."{name}"]\ngroups = ["{group}"]\n' for name in names)
    (tmp_path / "tests.toml").write_text(f'{tables}[test.misbehave-hang]\ngroups = ["nodefault"]\n')
    return config.load(tmp_path)


@pytest.fixture
def some(tmp_path: Path) -> Config:
    return definitions(tmp_path, ["stage2", "stage2-ro", "selftest", "vgic"])


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], "stage2 stage2-ro selftest vgic"),
        (["vgic"], "vgic"),
        (["vgic", "stage2"], "stage2 vgic"),
        (["vgic", "vgic", "v*"], "vgic"),
        (["s*"], "stage2 stage2-ro selftest"),
        (["stage?"], "stage2"),
        (["[!s]*"], "vgic misbehave-hang"),
        (["misbehave-hang"], "misbehave-hang"),
    ],
)
def test_selection(some: Config, patterns: list[str], names: str) -> None:
    assert " ".join(test.name for test in plan.select(some, Selection(tuple(patterns)))) == names


def test_an_unknown_name_is_an_error_with_the_nearest_names(some: Config) -> None:
    with pytest.raises(UsageError, match='no test is called "stage-2"') as caught:
        plan.select(some, Selection(("vgic", "stage-2")))
    assert caught.value.hint.startswith("did you mean stage2")


def test_an_unknown_name_like_no_other_points_to_the_list(some: Config) -> None:
    with pytest.raises(UsageError) as caught:
        plan.select(some, Selection(("Q",)))
    assert "`kut list`" in caught.value.hint


@pytest.mark.parametrize("pattern", ["stage2-new", "arm/stage2-new.c"])
def test_a_source_without_a_test_says_how_to_define_one(tmp_path: Path, pattern: str) -> None:
    for path in ("arm/stage2.c", "arm/stage2-new.c"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/a.toml").write_text("[test.stage2]\n")
    with pytest.raises(UsageError) as caught:
        plan.select(config.load(tmp_path / "configs", tmp_path / "arm"), Selection((pattern,)))
    assert caught.value.hint == (
        "arm/stage2-new.c has no test; add [test.stage2-new] to a file in configs/"
    )


def test_case_counts(some: Config) -> None:
    with pytest.raises(NothingSelectedError):
        plan.select(some, Selection(("VG*",)))


def test_a_glob_without_match_is_an_error_even_beside_a_match(some: Config) -> None:
    with pytest.raises(NothingSelectedError, match=r'no test matches "x\*"'):
        plan.select(some, Selection(("vgic", "x*")))


def test_nothing_left_by_default_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingSelectedError, match="no test is selected"):
        plan.select(definitions(tmp_path, ["a"], group="nodefault"), Selection())


def test_a_variant_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        "".join(f'[variant.{name}]\nabout = "a"\n' for name in ("page-16k", "page-64k", "O0"))
    )
    definitions = config.load(tmp_path)
    assert plan.variant(definitions, None) is None
    found = plan.variant(definitions, "O0")
    assert found
    assert found.name == "O0"
    for name, hint in (
        ("page16k", "did you mean page-16k or page-64k?"),
        ("zzz", "`kut list --variants` shows the names of all variants"),
        ("", "`kut list --variants` shows the names of all variants"),
    ):
        with pytest.raises(UsageError, match=f'no variant is called "{name}"') as caught:
            plan.variant(definitions, name)
        assert caught.value.hint == hint


@pytest.fixture
def grouped(tmp_path: Path) -> Config:
    (tmp_path / "tests.toml").write_text(
        '[test.a]\ngroups = ["one"]\n[test.ab]\ngroups = ["one", "two"]\n'
        '[test.b]\ngroups = ["two", "nodefault"]\n[test.c]\n'
    )
    return config.load(tmp_path)


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(groups=("one",)), "a ab"),
        (Selection(groups=("one", "two")), "a ab b"),  # any group
        (Selection(("a*",), groups=("two",)), "ab"),  # a pattern and a group
        (Selection(keyword="b"), "ab"),  # without nodefault
        (Selection(("b",), keyword="two"), "b"),
        (Selection(("*",), keyword="two"), "ab b"),
        (Selection(excludes=("a*",)), "c"),
        (Selection(excludes=("a", "c")), "ab"),
        (Selection(("a",), excludes=("b",)), "a"),
    ],
)
def test_kinds_of_selection(grouped: Config, selection: Selection, names: str) -> None:
    assert " ".join(test.name for test in plan.select(grouped, selection)) == names


@pytest.mark.parametrize(
    ("selection", "message", "hint"),
    [
        (Selection(groups=("on",)), 'no test is in group "on"', "did you mean one"),
        (Selection(groups=("one", "x")), 'no test is in group "x"', "kut list --groups"),
        (Selection(excludes=("abc",)), 'no test is called "abc"', "did you mean"),
        (Selection(keyword="("), "a word is missing", "an example"),
    ],
)
def test_a_misspelt_selection(
    grouped: Config, selection: Selection, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        plan.select(grouped, selection)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "selection",
    [
        Selection(("c",), groups=("one",)),
        Selection(keyword="zzz"),
        Selection(("a",), excludes=("a",)),
        Selection(excludes=("z*",)),
    ],
)
def test_an_empty_selection(grouped: Config, selection: Selection) -> None:
    with pytest.raises(NothingSelectedError):
        plan.select(grouped, selection)


def test_tests_of_images(tmp_path: Path) -> None:
    (tmp_path / "tests.toml").write_text('[test.a]\n[test.a-again]\nimage = "a"\n[test.b]\n')
    tests = config.load(tmp_path).tests
    assert [test.name for test in plan.of_images(tests, {"a"})] == ["a", "a-again"]
    with pytest.raises(NothingSelectedError, match="the last build linked no image"):
        plan.of_images(tests, {"c"})


def test_only_those_of_names_that_are_known_already(grouped: Config) -> None:
    def names(selection: Selection, among: set[str]) -> str:
        return " ".join(test.name for test in plan.restrict(grouped, selection, among, "why"))

    assert names(Selection(), {"b", "c", "gone"}) == "b c"  # even if in nodefault
    assert names(Selection(("a*",)), {"ab", "c"}) == "ab"
    for selection, among in ((Selection(), {"gone"}), (Selection(("a",)), {"c"})):
        with pytest.raises(NothingSelectedError, match="no test is selected: why"):
            plan.restrict(grouped, selection, among, "why")
