# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `hvc`: HVC, SMC and SVC with immediates of all kinds, and the controls that trap them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables.arrays import BRK, array, code, initialiser
from kut_model.traps import instructions
from kut_model.traps.controls import base
from kut_model.traps.execution import Execution
from kut_model.traps.outcome import UNDEFINED as UNDEFINED_EXCEPTION
from kut_model.traps.result import Outcome

#: Immediates of 16 bits: each bit alone, each bit missing, and mixtures.
IMMEDIATES: Final = sorted(
    {0, 0xFFFF, 0x1234, 0x5555, 0xAAAA}
    | {1 << bit for bit in range(16)}
    | {0xFFFF ^ 1 << bit for bit in range(16)}
)
_INSTRUCTIONS: Final = {
    "svc": instructions.svc,
    "hvc": instructions.hvc,
    "smc": instructions.smc,
}
#: Encodings with an immediate of 0, which is at bit 5 (DDI 0487, C4.1, Exception generation).
_OPCODES: Final = {"svc": 0xD4000001, "hvc": 0xD4000002, "smc": 0xD4000003}


@dataclass(frozen=True, slots=True)
class _Case:
    """An instruction at an EL, with one control or none."""

    insn: str
    el: int
    rule: str
    control: str = ""
    """Field that is set, as in "HCR_EL2.HCD"; empty for none."""
    needs: tuple[str, ...] = ()

    def outcome(self, imm: int) -> Outcome:
        """Return that of the model."""
        state = base(e2h=1).having({self.control: 1} if self.control else {})
        return _INSTRUCTIONS[self.insn](Execution(self.el, state), imm)

    @property
    def matrix(self) -> tuple[str, ...]:
        """Ids of the coverage table beside that of its rule."""
        return ("E4",) if self.rule == "call.svc" and self.el == 0 else ()

    @property
    def name(self) -> str:
        """Id of its rows without the immediate."""
        control = self.control.partition(".")[2].lower()
        return ".".join(filter(None, ("hvc", self.insn, f"el{self.el}", control)))


_CASES: Final = (
    _Case("hvc", 1, "call.hvc"),
    _Case("hvc", 0, "call.hvc.undefined"),
    _Case("hvc", 1, "call.hvc.undefined", "HCR_EL2.HCD", ("without_EL3",)),
    _Case("smc", 1, "call.smc.trap", "HCR_EL2.TSC"),
    _Case("smc", 0, "call.smc.undefined", "HCR_EL2.TSC"),
    _Case("svc", 1, "call.svc"),
    _Case("svc", 0, "call.svc"),
    _Case("svc", 1, "call.svc.trap", "HFGITR_EL2.SVC_EL1", ("FEAT_FGT",)),
    _Case("svc", 0, "call.svc.trap", "HFGITR_EL2.SVC_EL0", ("FEAT_FGT",)),
)


def _rows() -> list[Row]:
    return [
        Row(
            id=f"{case.name}.{imm:#06x}",
            rule=case.rule,
            expected=str(outcome := case.outcome(imm)),
            needs=case.needs,
            kind=UNDEFINED if outcome.is_undefined else "",
            matrix=case.matrix,
        )
        for case in _CASES
        for imm in IMMEDIATES
    ]


def _header() -> str:
    """Return the tables in C: instructions, each before a BRK, cases, and what they give."""
    immediates = initialiser(*map(hex, IMMEDIATES))
    return "".join(
        [
            f"#define HVC_IMMEDIATES {len(IMMEDIATES)}\n",
            f"static const u16 hvc_immediates[HVC_IMMEDIATES] = {immediates};\n",
            *(
                code(f"HVC_{insn.upper()}_CODE", ((opcode | imm << 5, BRK) for imm in IMMEDIATES))
                for insn, opcode in _OPCODES.items()
            ),
            array("struct hvc_case", "hvc_cases", map(_initialiser, _CASES)),
            array("struct hvc_expected", "hvc_expected", _all_expected()),
        ]
    )


def _initialiser(case: _Case) -> str:
    fields = [f'"{case.name}"', f"hvc_{case.insn}_code", f".el = {case.el}"]
    if case.control:
        register = case.control.partition("_EL2")[0].lower()
        fields.append(f".{register} = {case.control.replace('.', '_')}")
    if case.outcome(0).or_undefined:
        fields.append(f".or_undefined = {UNDEFINED_EXCEPTION.esr:#x}")
    if case.needs:
        fields.append(f".needs = &conform_features[CONFORM_{case.needs[0]}]")
    return initialiser(*fields)


def _all_expected() -> Iterator[str]:
    """Yield ESR, the EL that takes the exception, and ELR less the address of the instruction."""
    for case in _CASES:
        for imm in IMMEDIATES:
            taken = case.outcome(imm).taken
            assert taken is not None, case  # noqa: S101 - these instructions are exceptions
            yield initialiser(f"{taken.esr:#x}", taken.el, 4 if taken.after else 0)


AREA: Final = Area("hvc", "HVC, SMC and SVC at EL1 and EL0", _rows, _header)
