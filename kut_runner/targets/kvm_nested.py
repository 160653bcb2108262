# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `kvm-nested`: images as guests of the KVM of an arm64 host, run by the VMM of the lab.

It is the lab without emulation: the VMM is started on the host, whose KVM and CPU are the system
under test. The host needs nested virtualization: FEAT_NV2, and Linux 6.16 or later with
`kvm-arm.mode=nested`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from kut_runner.definitions.config import KVM_NESTED
from kut_runner.errors import InfrastructureError, MissingToolError, TargetUnavailableError
from kut_runner.process.boot import Launch
from kut_runner.process.program import call
from kut_runner.process.resources import Resources
from kut_runner.targets import kvm, lab_harness, lab_needs, lab_report
from kut_runner.targets.lab_inspection import LabInspector
from kut_runner.targets.protocol import ExitMeaning

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.targets.kvm import KvmHost

#: MiB of the VMM in addition to the memory of its machine.
_OVERHEAD: Final = 16
#: Seconds for the VMM to ask KVM.
_TIME_LIMIT: Final = 20.0
#: Exit statuses of the VMM; see `kut_runner/lab/vmm/report.h`.
_POWER_OFF: Final = 0
_REFUSALS: Final = (2, 77)
_LAB: Final = "--target lab emulates such a host"


class VmmExits:
    """Interpreter of the exit status of the VMM; see `ExitReader`."""

    @property
    def label(self) -> str:
        """Name of the program in messages."""
        return "the VMM"

    def meaning(
        self,
        code: int,
        *,
        stderr: str,  # noqa: ARG002 - the harness reads the report
        has_output: bool,  # noqa: ARG002 - the status is clear
        exit_status: int | None,  # noqa: ARG002 - likewise
    ) -> ExitMeaning:
        """Interpret exit status `code`."""
        if code == _POWER_OFF:
            return ExitMeaning.POWERED_OFF
        return ExitMeaning.REFUSED if code in _REFUSALS else ExitMeaning.FAILED


@dataclass(frozen=True, slots=True)
class KvmNested(VmmExits):
    """The VMM on an arm64 host; see `Target`."""

    vmm: "Path"
    release: str
    """Release of the host's kernel, as uname prints it."""
    capabilities: Mapping[str, int]
    """Capabilities of its KVM, by the VMM's names."""

    @property
    def name(self) -> str:
        """Name of the target."""
        return KVM_NESTED

    @property
    def program(self) -> str:
        """Path of the VMM."""
        return str(self.vmm)

    @property
    def version(self) -> str:
        """Version of the host's kernel, whose KVM is tested."""
        return f"Linux {self.release}"

    @property
    def properties(self) -> str:
        """No properties."""
        return ""

    @property
    def times_key(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    def unmet_need(self, test: "TestDef") -> str:
        """Return the reason why `test` cannot run on this target, "" if it can."""
        return lab_needs.unmet(test, None, self.capabilities, "KVM of this host")

    def launch(
        self, test: "TestDef", image: "Image", log: "Path", timeout: float, *, inspect: bool
    ) -> Launch:
        """Return the VMM that boots `image`."""
        options = lab_needs.vmm_options(test, lab_needs.initrd(test))
        return Launch(
            (self.program, *options, str(image.flat)),
            log,
            timeout,
            stderr=lab_harness.files_of(log).report,
            inspector=partial(_Inspector, log) if inspect else None,
            harness=partial(lab_harness.LabHarness, None, log),
        )

    def cost(self, test: "TestDef") -> Resources:
        """Return the CPUs and the memory of the VMM."""
        return Resources(float(test.smp), test.memory + _OVERHEAD)


class _Inspector(LabInspector):
    """Asks the VMM through a pipe to stop; its exit closes the socket of `LabInspector`."""

    def __init__(self, log: "Path") -> None:
        super().__init__("", log)
        self._reader, self._writer = os.pipe()

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (*super().descriptors, self._reader)

    @property
    def options(self) -> tuple[str, ...]:
        return ("--control", f"/dev/fd/{self._reader}")

    def _send(self, request: bytes) -> None:
        os.write(self._writer, request)

    def close(self) -> None:
        super().close()
        os.close(self._reader)
        os.close(self._writer)


def check(host: "KvmHost") -> None:
    """Raise TargetUnavailableError if KVM of a host does not offer nested virtualization."""
    if host.trouble:
        raise TargetUnavailableError(f"target {KVM_NESTED}: {host.trouble}", host.hint or _LAB)
    if not host.has_el2:
        raise TargetUnavailableError(
            f"target {KVM_NESTED}: KVM of this host offers no nested virtualization: it needs a CPU"
            " with FEAT_NV2, and Linux 6.16 or later booted with kvm-arm.mode=nested",
            _LAB,
        )


def open_target(tree: "Path", environment: Mapping[str, str]) -> KvmNested:
    """Return the target; raises TargetUnavailableError if the host does not offer it.

    Raises MissingToolError if `kut lab build --vmm` has not been run, and what the build of the VMM
    raises.
    """
    check(kvm.probe())
    from kut_runner.lab import assembly

    try:
        vmm = assembly.vmm_program(tree, environment)
    except MissingToolError as error:
        raise MissingToolError(error.message, "`kut lab build --vmm`") from None
    return KvmNested(vmm, os.uname().release, _capabilities(vmm))


def _capabilities(vmm: "Path") -> Mapping[str, int]:
    """Return what KVM offers; raises InfrastructureError if the VMM does not say."""
    outcome = call((str(vmm), "--capabilities"), _TIME_LIMIT)
    if outcome.code != _POWER_OFF:
        raise InfrastructureError(
            f"target {KVM_NESTED}: {vmm} --capabilities failed: {outcome.output}",
            "it needs access to /dev/kvm",
        )
    return lab_report.capabilities(outcome.output)
