# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of kut as kvm-unit-tests compiles them."""

import re
from dataclasses import dataclass
from typing import Final

from kut_runner.export import literals

BRIDGE: Final = "#include <asm/guest-bridge.h>\n"
_LIBCFLAT: Final = "#include <libcflat.h>\n"
#: Headers that kvm-unit-tests does not have; the bridge declares what the framework needs of them.
_DROPPED: Final = ("asm/el2.h", "asm/user.h", "asm/console.h", "report-internal.h")
_DROPPED_INCLUDES: Final = re.compile(rf"#include <(?:{'|'.join(map(re.escape, _DROPPED))})>\n")
_READ: Final = re.compile(r"\bread_sysreg_s\((\w+)")
_WRITE: Final = re.compile(r"\bwrite_sysreg_s\(([^;]*?), (\w+)((?:\(\w+\))?\))", re.DOTALL)
_VGIC_V2: Final = re.compile(r"\bgicv2_data\.(hyp_base|vcpu_base|vcpu_size|nr_lrs)")
_REGISTERS: Final = re.compile(r"#define\s+(\w+)\s+sys_reg\(")
_SPDX: Final = re.compile(r"\A/\* (SPDX.*?) \*/")


@dataclass(frozen=True, slots=True)
class Converter:
    """Conversion for one checkout, whose names of system registers are numbers for `mrs_s`."""

    registers: frozenset[str]

    @staticmethod
    def of(*headers: str) -> "Converter":
        """Return the converter for the texts of the headers that define system registers."""
        return Converter(frozenset(_REGISTERS.findall("\n".join(headers))))

    def convert(self, text: str, suffix: str) -> str:
        """Return the text of a source or header (".c", ".S", ".h") for kvm-unit-tests."""
        text = _DROPPED_INCLUDES.sub("", licence_line(text, suffix)).replace(
            "__ASSEMBLY__", "__ASSEMBLER__"
        )
        text = self._registers(_with_bridge(text, assembly=suffix == ".S"))
        # In a handler the stack is the guest's, where kvm-unit-tests finds a copy.
        text = text.replace("current_thread_info()", "this_percpu()->thread")
        return _VGIC_V2.sub(r"vgic_v2_data.\1", literals.join(text))

    def _registers(self, text: str) -> str:
        """Use `mrs` with a name that the assembler takes, where the checkout has no number."""
        text = _READ.sub(
            lambda match: match[0] if match[1] in self.registers else f"read_sysreg({match[1]}",
            text,
        )
        return _WRITE.sub(
            lambda match: (
                match[0]
                if match[2] in self.registers
                else f"write_sysreg({match[1]}, {match[2]}{match[3]}"
            ),
            text,
        )


def licence_line(text: str, suffix: str) -> str:
    """Return the text with the first line in the style that checkpatch expects."""
    return _SPDX.sub(r"// \1", text) if suffix == ".c" else text


def _with_bridge(text: str, *, assembly: bool) -> str:
    """Include the bridge: after libcflat.h, otherwise before the first header."""
    if not assembly and _LIBCFLAT in text:
        return text.replace(_LIBCFLAT, _LIBCFLAT + BRIDGE, 1)
    return re.sub(r"^#include ", BRIDGE + "#include ", text, count=1, flags=re.MULTILINE)
