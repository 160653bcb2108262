# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults as the registers have them: ESR_ELx, FAR_ELx, HPFAR_EL2, PAR_EL1."""

from dataclasses import dataclass

from kut_model.translation.access import Access, Kind
from kut_model.translation.attributes import encode_par
from kut_model.translation.faults import Fault
from kut_model.translation.processor import Processor
from kut_model.translation.stage2 import Output

_INSTRUCTION_ABORT = 0x20
_DATA_ABORT = 0x24
_CM = 1 << 8
_S1PTW = 1 << 7
_WNR = 1 << 6
_PAR_RES1 = 1 << 11
_PAR_S = 1 << 9
_PAR_PTW = 1 << 8
_ADDRESS = (1 << 52) - (1 << 12)


@dataclass(frozen=True, slots=True)
class Abort:
    """A synchronous abort; ISS without ISV and what depends on it, bits 24:14."""

    target_el: int
    ec: int
    iss: int
    hpfar: int | None  # None: UNKNOWN


def abort(fault: Fault, access: Access, from_el: int) -> Abort:
    """AArch64.DataAbort, InstructionAbort, FaultSyndrome: of an access made at EL `from_el`.

    What is IMPLEMENTATION DEFINED of an external abort is 0: EA, FnV and SET.
    """
    target = 2 if fault.stage == 2 or fault.tea else 1  # noqa: PLR2004
    iss = fault.status
    if fault.on_walk:
        iss |= _S1PTW
    if access.kind is Kind.FETCH:
        ec = _INSTRUCTION_ABORT
    else:
        ec = _DATA_ABORT
        if access.kind.sets_cm:
            iss |= _CM | _WNR
        elif fault.write:
            iss |= _WNR
    same_el = target == from_el
    hpfar = fault.ipa >> 12 << 4 if fault.describes_ipa else None
    return Abort(target, ec + same_el, iss, hpfar)


def par_of_fault(fault: Fault) -> int:
    """AArch64.EncodePAR: F, FST, PTW and S; the IMPLEMENTATION DEFINED bits are 0."""
    par = 1 | fault.status << 1 | _PAR_RES1
    if fault.on_walk:
        par |= _PAR_PTW
    if fault.stage == 2:  # noqa: PLR2004
        par |= _PAR_S
    return par


def par_of_output(output: Output, processor: Processor) -> int:
    """AArch64.EncodePAR: PA, ATTR and SH; NS and the IMPLEMENTATION DEFINED bit are 0."""
    return (
        encode_par(output.attributes, processor) << 56
        | output.address & _ADDRESS
        | _PAR_RES1
        | output.attributes.effective().shareability << 7
    )
