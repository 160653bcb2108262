# SPDX-License-Identifier: GPL-2.0-or-later
"""The library and the guest framework: real images on a real QEMU."""

import re
from pathlib import Path

import pytest
import realtree
import reserved_memory

pytestmark = pytest.mark.qemu

TESTDEV = (
    *("-device", "virtio-serial-device", "-device", "virtconsole,chardev=ctd"),
    *("-chardev", "testdev,id=ctd"),
)


@pytest.fixture(scope="module")
def selftest() -> Path:
    return realtree.build("selftest")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_default_suite_passes(compiler: str, tmp_path: Path) -> None:
    results = realtree.run(tmp_path, "--compiler", compiler)
    bad = {
        test["id"]: test["reason"]
        for test in results["tests"]
        if test["status"] != "pass" and not test["reason"].startswith("needs qemu>=")
    }
    assert not bad
    assert results["exit_code"] == 0
    assert len(results["tests"]) >= 14


def test_without_el2_guests_are_a_skip_with_its_reason(tmp_path: Path) -> None:
    results = realtree.run(tmp_path, "stage2-el1", "guest-vectors-el1")
    assert [test["status"] for test in results["tests"]] == ["skip", "skip"]
    assert all("not at EL2" in test["reason"] for test in results["tests"])
    assert results["exit_code"] == 4


@pytest.mark.parametrize("code", [0, 1, 5, 38, 63])
def test_exit_code_on_the_line_and_through_the_testdev(selftest: Path, code: int) -> None:
    """Both versions of virtio-mmio; without the device QEMU itself ends with 0."""
    status = code << 1 | 1
    for options in (TESTDEV, (*TESTDEV, "-global", "virtio-mmio.force-legacy=false")):
        assert realtree.boot(selftest, f"exit {code}", *options) == (
            status,
            f"EXIT: STATUS={status}\n",
        )
    assert realtree.boot(selftest, f"exit {code}")[0] == 0


#: Writes of registers of virtio-mmio, as OFFSET=VALUE (Virtual I/O Device v1.2, 3.1.1 and 4.2.3)
RESET, QUEUE = "70=0 70=3 24=0 20=0", "30=1 38=2"
ADDRESSES = "80=* 84=0 90=* 94=0 a0=* a4=0"


@pytest.mark.parametrize(
    ("legacy", "writes"),
    [
        ("true", f"{RESET} 28=1000 {QUEUE} 3c=40 40=* 70=7 50=1"),
        ("false", f"{RESET} 24=1 20=1 70=b {QUEUE} {ADDRESSES} 44=1 70=f 50=1"),
    ],
)
def test_the_testdev_is_started_as_virtio_prescribes(
    selftest: Path, tmp_path: Path, legacy: str, writes: str
) -> None:
    """QEMU's device does not insist on all of it."""
    trace = tmp_path / "trace"
    options = [
        *("-global", f"virtio-mmio.force-legacy={legacy}", "-D", str(trace)),
        # QEMU 10 takes notifications by an eventfd, which the trace does not show
        *("-global", "virtio-mmio.ioeventfd=off"),
    ]
    realtree.boot(selftest, "exit 0", *TESTDEV, *options, "-trace", "virtio_mmio_write_offset")
    found = re.findall(r"offset 0x([0-9a-f]+) value 0x([0-9a-f]+)", trace.read_text())
    expected = [tuple(each.split("=")) for each in writes.split()]
    assert [offset for offset, _ in found] == [offset for offset, _ in expected]
    for (_, value), (offset, wanted) in zip(found, expected, strict=True):
        assert wanted in {value, "*"}, (offset, value)


def test_abort_is_status_127() -> None:
    image = realtree.build("misbehave")
    assert realtree.boot(image, "abort", *TESTDEV)[0] == 127


def test_arguments_and_environment(selftest: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    environment.write_text("OTHER=1\nKUT_TEST=a value")
    args = """arguments  plain 'two words' "it's" k='a b'c"""
    output = realtree.boot(selftest, args, "-initrd", str(environment))[1]
    given = re.findall(r"argv\[\d\] = \[(.*)\]", output)
    assert given[1:] == ["arguments", "plain", "two words", "it's", "k=a bc"]
    assert "KUT_TEST = [a value]" in output


def test_what_is_typed(selftest: Path) -> None:
    line = "more than the sixteen bytes that the UART holds, by far"
    output = realtree.boot(selftest, "typed", typed=f"{line}\n".encode())[1]
    assert f"PASS: typed: [{line}]" in output


@pytest.mark.parametrize("cpus", [1, 8])
@pytest.mark.parametrize("gic", [2, 3])
def test_boot_finds_the_machine_in_the_device_tree(selftest: Path, gic: int, cpus: int) -> None:
    machine = f"virt,virtualization=on,gic-version={gic}"
    args = f"smp={cpus} mem=256 el=2"
    output = realtree.boot(selftest, args, "-smp", str(cpus), machine=machine)[1]
    assert f"smp: expected {cpus}, found {cpus}" in output
    assert "EXIT: STATUS=1" in output


@pytest.mark.parametrize("virtualization", ["on", "off"])
def test_the_elf_file_boots_as_the_image_does(selftest: Path, virtualization: str) -> None:
    """A debugger wants the file with the symbols; QEMU hands it no device tree in x0."""
    machine = f"virt,virtualization={virtualization},gic-version=3"
    output = realtree.boot(
        selftest.with_suffix(".elf"), "smp=2 mem=256", "-smp", "2", machine=machine
    )[1]
    assert "smp: expected 2, found 2" in output
    assert "EXIT: STATUS=1" in output


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ([4] * 64, "PASS: setup: mem: expected 256, found 256"),
        ([4] * 63 + [2] * 2, "too_large: more than 512 CPUs or 64 regions of memory"),
    ],
)
def test_regions_of_memory_have_a_limit(selftest: Path, sizes: list[int], line: str) -> None:
    """QEMU's device tree has a region for each NUMA node."""
    options = []
    for node, size in enumerate(sizes):
        options += ["-object", f"memory-backend-ram,id=m{node},size={size}M"]
        options += ["-numa", f"node,memdev=m{node}"]
    assert f"{line}\n" in realtree.boot(selftest, "mem=256", *options)[1]


def test_reserved_memory_is_not_allocated(selftest: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree.dtb"
    reserved, disabled = (0x48000000, 0x123000), (0x4A000000, 0x10000)
    reserved_memory.write_tree(
        tree, realtree.MACHINE, 256, {reserved: "okay", disabled: "disabled"}
    )
    for (start, size), inside in ((reserved, 0), (disabled, disabled[1] // 4096)):
        args = f"reserved {start:#x} {size:#x}"
        _, output = realtree.boot(selftest, args, "-dtb", str(tree))
        assert f"{size:#x} bytes reserved from {start:#x}: expected 0, found {inside}\n" in output
        pages = re.search(r"of all (\d+) pages", output)
        assert pages
        assert 60_000 < int(pages[1]) < 65_536


def test_dump_of_an_unhandled_exception() -> None:
    """An unhandled exception: everything that says where and why, on lines of its own."""
    output = realtree.boot(realtree.build("misbehave"), "exception")[1]
    for line in (
        r"Load address: [0-9a-f]+",
        r"PC: [0-9a-f]+ PC offset: [0-9a-f]+",
        r"Vector: 4 \(ELxH_SYNC\)",
        r"ESR_EL2: +[0-9a-f]{8}, ec=0x25 \(data abort: translation fault, level 0, read\)",
        r"FAR_EL2: 00000dead0000000",
        r"Exception frame registers:",
        r"x1 : 00000dead0000000 x0 : [0-9a-f]{16}",
        r"\tSTACK: @[0-9a-f]+( [0-9a-f]+){3,}",
        r"EXIT: STATUS=127",
    ):
        assert re.search(f"^{line}$", output, re.MULTILINE), line


def test_dump_of_an_exception_without_an_address() -> None:
    output = realtree.boot(realtree.build("misbehave"), "undefined")[1]
    for line in (
        r"ESR_EL2: +02000000, ec=0 \(unknown reason \(undefined instruction\): ISS 0\)",
        r"FAR_EL2: not valid for this class",
    ):
        assert re.search(f"^{line}$", output, re.MULTILINE), line


def test_an_unhandled_exit_is_printed_decoded() -> None:
    output = realtree.boot(realtree.build("guest-handlers"), "default")[1]
    for line in (
        r"guest: exit HVC: #0x1",
        r"guest: PC 0x[0-9a-f]+, image offset 0x[0-9a-f]+",
        r"guest: x0  [0-9a-f]{16} x1  [0-9a-f]{16} x2  [0-9a-f]{16} x3  [0-9a-f]{16}",
    ):
        assert re.search(f"^INFO: default: {line}$", output, re.MULTILINE), line


def test_a_guest_prints_through_an_emulated_uart() -> None:
    output = realtree.boot(realtree.build("guest-mmio"), "uart")[1]
    assert "INFO: uart: guest's PL011: hello from a guest\n" in output


def test_the_number_of_list_registers_is_read_once(tmp_path: Path) -> None:
    """GICH_VTR (GICv2, offset 0x4) is read at set-up, not in every turn of a loop over them."""
    trace = tmp_path / "trace"
    machine = "virt,virtualization=on,gic-version=2"
    options = ("-smp", "2", "-trace", "gic_hyp_read", "-D", str(trace))
    status, output = realtree.boot(realtree.build("guest-virq"), "hw", *options, machine=machine)
    assert (status, "EXIT: STATUS=1" in output) == (0, True)
    reads = re.findall(r"gic_hyp_read .* at 0x([0-9a-f]+)", trace.read_text())
    assert len(reads) > 20
    assert [int(address, 16) for address in reads].count(4) == 1


def test_what_pci_probe_refuses_is_printed() -> None:
    """A BAR of 16 GiB where all windows are below 4 GiB, and a machine without a host bridge."""
    image = realtree.build("pci")
    machine = "virt,virtualization=on,gic-version=3,highmem=off"
    output = realtree.boot(
        image, "testdev", "-device", "pci-testdev,addr=8,membar=16G", machine=machine
    )[1]
    assert (
        "PCI: no address for 00:08.0 1b36:0005 BAR 2: 0x400000000 bytes of 64-bit prefetchable"
        " memory\n" in output
    )
    assert "pci-testdev: BAR 0 has no address\n" in output
    output = realtree.boot(image, "host-bridge")[1]
    assert "PCI: no pci-host-ecam-generic in the device tree\n" in output


def test_pci_functions_are_printed() -> None:
    output = realtree.boot(realtree.build("pci"), "print", "-device", "edu,addr=2")[1]
    for line in (
        r"00:02.0 1234:11e8 class 00ff00 header 00",
        r"\tMSI at 0x40",
        r"\tBAR 0: 32-bit memory at 0x[0-9a-f]+, 0x100000 bytes",
    ):
        assert re.search(f"^{line}$", output, re.MULTILINE), line
