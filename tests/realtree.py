# SPDX-License-Identifier: GPL-2.0-or-later
"""kut on this very tree or a copy of it, and its images on QEMU without kut."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kut_runner.build import builder
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.lines import split
from kut_runner.verdict.rows import AreaRows

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("arm", "configs", "lib")
KUT = (sys.executable, "-m", "kut_runner")
MACHINE = "virt,virtualization=on,gic-version=3"


def linked(top: Path, definitions: str = "") -> Path:
    """Make @top this tree with a build directory of its own, and with more @definitions."""
    for name in ("arm", "lib"):
        (top / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "configs", top / "configs")
    (top / "configs/0.toml").write_text(definitions)  # the first of all
    return top


def kut(
    tree: Path, *args: str | Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """`kut ARGS` in a tree, with @env added to the environment."""
    return subprocess.run(
        [*KUT, *args],
        cwd=tree,
        env=os.environ | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def last_run(tree: Path) -> dict[str, Any]:
    """The document of the last run in a tree."""
    results: dict[str, Any] = json.loads((tree / "build/logs/results.json").read_text())
    return results


def run(directory: Path, *args: str, root: Path = ROOT) -> dict[str, Any]:
    """`kut run ARGS`; the JSON results, written to @directory."""
    report = directory / "results.json"
    done = subprocess.run(
        [*KUT, "--root", str(root), "run", "--json", str(report), *args],
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stderr
    results: dict[str, Any] = json.loads(report.read_text())
    assert results["exit_code"] == done.returncode
    return results


def build(image: str, *others: str, compiler: str = "gcc") -> Path:
    """The flat image `arm/IMAGE.c` of a build, such as "clang" or "gcc-O0"; others come with it."""
    name, _, variant = compiler.partition("-")
    options = ("--compiler", name, *(("--variant", variant) if variant else ()))
    subprocess.run(
        [*KUT, "--root", str(ROOT), "build", *options, image, *others],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return ROOT / "build" / compiler / f"{image}.flat"


def copy(
    to: Path, *parts: str, compiler: str = "gcc", images: Sequence[str] = ("selftest",)
) -> Path:
    """Copy the sources, or these parts of them, to a directory, and what is built of them.

    Only what is changed there is then compiled; images that are going to be used are best named.
    """
    for part in parts or PARTS:
        shutil.copytree(ROOT / part, to / part)
    built = build(*images, compiler=compiler).parent
    names = ("relinked",) if "arm" in (parts or PARTS) else ("relinked", "*.elf", "*.flat")
    with builder._Lock(built):
        shutil.copytree(built, to / "build" / compiler, ignore=shutil.ignore_patterns(*names))
    return to


def qemu_version() -> str:
    """The version of the installed QEMU, as in "7.2.22"."""
    command = [*("qemu-system-aarch64", "--version")]
    return subprocess.check_output(command, text=True).split()[3]


def boot(
    image: Path,
    args: str = "",
    *options: str,
    machine: str = MACHINE,
    cpu: str = "max",
    typed: bytes = b"",
) -> tuple[int, str]:
    """Boot @image under QEMU; its exit status, and what the serial line said."""
    done = subprocess.run(
        [
            *("qemu-system-aarch64", "-nodefaults", "-no-reboot", "-display", "none"),
            *("-monitor", "none", "-serial", "stdio", "-machine", machine, "-cpu", cpu),
            *("-m", "256", "-kernel", str(image), "-append", args, *options),
        ],
        input=typed,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="backslashreplace")


def boot_rows(image: Path, args: str = "", *options: str) -> AreaRows:
    """Boot @image of the conformance suite; its rows, without their ids."""
    output = boot(image, args, *options)[1]
    rows = collect(parse(split([output.encode()]))).rows
    assert rows, output
    return rows
