# SPDX-License-Identifier: GPL-2.0-or-later
"""Decoding of syndromes: equal to the C library; register names equal to the assembler."""

import re
import subprocess
from pathlib import Path

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.build.toolchain import find_program
from kut_runner.diagnose import syndrome, sysregs

OLD = "stage 2, or an old TLB entry of it, maps IPA 0x1008 without "
U64 = st.integers(0, 2**64 - 1)


@pytest.mark.qemu
def test_the_words_are_those_of_the_c_library() -> None:
    _, output = realtree.boot(realtree.build("selftest"), "syndromes")
    pairs = re.findall(r"^INFO: esr (0x[0-9a-f]+|0) (.*?)\r?$", output, re.MULTILINE)
    assert len(pairs) > 1000
    assert {syndrome.esr_class(int(esr, 16)) for esr, _ in pairs} == {*range(64)}
    assert [(esr, syndrome.esr_summary(int(esr, 16))) for esr, _ in pairs] == pairs


@pytest.mark.parametrize(
    ("esr", "state"),
    [
        (0x93C18007, "stage 2 does not map IPA 0x1008"),
        (0x82000005, "stage 2 does not map IPA 0x1008"),
        (0x93C18087, "stage 2 does not map the stage-1 table in the page at IPA 0x1000"),
        (0x93C1800B, "stage 2 maps IPA 0x1008 with the access flag clear"),
        (0x93C1800F, OLD + "read permission"),
        (0x93C1804F, OLD + "write permission"),
        (0x8200000F, OLD + "execute permission"),
        (0x9200014F, ""),  # cache maintenance has WnR set
        (0x9200008F, ""),  # HCR_EL2.PTW has this fault too
        (0x92000021, ""),  # alignment
        (0x92000010, ""),  # external abort
    ],
)
def test_an_abort_shows_the_state_of_stage_2(esr: int, state: str) -> None:
    assert syndrome.describe_stage2_fault(esr, 0x1008) == state


@given(U64)
def test_any_value_has_words(value: int) -> None:
    assert syndrome.describe_esr(value).startswith(syndrome.esr_summary(value))
    assert syndrome.describe_spsr(value)
    assert syndrome.describe_hpfar(value, value)
    assert 0 <= syndrome.level_of(value) <= 3


@pytest.mark.parametrize(
    ("esr", "text"),
    [
        (0x97C18004, "data abort: translation fault, level 0, read; 8 bytes into x1"),
        (0x9205004F, "data abort from a lower EL: permission fault, level 3, write"),
        (0x935F404F, "data abort from a lower EL: permission fault, level 3, write; 2 bytes from"),
        (0x92000C10, "data abort from a lower EL: synchronous external abort, read; FAR is not"),
        (0x82000006, "instruction abort from a lower EL: translation fault, level 2, fetch"),
        (0x5A000042, "HVC: #0x42"),
        (0x5E000000, "SMC: #0"),
        (0x06000001, "trapped WFI, WFE, WFIT or WFET: ISS 0x1; WFE"),
        (0x62300061, "trapped system register or instruction: read of S3_0_C0_C0_0, x3; MIDR_EL1"),
        (0x623CD064, "trapped system register or instruction: write of"),
        (0x72000000, "pointer authentication failure: ISS 0; instruction, key A"),
        (0x36000002, "branch target: ISS 0x2; BTYPE 2"),
        (0x3A000000, "illegal execution state: ISS 0"),
        (0xBE000011, "SError: ISS 0x11; uncontainable"),
        (0xD2000062, "watchpoint from a lower EL: ISS 0x62; write"),
        (0xCA000022, "software step from a lower EL: ISS 0x22"),
        (0xF2000001, "BRK: #0x1 (a trap of the compiler's: undefined behaviour?)"),
    ],
)
def test_what_a_syndrome_says(esr: int, text: str) -> None:
    assert syndrome.describe_esr(esr).startswith(text)


@pytest.mark.parametrize(
    ("spsr", "text"),
    [
        (0x3C9, "EL2h, DAIF masked"),
        (0x600003C5, "EL1h, DAIF masked, ZC set"),
        (0x80000000, "EL0t, N set"),
        (0x1003C5, "EL1h, DAIF masked, illegal state (IL)"),
        (0x1D3, "AArch32 Supervisor, AIF masked"),
    ],
)
def test_what_a_processor_state_says(spsr: int, text: str) -> None:
    assert syndrome.describe_spsr(spsr) == text


def test_the_ipa_of_a_fault() -> None:
    assert syndrome.describe_hpfar(0x4000) == "the fault is in the page at IPA 0x400000"
    assert syndrome.describe_hpfar(0x4000, 0xABC123) == "the fault is at IPA 0x400123"


def test_names_are_the_assemblers(tmp_path: Path) -> None:
    """The disassembler has the same name for each encoding, or a generic one."""
    objdump = find_program("aarch64-linux-gnu-objdump", {"PATH": "/usr/bin:/usr/local/bin"})
    if not objdump:
        pytest.skip("needs aarch64-linux-gnu-objdump")
    known = [
        *sorted(sysregs._names()),
        *((2, 0, 0, n, op2) for n in range(16) for op2 in range(4, 8)),
        *((3, 3, 14, 8 + n, 5) for n in range(7)),
    ]
    code = tmp_path / "code"
    code.write_bytes(b"".join(encode(each).to_bytes(4, "little") for each in known))
    listing = subprocess.run(
        [objdump, "-D", "-b", "binary", "-m", "aarch64", code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    named = 0
    for each in known:
        shown = re.findall(rf"^.*\t{encode(each):08x} \t(.*)$", listing, re.MULTILINE)[0]
        text = " ".join(shown.split("//")[0].replace(", x3", "").replace("x3, ", "").split())
        text = re.sub("^(mrs|msr) ", "", text).upper()
        if re.match(r"S\d_|SYS", text):
            continue
        named += 1
        assert text == sysregs.name(each).upper()
    assert named > len(known) * 0.9


def encode(encoding: sysregs.Encoding) -> int:
    """Return an instruction with x3: MRS, MSR for write-only registers, or SYS."""
    op0, op1, crn, crm, op2 = encoding
    writes = op0 == 1 or sysregs.name(encoding) in WRITE_ONLY
    read = 0 if writes else 1 << 21
    return 0xD5000003 | read | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5


WRITE_ONLY = {
    *("OSLAR_EL1", "ICC_EOIR0_EL1", "ICC_EOIR1_EL1", "ICC_DIR_EL1", "ICC_SGI1R_EL1"),
    *("ICC_ASGI1R_EL1", "ICC_SGI0R_EL1", "PMSWINC_EL0"),
}
