# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of the same tests on several targets: merged, compared, shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from kut_runner.errors import ExitCode, UsageError
from kut_runner.records import compare, document, merge
from kut_runner.records.cells import cell_table
from kut_runner.records.document import Document, RunMetadata
from kut_runner.run import rerun
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.status import Status
from kut_runner.views.html.page import page

PASS = Verdict(Status.PASS, "", ExitCode.OK, Cause.PASSED)
FAIL = Verdict(Status.FAIL, "1 of 2 checks failed", ExitCode.TESTS_FAILED, Cause.CHECKS_FAILED)


def run(
    version: str, *, target: str = "tcg", compiler: str = "gcc", **verdicts: Verdict
) -> Document:
    """Return a run of tests on one target."""
    results = tuple(
        TestResult(name, verdict, version=version, target=target, log=f"/logs/{name}.log")
        for name, verdict in verdicts.items()
    )
    metadata = RunMetadata(
        started=1.0,
        target=target,
        program=f"/bin/{target}-{version}",
        version=version,
        compiler=compiler,
        selection=tuple(verdicts),
    )
    code = max(each.verdict.exit_code for each in results)
    return Document(metadata, results, 1.0, code, is_complete=True)


def merged(*documents: Document) -> Document:
    """Return the document of runs that are merged."""
    parts = {f"{number}.json": each for number, each in enumerate(documents)}
    found = merge.merge(parts)
    assert not found.missing
    return found.document


OLD = run("7.2.22", a=PASS, b=PASS)
NEW = run("10.0.8", a=PASS, b=FAIL)


def test_a_test_on_two_targets_has_two_ids() -> None:
    found = merged(OLD, NEW)
    assert found.names == ("a/qemu-7.2.22", "b/qemu-7.2.22", "a/qemu-10.0.8", "b/qemu-10.0.8")
    assert [result.id for result in found.results] == [*found.names]
    assert [result.log for result in found.results][:2] == ["/logs/a.log", "/logs/b.log"]
    assert found.exit_code is ExitCode.TESTS_FAILED
    assert (found.metadata.target, found.metadata.version) == ("", "")
    assert found.metadata.compiler == "gcc"


def test_a_document_with_cells_comes_back_from_json(tmp_path: Path) -> None:
    found = merged(OLD, NEW)
    counts = {status.value: number for status, number in found.counts.items()}
    lines = [document.result_line(result) for result in found.results]
    text = document.dumps(found.metadata, lines, counts, found.run)
    (tmp_path / "m.json").write_text(text)
    again = document.load(tmp_path / "m.json")
    assert [(each.test, each.cell) for each in again.results] == [
        ("a", "qemu-7.2.22"),
        ("b", "qemu-7.2.22"),
        ("a", "qemu-10.0.8"),
        ("b", "qemu-10.0.8"),
    ]


def test_cells_are_merged_once_more() -> None:
    found = merged(merged(OLD, NEW), run("11.1.3", a=PASS, b=PASS))
    assert found.names[-1] == "b/qemu-11.1.3"
    assert len({*found.names}) == 6


@pytest.mark.parametrize(
    ("other", "cells"),
    [
        (run("7.2.22", compiler="clang", a=PASS), {"gcc", "clang"}),
        (run("10.0.8", compiler="clang", a=PASS), {"qemu-7.2.22/gcc", "qemu-10.0.8/clang"}),
        (run("7.2.22", target="kvm", a=PASS), {"qemu-7.2.22", "kvm-qemu-7.2.22"}),
        (run("1.0 beta/2", target="vmm", a=PASS), {"qemu-7.2.22", "vmm-1.0_beta_2"}),
    ],
)
def test_a_cell_names_the_difference(other: Document, cells: set[str]) -> None:
    assert {result.cell for result in merged(OLD, other).results} == cells


def test_two_programs_of_one_version_are_two_cells() -> None:
    patched = replace(OLD, metadata=replace(OLD.metadata, program="/home/u/qemu/build/qemu"))
    cells = {result.cell for result in merged(OLD, patched).results}
    assert cells == {"bin_tcg-7.2.22", "home_u_qemu_build_qemu"}


def test_properties_of_the_accelerator_are_in_the_cell() -> None:
    options = {"accel": "tcg,thread=single"}
    single = replace(OLD, metadata=replace(OLD.metadata, options=options))
    cells = {result.cell for result in merged(OLD, single).results}
    assert cells == {"qemu-7.2.22", "qemu-7.2.22-thread_single"}


def test_a_test_is_shown_with_all_its_cells() -> None:
    found = document.only(merged(OLD, NEW), "b")
    assert [each.id for each in found.results] == ["b/qemu-7.2.22", "b/qemu-10.0.8"]
    assert document.only(merged(OLD, NEW), "b/qemu-10.0.8").names == ("b/qemu-10.0.8",)


def test_cells_are_not_rerun_nor_compared_with_a_run_without() -> None:
    both = merged(OLD, NEW)
    with pytest.raises(UsageError, match="has results on several targets"):
        rerun.names_to_run(both)
    with pytest.raises(UsageError, match="only the second of the two runs has results on several"):
        compare.compare(OLD, both)


def test_runs_without_a_common_test_have_no_cells() -> None:
    assert merged(OLD, run("10.0.8", c=PASS)).names == ("a", "b", "c")


def test_a_test_twice_on_one_target_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a is in 0\.json and in 1\.json"):
        merged(OLD, OLD)
    with pytest.raises(UsageError, match=r"a/qemu-7\.2\.22 is in 0\.json and in 1\.json"):
        merged(merged(OLD, NEW), merged(OLD, NEW))


def test_a_missing_shard_is_that_of_a_target() -> None:
    def part(version: str, shard: str, test: str) -> Document:
        found = run(version, **{test: PASS})  # type: ignore[arg-type]
        return replace(found, metadata=replace(found.metadata, options={"shard": shard}))

    whole = merge.merge(
        {
            "1": part("7.2.22", "1/2", "a"),
            "2": part("7.2.22", "2/2", "b"),
            "3": part("10.0.8", "1/2", "a"),
        }
    )
    assert whole.missing == ("shard 2/2 on qemu-10.0.8",)
    assert not whole.document.is_complete


def test_the_table_has_a_line_for_each_difference() -> None:
    found = merged(OLD, NEW)
    table = cell_table(found.results, found.names)
    assert table
    assert [*table.lines()] == [
        "   qemu-7.2.22  qemu-10.0.8",
        "b  PASS         FAIL",
        "2 targets: 1 test different, 1 test alike",
    ]
    rows = {row["test"]: row for row in table.as_json()["tests"]}
    assert (rows["a"]["differs"], rows["b"]["differs"]) == (False, True)
    assert rows["b"]["results"]["qemu-10.0.8"]["status"] == "fail"


def test_a_missing_result_is_a_difference() -> None:
    found = merged(OLD, run("10.0.8", a=PASS))
    table = cell_table(found.results, found.names)
    assert table
    assert "b  PASS         -" in [*table.lines()]


def test_a_run_without_cells_has_no_table() -> None:
    assert cell_table(OLD.results, OLD.names) is None
    assert 'class="grid"' not in page(OLD.run, OLD.metadata)


def test_two_runs_are_compared_cell_by_cell() -> None:
    found = compare.compare(merged(OLD, run("10.0.8", a=PASS, b=PASS)), merged(OLD, NEW))
    (change,) = found.changes
    assert (change.name, change.kind) == ("b/qemu-10.0.8", compare.Kind.NEWLY_FAILING)


def test_the_page_shows_the_table() -> None:
    found = merged(OLD, NEW)
    text = page(found.run, found.metadata)
    assert "<th>qemu-7.2.22<th>qemu-10.0.8" in text
    assert '<tr class="differs"><td class="name">b<td><a class="pill pass"' in text
    ident = text.partition('class="pill fail" href="#')[2].partition('"')[0]
    assert f'id="{ident}" class="test" data-status="fail"' in text
