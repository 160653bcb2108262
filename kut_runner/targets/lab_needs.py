# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that the VMM of the lab offers, and its options for the machine of a test."""

from typing import TYPE_CHECKING, Final

from kut_runner.definitions.implied_needs import (
    ANY_CPU,
    CpuModel,
    ExceptionLevel2,
    GicVersion,
    MachineProperty,
    QemuOptions,
    all_needs,
)
from kut_runner.definitions.needs import QemuVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kut_runner.definitions.config import TestDef
    from kut_runner.definitions.implied_needs import Need
    from kut_runner.targets.qemu import Qemu

#: Models of CPUs without VHE: the VMM has a vCPU like them.
_WITHOUT_VHE: Final = ("cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72")
#: Features of `ANY_CPU` that the VMM can leave out, and its options for that.
_FEATURES: Final = {
    "pmu=off": ("--without", "pmu"),
    "pauth=off": ("--without", "pauth"),
    "sve=off": (),
    "sve=on": ("--sve",),
}
#: Options of QEMU that tests of kvm-unit-tests have, which run without these devices too.
_UNUSED: Final = (
    ("-device", "virtio-serial-device"),
    ("-device", "virtconsole,chardev=ctd"),
    ("-chardev", "testdev,id=ctd"),
    ("-device", "pci-testdev"),
)
_INITRD: Final = "-initrd"
_GICS: Final = ("3", "max", "host")
#: Most CPUs of the VMM, and most memory that a test gets, in MiB.
_MOST_CPUS: Final = 64
_MOST_MEMORY: Final = 1 << 15


def unmet(
    test: "TestDef", qemu: "Qemu | None", capabilities: "Mapping[str, int]", place: str
) -> str:
    """Return the reason why `test` cannot run on the VMM, "" if it can.

    `qemu` is the QEMU that emulates the CPUs, None for those of the host. `capabilities` are those
    of KVM, by the VMM's names; `place` is what offers them, as in "this lab".
    """
    if limit := test.skip or _exceeded(test):
        return limit
    offers = frozenset(name for name, value in capabilities.items() if value)
    for need in all_needs(test):
        if isinstance(need, QemuVersion) and qemu and qemu.version < need.oldest:
            return f"needs {need}, and this is QEMU {qemu.release}"
        if not _is_met(need, test, offers):
            return f"needs {need}, which {place} does not offer"
    return ""


def _exceeded(test: "TestDef") -> str:
    """Return what is larger than a machine of the lab can be, "" for nothing."""
    if test.smp > _MOST_CPUS:
        return f"needs {test.smp} CPUs, and the VMM has at most {_MOST_CPUS}"
    if test.memory > _MOST_MEMORY:
        return f"needs {test.memory} MiB, and this target has at most {_MOST_MEMORY}"
    return "needs a topology of CPUs, which the VMM does not have" if test.topology else ""


def _is_met(need: "Need", test: "TestDef", offers: frozenset[str]) -> bool:
    match need:
        case ExceptionLevel2():
            return not need.is_present or "EL2" in offers
        case CpuModel():
            return _is_cpu_met(need, test, offers)
        case GicVersion():
            return need.version in _GICS
        case MachineProperty():
            return need.key == "its"
        case QemuOptions():
            return all(name == _INITRD for name, _ in _options(need.options))
    return isinstance(need, QemuVersion)  # neither an accelerator nor a harness


def _is_cpu_met(need: CpuModel, test: "TestDef", offers: frozenset[str]) -> bool:
    model, _, features = need.model.partition(",")
    if model in _WITHOUT_VHE and not features and has_el2(test):
        return "EL2_E2H0" in offers
    return model == ANY_CPU and all(each in _FEATURES for each in features.split(","))


def initrd(test: "TestDef") -> str:
    """Return the path of the initrd of a test that the lab can run, "" without one."""
    return dict(_options(test.qemu_args)).get(_INITRD, "")


def vmm_options(test: "TestDef", initrd: str) -> "Iterator[str]":
    """Yield the options of the VMM for the machine of a test; `initrd` is a file, "" for none."""
    model, _, features = test.cpu.partition(",")
    if has_el2(test):
        yield "--e2h0" if model in _WITHOUT_VHE else "--el2"
    yield from ("--smp", str(test.smp), "--memory", str(test.memory))
    if test.args:
        yield from ("--args", test.args)
    if initrd:
        yield from ("--initrd", initrd)
    if dict(test.machine).get("its") == "off":
        yield from ("--without", "its")
    for feature in features.split(",") if features else ():
        yield from _FEATURES[feature]


def has_el2(test: "TestDef") -> bool:
    """Return whether a test wants a machine with EL2."""
    needs = (each for each in all_needs(test) if isinstance(each, ExceptionLevel2))
    return any(each.is_present for each in needs)


def _options(words: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return options of QEMU with their values, without those in `_UNUSED`.

    An option without a value takes the next one for it; neither is one that the lab has.
    """
    pairs = zip(words[::2], (*words[1::2], ""), strict=False)
    return tuple(pair for pair in pairs if pair not in _UNUSED)
