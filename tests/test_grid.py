# SPDX-License-Identifier: GPL-2.0-or-later
"""Grids: cells of all combinations, the table of differences, and real ones on two QEMUs."""

import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import emulators
import pytest
import realtree
from cases import FakeTarget, case_of, definition, tcg

from kut_runner.errors import ExitCode, MissingToolError, UsageError
from kut_runner.records import grid as grids
from kut_runner.records.grid import Grid, grid
from kut_runner.run.grid import CPUS, Axes, Cell, cells
from kut_runner.run.grid_run import Request
from kut_runner.targets import qemu_machine
from kut_runner.targets.protocol import Target
from kut_runner.verdict.events import Check
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.rows import AreaRows, Reason, runs_of
from kut_runner.verdict.status import Status
from kut_runner.views.html.grid import page
from kut_runner.views.report_grid import MOST, lines

# Cells.


def open_target(name: str | None, qemu: str | None) -> Target:
    """A QEMU whose version is in its path, as in "q-8.2.1"; others are missing."""
    if name == "vmm":
        return FakeTarget(name="vmm", version="1.0 beta")
    if name == "lab@./old":
        raise UsageError("./old: the lab needs CONFIG_KVM=y", "set it")
    if name in {"lab@6.18", "lab@./mine", "lab@./other"}:
        kernel = "6.18.15+deb13-arm64" if name == "lab@6.18" else "7.4.0-rc1-g12"
        version = (qemu or "q-11.1.3").rpartition("-")[2]
        return FakeTarget(name=name, version=f"Linux {kernel}, QEMU {version}")
    if name and name.startswith("lab@"):
        raise MissingToolError(f"no lab with kernel {name[4:]}", "`kut lab build`")
    version = (qemu or "q-7.2.0").rpartition("-")[2]
    if not version[0].isdigit():
        raise MissingToolError(f"{qemu} is not unpacked", f"`kut toolchain install {qemu}`")
    major, minor, micro = map(int, version.split("."))
    return tcg(Path(f"/bin/{qemu}"), (major, minor, micro))


@pytest.fixture
def accepted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """No QEMU starts; those of version 7 do not know neoverse-v1. The machines that were tried."""
    tried = []

    def refusal(program: str, machine: str, *, cpu: str, smp: int) -> str:
        tried.append((machine, cpu, smp))
        return "no such CPU" if "7.2.0" in program and cpu == "neoverse-v1" else ""

    monkeypatch.setattr(qemu_machine, "refusal", refusal)
    return tried


@pytest.mark.parametrize(
    ("axes", "ids"),
    [
        (Axes(), ["qemu-7.2.0"]),
        (Axes(cpus=("max", "cortex-a72")), ["max", "cortex-a72"]),
        (Axes(cpus=("max,sve=off", "max")), ["max_sve_off", "max"]),
        (Axes(qemus=("q-8.0.0", "q-9.0.0")), ["qemu-8.0.0", "qemu-9.0.0"]),
        (
            Axes(qemus=("q-8.0.0", "q-9.0.0"), cpus=("max", "cortex-a53"), smps=(1,)),
            ["qemu-8.0.0/max", "qemu-8.0.0/cortex-a53", "qemu-9.0.0/max", "qemu-9.0.0/cortex-a53"],
        ),
        (
            Axes(gics=("2", "3"), variants=("default", "page-64k"), smps=(1, 4)),
            [
                *("gic2/default/smp1", "gic2/default/smp4"),
                *("gic2/page-64k/smp1", "gic2/page-64k/smp4"),
                *("gic3/default/smp1", "gic3/default/smp4"),
                *("gic3/page-64k/smp1", "gic3/page-64k/smp4"),
            ],
        ),
        (Axes(targets=("tcg", "vmm")), ["qemu-7.2.0", "vmm-1.0_beta"]),
        (Axes(targets=("vmm",), qemus=("q-8.0.0",)), ["vmm-1.0_beta"]),
        (Axes(qemus=("old=q-8.0.0", "q-9.0.0")), ["old", "qemu-9.0.0"]),
        (Axes(qemus=("a/q-8.0.0", "b/q-8.0.0")), ["a_q-8.0.0", "b_q-8.0.0"]),
        (Axes(qemus=("q-8.0.0", "q-8.0.0")), ["qemu-8.0.0"]),
        (Axes(qemus=("q-8.0.0", "qemu@sid")), ["qemu-8.0.0", "qemu_sid"]),
        (Axes(cpus=("all", "cortex-a57")), [*CPUS]),
        (
            Axes(targets=("tcg", "lab@6.18", "lab@./mine")),
            ["qemu-7.2.0", "linux-6.18.15", "linux-7.4.0-rc1-g12"],
        ),
        (Axes(targets=("lab@6.18",), qemus=("q-11.1.3",)), ["linux-6.18.15"]),
        (
            Axes(targets=("lab@6.18", "lab@7.0"), qemus=("q-10.0.2", "new=q-11.1.3")),
            [
                *("linux-6.18.15-qemu-10.0.2", "linux-6.18.15-new"),
                *("lab_7.0-q-10.0.2", "lab_7.0-new"),
            ],
        ),
        (Axes(targets=("lab@./mine", "lab@./other")), ["lab_._mine", "lab_._other"]),
    ],
)
@pytest.mark.usefixtures("accepted")
def test_a_cell_names_what_there_is_several_of(axes: Axes, ids: list[str]) -> None:
    assert [cell.id for cell in cells(axes, open_target)] == ids


def test_a_cell_that_cannot_run_says_why(accepted: list[tuple[str, str, int]]) -> None:
    axes = Axes(qemus=("q-7.2.0", "qemu@sid"), cpus=("neoverse-v1", "max"), gics=("3",), smps=(2,))
    found = cells(axes, open_target)
    missing = "qemu@sid is not unpacked: `kut toolchain install qemu@sid`"
    assert [cell.problem for cell in found] == ["no such CPU", "", missing, missing]
    machine = "virt,virtualization=on,gic-version=3"
    assert accepted == [(machine, "neoverse-v1", 2), (machine, "max", 2)]
    built = {"t": replace(case_of(definition()), errata=Path("e.toml"))}
    cases = [list(cell.cases([definition(memory=64)], built)) for cell in found]
    assert [[case.id for case in each] for each in cases] == [[], ["t/qemu-7.2.0/max"], [], []]
    ((case,),) = filter(None, cases)
    assert (case.test.memory, case.target, case.errata) == (64, found[1].target, Path("e.toml"))


@pytest.mark.usefixtures("accepted")
def test_a_kernel_that_cannot_run_says_why() -> None:
    found = cells(Axes(targets=("tcg", "lab@7.0", "lab@./old")), open_target)
    assert [cell.problem for cell in found] == [
        "",
        "no lab with kernel 7.0: `kut lab build`",
        "./old: the lab needs CONFIG_KVM=y: set it",
    ]


@pytest.mark.usefixtures("accepted")
def test_cells_of_one_name_and_bad_values_are_refused() -> None:
    with pytest.raises(UsageError, match="two cells are called a"):
        cells(Axes(qemus=("a=q-8.0.0", "a=q-9.0.0")), open_target)
    with pytest.raises(UsageError, match="--smp 0: not valid"):
        cells(Axes(smps=(0,)), open_target)
    with pytest.raises(UsageError, match="--cpu : not valid"):
        cells(Axes(cpus=("",)), open_target)


def test_the_machine_of_a_cell_replaces_that_of_the_tests() -> None:
    cell = Cell("c", None, cpu="cortex-a72", gic="2", smp=4)
    machine = (("virtualization", "on"), ("gic-version", "3"))
    tests = [
        definition("a", image="i", machine=machine, cpu="max"),
        definition("a-nvhe", image="i", machine=machine, cpu="cortex-a35", groups=("nvhe",)),
        definition("b", image="i", args="b"),
    ]
    found = list(cell.tests(tests))
    assert [test.name for test in found] == ["a", "b"]  # the second one is the same as the first
    assert found[0].machine == (("virtualization", "on"), ("gic-version", "2"))
    assert (found[0].cpu, found[0].smp, found[1].machine) == (
        "cortex-a72",
        4,
        (*machine[2:], ("gic-version", "2")),
    )
    assert list(Cell("c", None).tests(tests)) == tests


# The table.


def result(
    test: str,
    cell: str,
    status: Status = Status.PASS,
    reason: str = "",
    **output: Any,  # noqa: ANN401
) -> TestResult:
    code = ExitCode.TESTS_FAILED if status.is_failure else ExitCode.OK
    return TestResult(f"{test}/{cell}", Verdict(status, reason, code), output=GuestOutput(**output))


def of_rows(test: str, cell: str, runs: str, ids: Sequence[str], *fails: str) -> TestResult:
    """A test of the conformance suite with verdicts on its rows, and lines of those that failed."""
    rows = AreaRows(
        "area", len(ids), "0", runs_of(runs), (Reason("FEAT_X", "ID.X"),), ids=tuple(ids)
    )
    status = Status.FAIL if "F" in runs else Status.PASS
    return result(
        test, cell, status, rows=rows, checks=tuple(Check(line, Status.FAIL) for line in fails)
    )


def table(*results: TestResult, reference: str = "a", **problems: str) -> Grid:
    names = dict.fromkeys(each.cell for each in results)
    return grid(results, {**dict.fromkeys(names, ""), **problems}, reference, "RUN")


def test_what_counts_as_a_difference() -> None:
    found = table(
        *(result("same", cell, Status.FAIL) for cell in "abc"),
        *(result("new", "a"), result("new", "b", Status.TIMEOUT, "late"), result("new", "c")),
        *(result("skip", "a"), result("skip", "b", Status.SKIP), result("skip", "c")),
        *(result("bad", "a", Status.FAIL), result("bad", "b", Status.SKIP)),
        result("bad", "c", Status.CRASH),
        *(result("fixed", "a", Status.FAIL), result("fixed", "b"), result("fixed", "c")),
        *(
            result("there", "a", Status.SKIP),
            result("there", "b"),
            result("there", "c", Status.FAIL),
        ),
        *(result("known", "a"), result("known", "b", Status.KFAIL), result("known", "c")),
        result("only-b", "b", Status.FAIL),
    )
    assert {each.test: [*each.counting] for each in found.differences} == {
        "new": ["b"],
        "bad": ["c"],
        "fixed": ["b", "c"],
        "there": ["c"],
        "known": ["b"],
    }
    assert (found.minor, found.alike) == (1, 1)
    assert found.failures == {("new", "b"), ("bad", "c"), ("there", "c")}
    assert found.differences[0].cells["b"].reason == "late"
    assert not found.has_bad_reference
    assert table(result("t", "a", Status.ERROR)).has_bad_reference


IDS = ("area.x.one", "area.x.two", "area.x.three", "area.y.four")


def test_rows_are_compared_and_not_their_tests() -> None:
    fails = "FAIL: area: area.x.two: expected 1: or 2, found 3"
    found = table(
        of_rows("t", "a", "4P", IDS),
        of_rows("t", "b", "P F S1 P", IDS, fails),
        of_rows("t", "c", "2P C -", IDS),
        result("t", "d", Status.ERROR, "QEMU refused"),
    )
    assert [(each.name, [*each.counting]) for each in found.differences] == [
        ("t area.x.two", ["b"]),
        ("t area.x.three", ["c"]),
        ("t", ["d"]),
    ]
    assert found.differences[0].cells["b"].reason == "expected 1: or 2, found 3"
    assert found.differences[1].cells["b"].reason == "FEAT_X (ID.X)"
    assert (found.minor, found.alike) == (1, 1)
    some = table(of_rows("t", "a", "2P 2-", IDS), of_rows("t", "b", "2P 2-", IDS))
    assert (some.minor, some.alike) == (0, 2)  # the others were not selected
    assert found.columns[1].counts == {"pass": 2, "fail": 1, "skip": 1}


def test_a_grid_comes_back_from_json_and_shows_what_is_new(tmp_path: Path) -> None:
    before = table(result("x", "a"), result("x", "b", Status.FAIL), result("y", "a"), nope="gone")
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(before.to_json()))
    assert grids.load(path) == before
    after = table(
        *(result("x", "a"), result("x", "b", Status.FAIL), result("y", "a")),
        *(result("y", "b", Status.FAIL), result("x", "c", Status.FAIL)),
    )
    assert after.new_since(before) == {("y", "b"), ("x", "c")}
    assert before.new_since(before) == frozenset()
    changed = table(result("x", "a"), result("x", "b", Status.CRASH))
    assert changed.new_since(before) == {("x", "b")}
    data = after.to_json(after.new_since(before))
    assert data["differences"][0]["cells"]["b"]["new"] is False
    assert data["differences"][1]["cells"]["b"]["new"] is True


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "reference": 3, "cells": []}', "\xff"],
)
def test_another_file_is_no_grid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "grid.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"grid\.json is no grid"):
        grids.load(path)


def test_the_table_on_a_terminal() -> None:
    ids = (*(f"area.x.y.row{number}" for number in range(5)), "area.z.other")
    found = table(
        of_rows("t", "ref", "6P", ids),
        of_rows("t", "b", "5F P", ids, "FAIL: area: area.x.y.row0: expected 1, found 2"),
        of_rows("t", "c", "5P F", ids),
        *(result("u", cell) for cell in ("ref", "b", "c")),
        reference="ref",
        d="QEMU is missing",
    )
    assert list(lines(found)) == [
        "                      A     B     C",
        "t area.x.y.*  5 rows  PASS  FAIL  .",
        "t area.z.other        PASS  .     FAIL",
        "",
        "A  ref  7 pass, the reference",
        "B  b    2 pass, 5 fail, 5 different",
        "C  c    6 pass, 1 fail, 1 different",
        "-  d    cannot run: QEMU is missing",
        "4 cells, 6 different, 1 alike",
    ]
    some = table(
        *(of_rows("t", "ref", "2P 4-", ids), of_rows("t", "b", "2P 4-", ids)),
        *(of_rows("t", "c", "P 5-", ids),),
        reference="ref",
    )
    assert list(lines(some))[-4:-1] == [
        "A  ref  2 pass, the reference",
        "B  b    2 pass, 0 different",
        "C  c    1 pass, 5 none, 0 different",
    ]
    verbose = list(lines(found, verbose=True))
    assert verbose[1:3] == [
        "t area.x.y.row0  PASS  FAIL  .",
        "    B: expected 1, found 2",
    ]
    marked = list(lines(found, frozenset({("t area.z.other", "c")})))
    assert marked[:2] == [
        "                A      B      C",
        "t area.z.other  PASS   .      FAIL*",
    ]
    assert marked[-1] == "4 cells, 6 different, 1 of them new, 1 alike"
    first = list(lines(table(result("x", "b"), result("x", "a", Status.FAIL), reference="b")))
    assert first[0].split() == ["A", "B"]
    assert first[1].split() == ["x", "PASS", "FAIL"]  # the reference is first


def test_of_many_lines_the_first_are_shown() -> None:
    count = MOST + 3
    results = [result(f"t{number}", "a") for number in range(count)]
    results += [result(f"t{number}", "b", Status.FAIL) for number in range(count)]
    shown = list(lines(table(*results)))
    assert shown[MOST + 1] == "and 3 more lines: -v shows all, --html FILE too"
    assert len(list(lines(table(*results), verbose=True))) == count + 5


def test_the_page_has_the_reasons_and_no_foreign_markup() -> None:
    found = table(result("x", "a"), result("x", "b", Status.FAIL, "<b>late</b>"), c="<i>")
    text = page(found, frozenset({("x", "b")}))
    assert "<li>B: &lt;b&gt;late&lt;/b&gt;" in text
    assert '<td class="differs"><span class="pill fail">fail</span>' in text
    assert "cannot run: &lt;i&gt;" in text
    assert "<script" not in text
    assert page(table(result("x", "a"))).count("<h1") == 1


# Real grids.


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = ("selftest", "misbehave", "conform-hvc")
    return realtree.copy(tmp_path_factory.mktemp("grid"), images=images)


def run_grid(
    tree: Path, *args: str | Path, code: int = 0, env: Mapping[str, str] | None = None
) -> list[str]:
    """`kut grid ARGS`; the lines of its output."""
    done = realtree.kut(tree, "grid", *args, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return (done.stdout + done.stderr).splitlines()


def test_a_request_comes_back_from_the_document(tmp_path: Path) -> None:
    from kut_runner.definitions.plan import Selection
    from kut_runner.records.document import Document, RunMetadata

    del tmp_path
    request = Request(
        Axes(cpus=("max",), smps=(1, 2)), Selection(("a",), ("g",), "k", ("x",)), "clang", "max"
    )
    text = json.dumps({"grid": request.to_json()})
    metadata = RunMetadata(options=json.loads(text))
    assert Request.of(Document(metadata, (), None, None, is_complete=False)) == request


@pytest.mark.qemu
def test_a_grid_of_two_qemus_and_cpus(tree: Path, tmp_path: Path) -> None:
    new = f"new={emulators.unpacked()}"
    said = run_grid(
        tree,
        *("hvc", "selftest", "--qemu", "old=qemu-system-aarch64", "--qemu", new),
        *("--cpu", "max", "--cpu", "cortex-a72", "--cpu", "no-such-cpu"),
        *("--json", tmp_path / "g.json", "--html", tmp_path / "g.html"),
    )
    cells_ = {line.split()[1]: line.split(maxsplit=2)[2] for line in said[:-1]}
    assert [*cells_] == [
        f"{qemu}/{cpu}" for qemu in ("old", "new") for cpu in ("max", "cortex-a72", "no-such-cpu")
    ]
    assert cells_["old/no-such-cpu"].startswith("cannot run: QEMU refuses the machine: ")
    assert "no-such-cpu" in cells_["new/no-such-cpu"]
    assert cells_["old/max"].endswith(", the reference")
    assert cells_["new/cortex-a72"].endswith(", 0 different")
    assert said[-1].startswith("6 cells, 0 different, ")
    data = json.loads((tmp_path / "g.json").read_text())
    counts = [cell["counts"] for cell in data["cells"] if not cell["problem"]]
    assert len(counts) == 4
    assert {sum(each.values()) for each in counts} == {334}  # rows, and selftest
    assert "<h1" in (tmp_path / "g.html").read_text()


@pytest.mark.qemu
def test_exit_codes_and_what_is_new(tree: Path, tmp_path: Path) -> None:
    saved = tmp_path / "g.json"
    said = run_grid(tree, "selftest", "--smp", "1", "--smp", "2", "--json", saved, code=1)
    assert said[1] == "selftest  PASS  FAIL"  # it checks the number of CPUs
    again = run_grid(tree, "selftest", "--smp", "1", "--smp", "2", "--against", saved)
    assert again[-1] == "2 cells, 1 different, 0 of them new, 0 alike"
    more = run_grid(tree, "selftest", "--smp=1", "--smp=2", "--smp=3", "--against", saved, code=1)
    assert more[1] == "selftest  PASS   FAIL   FAIL*"
    both = ("selftest", "--smp", "1", "--smp", "2")
    assert run_grid(tree, *both, "--reference", "smp2")[1] == "selftest  FAIL  PASS"
    assert run_grid(tree, *both, "--reference", "x", code=2)[0].endswith("no cell is called x")
    broken = run_grid(tree, "selftest", "--qemu", "qemu@nosuch", code=4)
    assert broken[0] == (
        "kut: error: no cell can run: qemu_nosuch: qemu@nosuch is not unpacked:"
        " `kut toolchain install qemu@nosuch`"
    )


@pytest.mark.qemu
def test_a_reference_without_verdicts_is_no_success(tree: Path, tmp_path: Path) -> None:
    broken = tmp_path / "qemu"
    broken.write_text(
        '#!/bin/sh\ncase "$*" in *no-kernel*|--version) exec qemu-system-aarch64 "$@" ;; esac\n'
        "echo out of order >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    said = run_grid(tree, "selftest", "--qemu", broken, code=6)
    assert said[0].endswith("1 error, the reference")


@pytest.mark.qemu
def test_variants_are_built_and_gics_set(tree: Path) -> None:
    said = run_grid(
        tree,
        *("selftest", "--variant", "default", "--variant", "page-64k", "--gic", "2", "--gic", "3"),
    )
    assert [line.split()[1] for line in said[:-1]] == [
        *("gic2/default", "gic2/page-64k", "gic3/default", "gic3/page-64k"),
    ]
    assert said[-1] == "4 cells, 0 different, 1 alike"
    document = json.loads((max((tree / "build/grid/runs").iterdir()) / "results.json").read_text())
    commands = {each["id"]: each["qemu"]["command"] for each in document["tests"]}
    assert "gic-version=2" in commands["selftest/gic2/page-64k"]
    assert "build/gcc-page-64k/selftest.flat" in commands["selftest/gic2/page-64k"]


@pytest.mark.qemu
def test_an_interrupted_grid_is_resumed(tree: Path) -> None:
    runs = tree / "build/grid/runs"
    before = set(runs.iterdir()) if runs.exists() else set()
    process = subprocess.Popen(
        [*realtree.KUT, "grid", "misbehave-known", "misbehave-hang", "--timeout", "1000"],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not _has_result(set(runs.iterdir()) - before if runs.exists() else set()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "kut: `kut grid --resume` runs what is left"
    assert run_grid(tree, "--resume", "--cpu", "max", code=2)[0].startswith("kut: error: --resume")
    lines_ = run_grid(tree, "--resume", "--timeout", "0.3")
    assert "1 timeout" in lines_[0]
    assert lines_[-1] == "1 cell, 0 different, 2 alike"
    newest = max(runs.iterdir())
    tests = json.loads((newest / "results.json").read_text())["tests"]
    logs = {each["id"].partition("/")[0]: Path(each["log"]).parent.name for each in tests}
    assert logs["misbehave-known"] != logs["misbehave-hang"] == newest.name  # only one ran again
    assert run_grid(tree, "--resume", code=2)[0] == "kut: error: the last grid is complete"
    assert not (tree / "build/runs").exists()  # grids have a store of their own


def _has_result(directories: set[Path]) -> bool:
    files = [each / "results.jsonl" for each in directories]
    return any(each.exists() and each.read_text() for each in files)


@pytest.mark.qemu
def test_an_image_that_changes_is_no_part_of_a_resumed_grid(tree: Path) -> None:
    run_grid(tree, "selftest", "misbehave-known")
    newest = max((tree / "build/grid/runs").iterdir())
    document = json.loads((newest / "results.json").read_text())
    selftest = next(each for each in document["tests"] if each["id"].startswith("selftest"))
    cut = document | {"exit_code": None, "complete": False, "seconds": None}
    (newest / "results.json").write_text(json.dumps(cut | {"tests": []}))
    (newest / "results.jsonl").write_text(json.dumps(selftest | {"build_id": "00"}) + "\n")
    error = run_grid(tree, "--resume", code=2)[0]
    assert error == ("kut: error: the image selftest has changed since the grid was interrupted")
    (newest / "results.jsonl").write_text(json.dumps(selftest) + "\n")
    assert run_grid(tree, "--resume")[-1] == "1 cell, 0 different, 2 alike"


@pytest.mark.qemu
def test_rows_are_compared_with_another_qemu(tree: Path) -> None:
    env = {"XDG_CACHE_HOME": str(emulators.CACHE)}
    emulators.unpacked()
    done = realtree.kut(
        tree, "conform", "hvc.smc.*", "--against", emulators.NEWEST, "--cpu", "max", env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reference, other, summary = done.stdout.splitlines()
    assert reference.startswith("A  qemu-11.")
    assert reference.endswith(", the reference")
    assert other.endswith(", 0 different")
    assert summary.startswith("2 cells, 0 different, ")
    for option in ("--junit=x", "--append=x"):
        refused = realtree.kut(tree, "conform", "hvc", "--against", "q", option)
        assert refused.returncode == 2
        assert "--against" in refused.stderr
