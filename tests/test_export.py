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
from kut_runner.export import framework, kvm_unit_tests

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


def test_the_bridge_has_the_data_of_a_cpu_that_the_framework_uses() -> None:
    def members(path: str) -> list[str]:
        text = (realtree.ROOT / path).read_text()
        body = text.partition("struct percpu {\n")[2].partition("\n};")[0]
        return [line.partition(";")[0].strip() for line in body.splitlines()]

    bridge = members("kut_runner/export/bridge/guest-bridge.h")
    assert bridge == members("lib/arm64/asm/thread_info.h") != []


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


def committed(checkout: Path, tmp_path: Path, *patches: Path) -> Path:
    """Return a clone of the checkout with the patches applied."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(checkout), str(other))
    git(other, "am", "-q", *map(str, patches))
    return other


def test_patches_make_the_same_changes(checkout: Path, tmp_path: Path) -> None:
    before, patch = texts(checkout), tmp_path / "a.mbox"
    (line,) = export(checkout, TEST, "-o", str(patch), "-s")
    assert texts(checkout) == before, "-o leaves the checkout as it is"
    other = committed(checkout, tmp_path, patch)
    export(checkout, TEST)
    assert texts(other) == texts(checkout)
    commits = git(other, "log", "--reverse", "--format=%an <%ae>%x00%s%x00%b%x01", "HEAD~1..")
    assert commits.startswith(f"A Contributor <a@example.org>\0arm64: Add test {TEST}\0Emulated")
    subjects = git(other, "log", "--reverse", "--format=%s").splitlines()[1:]
    assert line == f"{patch}: {len(subjects)} patches; `git am` applies them"
    assert subjects[0] == "lib: Add error numbers, subtests and shortages of memory"
    signed = git(other, "log", "--format=%(trailers:key=Signed-off-by,valueonly)").split("\n")
    assert signed.count("A Contributor <a@example.org>") == len(subjects)


def test_a_patch_is_a_file_of_its_own(checkout: Path, tmp_path: Path) -> None:
    before, directory = texts(checkout), tmp_path / "series"
    export(checkout, TEST, "--output-directory", str(directory))
    assert texts(checkout) == before
    patches = sorted(directory.iterdir())
    assert patches[0].name == "0001-lib-Add-error-numbers-subtests-and-shortages-of-memo.patch"
    subject = (
        f"Subject: [kvm-unit-tests PATCH {len(patches)}/{len(patches)}] arm64: Add test {TEST}"
    )
    assert f"\n{subject}\n" in patches[-1].read_text()
    other = committed(checkout, tmp_path, *patches)
    export(checkout, TEST)
    assert texts(other) == texts(checkout)


def test_headers_are_in_the_patch_that_needs_them_or_before(checkout: Path) -> None:
    changes = kvm_unit_tests.export(realtree.ROOT, checkout, ())
    new = {path for change in changes for path in change.files if path.endswith(".h")}
    there: set[str] = set()
    for change in changes:
        there |= change.files.keys()
        for path, text in change.files.items():
            for name in re.findall(r"^#include [<\"]([\w/.-]+)[>\"]", text, re.MULTILINE):
                places = {f"lib/{name}", f"lib/arm64/{name}", f"arm/{name}"} & new
                assert places <= there, f"{path} includes {name}, added after: {change.subject}"


def test_lines_have_100_columns(checkout: Path) -> None:
    changes = kvm_unit_tests.export(realtree.ROOT, checkout, ())
    wide = [
        f"{path}:{number}: {line}"
        for path, text in kvm_unit_tests.files_of(changes).items()
        if path.endswith((".c", ".h", ".S"))
        for number, line in enumerate(text.splitlines(), 1)
        if len(line.expandtabs(8)) > 100 and not line.lstrip().startswith('"')
    ]
    assert not wide, "checkpatch has exceptions for messages only"


def test_one_test_more_adds_only_its_patch(checkout: Path, tmp_path: Path) -> None:
    export(checkout, TEST)
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "exported")
    patch = tmp_path / "a.mbox"
    export(checkout, TEST, "stage2-vmid", "-o", str(patch))
    other = committed(checkout, tmp_path, patch)
    assert git(other, "log", "-1", "--format=%s").strip() == "arm64: Add test stage2-vmid"
    makefile = (other / "arm/Makefile.arm64").read_text()
    assert makefile.count("tests += $(TEST_DIR)/stage2-vmid.$(exe)\n") == 1
    assert makefile.count(f"$(TEST_DIR)/{TEST}.$(exe)\n") == 1


def test_patches_of_another_series_are_kept(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "0042-other.patch").write_text("other\n")
    output = ("--output-directory", str(tmp_path))
    refused(checkout, r"has patches of another series, such as 0042-other\.patch", TEST, *output)
    assert not list(tmp_path.glob("0001*"))


def test_one_output_at_a_time(checkout: Path, tmp_path: Path) -> None:
    outputs = ("-o", str(tmp_path / "a"), "--output-directory", str(tmp_path / "b"))
    refused(checkout, "exclude each other", TEST, *outputs)


def test_patches_that_cannot_be_written(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KutError, match="cannot be written"):
        export(checkout, TEST, "-o", str(tmp_path / "file/a"))
    with pytest.raises(KutError, match="cannot be written"):
        export(checkout, TEST, "--output-directory", str(tmp_path / "file/a"))


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


def configure(checkout: Path, compiler: str) -> None:
    options = ["--arch=arm64", "--cross-prefix=aarch64-linux-gnu-", "--page-size=4k"]
    if compiler == "clang":
        options += ["--cc=clang", "--cflags=--target=aarch64-linux-gnu"]
    subprocess.run(["./configure", *options], cwd=checkout, check=True, capture_output=True)


def make(checkout: Path) -> None:
    made = subprocess.run(
        ["make", "-j2"],  # noqa: S607 - as found along PATH
        cwd=checkout,
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[-4000:]


@needs_upstream
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_it_builds_and_passes_in_kvm_unit_tests(clone: Path, compiler: str) -> None:
    configure(clone, compiler)
    make(clone)
    ran = subprocess.run(
        ["./run_tests.sh", "-g", "guest"],
        cwd=clone,
        env=os.environ | {"EL2": "1", "ACCEL": "tcg"},
        check=False,
        capture_output=True,
        text=True,
    )
    passed = re.findall(r"PASS\S* (\S+)", ran.stdout)
    assert sorted(passed) == sorted(framework.TESTS), ran.stdout


@needs_upstream
@pytest.mark.skipif(
    os.environ.get("KVM_UNIT_TESTS_SLOW") != "1",
    reason="builds 33 times; runs with KVM_UNIT_TESTS_SLOW=1",
)
def test_each_patch_builds(clone: Path, tmp_path: Path) -> None:
    git(clone, "stash", "-q", "-u")
    patch = tmp_path / "a.mbox"
    git(clone, "config", "user.name", "A Contributor")
    git(clone, "config", "user.email", "a@example.org")
    export(clone, "-o", str(patch))
    configure(clone, "gcc")
    base = git(clone, "rev-parse", "HEAD").strip()
    git(clone, "am", "-q", str(patch))
    for commit in git(clone, "rev-list", "--reverse", f"{base}..HEAD").split():
        git(clone, "checkout", "-q", commit)
        make(clone)


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
    git(clone, "stash", "-q", "-u")
    git(clone, "config", "user.name", "A Contributor")
    git(clone, "config", "user.email", "a@example.org")
    export(clone, "--output-directory", str(tmp_path / "series"), "-s")
    found = complaints(clone, *map(str, sorted((tmp_path / "series").iterdir())))
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
