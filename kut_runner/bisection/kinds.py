# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees that can be bisected: their default builds, and the target that uses what they make."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from kut_runner.bisection.builds import Recipe
from kut_runner.bisection.repository import Repository
from kut_runner.build import builder, toolchain
from kut_runner.definitions.config import BUILT_IN, LAB_TARGET, is_lab
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from kut_runner.bisection.session import Request
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of tree."""

    option: str
    """Option that names a tree."""
    command: str
    """Default build: for /bin/sh, in the build directory."""
    program: str
    """Its product, relative to the build directory."""
    files: tuple[str, ...]
    """Files of each tree that the default build is for."""
    targets: tuple[str, ...]
    """Targets that can use the product; the first is the default."""


QEMU: Final = "qemu"
LINUX: Final = "linux"
_MAKE: Final = 'make -C "$KUT_SOURCE" O="$PWD" ARCH=arm64'
KINDS: Final = {
    QEMU: Kind(
        "--qemu-tree",
        '[ -f build.ninja ] || "$KUT_SOURCE"/configure --target-list=aarch64-softmmu'
        " --disable-docs --disable-user --disable-tools --disable-guest-agent --disable-werror"
        " || exit\n"
        "ninja qemu-system-aarch64",
        "qemu-system-aarch64",
        ("configure", "target/arm/cpu.h"),
        (*BUILT_IN, LAB_TARGET),
    ),
    LINUX: Kind(
        "--kernel-tree",
        f'cp "$KUT_CONFIG" .config && {_MAKE} olddefconfig && {_MAKE} -j"$KUT_JOBS" Image',
        "arch/arm64/boot/Image",
        ("Kconfig", "arch/arm64/Kconfig"),
        (LAB_TARGET,),
    ),
}


def recipe(request: "Request") -> Recipe:
    """Return how the revisions of a request are built."""
    return Recipe(request.command, request.program, dict(_variables(request)))


def _variables(request: "Request") -> Iterator[tuple[str, str]]:
    """Yield the variables of the default builds."""
    ninja = str(Path(builder.find_ninja(os.environ)).parent)  # kut's need not be in PATH
    yield "PATH", f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{ninja}"
    if request.config:
        yield "KUT_CONFIG", request.config
    has_chosen = "CROSS_COMPILE" in os.environ or "LLVM" in os.environ
    if request.kind == LINUX and not has_chosen and (gcc := toolchain.find_gnu(os.environ)):
        yield "CROSS_COMPILE", gcc.removesuffix("gcc")


def open_target(request: "Request", workspace: "Workspace", boots: Path, program: Path) -> "Target":
    """Return the target that runs tests with the product of a build; raises KutError.

    `boots` is the directory for the saved boot of a lab, in place of that of another revision.
    """
    is_linux = request.kind == LINUX
    name = f"{LAB_TARGET}@{program}" if is_linux else request.target
    qemu = request.qemu if is_linux else str(program)
    if not name or not is_lab(name):
        return workspace.target(name, qemu=qemu)
    from kut_runner.targets import lab, lab_qemu

    rmtree(boots, ignore_errors=True)
    found = lab_qemu.find(qemu, workspace.tree, os.environ)
    return lab.open_lab(name, found, workspace.tree, os.environ, boots=boots)


def completed(request: "Request") -> "tuple[Request, Repository]":
    """Return the request with the defaults of its tree, and the tree's repository.

    Raises UsageError without a tree or a test, for a directory that is no checkout, options that
    do not suit it, and a tree that the default build is not for.
    """
    kind = KINDS[request.kind]
    if not request.tree:
        raise UsageError("no tree is named", "name a checkout: --qemu-tree or --kernel-tree DIR")
    if not request.pattern:
        raise UsageError("no test is named", "name one, or a row of the conformance suite")
    repository = Repository.of(Path(request.tree), kind.option)
    _check_options(request, kind)
    if not request.command:
        _check_tree(kind, repository, request.bad)
    full = replace(
        request,
        tree=str(repository.top),
        command=request.command or kind.command,
        program=request.program or kind.program,
    )
    return full, repository


def _check_options(request: "Request", kind: Kind) -> None:
    """Raise UsageError for options that do not suit the kind of tree."""
    name, _, kernel = (request.target or kind.targets[0]).partition("@")
    if name not in kind.targets or (kernel and request.kind == LINUX):
        problem = f"--target {request.target} and {kind.option} contradict each other"
        raise UsageError(problem, f"use {' or '.join(kind.targets)}")
    if request.qemu and request.kind == QEMU:
        raise UsageError("--qemu and --qemu-tree contradict each other", "omit --qemu")
    if request.kind == LINUX and not request.config and not request.command:
        raise UsageError(
            "no configuration of the kernel is named",
            "name one with --config FILE, such as /boot/config-* of an arm64 host",
        )


def _check_tree(kind: Kind, repository: Repository, bad: str) -> None:
    """Raise UsageError if the default build is not for the tree."""
    commit = repository.commit(bad or "HEAD", "--bad")
    for path in kind.files:
        if not repository.has_file(commit, path):
            raise UsageError(
                f"{kind.option} {repository.top} has no {path}, which the default build needs",
                "name another tree, or a build command with --build",
            )


def with_ends(request: "Request", repository: Repository) -> "Request":
    """Return the request with the hashes of its ends, which are names; "" for HEAD as the bad end.

    Raises UsageError for names that are no commits, and ends between which nothing can be found.
    """
    if not request.good:
        raise UsageError("no good end is named", "name a commit at which the test passes: --good")
    if not request.bad:
        check_clean(repository, "or name the bad end without them: --bad HEAD")
    bad = request.bad or "HEAD"
    first, last = repository.commit(request.good, "--good"), repository.commit(bad, "--bad")
    names = f"--good {request.good} and --bad {bad}"
    if first == last:
        raise UsageError(f"{names} are the same commit", "name another one")
    if repository.is_ancestor(last, first):
        raise UsageError(f"{names}: the bad end is older", "the good end must be the older one")
    if not repository.is_ancestor(first, last):
        hint = "name a good end in the history of the bad one, such as `git merge-base` of both"
        raise UsageError(f"{names}: the good end is no ancestor of the bad one", hint)
    return replace(request, good=first, bad=last)


def check_clean(repository: Repository, hint: str) -> None:
    """Raise UsageError for changes that are not committed, which no revision has."""
    if repository.is_dirty():
        problem = f"{repository.top} has changes that are not committed, and no revision has them"
        raise UsageError(problem, f"commit or stash them, {hint}")
