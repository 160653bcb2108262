# SPDX-License-Identifier: GPL-2.0-or-later
"""Raw log with a maximum size."""

import os
from io import FileIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.errors import InfrastructureError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.process.capture import PART, PARTS, Capture, write_all
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split


def kept(path: Path, chunks: list[bytes], *, head: int = 100, tail: int = 60) -> tuple[bytes, int]:
    with Capture(path, head=head, tail=tail) as log:
        for chunk in chunks:
            log.write(chunk)
        log.finish()
        data = b"".join(log.chunks())
    assert data == path.read_bytes()
    return data, log.missing


def test_what_fits_is_kept_as_it_is(tmp_path: Path) -> None:
    assert kept(tmp_path / "log", [b"a" * 100, b"b" * 60]) == (b"a" * 100 + b"b" * 60, 0)


def test_a_device_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    with Capture(tmp_path / "log") as log:
        log.write(b"a word")
        log.finish()
        with (tmp_path / "log").open("rb", buffering=0) as reader:
            assert reader.read(100) == b"a word"
    assert (tmp_path / "log").is_fifo()


def test_a_flood_keeps_head_and_tail(tmp_path: Path) -> None:
    lines = [b"line %04d\n" % number for number in range(10_000)]
    data, missing = kept(tmp_path / "log", lines)
    assert data.startswith(b"".join(lines[:10]) + b"[")
    assert data.endswith(b"\n" + b"".join(lines[-5:]))
    assert f"[{missing} bytes left out]".encode() in data
    assert len(data) == 100_000 - missing + len(f"[{missing} bytes left out]")


@pytest.mark.parametrize("size", range(195, 210))
def test_the_halves_of_cut_lines_cannot_pass_for_lines(tmp_path: Path, size: int) -> None:
    forged = b"\n" + b"x" * 99 + b"y" * (size - 100) + b"PASS: forged\n" + b"z" * 47
    data, missing = kept(tmp_path / "log", [forged])
    assert missing
    assert b"\nPASS" not in data


def test_one_byte_too_many_is_one_byte_left_out(tmp_path: Path) -> None:
    data = bytes(range(160))
    assert kept(tmp_path / "log", [data]) == (data, 0)
    assert kept(tmp_path / "log", [data, b"!"]) == (
        data[:100] + b"[1 bytes left out]" + data[101:] + b"!",
        1,
    )


def test_memory_is_bounded(tmp_path: Path) -> None:
    with Capture(tmp_path / "log", head=100, tail=60) as log:
        for _ in range(1000):
            log.write(b"x" * 50)
            assert len(log._tail_bytes) <= 120


@given(st.lists(st.binary(max_size=90), max_size=30))
def test_chunks_never_show_and_size_is_bounded(chunks: list[bytes]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "log")
        whole = b"".join(chunks)
        found, missing = kept(path, chunks)
        assert (found, missing) == kept(path, [whole])
        assert len(found) <= 100 + 60 + len("[99999 bytes left out]")
        if not missing:
            assert found == whole


def test_bytes_are_on_disk_as_soon_as_they_are_written(tmp_path: Path) -> None:
    with Capture(tmp_path / "log") as log:
        log.write(b"half a li")
        assert (tmp_path / "log").read_bytes() == b"half a li"


def test_a_disk_that_takes_only_a_part_gets_the_rest_or_is_full(tmp_path: Path) -> None:
    class Nearly(FileIO):
        room = 250

        def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
            taken = min(len(data), 100, self.room)
            if not taken:
                raise OSError(28, "No space left on device")
            self.room -= taken
            return super().write(data[:taken])

    with Nearly(tmp_path / "log", "w") as file:
        write_all(file, tmp_path / "log", b"x" * 230)
        with pytest.raises(InfrastructureError, match=r"log cannot be written: No space") as told:
            write_all(file, tmp_path / "log", b"y" * 100)
    assert told.value.hint
    assert (tmp_path / "log").read_bytes() == b"x" * 230 + b"y" * 20


def test_two_logs_of_one_name_do_not_mix(tmp_path: Path) -> None:
    with Capture(tmp_path / "log") as first, Capture(tmp_path / "log") as second:
        first.write(b"first")
        second.write(b"second")
        first.finish()
        assert b"".join(first.chunks()) == b"first"
        assert (tmp_path / "log").read_bytes() == b"second"


#: Lines that forbid a pass, each with the one that begins its dump.
DECISIVE = [
    b"FAIL: lost\n",
    b"XPASS: lost\n",
    b"ABORT: lost\n",
    b"EXIT: STATUS=3\n",
    b"EXIT: STATUS=1\n",
    b"SUMMARY: 5 tests, 1 unexpected failures\n",
    b"Unhandled exception ec=0x25 (DABT_EL1)\n",
    b"\tUnhandled exception ec=0x25 (DABT_EL1)\n",
    b"Unhandled vector 4 (el1h_sync)\n",
    b"Got bad ec=0x3f\n",
    b"Stack overflow\n",
    b"arm/x.c:1: assert failed: a\n",
    b"\tSTACK: @10 20\n",
]


@pytest.mark.parametrize("line", DECISIVE)
@pytest.mark.parametrize("offset", [*range(0, 90, 7), 2000])
def test_lines_that_forbid_a_pass_are_kept_of_the_middle(
    tmp_path: Path, line: bytes, offset: int
) -> None:
    """Also if the line begins in the head, or ends in the tail."""
    flood = b"a word\n" * 14 + b"b" * (offset % 7)
    data = flood[: 60 + offset] + b"\n" + line + b"z\n" * 100
    for chunks in ([data], [data[i : i + 11] for i in range(0, len(data), 11)]):
        with Capture(tmp_path / "log", head=100, tail=60, part=50) as log:
            for chunk in chunks:
                log.write(chunk)
            log.finish()
            found = b"".join(log.chunks())
        assert b"\n" + line in found
        assert log.missing


def test_the_lines_that_are_kept_are_those_that_forbid_a_pass() -> None:
    """What `capture` looks for in bytes, and what `judge` decides by in events."""
    for line in DECISIVE:
        output = collect(parse(split([b"PASS: a\n", line, b"SUMMARY: 1 tests\nEXIT: STATUS=1\n"])))
        verdict = judge(output, ProcessExit(ExitKind.EXITED, 0, 0.0, ""))
        assert verdict.status.is_failure, line


@pytest.mark.parametrize("line", DECISIVE)
@pytest.mark.parametrize(
    "flood",
    [
        *(b"FAIL: a\n", b"Load address: 40080000\n", b"Unhandled word\n", b"\tSTACK: words\n"),
        *(b"SUMMARY: 1 tests, 0 unexpected failures\n", b"EXIT: STATUS=1 or 2\n"),
    ],
)
def test_other_lines_leave_room_for_those_that_forbid_a_pass(
    tmp_path: Path, line: bytes, flood: bytes
) -> None:
    with Capture(tmp_path / "log", head=100, tail=60, part=50) as log:
        for part in (flood * (2 * PARTS // len(flood)), line, b"a word\n" * 100):
            log.write(part)
        log.finish()
        found = b"".join(log.chunks())
    is_same_kind = flood.startswith(b"FAIL") and line.startswith((b"FAIL", b"XPASS"))
    assert is_same_kind or b"\n" + line in found
    assert len(found) < PARTS + 10_000


def test_what_is_kept_of_the_middle_is_bounded(tmp_path: Path) -> None:
    with Capture(tmp_path / "log", head=100, tail=60) as log:
        for _ in range(300_000):
            log.write(b"FAIL: again and again\n")
        log.finish()
    size = (tmp_path / "log").stat().st_size
    assert PARTS < size < PARTS + 2 * PART + 1000
    assert size + log.missing >= log.size


@given(
    st.lists(st.sampled_from([b"\n", b"FAIL: x\n", b"FAIL:", b" ", b"PASS: y\n", b"word"])).map(
        b"".join
    ),
    st.integers(1, 40),
)
def test_each_failed_check_is_kept(data: bytes, size: int) -> None:
    """Every line of the log was one of the output, and no FAIL line is lost."""
    with (
        TemporaryDirectory() as directory,
        Capture(Path(directory, "log"), head=10, tail=10, part=12) as log,
    ):
        for start in range(0, len(data), size):
            log.write(data[start : start + size])
        log.finish()
        found = b"".join(log.chunks())
    lines = data.split(b"\n")
    kept = found.split(b"\n")
    assert kept.count(b"FAIL: x") == lines[:-1].count(b"FAIL: x")
    assert {line for line in kept if b"left out]" not in line} <= {*lines, lines[-1]}
