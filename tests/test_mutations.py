# SPDX-License-Identifier: GPL-2.0-or-later
"""Mechanical mutants: the operators, their names and order, and the list of those not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asm_mutations
import c_mutations
import invisible
import pytest
import realtree
import tree_mutations
from mutation import Mutation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mutation import Edit


@pytest.fixture(scope="module")
def all_mutations() -> list[Mutation]:
    """Those of this tree."""
    return tree_mutations.of_tree(realtree.ROOT)


def results(source: str, edits: Callable[[str], list[Edit]]) -> set[tuple[str, str]]:
    """The operators, with the lines that each changes after the change."""
    return {(edit.operator, Mutation("", source, edit).lines[1]) for edit in edits(source)}


def of_statement(text: str) -> set[tuple[str, str]]:
    return results(f"void function(void)\n{{\n\t{text}\n}}\n", c_mutations.edits)


@pytest.mark.parametrize(
    "statement",
    ["call();", "a = b;", "*a = b;", "break;", "return;", 'asm volatile("1" : : "r"(1 + 1));'],
)
def test_a_statement_is_deleted(statement: str) -> None:
    assert of_statement(statement) == {("delete-statement", "{}")}


@pytest.mark.parametrize(
    "text",
    [
        "struct a *b;",
        "u64 a = b;",
        "pte_t *a = b;",
        "static_assert(1 + 1 == 2);",
        "return NULL;",
        "switch (a) {\n\t}",
        "/* a = 1; */",
        "// a = 1;",
        "a:;",
        "\n#if A == 1\n#endif",
        "\n#include <1.h>",
    ],
)
def test_what_is_left_as_it_is(text: str) -> None:
    assert of_statement(text) == set()


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("if (a)", {"negate-condition: if (!(a))"}),
        ("while (a)", {"negate-condition: while (!(a))"}),
        ("for (;a;)", {"negate-condition: for (;!(a);)"}),
        ("else if (a)", {"negate-condition: else if (!(a))"}),
        ("do {} while (0);", {"increment: do {} while (1);"}),
        ("return a;", {"return-zero: return 0;"}),
        ("return true;", {"swap-operator: return false;"}),
        ("return 1;", {"return-zero: return 0;", "increment: return 2;", "decrement: return 0;"}),
        ("int a = 0x1fUL;", {"increment: int a = 0x20UL;", "decrement: int a = 0x1eUL;"}),
        ("int a = -b;", set()),
        ("int a = (u64)-b;", set()),
        ("int a = (b)-c;", {"swap-operator: int a = (b)+c;"}),
        ("int *a = &b;", set()),
        ("int a = b & c;", {"swap-operator: int a = b | c;"}),
        ("int a = !b;", {"drop-negation: int a = b;"}),
        ("int a = b ? c : d;", {"negate-choice: int a = !(b) ? c : d;"}),
        ("int a = b(c, d);", {"swap-arguments: int a = b(d, c);"}),
        ("int a = b(c, c);", set()),
        (
            "int a = b && c;",
            {
                "swap-operator: int a = b || c;",
                "drop-left-operand: int a = c;",
                "drop-right-operand: int a = b;",
            },
        ),
        (
            "int a = b | c | d;",
            {
                "swap-operator: int a = b & c | d;",
                "swap-operator: int a = b | c & d;",
                "drop-left-operand: int a = c | d;",
                "drop-left-operand: int a = b | d;",
                "drop-right-operand: int a = b | c;",
            },
        ),
        (
            "int a = b == c || d;",
            {
                "swap-operator: int a = b != c || d;",
                "swap-operator: int a = b == c && d;",
                "drop-left-operand: int a = d;",
                "drop-right-operand: int a = b == c;",
            },
        ),
    ],
)
def test_expressions_and_conditions(text: str, changed: set[str]) -> None:
    assert {": ".join(each) for each in of_statement(text)} == changed


def test_strings_are_left_as_they_are() -> None:
    assert of_statement('char *a = "1 + 1 == /* 2";') == set()
    assert of_statement("char a = '+';") == set()
    assert of_statement('f("a, b", c);') == {
        ("delete-statement", "{}"),
        ("swap-arguments", 'f(c, "a, b");'),
    }


def test_elements_with_a_designator_are_dropped() -> None:
    source = "int a[] = {\n\t[A] = b(c,\n\td),\n\t[B] = e };\nstruct f g = { .h = i, j };\n"
    assert results(source, c_mutations.edits) == {
        ("drop-initializer", ""),
        ("drop-initializer", "};"),
        ("drop-initializer", "struct f g = { j };"),
        ("swap-arguments", "[A] = b(d, c),"),
    }


def test_macros_are_functions_of_their_own() -> None:
    source = (
        "#define F(a) \\\n\tdo {  \\\n\t\tg(a, \\\n\t\t  b); /* 1 */ \\\n\t} while (0)\nint h;\n"
    )
    edits = c_mutations.edits(source)
    assert [(each.operator, each.function) for each in edits] == [
        ("increment", "F"),
        ("swap-arguments", "F"),
        ("delete-statement", "F"),
    ]
    for edit in edits:
        assert Mutation("", source, edit).mutated.count("\n") == source.count("\n")
    deleted = Mutation("", source, edits[-1]).mutated
    assert deleted == source.replace("g(a, \\\n\t\t  b);", "{} \\\n")


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("nop", {"drop-instruction:"}),
        ("mov x0, x1 // x2", {"drop-instruction: // x2", "swap-operands: mov x1, x0 // x2"}),
        ("a:\tmsr daif, x0", {"drop-instruction: a:", "swap-operands: a: msr x0, daif"}),
        (
            "b.eq\t1f",
            {"drop-instruction:", "invert-condition: b.ne 1f"},
        ),
        (
            "cbnz x0, 1b",
            {
                "drop-instruction:",
                "invert-condition: cbz x0, 1b",
                "swap-operands: cbnz 1b, x0",
            },
        ),
        (
            "add x0, x1, #16",
            {
                "drop-instruction:",
                "increment: add x0, x1, #17",
                "decrement: add x0, x1, #15",
                "swap-operands: add x1, x0, #16",
            },
        ),
        (
            "ldr x0, [x1, #0x8]",
            {
                "drop-instruction:",
                "increment: ldr x0, [x1, #0x9]",
                "decrement: ldr x0, [x1, #0x7]",
            },
        ),
        ("save \\op, A", {"drop-instruction:", "swap-operands: save A, \\op"}),
        (".balign 8", set()),
        ("/* mov x0, x1 */", set()),
        ("#define A 1", set()),
        ("cfi_x19_to_x28 1", set()),
        ("1:", set()),
    ],
)
def test_assembly(line: str, changed: set[str]) -> None:
    found = results(f"\t{line}\n", asm_mutations.edits)
    assert {": ".join(each).strip() for each in found} == changed


def test_assembly_belongs_to_its_label_or_macro() -> None:
    source = ".macro save\n\tnop\n.endm\nfirst:\n1:\tnop\n\tb\tfirst\n"
    assert [edit.function for edit in asm_mutations.edits(source)] == ["save", "first", "first"]


def test_names_are_unique_and_mutants_have_the_lines_of_the_source(
    all_mutations: list[Mutation],
) -> None:
    assert len({each.name for each in all_mutations}) == len(all_mutations) > 5000
    for each in all_mutations:
        assert each.mutated != each.source
        assert each.mutated.count("\n") == each.source.count("\n"), each.name


def test_a_seed_is_an_order_that_changes_elsewhere_do_not_change(tmp_path: Path) -> None:
    def drawn(seed: int) -> list[str]:
        found = tree_mutations.shuffled(tree_mutations.of_source("a.c", tmp_path / "a.c"), seed)
        return [f"{each.edit.operator} {each.edit.function} {each.diff}" for each in found]

    code = "void {0}(void)\n{{\n\ta = b && c;\n\tif (a)\n\t\td(e, f);\n\tg = 1 + 1;\n}}\n"
    (tmp_path / "a.c").write_text(code.format("f"))
    before = drawn(1)
    assert drawn(1) == before
    assert sorted(drawn(2)) == sorted(before)
    assert drawn(2) != before
    (tmp_path / "a.c").write_text("int h = 2;\n" + code.format("g") + code.format("f"))
    assert [each for each in drawn(1) if " f " in each] == before


def test_mutants_are_named_by_file_line_and_place(all_mutations: list[Mutation]) -> None:
    one = all_mutations[1000]
    file, line, *_ = one.name.split(":")
    assert tree_mutations.named(all_mutations, [one.name]) == [one]
    of_line = tree_mutations.named(all_mutations, [f"{file}:{line}"])
    assert one in of_line
    assert {each.name.split(":")[1] for each in of_line} == {line}
    assert len(of_line) < len(tree_mutations.named(all_mutations, [file]))
    assert tree_mutations.named(all_mutations, ["lib/arm64/none.c", file[:-1]]) == []


ENTRY = """
[[mutant]]
file = "lib/a.c"
line = "isb();…"
becomes = ["{}", "dsb();"]
reason = "one"
"""


def of_line(line: str, operator: str = "delete-statement", file: str = "lib/a.c") -> Mutation:
    source = f"void f(void)\n{{\n\t{line}\n}}\n"
    (edit,) = (each for each in c_mutations.edits(source) if each.operator == operator)
    return Mutation(file, source, edit)


def test_an_entry_of_the_list_is_for_a_line_and_what_it_becomes() -> None:
    (entry,) = invisible.load(ENTRY)
    assert entry.has(of_line("isb();"))
    assert not entry.has(of_line("dsb();"))
    assert not entry.has(of_line("isb();", file="lib/b.c"))
    assert not entry.has(of_line("isb(1);", "increment"))
    assert invisible.stale([entry], [of_line("isb();")]) == []
    assert invisible.stale([entry], [of_line("dsb();")]) == [entry]


@pytest.mark.parametrize("change", [("reason", "why"), ('"one"', '""'), ("file", "name")])
def test_an_entry_is_complete(change: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="expected becomes, file, line, reason"):
        invisible.load(ENTRY.replace(*change))


def test_no_entry_is_stale(all_mutations: list[Mutation]) -> None:
    entries = invisible.load(invisible.LIST.read_text())
    assert [(e.file, e.line, e.becomes) for e in invisible.stale(entries, all_mutations)] == []
