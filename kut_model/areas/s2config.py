# SPDX-License-Identifier: GPL-2.0-or-later
"""Area `s2config`: VTCR_EL2 as geometry: granule, T0SZ, SL0, SL2 and DS, legal or not.

What is expected depends on the CPU: a table has it for each size of physical addresses, with and
without FEAT_TTST. Probes of a row:

    low    AT S12E1R of the first page
    high   AT S12E1R of the last page, in the last of the concatenated tables
    above  AT S12E1R of the first address that is too large
    fetch  code in the first page runs, or the fetch is an abort
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from kut_model.rows import Area, Row
from kut_model.tables.arrays import OutcomeTable, array, initialiser, names
from kut_model.translation.access import OPERATIONS
from kut_model.translation.choices import outcomes
from kut_model.translation.codes import Scene, codes_of_access, codes_of_at, describe_all
from kut_model.translation.controls import Stage1Control, Stage2Control
from kut_model.translation.coverage import covered
from kut_model.translation.geometry import (
    MAX_T0SZ_WITHOUT_TTST,
    START_LEVELS,
    Geometry,
    effective,
    geometry,
)
from kut_model.translation.granules import Granule
from kut_model.translation.processor import PA_BITS, Processor
from kut_model.translation.tables import DATA, LEAF, ROOT, walk
from kut_model.translation.translate import Machine, alternatives

PROBES: Final = ("low", "high", "above", "fetch")
_CODE: Final = 0x4062_0000
_CODE_TABLE: Final = 0x100_0000  # added to the address of a table of the path to DATA
_PS_52: Final = 6  # more than a CPU has is what it has
#: Start level of the tables where the encoding of the start level is reserved.
_NO_START: Final = 1
_PAGE_NAMES: Final = ("the page", "the first page")
_MIN_T0SZ: Final = 16  # without 52 bits
_NO_SPACE: Final = 17  # bits of the addresses that are probed where nothing is translated


@dataclass(frozen=True, slots=True)
class _Config:
    """VTCR_EL2."""

    granule: Granule
    t0sz: int
    sl: int  # SL2:SL0
    ds: int

    @property
    def name(self) -> str:
        """Its part of ids."""
        return f"{self.granule.label.lower()}.ds{self.ds}.t0sz{self.t0sz}.sl{self.sl}"

    @property
    def needs(self) -> tuple[str, ...]:
        """FEAT_LPA2 for DS."""
        return (f"FEAT_LPA2_{self.granule.label}",) if self.ds else ()

    @property
    def control(self) -> Stage2Control:
        """The registers."""
        return Stage2Control(
            self.granule, self.t0sz, self.sl & 3, self.sl >> 2, self.ds, _PS_52, root=ROOT
        )

    @property
    def start(self) -> int:
        """Start level of the tables."""
        return START_LEVELS[self.granule].get(self.sl, _NO_START)


#: CPUs: PARange and FEAT_TTST; the index of an image's CPU is 2 * PARange + TTST.
CLASSES: Final = tuple(product(PA_BITS, (False, True)))


def configs() -> Iterator[_Config]:
    """Yield every value of the fields; SL2 has a meaning with DS and 4K only."""
    for granule in Granule:
        for ds in (0, 1) if granule is not Granule.K64 else (0,):
            for t0sz in range(64):
                for sl in range(8 if ds and granule is Granule.K4 else 4):
                    yield _Config(granule, t0sz, sl, ds)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a CPU does: size of the space that it uses, and outcomes of each probe."""

    ipa_bits: int
    codes: tuple[tuple[int, ...], ...]  # by PROBES


def _address(probe: str, ipa_bits: int, granule: Granule) -> int:
    """Return the IPA of a probe."""
    if probe == "high":
        return (1 << ipa_bits) - (1 << granule.bits)
    return 1 << ipa_bits if probe == "above" else 0


def _machine(config: _Config, processor: Processor, ipa_bits: int) -> Machine:
    """Return tables that map the first page, and the last one."""
    granule = config.granule
    last = _address("high", ipa_bits, granule)
    tables = {
        **walk(granule, config.start, 0, _CODE | LEAF, offset=_CODE_TABLE),
        **walk(granule, config.start, last, DATA | LEAF),
    }
    return Machine(processor, Stage1Control(), config.control, tables)


def _probe(config: _Config, machine: Machine, ipa_bits: int, probe: str) -> tuple[int, ...]:
    """Return the permitted outcomes of a probe."""
    ipa = _address(probe, ipa_bits, config.granule)
    scene = Scene(((ipa, DATA), (0, _CODE)))
    access = OPERATIONS["exec" if probe == "fetch" else "at-read"]
    found = alternatives(machine, ipa, access)
    if probe == "fetch":
        return codes_of_access(found, access, machine, scene)
    return codes_of_at(found, machine, scene, is_ipa=False)


def _expected(config: _Config, processor: Processor, ipa_bits: int) -> _Expected:
    machine = _machine(config, processor, ipa_bits)
    return _Expected(ipa_bits, tuple(_probe(config, machine, ipa_bits, probe) for probe in PROBES))


def expected(
    config: _Config, processor: Processor, faults: dict[tuple[int, Processor], _Expected]
) -> _Expected:
    """Return what a CPU does; `faults`: what it does where nothing translates, by page size."""
    control = effective(config.control, processor)
    found = outcomes(lambda choices: geometry(control, processor, choices))
    sizes = [each.ipa_bits for each in found if isinstance(each, Geometry)]
    if sizes:
        return _expected(config, processor, max(sizes))
    key = (config.granule.bits, processor)
    if key not in faults:
        faults[key] = _expected(config, processor, _NO_SPACE)
    return faults[key]


@cache
def _table() -> tuple[tuple[_Config, tuple[_Expected | None, ...]], ...]:
    """Return what each class of CPUs does with each configuration; None: it has no such field."""
    faults: dict[tuple[int, Processor], _Expected] = {}
    return tuple(
        (
            config,
            tuple(
                expected(config, Processor(pa_bits, ttst=ttst, lpa2=bool(config.ds)), faults)
                if not config.ds or pa_bits == PA_BITS[-1]
                else None
                for pa_bits, ttst in CLASSES
            ),
        )
        for config in configs()
    )


def _class_names(numbers: list[int]) -> str:
    """Return CPUs as "PARange 40, 42 with FEAT_TTST, 44"."""
    found = [(pa_bits, ttst) for pa_bits, ttst in (CLASSES[number] for number in numbers)]
    names_of = []
    for pa_bits in PA_BITS:
        kinds = {ttst for bits, ttst in found if bits == pa_bits}
        if kinds:
            only = "" if len(kinds) > 1 else f" with{'' if True in kinds else 'out'} FEAT_TTST"
            names_of.append(f"{pa_bits}{only}")
    return f"PARange {', '.join(names_of)}"


def _describe(classes: tuple[_Expected | None, ...], probe: int) -> str:
    """Return the outcomes in one line, by CPU."""
    by_codes: dict[tuple[int, ...], list[int]] = {}
    for number, each in enumerate(classes):
        if each:
            by_codes.setdefault(each.codes[probe], []).append(number)
    if len(by_codes) == 1:
        return describe_all(next(iter(by_codes)), _PAGE_NAMES)
    return "; ".join(
        f"{describe_all(codes, _PAGE_NAMES)} ({_class_names(numbers)})"
        for codes, numbers in by_codes.items()
    )


def _never_translates(classes: tuple[_Expected | None, ...]) -> bool:
    """Whether the configuration is a fault on every CPU."""
    return all(each.ipa_bits == _NO_SPACE for each in classes if each)


def _matrix(config: _Config, classes: tuple[_Expected | None, ...], probe: int) -> tuple[str, ...]:
    """Return the ids of the coverage table beside that of the rule."""
    faults = _never_translates(classes)
    codes = {each.codes[probe] for each in classes if each}
    found = {
        "F1": all(covered(each) == ("F1", "F15") for each in codes),
        "F8": faults,
        "G6": len(codes) > 1,
        "G2": not faults and config.t0sz > MAX_T0SZ_WITHOUT_TTST,
        "G3": config.ds,
        "G4": not faults and config.granule is Granule.K64 and config.t0sz < _MIN_T0SZ,
    }
    return tuple(key for key, applies in found.items() if applies)


def _rows() -> list[Row]:
    return [
        Row(
            f"s2config.{config.name}.{probe}",
            "s2.geometry"
            if probe != "above" or _never_translates(classes)
            else "s2.geometry.ipa-size",
            _describe(classes, number),
            config.needs,
            matrix=_matrix(config, classes, number),
        )
        for config, classes in _table()
        for number, probe in enumerate(PROBES)
    ]


def _header() -> str:
    """Return the tables in C."""
    table_of_outcomes = OutcomeTable()
    numbers: dict[_Expected, int] = {}
    lines = []
    for config, classes in _table():
        indices = [numbers.setdefault(each, len(numbers)) if each else -1 for each in classes]
        shape = (config.granule.bits, config.t0sz, config.sl & 3, config.sl >> 2, config.ds)
        lines.append(initialiser(initialiser(*shape, config.start), initialiser(*indices)))
    expectations = [
        initialiser(each.ipa_bits, initialiser(*map(table_of_outcomes.add, each.codes)))
        for each in numbers
    ]
    return "".join(
        [
            names("s2config_probes", PROBES),
            f"#define S2CONFIG_CLASSES {len(CLASSES)}\n",
            "struct s2config_config {\n\tstruct s2_shape shape;\n",
            "\ts16 expected[S2CONFIG_CLASSES]; /* by PARange and FEAT_TTST */\n};\n",
            table_of_outcomes.declaration("s2config_outcomes"),
            array("struct s2config_expected", "s2config_expected", expectations),
            array("struct s2config_config", "s2config_configs", lines),
        ]
    )


AREA: Final = Area(
    "s2config", "geometry of stage 2: T0SZ, start level, concatenated tables", _rows, _header
)
