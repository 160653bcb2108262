# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: dispatch to commands, and reports of errors with their exit codes."""

import errno
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

import click

from kut_runner import __version__
from kut_runner.errors import ExitCode, KutError, UsageError, describe
from kut_runner.text import line

#: Commands in the order of the help; each is a module of `kut_runner.commands`.
COMMANDS: Final = (
    *("run", "conform", "grid", "list", "build", "bench", "shards", "merge", "archive"),
    *("spread", "parse"),
    *("new", "export", "watch", "debug", "bisect"),
    *("history", "show", "compare", "rerun", "replay", "matrix", "errata", "findings"),
    *("lab", "toolchain", "doctor", "completion"),
)

_ALL: Final = "in place of -a of run_tests.sh, '*' selects all tests"
_TAP: Final = "in place of -t of run_tests.sh, --tap FILE writes TAP"
_LIST: Final = "in place of -l of run_tests.sh, `kut list --tree DIR` lists the tests"
#: Hints for options that the command does not have.
_OPTIONS_ELSEWHERE: Final = {
    "--root": "it goes before the command: `kut --root PATH COMMAND`",
    "--tree": "only `kut run` and `kut list` take a build of kvm-unit-tests",
    **dict.fromkeys(("-a", "--all"), _ALL),
    **dict.fromkeys(("-t", "--tap13"), _TAP),
    **dict.fromkeys(("-l", "--list"), _LIST),
}

#: Descriptor of stderr, the last of the three standard streams.
_STDERR: Final = 2


class _Commands(click.Group):
    """Group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"kut_runner.commands.{cmd_name}")
        found: click.Command = module.command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from kut_runner.definitions import similar

            hint = similar.hint(args[0], COMMANDS, f"see `{ctx.command_path} --help`")
            raise UsageError(f'no command is called "{args[0]}"', hint) from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kut")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    envvar="KUT_ROOT",
    help="Source tree; by default the one around the current directory, else the one of kut.",
)
@click.pass_context
def kut(context: click.Context, root: Path | None) -> None:
    """Build hypervisor-level arm64 tests, boot them in QEMU, and report the verdicts."""
    context.obj = root


def main() -> NoReturn:
    """Run the command line and exit with its exit code; see ExitCode."""
    # A large output creates 100,000 objects that stay, which the garbage collector would scan
    # repeatedly and in vain.
    gc.set_threshold(100_000, 20, 20)
    _open_streams()
    try:
        with _interrupts_raise():
            code = _invoke()
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OUTPUT_CLOSED
    except (KeyboardInterrupt, click.Abort):
        click.echo("kut: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except KutError as error:
        code = _print_error(error.message, error.hint, error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = ExitCode.USAGE
    except click.ClickException as error:
        message = " ".join(error.format_message().split())
        code = _print_error(line(message), _usage_hint(error), ExitCode.USAGE)
    except OSError as error:
        code = _print_error(*_describe(error), ExitCode.INFRASTRUCTURE)
    except ImportError as error:
        code = _report_broken_package(error)
    except Exception as error:  # noqa: BLE001 - users see a message instead of a traceback
        code = _report_bug(error)
    _exit(code)


@contextmanager
def _interrupts_raise() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGINT in this block, unless it is ignored.

    Before and after it, SIGINT ends the process: see `__main__`.
    """
    is_ended = signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    if is_ended:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if is_ended:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _exit(code: int) -> NoReturn:
    """Exit without freeing modules and objects one by one, which takes a tenth of a short run."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # an error of stdout is reported already
            stream.flush()
    os._exit(code)


def _open_streams() -> None:
    """Open standard streams that the caller has closed, as in `kut run >&-`, on /dev/null.

    Otherwise a log could get their descriptor, and with it the output of a child process.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(opened, True)  # noqa: FBT003 - the name says it
    os.close(opened)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - never closed
            setattr(sys, name, stream)


def _invoke() -> int:
    """Do the same as click's main, which would turn a closed pipe into exit code 1."""
    if instruction := os.environ.get("_KUT_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(kut, {}, "kut", "_KUT_COMPLETE", instruction)
    try:
        with kut.make_context("kut", sys.argv[1:]) as context:
            code: int | None = kut.invoke(context)
            return code or ExitCode.OK
    except click.exceptions.Exit as done:
        return done.exit_code


def _print_error(message: str, hint: str, code: ExitCode) -> ExitCode:
    click.echo(f"kut: error: {message}", err=True)
    if hint:
        click.echo(f"kut: hint: {hint}", err=True)
    return code


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.NoSuchOption) and (
        hint := _OPTIONS_ELSEWHERE.get(error.option_name)
    ):
        return hint
    return f"see `{context.command_path} --help`" if context else ""


def _describe(error: OSError) -> tuple[str, str]:
    """Return the message and the hint for an error of the operating system."""
    hint = ""
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        hint = "kut writes to the build directory of a source tree; `kut doctor` shows a fix"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = "free up space; `kut doctor` shows how much is available"
    return line(describe(error)), hint


def _report_broken_package(error: ImportError) -> ExitCode:
    if not error.name or error.name.startswith("kut_runner"):
        return _report_bug(error)
    message = line(f"a Python package that kut needs is broken: {error}")
    return _print_error(message, "`kut doctor` shows how to fix it", ExitCode.INFRASTRUCTURE)


def _report_bug(error: Exception) -> ExitCode:
    if os.environ.get("KUT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    description = f"{type(error).__name__}: {error}".rstrip(": ")
    return _print_error(
        line(f"unexpected: {description}"),
        "this is a bug in kut; please report it with the output of the command with KUT_DEBUG=1",
        ExitCode.INFRASTRUCTURE,
    )
