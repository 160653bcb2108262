# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of kvm-unit-tests that name what is built and run: makefile, offsets, unittests.cfg.

Each function returns the new text, which is the old one when the lines are there already. It
raises Missing when the text has no place for them.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_OBJDIRS: Final = "OBJDIRS += lib/arm64\n"
_COMMON: Final = "include $(SRCDIR)/$(TEST_DIR)/Makefile.common"
_OFFSET: Final = re.compile(r"^\t(?:OFFSET|PAIR|DEFINE)\((?:GUEST|EL1|FPSIMD)_.*\);$", re.MULTILINE)
_PAIR: Final = re.compile(r"\tPAIR\((\w+), struct (\w+), (.*), (.*)\);")
_SINGLE: Final = re.compile(r"\tOFFSET\((\w+), struct (\w+), (.*)\);")
#: An enumerator that assembly needs too: by another name, as sources of C include the offsets.
_PREFIX: Final = "ASM_"
_ENUMERATOR: Final = re.compile(r"^\tENUM\((\w+)\);$", re.MULTILINE)


class Missing(Exception):  # noqa: N818 - not an error of the user's until it is known where
    """The text has no such line; the argument is the line."""


def makefile(
    text: str, library: Sequence[str], assembly: Iterable[str], tests: Sequence["TestObjects"]
) -> str:
    """Add objects of the library and tests; `library` and `assembly` without suffix."""
    if "guest-bridge.o" in text:
        return text
    text = _insert(text, _OBJDIRS, "".join(f"cflatobjs += {name}.o\n" for name in library) + "\n")
    names = "".join(f"tests += $(TEST_DIR)/{test.name}.$(exe)\n" for test in tests)
    text = _insert(text, _COMMON, f"# Guests behind stage 2\n{names}\n")
    # Rules are behind `all`, which is the first.
    offsets = f"\n{' '.join(f'{name}.o' for name in assembly)}: $(asm-offsets)\n"
    return text + offsets + "".join(test.rules() for test in tests)


class TestObjects:
    """A test, with the objects beside arm/NAME.c; paths below arm/ without suffix."""

    __test__ = False

    def __init__(self, name: str, objects: Sequence[str], assembly: Sequence[str]) -> None:
        """Store them; `assembly` are those of the objects that are compiled from assembly."""
        self.name, self.objects, self.assembly = name, objects, assembly

    def rules(self) -> str:
        """Return the lines for the makefile, behind the common ones."""
        lines = (
            [f"OBJDIRS += arm/{self.name}\n"] if any("/" in each for each in self.objects) else []
        )
        if self.assembly:
            lines.append(f"{_paths(self.assembly)}: $(asm-offsets)\n")
        if self.objects:
            lines.append(f"$(TEST_DIR)/{self.name}.elf: {_paths(self.objects)}\n")
        return "".join(lines)


def _paths(objects: Iterable[str]) -> str:
    return " ".join(f"$(TEST_DIR)/{name}.o" for name in objects)


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


def unittests(text: str, tests: Iterable[tuple[str, int]]) -> str:
    """Add an entry for each test, of which the number of CPUs is given."""
    return text + "".join(
        f"\n[{name}]\nfile = {name}.flat\n{f'smp = {smp}{chr(10)}' if smp > 1 else ''}"
        "groups = guest\narch = arm64\n"
        for name, smp in tests
        if f"[{name}]" not in text
    )


def _insert(text: str, before: str, new: str) -> str:
    if before not in text:
        raise Missing(before.strip())
    return text.replace(before, new + before, 1)
