# SPDX-License-Identifier: GPL-2.0-or-later
"""ELF files of unknown origin: no file outside of the tree is quoted, and decoding ends."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from kut_runner.build.toolchain import find_program
from kut_runner.diagnose import symbols
from kut_runner.diagnose.symbols import SlowSymbolsError, Symbols, SymbolsError
from kut_runner.diagnose.time_limit import TimeLimitError, time_limit

SOURCE = """
#line 1 "{file}"
int called(int number) {{ int local = number; return local + 1; }}
int main(void) {{ return called(2); }}
int unused(int number) {{ int local = number; return local; }}
"""


def elf(directory: Path, file: str) -> Path:
    """An image whose functions are in `file`, if its debug information is to be believed."""
    source, image = directory / "x.in", directory / "x.elf"
    source.write_text(SOURCE.format(file=file))
    compiler = find_program("aarch64-linux-gnu-gcc", os.environ)
    assert compiler
    options = ("-g", "-O0", "-nostdlib", "-static", "-Wl,-e,main", "-x", "c")
    command = (compiler, *options, str(source), "-o", str(image))
    subprocess.run(command, cwd=directory, check=True)
    return image


def quoted(image: Path, root: Path | None = None) -> str:
    found = Symbols(image, root)
    start = found.address("main")
    assert start is not None
    (frame,) = found.frames(start, is_exact=True)
    assert frame.line == 2
    return frame.source


@pytest.mark.qemu
@pytest.mark.parametrize("has_root", [False, True])
def test_only_sources_of_the_tree_are_quoted(tmp_path: Path, *, has_root: bool) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    texts = ("good.c", "key.pem", "../secret.c", "../secret.h", "large.c")
    for name in texts:
        (tree / name).write_text("one\ntwo\n")
    with (tree / "large.c").open("ab") as large:
        large.truncate(1 << 30)
    (tree / "link.c").symlink_to("../secret.c")
    (tree / "loop.c").symlink_to("loop.c")
    os.mkfifo(tree / "pipe.c")
    for path in tmp_path.rglob("*.[ch]"):
        os.utime(path, (0, 0), follow_symlinks=False)
    root = tree if has_root else None
    assert quoted(elf(tree, "good.c"), root) == "two"
    others = ("/etc/passwd", str(tmp_path / "secret.c"), *texts[1:], "link.c", "loop.c", "pipe.c")
    for name in others:
        assert not quoted(elf(tree, name), root), name


@pytest.mark.qemu
def test_a_cycle_in_the_debug_information(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = elf(tmp_path, "good.c")
    data = bytearray(image.read_bytes())
    with image.open("rb") as file:
        parsed = ELFFile(file)
        section: Any = parsed.get_section_by_name(".debug_info")
        for unit in parsed.get_dwarf_info().iter_CUs():
            for die in unit.iter_DIEs():
                if sibling := die.attributes.get("DW_AT_sibling"):
                    at = section["sh_offset"] + sibling.offset
                    data[at : at + 4] = (die.offset - unit.cu_offset).to_bytes(4, "little")
    image.write_bytes(data)
    monkeypatch.setattr(symbols, "_TIME_LIMIT", 0.3)
    found = Symbols(image)
    start = found.address("main")
    assert start is not None
    with pytest.raises(SlowSymbolsError, match=r"more than 0\.3 s"):
        found.frames(start, is_exact=True)
    (frame,) = found.frames(start, is_exact=True)
    assert (frame.function, frame.file) == ("main", "")


@pytest.mark.qemu
def test_a_section_that_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = elf(tmp_path, "good.c")
    monkeypatch.setattr(symbols, "_LARGEST_SECTION", 10)
    assert Symbols(image).has_lines
    objcopy = find_program("aarch64-linux-gnu-objcopy", os.environ)
    subprocess.run([str(objcopy), "--compress-debug-sections", image], check=True)
    with pytest.raises(SymbolsError, match=r"section \.debug_[a-z]+ is compressed"):
        Symbols(image)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "x.elf"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SymbolsError, match="more than 256 MiB"):
        Symbols(path)


def test_the_time_limit() -> None:
    def work() -> None:
        while True:
            pass

    with pytest.raises(TimeLimitError), time_limit(0.05):
        work()
    with time_limit(10):
        pass
