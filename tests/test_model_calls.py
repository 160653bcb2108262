# SPDX-License-Identifier: GPL-2.0-or-later
"""HVC, SMC and SVC in the model, against values of the manual (DDI 0487, D24.2, ESR_EL2)."""

from collections.abc import Callable

import pytest

from kut_model.traps.controls import base
from kut_model.traps.execution import Execution
from kut_model.traps.instructions import hvc, smc, svc
from kut_model.traps.outcome import UNDEFINED, Taken
from kut_model.traps.result import Outcome

Call = Callable[[Execution, int], Outcome]


def outcome(call: Call, el: int, imm: int, *controls: str) -> Outcome:
    """Outcome with some fields set, below a host with VHE."""
    return call(Execution(el, base(e2h=1).having(dict.fromkeys(controls, 1))), imm)


def exception(call: Call, el: int, imm: int, *controls: str) -> Taken:
    """The exception that it is."""
    taken = outcome(call, el, imm, *controls).taken
    assert taken is not None
    return taken


@pytest.mark.parametrize(
    ("taken", "el", "esr", "after"),
    [
        (exception(hvc, 1, 0x1234), 2, 0x5A001234, True),
        (exception(hvc, 0, 0x1234), 1, 0x02000000, False),
        (exception(hvc, 1, 0x1234, "HCR_EL2.HCD"), 1, 0x02000000, False),
        (exception(smc, 1, 0xFFFF, "HCR_EL2.TSC"), 2, 0x5E00FFFF, False),
        (exception(smc, 0, 0xFFFF, "HCR_EL2.TSC"), 1, 0x02000000, False),
        (exception(svc, 1, 1), 1, 0x56000001, True),
        (exception(svc, 1, 1, "HFGITR_EL2.SVC_EL1"), 2, 0x56000001, False),
    ],
)
def test_the_exception(taken: Taken, el: int, esr: int, after: bool) -> None:  # noqa: FBT001
    assert (taken.el, taken.esr, taken.after) == (el, esr, after)
    assert (taken == UNDEFINED) == (esr == 0x02000000)


def test_a_trapped_smc_may_be_undefined_without_nv() -> None:
    assert outcome(smc, 1, 1, "HCR_EL2.TSC").or_undefined
    assert not outcome(smc, 1, 1, "HCR_EL2.TSC", "HCR_EL2.NV").or_undefined
    trap = "exception to EL2, EC 0x17 (SMC64), ISS 0x1, ELR this instruction"
    assert str(outcome(smc, 1, 1, "HCR_EL2.TSC")) == f"{trap}, or {UNDEFINED}"


def test_an_exception_is_described_in_one_line() -> None:
    text = str(exception(hvc, 1, 0x12))
    assert text == "exception to EL2, EC 0x16 (HVC64), ISS 0x12, ELR the next instruction"
    assert str(UNDEFINED) == "exception to EL1, EC 0x0 (UNDEFINED), ISS 0x0, ELR this instruction"


def test_a_syndrome_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="0x4000000 does not fit 25 bits"):
        _ = exception(svc, 1, 1 << 26).esr
