# SPDX-License-Identifier: GPL-2.0-or-later
"""Packages for arm64, unpacked without root by `fetch.sh`."""

import os
import re
import subprocess
from pathlib import Path
from signal import SIGTERM
from typing import TYPE_CHECKING, Final

from kut_runner.errors import SetupError, UsageError
from kut_runner.lab import store
from kut_runner.process.child import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kut_runner.lab.pins import Pins

_SCRIPT: Final = Path(__file__).with_name("fetch.sh")
_KERNEL_NAME: Final = re.compile(r"linux-(image|binary)-([0-9]+(?:\.[0-9]+)*)\S*-arm64")
_VERSION: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){1,2}")


def path(package: str, environ: "Mapping[str, str]") -> Path:
    """Return the directory of a package "NAME=VERSION", which need not exist.

    Of "NAME" it is that of any version that is unpacked.
    """
    directory = store.directory(environ) / store.PACKAGES
    name, _, version = package.partition("=")
    if version:
        return directory / f"{name}_{version.replace(':', '%3a')}"
    return next(iter(sorted(directory.glob(f"{name}_*"), reverse=True)), directory / name)


def fetch(pins: "Pins", packages: "Sequence[str]", environ: "Mapping[str, str]") -> None:
    """Unpack packages that are not unpacked yet; the script prints its progress on stderr.

    Raises SetupError if they cannot be fetched.
    """
    missing = [each for each in packages if not path(each, environ).is_dir()]
    if missing:
        _call(pins, missing, environ, stdout=None)


def kernel_package(pins: "Pins", version: str, environ: "Mapping[str, str]") -> str:
    """Return the newest package of Linux `version`, as in "7.0" or "7.0.10", that the mirror has.

    Raises SetupError if the mirror cannot be asked, UsageError for no version or if it has none.
    """
    if not _VERSION.fullmatch(version):
        raise UsageError(
            f'"{version}" is neither a version of Linux nor a file',
            f"pinned are {', '.join(pins.kernels)}; a file has a / in its path: ./Image",
        )
    names = _call(pins, ["--kernels"], environ, stdout=subprocess.PIPE).split()
    found = {
        _numbers(match[2]): name
        for name in sorted(names, reverse=True)  # of two, the one with the file: linux-binary
        if (match := _KERNEL_NAME.fullmatch(name))
    }
    wanted = _numbers(version)
    fitting = [each for each in found if each[: len(wanted)] == wanted]
    if not fitting:
        known = sorted({each[:2] for each in found})
        versions = ", ".join(f"{major}.{minor}" for major, minor in known)
        hint = f"it has {versions}; or give a file: --kernel PATH/Image"
        raise UsageError(f"release {pins.release} has no kernel {version} for arm64", hint)
    return found[max(fitting)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _call(
    pins: "Pins", arguments: "Sequence[str]", environ: "Mapping[str, str]", stdout: int | None
) -> str:
    directory = store.directory(environ) / store.PACKAGES
    done = subprocess.run(
        ("/bin/sh", _SCRIPT, directory, pins.release, *arguments),
        env={**os.environ, **environ},
        stdout=stdout,
        text=True,
        check=False,
        preexec_fn=die_with_parent(SIGTERM),
    )
    if done.returncode in {-2, 130}:
        raise KeyboardInterrupt
    if done.returncode:
        raise SetupError("the packages of the lab could not be fetched", "see above")
    return done.stdout or ""
