# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds of a small source tree with real compilers: first builds and rebuilds."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kut_runner.build import builder, sources, toolchain
from kut_runner.build.builder import Image
from kut_runner.errors import BuildError, UsageError

pytestmark = pytest.mark.qemu

EL1_PC = 31 * 8  # offset of pc in struct regs of the source tree


def make(
    root: Path, *names: str, compiler: str = "gcc", environ: dict[str, str] | None = None
) -> tuple[dict[str, Image], list[str]]:
    """Build; return the images and the commands, as "CC arm/one.c"."""
    done: list[str] = []
    tools = toolchain.find(compiler, environ or dict(os.environ))
    images = builder.build(root, tools, names, progress=done.append)
    return images, sorted(line.partition("] ")[2] for line in done)


def edit(path: Path, old: str, new: str) -> None:
    """Change a file, after the time stamps of the file system have advanced."""
    text = path.read_text()
    assert old in text
    time.sleep(0.02)
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_image_of_the_tree_is_built(tree: Path, compiler: str) -> None:
    images, _ = make(tree, compiler=compiler)
    assert list(images) == ["one", "two"]
    for name, image in images.items():
        assert image.elf == tree / f"build/{compiler}/{name}.elf"
        assert image.elf.read_bytes()[:4] == b"\x7fELF"
        assert image.flat.read_bytes()[:4] == (0xD2800000 | EL1_PC << 5).to_bytes(4, "little")
        assert len(image.build_id) == 40
    assert images["one"].build_id != images["two"].build_id


def test_only_the_images_asked_for_are_built(tree: Path) -> None:
    images, done = make(tree, "two")
    assert list(images) == ["two"]
    assert "CC arm/one.c" not in done
    assert not (tree / "build/gcc/one.flat").exists()


def test_nothing_is_done_twice(tree: Path) -> None:
    make(tree)
    manifest = tree / "build/gcc/build.ninja"
    before = manifest.stat()
    assert make(tree)[1] == []
    assert manifest.stat().st_ino == before.st_ino


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_one_edited_line_costs_one_compile_and_one_link(tree: Path, compiler: str) -> None:
    make(tree, compiler=compiler)
    edit(tree / "arm/one.c", "helper(1)", "helper(7)")
    assert make(tree, compiler=compiler)[1] == [
        "CC arm/one.c",
        f"FLAT build/{compiler}/one.flat",
        f"LD build/{compiler}/one.elf",
    ]


def test_what_the_last_build_linked_is_remembered(tree: Path) -> None:
    assert builder.relinked(tree, "gcc") == set()
    make(tree)
    assert builder.relinked(tree, "gcc") == {"one", "two"}
    edit(tree / "arm/one.c", "helper(1)", "helper(7)")
    make(tree)
    assert builder.relinked(tree, "gcc") == {"one"}
    make(tree)  # nothing to do
    assert builder.relinked(tree, "gcc") == {"one"}
    edit(tree / "arm/two.c", "int", "int ")
    make(tree, "one")
    assert builder.relinked(tree, "gcc") == {"one"}
    make(tree)
    assert builder.relinked(tree, "gcc") == {"two"}


def test_a_header_rebuilds_what_includes_it(tree: Path) -> None:
    make(tree)
    edit(tree / "lib/helper.h", "value", "number")
    compiled = [line for line in make(tree)[1] if line.startswith("CC")]
    assert compiled == ["CC arm/one.c", "CC arm/two.c", "CC lib/helper.c"]


def test_offsets_rebuild_assembly_only_when_they_change(tree: Path) -> None:
    make(tree)
    edit(tree / "lib/regs.h", "struct regs {", "struct regs { /* same offsets */")
    assert make(tree)[1] == ["OFFSETS lib/arm64/asm-offsets.c"]
    edit(tree / "lib/regs.h", "x[31]", "x[32]")
    images, done = make(tree)
    assert [line for line in done if line.startswith("CC")] == ["CC lib/arm64/start.S"]
    expected = (0xD2800000 | (EL1_PC + 8) << 5).to_bytes(4, "little")
    assert images["one"].flat.read_bytes()[:4] == expected


def test_the_linker_script_relinks(tree: Path) -> None:
    make(tree)
    edit(tree / "lib/arm64/image.lds", "ALIGN(4096)", "ALIGN(8192)")
    done = [line.split()[0] for line in make(tree)[1]]
    assert done == ["FLAT", "FLAT", "LD", "LD"]


def test_new_and_removed_sources_are_noticed(tree: Path) -> None:
    make(tree)
    (tree / "lib/extra.c").write_text("extern int unused;\nint unused;\n")
    (tree / "arm/two.c").rename(tree / "arm/three.c")
    images, done = make(tree)
    assert list(images) == ["one", "three"]
    assert "CC lib/extra.c" in done
    (tree / "lib/extra.c").unlink()
    assert [line for line in make(tree)[1] if line.startswith("CC")] == []


def test_a_source_may_have_any_name(tree: Path) -> None:
    (tree / "lib/an odd $name.c").write_text("int odd(void);\nint odd(void) { return 1; }\n")
    assert "CC 'lib/an odd $name.c'" in make(tree)[1]
    assert make(tree)[1] == []


def test_assembly_belongs_to_the_image_it_is_named_for(tree: Path) -> None:
    (tree / "arm/one-more.c").write_text((tree / "arm/one.c").read_text())
    for stem in ("one", "one-guest", "one-more-guest", "other"):
        (tree / f"arm/{stem}.S").write_text("")
    assert sources.find_sources(tree).images == {
        "one-more": ("arm/one-more.c", "arm/one-more-guest.S"),
        "one": ("arm/one.c", "arm/one-guest.S", "arm/one.S"),
        "two": ("arm/two.c",),
    }


def test_an_image_of_many_sources_has_a_directory(tree: Path) -> None:
    (tree / "arm/one/deep").mkdir(parents=True)
    (tree / "arm/nobody").mkdir()
    for name in ("one/b.c", "one/a.S", "one/deep/c.c", "one/a.h", "nobody/x.c"):
        (tree / "arm" / name).write_text("")
    assert sources.find_sources(tree).images == {
        "one": ("arm/one.c", "arm/one/a.S", "arm/one/b.c", "arm/one/deep/c.c"),
        "two": ("arm/two.c",),
    }


def test_sources_of_kvm_unit_tests_have_its_warnings(tmp_path: Path) -> None:
    tree = tmp_path
    for directory in ("arm", "configs"):
        (tree / directory).mkdir()
    # -Wextra warns of the comparison
    text = "int main(int argc, char **argv)\n{\n\treturn argc < sizeof(int) ? 0 : 1;\n}\n"
    (tree / "arm/theirs.c").write_text(text)
    (tree / "kut.toml").write_text('library = "kut>=0.1"\n')
    with pytest.raises(BuildError, match="sign-compare"):
        make(tree)
    (tree / "kut.toml").write_text('library = "kut>=0.1"\nsources = "kvm-unit-tests"\n')
    make(tree)
    (tree / "arm/theirs.c").write_text("int f(void) { return 0; }\n" + text)
    with pytest.raises(BuildError, match="missing-prototypes"):
        make(tree)


def test_a_new_compiler_rebuilds_everything(tree: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "wrapped-"
    for tool in ("gcc", "ld", "objcopy"):
        program = Path(f"{prefix}{tool}")
        program.write_text(f'#!/bin/sh\nexec aarch64-linux-gnu-{tool} "$@"\n')
        program.chmod(0o755)
    environ = {**os.environ, "CROSS_COMPILE": str(prefix)}
    first = make(tree, environ=environ)[1]
    assert make(tree, environ=environ)[1] == []
    with Path(f"{prefix}gcc").open("a") as compiler:
        compiler.write("# upgraded\n")
    assert make(tree, environ=environ)[1] == first


@pytest.mark.parametrize(
    ("compiler", "message"),
    [
        ("gcc", "arm/one.c:6:23: error: 'nonsense' undeclared (first use in this function)"),
        ("clang", "arm/one.c:6:16: error: use of undeclared identifier 'nonsense'"),
    ],
)
def test_a_compile_error_keeps_the_compilers_words(
    tree: Path, compiler: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    edit(tree / "arm/one.c", "helper(1)", "helper(nonsense)")
    with pytest.raises(BuildError) as caught:
        make(tree, compiler=compiler)
    lines = caught.value.message.splitlines()
    assert lines[0] == "the build failed:"
    assert f"FAILED: [code=1] build/{compiler}/obj/arm/one.c.o" in lines[1]
    assert message in caught.value.message
    assert "return helper(nonsense);" in caught.value.message
    assert "-ffreestanding" not in caught.value.message


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_warning_is_an_error(tree: Path, compiler: str) -> None:
    edit(tree / "arm/one.c", "return", "int unused;\n\treturn")
    with pytest.raises(BuildError, match="unused"):
        make(tree, compiler=compiler)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_libc_header_is_in_reach(tree: Path, compiler: str) -> None:
    """Only the headers of the compiler are; GCC would search /usr/include by default."""
    (tree / "arm/one.c").write_text("#include <stdint.h>\n#include <elf.h>\n")
    with pytest.raises(BuildError, match=r"arm/one\.c:2:10: fatal error: '?elf\.h'?"):
        make(tree, compiler=compiler)


def test_a_link_error_keeps_the_linkers_words(tree: Path) -> None:
    edit(
        tree / "lib/helper.c",
        "int helper(int value)",
        "int helper(int value);\nint h(int value);\nint h(int value)",
    )
    with pytest.raises(BuildError, match="undefined reference to `helper'"):
        make(tree)


def test_after_an_error_the_rest_is_built(tree: Path) -> None:
    edit(tree / "arm/one.c", "helper(1)", "nonsense")
    with pytest.raises(BuildError):
        make(tree)
    edit(tree / "arm/one.c", "nonsense", "helper(1)")
    make(tree)
    assert make(tree)[1] == []


def test_an_image_without_source_is_refused(tree: Path) -> None:
    with pytest.raises(UsageError, match=r'no image "three": arm/three\.c does not') as caught:
        make(tree, "three")
    assert caught.value.hint == "images: one two"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_same_sources_give_the_same_image_anywhere(
    tree: Path, tmp_path: Path, compiler: str
) -> None:
    first, _ = make(tree, "one", compiler=compiler)
    before = first["one"].elf.read_bytes()
    moved = tree.rename(tmp_path / "elsewhere $HOME: a tree")
    (moved / "arm/two.c").unlink()
    for path in moved.rglob("*.o"):
        path.unlink()
    second, _ = make(moved, "one", compiler=compiler)
    assert second["one"].elf.read_bytes() == before
    assert str(tree).encode() not in before


def test_compile_commands_say_how_each_source_is_compiled(tree: Path) -> None:
    make(tree)
    commands = json.loads((tree / "build/compile_commands.json").read_text())
    assert {entry["file"] for entry in commands} == {
        "arm/one.c",
        "arm/two.c",
        "lib/helper.c",
        "lib/arm64/start.S",
    }
    for entry in commands:
        subprocess.run(entry["arguments"], cwd=entry["directory"], check=True)


def test_a_tree_that_is_copied_with_its_build_directory_is_built(
    tree: Path, tmp_path: Path
) -> None:
    make(tree)
    other = shutil.copytree(tree, tmp_path / "a copy", symlinks=True)
    assert make(other)[1] == []
    commands = json.loads((other / "build/compile_commands.json").read_text())
    assert {entry["directory"] for entry in commands} == {str(other)}
    time.sleep(0.02)
    (other / "arm/one.c").touch()
    assert make(other)[1] == [
        "CC arm/one.c",
        "FLAT build/gcc/one.flat",
        "LD build/gcc/one.elf",
    ]


def test_two_builds_at_once_take_turns(tree: Path) -> None:
    argv = [sys.executable, "-m", "kut_runner", "--root", str(tree), "build"]
    with ThreadPoolExecutor(4) as pool:
        ends = list(
            pool.map(lambda _: subprocess.run(argv, check=False, capture_output=True), range(4))
        )
    assert [end.returncode for end in ends] == [0] * 4
    assert make(tree)[1] == []


def test_an_image_without_build_id_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.elf").write_bytes(b"\x7fELF".ljust(64))
    assert not Image("x", tmp_path / "x.elf", tmp_path / "x.flat").build_id
