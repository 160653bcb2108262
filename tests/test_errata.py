# SPDX-License-Identifier: GPL-2.0-or-later
"""Errata: the file, its table in the documents, and known failures of rows."""

import re
from fnmatch import translate
from pathlib import Path

import pytest
import realtree
from dying import Bench, failed, rows, verdicts

from kut_model import areas
from kut_runner.definitions import errata
from kut_runner.definitions.errata import Erratum
from kut_runner.errors import ConfigError, ExitCode
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.rows import Coverage, Listed, errata_notes
from kut_runner.verdict.status import Status

pytestmark = pytest.mark.usefixtures("handled_signals")

FILE = realtree.ROOT / "configs/errata.toml"


def written(directory: Path, text: str) -> Path:
    path = directory / f"errata-{len(list(directory.iterdir()))}.toml"
    path.write_text(text)
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_file_of_the_tree_is_in_order_and_its_rows_exist() -> None:
    ids = [row.id for name in areas.names() for row in areas.load(name).rows()]
    for each in errata.load(FILE):
        for glob in (*each.globs, *each.excluded):
            assert any(map(re.compile(translate(glob)).match, ids)), f"{each.name}: {glob}"


@pytest.mark.parametrize("erratum", errata.load(FILE), ids=lambda each: each.name)
def test_a_finding_names_its_place_in_the_source(erratum: Erratum) -> None:
    if erratum.rows and not erratum.skip:
        assert re.search(r"`[\w/.-]+\.[ch]`", erratum.source), "a report upstream names a file"


def test_the_document_has_the_table() -> None:
    page = (realtree.ROOT / "docs/errata.md").read_text()
    assert errata.markdown(errata.load(FILE)) in page, "insert `kut errata --markdown`"
    example = page.partition("```toml\n")[2].partition("```")[0]
    keys = set(re.findall(r"^(\w+) =", example, re.MULTILINE))
    assert keys == {*errata._TEXTS, *errata._LISTS, *errata._FLAGS}


@pytest.mark.parametrize(
    ("versions", "yes", "no"),
    [
        ("", "7.2.22", ""),
        ("<10.0", "9.2.4", "10.0.0"),
        ("<=10.0", "10.0.8", "10.1.0"),
        (">=7.2, <11.1", "11.0.9", "11.1.0"),
        (">=7.2,<11.1", "7.2.0", "7.1.9"),
        (">7.2", "7.3.0", "7.2.22"),
        ("==10.0", "10.0.3", "10.1.0"),
        ("==10.0.3", "10.0.3", "10.0.4"),
    ],
)
def test_versions_are_bounds(versions: str, yes: str, no: str) -> None:
    erratum = Erratum("e", "reason", versions=versions)
    assert erratum.applies("qemu", yes, "max")
    assert not no or not erratum.applies("qemu", no, "max")


def test_program_and_cpu_decide_too() -> None:
    erratum = Erratum("e", "reason", cpus=("cortex-a7?", "max"))
    assert erratum.applies("qemu", "7.2", "cortex-a72,pmu=off")
    assert not erratum.applies("qemu", "7.2", "cortex-a53")
    assert not erratum.applies("kvm", "7.2", "max")
    assert Erratum("e", "reason", program="kvm").applies("kvm", "7.2", "max")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[erratum.A]\nreason = 'x'\neffect = 'x'", "erratum.A: bad name; use a-z, 0-9 and -"),
        ("[test.a]", "test: unknown table; a file has [erratum.NAME]"),
        ("erratum.a = 1", "erratum.a: expected a table of keys"),
        ("[erratum.a]\neffect = 'x'", "erratum.a.reason: missing; say what the program does"),
        ("[erratum.a]\nreason = 'x'", "erratum.a.rows: missing; name the rows that fail, or"),
        ("[erratum.a]\nreason = 'x'\nrows = ['b']", "erratum.a.rule: missing; say what the arch"),
        ("[erratum.a]\nreason = 1\neffect = 'x'", "erratum.a.reason: 1 is not valid; give a str"),
        ("[erratum.a]\nreason = 'x\\n'\neffect = 'x'", ""),
        (
            "[erratum.a]\nreason = 'x'\neffect = 'x'\ncpus = 'max'",
            "erratum.a.cpus: 'max' is not valid; give a list of globs",
        ),
        (
            "[erratum.a]\nreason = 'x'\neffect = 'x'\nrow = ['b']",
            "erratum.a.row: unknown key; the keys are program, versions,",
        ),
        (
            "[erratum.a]\nreason = 'x'\neffect = 'x'\nversions = '10'",
            'erratum.a.versions: "10" is not valid; give bounds, as in ">=7.2, <11.1"',
        ),
        (
            "[erratum.a]\nreason = 'x'\neffect = 'x'\nskip = 1",
            "erratum.a.skip: 1 is not valid; give true or false",
        ),
        (
            "[erratum.a]\nreason = 'x'\neffect = 'x'\nskip = true",
            "erratum.a.skip: there are no rows to skip; name them with `rows`",
        ),
        ("[erratum", "not TOML"),
    ],
)
def test_a_problem_names_the_file_the_key_and_the_fix(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = written(tmp_path, text)
    if not problem:
        assert errata.load(path)
        return
    with pytest.raises(ConfigError) as error:
        errata.load(path)
    assert f"{path.parent.name}/{path.name}: {problem}" in str(error.value)


ENTRY = """[erratum.known]
rows = ["some.[25]", "other.*"]
versions = "<8"
cpus = ["max"]
reason = "it is wrong"
rule = "C6.2"
"""


def test_failures_that_are_listed_are_known(bench: Bench) -> None:
    listed = written(bench.directory, ENTRY)
    result = bench.run("PPFPPAP", errata=listed)
    assert verdicts(result) == "2P K 2P K P"
    assert (result.status, result.verdict.cause) == (Status.PASS, Cause.PASSED)
    assert bench.code is ExitCode.OK
    assert failed(result) == []
    assert [check.line for check in result.output.checks] == [
        "KFAIL: some: some.2: expected 1, found 2 (erratum known)",
        "KFAIL: some: some.5: crash: QEMU crashed: SIGABRT: qemu: assertion failed (erratum known)",
    ]
    assert rows(result).errata == {"known": Listed(2, 0, 0)}
    assert rows(result).matrix == {"x": Coverage(7, 6, 0, 2, 2)}
    assert errata_notes([rows(result)]) == []


def test_an_exclamation_mark_excludes_rows(bench: Bench) -> None:
    text = ENTRY.replace('"some.[25]"', '"some.*", "!some.[01346]"')
    result = bench.run("PFFPPAP", errata=written(bench.directory, text))
    assert verdicts(result) == "P F K 2P K P"
    assert rows(result).errata == {"known": Listed(2, 0, 0)}


def test_other_failures_fail_all_the_same(bench: Bench) -> None:
    result = bench.run("PFFPP", errata=written(bench.directory, ENTRY))
    assert verdicts(result) == "P F K 2P"
    assert result.verdict.reason == "1 of 5 rows failed"
    assert failed(result) == ["FAIL: some: some.1: expected 1, found 2"]
    assert result.output.counted == 5


@pytest.mark.parametrize(
    ("letters", "cpu", "status"), [("PPF", "cortex-a72", Status.FAIL), ("PPP", "max", Status.PASS)]
)
def test_an_erratum_of_another_machine_does_not_count(
    bench: Bench, letters: str, cpu: str, status: Status
) -> None:
    result = bench.run(letters, errata=written(bench.directory, ENTRY), cpu=cpu)
    assert result.status is status
    assert rows(result).errata == ({} if cpu != "max" else {"known": Listed(0, 1, 0)})


def test_listed_rows_that_pass_or_never_run_are_reported(bench: Bench) -> None:
    listed = written(bench.directory, ENTRY)
    passed = rows(bench.run("PPFPPP", errata=listed))
    assert errata_notes([passed]) == ["erratum known: 1 of its rows passed, 1 failed"]
    skipped = rows(bench.run("PPS", errata=listed))
    assert errata_notes([skipped]) == ["erratum known: none of its rows ran: 1 skipped"]
    assert errata_notes([skipped, passed]) == ["erratum known: 1 of its rows passed, 1 failed"]
    not_selected = rows(bench.run("PPF", "start=3", errata=listed))
    assert not_selected.errata == {"known": Listed(0, 0, 0)}
    assert errata_notes([not_selected]) == []


def test_a_crash_that_is_not_listed_stays_one(bench: Bench) -> None:
    result = bench.run("PAFPP", errata=written(bench.directory, ENTRY))
    assert verdicts(result) == "P C K 2P"
    assert result.verdict.reason == "1 of 5 rows failed"
