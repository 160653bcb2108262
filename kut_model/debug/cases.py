# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases of debug exceptions: an instruction, controls, and the exceptions that may end it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from kut_model.debug.events import ALL_LEVELS, Context, Levels, Machine, Watched
from kut_model.debug.instructions import INSTRUCTIONS, Insn
from kut_model.traps.outcome import ExceptionClass, Taken
from kut_model.traps.places import EL2, Place

_DEBUG: Final = 0b100010
_WNR, _EX, _ISV = 1 << 6, 1 << 6, 1 << 24
_TRANSLATION_0, _ALIGNMENT = 0b000100, 0b100001
#: The bytes of the block, to which x1 is an offset.
BLOCK: Final = 128


class At(Enum):
    """What ELR_ELx is: that instruction, the next, EL1's vector for it, or the code at EL0."""

    THIS = "this instruction"
    NEXT = "the next instruction"
    VECTOR = "the vector at EL1"
    RETURN = "the code at EL0"
    AFTER_RETURN = "the second instruction at EL0"


class State(Enum):
    """What else is wrong: the page of the code, that of x1, PSTATE.IL, or the alignment."""

    PLAIN = "plain"
    FETCH_UNMAPPED = "fetch-unmapped"
    DATA_UNMAPPED = "data-unmapped"
    ILLEGAL = "illegal"
    ALIGNMENT = "alignment"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An exception, or none."""

    taken: Taken | None
    at: At = At.THIS
    ss: bool = False
    """SPSR_ELx.SS."""
    far: range | None = None
    """Offsets in the block that FAR_ELx may be, of a watchpoint."""

    @property
    def esr(self) -> int:
        """ESR_ELx, or 0."""
        return self.taken.esr if self.taken else 0

    @property
    def el(self) -> int:
        """The EL that takes it, or 0."""
        return self.taken.el if self.taken else 0

    def __str__(self) -> str:
        """Describe it in one line."""
        if not self.taken:
            return "no exception"
        text = (
            f"exception to EL{self.el}, EC {self.taken.ec:#x} ({self.taken.ec.name}),"
            f" ISS {self.taken.iss:#x}, ELR {self.at.value}, SPSR.SS {int(self.ss)}"
        )
        return f"{text}, FAR block + {self.far.start} to {self.far.stop - 1}" if self.far else text


NONE: Final = Outcome(None)


@dataclass(frozen=True, slots=True)
class Case:
    """A row."""

    name: str
    rule: str
    place: Place
    insn: str
    machine: Machine
    breaks: bool = False
    """Whether there is a breakpoint."""
    watched: Watched | None = None
    levels: Levels = ALL_LEVELS
    enabled: bool = True
    """DBGBCR<n>_EL1.E or DBGWCR<n>_EL1.E."""
    other_address: bool = False
    """Whether the breakpoint is at another instruction."""
    context: Context | None = None
    linked: bool = False
    """Whether the breakpoint or watchpoint is linked to the context, which else is one itself."""
    ss: bool = False
    """SPSR_EL2.SS of the return to the instruction."""
    el1_ss: bool = False
    """SPSR_EL1.SS, for ERET."""
    state: State = State.PLAIN
    offset: int = 0
    """Of x1 in the block."""
    needs: tuple[str, ...] = ()

    @property
    def details(self) -> Insn:
        """The instruction."""
        return INSTRUCTIONS[self.insn]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What may end it: one or two."""
        if self.machine.steps and not self.ss:
            return (self._step(0, At.THIS),)
        if self.state is State.FETCH_UNMAPPED:
            return (self._fault(ExceptionClass.INSTRUCTION_ABORT_LOWER_EL, _TRANSLATION_0),)
        if self._is_break():
            return (self._debug(ExceptionClass.BREAKPOINT_LOWER_EL, _DEBUG),)
        if self.state is State.ILLEGAL:
            return (self._fault(ExceptionClass.ILLEGAL_STATE, 0),)
        if self.details.is_return:
            return self._returned()
        ended = self._exception()
        return self._stepped(ended) if self.machine.steps else (ended,)

    def _is_break(self) -> bool:
        if not (self.machine.matches and self.breaks and self.enabled):
            return False
        if self.context and not self.context.match(self.machine):
            return False
        return self.levels.match(self.place.el) and not self.other_address

    def _debug(self, ec: ExceptionClass, iss: int, far: range | None = None) -> Outcome:
        """Return a debug exception of the instruction."""
        el = self.machine.debug_target
        taken = Taken(el, ExceptionClass(ec + (el == self.place.el)), iss, after=False)
        return Outcome(taken, ss=self.machine.steps and self.ss, far=far)

    def _step(self, iss: int, at: At, *, source_el: int | None = None) -> Outcome:
        el = self.machine.debug_target
        source = self.place.el if source_el is None else source_el
        ec = ExceptionClass(ExceptionClass.STEP_LOWER_EL + (el == source))
        return Outcome(Taken(el, ec, iss | _DEBUG, after=at is not At.THIS), at)

    def _fault(self, ec: ExceptionClass, iss: int) -> Outcome:
        """Return an exception that is none of debug."""
        el = EL2 if self.machine.host or self.place is Place.EL2 else 1
        same = el == self.place.el and ec in {
            ExceptionClass.INSTRUCTION_ABORT_LOWER_EL,
            ExceptionClass.DATA_ABORT_LOWER_EL,
        }
        taken = Taken(el, ExceptionClass(ec + same), iss, after=False)
        return Outcome(taken, ss=self.machine.steps and self.ss)

    def _exception(self) -> Outcome:
        """Return the exception that the instruction is, without those of breakpoints and step."""
        insn = self.details
        if insn.taken is not None:
            return self._called(insn, insn.taken)
        wnr = _WNR if insn.write and not insn.read else 0
        if self.state is State.ALIGNMENT:
            return self._fault(ExceptionClass.DATA_ABORT_LOWER_EL, _ALIGNMENT | wnr)
        if self.state is State.DATA_UNMAPPED:
            return self._fault(ExceptionClass.DATA_ABORT_LOWER_EL, _TRANSLATION_0 | wnr)
        return self._watchpoint(insn) or NONE

    def _watchpoint(self, insn: Insn) -> Outcome | None:
        watched = self.watched
        if not watched or not (self.machine.matches and self.enabled):
            return None
        unprivileged = insn.unprivileged and (self.place is Place.EL1 or self.machine.host)
        if not self.levels.match(0 if unprivileged else self.place.el):
            return None
        if self.context and not self.context.match(self.machine):
            return None
        first = self.offset // insn.size * insn.size if insn.block else self.offset
        far = watched.match(first, insn.size, read=insn.read, write=insn.write)
        if far is None:
            return None
        wnr = _WNR if watched.writes(read=insn.read) else 0
        return self._debug(ExceptionClass.WATCHPOINT_LOWER_EL, _DEBUG | wnr, far)

    def _called(self, insn: Insn, ec: ExceptionClass) -> Outcome:
        """Return the exception of SVC, HVC, UDF or BRK."""
        el = EL2 if self.machine.host or ec is ExceptionClass.HVC64 else max(self.place.el, 1)
        if ec is ExceptionClass.BRK64 and self.machine.tde:
            el = EL2
        taken = Taken(el, ec, insn.iss, after=insn.executed)
        ss = self.machine.steps and self.ss and not insn.executed
        return Outcome(taken, At.NEXT if insn.executed else At.THIS, ss)

    def _stepped(self, ended: Outcome) -> tuple[Outcome, ...]:
        """Return what follows an instruction that is stepped.

        Whether ISV is set is open after ISB, ERET and an exception (SoftwareStep_DidNotStep).
        """
        if not ended.taken:
            iss = _ISV | (_EX if self.details.exclusive else 0)
            stepped = self._step(iss, At.NEXT)
            return (stepped, self._step(0, At.NEXT)) if self.insn == "isb" else (stepped,)
        if ended.el == 1 and self.machine.generates_from(1, masked=True):
            both = (_ISV, 0)
            return tuple(self._step(iss, At.VECTOR, source_el=1) for iss in both)
        return (ended,)

    def _returned(self) -> tuple[Outcome, ...]:
        """Return what follows ERET at EL1 to code at EL0: NOP and SVC."""
        machine = self.machine
        if machine.steps:  # DebugExceptionReturnSS: step is enabled at the source
            return tuple(self._step(iss, At.RETURN, source_el=0) for iss in (_ISV, 0))
        if not machine.step or not machine.generates_from(0, masked=False):
            return (NONE,)
        if self.el1_ss:
            return (self._step(_ISV, At.AFTER_RETURN, source_el=0),)
        return (self._step(0, At.RETURN, source_el=0),)
