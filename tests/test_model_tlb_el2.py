# SPDX-License-Identifier: GPL-2.0-or-later
"""TLB maintenance of EL2 itself: what has to drop its pages (DDI 0487, D8.17)."""

import pytest

from kut_model import areas
from kut_model.areas.tlb_el2 import cases, drops
from kut_model.tlb.instructions import instructions

ROWS = {row.id: row for row in areas.load("tlb-el2").rows()}


@pytest.mark.parametrize(
    ("name", "vhe", "expected"),
    [
        ("vae2", False, True),
        ("alle2is", False, True),
        ("rvale2os", True, True),
        ("vae1", False, False),
        ("vae1", True, True),
        ("vmalle1is", True, True),
        ("alle1", True, False),
        ("vmalls12e1", True, False),
        ("ipas2e1", True, False),
    ],
)
def test_instructions_that_drop_pages_of_the_host(name: str, *, vhe: bool, expected: bool) -> None:
    assert drops(instructions()[name], vhe=vhe, global_=True) is expected


def test_only_pages_that_are_not_global_have_an_asid() -> None:
    asid = instructions()["aside1"]
    assert not drops(asid, vhe=True, global_=True)
    assert drops(asid, vhe=True, global_=False)
    assert all(case.global_ for case in cases(vhe=False))


def test_rows() -> None:
    assert "EC 0x25" in ROWS["tlb-el2.e2h1.unmap.vae2"].expected
    assert "ISS 0x4f" in ROWS["tlb-el2.e2h1.protect.vae2is.ng"].expected
    assert ROWS["tlb-el2.e2h1.remap.rvae2.ttl"].needs == ("FEAT_TLBIRANGE", "FEAT_TTL")
    assert ROWS["tlb-el2.e2h1.remap.rvae2.ttl"].expected == "the value of the other page"
    assert {row.coverage for row in ROWS.values()} == {("T12",)}
