# SPDX-License-Identifier: GPL-2.0-or-later
"""Data flows one way: a module imports only from those before it; click stays in the commands."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import kut_runner

#: As the package's docstring draws them.
STATIONS = re.findall(r"\w+", "".join(re.findall(r"^    .*\n", kut_runner.__doc__, re.MULTILINE)))

PACKAGE = Path(kut_runner.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def station(path: Path) -> str:
    """Return the station of a module; those of a sub-package are one."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Yield what a module imports, at its top or later, as dotted names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_has_its_station() -> None:
    assert {station(path) for path in MODULES} == {"__init__", *STATIONS}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_those_before_it(path: Path) -> None:
    here = station(path)
    if here == "__init__":
        allowed = set[str]()
    else:
        allowed = {"__version__", *STATIONS[: STATIONS.index(here)]}
    if path.parent != PACKAGE:  # modules of one station may use each other
        allowed.add(here)
    for name in imported(path):
        package, _, rest = name.partition(".")
        if package == "kut_runner":
            assert rest.split(".")[0] in allowed
        assert package != "click" or here in {"commands", "cli"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_and_its_functions_are_of_a_size_to_be_read(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(path.read_text().splitlines()) <= 500
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 60
