# SPDX-License-Identifier: GPL-2.0-or-later
"""Sources of kvm-unit-tests for arm64, unchanged: they compile, and give upstream's verdicts.

They are read from the checkout that $KVM_UNIT_TESTS names, and those of the series for guests from
the directory $KVM_UNIT_TESTS_SERIES; `upstream.toml` lists the tests.
"""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import realtree

TESTS: Mapping[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("upstream.toml").read_text()
)
IMAGES = sorted({test.get("image", name) for name, test in TESTS.items()})
#: Keys that are no keys of a test definition.
OWN_KEYS = ("verdict", "slow", "timing", "auxinfo")
LEVELS = {"el1": "off", "el2": "on"}

#: `./run_tests.sh` tells images that all errata are fixed when it runs them with tcg.
ENVIRONMENT = "ERRATA_FORCE=y\n"
KUT_TOML = 'library = "kut>=0.1"\nsources = "kvm-unit-tests"\n'
AUXINFO = """\
#include <auxinfo.h>
struct auxinfo auxinfo = {{ .progname = "arm/{image}.flat", .flags = {flags} }};
"""

#: Headers with all names that tests of kvm-unit-tests may use.
COMPLETE = (
    "libcflat.h",
    "util.h",
    "argv.h",
    "string.h",
    "stdlib.h",
    "bitops.h",
    "linux/const.h",
    "linux/compiler.h",
    "errata.h",
    "auxinfo.h",
    "migrate.h",
    "cpumask.h",
    "on-cpus.h",
    "pci.h",
    "linux/psci.h",
    "asm/smp.h",
    "asm/spinlock.h",
    "asm/pci.h",
    "asm/psci.h",
    "asm/arm-smccc.h",
    "asm/gic.h",
    "asm/gic-v3-its.h",
    "asm/timer.h",
    "asm/delay.h",
)
#: Names in them that only the library of kvm-unit-tests uses, beside those that begin with _.
OF_THE_LIBRARY = {
    *("setup_args", "add_setup_arg", "set_cpu_present", "cpu_psci_cpu_boot", "timer_save_state"),
    *("COMPILER_HAS_GENERIC_BUILTIN_OVERFLOW", "GCC_VERSION", "CONFIG_ERRATA_FORCE"),
}

checkout = os.environ.get("KVM_UNIT_TESTS", "")
series = os.environ.get("KVM_UNIT_TESTS_SERIES", "")
pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(
        not checkout, reason="KVM_UNIT_TESTS is not set: a checkout of kvm-unit-tests"
    ),
]


def source_of(image: str) -> Path | None:
    paths = [Path(top, f"{image}.c") for top in (f"{checkout}/arm", series) if top]
    return next((path for path in paths if path.exists()), None)


def require_source(image: str) -> None:
    if not source_of(image):
        pytest.skip(f"{checkout} has no arm/{image}.c, and KVM_UNIT_TESTS_SERIES no {image}.c")


def toml(value: object) -> str:
    """A value of TOML: a string, number, boolean or list as JSON has it, or an inline table."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"


def definition(name: str, level: str) -> str:
    test = {key: value for key, value in TESTS[name].items() if key not in OWN_KEYS}
    test["machine"] = {"virtualization": LEVELS[level], **test.get("machine", {})}
    test = {"image": name, **test}
    return "".join(
        [f"[test.{name}-{level}]\n", *(f"{key} = {toml(each)}\n" for key, each in test.items())]
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("upstream")
    (top / "arm").mkdir()
    (top / "configs").mkdir()
    (top / "kut.toml").write_text(KUT_TOML)
    (top / "environment").write_text(ENVIRONMENT)
    there = {image: found for image in IMAGES if (found := source_of(image))}
    for path in there.values():
        shutil.copy(path, top / "arm")
    for name, test in TESTS.items():
        if flags := test.get("auxinfo"):
            image = test.get("image", name)
            (top / "arm" / image).mkdir()
            source = AUXINFO.format(image=image, flags=flags)
            (top / "arm" / image / "auxinfo.c").write_text(source)
    options = ["-initrd", str(top / "environment"), "-device", "pci-testdev"]
    defaults = f'[defaults]\nno_checks = "pass"\nqemu_args = {json.dumps(options)}\n'
    names = [name for name, test in TESTS.items() if test.get("image", name) in there]
    tests = [definition(name, level) for name in names for level in LEVELS]
    (top / "configs/tests.toml").write_text("\n".join([defaults, *tests]))
    return top


def qemu_version() -> str:
    qemu = os.environ.get("KUT_QEMU") or os.environ.get("QEMU") or "qemu-system-aarch64"
    text = subprocess.run([qemu, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)", text)
    assert found, text
    return found[1]


def expected(name: str, level: str, qemu: str) -> str:
    verdict = TESTS[name]["verdict"]
    if isinstance(verdict, str):
        return verdict
    keys = (f"{level}-{qemu}", level, "other")
    return str(next(verdict[key] for key in keys if key in verdict))


@pytest.mark.parametrize("image", IMAGES)
def test_a_source_compiles_unchanged(tree: Path, image: str) -> None:
    require_source(image)
    done = realtree.kut(tree, "--root", tree, "build", image)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("image", IMAGES)
def test_verdicts_are_those_of_upstream(tree: Path, image: str) -> None:
    require_source(image)
    slow = os.environ.get("KVM_UNIT_TESTS_SLOW") == "1"
    names = [
        name
        for name, test in TESTS.items()
        if test.get("image", name) == image and (slow or not test.get("slow"))
    ]
    if not names:
        pytest.skip("takes minutes of CPU time; runs with KVM_UNIT_TESTS_SLOW=1")
    qemu = qemu_version()
    wanted = {f"{name}-{level}": expected(name, level, qemu) for name in names for level in LEVELS}
    alone = (
        ("--retries", "20", "-j", "1") if any(TESTS[name].get("timing") for name in names) else ()
    )
    done = realtree.kut(tree, "--root", tree, "run", *alone, *wanted)
    assert (tree / "build/logs/results.json").exists(), done.stderr
    found = {test["id"]: test["status"] for test in realtree.last_run(tree)["tests"]}
    found = {test: "pass" if status == "flaky" else status for test, status in found.items()}
    assert found == wanted, done.stdout


class Headers:
    """The headers of a library for arm64: by name, as an #include has it."""

    def __init__(self, library: Path, *directories: str) -> None:
        self.roots = [library / directory for directory in directories]

    def path(self, name: str) -> Path | None:
        return next((root / name for root in self.roots if (root / name).is_file()), None)

    def names(self) -> set[str]:
        paths = {path: root for root in self.roots for path in root.rglob("*.h")}
        return {str(path.relative_to(root)) for path, root in paths.items()}

    def included(self, name: str) -> dict[str, str]:
        """The texts of a header and of those that it includes, without comments."""
        found: dict[str, str] = {}
        self._include(name, found)
        return found

    def _include(self, name: str, found: dict[str, str]) -> None:
        path = self.path(name)
        if not path or name in found:
            return
        found[name] = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        for quote, other in re.findall(r'#\s*include\s*([<"])([^>"]+)', found[name]):
            beside = (path.parent / other).resolve()
            tops = [root for root in self.roots if root.resolve() in beside.parents]
            if quote == '"' and tops and beside.exists():
                self._include(str(beside.relative_to(tops[-1].resolve())), found)
            self._include(other, found)


def headers() -> tuple[Headers, Headers]:
    """Those of kvm-unit-tests, and those of kut."""
    upstream = Headers(Path(checkout, "lib"), ".", "arm", "arm64")
    return upstream, Headers(realtree.ROOT / "lib", ".", "arm64")


def test_headers_include_what_those_of_upstream_include() -> None:
    upstream, ours = headers()
    there = ours.names() & upstream.names()
    left_out = {
        name: missing
        for name in there
        if (missing := (upstream.included(name).keys() & there) - ours.included(name).keys())
    }
    assert len(there) > 30
    assert not left_out


@pytest.mark.parametrize("name", COMPLETE)
def test_a_complete_header_has_the_names_of_upstreams(name: str) -> None:
    upstream, ours = headers()
    text = upstream.included(name)[name]
    patterns = (
        r"(?m)^\s*#\s*define\s+(\w+)",
        r"\b(?:struct|enum|union)\s+(\w+)\s*\{",
        r"\btypedef\b[^;{]*?(\w+)\s*;",
        r"\bextern\b[^;(]*?(\w+)(?:\[[^]]*\])*\s*;",
        r"\b(\w+)\s*\([^;{}()]*\)\s*(?:;|\n?\{)",
    )
    wanted = {found for pattern in patterns for found in re.findall(pattern, text)}
    guards = set(re.findall(r"#\s*ifndef\s+(\w+_H_*)\b", text))
    found = {word for part in ours.included(name).values() for word in re.findall(r"\w+", part)}
    assert {
        each for each in wanted - found - guards - OF_THE_LIBRARY if not each.startswith("_")
    } == set()
