# SPDX-License-Identifier: GPL-2.0-or-later
"""Every variant builds, differs from the plain build, and runs; documents and CI know them all."""

import os
import re
import struct
from pathlib import Path

import pytest
import realtree

from kut_runner.build import builder, toolchain
from kut_runner.definitions import config, fields
from kut_runner.definitions.config import VariantDef

CONFIG = config.load(realtree.ROOT / "configs")
VARIANTS = CONFIG.variants
DOCUMENT = (realtree.ROOT / "docs/variants.md").read_text()

#: Of the host, and of guests; all tests of every variant take minutes: a nightly job runs them.
SMALL = ("selftest", "selftest-odd-memory", "guest-vectors")
IMAGES = {each.name: each.image for each in CONFIG.tests if each.name in SMALL}

#: GCC for all, and Clang where its flags are others.
BUILDS = [("gcc", each) for each in VARIANTS]
BUILDS += [("clang", each) for each in VARIANTS if each.compile_clang]


def rows(text: str, columns: int) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns]


def flags(variant: VariantDef) -> str:
    parts = (
        ("", variant.compile),
        ("GCC: ", variant.compile_gcc),
        ("Clang: ", variant.compile_clang),
    )
    return "; ".join(f"{who}`{' '.join(options)}`" for who, options in parts if options)


def test_the_document_has_every_variant() -> None:
    assert [row for row in rows(DOCUMENT, 4) if not row[0].startswith("`hardening-")] == [
        [
            f"`{each.name}`",
            flags(each),
            f"`{' '.join(each.link)}`" if each.link else "",
            each.about,
        ]
        for each in VARIANTS
    ]


def hardened() -> list[tuple[str, str, str, list[str]]]:
    """Test, variant, compiler and messages of each cell; several depend on the CPU."""
    table = [row for row in rows(DOCUMENT, 4) if row[0].startswith("`hardening-")]
    return [
        (name.strip("`"), variant.strip("`"), compiler, re.findall("`([^`]+)`", cell))
        for name, variant, *cells in table
        for compiler, cell in zip(("gcc", "clang"), cells, strict=True)
    ]


def test_the_document_has_every_hardening_test() -> None:
    tests = config.load(realtree.ROOT / "configs").tests
    defined = {each.name for each in tests if each.name.startswith("hardening-")}
    assert {row[0] for row in hardened()} == defined


@pytest.mark.qemu
@pytest.mark.parametrize(("name", "variant", "compiler", "messages"), hardened())
def test_a_hardened_build_stops_what_it_is_for(
    name: str, variant: str, compiler: str, messages: list[str], tmp_path: Path
) -> None:
    report = realtree.run(tmp_path, "--compiler", compiler, "--variant", variant, name)
    (test,) = report["tests"]
    assert test["status"] == "crash"
    assert any(message in test["reason"] for message in messages), test["reason"]


#: A variant, what holds it up in which file, what stands there instead, the test that sees it.
LEFT_OUT = [
    ("branch-protection", "lib/arm64/start.S", "#SCTLR_ELx_EnIA", "#0x10", "forged-return"),
    ("branch-protection", "lib/arm64/mmu.c", "PTE_RDONLY | PTE_GP", "PTE_RDONLY", "landing"),
]


@pytest.mark.qemu
@pytest.mark.parametrize(("variant", "file", "find", "replace", "name"), LEFT_OUT)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_without_its_hold_nobody_notices(  # noqa: PLR0913, PLR0917 - a row of a table
    compiler: str, variant: str, file: str, find: str, replace: str, name: str, tmp_path: Path
) -> None:
    path = realtree.copy(tmp_path, compiler=f"{compiler}-{variant}") / file
    source = path.read_text()
    assert source.count(find) == 1
    path.write_text(source.replace(find, replace))
    report = realtree.run(
        *(tmp_path, "--compiler", compiler, "--variant", variant, f"hardening-{name}"),
        root=tmp_path,
    )
    assert [test["status"] for test in report["tests"]] == ["pass"]


@pytest.mark.qemu
def test_a_page_that_is_memory_in_part_is_not_mapped(tmp_path: Path) -> None:
    """A mutant that only large pages show: QEMU's memory is a multiple of 8 KiB."""
    path = realtree.copy(tmp_path, compiler="gcc-page-64k") / "lib/arm64/mmu.c"
    source, find = path.read_text(), "end = region->end & PAGE_MASK;"
    assert source.count(find) == 1
    path.write_text(source.replace(find, "end = PAGE_ALIGN(region->end);"))
    report = realtree.run(
        tmp_path, "--variant", "page-64k", "selftest", "selftest-odd-memory", root=tmp_path
    )
    results = {test["id"]: test["status"] for test in report["tests"]}
    assert results == {"selftest": "pass", "selftest-odd-memory": "fail"}


@pytest.mark.qemu
@pytest.mark.parametrize("variant", ["page-16k", "page-64k"])
def test_mappings_of_less_than_a_block_work_with_large_pages(variant: str, tmp_path: Path) -> None:
    report = realtree.run(tmp_path, "--variant", variant, "at", "library-meanings", "pci")
    results = {test["id"]: test["status"] for test in report["tests"]}
    assert results == {"at": "pass", "library-meanings": "pass", "pci": "pass"}


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_signed_return_addresses_are_in_stacks(compiler: str, tmp_path: Path) -> None:
    names = "misbehave-assert", "misbehave-guest-deep"
    variant = "branch-protection"
    report = realtree.run(tmp_path, "--compiler", compiler, "--variant", variant, *names)
    for test in report["tests"]:
        functions = [frame["function"] for frame in test["diagnosis"]["frames"]]
        assert functions[-3:] == ["main", "start_image", "entry"], test["id"]


def test_hosts_without_vhe_run_with_pages_of_16k() -> None:
    """QEMU's Cortex-A53, A57 and A72 have none; its Cortex-A35 has, and no VHE either.

    A test that needs more of the CPU clears HCR_EL2.E2H of the newest one.
    """
    tests = config.load(realtree.ROOT / "configs").tests
    cpus = {each.cpu for each in tests if "nvhe" in each.groups and "nodefault" not in each.groups}
    assert cpus == {"cortex-a35", "max"}


def test_the_document_has_every_key_and_a_valid_example(tmp_path: Path) -> None:
    assert [row[0].strip("`") for row in rows(DOCUMENT, 3)] == list(fields.VARIANT_FIELDS)
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "variants.toml").write_text(example)
    (variant,) = config.load(tmp_path).variants
    assert variant.compile_gcc == ("-fno-ipa-icf",)


def test_the_nightly_job_runs_every_variant() -> None:
    text = (realtree.ROOT / ".github/workflows/variants.yml").read_text()
    listed = re.findall(r"^ +- ([\w-]+)$", text.partition("variant:\n")[2], re.MULTILINE)
    assert listed == [each.name for each in VARIANTS]


def load_alignments(elf: Path) -> set[int]:
    """p_align of each PT_LOAD of a little-endian 64-bit ELF file."""
    data = elf.read_bytes()
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    headers = [struct.unpack_from("<IIQQQQQQ", data, table + size * at) for at in range(count)]
    return {header[7] for header in headers if header[0] == 1}


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("compiler", "variant"), BUILDS, ids=lambda value: getattr(value, "name", value)
)
def test_a_variant_is_another_build_that_passes(
    compiler: str, variant: VariantDef, tmp_path: Path
) -> None:
    report = realtree.run(
        tmp_path, "--compiler", compiler, "--variant", variant.name, "--timeout", "60", *SMALL
    )
    assert {test["id"]: test["status"] for test in report["tests"]} == dict.fromkeys(SMALL, "pass")
    plain = builder.build(
        realtree.ROOT, toolchain.find(compiler, os.environ), sorted(set(IMAGES.values()))
    )
    built = {test["id"]: plain[IMAGES[test["id"]]].build_id for test in report["tests"]}
    assert all(test["build_id"] != built[test["id"]] for test in report["tests"])
    for size in (flag.partition("=")[2] for flag in variant.link if "page-size" in flag):
        elf = realtree.ROOT / f"build/{compiler}-{variant.name}/selftest.elf"
        assert min(load_alignments(elf)) == int(size)
