# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `lab`: its machines, command lines, and what reports and kernel logs mean."""

import os
import socket
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
from cases import case_of, definition
from test_lab_parts import entries

from kut_runner.definitions.config import TestDef
from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.diagnose.explain import explain
from kut_runner.lab.kernel import Kernel
from kut_runner.process.harness import Finding, FindingKind
from kut_runner.process.snapshot import Cpu
from kut_runner.targets import lab_harness, lab_report, selection
from kut_runner.targets.lab import Lab
from kut_runner.targets.lab_boot import BootedLab
from kut_runner.targets.lab_inspection import LabInspector
from kut_runner.targets.qemu import Qemu
from kut_runner.verdict.guest_output import GuestOutput

EL2 = (("virtualization", "on"), ("gic-version", "3"))
#: Options of tests of kvm-unit-tests.
TESTDEV = ("-device", "virtio-serial-device", "-device", "pci-testdev")
CAPABILITIES = {"EL2": 1, "EL2_E2H0": 1, "SVE": 1}
STOPPED = """vmm: image 0x40080000
vmm: cpu 0 state running
vmm: cpu 0 pc=0x40081234 pstate=0x3c9 SP_EL0=0x1 SP_EL1=0x2
vmm: cpu 0 x0=0x10 x29=0x40090000 x30=0x40081230
vmm: cpu 0 HCR_EL2=0x80000000 ESR_EL2=0x96000045 SP_EL2=0x40091000
vmm: cpu 0 before 0xd503207f
vmm: cpu 0 stack 0x40081230 0x40080100
vmm: cpu 1 state off
vmm: cpu 1 pc=0x0 pstate=0x3c5
vmm: end stopped
vmm: status 124
"""
POWERED_OFF = "vmm: end power-off\nvmm: status 0\n"
OOPS = """[    5.119] Unable to handle kernel NULL pointer dereference at virtual address 8
[    5.120] Mem abort info:
"""


def target(capabilities: dict[str, int] | None = None, state: Path | None = None) -> Lab:
    kernel = Kernel("7.3", Path("/lab/vmlinuz"), "7.3.4+deb13-arm64", "digest")
    offered = CAPABILITIES if capabilities is None else capabilities
    booted = BootedLab(offered, state)
    return Lab("lab", Qemu(Path("/q"), (11, 1, 3)), kernel, Path("/lab/initramfs"), booted)


def test_the_version_names_what_is_tested() -> None:
    assert target().version == "Linux 7.3.4+deb13-arm64, QEMU 11.1.3"
    assert target().times_key == "lab Linux 7.3.4+deb13-arm64, QEMU 11.1.3"


@pytest.mark.parametrize(
    "test",
    [
        definition(machine=EL2),
        definition(machine=(("virtualization", "off"), ("gic-version", "max"))),
        definition(machine=(*EL2, ("its", "off"))),
        definition(machine=EL2, cpu="cortex-a35"),
        definition(machine=EL2, cpu="max,pmu=off,pauth=off,sve=on"),
        definition(machine=EL2, qemu_args=("-initrd", "/file")),
        definition(machine=EL2, qemu_args=(*TESTDEV, "-initrd", "/file")),
        definition(machine=EL2, smp=64, needs=(QemuVersion((8, 0)),)),
    ],
)
def test_machines_of_the_lab(test: TestDef) -> None:
    assert target().unmet_need(test) == ""


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (definition(machine=(("gic-version", "2"),)), "needs GICv2, which this lab does not offer"),
        (definition(machine=EL2, cpu="neoverse-n1"), "needs CPU neoverse-n1, which"),
        (definition(cpu="cortex-a35"), "needs CPU cortex-a35, which"),
        (definition(cpu="max,lpa2=off"), "needs CPU max,lpa2=off, which"),
        (definition(machine=(("mte", "on"),)), "needs QEMU's machine property mte=on, which"),
        (definition(qemu_args=("-device", "x")), "needs QEMU's options -device x, which"),
        (definition(qemu_args=("-usb",)), "needs QEMU's options -usb, which"),
        (definition(qemu_args=("-usb", "-initrd", "/f")), "needs QEMU's options -usb -initrd"),
        (definition(migration=True), "needs migration, which"),
        (definition(panic=True), "needs the report of a panic, which"),
        (definition(accelerator=Accelerator("tcg")), "needs tcg, which"),
        (definition(needs=(QemuVersion((12, 0)),)), "needs qemu>=12.0, and this is QEMU 11.1.3"),
        (definition(smp=65), "needs 65 CPUs, and the VMM has at most 64"),
        (definition(memory=1 << 16), "needs 65536 MiB, and this target has at most 32768"),
        (definition(topology="threads=2"), "needs a topology of CPUs"),
        (definition(skip="no reason"), "no reason"),
    ],
)
def test_other_machines_are_a_skip(test: TestDef, reason: str) -> None:
    assert target().unmet_need(test).startswith(reason)


@pytest.mark.parametrize(("cpu", "missing"), [("max", "EL2"), ("cortex-a35", "EL2_E2H0")])
def test_a_kernel_without_nested_virtualization_skips_tests_at_el2(cpu: str, missing: str) -> None:
    test = definition(machine=EL2, cpu=cpu)
    assert target({**CAPABILITIES, missing: 0}).unmet_need(test)
    el1 = definition(machine=(("virtualization", "off"),))
    assert target({}).unmet_need(el1) == ""


@pytest.mark.parametrize(
    ("test", "options"),
    [
        (definition(machine=EL2), "--el2 --smp 1 --memory 128"),
        (definition(machine=EL2, cpu="cortex-a35"), "--e2h0 --smp 1 --memory 128"),
        (definition(smp=2, args="a 'b c'"), "--smp 2 --memory 128 --args 'a '\"'\"'b c'\"'\"''"),
        (definition(machine=(("its", "off"),)), "--smp 1 --memory 128 --without its"),
        (
            definition(cpu="max,pmu=off,sve=on,sve=off"),
            "--smp 1 --memory 128 --without pmu --sve",
        ),
    ],
)
def test_the_files_of_a_test(tmp_path: Path, test: TestDef, options: str) -> None:
    image = tmp_path / "image"
    image.write_bytes(b"image")
    found = harness(tmp_path, test, image)
    assert found["image"][1] == b"image"
    assert found["command"][1].decode() == (
        f"/bin/kut-vmm {options} --control /dev/vport0p4 image\n"
    )


def test_an_initrd_is_among_them(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(b"image")
    (tmp_path / "initrd").write_bytes(b"initrd")
    test = definition(qemu_args=(*TESTDEV, "-initrd", str(tmp_path / "initrd")))
    found = harness(tmp_path, test, tmp_path / "image")
    assert found["initrd"][1] == b"initrd"
    assert b" --initrd initrd " in found["command"][1]


def harness(
    directory: Path, test: TestDef, image: Path
) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """Return the entries of the archive that the harness of a test writes, and then removes."""
    log = directory / "t.log"
    launch = target().launch(test, case_of(test, image).image, log, 1.0, inspect=False)
    assert launch.harness
    made = launch.harness(Mock())
    found = entries((directory / "t.files").read_bytes())
    made.close()
    made.close()
    assert not (directory / "t.files").exists()
    return found


def test_the_command_line_of_a_test() -> None:
    test = definition(machine=EL2)
    log = Path("/log/a,b.log")
    launch = target().launch(test, case_of(test).image, log, 2.0, inspect=True)
    line = " ".join(launch.command)
    assert "-kernel /lab/vmlinuz -initrd /lab/initramfs" in line
    assert "-icount shift=2,sleep=off" in line
    assert "path=/log/a,,b.vmm" in line
    assert "id=control" not in line
    assert launch.timeout == 20.0
    plain = target().launch(test, case_of(test).image, log, 2.0, inspect=False)
    assert plain.command == (*launch.command, "-chardev", "null,id=control")
    assert plain.inspector is None


def test_a_saved_lab_is_the_same_machine_without_a_kernel() -> None:
    test = definition(machine=EL2)
    log = Path("/log/t.log")
    saved = target(state=Path("/lab/state"))
    commands = (
        each.launch(test, case_of(test).image, log, 2.0, inspect=True).command
        for each in (target(), saved)
    )
    booting, restoring = (list(each) for each in commands)
    at = booting.index("-kernel")
    assert booting[at + 2 : at + 5 : 2] == ["-initrd", "-append"]
    assert restoring == [*booting[:at], "-incoming", "file:/lab/state", *booting[at + 6 :]]


def test_results_of_a_lab_are_read_as_those_of_qemu() -> None:
    for name in ("lab", "lab@6.18", "lab@./Image"):
        assert selection.label(name) == "QEMU"
        assert selection.exit_reader(name, "/q").label == "QEMU"
    assert selection.label("laboratory") == "laboratory"


def test_a_report_of_stopped_cpus() -> None:
    report = lab_report.parse(STOPPED)
    assert (report.end, report.error, report.status) == ("stopped", "", 124)
    assert report.load == 0x40080000
    first, second = report.cpus
    assert first.registers["pc"] == 0x40081234
    assert first.registers["cpsr"] == 0x3C9
    assert first.registers["sp"] == 0x40091000
    assert first.registers["ESR_EL2"] == 0x96000045
    assert "pstate" not in first.registers
    assert (first.is_halted, first.before) == (True, 0xD503207F)
    assert first.stack == (0x40081230, 0x40080100)
    assert (second.number, second.is_halted, second.before) == (1, True, None)


def test_it_is_explained_as_that_of_qemu() -> None:
    report = lab_report.parse(STOPPED)
    found = explain(GuestOutput(), report.snapshot())
    assert found
    assert found.headline.startswith("hangs in ")
    assert found.cpus[0].state == "asleep in WFI at EL2"
    assert found.cpus[1].state == "off: never started"
    assert {each.name for each in found.cpus[0].registers} >= {"PC", "PSTATE", "ESR_EL2", "SP"}


def test_an_error_of_kvm_is_the_headline() -> None:
    report = lab_report.parse(STOPPED.replace("end stopped", "error KVM_RUN failed with error 14"))
    found = explain(GuestOutput(), report.snapshot())
    assert found
    assert found.headline.startswith("KVM_RUN failed with error 14, in ")


@pytest.mark.parametrize(
    "text",
    ["", "vmm:", "vmm: cpu", "vmm: cpu x state off", "vmm: cpu 0 pc=0xzz", "vmm: status x", "a\0b"],
)
def test_a_garbled_report_is_no_error(text: str) -> None:
    report = lab_report.parse(text)
    assert (report.end, report.error, report.status, report.load) == ("", "", None, None)
    assert all(cpu.registers == {} for cpu in report.cpus)


@pytest.mark.parametrize(
    ("kernel_log", "report", "expected"),
    [
        ("", POWERED_OFF, None),
        ("", STOPPED, None),
        ("", "", None),
        (
            OOPS,
            POWERED_OFF,
            (FindingKind.BROKEN, "kernel-log", "Unable to handle kernel NULL pointer"),
        ),
        ("[  9.1] kvm [91]: Unsupported guest sys_reg access at: 4\n", POWERED_OFF, None),
        ("[  9.1] kvm [92]: Unknown exception class: esr: 0x76000000\n", POWERED_OFF, None),
        (
            "[  9.1] kvm [91]: Failed to do it\n",
            POWERED_OFF,
            (FindingKind.BROKEN, "kernel-log", ""),
        ),
        (
            "",
            "vmm: error KVM_RUN failed with error 14\nvmm: status 125\n",
            (FindingKind.BROKEN, "kvm-failed", "KVM_RUN failed with error 14"),
        ),
        (
            "",
            "vmm: cpu 3 state stuck\nvmm: end stopped\nvmm: status 124\n",
            (FindingKind.BROKEN, "kvm-failed", "KVM did not let go of CPU 3"),
        ),
        (
            "",
            "vmm: error image does not fit into the guest's memory\nvmm: status 125\n",
            (FindingKind.FAILED, "lab-failed", "the VMM: image does not fit"),
        ),
        (
            "kut-lab: error: the files of the test did not arrive\r\n",
            "",
            (FindingKind.FAILED, "lab-failed", "the lab: the files of the test did not arrive"),
        ),
        ("", "vmm: status 139\n", (FindingKind.FAILED, "lab-failed", "with status 139")),
    ],
)
def test_findings(
    kernel_log: str, report: str, expected: tuple[FindingKind, str, str] | None
) -> None:
    found = lab_harness.finding(kernel_log, report)
    if expected is None:
        assert found is None
        return
    kind, cause, text = expected
    assert isinstance(found, Finding)
    assert (found.kind, found.cause) == (kind, cause)
    assert text in found.text


def test_the_inspector_asks_the_vmm_and_ends_with_its_qemu(tmp_path: Path) -> None:
    inspector = LabInspector("control", tmp_path / "t.log")
    (name,) = inspector.descriptors
    assert inspector.options == ("-chardev", f"socket,id=control,fd={name}")
    with socket.socket(fileno=os.dup(name)) as vmm:
        inspector.on_started()
        before = inspector.snapshot
        ends: list[bool] = []
        (source,) = inspector.begin(lambda: ends.append(True))
        assert vmm.recv(100) == b"stop\n"
        (tmp_path / "t.vmm").write_text(STOPPED)
        vmm.send(b"noise")
        assert source.read() is None
    assert (before, ends) == (None, [])
    assert source.read() == 0
    assert ends == [True]
    snapshot = inspector.snapshot
    assert snapshot
    assert [cpu.number for cpu in snapshot.cpus] == [0, 1]
    assert snapshot.trouble == ""
    inspector.close()


def test_an_inspection_that_gets_no_answer_says_so(tmp_path: Path) -> None:
    inspector = LabInspector("control", tmp_path / "t.log")
    inspector.on_started()
    inspector.begin(lambda: None)
    inspector.give_up()
    snapshot = inspector.snapshot
    assert snapshot
    assert snapshot.trouble == "the VMM did not report within 30 s"
    inspector.close()


def test_a_crash_of_kvm_has_a_snapshot_without_an_inspection(tmp_path: Path) -> None:
    inspector = LabInspector("control", tmp_path / "t.log")
    (tmp_path / "t.vmm").write_text(STOPPED.replace("end stopped", "error KVM_RUN failed"))
    snapshot = inspector.snapshot
    assert snapshot
    assert snapshot.error == "KVM_RUN failed"
    assert isinstance(replace(snapshot).cpus[0], Cpu)
    inspector.close()
