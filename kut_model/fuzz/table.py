# SPDX-License-Identifier: GPL-2.0-or-later
"""Cases as data for the image `arm/conform-random.c`, which has the same layout: its initrd.

The initrd begins with the memory of the cases' tables, zeros. The rest is little-endian: a header,
descriptions of the features that cases need, the offset of each case from the header, the cases.
"""

import struct
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final

from kut_model.features import FEATURES, ID_REGISTERS
from kut_model.fuzz import registers
from kut_model.fuzz.fields import AT_AT_EL1, AT_AT_EL2
from kut_model.fuzz.judge import Judged
from kut_model.fuzz.layout import ARENA, ARENA_BYTES, CODE, OUT

_MAGIC: Final = int.from_bytes(b"kutcase1", "little")
#: struct random_header: magic, arena, code, output, hash of the rows, cases, features, label
_HEADER: Final = struct.Struct("<5Q2I32s")
#: struct random_feature: name, field, CRm and op2 of the ID register, low, least, most
_FEATURE: Final = struct.Struct("<32s32s5B3x")
#: struct random_case: address, registers, features; then bytes: access, EL, PAN, AT, numbers of
#: pages, words and outcomes, and the words that are the leaves of stage 1 and stage 2
_CASE: Final = struct.Struct("<9QI9B3x")
_NONE: Final = 0xFF
#: In the order of enum probe_op.
_PROBES: Final = (
    *("read", "write", "atomic", "exec", "dc-zva", "dc-ivac", "dc-civac", "dc-cvac", "ic-ivau"),
    *AT_AT_EL1,
)
#: Probes for accesses at an address that is not aligned.
_UNALIGNED: Final = "-unaligned"
#: Offset in the page of an access that changes what it reaches, or that maintains caches.
_DATA: Final = 0x100
_ZVA: Final = 0x800
_OFFSETS: Final = {
    **dict.fromkeys(("write", "atomic", "dc-ivac", "dc-civac", "dc-cvac", "ic-ivau"), _DATA),
    **dict.fromkeys(("read-unaligned", "write-unaligned"), _DATA + 1),
    "dc-zva": _ZVA,
}


def initrd(cases: Sequence[Judged], table_hash: int, label: str) -> bytes:
    """Return the file; `label` is part of the ids of the rows."""
    features = list(dict.fromkeys(need for case in cases for need in case.needs))
    described = b"".join(_feature(name) for name in features)
    texts = [_case(case, features) for case in cases]
    at = _aligned(_HEADER.size + len(described) + 4 * len(texts))
    offsets = []
    for text in texts:
        offsets.append(at)
        at += len(text)
    header = _HEADER.pack(
        *(_MAGIC, ARENA, CODE, OUT, table_hash, len(cases), len(features), label.encode())
    )
    head = header + described + struct.pack(f"<{len(offsets)}I", *offsets)
    return b"".join([bytes(ARENA_BYTES), head, bytes(_aligned(len(head)) - len(head)), *texts])


def _aligned(size: int) -> int:
    return (size + 7) // 8 * 8


def _feature(name: str) -> bytes:
    feature = FEATURES[name]
    _, _, _, crm, op2 = ID_REGISTERS[feature.register]
    fields = (crm, op2, feature.low, feature.least, feature.most)
    return _FEATURE.pack(name.encode(), feature.where.encode(), *fields)


def _case(judged: Judged, features: Sequence[str]) -> bytes:
    case, setup = judged.case, judged.setup
    values = case.values
    at = AT_AT_EL2.index(case.op) if case.op in AT_AT_EL2 else _NONE
    probe = 0 if at != _NONE else _PROBES.index(case.op.removesuffix(_UNALIGNED))
    words = list(setup.words.items())
    leaves = [
        next((n for n, (each, _) in enumerate(words) if each == address), _NONE)
        for address in (setup.stage1_leaf, setup.stage2_leaf)
    ]
    offset = _OFFSETS.get(case.op, 0)
    head = _CASE.pack(
        *(setup.va + offset, *astuple(registers.of(values, setup))),
        sum(1 << features.index(need) for need in judged.needs),
        *(probe, values["el"], values["pan"], at),
        *(len(setup.pages), len(words), len(judged.codes), *leaves),
    )
    numbers = [*(n for page in setup.pages for n in page), *(n for word in words for n in word)]
    body = struct.pack(f"<{len(numbers)}Q", *numbers)
    codes = struct.pack(f"<{len(judged.codes)}I", *judged.codes)
    text = head + body + codes
    return text + bytes(_aligned(len(text)) - len(text))
