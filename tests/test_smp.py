# SPDX-License-Identifier: GPL-2.0-or-later
"""Images on several CPUs: what they print, and how they end."""

import re

import pytest
import realtree

pytestmark = pytest.mark.qemu

CPUS = 4


@pytest.mark.parametrize("cpu", ["max", "cortex-a72"])
def test_lines_of_several_cpus_are_whole(cpu: str) -> None:
    output = realtree.boot(realtree.build("smp"), "lines", "-cpu", cpu, "-smp", str(CPUS))[1]
    *lines, summary, end = output.splitlines()
    text = r"0123456789 \w{26} 0123456789 \w{26}"
    found = [re.fullmatch(rf"PASS: lines: CPU (\d) line (\d) {text}", line) for line in lines]
    assert all(found), output
    told = sorted((int(match[1]), int(match[2])) for match in found if match)
    assert told == [(cpu, line) for cpu in range(CPUS) for line in range(10)]
    assert (summary, end) == (f"SUMMARY: {CPUS * 10} tests", "EXIT: STATUS=1")


@pytest.mark.parametrize("cpu", ["max", "cortex-a72"])
def test_the_last_lines_are_those_of_the_cpu_that_ends_the_run(cpu: str) -> None:
    image = realtree.build("misbehave")
    output = realtree.boot(image, "assert-while-printing", "-cpu", cpu, "-smp", "2")[1]
    *others, failure, stack, end = output.splitlines()
    line = re.compile(r"line \d+ of a CPU that prints until the end")
    assert all(line.fullmatch(other) for other in others)
    assert re.fullmatch(r"arm/misbehave/cpus\.c:\d+: assert failed: false: at the end", failure)
    assert re.fullmatch(r"\tSTACK:( [0-9a-f]+)+", stack)
    assert end == "EXIT: STATUS=127"
