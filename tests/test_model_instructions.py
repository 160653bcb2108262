# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions that are exceptions or trapped in the model: examples, and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_model.tables import instructions as tables
from kut_model.traps.aarch32 import aarch32
from kut_model.traps.controls import FIELDS, base
from kut_model.traps.execution import Execution
from kut_model.traps.instruction_cases import instruction_cases
from kut_model.traps.instructions import Instruction, instructions
from kut_model.traps.result import Kind

A64 = {each.name: each for each in instructions() if not each.state}
STATES = [each for each in instructions() if each.state]
AARCH32 = {(instruction.state, instruction.name): instruction for instruction in aarch32()}


def found(instruction: Instruction, el: int, changes: dict[str, int], e2h: int = 1) -> str:
    """EL, ESR and offset of ELR of an exception, or "executes"."""
    state = base(e2h=e2h).having(changes)
    outcome = instruction.outcome(Execution(el, state))
    taken = outcome.taken
    return f"EL{taken.el} {taken.esr:#x} {taken.after:d}" if taken else str(outcome)


#: DDI 0487, D24.2, ESR_EL2, and C6.2.
@pytest.mark.parametrize(
    ("name", "el", "changes", "expected"),
    [
        ("svc.0x5a5a", 0, {}, "EL1 0x56005a5a 1"),
        ("svc.0x5a5a", 0, {"HFGITR_EL2.SVC_EL0": 1}, "EL2 0x56005a5a 0"),
        ("svc.0x5a5a", 1, {"HFGITR_EL2.SVC_EL0": 1}, "EL1 0x56005a5a 1"),
        ("smc.0x0001", 1, {"HCR_EL2.TSC": 1, "HCR_EL2.NV": 1}, "EL2 0x5e000001 0"),
        ("smc.0x0001", 0, {"HCR_EL2.TSC": 1}, "EL1 0x2000000 0"),
        ("brk.0xffff", 1, {"MDCR_EL2.TDE": 1}, "EL2 0xf200ffff 0"),
        ("wfi", 1, {"HCR_EL2.TWI": 1}, "EL2 0x7e00000 0"),
        ("wfe", 0, {"HCR_EL2.TWE": 1, "SCTLR_EL1.nTWE": 0}, "EL1 0x7e00001 0"),
        ("wfit", 1, {"HCR_EL2.TWI": 1}, "EL2 0x7e00066 0"),
        ("wfet", 1, {"HCR_EL2.TWE": 1}, "EL2 0x7e00067 0"),
        ("wfe", 1, {"HCR_EL2.TWI": 1}, "executes"),
        ("eretab", 1, {"HCR_EL2.NV": 1}, "EL2 0x6a000003 0"),
        ("ptrue", 1, {"CPACR_EL1.FPEN": 0, "CPTR_EL2.ZEN": 0}, "EL1 0x1fe00000 0"),
        ("ptrue", 1, {"CPTR_EL2.FPEN": 0, "CPTR_EL2.ZEN": 0}, "EL2 0x66000000 0"),
        ("pacia", 1, {"SCTLR_EL1.EnIA": 1, "HCR_EL2.API": 0}, "EL2 0x26000000 0"),
        ("pacia", 1, {"HCR_EL2.API": 0}, "executes"),
        ("ldr-sp", 0, {"SCTLR_EL1.SA0": 1}, "EL1 0x9a000000 0"),
        ("ldr-sp", 0, {"SCTLR_EL1.SA": 1}, "executes"),
    ],
)
def test_examples(name: str, el: int, changes: dict[str, int], expected: str) -> None:
    assert found(A64[name], el, changes) == expected


@pytest.mark.parametrize(
    ("state", "name", "changes", "expected"),
    [
        ("a32", "tpidrurw.read", {"HSTR_EL2.T13": 1}, "EL2 0xfe43461 0"),
        ("a32", "pmcr.write", {"HSTR_EL2.T9": 1, "PMUSERENR_EL0.EN": 0}, "EL1 0xfe02478 0"),
        ("a32", "cp15isb.write", {"SCTLR_EL1.CP15BEN": 0, "HSTR_EL2.T7": 1}, "EL1 0x2000000 0"),
        ("a32", "dbgdscrint.read", {"MDCR_EL2.TDA": 1}, "EL2 0x17e00063 0"),
        ("a32", "bkpt.0x5a5a", {}, "EL1 0xe2005a5a 0"),
        ("t32", "bkpt.0x5a", {"MDCR_EL2.TDE": 1}, "EL2 0xe000005a 0"),
        ("t32", "svc.0x5a", {}, "EL1 0x4400005a 1"),
        ("t32", "udf", {}, "EL1 0x2000000 0"),
    ],
)
def test_examples_of_aarch32(state: str, name: str, changes: dict[str, int], expected: str) -> None:
    assert found(AARCH32[state, name], 0, changes) == expected


@pytest.mark.parametrize("instruction", STATES, ids=lambda each: f"{each.name}-{each.state}")
def test_an_illegal_state_and_a_misaligned_pc_come_before_the_instruction(
    instruction: Instruction,
) -> None:
    every = {"HCR_EL2.NV": 1, "HFGITR_EL2.SVC_EL0": 1, "HFGITR_EL2.SVC_EL1": 1}
    expected = {"il": "EL1 0x3a000000 0", "pc": "EL1 0x8a000000 0"}[instruction.state]
    for el in instruction.els:
        assert found(instruction, el, every) == expected


@pytest.mark.parametrize("e2h", [0, 1])
def test_cases_differ_in_their_fields_and_rows_are_unique(e2h: int) -> None:
    for instruction in (*instructions(), *aarch32()):
        cases = list(instruction_cases(instruction, e2h=e2h))
        assert cases
        assert len({(case.place, case.changes) for case in cases}) == len(cases)
    assert len(tables.cases_of(e2h=e2h)) > 900


@given(
    data=st.data(),
    instruction=st.sampled_from([*A64.values(), *STATES, *AARCH32.values()]),
    e2h=st.sampled_from([0, 1]),
)
def test_a_host_takes_everything_to_el2_and_a_guest_what_controls_of_el2_trap(
    *, data: st.DataObject, instruction: Instruction, e2h: int
) -> None:
    names = data.draw(st.sets(st.sampled_from(tuple(FIELDS[e2h])), max_size=12))
    values = {
        name: data.draw(st.integers(0, (1 << FIELDS[e2h][name][1]) - 1))
        for name in sorted(names - {"HCR_EL2.TGE", "HCR_EL2.E2H"})
    }
    host = instruction.outcome(Execution(0, base(e2h=e2h, tge=1).having(values)))
    assert host.taken is None or host.taken.el == 2
    own = {name: value for name, value in values.items() if "_EL2." not in name}
    guest = instruction.outcome(Execution(instruction.els[0], base(e2h=e2h).having(own)))
    assert guest.taken is None or guest.taken.el == 1
    assert guest.kind in {Kind.EXECUTE, Kind.EXCEPTION}
