# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages of commands: one per command, with exactly its options."""

import re

import click
import pytest
import realtree

from kut_runner.cli import COMMANDS, kut

PAGES = realtree.ROOT / "docs" / "commands"
OPTION = re.compile(r"`(--?[a-z][a-z0-9-]*)")


def command(name: str) -> click.Command:
    with click.Context(kut) as context:
        found = kut.get_command(context, name)
    assert found
    return found


def options_of(name: str) -> set[str]:
    return {
        option
        for parameter in command(name).params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


def test_a_page_for_each_command() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(COMMANDS)


def test_the_readme_names_each_command() -> None:
    text = (realtree.ROOT / "README.md").read_text()
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `kut ")]
    assert {name for row in rows for name in re.findall(r"`kut (\w+)", row)} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_rows_of_a_page_are_the_options_of_the_command(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text()
    assert text.startswith(f"# `kut {name}`\n")
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    assert {option for row in rows for option in OPTION.findall(row)} == options_of(name)


def test_the_help_names_every_command() -> None:
    with click.Context(kut) as context:
        assert kut.list_commands(context) == [*COMMANDS]
        for name in COMMANDS:
            assert command(name).help, name
