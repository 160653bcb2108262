# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `vgic`: the virtual CPU interface of GIC version 3.

A row is a state of the interface, accesses of a guest to its registers, what they read, and the
state afterwards.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from kut_model.gic import maintenance, products, sequences
from kut_model.gic.cases import Case, Outcome, physical_controls
from kut_model.gic.interface import Unpredictable
from kut_model.gic.operations import Operation, Result
from kut_model.gic.registers import INVALID, VMCR_KNOWN, Controls
from kut_model.rows import Area, Row
from kut_model.tables.arrays import array, designated, initialiser


@cache
def _cases() -> list[tuple[Case, Outcome]]:
    """Return the cases whose outcome is defined."""
    return list(_defined())


def _defined() -> Iterator[tuple[Case, Outcome]]:
    for case in (*products.cases(), *sequences.cases()):
        try:
            yield case, case.outcome()
        except Unpredictable:
            continue


def _rows() -> Sequence[Row]:
    return [
        Row(f"vgic.{case.name}", case.rule, _expected(case, outcome)) for case, outcome in _cases()
    ]


def _expected(case: Case, outcome: Outcome) -> str:
    return f"{outcome.describe(case.operations)} (from {case.before})"


def _operations(case: Case, outcome: Outcome) -> Iterator[str]:
    """Yield the accesses of a case, and an end."""
    for operation, result in zip(case.operations, outcome.results, strict=True):
        yield _operation(operation, result)
    yield initialiser(f".code = {'VGIC_END_AT_EL2' if case.at_el2 else 'VGIC_END'}")


def _operation(operation: Operation, result: Result) -> str:
    values = operation.value, result.value & result.known, result.known
    return initialiser(f"VGIC_{operation.name.upper()}", *map(hex, values))


def _physical(controls: Controls) -> str:
    """Return the initialiser of a `struct vgic_physical`."""
    enables = (int(each) for each in controls.enabled)
    return initialiser(controls.pmr, *controls.bpr, *enables, controls.ctlr)


def _initialiser(case: Case, outcome: Outcome, first: int) -> str:
    before, after = case.state, outcome.state
    hw = [lr.hw if lr.state != INVALID else 0 for lr in before.lrs]
    fields = {
        "name": f'"{case.name}"',
        "lr": initialiser(*(hex(lr.value) for lr in before.lrs)),
        "lr_after": initialiser(*(hex(lr.value) for lr in after.lrs)),
        "hw": initialiser(*hw),
        "hw_active": sum(
            bool(irq not in after.deactivated) << n for n, irq in enumerate(hw) if irq
        ),
        "vmcr": hex(before.controls.vmcr),
        "vmcr_after": hex(after.controls.vmcr & after.controls.vmcr_known),
        "vmcr_known": hex(after.controls.vmcr_known & VMCR_KNOWN),
        "hcr": hex(before.hcr),
        "hcr_after": hex(after.hcr),
        "ap": initialiser(*(hex(before.active_priorities(group)) for group in (0, 1))),
        "ap_after": initialiser(*(hex(after.active_priorities(group)) for group in (0, 1))),
        "ap_known": int(after.active_priorities_known),
        "first": first,
        "eisr": maintenance.eisr(after),
        "elrsr": maintenance.elrsr(after),
        "misr": maintenance.misr(after) & maintenance.misr_known(after),
        "misr_known": maintenance.misr_known(after),
        "line": int(maintenance.line(after)),
        "line_known": int(maintenance.line_known(after)),
        "imo": int(case.imo),
        "fmo": int(case.fmo),
        "at_el2": int(case.at_el2),
        "has_physical": int(case.has_physical),
        "physical_after": _physical(outcome.physical),
    }
    return designated(fields)


def _header() -> str:
    operations, rows = list[str](), list[str]()
    for case, outcome in _cases():
        rows.append(_initialiser(case, outcome, len(operations)))
        operations += _operations(case, outcome)
    physical = _physical(physical_controls())
    return "".join(
        [
            f"static const struct vgic_physical vgic_physical = {physical};\n",
            array("struct vgic_operation", "vgic_operations", operations),
            array("struct vgic_row", "vgic_rows", rows),
        ]
    )


AREA: Final = Area("vgic", "virtual CPU interface of GIC version 3", _rows, _header)
