# SPDX-License-Identifier: GPL-2.0-or-later
"""The capped raw log."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from kut_runner.capture import Capture


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


def test_a_flood_keeps_head_and_tail(tmp_path: Path) -> None:
    lines = [b"line %04d\n" % number for number in range(10_000)]
    data, missing = kept(tmp_path / "log", lines)
    assert data.startswith(b"".join(lines[:10]) + b"[")
    assert data.endswith(b"\n" + b"".join(lines[-5:]))
    assert f"[{missing} bytes left out]".encode() in data
    assert len(data) == 100_000 - missing + len(f"[{missing} bytes left out]")


def test_the_halves_of_cut_lines_cannot_pass_for_lines(tmp_path: Path) -> None:
    forged = b"INFO: " + b"x" * 194 + b"PASS: forged\n" + b"y" * 49 + b"\n"
    data, _ = kept(tmp_path / "log", [forged])
    assert b"PASS" not in data


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


def test_two_logs_of_one_name_do_not_mix(tmp_path: Path) -> None:
    with Capture(tmp_path / "log") as first, Capture(tmp_path / "log") as second:
        first.write(b"first")
        second.write(b"second")
        first.finish()
        assert b"".join(first.chunks()) == b"first"
        assert (tmp_path / "log").read_bytes() == b"second"
