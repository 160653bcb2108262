# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut lab`: the parts of the target `lab`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from kut_runner.commands import options, where
from kut_runner.commands.output import echo
from kut_runner.errors import ExitCode

if TYPE_CHECKING:
    from kut_runner.targets.lab import Lab

_kernel: Final = click.option(
    "--kernel", default="", metavar="VERSION|FILE", help="Kernel; by default that of lab.toml."
)


@click.group("lab")
def command() -> None:
    """Prepare the lab: an emulated arm64 Linux whose KVM runs the images.

    `kut run --target lab` tests the nested virtualization of that KVM.
    """


@command.command("build")
@_kernel
@options.qemu
@click.option("--vmm", is_flag=True, help="Only the VMM, for the target kvm-nested.")
@click.pass_obj
def build(root: Path | None, kernel: str, qemu: str | None, *, vmm: bool) -> int:
    """Fetch a kernel and the user space, build the VMM, and boot the lab once.

    VERSION is one of Linux, as in 6.18, from packages of Debian; FILE is an image of your own.
    Nothing is installed on the system, and root is not needed.
    """
    from kut_runner.targets import lab

    tree = where.tree_of(root)
    if vmm:
        from kut_runner.lab import assembly

        echo(assembly.fetch_vmm(tree, os.environ))
        return ExitCode.OK
    found = lab.build(kernel, qemu, tree, os.environ)
    _show(found)
    return ExitCode.OK


@command.command("shell")
@click.argument("files", nargs=-1, type=options.IN_FILE)
@_kernel
@options.qemu
@click.pass_obj
def shell(root: Path | None, files: tuple[Path, ...], kernel: str, qemu: str | None) -> int:
    """Run a shell in the lab, which has copies of FILES; Ctrl-D ends it."""
    from kut_runner.targets import lab, lab_shell

    found = lab.find(kernel, qemu, where.tree_of(root), os.environ)
    return lab_shell.run(found, files)


@command.command("list")
def list_() -> int:
    """List packages and what is made of them, with their sizes."""
    from kut_runner.lab import inventory

    for each in inventory.contents(os.environ):
        echo(f"{each.kind:8} {each.name:50} {each.megabytes:5} MiB")
    return ExitCode.OK


@command.command("clean")
@click.option("--all", "is_all", is_flag=True, help="The packages too, which are fetched.")
def clean(*, is_all: bool) -> int:
    """Remove VMM, initramfs and saved boots, which are made again when needed."""
    from kut_runner.lab import inventory

    removed = inventory.remove(os.environ, with_packages=is_all)
    echo(f"removed {sum(each.megabytes for each in removed)} MiB")
    return ExitCode.OK


def _show(found: "Lab") -> None:
    offered = [name for name, value in found.booted.capabilities.items() if value]
    echo(f"lab with {found.version}")
    echo(f"  KVM offers {', '.join(offered)}")
    if found.booted.unsaved:
        echo(f"  not saved: {found.booted.unsaved}; each test boots it")
    if "EL2" not in offered:
        echo("  no EL2: this kernel has no nested virtualization, so tests at EL2 are a SKIP")
