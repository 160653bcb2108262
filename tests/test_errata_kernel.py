# SPDX-License-Identifier: GPL-2.0-or-later
"""Errata of a kernel that the lab tests, beside those of the emulator below it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import realtree

from kut_runner.definitions import errata
from kut_runner.definitions.errata import Erratum
from kut_runner.errors import ConfigError, ExitCode, UsageError
from kut_runner.records import findings
from kut_runner.records.document import Document, RunMetadata
from kut_runner.records.findings import Record, Seen
from kut_runner.run import known_failures
from kut_runner.targets.case import Case
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import Summary
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import Verdict
from kut_runner.verdict.rows import AreaRows, Listed, runs_of
from kut_runner.verdict.status import Status
from kut_runner.views import report_findings

LAB = "Linux 7.3.4+deb13-arm64, QEMU 11.1.3"
KERNEL = Erratum("k", "wrong", "linux", ">=7.3, <7.4", rows=("some.0",), rule="r")
BELOW = Erratum("q", "wrong", "qemu", ">=11", cpus=("max",), rows=("some.1",), rule="r")
OLDER = Erratum("o", "wrong", "linux", "<7", rows=("some.0",), rule="r")
MESSAGE = Verdict(
    Status.FAIL,
    "the kernel of the lab: WARNING: vgic_state_is_nested",
    ExitCode.TESTS_FAILED,
    Cause.KERNEL_LOG,
)


@dataclass
class _Part:
    name: str = ""
    version: str = ""
    cpu: str = ""


@dataclass
class _Case:
    target: _Part
    test: _Part


def case(name: str, version: str, cpu: str) -> Case:
    return cast("Case", _Case(_Part(name, version), _Part(cpu=cpu)))


def output(verdicts: str) -> GuestOutput:
    ids = ("some.0", "some.1", "some.2")
    rows = AreaRows("some", 3, "0" * 16, runs_of(verdicts), (), ids=ids)
    ends: dict[Any, Any] = {Summary: Summary("SUMMARY: 3 tests", 3, 0, 0, 0, 0)}
    return GuestOutput(rows=rows, last=ends)


@pytest.mark.parametrize(
    ("target", "version", "found"),
    [
        ("lab", LAB, (("linux", "7.3.4+deb13-arm64"), ("qemu", "11.1.3"))),
        ("kvm-nested", "Linux 6.18", (("linux", "6.18"),)),
        ("qemu", "11.1.3", (("qemu", "11.1.3"),)),
        ("kvm", "QEMU 11.1.3, Linux", (("kvm", "QEMU 11.1.3, Linux"),)),
    ],
)
def test_a_version_of_a_lab_names_two_programs(target: str, version: str, found: object) -> None:
    assert errata.programs(target, version) == found


def test_a_lab_has_the_errata_of_its_kernel_and_its_emulator() -> None:
    listed = (KERNEL, BELOW, OLDER)
    lab = case("lab", LAB, "cortex-a72")  # whose emulated CPU is max all the same
    assert known_failures.applicable(listed, lab) == [KERNEL, BELOW]
    assert known_failures.tested(lab) == "linux"
    tcg = case("tcg", "11.1.3", "max")
    assert known_failures.applicable(listed, tcg) == [BELOW]
    assert known_failures.tested(tcg) == "qemu"


def test_rows_are_counted_for_the_kernel_only() -> None:
    marked = known_failures.mark(output("2F P"), (KERNEL, BELOW), program="linux").rows
    assert marked
    assert marked.failed == 0
    assert marked.errata == {"k": Listed(1, 0, 0)}


def test_a_message_that_an_erratum_has_is_no_failure() -> None:
    known = Erratum("w", "warns", "linux", log="vgic_state_is_nested")
    assert known_failures.verdict(MESSAGE, output("3P"), [known]).status is Status.PASS
    failed = known_failures.verdict(MESSAGE, output("2P F"), [known])
    assert (failed.status, failed.cause) == (Status.FAIL, Cause.CHECKS_FAILED)
    assert failed.reason == "1 of 3 rows failed"
    other = Erratum("w", "warns", "linux", log="another message")
    assert known_failures.verdict(MESSAGE, output("3P"), [other]) is MESSAGE
    assert known_failures.verdict(MESSAGE, GuestOutput(), [known]) is MESSAGE


def test_a_command_says_what_it_shows(tmp_path: Path) -> None:
    path = tmp_path / "errata.toml"
    path.write_text("[erratum.a]\nreason = 'x'\ncommand = 'kut run'\nrule = 'C5'\nexpected = '1'\n")
    with pytest.raises(ConfigError, match=r"erratum\.a\.found: missing"):
        errata.load(path)


def documents(*versions: str) -> list[Document]:
    return [
        Document(RunMetadata(run="run", version=each), (), 1.0, None, is_complete=True)
        for each in versions
    ]


def test_a_record_is_of_one_program() -> None:
    assert findings.program_of(documents(LAB, "Linux 6.18, QEMU 10.0.2")) == "linux"
    assert findings.file_of("linux") == "findings-linux.json"
    assert findings.file_of("qemu") == "findings.json"
    with pytest.raises(UsageError, match="Linux KVM and QEMU"):
        findings.program_of(documents(LAB, "11.1.3"))


def test_the_page_of_the_tree_is_up_to_date() -> None:
    configs = realtree.ROOT / "configs"
    record = findings.load(configs / findings.file_of("linux"))
    found = report_findings.findings(errata.load(configs / "errata.toml"), record, "linux")
    page = (realtree.ROOT / "docs/findings-kvm.md").read_text()
    assert page == report_findings.markdown(found, record)


def test_the_page_of_a_kernel_has_rows_and_tests() -> None:
    shown = Erratum(
        "t", "it warns", "linux", rule="r", command="kut run x", expected="1", found="2"
    )
    record = Record(
        ("7.3.4",), (9,), {"k": {"7.3.4": Seen(2, "some.0", "expected 1, found 2")}}, ()
    )
    found = report_findings.findings((KERNEL, shown, OLDER, BELOW), record, "linux")
    page = report_findings.markdown(found, record)
    assert [each.erratum.name for each in found] == ["k", "t"]
    assert "- reproducer: `kut conform some.0 --target lab`" in page
    assert "- reproducer: `kut run x`\n" in page
    assert "- versions: Linux KVM\n- expected: `1`\n- found: `2`" in page
    assert page.startswith("# Findings in Linux KVM\n")
