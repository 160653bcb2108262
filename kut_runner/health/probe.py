# SPDX-License-Identifier: GPL-2.0-or-later
"""Probes of tools: they build and boot an image of a few instructions.

The image prints the exception level at which it runs, "EL2", and powers off. It exists as machine
code, to test QEMU without a compiler, and in C, to test a compiler. The PL011 has a fixed address
in QEMU's `virt` machine.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.process.program import Outcome, call
from kut_runner.targets.qemu_machine import smallest_machine

if TYPE_CHECKING:
    from kut_runner.build.toolchain import Toolchain

#: The image in assembly.
ASSEMBLY: Final = """
start:
	mrs	x0, CurrentEL
	lsr	x0, x0, #2
	mov	x1, #0x09000000
	mov	w2, #'E'
	str	w2, [x1]
	mov	w2, #'L'
	str	w2, [x1]
	add	w2, w0, #'0'
	str	w2, [x1]
	mov	w2, #'\\n'
	str	w2, [x1]
	cmp	x0, #2
	mov	w0, #0x0008
	movk	w0, #0x8400, lsl #16	// PSCI SYSTEM_OFF
	b.ne	1f
	smc	#0
1:	hvc	#0
	b	1b
"""
#: The image as machine code, assembled from `ASSEMBLY`.
IMAGE: Final = bytes.fromhex(
    "404238d500fc42d30120a1d2a2088052220000b982098052220000b902c00011220000b942018052220000b9"
    "1f0800f1000180520080b07241000054030000d4020000d4ffffff17"
)

_SOURCE: Final = """
#define UART (*(volatile unsigned int *)0x09000000)

asm(".pushsection .text.start, \\"ax\\"\\n"
    ".global start\\n"
    "start:	adr x1, start\\n"
    "	add x1, x1, #0x4, lsl #12\\n"
    "	mov sp, x1\\n"
    "	mrs x0, CurrentEL\\n"
    "	bl say\\n"
    "	cmp x0, #2\\n"
    "	mov w0, #0x0008\\n"
    "	movk w0, #0x8400, lsl #16\\n"
    "	b.ne 1f\\n"
    "	smc #0\\n"
    "1:	hvc #0\\n"
    "	b 1b\\n"
    ".popsection\\n");

unsigned long say(unsigned long el);
__attribute__((used)) unsigned long say(unsigned long el)
{
	static const char text[] = "EL?\\n";

	for (const char *next = text; *next; next++)
		UART = *next == '?' ? '0' + (el >> 2) : *next;
	return el >> 2;
}
"""
_SCRIPT: Final = """
ENTRY(start)
SECTIONS
{
	.text : { KEEP(*(.text.start)) *(.text*) }
	.rodata : { *(.rodata*) }
	.note.gnu.build-id : { *(.note.gnu.build-id) }
	.data ALIGN(4096) : { *(.data*) *(.got*) *(.bss*) }
}
"""


def boot(qemu: str, flat: bytes, scratch: Path, time_limit: float) -> str:
    """Boot the image; return "" if it runs at EL2, else an error message."""
    (scratch / "probe.flat").write_bytes(flat)
    outcome = call(smallest_machine(qemu, "probe.flat"), time_limit, scratch)
    if outcome.code == 0 and outcome.output == "EL2":
        return ""
    if outcome.code == 0 and outcome.output.startswith("EL"):
        return f"an image runs at {outcome.output}, not at EL2"
    return f"an image does not boot: {_error_line(outcome)}"


def build(tools: "Toolchain", scratch: Path, time_limit: float) -> bytes | str:
    """Compile, link and flatten the image; return it, or an error message."""
    (scratch / "probe.c").write_text(_SOURCE)
    (scratch / "probe.lds").write_text(_SCRIPT)
    flat = scratch / "built.flat"
    flat.unlink(missing_ok=True)
    steps = {
        "compile": (*tools.compile, "-fdiagnostics-color=never", "-c", "probe.c", "-o", "probe.o"),
        "link": (*tools.link, "-T", "probe.lds", "probe.o", "-o", "probe.elf"),
        "make a flat image": (*tools.objcopy, "-O", "binary", "probe.elf", flat.name),
    }
    for step, argv in steps.items():
        outcome = call(argv, time_limit, scratch)
        if outcome.code != 0:
            return f"does not {step}: {_error_line(outcome)}"
    return flat.read_bytes() if flat.exists() else "does not make a flat image: no output file"


def ninja(program: str, scratch: Path, time_limit: float) -> str:
    """Build a file with ninja; return "" or an error message."""
    (scratch / "build.ninja").write_text("rule r\n  command = echo EL2 >$out\nbuild out: r\n")
    outcome = call((program, "out"), time_limit, scratch)
    if outcome.code == 0 and (scratch / "out").exists():
        return ""
    return f"does not build: {_error_line(outcome)}"


def _error_line(outcome: Outcome) -> str:
    """Return the first line of output with "error", else the first line."""
    lines = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    first = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
    return (first or f"exit status {outcome.code} and no output")[:160]
