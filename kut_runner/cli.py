# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: options in, a call of the stations, an exit code out. No logic lives here.

What a command needs is imported when it runs: start-up is part of every run.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from kut_runner import __version__
from kut_runner.errors import ExitCode, KutError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kut")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    envvar="KUT_ROOT",
    help="Top of the tree; by default the nearest one upwards from here.",
)
@click.pass_context
def kut(context: click.Context, root: Path | None) -> None:
    """Build hypervisor-level arm64 tests, boot them in QEMU, and give the verdict."""
    context.obj = root


_compiler = click.option(
    "--compiler",
    type=click.Choice(["gcc", "clang"]),
    default="gcc",
    show_default=True,
    help="Compiler to build with.",
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Show more of what happens.")


@kut.command("build")
@click.argument("images", nargs=-1)
@_compiler
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Commands to run at a time.")
@_verbose
@click.pass_obj
def build_command(
    root: Path | None, images: tuple[str, ...], compiler: str, jobs: int | None, verbose: bool
) -> int:
    """Bring IMAGES up to date, or every image of the tree."""
    from kut_runner import build, toolchain

    tree = _tree(root)
    built = build.build(
        tree,
        toolchain.find(compiler, os.environ),
        images,
        verbose=verbose,
        jobs=jobs,
        progress=_progress(verbose=verbose),
    )
    for image in built.values():
        click.echo(os.path.relpath(image.flat))
    return ExitCode.OK


@kut.command("list")
@click.argument("patterns", metavar="[NAMES or globs]...", nargs=-1)
@click.pass_obj
def list_command(root: Path | None, patterns: tuple[str, ...]) -> int:
    """List the tests, with the groups of each."""
    from kut_runner import config, plan

    definitions = config.load(_tree(root) / "configs")
    tests = plan.select(definitions, patterns) if patterns else definitions.tests
    width = max((len(test.name) for test in tests), default=0)
    for test in tests:
        click.echo(f"{test.name:{width}}  {' '.join(test.groups)}".rstrip())
    return ExitCode.OK


def main() -> NoReturn:
    """Run the command line and leave with its exit code; see ExitCode."""
    try:
        code = kut.main(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OUTPUT_CLOSED
    except (KeyboardInterrupt, click.Abort):
        click.echo("kut: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except KutError as error:
        code = _complain(error.message, error.hint, error.exit_code)
    except click.ClickException as error:
        code = _complain(error.format_message(), _usage_hint(error), ExitCode.USAGE)
    except OSError as error:
        code = _complain(str(error), "", ExitCode.INFRASTRUCTURE)
    except Exception as error:  # noqa: BLE001 - a user is to see words, not a traceback
        code = _report_bug(error)
    sys.exit(code)


def _complain(message: str, hint: str, code: ExitCode) -> ExitCode:
    click.echo(f"kut: error: {message}", err=True)
    if hint:
        click.echo(f"kut: hint: {hint}", err=True)
    return code


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see `{context.command_path} --help`" if context else ""


def _report_bug(error: Exception) -> ExitCode:
    if os.environ.get("KUT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    return _complain(
        f"unexpected: {what}",
        "this is a bug in kut; please report it with the output of the same call under KUT_DEBUG=1",
        ExitCode.INFRASTRUCTURE,
    )


def _tree(root: Path | None) -> Path:
    from kut_runner import config

    if root is None:
        return config.find_root(Path.cwd())
    if not config.is_root(root):
        raise UsageError(
            f"{root} is not a kut tree (a directory with configs/ and lib/)", "correct --root"
        )
    return root.resolve()


def _progress(*, verbose: bool) -> "Callable[[str], None] | None":
    """Return what shows the build's progress: whole lines, one line that changes, or nothing."""
    if verbose:
        return lambda line: click.echo(line, err=True)
    if not sys.stderr.isatty():
        return None
    return lambda line: click.echo(f"\r\033[K{line[:79]}\r", err=True, nl=False)
