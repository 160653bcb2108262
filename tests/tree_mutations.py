# SPDX-License-Identifier: GPL-2.0-or-later
"""The mechanical mutations of a source tree, and random ones of them."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

import asm_mutations
import c_mutations
from mutation import Mutation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: Sources that are mutated.
TOP = "lib/arm64"
_HAS_ASSEMBLY = re.compile(r"^[ \t]*\.macro\b", re.MULTILINE)
_CONSTANT = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)


def of_tree(root: Path) -> list[Mutation]:
    """Return all mutations of the tree @root, by file and place."""
    paths = sorted(path for path in (root / TOP).rglob("*") if path.suffix in {".c", ".h", ".S"})
    return [each for path in paths for each in of_source(str(path.relative_to(root)), path)]


def of_source(file: str, path: Path) -> list[Mutation]:
    """Return the mutations of one source, which is called @file in its tree."""
    source = path.read_text()
    is_assembly = path.suffix == ".S" or _HAS_ASSEMBLY.search(source)
    edits = (asm_mutations if is_assembly else c_mutations).edits(source)
    return [Mutation(file, source, edit) for edit in edits]


def shuffled(mutations: Iterable[Mutation], seed: int) -> list[Mutation]:
    """Return the mutations in the order of a seed.

    It follows from the changed lines alone: when a tree changes, the other mutations keep theirs.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    keys = {}
    for mutation in mutations:
        identity = (mutation.file, mutation.edit.function, mutation.edit.operator, *mutation.lines)
        seen[identity] += 1
        text = "\0".join((str(seed), *identity, str(seen[identity])))
        keys[mutation.name] = sha256(text.encode()).digest()
    return sorted(mutations, key=lambda mutation: keys[mutation.name])


def unused_macros(root: Path) -> set[str]:
    """Return the macros of lib/arm64 that stand in one place of the sources of @root only."""
    texts = [path.read_text() for part in ("arm", "lib") for path in (root / part).rglob("*.[chS]")]
    uses = Counter(word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text))
    return {name for text in texts for name in _CONSTANT.findall(text) if uses[name] == 1}


def named(mutations: Sequence[Mutation], names: Iterable[str]) -> list[Mutation]:
    """Return the mutations with these names, each of which may end early, as with the line."""
    beginnings = tuple(f"{name.rstrip(':')}:" for name in names)
    return [mutation for mutation in mutations if f"{mutation.name}:".startswith(beginnings)]
