# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `el2`: registers and faults of EL2 itself."""

import pytest

from kut_model.areas.el2 import AREA, cases
from kut_model.areas.el2_nvhe import AREA as NVHE
from kut_model.rules.matrix import MATRIX
from kut_model.traps.registers import registers

VHE = {case.name: case for case in cases(vhe=True)}
WITHOUT = {case.name: case for case in cases(vhe=False)}


def test_every_name_of_e2h_is_undefined_without_it() -> None:
    names = [each.name.lower() for each in registers() if each.name.endswith(("_EL12", "_EL02"))]
    assert len(names) > 30
    expected = {f"name.{name}.{verb}" for name in names for verb in ("read", "write")}
    assert {name for name in WITHOUT if name.startswith("name.")} == expected
    assert not any(name.startswith("name.") for name in VHE)
    assert all(WITHOUT[name].taken.esr == 0x02000000 for name in expected)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "vhe", "without"),
    [
        ("redirect.sctlr_el1.read", "EL2_READ", "EL1_READ"),
        ("redirect.sctlr_el1.write", "EL2_WRITE", "EL1_WRITE"),
        ("redirect.sctlr_el12.read", "EL12_READ", ""),
        ("redirect.sctlr_el12.write", "EL12_WRITE", ""),
    ],
)
def test_the_register_that_a_name_reaches(name: str, vhe: str, without: str) -> None:
    assert VHE[name].action == vhe
    assert (WITHOUT[name].action if name in WITHOUT else "") == without


@pytest.mark.parametrize(
    ("name", "el", "esr"),
    [
        ("abort.ldr-x", 2, 0x96000004),
        ("abort.str-x", 2, 0x96000044),
        ("abort.ldadd", 2, 0x96000004),
        ("pc.unmapped.0.el2", 2, 0x86000004),
        ("pc.unmapped.0.el1", 1, 0x86000004),
        ("pc.unmapped.0.el0", 1, 0x82000004),
        ("pc.unmapped.0.host-el0", 2, 0x82000004),
        ("pc.unmapped.2.el0", 1, 0x8A000000),
        ("pc.execute-never.1.host-el0", 2, 0x8A000000),
        ("pc.code.3.el2", 2, 0x8A000000),
        ("register.dacr32_el2.absent.read", 2, 0x02000000),
    ],
)
def test_exceptions(name: str, el: int, esr: int) -> None:
    taken = VHE[name].taken
    assert taken
    assert (taken.el, taken.esr) == (el, esr)


def test_host_el0_is_that_of_a_host_with_vhe() -> None:
    assert not any("host-el0" in row.id for row in NVHE.rows())


def test_rows_verify_ids_of_the_coverage_table() -> None:
    found = {each for area in (AREA, NVHE) for row in area.rows() for each in row.coverage}
    assert found == {"E1", "E3", "E6", "M4", "B1"} & set(MATRIX)
