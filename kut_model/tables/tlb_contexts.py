# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that change the context: VMIDs, ASIDs and root tables."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kut_model.tables.programs import Program
from kut_model.tlb import edits
from kut_model.tlb.instructions import Operand, instructions
from kut_model.tlb.layout import NEW, NOT_GLOBAL, OLD, layout
from kut_model.tlb.machine import Config
from kut_model.tlb.steps import Enter, Maintain, Step, Try
from kut_model.translation.granules import Granule

_K4: Final = Granule.K4
_PAGE: Final = 5
_HERE: Final = layout(_K4)
_VA: Final = _HERE.va(_PAGE)
_IPA: Final = _HERE.ipa(OLD + _PAGE)
_READ: Final = Try(_VA)
_STAGE1, _STAGE2 = edits.page1(_K4, _PAGE), edits.page2(_K4, OLD + _PAGE)
_8_BITS, _16_BITS = Config(), Config(vs=True)

#: TLBI that drop all of the current VMID, of both stages.
_WHOLE: Final = ("vmalls12e1", "vmalls12e1is", "alle1", "alle1is")


def _maintain(name: str, asid: int = 1, el: int = 2) -> Maintain:
    address = _IPA if "ipas2" in name else _VA
    return Maintain(instructions()[name], Operand(address, asid), el)


def _label(config: Config) -> str:
    return "16" if config.vs else "8"


#: VMIDs that differ, by how many bits there are.
_VMIDS: Final = (
    (_8_BITS, (1, 2)),
    (_8_BITS, (0, 0xFF)),
    (_8_BITS, (0x55, 0xD5)),
    (_16_BITS, (1, 0x101)),
    (_16_BITS, (1, 0x8001)),
    (_16_BITS, (0x00FF, 0xFFFF)),
    (_16_BITS, (0, 0x100)),
)


def _vmids() -> Iterator[Program]:
    """Yield two VMIDs in turn, and TLBI in one of them for the other."""
    for config, (one, other) in _VMIDS:
        name = f"vmid.{_label(config)}-bits.{one:#x}-{other:#x}"
        first, second = Enter(one), Enter(other, "q")
        turns = (first, _READ, second, _READ, first, _READ, second, _READ)
        yield Program(f"{name}.turns", "tlb.vmid", turns, config)
        # The other has no mapping: a hit would be the first one's entry.
        unmapped = edits.page2(_K4, OLD + _PAGE, "q").unmap()
        yield Program(f"{name}.none", "tlb.vmid", (unmapped, *turns), config)
        for tlbi in (*_WHOLE, "vmalle1", "vae1", "ipas2e1"):
            maintain = _maintain(tlbi)
            away = (first, _READ, _STAGE2.unmap(), second, maintain, first, _READ)
            yield Program(f"{name}.{tlbi}-in-other", "tlb.vmid", away, config)
        for tlbi in _WHOLE:
            own = (first, _READ, second, _READ, _STAGE2.unmap(), first, _maintain(tlbi), _READ)
            yield Program(f"{name}.{tlbi}", "tlb.vmid", (*own, second, _READ), config)
        for el in (1, 2):
            guest = (first, _READ, _STAGE1.unmap(), second, _maintain("vmalle1", el=el), first)
            steps = (*guest, _READ, _maintain("vmalle1", el=el), _READ)
            yield Program(f"{name}.vmalle1.el{el}", "tlb.guest", steps, config)
    yield from _ignored_bits()


def _ignored_bits() -> Iterator[Program]:
    """Yield VMIDs that are one without VTCR_EL2.VS."""
    used = (Enter(0x101), _READ, _STAGE2.unmap(), Enter(1), _READ)
    yield Program("vmid.ignored-bits.none", "tlb.vmid", used)
    for tlbi in (*_WHOLE, "vmalle1"):
        change = _STAGE1 if tlbi == "vmalle1" else _STAGE2
        steps = (
            Enter(0x101),
            _READ,
            change.unmap(),
            Enter(0x201),
            _maintain(tlbi),
            Enter(1),
            _READ,
        )
        yield Program(f"vmid.ignored-bits.{tlbi}", "tlb.vmid", steps)


def _roots() -> Iterator[Program]:
    """Yield another root of stage 2 for one VMID, and one of stage 1 for one ASID."""
    unmapped = edits.page2(_K4, OLD + _PAGE, "q").unmap()
    change = (unmapped, Enter(), _READ, Enter(root="q"))
    for name in _WHOLE:
        yield Program(f"root.stage2.{name}", "tlb.root", (*change, _maintain(name), _READ))
    unmapped1 = edits.page1(_K4, _PAGE, "b").unmap()
    change = (unmapped1, Enter(), _READ, Enter(context="b"))
    for name in ("vae1", "vaae1", "aside1", "vmalle1", *_WHOLE):
        for el in instructions()[name].els:
            steps = (*change, _maintain(name, el=el), _READ)
            yield Program(f"root.stage1.{name}.el{el}", "tlb.root", steps)


def _asids() -> Iterator[Program]:
    """Yield two ASIDs in turn; entries of one that are global or not; TLBI by ASID."""
    for one, other in ((1, 2), (0, 0xFF), (0x55, 0xD5)):
        name = f"asid.{one:#x}-{other:#x}"
        first, second = Enter(asid=one), Enter(asid=other, context="b")
        turns = (first, _READ, second, _READ, first, _READ, second, _READ)
        yield Program(f"{name}.turns", "tlb.asid", turns)
        unmapped = edits.page1(_K4, _PAGE, "b").unmap()
        yield Program(f"{name}.none", "tlb.asid", (unmapped, *turns))
        for tlbi in ("vae1", "vale1", "aside1", "vaae1", "vaale1", "vmalle1"):
            for which, asid in (("own", one), ("other", other)):
                by = _maintain(tlbi, asid)
                steps = (first, _READ, _STAGE1.unmap(), by, _READ)
                yield Program(f"{name}.{tlbi}.{which}", "tlb.kinds", steps)
                is_global = _STAGE1.write(clear=NOT_GLOBAL)
                yield Program(f"{name}.{tlbi}.{which}-global", "tlb.kinds", (is_global, *steps))
                away = (first, _READ, _STAGE1.unmap(), second, by, first, _READ)
                yield Program(f"{name}.{tlbi}.{which}-away", "tlb.kinds", away)
    yield from _global()


def _global() -> Iterator[Program]:
    """Yield a global page, used in another ASID whose table does not have it."""
    is_global = _STAGE1.write(clear=NOT_GLOBAL)
    unmapped = edits.page1(_K4, _PAGE, "b").unmap()
    second = Enter(asid=2, context="b")
    for tlbi in ("vae1", "vaae1", "aside1", "vmalle1"):
        steps = (is_global, unmapped, Enter(), _READ, second, _READ, _maintain(tlbi, 2), _READ)
        yield Program(f"asid.global.{tlbi}", "tlb.asid", steps)


def _same_page() -> Iterator[Program]:
    """Yield changes while another VMID or ASID runs, whose TLBI are for itself only."""
    for name in _WHOLE:
        other = Enter(2, "q", 2, "b")
        moved = _STAGE2.write(target=NEW + _PAGE)
        steps = (Enter(), _READ, other, _READ, _STAGE2.unmap(), Enter(), _maintain(name))
        program: tuple[Step, ...] = (*steps, other, _READ, moved, Enter(), _READ, other, _READ)
        yield Program(f"vmid.both.{name}", "tlb.vmid", program)
        program = (*program, replace(other, asid=1), _READ)
        yield Program(f"vmid.both-asid.{name}", "tlb.vmid", program)


def every() -> Iterator[Program]:
    """Yield all of them."""
    yield from _vmids()
    yield from _roots()
    yield from _asids()
    yield from _same_page()
