# SPDX-License-Identifier: GPL-2.0-or-later
"""Merge of the documents of shards into the document of one run.

Each test is in one shard. When the document of a shard is missing, or its run was cut short, the
merged run is incomplete.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kut_runner.definitions import shards
from kut_runner.errors import ExitCode, UsageError
from kut_runner.records.document import Document
from kut_runner.verdict.result import exit_code

#: The option in a document that names the shard, as in "2/4".
OPTION: Final = "shard"


@dataclass(frozen=True, slots=True)
class Merged:
    """A run merged from its shards."""

    document: Document
    missing: tuple[str, ...]
    """Missing shards, and tests without result, as text."""


def merge(parts: Mapping[str, Document]) -> Merged:
    """Merge documents, by their names in messages, into one run.

    The run takes as long as the longest of them. Raises UsageError when a test is in two documents,
    or when they are not shards of one run.
    """
    if not parts:
        raise UsageError("nothing to merge", "name files written by `kut run --json`")
    _refuse_duplicates(parts)
    documents = list(parts.values())
    first = min(documents, key=lambda each: each.metadata.started)
    missing = (*_missing_shards(parts), *_missing_tests(parts))
    joined = [result for each in documents for result in each.results]
    codes = [result.verdict.exit_code for result in joined]
    codes += [each.exit_code for each in documents if each.exit_code and not each.results]
    codes += [ExitCode.INFRASTRUCTURE] * bool(missing)
    metadata = replace(
        first.metadata,
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


def _refuse_duplicates(parts: Mapping[str, Document]) -> None:
    """Raise UsageError when a test is in two documents."""
    owners: dict[str, str] = {}
    for part, document in parts.items():
        for name in document.names:
            if name in owners:
                message = f"{name} is in {owners[name]} and in {part}"
                raise UsageError(message, "merge results of runs that have no test in common")
            owners[name] = part


def _missing_shards(parts: Mapping[str, Document]) -> Sequence[str]:
    """Return the shards without a document; none if no document is one of a shard."""
    found = [shards.parse(text) for each in parts.values() if (text := _shard(each))]
    counts = {shard.count for shard in found}
    if len(counts) > 1:
        numbers = " and ".join(map(str, sorted(counts)))
        raise UsageError(
            f"shards of {numbers} are not parts of one run", "merge the shards of one run"
        )
    seen = {shard.index for shard in found}
    return [
        f"shard {index}/{count}"
        for count in counts
        for index in range(1, count + 1)
        if index not in seen
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
