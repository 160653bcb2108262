# SPDX-License-Identifier: GPL-2.0-or-later
"""HVC, SMC and SVC in the model, against values of the manual (DDI 0487, D24.2, ESR_EL2)."""

import pytest

from kut_model.traps import calls
from kut_model.traps.outcome import UNDEFINED, Taken


@pytest.mark.parametrize(
    ("taken", "el", "esr", "after"),
    [
        (calls.hvc(1, 0x1234), 2, 0x5A001234, True),
        (calls.hvc(0, 0x1234), 1, 0x02000000, False),
        (calls.hvc(1, 0x1234, hcd=True), 1, 0x02000000, False),
        (calls.smc(1, 0xFFFF), 2, 0x5E00FFFF, False),
        (calls.smc(0, 0xFFFF), 1, 0x02000000, False),
        (calls.svc(1), 1, 0x56000001, True),
        (calls.svc(1, trapped=True), 2, 0x56000001, False),
    ],
)
def test_the_exception(taken: Taken, el: int, esr: int, after: bool) -> None:  # noqa: FBT001
    assert (taken.el, taken.esr, taken.after) == (el, esr, after)
    assert (taken == UNDEFINED) == (esr == 0x02000000)


def test_an_exception_is_described_in_one_line() -> None:
    text = str(calls.hvc(1, 0x12))
    assert text == "exception to EL2, EC 0x16 (HVC64), ISS 0x12, ELR the next instruction"
    assert str(UNDEFINED) == "exception to EL1, EC 0x0 (UNDEFINED), ISS 0x0, ELR this instruction"


def test_a_syndrome_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="0x4000000 does not fit 25 bits"):
        _ = calls.svc(1 << 26).esr
