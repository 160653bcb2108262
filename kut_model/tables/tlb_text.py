# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of `tlb-random` as text, one word for each step, and smaller variants of them.

set=s2.5.r:unmap          a descriptor, and what it becomes
1:enter=q2                a CPU, and the context that it enters
0:vae1is=5,asid2          TLBI at EL2; with `.el1` at EL1: page or object, and ASID
1:read=5                  an access to a page at EL1
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from kut_model.tlb import edits
from kut_model.tlb.edits import Descriptor
from kut_model.tlb.instructions import TG, Operand, Tlbi, instructions
from kut_model.tlb.layout import NEW, OLD, layout
from kut_model.tlb.machine import Config, outcomes
from kut_model.tlb.steps import Enter, Maintain, Set, Step, Try
from kut_model.translation import descriptors as d
from kut_model.translation.granules import LAST_LEVEL, Granule

_K4: Final = Granule.K4
_HERE: Final = layout(_K4)
CONFIG: Final = Config(cpus=2)
PAGES: Final = (5, 6)
CPUS: Final = (0, 1)
ASIDS: Final = (1, 2)
#: No two of them have one VMID, or one VMID and ASID, with other roots.
CONTEXTS: Final = {
    "a": Enter(),
    "b": Enter(asid=2, context="b"),
    "q": Enter(2, "q"),
    "q2": Enter(2, "q", 2, "b"),
}
_WRITE_OFFSET: Final = 8
_WORD: Final = re.compile(
    r"set=(?P<descriptor>[\w.]+):(?P<change>\w+)"
    r"|(?P<cpu>[01]):(?:enter=(?P<context>\w+)|(?P<op>read|write)=(?P<page>\d)"
    r"|(?P<tlbi>\w+)(?P<el1>\.el1)?(?:=(?P<place>\w+))?,asid(?P<asid>\d))"
)


class TextError(ValueError):
    """A text that is no program."""


def pages() -> dict[str, Descriptor]:
    """Return the descriptors of pages, of both stages, by name: stage, page, context or root."""
    stage1 = {f"s1.{n}.{c}": edits.page1(_K4, n, c) for n in PAGES for c in "ab"}
    stage2 = {f"s2.{n}.{root}": edits.page2(_K4, OLD + n, root) for n in PAGES for root in "rq"}
    return {**stage1, **stage2}


def tables() -> dict[str, Descriptor]:
    """Return the descriptors that lead to tables by name."""
    return {
        "s2.table1": edits.page2(_K4, _HERE.table1("a", LAST_LEVEL)),
        **{f"s{stage}.table": edits.table_of_old(stage) for stage in (1, 2)},
    }


def changes(descriptor: Descriptor) -> dict[str, Set]:
    """Return what a descriptor of a page can become, by name."""
    denied = {"set_bits": d.AP_READ_ONLY} if descriptor.stage == 1 else {"clear": d.S2AP_WRITE}
    target = descriptor.fill.target
    elsewhere = (NEW if target < NEW else OLD) + target % (NEW - OLD)
    return {
        "unmap": descriptor.unmap(),
        "map": descriptor.write(),
        "readonly": descriptor.write(**denied),
        "old": descriptor.write(clear=d.AF),
        "other": descriptor.write(target=elsewhere),
    }


@cache
def _sets() -> dict[str, Set]:
    return {
        f"set={name}:{change}": step
        for name, descriptor in {**pages(), **tables()}.items()
        for change, step in changes(descriptor).items()
    }


@cache
def _places(*, is_stage2: bool) -> dict[str, int]:
    """Return the addresses that a TLBI may have, by name."""
    if not is_stage2:
        return {str(page): _HERE.va(page) for page in PAGES}
    objects = {f"{name}{n}": base + n for n in PAGES for name, base in (("old", OLD), ("new", NEW))}
    objects["table1"] = _HERE.table1("a", LAST_LEVEL)
    return {name: _HERE.ipa(number) for name, number in objects.items()}


def operand(tlbi: Tlbi, place: str, asid: int) -> Operand:
    """Return the operand of a TLBI for a place, the name of a page or an object."""
    address = _places(is_stage2=tlbi.kind.is_stage2)[place]
    return Operand(address, asid, tg=TG[_K4] if tlbi.kind.is_range else 0)


def access(page: int, op: str, cpu: int) -> Try:
    """Return an access: reads and writes of a page are of different words."""
    return Try(_HERE.va(page) + (_WRITE_OFFSET if op == "write" else 0), op, cpu=cpu)


def text(steps: Sequence[Step]) -> str:
    """Return a program as text."""
    return " ".join(map(_word, steps))


def _word(step: Step) -> str:
    match step:
        case Set():
            return next(word for word, each in _sets().items() if each == step)
        case Enter():
            plain = replace(step, cpu=0)
            return f"{step.cpu}:enter={next(n for n, each in CONTEXTS.items() if each == plain)}"
        case Maintain(tlbi, found, el, cpu):
            places = _places(is_stage2=tlbi.kind.is_stage2)
            place = next(name for name, address in places.items() if address == found.address)
            return f"{cpu}:{tlbi.name}{'.el1' if el == 1 else ''}={place},asid{found.asid}"
        case Try(address, op, _, _, cpu):
            page = address - _HERE.va(0) >> _K4.bits
            return f"{cpu}:{op}={page}"
    raise TypeError(step)


def parse(program: str) -> tuple[Step, ...]:
    """Return the steps of a text; raises TextError."""
    return tuple(map(_step, program.split()))


def _step(word: str) -> Step:
    match = _WORD.fullmatch(word)
    try:
        if not match:
            raise TextError(f'"{word}" is no step, as in set=s2.5.r:unmap or 0:read=5')
        if match["descriptor"]:
            return _sets()[word]
        cpu = int(match["cpu"])
        if match["context"]:
            return replace(CONTEXTS[match["context"]], cpu=cpu)
        if match["op"]:
            if int(match["page"]) not in PAGES:
                raise TextError(f'"{word}": pages are {" and ".join(map(str, PAGES))}')
            return access(int(match["page"]), match["op"], cpu)
        tlbi = instructions()[match["tlbi"]]
        el = 1 if match["el1"] else 2
        if el not in tlbi.els or tlbi.el != 1:
            raise TextError(f'"{word}": EL{el} cannot execute it for EL1')
        return Maintain(tlbi, operand(tlbi, match["place"], int(match["asid"])), el, cpu)
    except KeyError as error:
        raise TextError(f'"{word}": {error.args[0]} is not known') from None


def variants(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Yield smaller programs that are legal and make an access: without a part, or a step."""
    size = len(steps) // 2
    seen = {steps}
    while size:
        for first in range(0, len(steps), size):
            found = (*steps[:first], *steps[first + size :])
            if found not in seen and is_legal(found):
                yield found
            seen.add(found)
        size //= 2


def is_legal(steps: tuple[Step, ...]) -> bool:
    """Return whether each CPU enters a context first, and break-before-make is kept."""
    if not any(isinstance(each, Try) for each in steps):
        return False
    try:
        outcomes(CONFIG, steps)
    except ValueError:
        return False
    return True
