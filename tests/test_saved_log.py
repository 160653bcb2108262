# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut parse`: a saved log shows what the run showed."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import realtree
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.errors import UsageError
from kut_runner.records import saved_log

GOLDEN = Path(__file__).with_name("golden")


#: Statuses of golden logs that have several tests when they are read from a file.
SEVERAL = {
    "crash-after-forged-pass": ["pass", "fail"],
    "crash-check-after-exit": ["pass", "crash"],
    "crash-exception-and-exit-then-pass": ["crash", "pass"],
    "crash-forged-exit-then-power-off-in-the-middle": ["pass", "crash"],
    "crash-forged-failures-then-pass": ["crash", "pass"],
    "crash-two-passes": ["pass", "pass"],
    "crash-words-after-exit": ["pass", "crash"],
    "fail-then-pass": ["fail", "pass"],
}


def parse(*args: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*realtree.KUT, "--root", realtree.ROOT, "parse", *args],
        cwd=realtree.ROOT,
        input=given,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.log")), ids=lambda path: path.stem)
def test_each_golden_log_has_the_status_of_its_name(path: Path) -> None:
    found = saved_log.results(str(path), path.read_bytes())
    statuses = [each.status.value for each in found]
    assert statuses == SEVERAL.get(path.stem, [path.stem.partition("-")[0]])


@pytest.mark.qemu
def test_a_log_of_a_run_knows_its_image(tmp_path: Path) -> None:
    (test,) = realtree.run(tmp_path, "misbehave-exception")["tests"]
    done = parse(realtree.ROOT / test["log"])
    assert done.returncode == 1
    assert done.stdout.startswith("CRASH    misbehave-exception")
    assert "#0 load_from() at arm/misbehave.c:" in done.stdout
    assert 'report_info("read %lx", *address);' in done.stdout


@pytest.mark.qemu
def test_a_hang_is_shown_as_it_was_found(tmp_path: Path) -> None:
    (test,) = realtree.run(tmp_path, "misbehave-hang")["tests"]
    done = parse(realtree.ROOT / test["log"])
    assert done.returncode == 1
    assert done.stdout.startswith("TIMEOUT  misbehave-hang")
    assert "CPU 0: running at EL2" in done.stdout


@pytest.mark.qemu
def test_an_image_without_a_summary_is_judged_as_in_its_run(tmp_path: Path) -> None:
    for option, cause, code in (
        ("fail", "no-summary", 1),
        ("pass", "passed-unchecked", 0),
    ):
        data = realtree.run(tmp_path, "misbehave-silent-exit", f"--no-checks={option}")
        (test,) = data["tests"]
        assert (test["cause"], data["exit_code"], data["options"]["no_checks"]) == (
            cause,
            code,
            option,
        )
        assert parse(realtree.ROOT / test["log"]).returncode == code
        assert parse(realtree.ROOT / test["log"], "--no-checks=fail").returncode == 1


@pytest.mark.qemu
def test_a_log_of_elsewhere_takes_the_elf_file_that_is_named(tmp_path: Path) -> None:
    (test,) = realtree.run(tmp_path, "misbehave-assert")["tests"]
    log = tmp_path / "serial.txt"
    log.write_bytes((realtree.ROOT / test["log"]).read_bytes())
    plain = parse(log)
    assert (plain.returncode, "image offset 0x" in plain.stdout) == (1, True)
    for options in (
        ("--elf", realtree.ROOT / "build/gcc/misbehave.elf"),
        ("--image", "misbehave"),
    ):
        for done in (parse(log, *options), parse("-", *options, given=log.read_bytes())):
            assert done.returncode == 1
            assert "assertion() at arm/misbehave.c:" in done.stdout
            assert 'assert_msg(answer == 42, "answer is %d", answer);' in done.stdout


@pytest.mark.parametrize(
    ("log", "code", "message"),
    [
        (b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=1\n", 0, "PASS     stdin"),
        (b"SKIP: a\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n", 0, "SKIP     stdin"),
        (b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n", 1, "FAIL: a"),
        (b"PASS: a\nhalf a li", 1, "the log has no EXIT line; last words: half a li"),
        (b"", 1, "the log has no EXIT line, without any output"),
    ],
)
def test_the_exit_code_is_the_logs(log: bytes, code: int, message: str) -> None:
    done = parse("-", given=log)
    assert done.returncode == code
    assert message in done.stdout
    assert not done.stderr


def test_the_worst_of_several_tests_is_the_exit_code(tmp_path: Path) -> None:
    passed = b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=1\n"
    skipped = b"SKIP: a\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n"
    failed = b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n"
    report = tmp_path / "r.json"
    for log, code, statuses in (
        (failed + passed, 1, ["fail", "pass"]),
        (passed + skipped, 0, ["pass", "skip"]),
        (skipped + skipped, 0, ["skip", "skip"]),
        (passed, 0, ["pass"]),
    ):
        done = parse("-", "--json", report, given=log)
        data = json.loads(report.read_text())
        assert done.returncode == data["exit_code"] == code
        assert [test["status"] for test in data["tests"]] == statuses
        shown = [line.split()[:2] for line in done.stdout.splitlines() if "  stdin" in line]
        assert shown == [[test["status"].upper(), test["id"]] for test in data["tests"]]


def test_what_cannot_be_is_said_in_words(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("")
    text = tmp_path / "no.elf"
    text.write_text("no ELF file")
    for args, code, message in (
        ([tmp_path / "none.log"], 2, "does not exist"),
        ([log, "--elf", text, "--image", "misbehave"], 2, "omit one of them"),
        ([log, "--image", "no-such-image"], 2, "build it: kut build no-such-image"),
    ):
        done = parse(*args)
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    log.write_text("x.c:1: assert failed: a\n\tSTACK: 10\n")
    done = parse(log, "--elf", text)
    assert (done.returncode, "no symbols" in done.stdout) == (1, True)


def test_a_damaged_neighbour_is_no_obstacle(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("FAIL: a\n")
    for neighbour in ("garbage", json.dumps({"id": "x", "log": "x.log"})):
        (tmp_path / "results.jsonl").write_text(neighbour)
        assert parse(log).returncode == 1


@given(st.binary(max_size=300))
def test_no_log_makes_it_raise(data: bytes) -> None:
    try:
        results = saved_log.results(saved_log.STDIN, data)
    except UsageError as error:
        assert any(kind in error.message for kind in ("compressed", "archive", "ELF"))  # noqa: PT017
    else:
        assert all(found.status.is_failure for found in results)


def test_the_path_of_an_elf_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    for image, hint in (("nosuch", "build it: kut build nosuch"), ("./a.elf", "name a file with")):
        done = parse(tmp_path / "a.log", "--image", image)
        assert done.returncode == 2
        assert f"kut: hint: {hint}" in done.stderr
