# SPDX-License-Identifier: GPL-2.0-or-later
"""Data flows one way: a layer imports only from those before it; click stays in the commands."""

import ast
import fnmatch
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import kut_model
import kut_runner
from kut_runner.cli import COMMANDS

PACKAGE = Path(kut_runner.__file__).parent
MODEL = Path(kut_model.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MODEL_MODULES = sorted(MODEL.rglob("*.py"))


def layers(docstring: str | None) -> list[str]:
    """Return the layers in their order, as a package's docstring draws them."""
    return re.findall(r"\w+", "".join(re.findall(r"^    .*\n", docstring or "", re.MULTILINE)))


LAYERS = layers(kut_runner.__doc__)
MODEL_LAYERS = layers(kut_model.__doc__)


def layer(path: Path) -> str:
    """Return the layer of a module: its package, or itself."""
    package = MODEL if path.is_relative_to(MODEL) else PACKAGE
    return path.relative_to(package).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, at its top or later."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            name = node.args[0]
            yield str(name.value) if isinstance(name, ast.Constant) else "a name that is computed"


def called(call: ast.Call) -> str:
    """Return the last part of the name of the function that is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def dotted(path: Path) -> str:
    """Return the module's name for an import statement."""
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def test_every_module_is_in_a_layer() -> None:
    assert {layer(path) for path in MODULES} == {"__init__", *LAYERS}
    assert {layer(path) for path in MODEL_MODULES} == {"__init__", *MODEL_LAYERS}


def test_the_architecture_page_lists_the_layers_of_the_model() -> None:
    page = (PACKAGE.parent / "docs/architecture.md").read_text()
    section = page.partition("## The model")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == MODEL_LAYERS[:-1]


def test_the_model_and_the_runner_import_nothing_of_each_other() -> None:
    for paths, other in ((MODULES, "kut_model"), (MODEL_MODULES, "kut_runner")):
        for path in paths:
            assert [each for each in imported(path) if each.partition(".")[0] == other] == [], path


@pytest.mark.parametrize("path", MODEL_MODULES, ids=lambda path: str(path.relative_to(MODEL)))
def test_the_model_imports_earlier_layers_and_the_standard_library_only(path: Path) -> None:
    name = layer(path)
    allowed = set(MODEL_LAYERS) if name == "__main__" else set[str]()
    if name in MODEL_LAYERS:
        allowed = set(MODEL_LAYERS[: MODEL_LAYERS.index(name) + 1])
    for parts in (each.split(".") for each in imported(path)):
        if parts[0] == "kut_model":
            assert parts[1] in allowed, f"{path} imports {'.'.join(parts)}"
        else:  # the area of the command line is imported by its name
            assert parts[0] in sys.stdlib_module_names or name == "areas", path


def test_the_architecture_page_lists_the_modules_of_each_layer() -> None:
    page = (PACKAGE.parent / "docs/architecture.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)/` \|.*\| (.*) \|$", page, re.MULTILINE))
    for name in sorted({path.parent.name for path in MODULES if path.parent.parent == PACKAGE}):
        listed = re.findall(r"`([\w*]+)`", rows[name])
        modules = [path.stem for path in (PACKAGE / name).glob("*.py") if path.stem != "__init__"]
        if name == "commands":  # it describes the others together
            modules = [module for module in modules if module not in COMMANDS]
        assert [each for each in listed if not fnmatch.filter(modules, each)] == []
        missing = [each for each in modules if not any(fnmatch.fnmatch(each, p) for p in listed)]
        assert missing == [], f"docs/architecture.md does not list them in {name}/"


def test_the_architecture_page_lists_the_sources_of_the_library() -> None:
    page = (PACKAGE.parent / "docs/architecture.md").read_text()
    section = page.partition("## The library")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    names = [name for row in rows for name in re.findall("`(.*?)`", row)]
    patterns = [*names, *(f"arm64/{name}" for name in names), "libfdt/*"]
    library = PACKAGE.parent / "lib"
    sources = {str(path.relative_to(library)) for path in library.rglob("*.[cS]")}
    listed = {each for each in sources if any(fnmatch.fnmatch(each, p) for p in patterns)}
    assert sources - listed == {"arm64/asm-offsets.c"}, "docs/architecture.md does not list them"


@pytest.mark.parametrize("name", ["__init__", *LAYERS])
def test_a_layer_imports_only_from_those_before_it(name: str) -> None:
    allowed = set[str]()
    if name != "__init__":
        allowed = {"__version__", *LAYERS[: LAYERS.index(name)]}
    mine = [path for path in MODULES if layer(path) == name]
    if mine[0].parent != PACKAGE:
        allowed.add(name)
    edges = [(path, [*each.split("."), ""]) for path in mine for each in imported(path)]
    assert name in {"cli", "health"} or not [parts for _, parts in edges if " " in parts[0]]
    back = [
        f"{path.relative_to(PACKAGE)} imports {'.'.join(parts)}"
        for path, parts in edges
        if parts[0] == "kut_runner" and parts[1] not in allowed
    ]
    assert not back
    assert name in {"commands", "cli"} or not [path for path, parts in edges if "click" in parts]


@pytest.mark.parametrize("modules", [MODULES, MODEL_MODULES], ids=["kut_runner", "kut_model"])
def test_modules_import_each_other_in_one_direction(modules: list[Path]) -> None:
    names = {dotted(path): path for path in modules}
    graph = {
        name: {
            module
            for each in imported(path)
            for module in (each, each.rpartition(".")[0])
            if module in names
        }
        for name, path in names.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize(
    "path", [*MODULES, *MODEL_MODULES], ids=lambda path: str(path.relative_to(PACKAGE.parent))
)
def test_a_module_and_its_functions_are_of_a_size_to_be_read(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert len(path.read_text().splitlines()) <= 500
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < 60
