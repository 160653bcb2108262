# SPDX-License-Identifier: GPL-2.0-or-later
"""Merge: each test once, the worst verdict, and never a pass with missing results."""

import json
import subprocess
from pathlib import Path

import pytest
import realtree

from kut_runner.errors import ExitCode, UsageError
from kut_runner.records import merge
from kut_runner.records.document import Document, RunMetadata
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status

PASS = Verdict(Status.PASS, "", ExitCode.OK)
FAIL = Verdict(Status.FAIL, "bad", ExitCode.TESTS_FAILED)


def part(
    shard: str | None, *verdicts: tuple[str, Verdict | None], seconds: float = 1.0
) -> Document:
    results = tuple(TestResult(name, verdict) for name, verdict in verdicts if verdict)
    names = tuple(name for name, _ in verdicts)
    return Document(
        metadata=RunMetadata(run="x", started=seconds, selection=names, options={"shard": shard}),
        results=results,
        seconds=seconds,
        exit_code=max((each.verdict.exit_code for each in results), default=ExitCode.OK),
        is_complete=len(results) == len(names),
    )


def parts(*documents: Document) -> dict[str, Document]:
    return {f"{number}.json": each for number, each in enumerate(documents, start=1)}


def test_all_of_it() -> None:
    one = part("1/2", ("a", PASS), seconds=3.0)
    two = part("2/2", ("b", PASS), ("c", PASS), seconds=2.0)
    merged = merge.merge(parts(one, two))
    document = merged.document
    assert merged.missing == ()
    assert [result.id for result in document.results] == ["a", "b", "c"]
    assert document.names == ("a", "b", "c")
    assert document.is_complete
    assert document.exit_code is ExitCode.OK
    assert document.seconds == 3.0
    assert document.metadata.started == 2.0
    assert document.metadata.options == {}


def test_one_failure_fails_the_whole() -> None:
    merged = merge.merge(parts(part("1/2", ("a", PASS)), part("2/2", ("b", FAIL))))
    assert merged.document.exit_code is ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("documents", "missing"),
    [
        ([part("1/3", ("a", PASS)), part("3/3", ("c", PASS))], "shard 2/3"),
        ([part("1/2", ("a", PASS), ("b", None)), part("2/2")], "b, which has no result in 1.json"),
        ([part(None, ("a", PASS), ("b", None))], "b, which has no result in 1.json"),
    ],
)
def test_what_is_missing_never_passes(documents: list[Document], missing: str) -> None:
    merged = merge.merge(parts(*documents))
    assert merged.missing == (missing,)
    assert not merged.document.is_complete
    assert merged.document.exit_code is ExitCode.INFRASTRUCTURE


def test_a_failure_with_something_missing_is_still_no_pass() -> None:
    merged = merge.merge(parts(part("1/2", ("a", FAIL))))
    assert merged.document.exit_code is ExitCode.INFRASTRUCTURE


def test_an_empty_shard_is_a_part_too() -> None:
    merged = merge.merge(parts(part("1/2", ("a", PASS)), part("2/2")))
    assert merged.missing == ()
    assert merged.document.exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "nothing to merge"),
        ([part("1/2", ("a", PASS)), part("2/2", ("a", PASS))], "a is in 1.json and in 2.json"),
        ([part("1/2", ("a", PASS)), part("2/3", ("b", PASS))], "shards of 2 and 3"),
    ],
)
def test_what_cannot_be_merged(documents: list[Document], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        merge.merge(parts(*documents))


@pytest.mark.qemu
def test_real_shards(tmp_path: Path) -> None:
    files = []
    for index in (1, 2):
        directory = tmp_path / str(index)
        directory.mkdir()
        realtree.run(directory, "--shard", f"{index}/2", "selftest", "fdt", "misbehave-fail")
        files.append(str(directory / "results.json"))
    out = tmp_path / "all.json"
    done = subprocess.run(
        [*realtree.KUT, "merge", *files, "--json", str(out)],
        cwd=realtree.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "FAIL     misbehave-fail" in done.stdout
    document = json.loads(out.read_text())
    assert document["complete"] is True
    assert sorted(test["id"] for test in document["tests"]) == ["fdt", "misbehave-fail", "selftest"]
    done = subprocess.run(
        [*realtree.KUT, "merge", files[0]],
        cwd=realtree.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert "kut: missing: shard 2/2" in done.stderr
