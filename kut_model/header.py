# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of an area: its C header, and its list of rows for the runner."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256

from kut_model.features import FEATURES, ID_REGISTERS
from kut_model.rows import Area, Row
from kut_model.rules import RULES
from kut_model.rules.matrix import MATRIX, NOT_COVERED


def table_hash(rows: Sequence[Row]) -> int:
    """Return 64 bits that differ when a row's number, id or expected outcome does."""
    text = "".join(f"{row.id}\n{row.expected}\n" for row in rows)
    return int.from_bytes(sha256(text.encode()).digest()[:8])


def header(area: Area, rows: Sequence[Row]) -> str:
    """Return the text of `<conform/NAME.h>`."""
    return "".join(_header(area, rows))


def row_list(area: Area, rows: Sequence[Row]) -> str:
    """Return the list of rows for the runner: a JSON object whose columns are by row number."""
    rules = {key: asdict(RULES[key]) for key in dict.fromkeys(row.rule for row in rows)}
    columns = {
        "id": [row.id for row in rows],
        "rule": [row.rule for row in rows],
        "expected": [row.expected for row in rows],
        "needs": [row.needs for row in rows],
        "kind": [row.kind for row in rows],
        "matrix": [" ".join(row.coverage) for row in rows],
    }
    about = {"area": area.name, "title": area.title, "hash": f"{table_hash(rows):016x}"}
    table = {"matrix": MATRIX, "not_covered": NOT_COVERED}
    listed = {**about, "rules": rules, **table, "rows": columns}
    return f"{json.dumps(listed, indent=0)}\n"


def _header(area: Area, rows: Sequence[Row]) -> Iterator[str]:
    yield f"/* Area {area.name}: {area.title}. Written by kut_model; changes here are lost. */\n"
    yield "#include <asm/conform.h>\n\n"
    yield f'#define CONFORM_AREA "{area.name}"\n'
    yield f"#define CONFORM_ROWS {len(rows)}\n"
    yield f"#define CONFORM_HASH UL({table_hash(rows):#x})\n\n"
    needed = {need for row in rows for need in row.needs}
    if needed:
        yield from _features([name for name in FEATURES if name in needed])
    yield area.header()


def _features(names: Sequence[str]) -> Iterator[str]:
    """Yield a table of the features that rows need, and indices into it."""
    yield "enum {\n"
    yield from (f"\tCONFORM_{name},\n" for name in names)
    yield "};\n\n"
    for register in dict.fromkeys(FEATURES[name].register for name in names):
        encoding = ", ".join(map(str, ID_REGISTERS[register]))
        yield f"CONFORM_ID_REGISTER({register}, {encoding})\n"
    yield "\nstatic const struct conform_feature conform_features[] = {\n"
    for name in names:
        feature = FEATURES[name]
        yield f'\t[CONFORM_{name}] = {{ "{name}", "{feature.where}", conform_{feature.register},\n'
        yield f"\t\t{feature.low}, {feature.least}, {feature.most} }},\n"
    yield "};\n\n"
