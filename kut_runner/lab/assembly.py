# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab as `kut lab build` makes it: kernels, and the initramfs that all of them share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build import toolchain
from kut_runner.errors import MissingToolError
from kut_runner.lab import initramfs as archive
from kut_runner.lab import kernel, packages, pins, store, vmm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kut_runner.lab.kernel import Kernel

#: Packages, by their use, of which the VMM is built.
_OF_VMM: Final = ("libc", "headers")


def fetch(version: str, tree: Path, environ: "Mapping[str, str]") -> "Kernel":
    """Return a kernel, which is fetched with all other packages if they are not there.

    `version` is one of Linux, the path of an image, or "" for the default. Raises SetupError if
    packages cannot be fetched, UsageError for an unknown version or a file that is no kernel.
    """
    found = pins.load(tree)
    wanted = tuple(found.packages.values())
    if _is_path(version):
        packages.fetch(found, wanted, environ)
        return kernel.of_file(Path(version))
    version = version or found.kernel
    name = found.kernels.get(version) or _fetched_package(version, environ)
    name = name or packages.kernel_package(found, version, environ)
    packages.fetch(found, (*wanted, name), environ)
    return kernel.of_package(version, packages.path(name, environ))


def find_kernel(version: str, tree: Path, environ: "Mapping[str, str]") -> "Kernel":
    """Return a kernel that is fetched already; `version` as in `fetch`.

    Raises MissingToolError if it is not.
    """
    if _is_path(version):
        return kernel.of_file(Path(version))
    found = pins.load(tree)
    wanted = version or found.kernel
    name = found.kernels.get(wanted) or _fetched_package(wanted, environ)
    directory = packages.path(name, environ) if name else None
    if directory is None or not directory.is_dir():
        option = f" --kernel {version}" if version else ""
        raise MissingToolError(f"no lab with kernel {wanted}", f"`kut lab build{option}`")
    return kernel.of_package(wanted, directory)


def initramfs(tree: Path, environ: "Mapping[str, str]") -> Path:
    """Return the initramfs, which is built if its parts have changed.

    Raises MissingToolError if the packages are not fetched or there is no compiler, BuildError if
    the VMM cannot be built.
    """
    program = vmm_program(tree, environ)
    busybox = _package("busybox", tree, environ) / "usr/bin/busybox"
    return archive.create(store.directory(environ) / "initramfs", busybox, program)


def fetched(tree: Path, environ: "Mapping[str, str]") -> "Kernel":
    """Return the default kernel; raises MissingToolError if a package of the lab is not fetched."""
    for use in pins.USES:
        _package(use, tree, environ)
    return find_kernel("", tree, environ)


def vmm_packages(tree: Path, environ: "Mapping[str, str]") -> tuple[Path, ...]:
    """Return the packages of the VMM; raises MissingToolError if they are not fetched."""
    return tuple(_package(use, tree, environ) for use in _OF_VMM)


def vmm_program(tree: Path, environ: "Mapping[str, str]") -> Path:
    """Return the VMM, which is built if its parts have changed; raises as `initramfs`."""
    libc, headers = vmm_packages(tree, environ)
    tools = toolchain.find(toolchain.preferred(environ), environ)
    return vmm.build(store.directory(environ) / "vmm", tools, libc, headers)


def fetch_vmm(tree: Path, environ: "Mapping[str, str]") -> Path:
    """Return the VMM, without a kernel to run it; its packages are fetched if they are not there.

    Raises as `fetch` and `initramfs`.
    """
    found = pins.load(tree)
    packages.fetch(found, [found.packages[use] for use in _OF_VMM], environ)
    return vmm_program(tree, environ)


def _package(use: str, tree: Path, environ: "Mapping[str, str]") -> Path:
    """Return the directory of a package; raises MissingToolError if it is not fetched."""
    path = packages.path(pins.load(tree).packages[use], environ)
    if not path.is_dir():
        raise MissingToolError("no lab: its packages are not fetched", "`kut lab build`")
    return path


def boots(environ: "Mapping[str, str]") -> Path:
    """Return the directory for the logs of first boots."""
    return store.directory(environ) / "boots"


def _is_path(version: str) -> bool:
    return os.sep in version


def _fetched_package(version: str, environ: "Mapping[str, str]") -> str:
    """Return the name of a fetched, unpinned package with kernel `version`, "" without one."""
    directory = store.directory(environ) / store.PACKAGES
    for kind in ("binary", "image"):
        for path in sorted(directory.glob(f"linux-{kind}-{version}[.+]*-arm64_*")):
            return path.name.partition("_")[0]
    return ""
