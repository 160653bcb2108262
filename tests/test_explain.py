# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagnoses of crashes and hangs on a real QEMU: every kind of dump and of hang.

The images use the C library of this source tree: a change of its dumps that the decoder does not
follow fails here.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.diagnose import explain as explain_module
from kut_runner.diagnose.explain import Elf, explain
from kut_runner.process.snapshot import Cpu, RepeatedExit, Snapshot
from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import GuestOutput, collect

DUMP = Path(__file__).with_name("golden") / "crash-exception.log"


@dataclass(frozen=True, slots=True)
class Case:
    """Expected diagnosis of an image, for any compiler."""

    name: str
    kind: str
    headline: str
    functions: tuple[str, ...]
    """Functions of arm/misbehave.c and arm/misbehave/ on the stack, in order."""
    source: str
    """Source line of the innermost one."""
    bottom: str = "start_image"
    """A function further out on the stack, "" if it is truncated."""
    registers: tuple[str, ...] = ()
    """Decoded registers."""


ABORT = r"data abort: translation fault, level 0, read(; \d bytes? into [wx]\d+)?"
AT = r"arm/misbehave(/[a-z-]+)?\.c:\d+( \(inlined\))?"
EXCEPTION = ("ESR_EL2", "SPSR_EL2", "PC")
GUEST_EXIT = ("ESR_EL2", "HPFAR_EL2", "SPSR_EL2", "PC")
CASES = [
    Case(
        "misbehave-exception",
        "exception",
        rf"{ABORT}; address 0xdead0000000, in load_from\(\) at {AT}",
        ("load_from", "exception", "main"),
        'report_info("read %lx", *address);',
        registers=EXCEPTION,
    ),
    Case(
        "misbehave-exception-el1",
        "exception",
        rf"{ABORT}; address 0xdead0000000, in load_from\(\) at {AT}",
        ("load_from", "exception", "main"),
        'report_info("read %lx", *address);',
        registers=("ESR_EL1", "SPSR_EL1", "PC"),
    ),
    Case(
        "misbehave-handler-exception",
        "exception",
        rf"{ABORT}; address 0xdead0000000, in load_from\(\) at {AT}",
        ("load_from", "load_in_handler", "handler_exception", "main"),
        'report_info("read %lx", *address);',
        registers=EXCEPTION,
    ),
    Case(
        "misbehave-guest-exit",
        "exception",
        r"guest: data abort from a lower EL: translation fault, level \d, read; 8 bytes into x\d+;"
        rf" address 0x123456000, IPA 0x123456000, in load_from\(\) at {AT}",
        ("load_from", "guest_load", "unhandled_exit", "main"),
        'report_info("read %lx", *address);',
        registers=GUEST_EXIT,
    ),
    Case(
        "misbehave-guest-unchecked",
        "exception",
        rf"guest: data abort from a lower EL: .*, in load_from\(\) at {AT}",
        ("load_from", "guest_load", "unchecked_exit", "main"),
        'report_info("read %lx", *address);',
        registers=GUEST_EXIT,
    ),
    Case(
        "misbehave-guest-code",
        "exception",
        r"guest: data abort from a lower EL: permission fault, level 3, write; \d bytes? from wzr;"
        rf" address (0x[0-9a-f]+), IPA \1, in guest_write_code\(\) at {AT}",
        ("guest_write_code", "guest_code", "main"),
        "",
        registers=GUEST_EXIT,
    ),
    Case(
        "misbehave-guest-deep",
        "exception",
        rf"guest: data abort from a lower EL: .*, in load_from\(\) at {AT}",
        ("load_from", *("guest_level",) * 5, "guest_deep_main", "guest_deep", "main"),
        'report_info("read %lx", *address);',
        registers=GUEST_EXIT,
    ),
    Case(
        "misbehave-guest-assert",
        "assert",
        r"arm/misbehave/guest-calls\.c:\d+: assert failed: answer == 42: in a guest, answer is 41",
        ("check_answer", "guest_assert_main", "guest_assertion", "main"),
        'assert_msg(answer == 42, "in a guest, answer is %d", answer);',
    ),
    Case(
        "misbehave-guest-abort",
        "abort",
        r"ABORT: cannot go on in a guest",
        ("check_answer", "guest_abort_main", "guest_abort", "main"),
        'report_abort("cannot go on in a guest");',
    ),
    Case(
        "misbehave-guest-own-handler",
        "assert",
        r"arm/misbehave/guest-calls\.c:\d+: assert failed: !esr: in a guest's own handler",
        ("guest_handler", "guest_undefined", "guest_own_handler", "main"),
        """assert_msg(!esr, "in a guest's own handler");""",
    ),
    Case(
        "misbehave-guest-bad-string",
        "abort",
        r"ABORT: a guest prints the string at 0x123456000, where it cannot read memory",
        ("guest_string_main", "guest_bad_string", "main"),
        "puts((const char *)ADDRESS);",
    ),
    Case(
        "misbehave-guest-stack",
        "stack",
        r"guest: stack overflow: data abort from a lower EL: translation fault, level 3, write.*"
        rf" IPA 0x[0-9a-f]+, in recurse\(\) at {AT}",
        (*("recurse",) * 21, "guest_stack_overflow", "main"),
        "",
        registers=GUEST_EXIT,
    ),
    Case(
        "misbehave-guest-opaque",
        "exception",
        r"guest: HVC: #0xff90, in guest_call\(\) at lib/arm64/guest-el1-code\.S:\d+",
        ("guest_printf_main", "guest_opaque", "main"),
        'printf("printed in a guest that is opaque\\n");',
    ),
    Case(
        "misbehave-guest-hvc",
        "exception",
        rf"guest: HVC: #0x7, in guest_hvc_7\(\) at {AT}",
        ("guest_hvc_7", "guest_call_7"),
        'asm volatile("hvc #7");',
        bottom="",
        registers=("ESR_EL2", "SPSR_EL2", "PC"),
    ),
    Case(
        "misbehave-assert",
        "assert",
        r"arm/misbehave\.c:\d+: assert failed: answer == 42: answer is 41",
        ("assertion", "main"),
        'assert_msg(answer == 42, "answer is %d", answer);',
    ),
    Case(
        "misbehave-stack",
        "stack",
        rf"stack overflow: data abort: .* write.*; address 0x[0-9a-f]+, in recurse\(\) at {AT}",
        ("recurse",) * 20,
        "",
        bottom="",
        registers=EXCEPTION,
    ),
    Case(
        "misbehave-lost-cpu",
        "abort",
        r"ABORT: CPU 0 waited 200 ms for CPU 1 to finish the function at image offset 0x[0-9a-f]+",
        ("lost_cpu", "main"),
        "on_cpu(1, on_other_cpu, hang);",
    ),
]
HANGS = [
    Case("misbehave-hang", "hang", r"hangs in hang\(\).*EL2", ("hang", "main"), ""),
    Case("misbehave-hang-el1", "hang", r"hangs in hang\(\).*EL1", ("hang", "main"), ""),
    Case(
        "misbehave-hang-guest",
        "hang",
        r"hangs in guest_spin\(\) at .*: CPU 0 is running at EL1, in a guest",
        ("guest_spin", "guest_hang_main", "guest_hang", "main"),
        "",
    ),
    Case(
        "misbehave-hang-handler",
        "hang",
        r"hangs in hang\(\) at .*: CPU 0 is running at EL2, in a handler of a guest's exit",
        ("hang", "spin_in_exit", "load_from", "guest_load", "hang_handler", "main"),
        "",
    ),
    Case(
        "misbehave-hang-cpus",
        "hang",
        r"hangs in (wfi|sleep_for_ever)\(\) at .*: CPU 0 is asleep in WFI at EL2 \(and 4 .*",
        ("sleep_for_ever", "hang_in_many_ways", "main"),
        "wfi();",
    ),
]
#: Exits that repeat without a change.
LIVELOCKS = [
    Case(
        "misbehave-livelock",
        "hang",
        r"livelock: the same exit of a guest repeats: data abort from a lower EL: translation"
        r" fault, level 3, read; 8 bytes into x\d+; address 0x123456000, IPA page 0x123456000,"
        rf" in load_from\(\) at {AT}; handler map_wrong_page\(\) at {AT}",
        ("load_from", "guest_load"),
        'report_info("read %lx", *address);',
        bottom="guest_start",
        registers=("ESR_EL2", "HPFAR_EL2", "SPSR_EL2"),
    ),
    Case(
        "misbehave-livelock-cpu1",
        "hang",
        rf"livelock: the same exit .* in load_from\(\) at {AT}; handler map_wrong_page\(\) at {AT}",
        ("load_from", "guest_load"),
        'report_info("read %lx", *address);',
        bottom="guest_start",
        registers=("ESR_EL2", "HPFAR_EL2", "SPSR_EL2"),
    ),
    Case(
        "misbehave-livelock-smc",
        "hang",
        r"livelock: the same exit of a guest repeats: SMC: #0, in guest_smc\(\) at"
        rf" {AT}; handler emulate_without_skip\(\) at {AT}",
        ("guest_smc",),
        "",
        bottom="guest_start",
        registers=("ESR_EL2", "SPSR_EL2"),
    ),
]
#: Guests that exit again and again and go on; where they are found varies.
BUSY = ["misbehave-poll", "misbehave-calls"]


@cache
def diagnoses(compiler: str) -> dict[str, Diagnosis]:
    """Run all images in one run; return the result of each."""
    import tempfile

    names = [*(case.name for case in (*CASES, *HANGS, *LIVELOCKS)), *BUSY]
    with tempfile.TemporaryDirectory() as directory:
        found: dict[str, Any] = realtree.run(Path(directory), "--compiler", compiler, *names)
    return {test["id"]: Diagnosis.from_json(test["diagnosis"]) for test in found["tests"]}


def check(case: Case, found: Diagnosis, stack: Diagnosis | CpuState) -> None:
    assert found.kind.value == case.kind
    assert re.fullmatch(case.headline, found.headline), found.headline
    ours = [each for each in stack.frames if each.file.startswith("arm/misbehave")]
    wanted = case.functions
    named = [
        each.function
        for each, outer in pairwise([*ours, None])
        if each
        and (not each.is_inlined or each.function in wanted)
        # GCC may inline a part of a function into the rest of it.
        and not (each.is_inlined and outer and outer.function == each.function)
    ]
    assert tuple(named)[: len(wanted)] == wanted
    assert not case.source or case.source in (each.source.strip() for each in ours[:2])
    assert not case.bottom or case.bottom in [each.function for each in stack.frames]
    meant = [register.name for register in found.registers if register.meaning]
    assert set(case.registers) <= set(meant)
    assert not [note for note in found.notes if "symbols" in note]


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_dump_is_decoded(case: Case, compiler: str) -> None:
    found = diagnoses(compiler)[case.name]
    check(case, found, found)
    assert not found.cpus


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("guest-exit", "stage 2 does not map IPA 0x123456000"),
        ("guest-code", "stage 2, or an old TLB entry of it, maps IPA .* without write permission"),
    ],
)
def test_an_abort_of_a_guest_shows_the_state_of_stage_2(name: str, state: str) -> None:
    (note,) = diagnoses("gcc")[f"misbehave-{name}"].notes
    assert re.fullmatch(state, note)


@pytest.mark.qemu
def test_no_note_repeats_a_stack_overflow() -> None:
    assert not diagnoses("gcc")["misbehave-guest-stack"].notes


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", HANGS, ids=lambda case: case.name)
def test_a_hang_is_located(case: Case, compiler: str) -> None:
    found = diagnoses(compiler)[case.name]
    check(case, found, found.cpus[0])
    assert not found.notes


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", LIVELOCKS, ids=lambda case: case.name)
def test_an_exit_that_repeats_is_a_livelock(case: Case, compiler: str) -> None:
    found = diagnoses(compiler)[case.name]
    check(case, found, found)
    number = len(found.cpus) - 1
    functions = {frame.function for frame in found.cpus[number].frames}
    assert functions & {"main", "on_other_cpu"}
    (note,) = found.notes
    assert note.startswith(
        f"CPU {number} took 8 exits in a row with the same syndrome and addresses"
    )


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("name", BUSY)
def test_a_guest_that_goes_on_is_no_livelock(name: str, compiler: str) -> None:
    found = diagnoses(compiler)[name]
    assert found.headline.startswith("hangs in ")
    assert found.notes == ()
    functions = [frame.function for frame in found.cpus[0].frames]
    assert functions[-4:-2] == [name.removeprefix("misbehave-"), "main"]


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_each_cpu_of_a_hang_has_its_place(compiler: str) -> None:
    cpus = diagnoses(compiler)["misbehave-hang-cpus"].cpus
    assert [cpu.state for cpu in cpus] == [
        "asleep in WFI at EL2",
        "running at EL2",
        "asleep in WFI at EL2",
        "off: it turned itself off",
        "off: never started",
    ]
    for cpu, function in ((1, "hang"), (2, "sleep_for_ever")):
        functions = [frame.function for frame in cpus[cpu].frames]
        assert {function, "on_other_cpu", "secondary_start"} <= set(functions)
    assert not cpus[3].frames
    assert not cpus[4].frames


@pytest.mark.qemu
def test_the_offset_in_an_abort_line_is_named() -> None:
    (note,) = diagnoses("gcc")["misbehave-lost-cpu"].notes
    assert re.fullmatch(rf"image offset 0x[0-9a-f]+ is on_other_cpu\(\) at {AT}", note)


@pytest.mark.qemu
def test_an_elf_file_that_is_not_what_ran_is_not_used() -> None:
    elf = realtree.build("misbehave").with_suffix(".elf")
    found = explain(said(DUMP.read_text()), None, Elf(elf, "0123456789abcdef"))
    assert found
    assert {frame.function for frame in found.frames} == {""}
    assert found.frames[0].is_in_image
    (note,) = found.notes
    assert "is not the image that ran" in note
    assert "that of the image 0123456789ab" in note


def test_without_an_elf_file_there_are_offsets(tmp_path: Path) -> None:
    found = explain(said(DUMP.read_text()), None, Elf(tmp_path / "no.elf"))
    assert found
    assert found.kind is Kind.EXCEPTION
    assert found.headline.startswith("data abort: translation fault, level 1, write")
    assert all(frame.is_in_image and not frame.function for frame in found.frames)
    assert "no symbols" in found.notes[0]


def test_a_dump_of_kvm_unit_tests_is_understood() -> None:
    text = (
        "Load address: 40080000\n"
        "PC: 40080d48 PC offset: d48\n"
        "Unhandled exception ec=0x25 (DABT_EL1)\n"
        "Vector: 4 (el1h_sync)\n"
        "ESR_EL1:         96000006, ec=0x25 (DABT_EL1)\n"
        "FAR_EL1: 0000000000000010 (valid)\n"
        "Exception frame registers:\n"
        "pc : [<0000000040080d48>] lr : [<0000000040080d40>] pstate: 600003c5\n"
        "sp : 00000000400affe0\n"
        "x29: 00000000400affe0 x28: 0000000000000000 \n"
        "\tSTACK: @d48 1a0 90 \n"
    )
    found = explain(said(text))
    assert found
    assert found.headline == "data abort: translation fault, level 2, read; address 0x10"
    assert [frame.address for frame in found.frames] == [0xD48, 0x1A0, 0x90]
    registers = {register.name: register.value for register in found.registers}
    assert registers["ESR_EL1"] == 0x96000006
    assert registers["x29"] == 0x400AFFE0


def test_a_guests_dump_that_a_pass_follows_is_no_diagnosis() -> None:
    dump = "INFO: guest: exit data abort: x\nINFO: guest: PC 0x40080010, image offset 0x10\n"
    assert explain(said(f"{dump}FAIL: no\n"))
    assert not explain(said(f"{dump}PASS: as expected\nFAIL: no\n"))


def test_a_failed_check_alone_has_no_diagnosis() -> None:
    assert explain(said("FAIL: a: b\nSUMMARY: 1 tests, 1 unexpected failures\n")) is None


def test_a_qemu_that_tells_nothing() -> None:
    found = explain(said(""), Snapshot(trouble="QEMU did not answer within 5 s"))
    assert found
    assert found.headline == "where it hangs is not known: QEMU did not answer within 5 s"


def said(text: str) -> GuestOutput:
    return collect(parse(f"{line}\n" for line in text.splitlines()))


PARTS = st.sampled_from(DUMP.read_text().splitlines()) | st.text(max_size=40)
NUMBERS = st.integers(0, 2**64 - 1)
NAMES = ("pc", "sp", "x29", "x30", "cpsr", "ESR_EL2", "FAR_EL1", "VBAR_EL2")
CPUS = st.builds(
    Cpu,
    registers=st.fixed_dictionaries(dict.fromkeys(NAMES, NUMBERS)) | st.just({}),
    before=st.none() | NUMBERS,
    stack=st.lists(NUMBERS, max_size=3).map(tuple),
)


@given(st.lists(PARTS, max_size=40), st.booleans())
def test_no_garbage_makes_it_raise(lines: list[str], has_symbols: bool) -> None:  # noqa: FBT001
    elf = Elf(realtree.ROOT / "build/gcc/misbehave.elf") if has_symbols else None
    found = explain(said("\n".join(lines)), None, elf)
    assert not found or "by a bug" not in found.headline
    assert not found or all(line.isprintable() or "\t" in line for line in found.lines())


@given(st.lists(CPUS, max_size=3).map(tuple), st.none() | NUMBERS)
def test_no_machine_makes_it_raise(cpus: tuple[Cpu, ...], load: int | None) -> None:
    found = explain(said(""), Snapshot(cpus, load), Elf(realtree.ROOT / "build/gcc/misbehave.elf"))
    assert found
    assert "by a bug" not in found.headline


@pytest.mark.parametrize("library", ["lib", "build/lib"])
def test_the_handler_of_an_exit_is_not_in_the_library(library: str) -> None:
    class Image:
        def frames_at(self, address: int, load: int, *, is_exact: bool) -> list[Frame]:
            name = f"{library}/guest-dispatch.c" if address == load else "arm/mine.c"
            return [Frame(address, file=name)] if is_exact else []

    repeated = RepeatedExit(0, {}, 8, host_code=(0, 4))
    found = explain_module._handler_frame(repeated, 0, cast("Any", Image()))
    assert found
    assert found.file == "arm/mine.c"
