# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection: which tests a run consists of, and which variant of the build.

Nothing misspelt, and nothing empty, ever passes.
"""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from kut_runner.config import NODEFAULT
from kut_runner.errors import NothingSelectedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kut_runner.config import Config, TestDef, VariantDef

_ALL_TESTS: Final = "`kut list` shows the names of all tests"


def select(config: "Config", patterns: "Sequence[str]") -> "tuple[TestDef, ...]":
    """Return the tests that any of `patterns` names, each once, in the order of the files.

    A pattern is a test's name or a glob over names (`*`, `?`, `[...]`); case counts. Without
    patterns it is every test but those of group "nodefault".

    Raises UsageError for a name that no test has, NothingSelectedError when a glob matches
    no test or no test is left.
    """
    names = [test.name for test in config.tests]
    if patterns:
        chosen = {name for pattern in patterns for name in _match(pattern, names)}
    else:
        chosen = {test.name for test in config.tests if NODEFAULT not in test.groups}
    if not chosen:
        raise NothingSelectedError(
            "no test is selected", f'every test is in group "{NODEFAULT}"; name those to run'
        )
    return tuple(test for test in config.tests if test.name in chosen)


def variant(config: "Config", name: str | None) -> "VariantDef | None":
    """Return the variant of that name, None for no name; UsageError for one that is not there."""
    if name is None:
        return None
    variants = {each.name: each for each in config.variants}
    if name in variants:
        return variants[name]
    hint = _nearest(name, variants, "`kut list --variants` shows the names of all variants")
    raise UsageError(f'no variant is called "{name}"', hint)


def _match(pattern: str, names: "Collection[str]") -> list[str]:
    if pattern in names:
        return [pattern]
    if not any(character in pattern for character in "*?["):
        raise UsageError(f'no test is called "{pattern}"', _nearest(pattern, names, _ALL_TESTS))
    if matches := [name for name in names if fnmatchcase(name, pattern)]:
        return matches
    raise NothingSelectedError(f'no test matches "{pattern}"', _ALL_TESTS)


def in_group(config: "Config", group: str) -> tuple["TestDef", ...]:
    """Return the tests of a group, in the order of the files; NothingSelectedError for none."""
    if tests := tuple(test for test in config.tests if group in test.groups):
        return tests
    raise NothingSelectedError(f'no test is in group "{group}"', "`kut list` shows the groups")


def _nearest(name: str, names: "Collection[str]", otherwise: str) -> str:
    """Return a hint: names like this one, or `otherwise` how to find them."""
    from difflib import get_close_matches

    if near := get_close_matches(name, names, n=3):
        return f"did you mean {' or '.join(near)}?"
    return otherwise
