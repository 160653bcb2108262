# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that are printed of a guest's exit without a handler."""

import re

import pytest
import realtree

pytestmark = pytest.mark.qemu

PC = r"guest: PC 0x[0-9a-f]+, image offset 0x[0-9a-f]+"
STACK = r"guest: STACK: @[0-9a-f]+( [0-9a-f]+){3,}"
OVERFLOW = r"guest: stack overflow: 0x{}[0-9a-f]* is below the stack, 0x[0-9a-f]+ to 0x[0-9a-f]+"


def registers(*values: int) -> list[str]:
    """The lines of x0 to x30, four in each."""
    found = [f" x{n:<2} {value:016x}" for n, value in enumerate(values)]
    return ["guest:" + "".join(found[n : n + 4]) for n in range(0, 31, 4)]


def lines(subtest: str) -> list[str]:
    """The lines of a subtest that are no checks, without its name."""
    output = realtree.boot(realtree.build("guest-dump"), subtest)[1].splitlines()
    prefix = f"INFO: {subtest}: "
    return [line.removeprefix(prefix) for line in output if line.startswith(prefix)]


def assert_lines(found: list[str], expected: list[str]) -> None:
    """All lines are as expected, but those of the registers are left out."""
    rest = [line for line in found if not re.match("guest: x", line)]
    assert len(rest) == len(expected), found
    for line, pattern in zip(rest, expected, strict=True):
        assert re.fullmatch(pattern, line), line


def test_an_exit_outside_the_image_has_its_address_and_all_registers() -> None:
    found = lines("outside")
    assert found[4:12] == registers(*(0x1010 * n for n in range(31)))
    expected = [
        "guest: exit instruction abort from a lower EL: translation fault, level 1, fetch",
        "guest: ESR_EL2 0x82000005 FAR_EL2 0x1000000000 HPFAR_EL2 0x10000000 SPSR_EL2 0x3c5",
        "guest: faulting IPA 0x1000000000",
        "guest: PC 0x1000000000",
        r"guest: STACK:( [0-9a-f]+){3,}",
    ]
    assert_lines(found, expected)


def test_an_interrupt_has_no_syndrome() -> None:
    expected = ["guest: exit by an interrupt", "guest: SPSR_EL2 0x3c5", PC, "guest: STACK: @.*"]
    assert_lines(lines("interrupt"), expected)


def test_an_exception_at_el1_has_the_registers_of_el1() -> None:
    expected = [
        "guest: exception at EL1 without handler, vector ELxH_SYNC",
        r"guest: unknown reason \(undefined instruction\): ISS 0",
        "guest: ESR_EL1 0x2000000 FAR_EL1 0 SPSR_EL1 0x3c5",
        PC,
        STACK,
    ]
    found = lines("el1")
    assert_lines(found, expected)
    assert len(found) == len(expected) + len(registers(*range(31)))


def test_an_interrupt_at_el1_has_no_syndrome() -> None:
    expected = [
        "guest: exception at EL1 without handler, vector ELxH_IRQ",
        "guest: SPSR_EL1 0x345",
        PC,
        STACK,
    ]
    assert_lines(lines("el1-interrupt"), expected)


def test_a_store_into_the_guard_below_the_stack_is_an_overflow() -> None:
    found = [line for line in lines("overflow") if "x0 " not in line]
    marked = [line for line in found if "overflow" in line]
    faults = [line.split()[-1] for line in found if "faulting IPA" in line]
    assert len(faults) == 3
    assert len(marked) == 2, found
    for line, address in zip(marked, faults[:2], strict=True):
        assert re.fullmatch(OVERFLOW.format(address.removeprefix("0x")), line), line
    first, last = (int(word, 16) for word in re.findall("0x[0-9a-f]+", marked[0])[1:])
    assert (first - int(faults[0], 16), first - int(faults[1], 16)) == (8, 0x10000)
    assert last - first == 0xFFFF


def test_an_overflow_at_el1_is_one_too() -> None:
    expected = [
        "guest: exception at EL1 without handler, vector ELxH_SYNC",
        "guest: data abort: translation fault, level 3, write",
        r"guest: ESR_EL1 0x96000047 FAR_EL1 0x[0-9a-f]+ SPSR_EL1 0x3c5",
        OVERFLOW.format(""),
        PC,
        STACK,
    ]
    assert_lines(lines("el1-overflow"), expected)
