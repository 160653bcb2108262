# SPDX-License-Identifier: GPL-2.0-or-later
"""Bisections of made-up histories of QEMU: what is watched, what is found, what goes wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import emulators
import history
import pytest
import realtree
from conftest import Kut
from history import BUILD, Revision, alternates, checks, edits, prints

from kut_runner.bisection import kinds
from kut_runner.bisection.session import Directory, Request, Session, Trial
from kut_runner.bisection.watch import Mark, Observation, Seen, Watch, difference, matches, observe
from kut_runner.errors import ExitCode, UsageError
from kut_runner.targets import lab, lab_qemu
from kut_runner.verdict.cause import Cause
from kut_runner.verdict.events import Check
from kut_runner.verdict.guest_output import GuestOutput
from kut_runner.verdict.result import TestResult, Verdict
from kut_runner.verdict.rows import AreaRows, Reason, runs_of
from kut_runner.verdict.status import Status

PASS = "PASS: p: sum: expected 3, found 3"  # noqa: S105 - a line of output
FAIL = "FAIL: p: sum: expected 3, found 4"
OTHER = "FAIL: p: other"

# What is watched.


def observation(
    status: Status = Status.PASS,
    cause: Cause = Cause.PASSED,
    *,
    test: str = "t",
    **found: str,
) -> Observation:
    """A run of a test whose checks have these statuses."""
    seen = {name: Seen(each, f"{each.upper()}: {name}") for name, each in found.items()}
    is_verdict = status in {Status.FAIL, Status.CRASH, Status.TIMEOUT} or cause is Cause.KILLED
    return Observation(test, status, cause, "the reason", seen, is_verdict)


def failed(cause: Cause = Cause.CHECKS_FAILED, **found: str) -> Observation:
    return observation(Status.FAIL, cause, **found)


@pytest.mark.parametrize(
    ("seen", "mark"),
    [
        (failed(a="fail"), Mark.BAD),
        (failed(a="kfail"), Mark.BAD),
        (observation(Status.CRASH, Cause.ROWS_CRASHED, a="crash"), Mark.BAD),
        (failed(a="pass", b="fail"), Mark.GOOD),  # another failure
        (failed(b="fail"), Mark.SKIP),  # it did not get as far
        (observation(Status.CRASH, Cause.NO_EXIT), Mark.SKIP),
        (observation(Status.ERROR, Cause.KILLED), Mark.SKIP),
        (observation(a="skip"), Mark.SKIP),
        (observation(b="pass"), Mark.GOOD),  # a check that is made only when it fails
    ],
)
def test_a_check_marks_a_revision(seen: Observation, mark: Mark) -> None:
    assert Watch("t", "a").mark([seen])[0] is mark


@pytest.mark.parametrize(
    ("seen", "mark"),
    [
        (observation(Status.CRASH, Cause.NO_EXIT), Mark.BAD),
        (observation(), Mark.GOOD),
        (observation(Status.TIMEOUT, Cause.TIMEOUT), Mark.SKIP),
        (failed(a="fail"), Mark.SKIP),
        (observation(Status.SKIP, Cause.UNMET_NEED), Mark.SKIP),
    ],
)
def test_the_end_of_a_test_marks_a_revision(seen: Observation, mark: Mark) -> None:
    assert Watch("t", cause="no-exit").mark([seen])[0] is mark


def test_several_runs_mark_a_revision() -> None:
    watch = Watch("t", "a")
    good, bad, other = observation(a="pass"), failed(a="fail"), failed(b="fail")
    assert watch.mark([good, bad, other]) == (Mark.BAD, "FAIL: a")
    assert watch.mark([good, other])[0] is Mark.SKIP
    assert watch.mark([good, good]) == (Mark.GOOD, "PASS: a")
    assert watch.mark([observation(test="u", a="fail")]) == (Mark.SKIP, "the test did not run")


def test_a_pattern_marks_a_revision_by_all_checks_that_match() -> None:
    watch = Watch("", "HCR", is_pattern=True)
    assert watch.mark([failed(the_HCR="pass", HCR="fail")])[0] is Mark.BAD
    assert watch.mark([failed(the_HCR="pass", x="fail")])[0] is Mark.GOOD
    assert watch.mark([observation(x="pass")])[0] is Mark.SKIP
    assert Watch("", "", is_pattern=True).mark([failed(x="fail")])[0] is Mark.BAD
    assert Watch("", "", is_pattern=True).mark([observation(x="pass")])[0] is Mark.GOOD
    assert Watch("").mark([observation(Status.ERROR, Cause.REFUSED)])[0] is Mark.SKIP


def test_names_match_by_a_part_or_a_glob() -> None:
    assert matches("p: HPFAR of a read", "HPFAR")
    assert not matches("p: HPFAR of a read", "hpfar")
    assert matches("p: HPFAR of a read", "*of a ????")
    assert not matches("p: HPFAR of a read", "HPFAR*")


def test_the_first_check_that_tells_the_ends_apart_is_watched() -> None:
    bad = failed(a="fail", b="pass", c="fail", d="fail", e="kfail")
    good = failed(a="fail", b="pass", c="pass", d="pass", e="xfail")
    assert (found := difference([good], [bad], None)).watch == Watch("t", "c")
    assert found.others == 2
    assert difference([good], [bad], "[de]").watch == Watch("t", "d")
    assert difference([good], [good, bad], "d").watch == Watch("t", "d")  # flaky at the bad end
    with pytest.raises(UsageError, match="no check with c fails at the bad end and passes"):
        difference([good, bad], [bad], "c")  # and at the good one
    with pytest.raises(UsageError, match="no check at the bad end matches --only x"):
        difference([good], [bad], "x")


def test_without_such_a_check_the_end_of_the_test_is_watched() -> None:
    dead = observation(Status.ERROR, Cause.KILLED)
    assert difference([observation(a="pass")], [dead], None).watch == Watch("t", cause="killed")
    with pytest.raises(UsageError, match="no check fails at the bad end"):
        difference([observation(Status.SKIP, Cause.UNMET_NEED)], [failed(a="fail")], None)
    with pytest.raises(UsageError, match="the test passes at both ends"):
        difference([observation(a="pass")], [observation(a="pass")], None)
    with pytest.raises(UsageError, match="no check"):
        difference([observation()], [observation(Status.ERROR, Cause.REFUSED)], None)


def test_names_of_checks_have_no_values() -> None:
    lines = ("FAIL: a: x: expected 1, found 2", "PASS: a: x, found 0x3", "PASS: y found")
    statuses = (Status.FAIL, Status.PASS, Status.PASS)
    made = tuple(Check(line, each) for line, each in zip(lines, statuses, strict=True))
    verdict = Verdict(Status.FAIL, "1 of 3", ExitCode.TESTS_FAILED, Cause.CHECKS_FAILED)
    found = observe(TestResult("t/cell", verdict, GuestOutput(checks=made)))
    assert [*found.checks] == ["a: x", "a: x #2", "y found"]
    assert found.checks["a: x #2"] == Seen("pass", lines[1])
    assert (found.test, found.line) == ("t", "FAIL: t: 1 of 3")


def test_rows_are_checks() -> None:
    area = AreaRows(
        "hvc", 5, "0" * 16, runs_of("P F C S1 -"), (Reason("FEAT_X", "ID.X"),), ids=tuple("abcde")
    )
    made = (Check("FAIL: hvc: b: expected 1, found 2", Status.FAIL),)
    verdict = Verdict(Status.CRASH, "a row", ExitCode.TESTS_FAILED, Cause.ROWS_CRASHED)
    found = observe(TestResult("t", verdict, GuestOutput(checks=made, rows=area)))
    assert {name: seen.status for name, seen in found.checks.items()} == {
        "a": "pass",
        "b": "fail",
        "c": "crash",
        "d": "skip",
    }
    assert found.checks["b"].line == "FAIL: hvc: b: expected 1, found 2"
    assert found.checks["d"].line == "SKIP: hvc: d: needs FEAT_X (ID.X)"
    assert found.checks["a"].line == "PASS: hvc: a"


def test_a_session_is_what_it_was(tmp_path: Path) -> None:
    request = Request("qemu", "/t", "one", "gcc", paths=("hw", "target"), timeout=3.5)
    session = Session(
        tmp_path / "bisect", request, Watch("t", "c"), 2, {"ab": Trial(Mark.SKIP, "why", 1.5)}
    )
    session.check_images({"i": "id"})
    session.directory.mkdir()
    session.save()
    assert Directory(tmp_path).resume() == session
    with pytest.raises(UsageError, match="the image i has changed since the bisection began"):
        session.check_images({"i": "other"})


# Bisections.

#: Lines of a QEMU that hangs in its first run after a build.
SLOW_AT_FIRST = '[ "$0" -ot "$0.ran" ] || { touch "$0.ran"; exec sleep 99; }\n'

REVISIONS = [
    checks("good", PASS),
    checks("good still", PASS, OTHER),
    Revision("does not build", "echo gcc: error: no such file; exit 1\n"),
    Revision("does not start", "printf '#!/bin/false' >qemu-system-aarch64; chmod +x qemu*\n"),
    checks("last good", PASS),
    checks("first bad", FAIL),
    prints("dies", "hello"),
    checks("fails before", OTHER),
    checks("bad", FAIL, OTHER),
    Revision("no program", ":\n"),
    checks("bad end", FAIL),
]


def bisect(tree: Path, top: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    return realtree.kut(tree, "bisect", "--qemu-tree", top, "--build", BUILD, *args)


def subjects(path: Path) -> dict[str, str]:
    """Marks by subjects."""
    return {each["subject"]: each["mark"] for each in json.loads(path.read_text())["steps"]}


def is_clean(top: Path, tree: Path) -> bool:
    """Whether the checkout is as before, and nothing but logs is left in the source tree."""
    left = {path.name for path in (tree / "build/bisect").iterdir()}
    worktrees = history.git(top, "worktree", "list").splitlines()
    bisecting = history.git(top, "for-each-ref", "refs/bisect")
    status = history.git(top, "status", "--porcelain", "--branch").strip()
    return (left, len(worktrees), bisecting, status) == ({".lock", "logs"}, 1, "", "## main")


@pytest.mark.qemu
def test_the_first_bad_commit_is_found(tree: Path, tmp_path: Path) -> None:
    top = history.repository(tmp_path / "qemu", REVISIONS)
    done = bisect(tree, top, "one", "--good", "HEAD~10", "--json", "r.json")
    assert done.returncode == 0, done.stdout + done.stderr
    first_bad = history.git(top, "rev-parse", "HEAD~5").strip()
    assert f"{first_bad} is the first bad commit\n" in done.stdout
    assert done.stdout.endswith(f"first bad\nbefore: {PASS}\nafter:  {FAIL}\n")
    assert "watching one: p: sum\n" in done.stdout
    found = json.loads((tree / "r.json").read_text())
    assert found["first_bad"]["hash"] == first_bad
    assert (found["before"], found["after"]) == (PASS, FAIL)
    assert subjects(tree / "r.json").items() >= {"first bad": "bad", "last good": "good"}.items()
    assert is_clean(top, tree)


@pytest.mark.qemu
def test_revisions_that_cannot_be_judged_are_skipped(tree: Path, tmp_path: Path) -> None:
    reasons = {
        "does not build": "does not build: gcc: error: no such file",
        "does not start": "does not start: ",
        "dies": "CRASH: one: ",
        "fails before": "FAIL: one: 1 of 1 check failed",
        "no program": "the build leaves no qemu-system-aarch64",
    }
    revisions = [each for each in REVISIONS if each.subject in {"good", *reasons, "bad end"}]
    top = history.repository(tmp_path / "qemu", revisions)
    done = bisect(tree, top, "one", "--good", "HEAD~6", "--json", "r.json")
    assert done.returncode == 1, done.stderr
    found = json.loads((tree / "r.json").read_text())
    steps = {each["subject"]: each for each in found["steps"]}
    for subject, reason in reasons.items():
        assert steps[subject]["mark"] == "skip"
        assert steps[subject]["line"].startswith(reason)
        assert f"      {reason}" in done.stdout
    assert found["first_bad"] is None
    assert {each["subject"] for each in found["candidates"]} == {*reasons, "bad end"}
    assert "the first bad commit is one of these 6" in done.stdout
    assert is_clean(top, tree)


@pytest.mark.qemu
def test_a_real_test_on_a_real_qemu(tmp_path: Path) -> None:
    machine = realtree.MACHINE
    revisions = [
        edits("good"),
        edits("at EL1", machine, machine.replace("=on", "=off")),
        *(edits(each, "256", "512") for each in ("first bad", "still bad")),
        edits("no memory", "256", "8"),
        edits("bad", "256", "512"),
    ]
    top = history.repository(tmp_path / "qemu", revisions)
    (tmp_path / "tree").mkdir()
    tree = realtree.copy(tmp_path / "tree")
    result = tmp_path / "r.json"
    done = realtree.kut(
        *(tree, "bisect", "selftest", "--qemu-tree", top, "--build", BUILD),
        *("--good", "HEAD~5", "--json", result),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(result.read_text())
    assert found["first_bad"]["subject"] == "first bad"
    assert found["before"] == "PASS: setup: mem: expected 256, found 256"
    assert found["after"] == "FAIL: setup: mem: expected 256, found 512"
    assert is_clean(top, tree)


@pytest.mark.qemu
def test_a_row_on_two_real_qemus(tmp_path: Path) -> None:
    """It fails on an old QEMU only; that it is known there to fail is no reason to ignore it."""
    newer = emulators.unpacked()
    old, new = edits("old"), Revision("new", f"ln -s {newer} qemu-system-aarch64\n")
    top = history.repository(tmp_path / "qemu", [new, old])
    (tmp_path / "tree").mkdir()
    tree = realtree.copy(tmp_path / "tree", images=("conform-traps",))
    row = "traps.hcr.tidcp.s3_0_c11_c0_0.read.el1"
    done = realtree.kut(
        *(tree, "bisect", row, "--qemu-tree", top, "--build", BUILD, "--good", "HEAD~1"),
        env={"XDG_CACHE_HOME": str(emulators.CACHE)},
    )
    assert done.returncode == 0, done.stderr
    assert f"before: PASS: traps: {row}\nafter:  FAIL: traps: {row}: expected " in done.stdout


@pytest.mark.qemu
def test_ends_that_do_not_fit(tree: Path, tmp_path: Path) -> None:
    revisions = [REVISIONS[2], checks("a", PASS), checks("b", FAIL, OTHER), checks("c", FAIL)]
    top = history.repository(tmp_path / "qemu", revisions)

    def fail(code: int, message: str, *args: str) -> str:
        done = bisect(tree, top, "one", *args)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert f"kut: error: {message}" in done.stderr
        assert is_clean(top, tree)
        return done.stderr

    different = "no check fails at the bad end and passes at the good one: good end: FAIL: one: "
    fail(2, different, "--good", "HEAD~1")
    fail(2, "no check at the bad end matches --only diff", "--good", "HEAD~2", "--only", "diff")
    assert "does not build: gcc: error: no such file" in fail(
        3, "the good end ", "--good", "HEAD~3"
    )


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose tags are v1, its child v2, and side, which is a child of v1 too."""
    top = tmp_path_factory.mktemp("history") / "tree"
    history.repository(top, [checks("one", PASS), checks("two", PASS)])
    history.git(top, "checkout", "--quiet", "-b", "side", "HEAD~1")
    history.commit(top, checks("side", PASS))
    for tag, name in (("v1", "main~1"), ("v2", "main")):
        history.git(top, "tag", tag, name)
    history.git(top, "checkout", "--quiet", "main")
    return top


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tree": ""}, "no tree is named"),
        ({"pattern": ""}, "no test is named"),
        ({"tree": "/"}, "--qemu-tree / is not a checkout of a git repository"),
        ({"good": ""}, "no good end is named"),
        ({"good": "v7"}, "--good v7 is no commit of "),
        ({"bad": "v7"}, "--bad v7 is no commit of "),
        ({"good": "v2", "bad": "main"}, "--good v2 and --bad main are the same commit"),
        ({"good": "v2", "bad": "v1"}, "--good v2 and --bad v1: the bad end is older"),
        ({"good": "side"}, "--good side and --bad HEAD: the good end is no ancestor"),
        ({"target": "vmm"}, "--target vmm and --qemu-tree contradict"),
        ({"qemu": "q"}, "--qemu and --qemu-tree contradict"),
        ({"command": ""}, "has no configure, which the default build needs"),
        ({"kind": "linux", "command": ""}, "no configuration of the kernel is named"),
        ({"kind": "linux", "command": "", "config": "c"}, "has no Kconfig, which the default"),
        ({"kind": "linux", "target": "tcg"}, "--target tcg and --kernel-tree contradict"),
        ({"kind": "linux", "target": "lab@6.18"}, "--target lab@6.18 and --kernel-tree"),
    ],
)
def test_bad_input_is_refused(top: Path, changes: dict[str, Any], message: str) -> None:
    request = replace(Request("qemu", str(top), "t", "gcc", good="v1", command="x"), **changes)
    with pytest.raises(UsageError) as raised:
        kinds.with_ends(*kinds.completed(request))
    assert message in raised.value.message
    assert raised.value.hint


def test_ends_are_hashes(top: Path, tmp_path: Path) -> None:
    request = Request("qemu", str(top), "t", "gcc", good="v1", command="x")
    head = history.git(top, "rev-parse", "main").strip()
    full = kinds.with_ends(*kinds.completed(request))
    assert (full.bad, full.program, full.tree) == (head, "qemu-system-aarch64", str(top))
    changed = shutil.copytree(top, tmp_path / "changed")
    (changed / "subject").write_text("changed")
    request = replace(request, tree=str(changed))
    with pytest.raises(UsageError, match="has changes that are not committed"):
        kinds.with_ends(*kinds.completed(request))
    assert kinds.with_ends(*kinds.completed(replace(request, bad="HEAD"))).bad == head


@pytest.mark.parametrize(
    ("kind", "variables"),
    [("qemu", {"PATH"}), ("linux", {"PATH", "KUT_CONFIG", "CROSS_COMPILE"})],
)
def test_a_default_build_finds_its_tools(
    kind: str, variables: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CROSS_COMPILE", raising=False)
    request = Request(kind, "/t", "t", "gcc", config="/c" if kind == "linux" else None)
    found = kinds.recipe(request).variables
    assert found.keys() == variables
    assert found.get("CROSS_COMPILE", "/x-").endswith("-")
    monkeypatch.setenv("LLVM", "1")
    assert "CROSS_COMPILE" not in kinds.recipe(request).variables


def test_what_is_built_runs_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A QEMU by itself or below a lab, a kernel in a lab, whose boots are not kept."""
    opened: list[tuple[str | None, str | None, Path | None]] = []
    workspace = Mock(tree=tmp_path)
    workspace.target = lambda name, qemu: opened.append((name, qemu, None))
    monkeypatch.setattr(lab_qemu, "find", lambda qemu, *_: qemu)
    monkeypatch.setattr(
        lab, "open_lab", lambda name, qemu, *_, boots: opened.append((name, qemu, boots))
    )
    boots = tmp_path / "boots"
    for kind, target, qemu in (
        ("qemu", None, None),
        ("qemu", "kvm", None),
        ("qemu", "lab@6.18", None),
        ("linux", None, "q"),
    ):
        boots.mkdir()
        request = Request(kind, "/t", "t", "gcc", target=target, qemu=qemu)
        kinds.open_target(request, workspace, boots, Path("/b/it"))
        is_lab = opened[-1][2] is not None
        assert boots.exists() is not is_lab
        boots.mkdir(exist_ok=True)
        boots.rmdir()
    assert opened == [
        (None, "/b/it", None),
        ("kvm", "/b/it", None),
        ("lab@6.18", "/b/it", boots),
        ("lab@/b/it", "q", boots),
    ]


@pytest.mark.qemu
def test_bad_input_has_exit_codes(kut: Kut, tree: Path, top: Path) -> None:
    there = ("--qemu-tree", str(top), "--build", "exit 1", "--good", "v1")
    for message, args in (
        ('no area, test or row is called "three"', ("three", *there)),
        ("--good v1 and --bad v1 are the same commit", ("one", *there, "--bad", "v1")),
        ("no bisection is interrupted", ("--resume",)),
        ("--resume, --reset and --step contradict each other", ("--resume", "--reset")),
        ("--resume and --reset are for the bisection that was interrupted", ("one", "--reset")),
    ):
        done = kut("bisect", *args)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"kut: error: {message}" in done.stderr
        assert "kut: hint: " in done.stderr
    assert not (tree / "build/bisect/logs").exists()


# Interruptions.


class Interrupted:
    """A bisection of which a build waits until `release`; each build is noted."""

    def __init__(self, tree: Path, tmp_path: Path) -> None:
        self.tree = tree
        self._notes = tmp_path / "notes"
        self._gate = tmp_path / "gate"
        note = f"cat $KUT_SOURCE/subject >>{self._notes}; echo >>{self._notes}\n"
        waits = f"{note}while ! [ -e {self._gate} ]; do sleep 0.1; done\n"
        first = checks("first bad", FAIL)
        revisions = [checks("good", PASS), checks("b", PASS), checks("c", PASS), first]
        revisions += [checks("d", FAIL), checks("bad", FAIL)]
        self.top = history.repository(
            tmp_path / "qemu",
            [
                Revision(each.subject, (waits if each is first else note) + each.build)
                for each in revisions
            ],
        )

    def start(self, *args: str) -> "subprocess.Popen[str]":
        """Start kut."""
        self._notes.write_text("")
        return subprocess.Popen(
            [sys.executable, "-m", "kut_runner", "bisect", *args],
            cwd=self.tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_and_wait(self) -> "subprocess.Popen[str]":
        """Start a bisection, and wait for the build that waits."""
        kut = self.start("one", "--qemu-tree", str(self.top), "--build", BUILD, "--good", "HEAD~5")
        while "first bad" not in self.built:
            assert kut.poll() is None, kut.communicate()
            time.sleep(0.02)
        return kut

    def release(self) -> None:
        """Let the build go on."""
        self._gate.write_text("")

    @property
    def built(self) -> list[str]:
        """Subjects of the revisions that were built."""
        return self._notes.read_text().split("\n")[:-1]

    @property
    def is_building(self) -> bool:
        """Whether processes of a build are left."""
        needle = os.fsencode(self.tree / "build/bisect")
        return any(needle in command(each) for each in Path("/proc").glob("[0-9]*"))


def command(process: Path) -> bytes:
    """The command line of a process in /proc, and its current directory."""
    try:
        return (process / "cmdline").read_bytes() + os.fsencode((process / "cwd").readlink())
    except OSError:
        return b""


@pytest.mark.qemu
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_bisection_goes_on(
    tree: Path, tmp_path: Path, number: signal.Signals
) -> None:
    interrupted = Interrupted(tree, tmp_path)
    running = interrupted.start_and_wait()
    running.send_signal(number)
    err = running.communicate()[1]
    if number is not signal.SIGKILL:
        assert running.returncode == 130
        assert "kut: `kut bisect --resume` continues this bisection\n" in err
    while interrupted.is_building:
        time.sleep(0.02)
    again = bisect(tree, interrupted.top, "one", "--good", "HEAD~5")
    assert again.returncode == 2
    assert "an interrupted bisection is kept in build/bisect" in again.stderr
    interrupted.release()
    resumed = interrupted.start("--resume")
    out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert "is the first bad commit" in out
    assert interrupted.built[0] == "first bad"  # the others are known
    assert "(bad end, " in out
    assert "(good end, " in out
    assert is_clean(interrupted.top, tree)


@pytest.mark.qemu
def test_two_bisections_exclude_each_other_and_one_can_be_removed(
    kut: Kut, tree: Path, tmp_path: Path
) -> None:
    interrupted = Interrupted(tree, tmp_path)
    running = interrupted.start_and_wait()
    other = kut("bisect", "--reset")
    assert (other.returncode, "another kut bisects in" in other.stderr) == (2, True)
    running.send_signal(signal.SIGINT)
    running.communicate()
    done = kut("bisect", "--reset")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tree / "build/bisect").iterdir()} == {".lock"}
    assert len(history.git(interrupted.top, "worktree", "list").splitlines()) == 1


@pytest.mark.qemu
def test_a_damaged_session_can_be_removed(kut: Kut, tree: Path) -> None:
    (tree / "build/bisect").mkdir(parents=True)
    (tree / "build/bisect/session.json").write_text('{"schema": 7}')
    done = kut("bisect", "--resume")
    assert done.returncode == 2
    assert "session.json is damaged (schema 7)" in done.stderr
    assert kut("bisect", "--reset").returncode == 0
    assert "no bisection is interrupted" in kut("bisect", "--resume").stderr


# Builds.


@pytest.mark.qemu
def test_builds_are_incremental_but_not_at_all_costs(tree: Path, tmp_path: Path) -> None:
    """The bad end is built first; what it leaves decides about no other revision."""
    revisions = [
        Revision(each.subject, text + each.build)
        for each, text in (
            (checks("needs what is left", PASS), "[ -e left ] || exit 1\n"),
            (checks("needs an empty directory", PASS), "[ ! -e left ] || exit 1\n"),
            (checks("bad", FAIL), "touch left\n"),
        )
    ]
    top = history.repository(tmp_path / "qemu", revisions)
    done = bisect(tree, top, "one", "--good", "HEAD~2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bad\nbefore: " in done.stdout
    logs = tree / "build/bisect/logs" / history.git(top, "rev-parse", "--short=12", "HEAD").strip()
    assert {each.name for each in logs.iterdir()} == {"build.log", "one.log", "one.stderr"}


@pytest.mark.qemu
def test_a_full_disk_is_no_reason_to_skip(tree: Path, tmp_path: Path) -> None:
    full = Revision(
        "full", f"[ -e {tmp_path}/space ] || {{ echo ld: No space left on device; exit 1; }}\n"
    )
    revisions = [checks("good", PASS), Revision("full", full.build + checks("", PASS).build)]
    top = history.repository(tmp_path / "qemu", [*revisions, checks("bad", FAIL)])
    done = bisect(tree, top, "one", "--good", "HEAD~2")
    assert done.returncode == 5
    assert "kut: error: the build has no space left in " in done.stderr
    (tmp_path / "space").write_text("")
    assert "bad\n" in realtree.kut(tree, "bisect", "--resume").stdout
    assert is_clean(top, tree)


@pytest.mark.qemu
def test_a_flaky_check_is_bad_if_one_of_several_runs_is(tmp_path: Path, tree: Path) -> None:
    flaky = alternates("flaky", tmp_path / "counter", PASS, FAIL)
    revisions = [checks("good", PASS), checks("still good", PASS), flaky]
    top = history.repository(tmp_path / "qemu", revisions)
    done = bisect(tree, top, "one", "--good", "HEAD~2", "--repeat", "2", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert f"flaky\nbefore: {PASS}\nafter:  {FAIL}\n" in done.stdout
    assert is_clean(top, tree)


@pytest.mark.qemu
def test_a_timeout_of_a_busy_host_marks_no_revision(tree: Path, tmp_path: Path) -> None:
    revisions = [
        Revision(each.subject, each.build.replace("&& exit\n", f"&& exit\n{SLOW_AT_FIRST}"))
        for each in (checks("good", PASS), checks("bad", FAIL))
    ]
    top = history.repository(tmp_path / "qemu", revisions)
    done = bisect(tree, top, "one", "--good", "HEAD~1", "--timeout", "1")
    assert done.stdout.endswith(f"before: {PASS}\nafter:  {FAIL}\n"), done.stdout + done.stderr
    assert is_clean(top, tree)


# A step of `git bisect run`.


def steps(tree: Path, top: Path, *args: str) -> "subprocess.CompletedProcess[str]":
    return realtree.kut(tree, "bisect", "--step", "--qemu-tree", top, "--build", BUILD, *args)


@pytest.mark.qemu
def test_git_bisect_run_takes_a_step_of_kut_as_its_script(tree: Path, tmp_path: Path) -> None:
    top = history.repository(tmp_path / "qemu", REVISIONS)
    history.git(top, "bisect", "start", "HEAD", "HEAD~10")
    kut = (*(sys.executable, "-m", "kut_runner", "--root", str(tree)), "bisect", "--step")
    out = history.git(
        *(top, "bisect", "run", *kut, "one", "--qemu-tree", ".", "--build", BUILD, "--only", "sum")
    )
    first_bad = history.git(top, "rev-parse", "main~5").strip()
    assert f"{first_bad} is the first bad commit" in out


@pytest.mark.qemu
def test_a_step_has_the_exit_codes_of_git(tree: Path, tmp_path: Path) -> None:
    top = history.repository(tmp_path / "qemu", [checks("good", PASS)])
    assert (steps(tree, top, "one").returncode, steps(tree, top, "three").returncode) == (0, 130)
    done = steps(tree, top, "one", "--only", "no such check")
    assert (done.returncode, done.stdout) == (125, "skip: PASS: one\n")
    for revision, code, line in (
        (checks("bad", FAIL, OTHER), 1, "bad: FAIL: one: 2 of 2 checks failed\n"),
        (REVISIONS[2], 125, "skip: does not build: gcc: error: no such file\n"),
        (prints("dies", "hello"), 1, "bad: CRASH: one: "),
    ):
        history.commit(top, revision)
        done = steps(tree, top, "one")
        assert done.returncode == code
        assert done.stdout.startswith(line)
    (top / "subject").write_text("changed")
    done = steps(tree, top, "one")
    assert (done.returncode, "changes that are not committed" in done.stderr) == (130, True)
