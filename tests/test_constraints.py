# SPDX-License-Identifier: GPL-2.0-or-later
"""Every package that the scripts install, wherever it comes from, has its version in the tree."""

import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable

import pytest
import realtree
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

PROJECT = tomllib.loads((realtree.ROOT / "pyproject.toml").read_text())
CONSTRAINTS = (realtree.ROOT / "constraints.txt").read_text()
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)$", CONSTRAINTS, re.MULTILINE)
}


def declared() -> list[str]:
    """What pyproject.toml asks for by name."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    return [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(each for extra in extras for each in extra),
    ]


def needed_by(name: str) -> list[str]:
    """What an installed package asks for; nothing of one that is not here."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def closure(wanted: Iterable[str]) -> dict[NormalizedName, set[str]]:
    """All that is installed for these, and who asks for which versions."""
    found: dict[NormalizedName, set[str]] = {}
    todo = [(Requirement(each), frozenset[str]()) for each in wanted]
    while todo:
        requirement, extras = todo.pop()
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            continue
        name = canonicalize_name(requirement.name)
        if name not in found:
            asked = frozenset(requirement.extras)
            todo += [(Requirement(each), asked) for each in needed_by(name)]
        found.setdefault(name, set()).add(str(requirement.specifier))
    return found


def needed_for(extras: str) -> set[NormalizedName]:
    """What pip fetches for kut with optional dependencies, as in "zig,watch"."""
    project = PROJECT["project"]
    wanted = PROJECT["build-system"]["requires"] + project["dependencies"]
    for extra in filter(None, extras.split(",")):
        wanted += project["optional-dependencies"][extra]
    return set(closure(wanted))


def installed_size(name: str) -> int:
    """Bytes of the files of a package; 0 for one that is not here."""
    try:
        files = importlib.metadata.files(name) or []
    except importlib.metadata.PackageNotFoundError:
        return 0
    return sum(file.size or 0 for file in files if file.suffix != ".pyc")


def test_each_line_is_one_pin() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert len(lines) == len(PINS)
    assert lines == sorted(lines, key=lambda line: line.split("==")[0])


def test_every_dependency_of_every_dependency_has_a_version() -> None:
    found = closure(declared())
    assert {"click", "pytest", "execnet", "hatchling"} <= set(found)  # the walk goes somewhere
    assert set(found) - set(PINS) == set()


def test_the_versions_are_those_that_are_asked_for() -> None:
    for name, specifiers in closure(declared()).items():
        for specifier in specifiers:
            assert Requirement(f"{name}{specifier}").specifier.contains(PINS[name]), name


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.11 needs the most packages")
def test_nothing_is_pinned_that_nobody_asks_for() -> None:
    known = {*closure(declared())}
    # hatchling is installed only while kut is being installed, so what it needs is not to be seen.
    build = {"packaging", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
    assert set(PINS) - known - build == set()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.11 needs the most packages")
@pytest.mark.parametrize("extras", ["", "dev", "watch", "zig", "zig,watch"])
def test_what_the_scripts_say_that_pip_fetches(extras: str) -> None:
    line = rf"^# to fetch{f' for {extras}' if extras else ''}: (\d+) packages, (\d+) MB$"
    ((count, megabytes),) = re.findall(line, CONSTRAINTS, re.MULTILINE)
    needed = needed_for(extras)
    assert int(count) == len(needed)
    installed = sum(map(installed_size, needed)) / 1e6
    if "ziglang" not in needed:  # nor is it here
        assert 0.2 * installed < int(megabytes) < 0.5 * installed + 1  # wheels are compressed
