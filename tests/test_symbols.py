# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions and source lines of addresses: equal to addr2line, none from a wrong file."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import realtree
from hypothesis import given, settings
from hypothesis import strategies as st

from kut_runner.build.toolchain import find_program
from kut_runner.diagnose import symbols
from kut_runner.diagnose.symbols import Symbols, SymbolsError


@cache
def elf(compiler: str = "gcc") -> Path:
    subprocess.run(
        [*realtree.KUT, "build", "--compiler", compiler, "misbehave"],
        cwd=realtree.ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return realtree.ROOT / "build" / compiler / "misbehave.elf"


def addr2line(program: str, file: Path, offsets: list[int]) -> list[list[tuple[str, str]]]:
    """Return functions and source lines of offsets by another program, innermost first."""
    path = find_program(program, os.environ)
    if not path:
        pytest.skip(f"needs {program}")
    command = [path, "-aif", "-e", str(file), *(f"{offset:#x}" for offset in offsets)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: list[list[tuple[str, str]]] = []
    lines = iter(said.splitlines())
    for line in lines:
        if line.startswith("0x"):
            found.append([])
        else:
            place = re.sub(r" \(discriminator \d+\)", "", next(lines))
            found[-1].append((line, os.path.normpath(place)))
    return found


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("compiler", "program"),
    [("gcc", "aarch64-linux-gnu-addr2line"), ("clang", "llvm-addr2line")],
)
def test_functions_and_lines_are_those_of_addr2line(compiler: str, program: str) -> None:
    ours = Symbols(elf(compiler), realtree.ROOT)
    code = [each for each in ours._named if each.name in ("start_image", "puts", "exit", "printf")]
    offsets = [each.offset + at for each in code for at in range(0, min(each.size, 400), 4)]
    offsets += range(0x1000, 0x9000, 0x5C)
    other = addr2line(program, elf(compiler), offsets)
    same = 0
    for offset, theirs in zip(offsets, other, strict=True):
        frames = ours.frames(offset, is_exact=True)
        if theirs[0][1].endswith((":0", ":?")) or theirs[0][0] == "??":
            continue
        if not frames[0].function:
            continue  # padding, of which other programs give code that the linker dropped
        same += 1
        (name, place), number = theirs[0], f":{frames[0].line}"
        if len(frames) == 1 and frames[0].file.endswith(".h"):
            # GNU addr2line 2.40 names the source file for a function of a header that GCC did not
            # inline; readelf and llvm-addr2line name the header.
            assert (name, place.endswith(number)) == (frames[0].function, True)
            continue
        assert [(each.function, f"{each.file}:{each.line}") for each in frames] == theirs
    assert same > len(offsets) * 0.8


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_code_that_the_linker_dropped_is_nowhere(compiler: str) -> None:
    ours = Symbols(elf(compiler), realtree.ROOT)
    padding = 0
    for offset in range(0, 0x200, 4):
        symbol = ours.nearest(offset).partition("+")[0]
        frames = ours.frames(offset, is_exact=True)
        assert frames[-1].function == symbol, hex(offset)
        padding += not symbol
        assert symbol or (len(frames), frames[0].file, frames[0].line) == (1, "", 0)
    assert padding or compiler == "clang", "GCC aligns functions"


@pytest.mark.qemu
def test_a_frame_has_its_source_text() -> None:
    ours = Symbols(elf(), realtree.ROOT)
    start = ours.address("main")
    assert start is not None
    (frame,) = ours.frames(start, is_exact=True)
    assert (frame.function, frame.file) == ("main", "arm/misbehave.c")
    assert frame.source == "{"


@pytest.mark.qemu
def test_source_that_is_newer_than_the_image_is_not_quoted(tmp_path: Path) -> None:
    source = tmp_path / "arm/misbehave.c"
    source.parent.mkdir()
    ours = Symbols(elf(), tmp_path)
    start = ours.address("main")
    assert start is not None
    source.write_text("another text\n" * ours.frames(start, is_exact=True)[0].line)
    assert ours.frames(start, is_exact=True)[0].source == ""
    os.utime(source, (0, 0))
    assert ours.frames(start, is_exact=True)[0].source == "another text"


@pytest.mark.qemu
def test_the_nearest_symbol() -> None:
    ours = Symbols(elf(), realtree.ROOT)
    start = ours.address("behaviours")
    assert start is not None
    assert ours.nearest(start) == "behaviours"
    assert ours.nearest(start + 0x11) == "behaviours+0x11"
    assert ours.nearest(-1) == ""
    assert ours.nearest(ours.size) == ""
    assert ours.address("no such symbol") is None


@pytest.mark.qemu
def test_outside_of_all_code_there_is_no_function() -> None:
    ours = Symbols(elf(), realtree.ROOT)
    for offset in (ours.size + 1, 1 << 63, 0):
        assert ours.frames(offset, is_exact=False)[0].address == offset


@pytest.mark.qemu
def test_the_build_id_is_the_images() -> None:
    from kut_runner.build.builder import Image

    assert Symbols(elf()).build_id == Image("misbehave", elf(), elf()).build_id


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"no ELF at all" * 100])
def test_a_file_that_is_no_elf(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.elf"
    path.write_bytes(content)
    with pytest.raises(SymbolsError):
        Symbols(path)


@pytest.mark.qemu
@settings(max_examples=30)
@given(st.data())
def test_a_damaged_file_raises_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(elf().read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"kut-damaged-{os.getpid()}.elf"  # noqa: S108
    path.write_bytes(whole)
    try:
        found = symbols.Symbols(path, realtree.ROOT)
        assert isinstance(found.build_id, str)
        found.frames(0x500, is_exact=True)
    except SymbolsError:
        pass
    finally:
        path.unlink()
