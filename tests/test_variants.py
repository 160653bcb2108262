# SPDX-License-Identifier: GPL-2.0-or-later
"""Every variant builds, differs from the plain build, and runs; documents and CI know them all."""

import os
import re
import struct
from pathlib import Path

import pytest
import realtree

from kut_runner import build, config, toolchain
from kut_runner.config import VariantDef

VARIANTS = config.load(realtree.ROOT / "configs").variants
DOCUMENT = (realtree.ROOT / "docs/variants.md").read_text()

#: Of the host, and of guests; all tests of every variant take minutes: a nightly job runs them.
SMALL = ("selftest", "guest-vectors")

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
    return "; ".join(f"{who}`{' '.join(words)}`" for who, words in parts if words)


def test_the_document_has_every_variant() -> None:
    assert rows(DOCUMENT, 4) == [
        [
            f"`{each.name}`",
            flags(each),
            f"`{' '.join(each.link)}`" if each.link else "",
            each.about,
        ]
        for each in VARIANTS
    ]


def test_the_document_has_every_key_and_a_valid_example(tmp_path: Path) -> None:
    assert [row[0].strip("`") for row in rows(DOCUMENT, 3)] == list(config._VARIANT_FIELDS)
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
    plain = build.build(realtree.ROOT, toolchain.find(compiler, os.environ), SMALL)
    assert all(test["build_id"] != plain[test["id"]].build_id for test in report["tests"])
    for size in (flag.partition("=")[2] for flag in variant.link if "page-size" in flag):
        elf = realtree.ROOT / f"build/{compiler}-{variant.name}/selftest.elf"
        assert min(load_alignments(elf)) == int(size)
