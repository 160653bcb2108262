# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets: selection, unmet needs, command lines."""

import os
import platform
from dataclasses import replace
from pathlib import Path

import pytest
import realtree
from cases import case_of, definition, tcg

from kut_runner.definitions.config import TestDef
from kut_runner.definitions.needs import Accelerator, QemuVersion, parse_accelerator
from kut_runner.errors import MissingToolError, TargetUnavailableError, UsageError
from kut_runner.process.boot import Launch
from kut_runner.targets import kvm, selection
from kut_runner.targets.kvm import Kvm, KvmHost
from kut_runner.targets.protocol import Target
from kut_runner.targets.qemu import Qemu

TCG = Accelerator("tcg")
EL2 = definition("el2", machine=(("virtualization", "on"), ("gic-version", "3")))
EL1 = definition("el1", machine=(("virtualization", "off"),))
THIS_IS_ARM = platform.machine() in ("aarch64", "arm64")


def kvm_target(
    version: tuple[int, int, int] = (11, 1, 0), *, has_el2: bool = True, properties: str = ""
) -> Kvm:
    """Return QEMU with KVM on a fictitious host."""
    host = KvmHost("", has_el2=has_el2)
    return Kvm(Qemu(Path("/q"), version), Accelerator("kvm", properties), host)


def launch(target: Target, test: TestDef, *, inspect: bool = False) -> Launch:
    case = case_of(test, target=target)
    return target.launch(test, case.image, Path("x.log"), 1.0, inspect=inspect)


def option(target: Target, test: TestDef, name: str) -> str:
    """Return the value of an option in the command line of a test."""
    command = launch(target, test).command
    assert command.count(name) == 1
    return command[command.index(name) + 1]


@pytest.mark.parametrize(
    ("name", "accel", "chosen"),
    [
        (None, None, ("tcg", TCG)),
        (None, "", ("tcg", TCG)),
        (None, "tcg", ("tcg", TCG)),
        (None, "tcg,thread=single", ("tcg", Accelerator("tcg", "thread=single"))),
        (
            None,
            "tcg,thread=single,tb-size=64",
            ("tcg", Accelerator("tcg", "thread=single,tb-size=64")),
        ),
        (None, "kvm", ("kvm", Accelerator("kvm"))),
        ("tcg", None, ("tcg", TCG)),
        ("kvm", None, ("kvm", Accelerator("kvm"))),
        ("kvm", "kvm,kernel-irqchip=off", ("kvm", Accelerator("kvm", "kernel-irqchip=off"))),
        ("stand-in", None, ("stand-in", None)),
        ("stand-in", "", ("stand-in", None)),
    ],
)
def test_which_target_is_selected(
    name: str | None, accel: str | None, chosen: tuple[str, Accelerator | None]
) -> None:
    environment = {} if accel is None else {"ACCEL": accel}
    assert selection.selected(name, environment) == chosen


@pytest.mark.parametrize(
    "accel",
    [
        "nonsense",
        "hvf",
        "TCG",
        "tcg,",
        ",tcg",
        "tcg thread=single",
        "tcg,thread",
        "tcg,a=b c",
        "tcg\n",
    ],
)
def test_an_accel_that_is_none_is_a_usage_error(accel: str) -> None:
    with pytest.raises(UsageError, match="ACCEL") as caught:
        selection.selected(None, {"ACCEL": accel})
    assert "give tcg or kvm" in caught.value.hint


@pytest.mark.parametrize(("name", "accel"), [("kvm", "tcg"), ("tcg", "kvm"), ("stand-in", "tcg")])
def test_a_target_and_an_accel_that_contradict_each_other(name: str, accel: str) -> None:
    with pytest.raises(UsageError, match=f"--target {name} and ACCEL={accel} contradict"):
        selection.selected(name, {"ACCEL": accel})


def test_an_unknown_target_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='no target is called "x"') as caught:
        selection.open_target("x", None, tree=tmp_path, definitions=(), environment={})
    assert caught.value.hint == "the targets are tcg, kvm, lab, kvm-nested"


def test_tcg() -> None:
    assert tcg(Path("/q"), (7, 2, 22)).times_key == "7.2.22", "the key before targets existed"
    target = tcg(Path("/q"), (7, 2, 22), "thread=single")
    assert (target.name, target.program, target.version) == ("tcg", "/q", "7.2.22")
    assert target.times_key == "7.2.22 thread=single"
    assert option(target, EL2, "-accel") == "tcg,thread=single"
    assert option(target, EL2, "-cpu") == "max"
    own = replace(EL2, accelerator=Accelerator("tcg", "tb-size=64"), cpu="cortex-a57")
    plain = tcg(Path("/q"), (7, 2, 22))
    assert option(plain, own, "-accel") == "tcg,tb-size=64"
    assert option(plain, own, "-cpu") == "cortex-a57"
    assert (target.unmet_need(EL2), plain.unmet_need(own)) == ("", "")
    assert target.unmet_need(own) == (
        "needs accelerator tcg,tb-size=64, and this is tcg,thread=single"
    )
    any_tcg = replace(EL2, accelerator=Accelerator("tcg"))
    assert (option(target, any_tcg, "-accel"), target.unmet_need(any_tcg)) == (
        "tcg,thread=single",
        "",
    )
    assert target.unmet_need(replace(EL2, accelerator=Accelerator("kvm"))) == (
        "needs accelerator kvm, and this is tcg,thread=single"
    )
    assert target.unmet_need(replace(EL2, skip="not here")) == "not here"


def test_one_thread_for_all_cpus_is_for_tcg_and_what_the_user_selects_wins() -> None:
    single = replace(EL2, smp=4, threads="single")
    plain = tcg(Path("/q"), (7, 2, 22))
    assert option(plain, single, "-accel") == "tcg,thread=single"
    assert (plain.cost(single).cpus, plain.cost(replace(EL2, smp=4)).cpus) == (1, 4)
    small = tcg(Path("/q"), (7, 2, 22), "tb-size=64")
    assert option(small, single, "-accel") == "tcg,tb-size=64,thread=single"
    multi = tcg(Path("/q"), (7, 2, 22), "thread=multi")
    assert option(multi, single, "-accel") == "tcg,thread=multi"
    assert multi.cost(single).cpus == 4
    assert option(kvm_target(), single, "-accel") == "kvm"


def test_kvm_runs_on_the_cpu_of_the_host() -> None:
    target = kvm_target(properties="kernel-irqchip=on")
    assert (target.name, target.program, target.version) == ("kvm", "/q", "11.1.0")
    assert target.times_key == "kvm,kernel-irqchip=on 11.1.0", "its times are not those of tcg"
    assert option(target, EL2, "-accel") == "kvm,kernel-irqchip=on"
    assert option(target, EL2, "-cpu") == "host"
    assert option(target, EL2, "-machine") == "virt,virtualization=on,gic-version=3"
    assert option(target, replace(EL2, cpu="max,sve=off"), "-cpu") == "host,sve=off"
    assert "tcg" not in " ".join(launch(target, EL2).command)


@pytest.mark.parametrize(
    ("target", "test", "reason"),
    [
        (kvm_target(), EL2, ""),
        (kvm_target(), EL1, ""),
        (kvm_target((10, 1, 0)), EL2, ""),
        (kvm_target((10, 0, 9)), EL2, "needs EL2, which QEMU 10.0.9 does not offer with KVM"),
        (kvm_target((10, 0, 9)), EL1, ""),
        (
            kvm_target(has_el2=False),
            EL2,
            "needs EL2, and KVM of this host offers no nested virtualization",
        ),
        (kvm_target(has_el2=False), EL1, ""),
        (kvm_target(), replace(EL2, cpu="max,sve=off"), ""),
        (kvm_target(), replace(EL2, cpu="host"), "needs CPU host, and KVM offers the host's"),
        (
            kvm_target(),
            replace(EL2, cpu="cortex-a72"),
            "needs CPU cortex-a72, and KVM offers the host's",
        ),
        (
            kvm_target(),
            replace(EL2, cpu="maximal"),
            "needs CPU maximal, and KVM offers the host's",
        ),
        (
            kvm_target(),
            replace(EL2, accelerator=TCG),
            "needs accelerator tcg, and this is kvm",
        ),
        (kvm_target(), replace(EL2, accelerator=Accelerator("kvm", "dirty-ring-size=64")), ""),
        (
            kvm_target(),
            replace(EL2, needs=(QemuVersion((12,)),)),
            "needs qemu>=12, and this is QEMU 11.1.0",
        ),
        (kvm_target(), replace(EL1, skip="not here"), "not here"),
    ],
)
def test_what_kvm_cannot_run(target: Kvm, test: TestDef, reason: str) -> None:
    assert target.unmet_need(test) == reason


@pytest.mark.parametrize("target", [tcg(Path("/q")), kvm_target()])
def test_qemu_is_inspected_only_when_asked(target: Target) -> None:
    assert launch(target, EL2, inspect=True).inspector
    assert not launch(target, EL2, inspect=False).inspector


def test_a_host_of_another_architecture_has_no_kvm_for_arm64() -> None:
    host = kvm.probe("x86_64", "/dev/null")
    assert host.trouble == "KVM runs arm64 guests on arm64 hosts only, and this host is x86_64"
    with pytest.raises(TargetUnavailableError, match="this host is x86_64") as caught:
        kvm.check(host)
    assert caught.value.exit_code == 8
    assert "tcg runs anywhere" in caught.value.hint


def test_a_host_without_the_device(tmp_path: Path) -> None:
    host = kvm.probe("aarch64", str(tmp_path / "kvm"))
    assert host.trouble == f"{tmp_path}/kvm: No such file or directory"
    with pytest.raises(TargetUnavailableError, match="No such file") as caught:
        kvm.check(host)
    assert "load the module kvm" in caught.value.hint


@pytest.mark.skipif(not os.geteuid(), reason="root may open anything")
def test_a_device_that_may_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "kvm").touch(mode=0)
    host = kvm.probe("aarch64", str(tmp_path / "kvm"))
    assert host.trouble == f"{tmp_path}/kvm: Permission denied"
    assert "usermod -aG kvm" in host.hint


def test_a_kernel_that_does_not_know_the_capability_offers_no_el2() -> None:
    """/dev/null can be opened, but has no ioctls of KVM."""
    assert kvm.probe("arm64", "/dev/null") == KvmHost("", has_el2=False)


def test_the_kernel_says_if_it_offers_el2(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ioctl(_descriptor: int, request: int, argument: int) -> int:
        asked.append((request, argument))
        return 1

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    assert kvm.probe("aarch64", "/dev/null").has_el2
    assert asked == [(0xAE03, 240)], "KVM_CHECK_EXTENSION of KVM_CAP_ARM_EL2 in <linux/kvm.h>"


def test_no_qemu_is_looked_for_where_kvm_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def select(host: KvmHost) -> Target:
        monkeypatch.setattr(kvm, "probe", lambda: host)
        return selection.open_target(
            "kvm", None, tree=tmp_path, definitions=(), environment={"PATH": str(tmp_path)}
        )

    with pytest.raises(TargetUnavailableError):
        select(KvmHost("none here"))
    with pytest.raises(MissingToolError):
        select(KvmHost(""))


DEFINITIONS = """
[defaults]
image = "selftest"
args = "smp=1 mem=128 el=2"
groups = ["nodefault"]
[test.small]
[test.for-kvm]
accel = "kvm"
[test.single]
accel = "tcg,thread=single"
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = realtree.linked(tmp_path_factory.mktemp("tree"), DEFINITIONS)
    assert realtree.kut(top, "build", "selftest").returncode == 0
    return top


@pytest.mark.qemu
@pytest.mark.skipif(THIS_IS_ARM, reason="this host may have a KVM for arm64")
@pytest.mark.parametrize(
    ("args", "env"),
    [((), {"ACCEL": "kvm"}), (("--target", "kvm"), {}), (("--target", "kvm"), {"ACCEL": "kvm"})],
)
@pytest.mark.parametrize("command", [("run",), ("debug", "--wait"), ("watch",)], ids=" ".join)
def test_kvm_on_another_host_is_an_exit_code_of_its_own(
    tree: Path, command: tuple[str, ...], args: tuple[str, ...], env: dict[str, str]
) -> None:
    end = realtree.kut(tree, *command, "small", *args, env=env)
    assert (end.returncode, end.stdout) == (8, "")
    host = f"KVM runs arm64 guests on arm64 hosts only, and this host is {platform.machine()}\n"
    assert f"target kvm: {host}" in end.stderr
    assert "tcg runs anywhere" in end.stderr


@pytest.mark.qemu
def test_a_test_for_another_accelerator_is_a_skip(tree: Path) -> None:
    end = realtree.kut(tree, "run", "for-kvm", "small")
    assert end.returncode == 0
    results = {test["id"]: test for test in realtree.last_run(tree)["tests"]}
    skipped = results["for-kvm"]
    assert (skipped["status"], skipped["cause"]) == ("skip", "unmet-need")
    assert skipped["reason"] == "needs accelerator kvm, and this is tcg"
    assert {test["target"] for test in results.values()} == {"tcg"}
    assert realtree.kut(tree, "run", "for-kvm").returncode == 4, "one that ran nothing is no pass"


@pytest.mark.qemu
def test_properties_of_the_accelerator_reach_qemu(tree: Path) -> None:
    env = {"ACCEL": "tcg,thread=single"}
    assert realtree.kut(tree, "run", "small", env=env).returncode == 0
    run = realtree.last_run(tree)
    argv = run["tests"][0]["qemu"]["argv"]
    assert argv[argv.index("-accel") + 1] == "tcg,thread=single"
    assert (run["target"], run["options"]["accel"]) == ("tcg", "tcg,thread=single")
    assert realtree.kut(tree, "run", "single").returncode == 0
    run = realtree.last_run(tree)
    argv = run["tests"][0]["qemu"]["argv"]
    assert argv[argv.index("-accel") + 1] == "tcg,thread=single"
    assert "accel" not in run["options"], "it is the test's own"


@pytest.mark.qemu
def test_a_run_again_has_the_same_accelerator(tree: Path) -> None:
    env = {"ACCEL": "tcg,thread=single"}
    assert realtree.kut(tree, "run", "small", "--timeout", "0.001", env=env).returncode == 1
    assert realtree.kut(tree, "rerun").returncode == 1
    argv = realtree.last_run(tree)["tests"][0]["qemu"]["argv"]
    assert argv[argv.index("-accel") + 1] == "tcg,thread=single"
    assert realtree.kut(tree, "rerun", env={"ACCEL": "kvm"}).returncode == 1, "whatever is set now"


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        ((), {"ACCEL": "nonsense"}, "$ACCEL: 'nonsense' is not an accelerator"),
        (("--target", "kvm"), {"ACCEL": "tcg"}, "--target kvm and ACCEL=tcg contradict each other"),
        (("--target", "none"), {}, 'no target is called "none"'),
    ],
)
def test_what_is_no_target_is_a_usage_error(
    tree: Path, args: tuple[str, ...], env: dict[str, str], message: str
) -> None:
    end = realtree.kut(tree, "run", "small", *args, env=env)
    assert end.returncode == 2
    assert message in end.stderr


@pytest.mark.parametrize("text", ["kvm,accel=tcg", "tcg,thread=single,accel=kvm", "tcg,", "TCG"])
def test_an_accelerator_cannot_name_another_one(text: str) -> None:
    """QEMU takes `-accel kvm,accel=tcg`, and runs TCG."""
    assert parse_accelerator(text) is None
    with pytest.raises(UsageError, match=r"^\$ACCEL: '"):
        selection.selected(None, {"ACCEL": text})
