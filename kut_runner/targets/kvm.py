# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `kvm`: QEMU with the KVM of an arm64 host.

An image at EL2 needs a host with nested virtualization: FEAT_NV2 and Linux 6.16 or later with
`kvm-arm.mode=nested`. The ioctl KVM_CHECK_EXTENSION for KVM_CAP_ARM_EL2 reports it.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.implied_needs import ANY_CPU, CpuModel, ExceptionLevel2, all_needs
from kut_runner.errors import TargetUnavailableError
from kut_runner.targets import qemu_machine
from kut_runner.targets.qemu_machine import Choices, QemuTarget

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.implied_needs import Need
    from kut_runner.process.boot import Launch

NAME: Final = "kvm"
_DEVICE: Final = "/dev/kvm"
_MACHINES: Final = ("aarch64", "arm64")
#: From <linux/kvm.h>: _IO(KVMIO, 0x03), and a capability.
_KVM_CHECK_EXTENSION: Final = 0xAE03
_KVM_CAP_ARM_EL2: Final = 240
#: QEMU 10.0 refuses virtualization=on with KVM.
_OLDEST_WITH_EL2: Final = (10, 1)


@dataclass(frozen=True, slots=True)
class KvmHost:
    """KVM of a host."""

    trouble: str
    """Reason why it cannot run arm64 guests; empty if it can."""
    hint: str = ""
    """Fix for the trouble; empty if there is none."""
    command: str = ""
    """Shell command for the fix; empty if there is none."""
    has_el2: bool = False
    """Whether it supports guests at EL2."""


def probe(machine: str | None = None, device: str = _DEVICE) -> KvmHost:
    """Return the KVM of this host; `machine` is its architecture, by default from uname."""
    machine = machine or os.uname().machine
    if machine not in _MACHINES:
        return KvmHost(f"KVM runs arm64 guests on arm64 hosts only, and this host is {machine}")
    try:
        descriptor = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        trouble = f"{device}: {error.strerror}"
        if isinstance(error, FileNotFoundError):
            return KvmHost(trouble, "load the module kvm, or boot at EL2")
        command = 'sudo usermod -aG kvm "$(id -un)"'
        return KvmHost(trouble, f"give this user access, and log in again: {command}", command)
    try:
        return KvmHost("", has_el2=_check_extension(descriptor, _KVM_CAP_ARM_EL2))
    finally:
        os.close(descriptor)


def _check_extension(descriptor: int, capability: int) -> bool:
    from fcntl import ioctl

    with suppress(OSError):
        return ioctl(descriptor, _KVM_CHECK_EXTENSION, capability) > 0
    return False


def check(host: KvmHost) -> None:
    """Raise TargetUnavailableError if KVM cannot run arm64 guests."""
    if host.trouble:
        hint = host.hint or f"leave out ACCEL={NAME} and --target {NAME}: tcg runs anywhere"
        raise TargetUnavailableError(f"target {NAME}: {host.trouble}", hint)


@dataclass(frozen=True, slots=True)
class Kvm(QemuTarget):
    """QEMU with `-accel kvm -cpu host`; see `Target`."""

    host: KvmHost

    @property
    def name(self) -> str:
        """Name of the target."""
        return NAME

    @property
    def times_key(self) -> str:
        """Accelerator with its properties, and version of QEMU."""
        return f"{self.accelerator} {self.qemu.release}"

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        other = qemu_machine.unmet_need(self.qemu, test, self.accelerator)
        return other or next(filter(None, map(self._unmet, all_needs(test))), "")

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> "Launch":
        """Return the QEMU process that boots `image` for `test`, with -cpu host."""
        model, comma, features = test.cpu.partition(",")
        assert model == ANY_CPU  # noqa: S101 - any other is an unmet need
        choices = Choices(
            qemu_machine.accelerator_of(test, self.accelerator), f"host{comma}{features}"
        )
        return qemu_machine.launch(
            self.qemu, choices, test, image, log=log, timeout=timeout, inspect=inspect
        )

    def _unmet(self, need: "Need") -> str:
        if isinstance(need, ExceptionLevel2) and need.is_present:
            if not self.host.has_el2:
                return "needs EL2, and KVM of this host offers no nested virtualization"
            if self.qemu.version < _OLDEST_WITH_EL2:
                return f"needs EL2, which QEMU {self.qemu.release} does not offer with KVM"
        if isinstance(need, CpuModel) and need.model.partition(",")[0] != ANY_CPU:
            return f"needs {need}, and KVM offers the host's"
        return ""
