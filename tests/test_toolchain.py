# SPDX-License-Identifier: GPL-2.0-or-later
"""Search for compilers in PATH, and hints about packages to install."""

from pathlib import Path

import pytest

from kut_runner.build import toolchain
from kut_runner.definitions.config import VariantDef
from kut_runner.errors import MissingToolError, UsageError


def programs(directory: Path, *names: str) -> dict[str, str]:
    """Create empty programs; return an environment whose PATH has no others."""
    directory.mkdir(exist_ok=True)
    for name in names:
        (directory / name).touch(mode=0o755)
    return {"PATH": str(directory)}


def gnu(prefix: str) -> list[str]:
    return [f"{prefix}{tool}" for tool in ("gcc", "ld", "objcopy")]


@pytest.mark.parametrize("prefix", toolchain.GNU_PREFIXES)
def test_gcc_goes_by_several_names(tmp_path: Path, prefix: str) -> None:
    found = toolchain.find("gcc", programs(tmp_path, *gnu(prefix)))
    assert found.name == "gcc"
    assert found.compiler == str(tmp_path / f"{prefix}gcc")
    assert found.link[0] == str(tmp_path / f"{prefix}ld")
    assert found.objcopy == (str(tmp_path / f"{prefix}objcopy"),)


def test_the_first_name_wins(tmp_path: Path) -> None:
    first, second = toolchain.GNU_PREFIXES[:2]
    found = toolchain.find("gcc", programs(tmp_path, *gnu(second), *gnu(first)))
    assert found.compiler.endswith(f"/{first}gcc")


def test_cross_compile_names_another(tmp_path: Path) -> None:
    environ = programs(tmp_path, *gnu("aarch64-linux-gnu-"), *gnu("mine-"))
    found = toolchain.find("gcc", environ | {"CROSS_COMPILE": "mine-"})
    assert found.compiler == str(tmp_path / "mine-gcc")


def test_clang_is_told_its_target(tmp_path: Path) -> None:
    found = toolchain.find("clang", programs(tmp_path, "clang", "ld.lld", "llvm-objcopy"))
    assert found.name == "clang"
    assert "--target=aarch64-none-elf" in found.compile


@pytest.mark.parametrize(("compiler", "own"), [("gcc", "-fg"), ("clang", "-fc")])
def test_the_flags_of_a_variant_come_last(tmp_path: Path, compiler: str, own: str) -> None:
    tools = ("clang", "ld.lld", "llvm-objcopy", *gnu("aarch64-linux-gnu-"))
    environ = programs(tmp_path, *tools)
    variant = VariantDef("O0", "", ("-O0",), ("-fg",), ("-fc",), ("-z", "now"))
    plain, found = (toolchain.find(compiler, environ, each) for each in (None, variant))
    assert found.name == f"{compiler}-O0"
    assert found.compile == plain.compile
    assert found.variant == ("-O0", own)
    assert found.link == (*plain.link, "-z", "now")


@pytest.mark.parametrize(
    ("compiler", "there", "missing", "package"),
    [
        ("gcc", [], "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu (Debian"),
        ("gcc", ["aarch64-linux-gnu-gcc"], "aarch64-linux-gnu-ld", "gcc-aarch64-linux-gnu"),
        ("clang", [], "clang", "install clang, lld and llvm"),
        ("clang", ["clang"], "ld.lld", "install clang, lld and llvm"),
        ("clang", ["clang", "ld.lld"], "llvm-objcopy", "install clang, lld and llvm"),
    ],
)
def test_a_missing_tool_is_named_with_its_package(
    tmp_path: Path, compiler: str, there: list[str], missing: str, package: str
) -> None:
    with pytest.raises(MissingToolError) as caught:
        toolchain.find(compiler, programs(tmp_path, *there))
    assert caught.value.message == f"{missing} is not installed (not found in PATH)"
    assert package in caught.value.hint


def test_zig_is_the_llvm_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path / "ziglang", "zig")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = toolchain.find("zig", {"PATH": ""})
    assert found.compile[:3] == (f"{tmp_path}/ziglang/zig", "clang", "--target=aarch64-none-elf")
    assert found.link[:2] == (f"{tmp_path}/ziglang/zig", "ld.lld")
    assert found.compile[-1] == f"{tmp_path}/ziglang/lib/include"
    before = found.identity()
    (tmp_path / "ziglang/zig").write_text("newer")
    assert found.identity() != before


def test_the_first_compiler_that_is_there_is_preferred(tmp_path: Path) -> None:
    assert toolchain.preferred(programs(tmp_path / "none")) in {"gcc", "zig"}
    environ = programs(tmp_path / "a", "clang", "ld.lld", "llvm-objcopy")
    assert toolchain.preferred(environ) == "clang"
    programs(tmp_path / "a", *gnu("aarch64-linux-gnu-"))
    assert toolchain.preferred(environ) == "gcc"


def test_a_choice_is_kept_until_it_is_forgotten(tmp_path: Path) -> None:
    tree = str(tmp_path)
    assert toolchain.choice(tree) is None
    toolchain.choose(tree, "clang")
    assert toolchain.choice(tree) == "clang"
    (tmp_path / "build/compiler").write_text("icc\n")
    assert toolchain.choice(tree) is None
    toolchain.choose(tree, None)
    toolchain.choose(tree, None)
    assert toolchain.choice(tree) is None


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_unpacked_tools_come_after_those_of_path(tmp_path: Path, variable: str) -> None:
    cache = tmp_path / (".cache" if variable == "HOME" else "")
    bin_ = cache / "kut/tools/gcc/bin"
    bin_.mkdir(parents=True)
    programs(bin_, *gnu("aarch64-linux-gnu-"))
    environ = {"PATH": str(tmp_path / "own"), variable: str(tmp_path)}
    assert toolchain.find("gcc", environ).compiler == f"{bin_}/aarch64-linux-gnu-gcc"
    programs(tmp_path / "own", *gnu("aarch64-linux-gnu-"))
    assert toolchain.find("gcc", environ).compiler == f"{tmp_path}/own/aarch64-linux-gnu-gcc"


def test_another_compiler_is_refused() -> None:
    with pytest.raises(UsageError, match='unknown compiler "icc"'):
        toolchain.find("icc", {})


def test_programs_are_files_that_can_be_run_in_the_order_of_path(tmp_path: Path) -> None:
    (tmp_path / "a/tool").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/tool").touch(mode=0o644)
    programs(tmp_path / "c", "tool")
    programs(tmp_path / "d", "tool")
    path = ":".join(str(tmp_path / name) for name in "abcd")
    assert toolchain.find_program("tool", {"PATH": path}) == str(tmp_path / "c/tool")
    assert toolchain.find_program("tool", {"PATH": str(tmp_path / "b")}) is None


def test_an_upgraded_tool_is_another_toolchain(tmp_path: Path) -> None:
    environ = programs(tmp_path, *gnu("aarch64-linux-gnu-"))
    before = toolchain.find("gcc", environ).identity()
    assert toolchain.find("gcc", environ).identity() == before
    (tmp_path / "aarch64-linux-gnu-ld").write_text("newer")
    assert toolchain.find("gcc", environ).identity() != before


def test_a_compiler_that_never_answers_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cc"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    monkeypatch.setattr(toolchain, "_TIME_LIMIT", 0.2)
    found = toolchain.Toolchain("gcc", (str(program), "-O2"), (), ())
    assert found.major_version() == ""
