# SPDX-License-Identifier: GPL-2.0-or-later
"""Merge of the documents of several machines into the document of one run.

Shards of a run have no test in common. Runs of the same tests on several targets become cells: a
test then has an id for each, as in "stage2/qemu-10.0.8". When the document of a shard is missing,
or its run was cut short, the merged run is incomplete.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

from kut_runner.definitions import shards
from kut_runner.definitions.config import BUILT_IN
from kut_runner.errors import ExitCode, UsageError
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.policy import Policy
from kut_runner.targets.case import case_id, test_of
from kut_runner.verdict.result import exit_code

#: The option in a document that names the shard, as in "2/4".
OPTION: Final = "shard"
#: Characters that a cell does not have.
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.+-]")


@dataclass(frozen=True, slots=True)
class Merged:
    """A run merged from its shards."""

    document: Document
    missing: tuple[str, ...]
    """Missing shards, and tests without result, as text."""


def merge(parts: Mapping[str, Document]) -> Merged:
    """Merge documents, by their names in messages, into one run.

    The run takes as long as the longest of them. Raises UsageError when a test is in two documents
    of one target, or when they are not shards of one run.
    """
    if not parts:
        raise UsageError("nothing to merge", "name files written by `kut run --json`")
    parts = _with_cells(parts)
    _refuse_duplicates(parts)
    documents = list(parts.values())
    first = min(documents, key=lambda each: each.metadata.started)
    missing = (*_missing_shards(parts), *_missing_tests(parts))
    joined = [result for each in documents for result in each.results]
    codes = [
        code
        for each in documents
        for code in Policy.of(each.metadata.options).exit_codes(each.results)
    ]
    codes += [each.exit_code for each in documents if each.exit_code and not each.results]
    codes += [ExitCode.INFRASTRUCTURE] * bool(missing)
    metadata = replace(
        _common(documents, first),
        run="",
        selection=tuple(name for each in documents for name in each.names),
        options={key: value for key, value in first.metadata.options.items() if key != OPTION},
    )
    document = Document(
        metadata=metadata,
        results=joined,
        seconds=max((each.seconds or 0.0 for each in documents), default=0.0),
        exit_code=exit_code(codes),
        is_complete=not missing,
    )
    return Merged(document, missing)


#: Target, build and program of a part, each fit for a cell.
_Kind = tuple[str, str, str]


def _with_cells(parts: Mapping[str, Document]) -> Mapping[str, Document]:
    """Return the parts, with cells in their ids where targets have tests in common.

    A part that has cells, as a merged one, keeps them.
    """
    kinds = {name: _kind(document) for name, document in parts.items()}
    owners: dict[str, set[_Kind]] = {}
    for name, document in parts.items():
        for case in document.names:
            owners.setdefault(test_of(case), set()).add(kinds[name])
    if all(len(each) == 1 for each in owners.values()):
        return parts
    plain = {kinds[name] for name, document in parts.items() if not document.has_cells}
    has_merged = len(plain) < len({*kinds.values()})
    several = _differences(plain, has_merged=has_merged)
    return {
        name: document
        if document.has_cells
        else _in_cell(document, "/".join(compress(kinds[name], several)))
        for name, document in parts.items()
    }


def _differences(kinds: set[_Kind], *, has_merged: bool) -> tuple[bool, bool, bool]:
    """Return which of target, build and program are in a cell: those that distinguish kinds.

    With a merged part, whose cells name targets, the target always is. The program is named only
    where target and build are the same.
    """
    targets, builds = ({kind[at] for kind in kinds} for at in (0, 1))
    same = len({kind[:2] for kind in kinds}) < len(kinds)
    return len(targets) > 1 or has_merged, len(builds) > 1, same


def _kind(document: Document) -> _Kind:
    metadata = document.metadata
    program = "qemu" if metadata.target in ("", *BUILT_IN) else metadata.target
    accelerator = "" if metadata.target in ("", BUILT_IN[0], program) else metadata.target
    properties = str(metadata.options.get("accel") or "").partition(",")[2]
    target = "-".join(filter(None, (accelerator, program, metadata.version, properties)))
    build = "-".join(filter(None, (metadata.compiler, metadata.variant)))
    path = metadata.program.strip("/")
    return _UNFIT.sub("_", target), _UNFIT.sub("_", build), _UNFIT.sub("_", path)


def _in_cell(document: Document, cell: str) -> Document:
    """Return the document with ids in a cell."""
    selection = tuple(case_id(case, cell) for case in document.names)
    results = tuple(replace(each, id=case_id(each.id, cell)) for each in document.results)
    metadata = replace(document.metadata, selection=selection)
    return replace(document, metadata=metadata, results=results)


def _common(documents: Sequence[Document], first: Document) -> RunMetadata:
    """Return the metadata of `first`, without target and build where the parts differ in them."""
    metadata = first.metadata
    known = [each.metadata for each in documents if each.metadata.version]
    if len({(each.target, each.program, each.version) for each in known}) > 1:
        metadata = replace(metadata, target="", program="", version="")
    if len({(each.compiler, each.variant) for each in known}) > 1:
        metadata = replace(metadata, compiler="", variant="")
    return metadata


def _refuse_duplicates(parts: Mapping[str, Document]) -> None:
    """Raise UsageError when a case is in two documents."""
    owners: dict[str, str] = {}
    for part, document in parts.items():
        for case in document.names:
            if case in owners:
                message = f"{case} is in {owners[case]} and in {part}"
                raise UsageError(message, "merge runs on different targets, or of different tests")
            owners[case] = part


def _missing_shards(parts: Mapping[str, Document]) -> Sequence[str]:
    """Return the shards without a document; none if no document is one of a shard."""
    found: dict[_Kind, list[shards.Shard]] = {}
    for document in parts.values():
        if text := _shard(document):
            found.setdefault(_kind(document), []).append(shards.parse(text))
    counts = {shard.count for each in found.values() for shard in each}
    if len(counts) > 1:
        numbers = " and ".join(map(str, sorted(counts)))
        raise UsageError(
            f"shards of {numbers} are not parts of one run", "merge the shards of one run"
        )
    # Shards on several targets without a common test are those of one run.
    if not any(each.has_cells for each in parts.values()):
        found = {("", "", ""): [shard for each in found.values() for shard in each]}
    return [
        f"shard {index}/{count}{f' on {kind[0]}' if kind[0] else ''}"
        for kind, mine in found.items()
        for count in counts
        for index in range(1, count + 1)
        if index not in {shard.index for shard in mine}
    ]


def _shard(document: Document) -> str:
    return str(document.metadata.options.get(OPTION) or "")


def _missing_tests(parts: Mapping[str, Document]) -> Sequence[str]:
    """Return the tests without result, each with the document that should have it."""
    return [
        f"{name}, which has no result in {part}"
        for part, document in parts.items()
        for name in document.missing
    ]
