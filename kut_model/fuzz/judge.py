# SPDX-License-Identifier: GPL-2.0-or-later
"""Outcomes that the architecture permits of a case, and the features that it needs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from kut_model.fuzz import layout
from kut_model.fuzz.fields import AT_AT_EL1, AT_AT_EL2, LEVELS, PAGES, Case, CaseError
from kut_model.fuzz.setup import Setup, build
from kut_model.translation import attributes
from kut_model.translation.access import OPERATIONS, Access, Kind
from kut_model.translation.choices import Choices
from kut_model.translation.codes import (
    Scene,
    codes_of_access,
    codes_of_at,
    codes_of_at_el1,
    describe_all,
)
from kut_model.translation.geometry import MAX_T0SZ_WITHOUT_TTST
from kut_model.translation.memory import Memory
from kut_model.translation.processor import PA_BITS, Processor
from kut_model.translation.stage2 import Output, stage2
from kut_model.translation.tables import needs_pa_bits, strongest
from kut_model.translation.translate import (
    Machine,
    Outcome,
    alternatives,
    stage1_alternatives,
)

NARROW: Final = Processor(pa_bits=48)
WIDE: Final = Processor(pa_bits=52, lpa2=True)
_EL1_ONLY: Final = ("dc-ivac", *AT_AT_EL1)
_XNX: Final = 1 << 53
#: Features that fields need which differ from their defaults.
_NEEDS: Final = {
    "pan": "FEAT_PAN",
    "s1.epan": "FEAT_PAN3",
    "s1.e0pd": "FEAT_E0PD",
    "s1.hpd": "FEAT_HPDS",
    "s1.ha": "FEAT_HAFDBS",
    "s1.hd": "FEAT_HAFDBS_DIRTY",
    "s2.ha": "FEAT_HAFDBS",
    "s2.hd": "FEAT_HAFDBS_DIRTY",
    "fwb": "FEAT_S2FWB",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A case that can run, with its outcomes."""

    case: Case
    setup: Setup
    codes: tuple[int, ...]
    needs: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The permitted outcomes in one line."""
        return describe_all(self.codes, self.setup.page_names)


def access_of(case: Case) -> Access:
    """Return what is translated."""
    name, values = case.op, case.values
    if name in AT_AT_EL2 or name in AT_AT_EL1:
        kind = "at-read" if name.partition(".")[0].endswith("r") else "at-write"
        return OPERATIONS[kind].at(int(name.split("e")[1][0]))
    access = OPERATIONS[name].at(values["el"])
    has_pan = access.kind in {Kind.DATA, Kind.ZERO} and access.el == 1
    return replace(access, pan=has_pan and bool(values["pan"]))


def judge(case: Case) -> Judged:
    """Return the outcomes of a case; raises CaseError for one that cannot run."""
    _check(case)
    setup = build(case)
    wide = outcomes(case, setup, WIDE)
    needs = [*_needs(case, setup)]
    if not any(need.startswith("FEAT_LPA") for need in needs) and (
        outcomes(case, setup, NARROW) != wide
    ):
        needs.append("FEAT_LPA")
    return Judged(case, setup, wide, strongest(needs))


def outcomes(case: Case, setup: Setup, processor: Processor) -> tuple[int, ...]:
    """Return the permitted outcomes on a processor; raises CaseError."""
    access = access_of(case)
    machine = Machine(processor, setup.stage1, setup.stage2, setup.words)
    if case.op not in AT_AT_EL2:
        _check_code(machine, access.el)
    scene = Scene(setup.pages, setup.stage1_leaf, setup.stage2_leaf, others=True)
    is_stage1 = case.op.startswith("at-s1e")
    translate = stage1_alternatives if is_stage1 else alternatives
    found = translate(machine, setup.va, access)
    for each in found:
        _check_output(each, access)
    if case.op in AT_AT_EL2:
        return codes_of_at(found, machine, scene, is_ipa=is_stage1)
    if case.op in AT_AT_EL1:
        return codes_of_at_el1(found, access, machine, scene)
    return codes_of_access(found, access, machine, scene)


def _check(case: Case) -> None:
    """Raise CaseError for fields that make no sense together."""
    values, name = case.values, case.op
    if name in _EL1_ONLY and not values["el"]:
        raise CaseError(f"{name} is executed at EL1 only")
    is_data = access_of(case).kind in {Kind.DATA, Kind.ZERO}
    if (values["pan"] or values["tag"]) and not is_data:
        raise CaseError("pan and tag belong to accesses of data")
    if values["pan"] and not values["el"]:
        raise CaseError("pan belongs to EL1")


def _check_code(machine: Machine, el: int) -> None:
    """Raise CaseError if the instruction itself cannot be fetched."""
    second = stage2(machine.stage2, machine.processor, Memory(machine.descriptors), Choices())
    accesses = [(layout.CODE, Access(Kind.FETCH, el)), (layout.CODE, Access(Kind.FETCH, 1))]
    if machine.stage1.enabled:
        accesses.append((layout.UPPER, Access(Kind.WALK, el)))
    for address, access in accesses:
        found = second.translate(address, attributes.NORMAL_NC, access)
        if not isinstance(found, Output) or found.address != address:
            raise CaseError("the instruction cannot be fetched")


def _check_output(outcome: Outcome, access: Access) -> None:
    """Raise CaseError if an access reaches anything but its page."""
    reached = outcome.result
    if isinstance(reached, Output) and not access.kind.sets_cm and reached.address != layout.OUT:
        raise CaseError(f"the access reaches {reached.address:#x}")


def _needs(case: Case, setup: Setup) -> Iterator[str]:
    values = dict(case.fields)
    yield from (feature for name, feature in _NEEDS.items() if values.get(name))
    if case.op == "atomic":
        yield "FEAT_LSE"
    if any(values.get(f"s2.{page}.d{level}", 0) & _XNX for page in PAGES for level in LEVELS):
        yield "FEAT_XNX"
    for stage in ("s1", "s2"):
        yield from _needs_of_size(case, stage)
    bits = [PA_BITS[min(setup.stage1.ips, 6)]]
    if setup.stage2.enabled:
        bits += [PA_BITS[min(setup.stage2.ps, 6)], 64 - setup.stage2.t0sz]
    yield from needs_pa_bits(max(bits))


def _needs_of_size(case: Case, stage: str) -> Iterator[str]:
    """Yield what granule, input size and descriptor format of a stage need."""
    values = case.values
    granule = values[f"{stage}.tg"]
    second = "_2" if stage == "s2" else ""
    if granule != 4:  # noqa: PLR2004 - every CPU here has 4K pages
        yield f"TGran{granule}{second}"
    if values[f"{stage}.ds"]:
        yield f"FEAT_LPA2_{granule}K" if granule in {4, 16} else "FEAT_LPA2_4K"
    starts_at_3 = stage == "s2" and granule == 4 and values["s2.start"] == 3  # noqa: PLR2004
    if values[f"{stage}.t0sz"] > MAX_T0SZ_WITHOUT_TTST or starts_at_3:
        yield "FEAT_TTST"
