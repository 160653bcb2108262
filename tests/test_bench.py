# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut bench`: real counts, failures on regressions, and the figures in the documents."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import realtree

from kut_runner.build import toolchain
from kut_runner.errors import ConfigError
from kut_runner.run import bench

BASELINE = realtree.ROOT / "configs" / "bench-baseline.json"
#: Keys of the baseline: the compilers of Debian 12.
BUILDS = {"gcc": "gcc 12", "clang": "clang 14"}
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<value>\d+) \|", re.MULTILINE)


def kut_bench(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*realtree.KUT, "--root", str(root), "bench", *args],
        cwd=root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources whose baseline a test may change."""
    return realtree.copy(tmp_path_factory.mktemp("bench"))


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_count_has_grown(compiler: str, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = kut_bench(realtree.ROOT, "--compiler", compiler, "--json", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text())["metrics"]
    assert set(found) == set(json.loads(BASELINE.read_text())[BUILDS[compiler]])
    assert found["hvc_round_trip"]["value"] <= 52
    assert found["hvc_round_trip"]["unit"] == "instructions"
    assert found["boot_to_main"]["value"] <= 250_000


@pytest.mark.qemu
def test_growth_and_loss_fail_and_update_mends(tree: Path) -> None:
    baseline = tree / "configs" / "bench-baseline.json"
    build = f"gcc {toolchain.find('gcc', os.environ).major_version()}"
    assert kut_bench(tree, "--update").returncode == 0
    kept: dict[str, Any] = json.loads(baseline.read_text())
    kept[build]["hvc_round_trip"] = {"value": 51, "tolerance": 0}
    kept[build]["lost"] = {"value": 1}
    baseline.write_text(json.dumps(kept))
    done = kut_bench(tree)
    assert done.returncode == 1
    assert re.search(r"^hvc_round_trip .* TOO MUCH$", done.stdout, re.MULTILINE)
    assert re.search(r"^lost .* MISSING$", done.stdout, re.MULTILINE)
    assert kut_bench(tree, "--update").returncode == 0
    assert kut_bench(tree).returncode == 0
    assert json.loads(baseline.read_text())[build]["hvc_round_trip"]["tolerance"] == 0


@pytest.mark.qemu
def test_a_variant_is_not_held_against_the_plain_build(tmp_path: Path) -> None:
    out = tmp_path / "bench.json"
    done = kut_bench(realtree.ROOT, "--variant", "Os", "--json", str(out))
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == len(json.loads(BASELINE.read_text())[BUILDS["gcc"]])
    assert all(row.endswith(" new") for row in rows)
    assert json.loads(out.read_text())["compiler"] == "gcc-Os"


def test_documents_have_the_baseline() -> None:
    text = (realtree.ROOT / "docs" / "benchmarks.md").read_text()
    documented = {row["name"]: int(row["value"]) for row in ROW.finditer(text)}
    kept = bench.load_baseline(BASELINE, BUILDS["gcc"])
    assert documented == {name: each.value for name, each in kept.items()}


@pytest.mark.qemu
def test_boot_grows_as_documented() -> None:
    version = toolchain.find("gcc", os.environ).major_version()
    if f"gcc {version}" != BUILDS["gcc"]:
        pytest.skip(f"the documented counts are those of {BUILDS['gcc']}, and this is {version}")
    text = (realtree.ROOT / "docs" / "benchmarks.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    image = realtree.build("bench")
    assert len(rows) == 10
    for memory, cpus, documented in rows:
        _, output = realtree.boot(image, "", "-m", memory, "-smp", cpus, "-icount", "shift=0")
        (found,) = re.findall(r"boot_to_main (\d+) instructions", output)
        assert int(found) == pytest.approx(int(documented), rel=0.02), (memory, cpus)


@pytest.mark.parametrize("text", ["", "[]", '{"gcc": {"a": 1}}', '{"gcc": {"a": {"value": "x"}}}'])
def test_a_bad_baseline_is_an_error_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bench-baseline.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"bench-baseline\.json: not a baseline"):
        bench.load_baseline(path, "gcc")
