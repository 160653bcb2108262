# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcome of an access to a system register, or of a system instruction."""

from dataclasses import dataclass
from enum import Enum, auto

from kut_model.traps.outcome import UNDEFINED, ExceptionClass, Taken


class Kind(Enum):
    """Kinds of outcomes."""

    ACCESS = auto()
    """The access is made, to the register `name`."""
    EXECUTE = auto()
    """The system instruction is executed."""
    EXCEPTION = auto()
    """`taken` is taken."""
    MEMORY = auto()
    """Memory at VNCR_EL2 + `offset` is accessed (FEAT_NV2, D8.11.9)."""
    IMPLEMENTATION_DEFINED = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of an access; `kind` says which of the other members mean something."""

    kind: Kind
    name: str = ""
    taken: Taken | None = None
    offset: int = 0
    or_undefined: bool = False
    """Whether UNDEFINED, taken to EL1, is permitted as well as `taken`."""

    @property
    def is_undefined(self) -> bool:
        """Whether the instruction is UNDEFINED."""
        return self.taken is not None and self.taken.ec is ExceptionClass.UNKNOWN

    def __str__(self) -> str:
        """Describe it for a reader, in one line."""
        match self.kind:
            case Kind.ACCESS:
                return f"access to {self.name}"
            case Kind.EXECUTE:
                return "executes"
            case Kind.MEMORY:
                return f"access to memory at VNCR_EL2 + {self.offset:#x}"
            case Kind.EXCEPTION:
                return f"{self.taken}, or {UNDEFINED}" if self.or_undefined else str(self.taken)
        return "IMPLEMENTATION DEFINED"
