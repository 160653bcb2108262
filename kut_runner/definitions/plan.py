# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection of the tests of a run and of a variant of the build.

Unknown names and empty selections are errors.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import similar
from kut_runner.definitions.config import NODEFAULT
from kut_runner.definitions.image_paths import image_of
from kut_runner.errors import NothingSelectedError, UsageError

if TYPE_CHECKING:
    from kut_runner.definitions.config import Config, TestDef, VariantDef

_ALL_TESTS: Final = "`kut list` shows all tests, `kut list --tree DIR` those of kvm-unit-tests"
_ALL_GROUPS: Final = "`kut list --groups` shows all groups, with --tree DIR those of kvm-unit-tests"


@dataclass(frozen=True, slots=True)
class Selection:
    """Criteria: of each field that is not empty, a test must match one element.

    A pattern is the name of a test, a glob over names (`*`, `?`, `[...]`), case-sensitive, or the
    path of an image, which stands for its tests; see `image_paths`.
    """

    patterns: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    keyword: str | None = None
    """Keyword expression; see `keywords`."""
    excludes: tuple[str, ...] = ()
    """Patterns of tests to leave out; a pattern that matches no test is an error."""


def select(config: "Config", selection: Selection) -> "tuple[TestDef, ...]":
    """Return the selected tests, in the order of the files.

    Tests of group "nodefault" are selected only by a pattern or a group.

    Raises UsageError for an unknown name or group and for a bad expression, NothingSelectedError
    if a glob matches no test or no test is left.
    """
    chosen = _by_patterns_and_groups(config, selection)
    if selection.keyword is not None:
        from kut_runner.definitions import keywords

        matches = keywords.parse(selection.keyword)
        chosen = [test for test in chosen if matches(test)]
    excluded = _match_all(selection.excludes, config)
    tests = tuple(test for test in chosen if test.name not in excluded)
    if not tests:
        raise NothingSelectedError("no test is selected", _hint_for_none(selection))
    return tests


def select_one(config: "Config", name: str) -> "TestDef":
    """Return the test with that name, or the only one that matches it as a glob.

    Raises UsageError if several tests match, or none.
    """
    tests = select(config, Selection((name,)))
    if len(tests) > 1:
        some = ", ".join(test.name for test in tests[:5])
        raise UsageError(f'"{name}" matches {len(tests)} tests', f"name one of them: {some}")
    return tests[0]


def of_images(tests: "Iterable[TestDef]", images: Collection[str]) -> "tuple[TestDef, ...]":
    """Return the tests that run one of `images`; raises NothingSelectedError if none does."""
    if found := tuple(test for test in tests if test.image in images):
        return found
    raise NothingSelectedError(
        "the last build linked no image of a selected test", "leave out --changed"
    )


def restrict(
    config: "Config", selection: Selection, names: Collection[str], reason: str
) -> "tuple[TestDef, ...]":
    """Return the tests in `names` that are selected; with an empty selection, all of them.

    Raises NothingSelectedError, with `reason` in its message, if no test is left.
    """
    candidates = config.tests if selection == Selection() else select(config, selection)
    if found := tuple(test for test in candidates if test.name in names):
        return found
    raise NothingSelectedError(f"no test is selected: {reason}", "leave out --failed")


def _by_patterns_and_groups(config: "Config", selection: Selection) -> "list[TestDef]":
    """Return the tests selected by patterns and groups, by default all not in NODEFAULT."""
    tests = list(config.tests)
    if selection.patterns:
        names = _match_all(selection.patterns, config)
        tests = [test for test in tests if test.name in names]
    if selection.groups:
        _refuse_unknown_groups(selection.groups, config.tests)
        tests = [test for test in tests if not set(selection.groups).isdisjoint(test.groups)]
    if not (selection.patterns or selection.groups):
        tests = [test for test in tests if NODEFAULT not in test.groups]
    return tests


def _match_all(patterns: Iterable[str], config: "Config") -> set[str]:
    return {name for pattern in patterns for name in _match(pattern, config)}


def _refuse_unknown_groups(groups: Iterable[str], tests: "Iterable[TestDef]") -> None:
    known = {group for test in tests for group in test.groups}
    for group in groups:
        if group not in known:
            hint = similar.hint(group, known, _ALL_GROUPS)
            raise UsageError(f'no test is in group "{group}"', hint)


def _hint_for_none(selection: Selection) -> str:
    if selection == Selection():
        return f'every test is in group "{NODEFAULT}"; name those to run'
    return "a test must match the names, the groups and -k, and must not be excluded"


def variant(config: "Config", name: str | None) -> "VariantDef | None":
    """Return the variant of that name, None for None; raises UsageError for an unknown name."""
    if name is None:
        return None
    variants = {each.name: each for each in config.variants}
    if name in variants:
        return variants[name]
    hint = similar.hint(name, variants, "`kut list --variants` shows the names of all variants")
    raise UsageError(f'no variant is called "{name}"', hint)


def _match(pattern: str, config: "Config") -> list[str]:
    names = [test.name for test in config.tests]
    if pattern in names:
        return [pattern]
    if found := _of_image(pattern, config):
        return found
    if not any(character in pattern for character in "*?["):
        hint = _undefined(pattern, config) or similar.hint(pattern, names, _ALL_TESTS)
        raise UsageError(f'no test is called "{pattern}"', hint)
    if matches := [name for name in names if fnmatchcase(name, pattern)]:
        return matches
    raise NothingSelectedError(f'no test matches "{pattern}"', _ALL_TESTS)


def _undefined(image: str, config: "Config") -> str:
    """Return a hint for the name of an image with a source and without a test, else ""."""
    if not config.sources or "/" in image or not (config.sources / f"{image}.c").is_file():
        return ""
    return f"arm/{image}.c has no test; add [test.{image}] to a file in configs/"


def _of_image(path: str, config: "Config") -> list[str]:
    """Return the tests of the image that a path names; those in NODEFAULT if there are no others.

    Returns none for text that is no such path.
    """
    images: dict[str, list[TestDef]] = {}
    for test in config.tests:
        images.setdefault(test.image.rpartition("/")[2], []).append(test)
    image = image_of(path, images)
    if not image:
        return []
    if image not in images:
        hint = _undefined(image, config) or similar.hint(image, images, _ALL_TESTS)
        raise UsageError(f'no test has the image "{image}" of {path}', hint)
    found = images[image]
    names = [test.name for test in found if NODEFAULT not in test.groups]
    return names or [test.name for test in found]
