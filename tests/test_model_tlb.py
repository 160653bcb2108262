# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of TLBs: what TLBI drop, and what accesses may then give."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from kut_model.tables import tlb_contexts, tlb_operands, tlb_random
from kut_model.tlb import edits, instructions, machine
from kut_model.tlb.entries import Entry, drops
from kut_model.tlb.instructions import TG, Kind, Operand, Tlbi, encode, range_of
from kut_model.tlb.layout import NEW, NOT_GLOBAL, OLD, layout
from kut_model.tlb.machine import PAGE_NAMES, Config, ConflictError, outcomes
from kut_model.tlb.steps import Both, Enter, Join, Loop, Maintain, Step, Try
from kut_model.translation.codes import describe
from kut_model.translation.granules import Granule

K4 = Granule.K4
HERE = layout(K4)
PAGE = 5
VA, IPA = HERE.va(PAGE), HERE.ipa(OLD + PAGE)
READ = Try(VA)
STAGE1, STAGE2 = edits.page1(K4, PAGE), edits.page2(K4, OLD + PAGE)
OLD_VALUE, NEW_VALUE = "the value of the page of OLD", "the value of the page of NEW"


def tlbi(name: str) -> Tlbi:
    return instructions.instructions()[name]


def maintain(name: str, asid: int = 1, address: int | None = None) -> Maintain:
    operand = IPA if "ipas2" in name else VA
    return Maintain(tlbi(name), Operand(operand if address is None else address, asid))


def last(*steps: Step, config: Config | None = None) -> set[str]:
    """Outcomes of the last step, without what decodes its syndrome."""
    codes = outcomes(config or Config(), steps)[-1]
    return {describe(code, PAGE_NAMES).partition(", ")[0] for code in codes}


STAGE1_FAULT, STAGE2_FAULT = "data abort to EL1", "data abort to EL2"


def test_an_entry_stays_until_tlbi() -> None:
    used = (Enter(), READ, STAGE1.unmap())
    assert last(*used, READ) == {OLD_VALUE, STAGE1_FAULT}
    assert last(*used, maintain("vae1"), READ) == {STAGE1_FAULT}
    assert last(*used, maintain("vae1", asid=2), READ) == {OLD_VALUE, STAGE1_FAULT}
    assert last(*used, maintain("vaae1", asid=2), READ) == {STAGE1_FAULT}
    assert last(*used, maintain("ipas2e1"), READ) == {OLD_VALUE, STAGE1_FAULT}


def test_combined_entries_need_a_tlbi_of_stage_1_after_that_by_ipa() -> None:
    used = (Enter(), READ, STAGE2.unmap())
    by_ipa, stage1 = maintain("ipas2e1"), maintain("vmalle1")
    assert last(*used, by_ipa, READ) == {OLD_VALUE, STAGE2_FAULT}
    assert last(*used, stage1, READ) == {OLD_VALUE, STAGE2_FAULT}
    assert last(*used, stage1, by_ipa, READ) == {OLD_VALUE, STAGE2_FAULT}
    assert last(*used, by_ipa, stage1, READ) == {STAGE2_FAULT}
    assert last(*used, maintain("vmalls12e1"), READ) == {STAGE2_FAULT}


def test_tables_of_stage_1_have_entries_of_stage_2() -> None:
    table = edits.page2(K4, HERE.table1("a", 3))
    used = (Enter(), READ, table.unmap())
    by_ipa = maintain("ipas2e1", address=table.address)
    assert last(*used, maintain("vmalle1"), READ) == {OLD_VALUE, STAGE2_FAULT}
    assert last(*used, by_ipa, maintain("vmalle1"), READ) == {STAGE2_FAULT}
    assert last(*used, by_ipa, maintain("vale1"), READ) == {OLD_VALUE, STAGE2_FAULT}


@pytest.mark.parametrize("descriptor", [STAGE1, STAGE2, edits.table1(K4, 2)])
def test_what_is_invalid_is_not_held(descriptor: edits.Descriptor) -> None:
    assert last(descriptor.unmap(), Enter(), READ, descriptor.write(), READ) == {OLD_VALUE}


def test_vmids_and_asids_have_entries_of_their_own() -> None:
    assert last(Enter(), READ, Enter(2, "q"), READ) == {NEW_VALUE}
    assert last(Enter(), READ, Enter(asid=2, context="b"), READ) == {NEW_VALUE}
    page_of_b = edits.page1(K4, PAGE, "b").unmap()
    to_b = (page_of_b, Enter(), READ, Enter(asid=2, context="b"), READ)
    assert last(*to_b) == {STAGE1_FAULT}
    shared = STAGE1.write(clear=NOT_GLOBAL)
    assert last(shared, *to_b) == {OLD_VALUE, STAGE1_FAULT}


def test_without_vs_vmids_have_8_bits() -> None:
    steps = (Enter(0x101), READ, STAGE2.unmap(), Enter(0x201), maintain("vmalls12e1"), Enter(1))
    assert last(*steps, READ) == {STAGE2_FAULT}
    assert last(*steps, READ, config=Config(vs=True)) == {STAGE2_FAULT}
    away = (*steps[:-1], Enter(0x101), READ)
    assert last(*away, config=Config(vs=True)) == {OLD_VALUE, STAGE2_FAULT}


def test_a_tlbi_reaches_its_domain_and_with_fb_the_inner_shareable_one() -> None:
    used = (Enter(), Enter(cpu=1), READ, replace(READ, cpu=1), STAGE1.unmap())
    two = Config(cpus=2)
    there = replace(READ, cpu=1)
    assert last(*used, maintain("vae1"), there, config=two) == {OLD_VALUE, STAGE1_FAULT}
    for name in ("vae1is", "vae1os"):
        assert last(*used, maintain(name), there, config=two) == {STAGE1_FAULT}
    at_el1 = replace(maintain("vae1"), el=1)
    assert last(*used, at_el1, there, config=two) == {OLD_VALUE, STAGE1_FAULT}
    forced = replace(two, fb=True)
    assert last(*used, at_el1, there, config=forced) == {STAGE1_FAULT}
    assert last(*used, maintain("vae1"), there, config=forced) == {OLD_VALUE, STAGE1_FAULT}


def test_a_program_that_breaks_break_before_make_is_refused() -> None:
    moved = STAGE1.write(target=NEW + PAGE)
    with pytest.raises(ConflictError):
        last(Enter(), READ, moved, READ)
    with pytest.raises(ConflictError):
        last(Enter(), READ, STAGE1.unmap(), moved, READ)
    assert last(Enter(), READ, STAGE1.unmap(), maintain("vae1"), moved, READ) == {NEW_VALUE}
    with pytest.raises(ValueError, match="enters a context"):
        last(READ)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("vmalle1is", 0xD508831F),
        ("vae1", 0xD508873F),
        ("ipas2e1", 0xD50C8420 | 0x1F),
        ("ripas2e1is", 0xD50C8040 | 0x1F),
        ("vmalls12e1isnxs", 0xD50C93C0 | 0x1F),
    ],
)
def test_instructions_have_the_encodings_of_the_assembler(name: str, encoding: int) -> None:
    assert tlbi(name).opcode == encoding & ~0x1F | 1


def test_operands_have_their_fields() -> None:
    operand = Operand(0x1234567000, 0x42, 7, scale=2, num=5, tg=1)
    assert encode(tlbi("vae1"), operand) == 0x42 << 48 | 7 << 44 | 0x1234567
    assert encode(tlbi("vaae1"), operand) == 7 << 44 | 0x1234567
    assert encode(tlbi("aside1"), operand) == 0x42 << 48
    assert encode(tlbi("ipas2e1"), replace(operand, ttl=0)) == 0x1234567
    assert encode(tlbi("vmalle1"), operand) == 0
    found = encode(tlbi("rvae1"), replace(operand, ttl=3))
    assert found == 0x42 << 48 | 1 << 46 | 2 << 44 | 5 << 39 | 3 << 37 | 0x1234567


@given(integers(0, 3), integers(0, 31), sampled_from(list(Granule)))
def test_a_range_has_the_pages_of_its_formula(scale: int, num: int, granule: Granule) -> None:
    operand = Operand(1 << 36, scale=scale, num=num, tg=TG[granule])
    found = range_of(operand, granule)
    assert found.start == 1 << 36
    assert len(found) == (num + 1) * 2 ** (5 * scale + 1) * 2**granule.bits
    wrong = replace(operand, tg=TG[granule] % 3 + 1)
    assert not range_of(wrong, granule)
    assert not range_of(replace(operand, tg=0), granule)


def test_a_random_program_is_a_function_of_its_seed_and_most_outcomes_are_certain() -> None:
    some = [tlb_random.program(seed) for seed in range(12)]
    assert [tlb_random.program(seed) for seed in range(12)] == some
    assert len({program.steps for program in some}) == len(some)
    every = [codes for program in some for codes in program.codes if codes]
    assert len(every) > 12 * 12
    certain = sum(len(codes) == 1 for codes in every)
    assert len(every) / 2 < certain < len(every)


def test_random_programs_notice_a_tlbi_that_is_left_out() -> None:
    changed = 0
    for seed in range(12):
        program = tlb_random.program(seed)
        kept = [step for step in program.steps if not isinstance(step, Maintain)]
        try:
            codes = outcomes(program.config, kept)
        except ConflictError:
            changed += 1  # a translation that TLBI had to drop contradicts another one
        else:
            changed += codes[-4:] != program.codes[-4:]
    assert changed


def entry(**changes: object) -> Entry:
    found = Entry(1, 1, 1, 3, VA, 12, leaf=True, target=IPA)
    return replace(found, **changes)  # type: ignore[arg-type]


@given(sampled_from(sorted(instructions.instructions())), integers(0, 15))
def test_a_tlbi_drops_no_entry_of_another_vmid_but_for_all(name: str, ttl: int) -> None:
    each = tlbi(name)
    operand = Operand(VA, 1, ttl & 3, tg=1)
    assert drops(each, operand, 2, entry(), K4) is (each.kind is Kind.ALL)


@given(integers(0, 15))
def test_a_hint_drops_leaves_of_its_level(ttl: int) -> None:
    operand = Operand(VA, 1, ttl)
    assert drops(tlbi("vae1"), operand, 1, entry(), K4) is (ttl < 4 or ttl == 7)
    block = entry(level=2, bits=21, first=VA >> 21 << 21)
    assert drops(tlbi("vae1"), operand, 1, block, K4) is (ttl < 4 or ttl == 6)


def expected() -> list[str]:
    """Outcomes of some rows, with the rules as they are now."""
    machine._run.cache_clear()
    operands = (*tlb_operands._hints(), *tlb_operands._granules())
    some = (*operands[::5], *tlb_contexts._asids(), *tlb_contexts._ignored_bits())
    return [program.expected for program in some]


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("kut_model.tlb.entries._has_asid", lambda *_: True),
        ("kut_model.tlb.entries._levels", lambda *_: True),
        ("kut_model.tlb.entries._overlaps", lambda *_: True),
        ("kut_model.tlb.machine.Config.vmid", lambda _, vmid: vmid),
    ],
)
def test_rows_notice_another_rule(
    monkeypatch: pytest.MonkeyPatch, target: str, value: object
) -> None:
    before = expected()
    monkeypatch.setattr(target, value)
    after = expected()
    monkeypatch.undo()
    machine._run.cache_clear()
    assert after != before


def test_two_cpus_at_once_have_the_same_outcomes_or_the_program_is_refused() -> None:
    two, both = Config(cpus=2), Both(VA)
    assert last(STAGE1.unmap(), Enter(), Enter(cpu=1), both, config=two) == {STAGE1_FAULT}
    with pytest.raises(ValueError, match="same entries"):
        last(Enter(), Enter(2, "q", cpu=1), both, config=two)


def test_a_loop_ends_after_broadcast_tlbi_only() -> None:
    running = (Enter(), Enter(cpu=1), Loop(VA), STAGE1.unmap())
    two = Config(cpus=2)
    assert last(*running, maintain("vae1is"), Join(VA), config=two) == {STAGE1_FAULT}
    assert last(*running, maintain("vae1"), Join(VA), config=two) == {OLD_VALUE, STAGE1_FAULT}
