# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut bisect`: the commit of QEMU or Linux at which a check begins to fail."""

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kut_runner.commands import options
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kut_runner.bisection.session import Request

_DIRECTORY: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_request: Final = (
    click.argument("name", metavar="[NAME]", default="", shell_complete=options.offers("tests")),
    click.option("--qemu-tree", type=_DIRECTORY, metavar="DIR", help="Checkout of QEMU to bisect."),
    click.option(
        "--kernel-tree", type=_DIRECTORY, metavar="DIR", help="Checkout of Linux to bisect."
    ),
    click.option(
        "--good", default="", metavar="COMMIT", help="A commit at which the check passes."
    ),
    click.option(
        "--bad", default="", metavar="COMMIT", help="A later one at which it fails, or HEAD."
    ),
    click.option("--only", metavar="TEXT", help="Watch a check with this text; also as a glob."),
    click.option(
        "--build",
        "build_command",
        default="",
        metavar="COMMAND",
        help="Shell command that builds a revision.",
    ),
    click.option(
        "--program",
        default="",
        metavar="PATH",
        help="What it makes, relative to the build directory.",
    ),
    click.option("--config", type=options.IN_FILE, help="Configuration of the kernel."),
    click.option(
        "--path", "paths", metavar="PATH", multiple=True, help="Bisect changes of this path only."
    ),
    click.option(
        "--repeat", type=click.IntRange(min=1), default=1, metavar="N", help="Run NAME N times."
    ),
    options.timeout,
    click.option(
        "--target",
        "target_name",
        metavar="NAME",
        shell_complete=options.offers("targets"),
        help="Target that runs NAME with what is built.",
    ),
    options.qemu,
    options.compiler,
    options.variant,
)


def _asked(command: "Callable[..., int]") -> "Callable[..., int]":
    """Add the options that decide the result; the command receives them as `request`."""

    @wraps(command)
    def with_request(  # noqa: PLR0913 - one for each option
        *args: object,
        name: str,
        qemu_tree: Path | None,
        kernel_tree: Path | None,
        good: str,
        bad: str,
        only: str | None,
        build_command: str,
        program: str,
        config: Path | None,
        paths: tuple[str, ...],
        repeat: int,
        timeout: float | None,
        target_name: str | None,
        qemu: str | None,
        compiler: str,
        variant: str | None,
        **others: object,
    ) -> int:
        from kut_runner.bisection.kinds import LINUX, QEMU
        from kut_runner.bisection.session import Request

        if qemu_tree and kernel_tree:
            raise UsageError("--qemu-tree and --kernel-tree contradict each other", "use one")
        request = Request(
            kind=LINUX if kernel_tree else QEMU,
            tree=str(kernel_tree or qemu_tree or ""),
            pattern=name,
            compiler=compiler,
            variant=variant,
            good=good,
            bad=bad,
            command=build_command,
            program=program,
            config=str(config.absolute()) if config else None,
            paths=paths,
            only=only,
            target=target_name,
            qemu=qemu,
            repeat=repeat,
            timeout=timeout,
        )
        return command(*args, request=request, **others)

    for option in reversed(_request):
        option(with_request)
    return with_request


@click.command("bisect")
@_asked
@click.option("--resume", is_flag=True, help="Continue the bisection that was interrupted.")
@click.option("--reset", is_flag=True, help="Remove the bisection that was interrupted.")
@click.option("--step", is_flag=True, help="Try the checkout as it is, for `git bisect run`.")
@options.jobs
@click.option("--json", type=options.OUT_FILE, help="Write the result as JSON; - is stdout.")
@options.verbose
@click.pass_obj
def command(  # noqa: PLR0913 - one for each option
    root: Path | None,
    *,
    request: "Request",
    resume: bool,
    reset: bool,
    step: bool,
    jobs: int | None,
    json: Path | None,
    verbose: bool,
) -> int:
    """Find the commit of QEMU or Linux at which a check of NAME begins to fail.

    NAME is a test, or an area or a row of the conformance suite. Each revision that git bisects is
    built in a worktree of kut's own, and runs NAME. A revision that does not build, does not boot,
    or fails in another way is skipped.
    """
    from kut_runner.commands.bisect_output import Bisection

    if sum((resume, reset, step)) > 1:
        raise UsageError("--resume, --reset and --step contradict each other", "use one of them")
    bisection = Bisection(root, jobs, json, verbose)
    if resume or reset:
        if request.pattern or request.tree or request.good or request.bad:
            problem = "--resume and --reset are for the bisection that was interrupted"
            raise UsageError(problem, "omit the test, the tree and the ends")
        return bisection.resume() if resume else bisection.reset()
    return bisection.step(request) if step else bisection.begin(request)
