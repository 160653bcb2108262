# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `kvm-nested`: hosts that offer it, and runs with a stand-in for the VMM on such a host."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import realtree
from cases import case_of, definition
from conftest import Kut

from kut_runner.build.builder import Image
from kut_runner.errors import InfrastructureError, MissingToolError, TargetUnavailableError
from kut_runner.lab import assembly
from kut_runner.process.boot import ExitKind
from kut_runner.records.run_record import Run
from kut_runner.records.view import View
from kut_runner.run import engine
from kut_runner.run.options import RunOptions
from kut_runner.targets import kvm, kvm_nested, selection
from kut_runner.targets.kvm import KvmHost
from kut_runner.targets.kvm_nested import KvmNested
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

EL2 = (("virtualization", "on"), ("gic-version", "3"))
CAPABILITIES = "vmm: capability EL2 1\nvmm: capability EL2_E2H0 0\nvmm: capability SVE 0\n"
PASSES = "PASS: a\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n"
#: The VMM waits for a byte from its control file, then reports its vCPU.
HANGS = """
echo hello
while [ "$1" != --control ]; do shift; done
read -r word <"$2"
cat >&2 <<END
vmm: image 0x40080000
vmm: cpu 0 state running
vmm: cpu 0 pc=0x40081234 pstate=0x3c9 x0=0x10
vmm: end stopped
END
exit 124
"""


# Hosts.


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (kvm.probe("x86_64"), "KVM runs arm64 guests on arm64 hosts only"),
        (kvm.probe("aarch64", "/nonexistent"), "/nonexistent: No such file or directory"),
        (KvmHost(""), "KVM of this host offers no nested virtualization: it needs a CPU with"),
    ],
)
def test_a_host_that_does_not_offer_it_is_named(host: KvmHost, message: str) -> None:
    with pytest.raises(TargetUnavailableError) as raised:
        kvm_nested.check(host)
    assert raised.value.message.startswith(f"target kvm-nested: {message}")
    assert raised.value.hint


@pytest.mark.skipif(not kvm.probe().trouble, reason="this host may offer it")
def test_a_run_elsewhere_has_an_exit_code_of_its_own(kut: Kut) -> None:
    done = kut("run", "--target", "kvm-nested", "one")
    assert done.returncode == 8
    assert "kut: error: target kvm-nested: " in done.stderr
    done = kut("run", "--target", "kvm-nested", "--qemu", "q", "one")
    assert (done.returncode, "--qemu and --target kvm-nested contradict" in done.stderr) == (
        2,
        True,
    )


# A host that offers it, with a stand-in for the VMM.


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host with nested virtualization; the path of its VMM, which is yet to be written."""
    vmm = tmp_path / "kut-vmm"
    monkeypatch.setattr(kvm, "probe", lambda: KvmHost("", has_el2=True))
    monkeypatch.setattr(assembly, "vmm_program", lambda *_: vmm)
    return vmm


def opened(vmm: Path, script: str, environment: Mapping[str, str] | None = None) -> KvmNested:
    """The target with a VMM that runs a script, and says what KVM offers."""
    offers = f"[ \"$1\" = --capabilities ] && printf '%s' '{CAPABILITIES}' && exit\n"
    vmm.write_text(f"#!/bin/sh\n{offers}{script}")
    vmm.chmod(0o755)
    found = selection.open_target(
        "kvm-nested", None, tree=vmm.parent, definitions=(), environment=environment or {}
    )
    assert isinstance(found, KvmNested)
    return found


class Results(View):
    """The results of a run."""

    def __init__(self) -> None:
        self.results: Sequence[TestResult] = ()

    def on_end(self, run: Run) -> None:
        self.results = run.results


def run(target: KvmNested, image: Path | Image, **changes: object) -> TestResult:
    """Run a test on the target."""
    case = case_of(definition("t", machine=EL2, **changes), image, target)
    view = Results()
    engine.run([case], RunOptions(), [view], log_dir=target.vmm.parent)
    (result,) = view.results
    return result


def test_the_target_is_its_vmm_on_the_kernel_of_the_host(host: Path) -> None:
    target = opened(host, "")
    assert target.program == str(host)
    assert target.capabilities == {"EL2": 1, "EL2_E2H0": 0, "SVE": 0}
    assert target.version.startswith("Linux ")
    assert target.times_key == f"kvm-nested {target.version}"
    assert selection.exit_reader("kvm-nested", "").label == "the VMM"


def test_the_vmm_gets_the_machine_of_a_test_as_options(host: Path, tmp_path: Path) -> None:
    target = opened(host, "")
    test = definition(machine=EL2, smp=2, memory=64, args="a b", qemu_args=("-initrd", "/i"))
    launch = target.launch(test, case_of(test).image, tmp_path / "t.log", 3.0, inspect=False)
    options = ("--el2", "--smp", "2", "--memory", "64", "--args", "a b", "--initrd", "/i")
    assert launch.command == (str(host), *options, "/nonexistent/t")
    assert (launch.timeout, launch.stderr_path) == (3.0, tmp_path / "t.vmm")
    assert target.cost(test).cpus == 2.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cpu": "cortex-a35"}, "needs CPU cortex-a35, which KVM of this host does not offer"),
        ({"cpu": "neoverse-n1"}, "needs CPU neoverse-n1, which KVM of this host does not offer"),
        ({"smp": 65}, "needs 65 CPUs, and the VMM has at most 64"),
    ],
)
def test_other_machines_are_a_skip(host: Path, changes: dict[str, object], reason: str) -> None:
    result = run(opened(host, ""), Path("/nonexistent"), **changes)
    assert (result.status, result.verdict.reason) == (Status.SKIP, reason)


@pytest.mark.parametrize(
    ("script", "status", "cause", "reason"),
    [
        (f"printf '%s' '{PASSES}'\necho 'vmm: end power-off' >&2", "pass", Cause.PASSED, ""),
        (
            "echo 'vmm: error KVM_RUN failed: Bad address' >&2; exit 125",
            *("fail", Cause.KVM_FAILED, "KVM_RUN failed: Bad address"),
        ),
        (
            "echo 'vmm: error --sve needs KVM_CAP_ARM_SVE' >&2; exit 77",
            *("error", Cause.LAB_FAILED, "the VMM: --sve needs KVM_CAP_ARM_SVE"),
        ),
        ("exit 77", "error", Cause.REFUSED, "the VMM refused"),
        ("kill -SEGV $$", "error", Cause.KILLED, "the VMM crashed: SIGSEGV"),
    ],
)
def test_verdicts(host: Path, script: str, status: str, cause: Cause, reason: str) -> None:
    result = run(opened(host, script), Path("/nonexistent"))
    assert (result.status.value, result.verdict.cause) == (status, cause)
    assert result.verdict.reason.startswith(reason)


def test_after_a_timeout_the_vmm_reports_its_cpus(host: Path) -> None:
    result = run(opened(host, HANGS), Path("/nonexistent"), timeout=0.2)
    assert result.process_exit
    assert result.process_exit.kind is ExitKind.TIMED_OUT
    snapshot = result.process_exit.snapshot
    assert snapshot
    assert (snapshot.load, snapshot.trouble) == (0x40080000, "")
    assert snapshot.cpus[0].registers["pc"] == 0x40081234


def test_a_vmm_that_cannot_ask_kvm_is_an_error(host: Path) -> None:
    host.write_text("#!/bin/sh\necho 'vmm: error /dev/kvm cannot be opened'; exit 125\n")
    host.chmod(0o755)
    with pytest.raises(InfrastructureError, match="--capabilities failed: vmm: error /dev/kvm"):
        kvm_nested.open_target(host.parent, {})


def test_without_its_packages_there_is_no_vmm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kvm, "probe", lambda: KvmHost("", has_el2=True))
    with pytest.raises(MissingToolError, match="its packages are not fetched") as raised:
        kvm_nested.open_target(tmp_path, {"XDG_CACHE_HOME": str(tmp_path)})
    assert raised.value.hint == "`kut lab build --vmm`"


#: Boots the image of the VMM's command line on QEMU, with the options that matter to the test.
QEMU = """
import os, sys
options, image = sys.argv[1:-1], sys.argv[-1]
if "--control" in sys.argv:
    at = sys.argv.index("--control")
    options, image = sys.argv[1 : at - 1], sys.argv[at - 1]
value = {key: options[options.index(f"--{key}") + 1] for key in ("smp", "memory", "args")}
code = os.spawnvp(os.P_WAIT, "qemu-system-aarch64", [
    *("qemu-system-aarch64", "-nodefaults", "-display", "none", "-serial", "stdio"),
    *("-machine", "virt,virtualization=on,gic-version=3", "-cpu", "max", "-kernel", image),
    *("-smp", value["smp"], "-m", value["memory"], "-append", value["args"]),
])
sys.stderr.write("vmm: end power-off\\n")
"""


@pytest.mark.qemu
def test_a_real_image(host: Path, tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text(QEMU)
    target = opened(host, f'exec {sys.executable} {tmp_path}/boot.py "$@"\n')
    flat = realtree.build("selftest")
    image = Image("selftest", flat.with_suffix(".elf"), flat)
    result = run(target, image, smp=2, memory=128, args="smp=2 mem=128 el=2")
    assert result.status is Status.PASS
    assert "PASS: setup: mem: expected 128, found 128" in [c.line for c in result.output.checks]
