# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of the documents are tests that build and pass."""

import re
from pathlib import Path

import pytest
import realtree

DOCUMENTS = ("README.md", "docs/writing-tests.md")


def first_block(language: str, text: str) -> str:
    found = re.search(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    assert found
    return re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    realtree.copy(path, "lib")
    (path / "arm").mkdir()
    (path / "configs").mkdir()
    return path


@pytest.mark.qemu
@pytest.mark.parametrize("document", DOCUMENTS)
def test_example_passes(document: str, tree: Path) -> None:
    text = (realtree.ROOT / document).read_text()
    definition = first_block("toml", text)
    name = re.findall(r"^\[test\.(\w+)\]", definition, re.MULTILINE)[0]
    (tree / "arm" / f"{name}.c").write_text(first_block("c", text))
    (tree / "configs" / "tests.toml").write_text(definition)
    [result] = realtree.run(tree, name, root=tree)["tests"]
    assert result["status"] == "pass"
    assert result["checks"][-1]["message"].endswith("42")


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_whole_program_with_a_fault_handler_passes(tree: Path, compiler: str) -> None:
    text = (realtree.ROOT / "docs/writing-tests.md").read_text()
    start = text.index("### A handler of stage-2 faults")
    (tree / "arm/demand.c").write_text(first_block("c", text[start:]))
    (tree / "configs/tests.toml").write_text("[test.demand]\n")
    [result] = realtree.run(tree, "demand", "--compiler", compiler, root=tree)["tests"]
    assert (result["status"], result["checks_made"]) == ("pass", 4)
    assert f"{result['checks_made']} checks" in text[start:]


def test_the_answer_to_a_wrong_name_is_the_one_shown() -> None:
    done = realtree.kut(realtree.ROOT, "run", "stage3")
    assert f"$ scripts/kut run stage3\n{done.stderr}" in (realtree.ROOT / "README.md").read_text()


def test_every_document_is_listed_in_the_readme() -> None:
    readme = (realtree.ROOT / "README.md").read_text()
    documents = sorted(path.name for path in (realtree.ROOT / "docs").glob("*.md"))
    assert [name for name in documents if f"docs/{name}" not in readme] == []
