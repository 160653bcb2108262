# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection: names, globs, and that nothing misspelt or empty passes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kut_runner import config, plan
from kut_runner.config import Config
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
    assert " ".join(test.name for test in plan.select(some, patterns)) == names


def test_an_unknown_name_is_an_error_with_the_nearest_names(some: Config) -> None:
    with pytest.raises(UsageError, match='no test is called "stage-2"') as caught:
        plan.select(some, ["vgic", "stage-2"])
    assert caught.value.hint.startswith("did you mean stage2")


def test_an_unknown_name_like_no_other_points_to_the_list(some: Config) -> None:
    with pytest.raises(UsageError) as caught:
        plan.select(some, ["Q"])
    assert "`kut list`" in caught.value.hint


def test_case_counts(some: Config) -> None:
    with pytest.raises(NothingSelectedError):
        plan.select(some, ["VG*"])


def test_a_glob_without_match_is_an_error_even_beside_a_match(some: Config) -> None:
    with pytest.raises(NothingSelectedError, match=r'no test matches "x\*"'):
        plan.select(some, ["vgic", "x*"])


def test_nothing_left_by_default_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingSelectedError, match="no test is selected"):
        plan.select(definitions(tmp_path, ["a"], group="nodefault"), [])


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
