# SPDX-License-Identifier: GPL-2.0-or-later
"""Enumeration of accesses worth a row: each register with each control that can matter to it.

For a register, the controls are found by asking the model which fields it looks at. Every one of
them is then changed, alone, for reads and writes at EL1, at EL0, and at EL0 of a host (HCR_EL2.TGE
set): also where it must not trap, such as the trap of a write for a read. To these come

- the base, where everything is permitted;
- every trap of EL2 set that the register is none of, which must change nothing ("others");
- all fields of EL2 that matter to it changed, and those of EL1 too ("all-el2", "all");
- pairs of controls that on their own give different exceptions: their priority;
- the combinations of HCR_EL2.NV, NV1 and NV2 that have NV set. NV1 or NV2 without NV is CONSTRAINED
  UNPREDICTABLE (D24.2, HCR_EL2.NV1 and NV2).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Final

from kut_model.traps.access import access
from kut_model.traps.controls import FIELDS, State, base
from kut_model.traps.registers import Register
from kut_model.traps.result import Kind, Outcome

#: Fields that a case does not change by itself.
_FIXED: Final = frozenset({"HCR_EL2.TGE", "HCR_EL2.E2H", "PSTATE.SP"})
_NESTED: Final = ("HCR_EL2.NV", "HCR_EL2.NV1", "HCR_EL2.NV2")
#: Values that are reserved.
_RESERVED: Final = {"MDCR_EL2.E2PB": {1}}

#: Registers whose fields of one bit trap where they are set, but for those that permit or route.
_TRAPPING: Final = (
    "HCR_EL2 MDCR_EL2 CPTR_EL2 CNTHCTL_EL2 ICH_HCR_EL2 HFGRTR_EL2 HFGWTR_EL2 HFGITR_EL2 HDFGRTR_EL2"
    " HDFGWTR_EL2 HAFGRTR_EL2"
)
_ROUTING: Final = "FMO IMO AMO VI DC TGE HCD RW E2H NV NV1 NV2 AT"

Changes = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an access is made: EL1, EL0, or EL0 of a host."""

    el: int
    tge: int
    state: str = ""
    """Instruction set of AArch32, "a32" or "t32"; in AArch64 "il" with PSTATE.IL set, "pc" at an
    address that is not aligned; otherwise empty."""

    def __str__(self) -> str:
        """Name it as ids do."""
        place = "host-el0" if self.tge else f"el{self.el}"
        return f"{place}-{self.state}" if self.state else place


PLACES: Final = (Place(1, 0), Place(0, 0), Place(0, 1))


@dataclass(frozen=True, slots=True)
class Case:
    """An access with its outcome."""

    register: Register
    write: bool
    place: Place
    changes: Changes
    """Fields that differ from the base, and their values."""
    outcome: Outcome
    e2h: int
    label: str = ""
    """Name of the changes where they are many."""


class Recorder(State):
    """A state that notes which fields are looked at."""

    __slots__ = ("seen",)

    def __init__(self, state: Mapping[str, int]) -> None:
        """Begin with the values of `state`, and nothing seen."""
        super().__init__(state)
        self.seen: set[str] = set()

    def __getitem__(self, key: str) -> int:
        """Return the value of a field, and note it."""
        self.seen.add(key)
        return super().get(key, 0)


def cases(register: Register, *, e2h: int) -> Iterator[Case]:
    """Yield the cases of a register below a host with HCR_EL2.E2H."""
    fields = relevant(register, e2h)
    for place in PLACES:
        for write in (True,) if register.is_instruction else (False, True):
            if _is_other_register(register, write=write):
                continue
            every = _changes(register, place, fields, write=write, e2h=e2h)
            labelled = _labelled(fields, e2h)
            for label, changes in (*(("", changes) for changes in every), *labelled):
                outcome = outcome_of(register, place, changes, write=write, e2h=e2h)
                yield Case(register, write, place, changes, outcome, e2h, label)


@cache
def _labelled(fields: tuple[str, ...], e2h: int) -> tuple[tuple[str, Changes], ...]:
    """Return the changes of many fields, with their labels."""
    plain = [field for field in fields if field not in _NESTED and field in FIELDS[e2h]]
    of_el2 = [field for field in plain if field.partition(".")[0].endswith("_EL2")]
    found = [("others", other_traps(fields, e2h))]
    if len(of_el2) > 1:
        found.append(("all-el2", _all_changed(of_el2, e2h)))
    if len(plain) > max(1, len(of_el2)):
        found.append(("all", _all_changed(plain, e2h)))
    return tuple(found)


def _all_changed(fields: Sequence[str], e2h: int) -> Changes:
    return tuple((field, _values(field, e2h)[0]) for field in fields)


def outcome_of(
    register: Register, place: Place, changes: Changes, *, write: bool, e2h: int
) -> Outcome:
    """Return the outcome with some fields changed."""
    return access(register, state_of(place, changes, e2h), write=write, el=place.el)


def state_of(place: Place, changes: Changes, e2h: int) -> State:
    """Return the base with some fields changed."""
    return base(e2h=e2h, tge=place.tge).having(dict(changes))


@cache
def relevant(register: Register, e2h: int) -> tuple[str, ...]:
    """Return the fields that can matter to a register, in the order of FIELDS."""

    def look(place: Place, state: State) -> None:
        for write in (False, True):
            access(register, state, write=write, el=place.el)

    return fields_read(PLACES, look, e2h)


def fields_read(
    places: Sequence[Place], look: Callable[[Place, State], None], e2h: int
) -> tuple[str, ...]:
    """Return the fields that `look` reads, in the order of FIELDS.

    It looks at the base, and at every value of each field that it has read.
    """
    seen = set[str]()
    todo: list[Changes] = [()]
    while todo:
        changes = todo.pop()
        found = set[str]()
        for place in places:
            recorder = Recorder(state_of(place, changes, e2h))
            look(place, recorder)
            found |= recorder.seen
        found -= seen | _FIXED
        seen |= found
        todo += [((field, value),) for field in found for value in _values(field, e2h)]
    return tuple(field for field in FIELDS[e2h] if field in seen)


def _values(field: str, e2h: int) -> list[int]:
    """Return the values of a field that differ from the base."""
    if field not in FIELDS[e2h]:
        return []
    every = set(range(1 << FIELDS[e2h][field][1]))
    return sorted(every - {base(e2h=e2h)[field]} - _RESERVED.get(field, set()))


def _is_other_register(register: Register, *, write: bool) -> bool:
    """Whether the encoding in this direction is another register: DBGDTRRX_EL0, DBGDTRTX_EL0."""
    return register.name == ("DBGDTRRX_EL0" if write else "DBGDTRTX_EL0")


def _changes(
    register: Register, place: Place, fields: tuple[str, ...], *, write: bool, e2h: int
) -> Iterator[Changes]:
    plain = [field for field in fields if field not in _NESTED]
    singles = [((field, value),) for field in plain for value in _values(field, e2h)]
    yield ()
    yield from singles
    yield from _pairs(register, place, singles, write=write, e2h=e2h)
    if place.el and not set(fields).isdisjoint(_NESTED):
        for nv1 in (0, 1):
            for nv2 in (0, 1):
                yield tuple(zip(_NESTED, (1, nv1, nv2), strict=True))


@cache
def other_traps(fields: tuple[str, ...], e2h: int) -> Changes:
    """Return all traps of EL2 but `fields`, set."""
    state = base(e2h=e2h)
    return tuple(
        (name, 1)
        for name, (_, width) in FIELDS[e2h].items()
        if name.partition(".")[0] in _TRAPPING.split()
        and width == 1
        and not state[name]
        and not (name.startswith("HCR_EL2.") and name[8:] in _ROUTING.split())
        and name not in fields
        and not name.startswith("CNTHCTL_EL2.EL1NV")
        and name != "ICH_HCR_EL2.TDIR"  # which a CPU may lack
    )


def _pairs(
    register: Register, place: Place, singles: Sequence[Changes], *, write: bool, e2h: int
) -> Iterator[Changes]:
    """Yield pairs of changes to two fields that lead to two different exceptions."""
    exceptions = [
        (changes, outcome.taken)
        for changes in singles
        if (outcome := outcome_of(register, place, changes, write=write, e2h=e2h)).kind
        is Kind.EXCEPTION
    ]
    for (first, taken), (second, other) in combinations(exceptions, 2):
        if taken != other and first[0][0] != second[0][0]:
            yield first + second
