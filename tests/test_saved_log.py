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

from kut_runner.records import saved_log

GOLDEN = Path(__file__).with_name("golden")


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
    found = saved_log.result(str(path), path.read_bytes())
    assert found.status.value == path.stem.partition("-")[0]


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
    ("log", "code", "words"),
    [
        (b"PASS: a\nSUMMARY: 1 tests\nEXIT: STATUS=1\n", 0, "PASS     stdin"),
        (b"SKIP: a\nSUMMARY: 1 tests, 1 skipped\nEXIT: STATUS=77\n", 0, "SKIP     stdin"),
        (b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n", 1, "FAIL: a"),
        (b"PASS: a\nhalf a li", 1, "the log has no EXIT line; last words: half a li"),
        (b"", 1, "the log has no EXIT line, without any output"),
    ],
)
def test_the_exit_code_is_the_logs(log: bytes, code: int, words: str) -> None:
    done = parse("-", given=log)
    assert done.returncode == code
    assert words in done.stdout
    assert not done.stderr


def test_what_cannot_be_is_said_in_words(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("")
    text = tmp_path / "no.elf"
    text.write_text("no ELF file")
    for args, code, words in (
        ([tmp_path / "none.log"], 2, "does not exist"),
        ([log, "--elf", text, "--image", "misbehave"], 2, "omit one of them"),
        ([log, "--image", "no-such-image"], 2, "build it: kut build no-such-image"),
    ):
        done = parse(*args)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
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
    found = saved_log.result(saved_log.STDIN, data)
    assert found.status.is_failure
