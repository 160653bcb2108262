# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas of stage 2: what rows need is enough, and rows tell one rule from another."""

import pytest

from kut_model.areas import s1s2, s2perm, s2walk
from kut_model.translation import descriptors, permissions
from kut_model.translation import stage2 as model
from kut_model.translation.access import Kind
from kut_model.translation.processor import Processor
from kut_model.translation.stage2 import Stage2

#: CPUs that QEMU has, and what of FEATURES they have.
PROCESSORS = {
    Processor(40, ttst=False, dbm=False, haf=False): set(),
    Processor(44, ttst=False, haf=False, dbm=False): {"PARange_42", "PARange_44"},
    Processor(48): {"PARange_42", "PARange_44", "PARange_48", "FEAT_TTST", "FEAT_HAFDBS"},
    Processor(52, lpa2=True): {
        *("PARange_42", "PARange_44", "PARange_48", "FEAT_TTST", "FEAT_HAFDBS", "FEAT_LPA"),
        *("FEAT_LPA2_4K", "FEAT_LPA2_16K"),
    },
}


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda processor: str(processor.pa_bits))
def test_a_cpu_with_what_a_row_of_s2walk_needs_has_its_outcome(processor: Processor) -> None:
    has = PROCESSORS[processor] | (set() if processor.lpa else {"PARange_to_48"})
    cases = list(zip(s2walk._cases(), s2walk._outcomes(), strict=True))[::5]
    able = [(case, codes) for case, codes in cases if set(case.needs) <= has]
    assert len(able) > 80
    for case, codes in able:
        assert s2walk.codes_on(case, processor) == codes, case.id


def outcomes(area: object) -> tuple[tuple[int, ...], ...]:
    """Outcomes of an area's rows, by the rules as they are now."""
    if area is s2walk:
        some = s2walk._cases()[::9]
        return tuple(s2walk.codes_on(case, s2walk._processor(case)) for case in some)
    if area is s2perm:
        return tuple(map(s2perm._codes, s2perm._cases()[::9]))
    return tuple(s1s2._codes(case) for case in s1s2._cases() if case.stage2 is s1s2.STAGE_2[0])


@pytest.mark.parametrize(
    ("area", "where", "name", "wrong"),
    [
        (s2walk, descriptors, "has_blocks", lambda _, level, **__: level >= 0),
        (s2walk, model, "pa_size", lambda *_: 52),
        (s2perm, Kind, "is_maintenance", property(lambda _: False)),
        (s2perm, model, "sets_access_flag", lambda *_: True),
        (s2perm, descriptors, "S2AP_WRITE", 1 << 6),
        (s2perm, permissions, "_INDIRECT", permissions._INDIRECT[::-1]),
        (s2perm, Stage2, "_is_clean", lambda *_: False),
        (s1s2, descriptors, "AP_EL0", 1 << 7),
        (s1s2, descriptors, "UXN", 1 << 53),
        (s1s2, descriptors, "AP_TABLE_READ_ONLY", 0),
    ],
)
def test_rows_notice_a_wrong_rule(
    monkeypatch: pytest.MonkeyPatch, area: object, where: object, name: str, wrong: object
) -> None:
    before = outcomes(area)
    assert before == outcomes(area)
    monkeypatch.setattr(where, name, wrong)
    changed = sum(one != other for one, other in zip(before, outcomes(area), strict=True))
    assert changed
