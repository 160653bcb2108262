# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of kvm-unit-tests that name what is built and run: makefile, offsets, unittests.cfg.

Each function returns the new text, which is the old one when the lines are there already. It
raises Missing when the text has no place for them.
"""

import re
from collections.abc import Iterable
from typing import Final

_OBJDIRS: Final = "OBJDIRS += lib/arm64\n"
_COMMON: Final = "include $(SRCDIR)/$(TEST_DIR)/Makefile.common"
#: That of kut: virtual interrupts need the GIC's system registers.
_MACHINE: Final = "qemu_params = -machine gic-version=3\n"
_OFFSET: Final = re.compile(r"^\t(?:OFFSET|PAIR|DEFINE)\((?:GUEST|EL1|FPSIMD)_.*\);$", re.MULTILINE)
_PAIR: Final = re.compile(r"\tPAIR\((\w+), struct (\w+), (.*), (.*)\);")
_SINGLE: Final = re.compile(r"\tOFFSET\((\w+), struct (\w+), (.*)\);")
#: An enumerator that assembly needs too: by another name, as sources of C include the offsets.
_PREFIX: Final = "ASM_"
_ENUMERATOR: Final = re.compile(r"^\tENUM\((\w+)\);$", re.MULTILINE)


class Missing(Exception):  # noqa: N818 - not an error of the user's until it is known where
    """The text has no such line; the argument is the line."""


def library_objects(text: str, objects: Iterable[str], assembly: Iterable[str]) -> str:
    """Add objects of the library to the makefile; paths without suffix."""
    text = _add_lines(text, _OBJDIRS, [f"cflatobjs += {name}.o" for name in objects])
    return _add_rules(text, [f"{name}.o: $(asm-offsets)" for name in assembly])


def test_objects(text: str, name: str, objects: Iterable[str], assembly: Iterable[str]) -> str:
    """Add arm/NAME.c to the makefile, with objects beside it; paths without suffix."""
    text = _add_lines(text, _COMMON, [f"tests += $(TEST_DIR)/{name}.$(exe)"])
    beside = [_below_tests(each) for each in objects]
    directory = [f"OBJDIRS += arm/{name}"] if any(f"/{name}/" in each for each in beside) else []
    rules = [f"{_below_tests(each)}: $(asm-offsets)" for each in assembly]
    link = [f"$(TEST_DIR)/{name}.elf: {' '.join(beside)}"] if beside else []
    return _add_rules(text, [*directory, *rules, *link])


def _below_tests(name: str) -> str:
    return f"$(TEST_DIR)/{name.removeprefix('arm/')}.o"


def _add_lines(text: str, before: str, lines: Iterable[str]) -> str:
    """Add those of the lines that are missing to the paragraph before a line."""
    if before not in text:
        raise Missing(before.strip())
    above, line, below = text.partition(before)
    new = [each for each in lines if f"\n{each}\n" not in text]
    above = above.rstrip("\n")
    same = bool(new) and above.rpartition("\n")[2].split()[:2] == new[0].split()[:2]
    gap = "\n" if same else "\n\n"
    return f"{above}{gap}{chr(10).join(new)}\n\n{line}{below}" if new else text


def _add_rules(text: str, lines: Iterable[str]) -> str:
    """Add a paragraph at the end, where rules do not come before that of `all`."""
    new = [each for each in lines if f"\n{each}\n" not in text]
    return f"{text}\n{chr(10).join(new)}\n" if new else text


def asm_offsets(text: str, ours: str) -> str:
    """Add the offsets and enumerators that the framework's assembly needs, from kut's file."""
    if "GUEST_X0" in text:
        return text
    headers = "".join(
        f"#include <asm/{name}.h>\n"
        for name in ("guest-bridge", "guest", "guest-entry", "guest-fp")
    )
    text = _insert(text, "#include <asm/ptrace.h>\n", headers)
    lines = [_offset(line) for line in _OFFSET.findall(ours)]
    lines += [f"\tDEFINE({_PREFIX}{name}, {name});" for name in _ENUMERATOR.findall(ours)]
    return _insert(text, "\n\treturn 0;", "\n" + "\n".join(lines) + "\n")


def enumerators(ours: str) -> str:
    """Return macros for assembly by the names of the enumerators, from kut's file of offsets."""
    return "".join(f"#define {name} {_PREFIX}{name}\n" for name in _ENUMERATOR.findall(ours))


def _offset(line: str) -> str:
    match = _PAIR.match(line) or _SINGLE.match(line)
    return f"\tOFFSET({match[1]}, {match[2]}, {match[3]});" if match else line


def unittests(text: str, name: str, cpus: int) -> str:
    """Add an entry for a test."""
    if f"[{name}]" in text:
        return text
    smp = f"smp = {cpus}\n" if cpus > 1 else ""
    return f"{text}\n[{name}]\nfile = {name}.flat\n{smp}{_MACHINE}groups = guest\narch = arm64\n"


def _insert(text: str, before: str, new: str) -> str:
    if before not in text:
        raise Missing(before.strip())
    return text.replace(before, new + before, 1)
