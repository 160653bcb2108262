# SPDX-License-Identifier: GPL-2.0-or-later
"""The framework in a checkout of kvm-unit-tests: changes, patches, and refusals."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import realtree
from click.testing import CliRunner

from kut_runner.cli import kut
from kut_runner.errors import KutError, UsageError
from kut_runner.export import framework

pytestmark = pytest.mark.qemu

TEST = "guest-mmio"
MAKEFILE = """\
cflatobjs += lib/arm64/stack.o
OBJDIRS += lib/arm64
tests = $(TEST_DIR)/timer.$(exe)
include $(SRCDIR)/$(TEST_DIR)/Makefile.common
arch_clean: arm_clean
"""
OFFSETS = (
    "#include <asm/ptrace.h>\nint main(void)\n{\n\tOFFSET(S_X0, pt_regs, regs);\n\n\treturn 0;\n}\n"
)
REGISTERS = "#define ICC_PMR_EL1\t\tsys_reg(3, 0, 4, 6, 0)\n"
FILES = {
    "run_tests.sh": "",
    "arm/Makefile.arm64": MAKEFILE,
    "arm/unittests.cfg": "[timer]\nfile = timer.flat\n",
    "lib/arm64/asm-offsets.c": OFFSETS,
    "lib/arm64/asm/sysreg.h": REGISTERS,
    "lib/arm64/asm/gic-v3.h": "",
}
ASSEMBLER_HEADERS = r"lib/arm(64)?/asm/(assembler|cfi|host-vector)\.h"
#: Complaints of checkpatch that remain, each with the files that may have it, and the reason. Code
#: of kvm-unit-tests has all but the first two as well.
REMAINING = {
    "FILE_PATH_CHANGES": ("", "MAINTAINERS names directories"),
    "USE_SPINLOCK_T": ("", "kvm-unit-tests has struct spinlock only"),
    "AVOID_EXTERNS": ("", "symbols of assembly and of the linker are declared where they are used"),
    "COMPLEX_MACRO": ("", "lists of registers by X(...)"),
    "LINE_SPACING": (ASSEMBLER_HEADERS, "macros of the assembler are no declarations"),
    "MACRO_ARG_UNUSED": ("", "columns of lists of registers"),
    "MEMORY_BARRIER": ("", "smp_load_acquire() and smp_store_release() of one variable"),
    "PREFER_DEFINED_ATTRIBUTE_MACRO": (r"guest-bridge\.h|arm/", "it defines these macros"),
    "VOLATILE": ("", "accesses of guests, which must be made"),
}


def git(checkout: Path, *arguments: str) -> str:
    command = ["git", "-C", str(checkout), "-c", "user.name=A", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout that has what the export reads and changes."""
    directory = tmp_path / "kvm-unit-tests"
    for path, text in FILES.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    git(tmp_path, "init", "-q", str(directory))
    git(directory, "config", "user.name", "A Contributor")
    git(directory, "config", "user.email", "a@example.org")
    git(directory, "add", ".")
    git(directory, "commit", "-q", "-m", "first")
    return directory


def export(checkout: Path, *arguments: str) -> list[str]:
    """Call `kut export` for one test; return the lines of its output."""
    command = ["--root", str(realtree.ROOT), "export", "kvm-unit-tests", str(checkout)]
    result = CliRunner().invoke(kut, [*command, *arguments], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output.splitlines()


def texts(checkout: Path) -> dict[str, str]:
    return {
        str(path.relative_to(checkout)): path.read_text()
        for path in sorted(checkout.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def test_the_framework_and_a_test_are_added(checkout: Path) -> None:
    printed = export(checkout, TEST)
    changed = texts(checkout)
    assert set(printed) == {path for path in changed if changed[path] != FILES.get(path)}
    makefile = changed["arm/Makefile.arm64"]
    assert "cflatobjs += lib/arm64/guest-entry.o\n" in makefile
    assert f"tests += $(TEST_DIR)/{TEST}.$(exe)\n" in makefile
    assert f"$(TEST_DIR)/{TEST}.elf: $(TEST_DIR)/{TEST}-asm.o" in makefile
    assert makefile.index("include ") < makefile.index("$(asm-offsets)"), "`all` is the first rule"
    entry = changed["arm/unittests.cfg"].partition(f"\n[{TEST}]\n")[2]
    assert entry.startswith(f"file = {TEST}.flat\n")
    assert "groups = guest\n" in entry
    assert "\tOFFSET(GUEST_X0, guest, x[0]);\n" in changed["lib/arm64/asm-offsets.c"]
    assert "#include <asm/guest-bridge.h>\n" in changed["lib/arm64/guest.c"]
    assert changed["lib/arm64/guest.c"].startswith("// SPDX-License-Identifier: GPL-2.0-or-later\n")


def test_registers_that_the_checkout_numbers_are_read_by_number(checkout: Path) -> None:
    (checkout / "lib/arm64/asm/sysreg.h").write_text(f"{REGISTERS}#define ICH_VTR_EL2 sys_reg(0)\n")
    git(checkout, "commit", "-q", "-a", "-m", "a register")
    export(checkout, TEST)
    text = (checkout / "lib/arm64/vgic-v3.c").read_text()
    assert "read_sysreg_s(ICH_VTR_EL2)" in text
    assert "read_sysreg(ICH_MISR_EL2)" in text


def test_an_export_may_be_repeated(checkout: Path) -> None:
    export(checkout, TEST)
    once = texts(checkout)
    export(checkout, TEST, "--force")
    assert texts(checkout) == once


def test_a_patch_makes_the_same_changes(checkout: Path, tmp_path: Path) -> None:
    before, patch = texts(checkout), tmp_path / "a.patch"
    export(checkout, TEST, "-o", str(patch), "-s")
    assert texts(checkout) == before, "-o leaves the checkout as it is"
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(checkout), str(other))
    git(other, "am", "-q", str(patch))
    export(checkout, TEST)
    assert texts(other) == texts(checkout)
    message = git(other, "log", "-1", "--format=%an <%ae>%n%B")
    assert message.startswith("A Contributor <a@example.org>\narm64: Add stage-2 page tables")
    assert "Signed-off-by: A Contributor <a@example.org>" in message


def refused(checkout: Path, match: str, *arguments: str) -> None:
    before = texts(checkout)
    with pytest.raises(UsageError, match=match):
        export(checkout, *(arguments or (TEST,)))
    assert texts(checkout) == before


def test_other_directories_are_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is not a source tree of kvm-unit-tests: it has no arm/Makefile.arm64")


def test_changes_that_are_not_committed_are_kept(checkout: Path) -> None:
    (checkout / "arm/unittests.cfg").write_text("[mine]\n")
    refused(checkout, r"has changes that are not committed: arm/unittests\.cfg")
    export(checkout, TEST, "--force")
    assert (checkout / "arm/unittests.cfg").read_text().startswith("[mine]\n\n[guest-mmio]\n")


def test_a_patch_is_for_the_last_commit(checkout: Path, tmp_path: Path) -> None:
    (checkout / "arm/unittests.cfg").write_text("[mine]\n")
    output = tmp_path / "a.patch"
    refused(checkout, r"not committed: arm/unittests\.cfg", TEST, "-o", str(output))
    assert not output.exists()
    git(checkout, "checkout", "-q", ".")
    (checkout / "notes").write_text("of no file of the patch\n")
    export(checkout, TEST, "-o", str(output))
    git(checkout, "am", "-q", str(output))


def test_a_tree_without_the_default_tests_exports_its_own(checkout: Path, tmp_path: Path) -> None:
    tree = tmp_path / "mine"
    command = ["--root", str(tree), "export", "kvm-unit-tests", str(checkout)]
    runner = CliRunner()
    assert not runner.invoke(kut, ["new", "--tree", str(tree)]).exception
    result = runner.invoke(kut, command, standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "does not have the tests of kut that are exported by default" in str(result.exception)
    result = runner.invoke(kut, [*command, "first"], standalone_mode=False)
    assert not result.exception, result.output
    assert (checkout / "arm/first.c").exists()
    assert (checkout / "lib/arm64/guest.c").exists()


def test_a_test_of_kvm_unit_tests_is_kept(checkout: Path) -> None:
    (checkout / "arm/timer.c").write_text("/* Copyright of others */\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "a test")
    refused(checkout, r"arm/timer\.c exists, and is not kut's", "timer")


def test_a_directory_without_git_is_kept(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    refused(checkout, "is not a git checkout")


def test_another_framework_is_kept(checkout: Path) -> None:
    (checkout / "lib/arm64/guest.c").write_text("/* Copyright of others */\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "another framework")
    refused(checkout, r"lib/arm64/guest\.c exists, and is not kut's")


def test_a_test_that_does_not_exist_is_refused(checkout: Path) -> None:
    refused(checkout, "no test image is called 'guest-mmi'", "guest-mmi")


def test_a_makefile_that_has_changed_is_refused(checkout: Path) -> None:
    (checkout / "arm/Makefile.arm64").write_text(MAKEFILE.replace("OBJDIRS", "DIRS"))
    git(checkout, "commit", "-q", "-a", "-m", "another makefile")
    with pytest.raises(KutError, match=r"has no line 'OBJDIRS \+= lib/arm64'"):
        export(checkout, TEST)


upstream = os.environ.get("KVM_UNIT_TESTS", "")
needs_upstream = pytest.mark.skipif(
    not upstream, reason="KVM_UNIT_TESTS is not set: a checkout of kvm-unit-tests"
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone of upstream with the default export."""
    directory = tmp_path / "clone"
    git(tmp_path, "clone", "-q", upstream, str(directory))
    export(directory)
    return directory


@needs_upstream
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_it_builds_and_passes_in_kvm_unit_tests(clone: Path, compiler: str) -> None:
    options = ["--arch=arm64", "--cross-prefix=aarch64-linux-gnu-", "--page-size=4k"]
    if compiler == "clang":
        options += ["--cc=clang", "--cflags=--target=aarch64-linux-gnu"]
    subprocess.run(["./configure", *options], cwd=clone, check=True, capture_output=True)
    made = subprocess.run(
        ["make", "-j2"],  # noqa: S607 - as found along PATH
        cwd=clone,
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[-4000:]
    environment = os.environ | {"EL2": "1", "ACCEL": "tcg"}
    ran = subprocess.run(
        ["./run_tests.sh", "-g", "guest"],
        cwd=clone,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    passed = re.findall(r"PASS\S* (\S+)", ran.stdout)
    assert sorted(passed) == sorted(framework.TESTS), ran.stdout


def complaints(checkout: Path, *arguments: str) -> list[tuple[str, str]]:
    """Return the complaints of checkpatch, each as its type and its line."""
    script = checkout / "scripts/checkpatch.pl"
    if not (script.is_file() and shutil.which("perl")):
        pytest.skip("no scripts/checkpatch.pl in the checkout, or no perl")
    options = ["--no-tree", "--show-types", "--terse", "--showfile", "--max-line-length=100"]
    done = subprocess.run(
        ["perl", str(script), *options, *arguments],  # noqa: S607 - as found along PATH
        cwd=checkout,
        check=False,
        capture_output=True,
        text=True,
    )
    assert re.search(r"^total: ", done.stdout, re.MULTILINE), done.stderr
    return [
        (match[1], match[0])
        for match in re.finditer(r"^.*: (?:ERROR|WARNING):(\w+): .*$", done.stdout, re.MULTILINE)
    ]


def unexpected(found: list[tuple[str, str]]) -> list[str]:
    """Return the lines of complaints that are not among those that remain."""
    return [
        line
        for kind, line in found
        if kind not in REMAINING or not re.search(REMAINING[kind][0], line)
    ]


@needs_upstream
def test_checkpatch_of_upstream_has_no_complaint(clone: Path, tmp_path: Path) -> None:
    patch = tmp_path / "a.patch"
    git(clone, "stash", "-q", "-u")
    git(clone, "config", "user.name", "A Contributor")
    git(clone, "config", "user.email", "a@example.org")
    export(clone, "-o", str(patch), "-s")
    found = complaints(clone, str(patch))
    assert not unexpected(found)
    assert {kind for kind, _ in found} == set(REMAINING), "REMAINING has what is gone"


@needs_upstream
def test_complaints_that_remain_are_upstreams_too(clone: Path) -> None:
    git(clone, "stash", "-q", "-u")
    sources = [
        path
        for directory in ("lib/arm", "lib/arm64", "arm")
        for path in sorted((clone / directory).rglob("*.[chS]"))
    ]
    found = complaints(clone, "-f", *(str(path.relative_to(clone)) for path in sources))
    upstreams = {kind for kind, line in found if not unexpected([(kind, line)])}
    assert upstreams == set(REMAINING) - {"FILE_PATH_CHANGES", "USE_SPINLOCK_T"}
