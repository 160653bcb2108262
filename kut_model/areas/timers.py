# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `timers`: conditions, values and interrupts of the generic timers, and their offsets.

A row puts the count where it is wanted, by CNTVOFF_EL2 or CNTPOFF_EL2. Time passes meanwhile: a row
exists only if its outcome is the same for all counts of a range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from kut_model import timers
from kut_model.rows import Area, Row
from kut_model.tables.arrays import NeedsTable, array, designated

#: Ticks that may pass while a row runs, and before it, without an offset
_SPAN, _UPTIME = 1 << 40, 1 << 50


@dataclass(frozen=True, slots=True)
class _Timer:
    """A timer under a name that a place has for it."""

    name: str
    """In ids: the timer, the place, and the name if there are several."""
    timer: str
    code: str
    place: str
    offset: str = "NO_OFFSET"


@dataclass(frozen=True, slots=True)
class _Count:
    """Where the count is when a row begins: from `first` to `last`."""

    name: str
    first: int
    last: int
    value: int = 0
    """The count, or the offset if it is `fixed`."""
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """A row."""

    name: str
    timer: _Timer
    action: str
    count: _Count
    rule: str
    value: int = 0
    relative: bool = False
    ctl: int = 1
    met: bool = False
    difference: int = 0
    """CVAL less the count after a write of TVAL; the count to which TIMERS_OFFSET changes."""
    ignored: bool = False
    needs: tuple[str, ...] = ()
    counter: str = ""

    @property
    def expected(self) -> int:
        """CTL as it is read in the end."""
        return timers.control(self.ctl, met=self.met)

    @property
    def line(self) -> bool:
        """Whether the timer asserts its interrupt in the end."""
        return timers.asserted(self.ctl, met=self.met)


def _at(name: str, count: int) -> _Count:
    return _Count(name, count, count + _SPAN, count)


_NOW: Final = _Count("now", 1, _UPTIME)
_PLACED: Final = (
    _at("low", 1 << 50),
    _at("below-sign", (1 << 63) - (1 << 50)),
    _at("above-sign", (1 << 63) + (1 << 50)),
    _at("high", (1 << 64) - (1 << 50)),
)
_FIXED: Final = (
    _Count("offset-1", 0, _UPTIME, 1, fixed=True),
    _Count("offset-max", 1, _UPTIME, timers.MASK, fixed=True),
)
_ABSOLUTE: Final = {
    "cval-0": 0,
    "cval-below-sign": (1 << 63) - 1,
    "cval-sign": 1 << 63,
    "cval-max": timers.MASK,
}
_RELATIVE: Final = {
    "behind": -(1 << 45),
    "behind-wrapped": -(1 << 51),
    "ahead": 1 << 45,
    "ahead-wrapped": 1 << 51,
}
_CTLS: Final = (0, 1, 2, 3, 5, 7)
#: TVAL: 32 signed bits, and those above, which are ignored.
_TVALS: Final = (
    *(0, 0x40000000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xC0000000, 0xFFFFFFFF),
    *(0x1_00000000, 0xFFFFFFFF_40000000, 0x5A5A5A5A_C0000000, 0x7FFFFFFF_80000000),
)
#: Most ticks that pass between a write of TVAL and the read of CTL, as the image has it.
_TVAL_SPAN: Final = 1 << 28
_TVAL_COUNTS: Final = (
    _at("low", 1 << 50),
    _at("high", (1 << 64) - (1 << 50)),
    _Count("start", 1 << 29, (1 << 29) + _TVAL_SPAN, 1 << 29),
    _Count("end", -(1 << 29) & timers.MASK, -(1 << 28) & timers.MASK, -(1 << 29) & timers.MASK),
)

_ECV: Final = ("FEAT_ECV_POFF",)


def _condition(count: _Count, value: int, *, relative: bool) -> bool | None:
    """Return whether the condition is met, or None if that depends on when the row runs."""
    outcomes = {
        timers.condition_met(at, first + value if relative else value)
        for first in (count.first, count.last)
        for at in (first, first + _SPAN)
    }
    return outcomes.pop() if len(outcomes) == 1 else None


def _needs(timer: _Timer) -> tuple[str, ...]:
    return _ECV if timer.offset == "CNTPOFF" else ()


def _counts(timer: _Timer) -> tuple[_Count, ...]:
    return (_NOW,) if timer.offset == "NO_OFFSET" else (_NOW, *_PLACED, *_FIXED)


def _compares(timer: _Timer) -> Iterator[_Case]:
    values = [(*each, False) for each in _ABSOLUTE.items()]
    values += [(*each, True) for each in _RELATIVE.items()]
    for count in _counts(timer):
        for name, value, relative in values:
            met = _condition(count, value, relative=relative)
            if met is None:
                continue
            for ctl in _CTLS:
                yield _Case(
                    f"{timer.name}.{count.name}.{name}.ctl-{ctl}",
                    *(timer, "COMPARE", count, "timer.compare", value, relative, ctl, met),
                    needs=_needs(timer),
                )


def _tvals(timer: _Timer) -> Iterator[_Case]:
    """Yield writes of TVAL; with CNTPOFF_EL2 the count that EL2 writes relative to is disputed."""
    if timer.offset == "CNTPOFF" and timer.place == "EL2":
        return
    counts = (_NOW,) if timer.offset == "NO_OFFSET" else _TVAL_COUNTS
    for count in counts:
        for tval in _TVALS:
            met = {
                timers.condition_met(at + passed, timers.compare_value(at, tval))
                for at in {count.first, count.last - _TVAL_SPAN}
                for passed in (0, _TVAL_SPAN)
            }
            if len(met) > 1:
                continue
            yield _Case(
                f"{timer.name}.{count.name}.tval-{tval:#x}",
                *(timer, "TVAL", count, "timer.tval", tval),
                met=met.pop(),
                difference=timers.compare_value(0, tval),
                needs=_needs(timer),
            )


def _passing(timer: _Timer) -> Iterator[_Case]:
    """Yield rows that wait: until the condition is met, until the count wraps."""
    make = partial(_Case, timer=timer, rule="timer.passing", needs=_needs(timer))
    soon = 1 << 18  # ticks: more than it takes to enable the timer
    has_offset = timer.offset != "NO_OFFSET"
    sign = _at("sign", (1 << 63) - soon // 2)
    for count in (*_counts(timer), sign) if has_offset else _counts(timer):
        yield make(
            f"{timer.name}.{count.name}.fires",
            action="FIRE",
            count=count,
            value=soon,
            relative=True,
            met=True,
        )
    if has_offset:
        end = _at("wrapping", -4 * soon & timers.MASK)
        yield make(f"{timer.name}.wrapping.ends", action="WRAP", count=end, value=1 << 40)


def _holds(timer: _Timer) -> Iterator[_Case]:
    """Yield rows with a timer that stays enabled, CVAL plus its offset above 64 bits."""
    for count in _counts(timer) if timer.place == "EL1" else ():
        if count.name in ("high", "offset-1"):
            yield _Case(
                f"{timer.name}.{count.name}.cval-max.holds",
                *(timer, "HOLD", count, "timer.passing", timers.MASK),
                needs=_needs(timer),
            )


def _offsets(timer: _Timer) -> Iterator[_Case]:
    """Yield rows in which the offset of a timer that is enabled changes."""
    if timer.offset == "NO_OFFSET":
        return
    for before in _PLACED:
        for after in _PLACED:
            for name, value in _ABSOLUTE.items():
                met = timers.condition_met(after.first, value)
                yield _Case(
                    f"{timer.name}.{before.name}-to-{after.name}.{name}",
                    *(timer, "OFFSET", before, "timer.offset", value),
                    met=met,
                    difference=after.value,
                    needs=_needs(timer),
                )


def _counters(*, vhe: bool) -> Iterator[_Case]:
    """Yield reads of the counters at all places."""
    places = ("EL1", "EL0", "EL2", *(("HOST_EL0",) if vhe else ()))
    for counter in ("cntvct", "cntpct", "cntvctss", "cntpctss"):
        virtual = counter.startswith("cntv")
        needs: tuple[str, ...] = () if virtual else _ECV
        needs += ("FEAT_ECV",) if counter.endswith("ss") else ()
        for place in places:
            below = place in ("EL1", "EL0")
            ignored = not below and (vhe or not virtual)
            timer = _Timer("", "PTIMER", "", place, "CNTVOFF" if virtual else "CNTPOFF")
            for count in (_NOW, *_PLACED, *_FIXED):
                yield _Case(
                    f"{counter}.{place.lower().replace('_', '-')}.{count.name}",
                    *(timer, "COUNT", count, "timer.count"),
                    ignored=ignored,
                    needs=needs,
                    counter=f"timers_{counter}{'_el2' if place == 'EL2' else ''}",
                )


_BELOW: Final = (
    _Timer("v.el1", "VTIMER", "v", "EL1", "CNTVOFF"),
    _Timer("v.el0", "VTIMER", "v", "EL0", "CNTVOFF"),
    _Timer("p.el1", "PTIMER", "p", "EL1", "CNTPOFF"),
    _Timer("p.el0", "PTIMER", "p", "EL0", "CNTPOFF"),
    _Timer("p-plain.el1", "PTIMER", "p", "EL1"),
    _Timer("p-plain.el0", "PTIMER", "p", "EL0"),
    _Timer("hp.el2", "HPTIMER", "hp", "EL2"),
)
_VHE: Final = (
    *_BELOW,
    _Timer("v02.el2", "VTIMER", "v02", "EL2", "CNTVOFF"),
    _Timer("p02.el2", "PTIMER", "p02", "EL2", "CNTPOFF"),
    _Timer("p02-plain.el2", "PTIMER", "p02", "EL2"),
    _Timer("hv.el2", "HVTIMER", "hv", "EL2"),
    _Timer("hp.el2-redirected", "HPTIMER", "p_el2", "EL2"),
    _Timer("hv.el2-redirected", "HVTIMER", "v_el2", "EL2"),
    _Timer("hp.host-el0", "HPTIMER", "p", "HOST_EL0"),
    _Timer("hv.host-el0", "HVTIMER", "v", "HOST_EL0"),
)
_NVHE: Final = (
    *_BELOW,
    _Timer("v.el2", "VTIMER", "v_el2", "EL2", "CNTVOFF"),
    _Timer("p.el2", "PTIMER", "p_el2", "EL2", "CNTPOFF"),
    _Timer("p-plain.el2", "PTIMER", "p_el2", "EL2"),
)


def _cases(*, vhe: bool) -> Iterator[_Case]:
    for timer in _VHE if vhe else _NVHE:
        yield from _compares(timer)
        yield from _tvals(timer)
        yield from _passing(timer)
        yield from _holds(timer)
        yield from _offsets(timer)
    yield from _counters(vhe=vhe)


def _expected(case: _Case) -> str:
    if case.action == "COUNT":
        return "the physical count" + ("" if case.ignored else ", less the offset")
    known = timers.control_known(case.ctl)
    line = "asserted" if case.line else "not asserted"
    return f"CTL {case.expected:#x} (bits {known:#x}), interrupt {line}"


def _rows(*, vhe: bool) -> Sequence[Row]:
    return [
        Row(f"timers.{case.name}", case.rule, _expected(case), case.needs)
        for case in _cases(vhe=vhe)
    ]


def _reads_tval(case: _Case) -> bool:
    """Return whether TVAL is compared; at EL2 it may be that of another count with CNTPOFF_EL2."""
    offset = case.timer.offset == "CNTPOFF" and case.timer.place == "EL2"
    return case.action == "COMPARE" and bool(case.ctl & timers.ENABLE) and not offset


def _initialiser(case: _Case, needs: NeedsTable) -> str:
    fields = {
        "name": f'"{case.name}"',
        "code": f"&timers_{case.timer.code}" if case.timer.code else "NULL",
        "count_code": case.counter or "NULL",
        "count": f"{case.count.value:#x}",
        "cval": f"{case.value & timers.MASK:#x}",
        "difference": f"{case.difference:#x}",
        "action": f"TIMERS_{case.action}",
        "place": f"TIMERS_{case.timer.place}",
        "offset": "TIMERS_NO_OFFSET" if case.count is _NOW else f"TIMERS_{case.timer.offset}",
        "timer": f"TIMER_{case.timer.timer}",
        "fixed": int(case.count.fixed),
        "relative": int(case.relative),
        "ignored": int(case.ignored),
        "ctl": case.ctl,
        "expected": case.expected & timers.control_known(case.ctl),
        "known": timers.control_known(case.ctl),
        "line": int(case.line),
        "reads_tval": int(_reads_tval(case)),
        "needs": needs.add(case.needs),
    }
    return designated(fields)


def _header(*, vhe: bool) -> str:
    needs = NeedsTable()
    rows = [_initialiser(case, needs) for case in _cases(vhe=vhe)]
    names = ("v02", "p02", "v_el2", "p_el2", "hv", "hp") if vhe else ("v_el2", "p_el2", "hp")
    return "".join(
        [
            f"#define TIMERS_VHE {int(vhe)}\n",
            *(f"TIMERS_CODE({name});\n" for name in names),
            needs.declaration("timers_needs"),
            array("struct timers_row", "timers_rows", rows),
        ]
    )


def area(*, vhe: bool) -> Area:
    """Return the area of hosts with VHE, or of those without."""
    return Area("timers", "generic timers", partial(_rows, vhe=vhe), partial(_header, vhe=vhe))


AREA: Final = area(vhe=True)
