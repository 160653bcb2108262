# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `hvc`: HVC, SMC and SVC with immediates of all kinds, and the controls that trap them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from kut_model.rows import UNDEFINED, Area, Row
from kut_model.tables.arrays import BRK, array, code, initialiser
from kut_model.traps import calls, outcome
from kut_model.traps.outcome import Taken

#: Immediates of 16 bits: each bit alone, each bit missing, and mixtures.
IMMEDIATES: Final = sorted(
    {0, 0xFFFF, 0x1234, 0x5555, 0xAAAA}
    | {1 << bit for bit in range(16)}
    | {0xFFFF ^ 1 << bit for bit in range(16)}
)
#: Encodings with an immediate of 0, which is at bit 5 (DDI 0487, C4.1, Exception generation).
_OPCODES: Final = {"svc": 0xD4000001, "hvc": 0xD4000002, "smc": 0xD4000003}


@dataclass(frozen=True, slots=True)
class _Case:
    """An instruction at an EL, with one control or none."""

    insn: str
    el: int
    rule: str
    outcome: Callable[[int], Taken]
    """The model, by immediate."""
    control: str = ""
    """Control that is set, as in C: "HCR_EL2_HCD"; empty for none."""
    needs: tuple[str, ...] = ()
    or_undefined: bool = False
    """Whether UNDEFINED is permitted too."""

    @property
    def matrix(self) -> tuple[str, ...]:
        """Ids of the coverage table beside that of its rule."""
        return ("E4",) if self.rule == "call.svc" and self.el == 0 else ()

    @property
    def name(self) -> str:
        """Id of its rows without the immediate."""
        control = self.control.partition("_EL2_")[2].lower()
        return ".".join(filter(None, ("hvc", self.insn, f"el{self.el}", control)))


_FGT: Final = ("FEAT_FGT",)
_CASES: Final = (
    _Case("hvc", 1, "call.hvc", lambda imm: calls.hvc(1, imm)),
    _Case("hvc", 0, "call.hvc.undefined", lambda imm: calls.hvc(0, imm)),
    _Case("hvc", 1, "call.hvc.undefined", lambda imm: calls.hvc(1, imm, hcd=True), "HCR_EL2_HCD"),
    _Case(
        *("smc", 1, "call.smc.trap", lambda imm: calls.smc(1, imm), "HCR_EL2_TSC"),
        or_undefined=True,
    ),
    _Case("smc", 0, "call.smc.undefined", lambda imm: calls.smc(0, imm), "HCR_EL2_TSC"),
    _Case("svc", 1, "call.svc", calls.svc),
    _Case("svc", 0, "call.svc", calls.svc),
    _Case(
        *("svc", 1, "call.svc.trap", lambda imm: calls.svc(imm, trapped=True)),
        *("HFGITR_EL2_SVC_EL1", _FGT),
    ),
    _Case(
        *("svc", 0, "call.svc.trap", lambda imm: calls.svc(imm, trapped=True)),
        *("HFGITR_EL2_SVC_EL0", _FGT),
    ),
)


def _rows() -> list[Row]:
    return [
        Row(
            id=f"{case.name}.{imm:#06x}",
            rule=case.rule,
            expected=_expected(case, taken := case.outcome(imm)),
            needs=case.needs,
            kind=UNDEFINED if taken is outcome.UNDEFINED else "",
            matrix=case.matrix,
        )
        for case in _CASES
        for imm in IMMEDIATES
    ]


def _expected(case: _Case, taken: Taken) -> str:
    return f"{taken}, or {outcome.UNDEFINED}" if case.or_undefined else str(taken)


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
        fields.append(f".{register} = {case.control}")
    if case.or_undefined:
        fields.append(f".or_undefined = {outcome.UNDEFINED.esr:#x}")
    if case.needs:
        fields.append(f".needs = &conform_features[CONFORM_{case.needs[0]}]")
    return initialiser(*fields)


def _all_expected() -> Iterator[str]:
    """Yield ESR, the EL that takes the exception, and how far ELR is behind the instruction."""
    for case in _CASES:
        for imm in IMMEDIATES:
            taken = case.outcome(imm)
            yield initialiser(f"{taken.esr:#x}", taken.el, 4 if taken.after else 0)


AREA: Final = Area("hvc", "HVC, SMC and SVC at EL1 and EL0", _rows, _header)
