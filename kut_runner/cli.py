# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: options in, a call of the stations, an exit code out. No logic lives here.

What a command needs is imported when it runs: start-up is part of every run.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from kut_runner import __version__
from kut_runner.config import DAY
from kut_runner.errors import ExitCode, KutError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


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
_variant = click.option(
    "--variant", metavar="NAME", help="Variant of the build; `kut list --variants` shows them."
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Show more of what happens.")


_file = click.Path(dir_okay=False, path_type=Path)


def _check_seconds(
    _context: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse what is no length of time; FloatRange would let "nan" through."""
    if value is None or 0 < value <= DAY:
        return value
    raise click.BadParameter(f"{value} is not a number of seconds above 0 and up to {DAY}.")


@kut.command("run")
@click.argument("patterns", metavar="[NAMES or globs]...", nargs=-1)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="CPUs to fill with tests.")
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=_check_seconds,
    help="Time for each test, in place of its own.",
)
@click.option("--json", type=_file, help="Write the results to this file.")
@click.option("--junit", type=_file, help="Write the results as JUnit XML to this file.")
@click.option("--qemu", metavar="PATH", help="QEMU to use; also $KUT_QEMU and $QEMU.")
@_compiler
@_variant
@_verbose
@click.pass_obj
def run_command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    patterns: tuple[str, ...],
    jobs: int | None,
    timeout: float | None,
    json: Path | None,
    junit: Path | None,
    qemu: str | None,
    compiler: str,
    variant: str | None,
    verbose: bool,
) -> int:
    """Build what is needed, then run the tests: all, or those that are named."""
    from kut_runner import build, config, machine, plan, session, toolchain, views

    tree = _tree(root)
    definitions = config.load(tree / "configs", tree / "arm")
    tests = plan.select(definitions, patterns)
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))
    emulator = machine.find_qemu(qemu, cache=tree / "build/qemu-versions")
    logs = tree / "build/logs"
    logs.mkdir(parents=True, exist_ok=True)
    # Before the build: when that fails, no results of an earlier run are there to be believed.
    shown = views.open_views(log_dir=logs, json=json, junit=junit, verbose=verbose)
    names = sorted({test.image for test in tests})
    with _progress(verbose=False) as progress:
        images = build.build(tree, tools, names, progress=progress)
    request = session.RunRequest(
        tests=tests, images=images, qemu=emulator, log_dir=logs, jobs=jobs, timeout=timeout
    )
    return session.run(request, shown)


@kut.command("bench")
@click.option("--json", type=_file, help="Write the counts to this file.")
@click.option("--update", is_flag=True, help="Make these counts the baseline.")
@click.option("--qemu", metavar="PATH", help="QEMU to use; also $KUT_QEMU and $QEMU.")
@_compiler
@_variant
@click.pass_obj
def bench_command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    json: Path | None,
    update: bool,
    qemu: str | None,
    compiler: str,
    variant: str | None,
) -> int:
    """Count instructions, and compare the counts with the baseline of the tree."""
    from kut_runner import bench, build, config, machine, plan, session, toolchain
    from kut_runner.views.outfile import OutFile

    tree = _tree(root)
    definitions = config.load(tree / "configs", tree / "arm")
    tests = plan.in_group(definitions, "bench")
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))
    baseline = tree / "configs/bench-baseline.json"
    kept = bench.load_baseline(baseline, tools.name)
    out = OutFile(json) if json else None
    emulator = machine.find_qemu(qemu, cache=tree / "build/qemu-versions")
    names = sorted({test.image for test in tests})
    with _progress(verbose=False) as progress:
        images = build.build(tree, tools, names, progress=progress)
    logs = tree / "build/logs"
    logs.mkdir(parents=True, exist_ok=True)
    request = session.RunRequest(tests=tests, images=images, qemu=emulator, log_dir=logs)
    collector = bench.Collector()
    code = session.run(request, (collector,))
    found = bench.metrics(collector.results)
    if out:
        out.write(bench.report(found, qemu=emulator.release, compiler=tools.name))
    for problem in bench.problems(collector.results):
        click.echo(problem, err=True)
    if update and code == ExitCode.OK:
        bench.update_baseline(baseline, tools.name, found)
        kept = bench.load_baseline(baseline, tools.name)
    rows = bench.compare(found, kept)
    for row in rows:
        click.echo(row)
    return code or (ExitCode.OK if all(row.is_good for row in rows) else ExitCode.TESTS_FAILED)


@kut.command("build")
@click.argument("images", nargs=-1)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Commands to run at a time.")
@_compiler
@_variant
@_verbose
@click.pass_obj
def build_command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    images: tuple[str, ...],
    jobs: int | None,
    compiler: str,
    variant: str | None,
    verbose: bool,
) -> int:
    """Bring IMAGES up to date, or every image of the tree."""
    from kut_runner import build, config, plan, toolchain

    tree = _tree(root)
    definitions = config.load(tree / "configs", tree / "arm") if variant else config.Config(())
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))
    with _progress(verbose=verbose) as progress:
        built = build.build(tree, tools, images, verbose=verbose, jobs=jobs, progress=progress)
    for image in built.values():
        click.echo(os.path.relpath(image.flat))
    return ExitCode.OK


@kut.command("list")
@click.argument("patterns", metavar="[NAMES or globs]...", nargs=-1)
@click.option("--variants", is_flag=True, help="List the variants of the build instead.")
@click.pass_obj
def list_command(root: Path | None, *, patterns: tuple[str, ...], variants: bool) -> int:
    """List the tests, with the groups of each."""
    from kut_runner import config, plan

    if variants and patterns:
        raise UsageError("--variants takes no names of tests", "leave them out")
    tree = _tree(root)
    definitions = config.load(tree / "configs", tree / "arm")
    if variants:
        _print_table({each.name: each.about for each in definitions.variants})
    else:
        tests = plan.select(definitions, patterns) if patterns else definitions.tests
        _print_table({test.name: " ".join(test.groups) for test in tests})
    return ExitCode.OK


def _print_table(rows: "Mapping[str, str]") -> None:
    width = max(map(len, rows), default=0)
    for name, words in rows.items():
        click.echo(f"{name:{width}}  {words}".rstrip())


def main() -> NoReturn:
    """Run the command line and leave with its exit code; see ExitCode."""
    try:
        code = _invoke()
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


def _invoke() -> int:
    """Do as click's main, but for its making exit code 1 of a closed pipe."""
    try:
        with kut.make_context("kut", sys.argv[1:]) as context:
            code: int = kut.invoke(context)
            return code
    except click.exceptions.Exit as done:
        return done.exit_code


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


@contextmanager
def _progress(*, verbose: bool) -> "Iterator[Callable[[str], None] | None]":
    """Give what shows the build's progress: whole lines, one line that changes, or nothing."""
    if verbose:
        yield lambda line: click.echo(line, err=True)
    elif not sys.stderr.isatty():
        yield None
    else:
        try:
            yield lambda line: click.echo(f"\r\033[K{line[:79]}", err=True, nl=False)
        finally:
            click.echo("\r\033[K", err=True, nl=False)
