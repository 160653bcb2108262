# SPDX-License-Identifier: GPL-2.0-or-later
"""s2_geometry(), compiled for this host, over all its inputs against an oracle that searches."""

import ctypes
import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import realtree

pytestmark = pytest.mark.qemu

GRANULES = {"4K": 12, "16K": 14, "64K": 16}
PA_BITS = (32, 36, 40, 42, 44, 48, 52)
FEWEST = -2
EINVAL, ERANGE = 22, 34
# VTCR_EL2.{SL2, SL0} by start level (DDI 0487, D24.2.187)
SL = {
    "4K": {-1: (1, 0), 0: (0, 2), 1: (0, 1), 2: (0, 0), 3: (0, 3)},
    "16K": {0: (0, 3), 1: (0, 2), 2: (0, 1), 3: (0, 0)},
    "64K": {1: (0, 2), 2: (0, 1), 3: (0, 0)},
}
# The topmost level without FEAT_LPA2, and the physical address bits from which a CPU has it
TOP = {"4K": (0, 43), "16K": (1, 41), "64K": (1, 43)}
FIELDS = (
    "page_shift ipa_bits pa_bits start_level root_tables first_block_level ds lpa t0sz sl0 sl2 ps"
)

WRAPPER = """
#include "stage2-geometry.c"
#pragma GCC visibility push(default)
int geometry(unsigned g, unsigned bits, int level, unsigned pa, int ds, int ttst, int *out);
int geometry(unsigned g, unsigned bits, int level, unsigned pa, int ds, int ttst, int *out)
{
	const struct s2_limits limits = { .pa_bits = pa, .ds = ds, .ttst = ttst };
	struct s2_geometry s;
	int err = s2_geometry(g, bits, level, &limits, &s);
	if (!err) {
		int fields[] = { %s };
		for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			out[i] = fields[i];
	}
	return err;
}
unsigned parange(unsigned value);
unsigned parange(unsigned value)
{
	return s2_parange_bits(value);
}
"""

Geometry = dict[str, int]


class Cpu(NamedTuple):
    """struct s2_limits."""

    pa_bits: int
    ds: bool
    ttst: bool


def legal(granule: str, level: int, ipa_bits: int, cpu: Cpu) -> bool:
    """Whether a walk may start at `level`: its root has 2 entries at least, 16 tables at most."""
    page_shift = GRANULES[granule]
    stride = page_shift - 3
    top, from_pa_bits = TOP[granule]
    if cpu.ds and granule != "64K":
        top -= 1
    elif cpu.pa_bits < from_pa_bits:
        top += 1
    bottom = 2 if granule == "4K" and not cpu.ttst else 3
    entries = 2.0 ** (ipa_bits - page_shift - (3 - level) * stride)
    return top <= level <= bottom and 2 <= entries <= 16 * 2**stride


def oracle(granule: str, ipa_bits: int, level: int, cpu: Cpu) -> Geometry | int:
    """The fields of struct s2_geometry, or the error."""
    wide = granule == "64K" or cpu.ds
    pa = min(cpu.pa_bits, 52 if wide else 48)
    smallest = (17 if granule == "64K" else 16) if cpu.ttst else 25
    if ipa_bits < smallest:
        return -EINVAL
    if ipa_bits > pa:
        return -ERANGE
    levels = [
        at for at in range(-1, 4) if legal(granule, at, ipa_bits, cpu) and level in (FEWEST, at)
    ]
    if not levels:
        return -EINVAL
    start = max(levels)
    page_shift = GRANULES[granule]
    stride = page_shift - 3
    sl2, sl0 = SL[granule][start]
    return {
        "page_shift": page_shift,
        "ipa_bits": ipa_bits,
        "pa_bits": pa,
        "start_level": start,
        "root_tables": 2 ** max(0, ipa_bits - page_shift - (4 - start) * stride),
        "first_block_level": {"4K": 1, "16K": 2, "64K": 2}[granule]
        - (cpu.pa_bits > 48 if granule == "64K" else cpu.ds),
        "ds": int(cpu.ds and granule != "64K"),
        "lpa": int(granule == "64K" and pa > 48),
        "t0sz": 64 - ipa_bits,
        "sl0": sl0,
        "sl2": sl2,
        "ps": PA_BITS.index(pa),
    }


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    directory = tmp_path_factory.mktemp("geometry")
    source, shared = directory / "geometry.c", directory / "geometry.so"
    source.write_text(WRAPPER % ", ".join(f"(int)s.{field}" for field in FIELDS.split()))
    lib = Path(realtree.ROOT) / "lib"
    include = [f"-I{path}" for path in (lib, lib / "arm64")]
    flags = ("-shared", "-fPIC", "-O1", "-nostdlib", "-ffreestanding", "-fuse-ld=lld")
    clang = shutil.which("clang") or shutil.which("clang-14")
    assert clang
    subprocess.run([clang, *flags, *include, "-o", str(shared), str(source)], check=True)
    return ctypes.CDLL(str(shared))


def inputs() -> Iterator[tuple[str, int, int, Cpu]]:
    cpus = [Cpu(*cpu) for cpu in itertools.product(PA_BITS, (False, True), (False, True))]
    return itertools.product(GRANULES, range(10, 60), range(FEWEST, 5), cpus)


def computed(
    library: ctypes.CDLL, granule: str, ipa_bits: int, level: int, cpu: Cpu
) -> Geometry | int:
    out = (ctypes.c_int * len(FIELDS.split()))()
    error = library.geometry(list(GRANULES).index(granule), ipa_bits, level, *cpu, out)
    return error or dict(zip(FIELDS.split(), out, strict=True))


def test_geometry_is_the_oracle(library: ctypes.CDLL) -> None:
    wrong = [case for case in inputs() if computed(library, *case) != oracle(*case)]
    assert wrong == []


@pytest.mark.parametrize(
    ("granule", "bits", "level", "tables"),
    [("4K", 40, 1, 2), ("4K", 34, 2, 16), ("16K", 40, 2, 16), ("64K", 46, 2, 16), ("4K", 48, 0, 1)],
)
def test_shapes_worked_out_by_hand(
    library: ctypes.CDLL, granule: str, bits: int, level: int, tables: int
) -> None:
    found = computed(library, granule, bits, FEWEST, Cpu(48, ds=False, ttst=False))
    assert isinstance(found, dict)
    assert (found["start_level"], found["root_tables"]) == (level, tables)


def test_physical_addresses_by_parange(library: ctypes.CDLL) -> None:
    """ID_AA64MMFR0_EL1.PARange (DDI 0487, D24.2.85); values yet to be defined have as many."""
    assert [library.parange(value) for value in range(16)] == [*PA_BITS, *[52] * 9]
