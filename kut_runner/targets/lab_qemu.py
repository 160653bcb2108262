# SPDX-License-Identifier: GPL-2.0-or-later
"""The QEMU of the lab: one that emulates nested virtualization."""

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.build import rootless
from kut_runner.definitions.config import LAB_TARGET
from kut_runner.errors import MissingToolError, NotUnpackedError, TargetUnavailableError
from kut_runner.lab import pins
from kut_runner.targets.qemu import asked_for, find_qemu

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kut_runner.targets.qemu import Qemu

#: First QEMU that emulates FEAT_NV2.
_OLDEST: Final = (10, 0)


def find(
    explicit: str | None, tree: "Path", environment: "Mapping[str, str]", *, unpack: bool = False
) -> "Qemu":
    """Return the QEMU that is asked for, else that of PATH, else that of the release in lab.toml.

    That of PATH is passed over if it is missing or too old. With `unpack` the last one is unpacked
    if it is not there.

    Raises TargetUnavailableError if the one that is asked for is too old, MissingToolError if there
    is none, and SetupError if it cannot be unpacked.
    """
    search = partial(find_qemu, cache=tree / "build/qemu-versions", environment=environment)
    if asked_for(explicit, environment):
        found = search(explicit)
        if found.version < _OLDEST:
            raise TargetUnavailableError(
                f"target {LAB_TARGET}: QEMU {found.release} does not emulate nested virtualization"
                " (FEAT_NV2), which QEMU 10.0 and later do",
                "omit --qemu, KUT_QEMU and QEMU: `kut lab build` unpacks a later version",
            )
        return found
    with suppress(MissingToolError):
        found = search(None)
        if found.version >= _OLDEST:
            return found
    name = f"qemu@{pins.load(tree).release}"
    if unpack:
        rootless.install((name,), environment)
    try:
        return search(name)
    except NotUnpackedError:
        raise MissingToolError(
            f"no lab: it needs QEMU 10.0 or later, and {name} is not unpacked", "`kut lab build`"
        ) from None
