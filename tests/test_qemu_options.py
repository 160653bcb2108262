# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of QEMU from archives and from unittests.cfg: what is accepted, and what is refused."""

import shlex
from pathlib import Path
from typing import Any

import cases
import pytest

from kut_runner.bundle import qemu_options
from kut_runner.definitions.needs import parse_accelerator

ACCEPTED = (
    "",
    # The arm64 tests of kvm-unit-tests.
    "-m 256",
    "-machine gic-version=2",
    "-machine gic-version=3",
    "-machine mte=on",
    "-icount 0",
    # Their devices, with either number of dashes.
    "-device virtio-serial-device -device virtconsole,chardev=ctd",
    "--chardev testdev,id=ctd --device pci-testdev",
    # Other machines, CPUs and memory.
    "-M virt-7.2,iommu=smmuv3,highmem_ecam=off",
    "-cpu max,sve=off,sve128=on -smp 4,sockets=2,cores=2,maxcpus=8 -m size=1G,slots=2,maxmem=4G",
    "-object memory-backend-ram,id=low,size=500M,host-nodes=0 -numa node,memdev=low,cpus=0-1",
    "-device pcie-root-port,id=p,romfile= -device virtio-net-pci,bus=p,host_mtu=1500",
    "-device loader,addr=0x40000000,data=1,data-len=4",
    "-device virtio-net-pci,mac=52:54:00:12:34:56,addr=1.0,mq=on -device virtio-mem-pci,memdev=m",
    "-device pcie-root-port,x-speed=2_5,x-width=4,chassis=0x1,bus=pcie.0 -device usb-kbd,id=k",
    "-device virtio-iommu-pci,granule=4k -device pxb-pcie,bus_nr=4,numa_node=0",
    "-device e1000e -device edu -device pvpanic-pci -device cortex-a57-arm-cpu",
    "-global virtio-mmio.force-legacy=false -global pcie-root-port.romfile=",
    "-global driver=virtio-net-pci,property=mq,value=on",
    "-append 'a=/etc/passwd,b' -name 'a test' -icount shift=1,sleep=off,align=off",
    "-rtc base=2006-06-17,clock=vm -action panic=none -overcommit cpu-pm=on",
    "-nodefaults -no-reboot -display none -net none -serial none -usb",
)

#: Options, and the part that is refused.
REFUSED = (
    # Programs.
    ("-incoming 'exec:touch /tmp/x'", "-incoming"),
    ("--incoming defer", "-incoming"),
    ("-plugin x.so", "-plugin"),
    ("-net user,smb=/", "-net user,smb=/"),
    ("-netdev tap,id=n,script=x.sh", "-netdev"),
    ("-device vfio-pci,host=01:00.0", "-device vfio-pci"),
    # Files.
    ("-D /tmp/log", "-D"),
    ("-d int", "-d"),
    ("-trace file=x", "-trace"),
    ("-pidfile x", "-pidfile"),
    ("-readconfig x", "-readconfig"),
    ("-set device.a.romfile=x", "-set"),
    ("-drive file=/etc/passwd", "-drive"),
    ("-blockdev file,filename=x,node-name=n", "-blockdev"),
    ("disk.img", '"disk.img" (a disk image)'),
    ("''", '"" (a disk image)'),
    ("-bios x", "-bios"),
    ("-pflash x", "-pflash"),
    ("-acpitable file=x", "-acpitable"),
    ("-smbios file=x", "-smbios"),
    ("-fw_cfg name=opt/a,file=x", "-fw_cfg"),
    ("-L .", "-L"),
    ("-loadvm x", "-loadvm"),
    ("-mem-path x", "-mem-path"),
    ("-virtfs local,path=/,mount_tag=a,security_model=none", "-virtfs"),
    ("-semihosting-config enable=on", "-semihosting-config"),
    ("-machine dumpdtb=x", "-machine dumpdtb=x"),
    ("-machine virt,,x,firmware=x", "-machine firmware=x"),
    ("-M virt,kernel=/boot/vmlinuz", "-M kernel=/boot/vmlinuz"),
    ("-device pci-testdev,romfile=x", "-device pci-testdev,romfile=x"),
    ("-device pci-testdev,romfile", "-device pci-testdev,romfile=on"),
    ("-device pci-testdev,noromfile", "-device pci-testdev,romfile=off"),
    ("-device pci-testdev,addr=1,driver=loader,file=x", "-device pci-testdev,file=x"),
    ("-device addr=1,driver=guest-loader", "-device guest-loader"),
    ("-device loader,file=x", "-device loader,file=x"),
    ("-device usb-mtp,rootdir=/", "-device rootdir=/"),
    ("-device usb-kbd,pcap=x", "-device usb-kbd,pcap=x"),
    ("-device usb-kbd,pcap=1", "-device usb-kbd,pcap=1"),
    ("-device usb-kbd,unknown=x", "-device usb-kbd,unknown=x"),
    ("-device virtio-net-pci,ebpf-rss-fds=3", "-device virtio-net-pci,ebpf-rss-fds=3"),
    ("-global usb-kbd.pcap=x", "-global usb-kbd.pcap"),
    ('-device \'{"driver":"usb-mtp"}\'', '-device driver={"driver":"usb-mtp"}'),
    # JSON that kut could take for an "edu".
    (
        """-device '{"desc":"a=1,driver=edu,b","driver":"usb-mtp","rootdir":"/"}'""",
        '-device {"desc":"a=1',
    ),
    ("""-object '{"a=1,id=b":"c","qom-type":"secret"}'""", '-object {"a=1'),
    ("-machine virt,a/b", "-machine a/b=on"),
    ("-global pcie-root-port.romfile=,x", "-global pcie-root-port.romfile"),
    ("-global cfi.pflash01.drive=x", "-global cfi.pflash01.drive"),
    ("-global loader.file=x", "-global loader.file"),
    ("-global driver=e1000,property=romfile,value=x", "-global e1000.romfile"),
    ("-global driver=e1000,property=mac,value=x,property=romfile", "-global e1000.romfile"),
    ("-object rng-random,id=r,filename=/dev/x", "-object filename=/dev/x"),
    ("-object secret,id=s,file=x", "-object secret"),
    ("-object id=o,qom-type=filter-dump,file=x", "-object filter-dump"),
    (
        "-object memory-backend-ram,id=m,size=1T,prealloc=on",
        "-object memory-backend-ram,prealloc=on",
    ),
    ("-object memory-backend-file,id=m,size=1M,mem-path=x", "-object memory-backend-file"),
    ("-chardev file,id=c,path=x", "-chardev file"),
    ("-chardev pipe,id=c,path=x", "-chardev pipe"),
    ("-chardev null,id=c,logfile=x", "-chardev null,logfile=x"),
    ("-chardev id=c,backend=udp,port=1", "-chardev udp"),
    ("-icount shift=0,rr=record,rrfile=x", "-icount rr=record"),
    # Sockets, and what would change QEMU or kut itself.
    ("-monitor stdio", "-monitor stdio"),
    ("-qmp tcp::1", "-qmp"),
    ("-gdb tcp::1", "-gdb"),
    ("-s", "-s"),
    ("-serial file:x", "-serial file:x"),
    ("-serial mon:stdio", "-serial mon:stdio"),
    ("-nic user", "-nic user"),
    ("-add-fd fd=3,set=1", "-add-fd"),
    ("-sandbox off", "-sandbox"),
    ("-runas root", "-runas"),
    ("-chroot /", "-chroot"),
    ("-daemonize", "-daemonize"),
    ("-device virtconsole,chardev=kut-monitor", "-device chardev=kut-monitor"),
    # Not an option, and an option without its value.
    ("-m=256", "-m=256"),
    ("---m 256", "--m"),
    ("-append x -m", "-m without a value"),
    # An option in the place of a value is that value.
    ("-append -m -D x", "-D"),
)


@pytest.mark.parametrize("options", ACCEPTED)
def test_accepted(options: str, tmp_path: Path) -> None:
    assert not qemu_options.refusal(shlex.split(options), tmp_path)


@pytest.mark.parametrize(("options", "refused"), REFUSED)
def test_refused(options: str, refused: str, tmp_path: Path) -> None:
    assert qemu_options.refusal(shlex.split(options), tmp_path) == refused


@pytest.mark.parametrize("option", ["-initrd", "-dtb"])
def test_files_are_below_the_tree(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    (tree / "data").mkdir(parents=True)
    (tree / "link").symlink_to("/etc/passwd")
    monkeypatch.chdir(tree / "data")
    for path in ("file", "../file", str(tree / "data/file")):
        assert not qemu_options.refusal((option, path), tree)
    for path in ("../../file", "/etc/passwd", "../link", "a\0b", str(tree) + "2/file"):
        assert qemu_options.refusal((option, path), tree).startswith(f"{option} ")


def test_a_long_option_is_cut(tmp_path: Path) -> None:
    refused = qemu_options.refusal(("-chardev", f"null,path={'x' * 1000}"), tmp_path)
    assert len(refused) == 80
    assert refused.endswith("...")


def test_cpu_machine_and_accelerator_of_a_definition_are_checked(tmp_path: Path) -> None:
    def refused(**changes: Any) -> str:  # noqa: ANN401 - of TestDef
        return qemu_options.machine_refusal(cases.definition(**changes), tmp_path)

    assert not refused()
    assert not refused(machine=(("virtualization", "on"),), cpu="max,sve=off")
    assert refused(machine=(("firmware", "x"),)) == "-machine firmware=x"
    assert refused(cpu="a/b") == "-cpu model=a/b"
    assert not refused(accelerator=parse_accelerator("tcg,thread=single"))
    assert refused(accelerator=parse_accelerator("kvm,device=x")) == "-accel kvm,device=x"


def test_only_the_test_with_the_option_has_a_problem(tmp_path: Path) -> None:
    tests = (cases.definition("good"), cases.definition("bad", qemu_args=("-D", "x")))
    good, bad = qemu_options.without_refused(tests, tmp_path)
    assert good == tests[0]
    assert bad.problem.startswith("QEMU option -D is refused: ")
    assert "--trust" in bad.problem
