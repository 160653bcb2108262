# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands of the ITS as text: each field of a command is in the line that is printed for it."""

import re
from pathlib import Path

import pytest
import realtree

pytestmark = pytest.mark.qemu

#: The lines of `gic-its`: of its setup, then of its subtest `verbose`.
EXPECTED = [
    r"MAPD device 2 EventID bits 5 ITT 0x[0-9a-f]+ valid 1",
    r"MAPC collection 1 target 0 valid 1",
    r"MAPC collection 2 target 0x10000 valid 1",
    r"MAPTI device 2 event 7 INTID 8195 collection 1",
    r"INV device 2 event 7",
    r"INT device 2 event 7",
    r"CLEAR device 2 event 7",
    r"MOVI device 2 event 7 collection 2",
    r"MOVALL target 0 to target 0x10000",
    r"INVALL collection 2",
    r"SYNC target 0x10000",
    r"DISCARD device 2 event 7",
]


def test_each_command_is_printed_with_its_fields(tmp_path: Path) -> None:
    results = realtree.run(tmp_path, "gic-its")
    log = realtree.ROOT / str(results["tests"][0]["log"])
    lines = [line for line in log.read_text().splitlines() if line.startswith("ITS: ")]
    assert len(lines) == len(EXPECTED), lines
    for line, pattern in zip(lines, EXPECTED, strict=True):
        assert re.fullmatch(f"ITS: {pattern}", line), (line, pattern)


#: Commands of version 4 are printed only when the ITS does not take them.
VIRTUAL = {
    "vmapp": r"VMAPP target 0 vPE 5 VPT 0x[0-9a-f]+ INTID bits 14 valid 1",
    "vmapti": r"VMAPTI device 2 event 7 vPE 5 vINTID 8195 doorbell 8196",
    "vmovi": r"VMOVI device 2 event 7 vPE 5 new doorbell 0 doorbell 0",
}


@pytest.mark.parametrize("command", VIRTUAL)
def test_a_command_of_version_4_that_is_not_taken_is_printed_with_its_fields(command: str) -> None:
    image, machine = realtree.build("misbehave"), "virt,virtualization=on,gic-version=4"
    output = realtree.boot(image, f"its-stopped-{command}", machine=machine)[1]
    (line,) = re.findall("^ABORT: ITS: (.*): expected GITS_CREADR ", output, re.MULTILINE)
    assert re.fullmatch(VIRTUAL[command], line)
