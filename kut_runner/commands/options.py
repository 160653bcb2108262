# SPDX-License-Identifier: GPL-2.0-or-later
"""Options shared by several commands."""

import os
import re
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kut_runner.commands.output import echo
from kut_runner.definitions.fields import DAY
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _chosen(context: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """Return the given compiler, else that of the source tree, else the first installed one."""
    if value:
        return value
    from kut_runner.build import toolchain
    from kut_runner.definitions import source_trees

    try:
        tree = source_trees.work_dir(context.obj) if context.obj else source_trees.find(Path.cwd())
    except UsageError:  # the command reports it, or needs no source tree
        tree = Path.cwd()
    return toolchain.choice(str(tree)) or toolchain.preferred(os.environ)


def offers(what: str) -> "Callable[[click.Context, click.Parameter, str], list[str]]":
    """Return a function for `shell_complete`; it imports `complete` when it is called."""

    def complete_name(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[str]:
        from kut_runner.commands import complete

        found: list[str] = getattr(complete, what)(context, parameter, incomplete)
        return found

    return complete_name


compiler: Final = click.option(
    "--compiler",
    type=click.Choice(["gcc", "clang", "zig"]),
    envvar="KUT_COMPILER",
    callback=_chosen,
    help="Compiler to build with; also $KUT_COMPILER. By default see `kut toolchain`.",
)
variant: Final = click.option(
    "--variant",
    metavar="NAME",
    shell_complete=offers("variants"),
    help="Variant of the build; see `kut list --variants`.",
)
verbose: Final = click.option("-v", "--verbose", is_flag=True, help="Show more details.")
target: Final = click.option(
    "--target",
    "target_name",
    metavar="NAME",
    shell_complete=offers("targets"),
    help="Target: tcg (default), kvm, lab, kvm-nested, or a [target.NAME] of the definitions;"
    " also $ACCEL.",
)
tree: Final = click.option(
    "--tree",
    type=click.Path(exists=True, path_type=Path),
    help="A kvm-unit-tests build: the tests of its unittests.cfg.",
)
strict: Final = click.option(
    "--strict", is_flag=True, help="With --tree: any problem of unittests.cfg is an error."
)
qemu: Final = click.option(
    "--qemu",
    metavar="PATH",
    shell_complete=offers("qemus"),
    help="QEMU to use: a path or a name, as in qemu@trixie; also $KUT_QEMU and $QEMU.",
)
recorded_run: Final = click.option(
    "--run",
    metavar="RUN",
    default="latest",
    shell_complete=offers("runs"),
    help="The run that was recorded, by default the last one.",
)
trust: Final = click.option(
    "--trust",
    is_flag=True,
    help="Allow the tests of an archive or of a --tree all options of QEMU, and variables.",
)


def check_seconds(
    _context: click.Context, _parameter: click.Parameter, value: float | None
) -> float | None:
    """Return a valid timeout; raises BadParameter. FloatRange would accept "nan"."""
    if value is None or 0 < value <= DAY:
        return value
    raise click.BadParameter(f"{value} is not a number of seconds above 0 and up to {DAY}.")


def _mebibytes(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> int | None:
    """Return an amount of memory in MiB; a suffix M or G is that of QEMU. Raises BadParameter."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,9})([MG]?)", value, re.IGNORECASE | re.ASCII)
    if not match:
        raise click.BadParameter(f"{value!r} is not a number of MiB, nor one with M or G.")
    return int(match[1]) * (1024 if match[2].upper() == "G" else 1)


_selection: Final = (
    click.argument(
        "patterns",
        metavar="[NAMES or globs]...",
        nargs=-1,
        shell_complete=offers("tests"),
    ),
    click.option(
        "-g",
        "--group",
        "groups",
        metavar="GROUP",
        multiple=True,
        shell_complete=offers("groups"),
        help="Select the tests of this group.",
    ),
    click.option(
        "-k",
        "keyword",
        metavar="EXPRESSION",
        help='Select tests by words in name and groups, as in "stage2 and not (smp or a72)".',
    ),
    click.option(
        "-x",
        "--exclude",
        "excludes",
        metavar="NAME",
        multiple=True,
        shell_complete=offers("tests"),
        help="Exclude tests by name or glob (-x of pytest is --fail-fast here).",
    ),
)

no_checks: Final = click.option(
    "--no-checks",
    type=click.Choice(["fail", "pass"]),
    help="Verdict on an image that returns 0 without report_summary(), instead of the test's own.",
)
jobs: Final = click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="CPUs to use for tests."
)
timeout: Final = click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=check_seconds,
    help="Timeout of all tests, instead of their own.",
)
_run_options: Final = (
    jobs,
    timeout,
    click.option("--shuffle", type=int, metavar="SEED", help="Shuffle the tests with this seed."),
    click.option(
        "--repeat", type=click.IntRange(min=1), metavar="N", help="Run each test N times."
    ),
    click.option(
        "--until-fail", is_flag=True, help="Repeat until a test fails, at most --repeat times."
    ),
    click.option("--fail-fast", is_flag=True, help="Start no further test once one has failed."),
    click.option(
        "--max-fail",
        type=click.IntRange(min=1),
        metavar="N",
        help="Start no further test once N have failed.",
    ),
    click.option("--skips-fail", is_flag=True, help="Exit with code 1 if a test is skipped."),
    no_checks,
    click.option(
        "--retries",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Retry a failed test up to N times; if it then passes, it is flaky.",
    ),
    click.option(
        "--no-inspect", is_flag=True, help="Do not read the CPU state of a machine that hangs."
    ),
)


_machine: Final = (
    click.option(
        "--cpu",
        metavar="MODEL",
        help="CPU model, as QEMU's -cpu takes it, instead of a test's own.",
    ),
    click.option("--smp", type=int, metavar="N", help="Number of CPUs, instead of a test's own."),
    click.option(
        "--memory",
        metavar="MIB",
        callback=_mebibytes,
        help="Memory in MiB, or with a suffix as in 1G, instead of a test's own.",
    ),
    click.option(
        "--append", metavar="ARGS", help="Command line of the image, instead of a test's own."
    ),
    click.option(
        "--qemu-arg",
        "qemu_args",
        metavar="ARG",
        multiple=True,
        help="Pass this argument to QEMU, as in --qemu-arg=-d --qemu-arg=int; repeatable.",
    ),
)


def machine(command: "Callable[..., int]") -> "Callable[..., int]":
    """Add the options that change the machines of one run; the command receives `overrides`."""

    @wraps(command)
    def with_machine(
        *args: object,
        cpu: str | None,
        smp: int | None,
        memory: int | None,
        append: str | None,
        qemu_args: tuple[str, ...],
        **others: object,
    ) -> int:
        from kut_runner.definitions.overrides import Overrides

        chosen = Overrides(cpu, smp, memory, append, qemu_args)
        return command(*args, overrides=chosen, **others)

    for option in reversed(_machine):
        option(with_machine)
    return with_machine


def selection(command: "Callable[..., int]") -> "Callable[..., int]":
    """Add the options that select tests; the command receives them as `selection`."""

    @wraps(command)
    def with_selection(
        *args: object,
        patterns: tuple[str, ...],
        groups: tuple[str, ...],
        keyword: str | None,
        excludes: tuple[str, ...],
        **others: object,
    ) -> int:
        from kut_runner.definitions.plan import Selection

        return command(*args, selection=Selection(patterns, groups, keyword, excludes), **others)

    for option in reversed(_selection):
        option(with_selection)
    return with_selection


def run_options(command: "Callable[..., int]") -> "Callable[..., int]":
    """Add the options for the execution of tests; the command receives them as `run_options`."""

    @wraps(command)
    def with_run_options(  # noqa: PLR0913 - one for each option
        *args: object,
        jobs: int | None,
        timeout: float | None,
        shuffle: int | None,
        repeat: int | None,
        until_fail: bool,
        fail_fast: bool,
        max_fail: int | None,
        skips_fail: bool,
        no_checks: str | None,
        retries: int,
        no_inspect: bool,
        **others: object,
    ) -> int:
        from kut_runner.definitions.no_checks import NoChecks
        from kut_runner.records.policy import Policy
        from kut_runner.run.options import RunOptions

        if fail_fast and max_fail:
            raise UsageError(
                "--fail-fast and --max-fail contradict each other",
                "omit one of them: --fail-fast is --max-fail 1",
            )
        chosen = RunOptions(
            jobs=jobs,
            timeout=timeout,
            seed=shuffle,
            repeat=repeat or (None if until_fail else 1),
            until_fail=until_fail,
            retries=retries,
            policy=Policy(1 if fail_fast else max_fail, skips_fail),
            no_checks=NoChecks(no_checks) if no_checks else None,
            inspect=not no_inspect,
        )
        return command(*args, run_options=chosen, **others)

    for option in reversed(_run_options):
        option(with_run_options)
    return with_run_options


IN_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT_FILE: Final = click.Path(dir_okay=False, path_type=Path)

_display: Final = (
    click.option("-q", "--quiet", is_flag=True, help="Show only failures and the summary."),
    click.option(
        "-v",
        "--verbose",
        count=True,
        help="Show each check and QEMU's command line; -vv also the serial output, live.",
    ),
    click.option(
        "--slowest",
        type=click.IntRange(min=1),
        metavar="N",
        help="List the N slowest tests at the end.",
    ),
    click.option(
        "--github/--no-github",
        default=None,
        help="Write annotations and a step summary; by default in GitHub Actions.",
    ),
    click.option("--lava", is_flag=True, help="Print a signal of LAVA for each test."),
)

_reports: Final = (
    click.option(
        "--json", type=OUT_FILE, help="Write the results as JSON to this file; - is stdout."
    ),
    click.option(
        "--junit", type=OUT_FILE, help="Write the results as JUnit XML to this file; - is stdout."
    ),
    click.option(
        "--tap", type=OUT_FILE, help="Write the results as TAP 13 to this file; - is stdout."
    ),
    click.option(
        "--ktap", type=OUT_FILE, help="Write the results as KTAP 1 to this file; - is stdout."
    ),
    click.option(
        "--kcidb", type=OUT_FILE, help="Write a report for KCIDB to this file; - is stdout."
    ),
    click.option(
        "--html", type=OUT_FILE, help="Write the results as an HTML page to this file; - is stdout."
    ),
)


def display(command: "Callable[..., int]", *, github: bool = True) -> "Callable[..., int]":
    """Add the display options; the command receives them as `display`.

    Options for GitHub Actions and LAVA are added only with `github`.
    """
    wants_github = github

    @wraps(command)
    def with_display(
        *args: object,
        quiet: bool,
        verbose: int,
        slowest: int | None,
        github: bool | None = wants_github and None,
        lava: bool = False,
        **others: object,
    ) -> int:
        from kut_runner.views.display import DisplayOptions, is_github

        if quiet and verbose:
            raise UsageError("-q and -v contradict each other", "omit one of them")
        chosen = DisplayOptions(
            verbosity=-1 if quiet else min(verbose, 2),
            slowest=slowest or 0,
            github=is_github(os.environ) if github is None else github,
            lava=lava,
        )
        return command(*args, display=chosen, **others)

    for option in reversed(_display if github else _display[:-2]):
        option(with_display)
    return with_display


def reports(command: "Callable[..., int]") -> "Callable[..., int]":
    """Add the options for result files; the command receives them as `reports`.

    They are files by kind, as for `opening.open_views`.
    """

    @wraps(command)
    def with_reports(  # noqa: PLR0913 - one for each option
        *args: object,
        json: Path | None,
        junit: Path | None,
        tap: Path | None,
        ktap: Path | None,
        kcidb: Path | None,
        html: Path | None,
        **others: object,
    ) -> int:
        chosen = {"json": json, "junit": junit, "tap": tap, "ktap": ktap, "kcidb": kcidb}
        return command(*args, reports={**chosen, "html": html}, **others)

    for option in reversed(_reports):
        option(with_reports)
    return with_reports


def print_table(rows: "Mapping[str, str]") -> None:
    """Print rows of a name and a description."""
    width = max(map(len, rows), default=0)
    for name, description in rows.items():
        echo(f"{name:{width}}  {description}".rstrip())
