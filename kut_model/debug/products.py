# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of area `debug`, by what varies."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Final

from kut_model.debug.cases import Case, State
from kut_model.debug.events import (
    CID,
    CID1,
    CID1_CID2,
    CID2,
    LEVELS,
    VMID,
    VMID_CID1,
    Context,
    Machine,
    Watched,
)
from kut_model.debug.instructions import INSTRUCTIONS
from kut_model.traps.places import Place, places

_FLAGS: Final = (False, True)
_KINDS: Final = ("break", "watch")
_ALL: Final = Watched(0)
_BELOW: Final = (Place.EL1, Place.EL0, Place.HOST_EL0)


def _machine(place: Place, *, vhe: bool, **others: bool) -> Machine:
    return Machine(place.el, host=place.is_host(vhe=vhe), **others)


def _flags(**flags: bool) -> str:
    return ".".join(f"{name}{int(value)}" for name, value in flags.items())


def _kind(case: Case, kind: str) -> Case:
    """Return a case with a breakpoint at its instruction, or a load with a watchpoint."""
    if kind == "break":
        return replace(case, breaks=True)
    return replace(case, insn="ldr-x", watched=_ALL)


def _controls(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield everything that enables breakpoints and watchpoints."""
    for place, kind, tde, mde, kde, masked in product(places, _KINDS, *(_FLAGS,) * 4):
        flags = {"tde": tde, "mde": mde, "kde": kde}
        machine = _machine(place, vhe=vhe, **flags, masked=masked)
        name = f"{place.value}.{kind}.{_flags(**flags, d=masked)}"
        yield _kind(Case(name, "debug.enabled", place, "nop", machine), kind)
    for place, kind, what in product(places, _KINDS, ("e-0", "oslk", "other-address")):
        machine = _machine(place, vhe=vhe, tde=True, oslk=what == "oslk")
        case = Case(f"{place.value}.{kind}.{what}", "debug.enabled", place, "nop", machine)
        other = what == "other-address"
        if not other or kind == "break":
            yield replace(_kind(case, kind), enabled=what != "e-0", other_address=other)


def _levels(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield HMC, SSC and PMC or PAC, with privileged and unprivileged accesses."""
    for place, levels, tde in product(places, LEVELS, _FLAGS):
        machine = _machine(place, vhe=vhe, tde=tde)
        text = f"hmc{levels.hmc}.ssc{levels.ssc}.pxc{levels.pxc}.tde{int(tde)}"
        case = Case("", "debug.levels", place, "nop", machine, levels=levels)
        yield replace(case, name=f"{place.value}.break.{text}", breaks=True)
        for insn in ("ldr-x", "ldtr-x", "str-x", "sttr-x"):
            name = f"{place.value}.watch.{insn}.{text}"
            yield replace(case, name=name, insn=insn, watched=_ALL)


#: Watched bytes, by name.
_WATCHED: Final = {
    "dword": Watched(64),
    "low-word": Watched(64, bas=0x0F),
    "high-word": Watched(64, bas=0xF0),
    "byte-3": Watched(64, bas=0x08),
    "half-6": Watched(64, bas=0xC0),
    "word-4": Watched(68, bas=0x0F),
    "mask-3": Watched(64, mask=3),
    "mask-4": Watched(64, mask=4),
    "mask-6": Watched(64, mask=6),
}
_OFFSETS: Final = (56, 60, 63, 64, 67, 70, 72, 80, 96)


def _watchpoints(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield forms of accesses, and where they and the watched bytes are."""
    for place, insn, lsc in product(places, INSTRUCTIONS, (1, 2, 3)):
        details = INSTRUCTIONS[insn]
        if details.taken is not None or details.is_return or insn in {"nop", "isb"}:
            continue
        machine = _machine(place, vhe=vhe, tde=True)
        yield Case(
            f"{place.value}.watch.{insn}.lsc{lsc}",
            *("debug.watched", place, insn, machine),
            watched=replace(_WATCHED["dword"], lsc=lsc),
            offset=64,
            needs=details.needs,
        )
    for place, insn, name, offset in product(
        places, ("ldr-x", "ldrb", "str-x", "ldp-x", "stp-x", "ldr-q", "dc-zva"), _WATCHED, _OFFSETS
    ):
        machine = _machine(place, vhe=vhe, tde=True)
        yield Case(
            f"{place.value}.watch.{insn}.{name}.offset{offset}",
            *("debug.watched", place, insn, machine),
            watched=_WATCHED[name],
            offset=offset,
            needs=INSTRUCTIONS[insn].needs,
        )


_CONTEXTS: Final = {
    "contextidr": CID,
    "contextidr_el1": CID1,
    "vmid": VMID,
    "vmid-contextidr_el1": VMID_CID1,
    "contextidr_el2": CID2,
    "contextidr_el1-contextidr_el2": CID1_CID2,
}


def _contexts(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield breakpoints and watchpoints linked to a context, and breakpoints of a context."""
    for place, kind, (name, number), low, high in product(
        places, ("break", "watch", "alone"), _CONTEXTS.items(), _FLAGS, _FLAGS
    ):
        text = f"{name}.{_flags(low=low, high=high)}"
        machine = _machine(place, vhe=vhe, tde=True)
        case = Case(f"{place.value}.{kind}.{text}", "debug.context", place, "nop", machine)
        case = _kind(case, "watch" if kind == "watch" else "break")
        case = replace(case, context=Context(number, low, high), linked=kind != "alone")
        if kind == "alone" and place is Place.EL2:
            continue  # it matches the code of the host, too
        yield replace(case, needs=("FEAT_VHE",) if number in {CID1, CID2, CID1_CID2} else ())


def _steps(*, vhe: bool) -> Iterator[Case]:
    """Yield steps of instructions with all controls."""
    places = tuple(place for place in _BELOW if vhe or place is not Place.HOST_EL0)
    for place, insn, ss, tde, kde, masked in product(
        places,
        ("nop", "isb", "ldr-x", "ldxr-x", "ldaxr-x", "ldxp-x", "svc", "hvc", "udf", "brk", "eret"),
        *(_FLAGS,) * 4,
    ):
        if (insn in {"hvc", "eret"} and place is not Place.EL1) or (insn == "eret" and not vhe):
            continue
        flags = {"tde": tde, "kde": kde}
        machine = _machine(place, vhe=vhe, **flags, masked=masked, mde=False, step=True)
        text = f"step.{insn}.ss{int(ss)}.{_flags(**flags, d=masked)}"
        case = Case(f"{place.value}.{text}", "debug.step", place, insn, machine, ss=ss)
        if insn == "eret":
            for el1_ss in _FLAGS:
                name = f"{case.name}.el1-ss{int(el1_ss)}"
                yield replace(case, name=name, el1_ss=el1_ss)
        else:
            yield case
    for place, insn, what in product(places, ("nop", "udf"), ("mdscr-0", "oslk")):
        machine = _machine(place, vhe=vhe, tde=True, step=what == "oslk", oslk=what == "oslk")
        name = f"{place.value}.step.{insn}.{what}"
        yield Case(name, "debug.step", place, insn, machine, ss=True)
    for place, ss in product(places, _FLAGS):
        machine = _machine(place, vhe=vhe, tde=True, mde=False, step=True)
        name = f"{place.value}.step.data-unmapped.ss{int(ss)}"
        state = State.DATA_UNMAPPED
        yield Case(name, "debug.step", place, "ldr-x", machine, ss=ss, state=state)


def _priorities(places: tuple[Place, ...], *, vhe: bool) -> Iterator[Case]:
    """Yield debug exceptions with another one of the same instruction."""
    for place, tde in product(places, _FLAGS):
        machine = _machine(place, vhe=vhe, tde=tde)
        case = Case("", "debug.priority", place, "nop", machine, breaks=True)
        end = f"tde{int(tde)}"
        if place is not Place.EL2:
            for state in (State.FETCH_UNMAPPED, State.ILLEGAL):
                name = f"{place.value}.break.{state.value}.{end}"
                yield replace(case, name=name, state=state)
            for insn in ("svc", "udf", "brk"):
                yield replace(case, name=f"{place.value}.break.{insn}.{end}", insn=insn)
            for ss in _FLAGS:
                stepping = replace(machine, step=True)
                name = f"{place.value}.break.step.ss{int(ss)}.{end}"
                yield replace(case, name=name, machine=stepping, ss=ss)
                name = f"{place.value}.watch.step.ss{int(ss)}.{end}"
                watching = replace(case, insn="ldr-x", breaks=False, watched=_ALL)
                yield replace(watching, name=name, machine=stepping, ss=ss)
        for insn, state in product(("ldr-x", "str-x"), (State.DATA_UNMAPPED, State.ALIGNMENT)):
            if place is Place.EL2 and state is State.ALIGNMENT:
                continue  # SCTLR_EL2.A is for the code of the host, too
            yield replace(
                case,
                name=f"{place.value}.watch.{insn}.{state.value}.{end}",
                insn=insn,
                breaks=False,
                watched=_ALL,
                state=state,
                offset=4 if state is State.ALIGNMENT else 0,
            )


def _all(*, vhe: bool) -> Iterator[Case]:
    every = places(vhe=vhe)
    yield from _controls(every, vhe=vhe)
    yield from _levels(every, vhe=vhe)
    yield from _watchpoints(every, vhe=vhe)
    yield from _contexts(every, vhe=vhe)
    yield from _steps(vhe=vhe)
    yield from _priorities(every, vhe=vhe)


@cache
def cases(*, vhe: bool) -> tuple[Case, ...]:
    """Return the cases of hosts with VHE, or of those without."""
    return tuple(_all(vhe=vhe))
