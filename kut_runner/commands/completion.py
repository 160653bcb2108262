# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut completion`: scripts for shell completion."""

import click

from kut_runner.errors import ExitCode


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, *, shell: str) -> int:
    """Print the completion script for SHELL."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind  # noqa: S101 - for mypy: click knows these three
    click.echo(kind(context.find_root().command, {}, "kut", "_KUT_COMPLETE").source())
    return ExitCode.OK
