# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line in real processes: output and exit codes."""

import errno
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

import pytest

from kut_runner import __version__, cli
from kut_runner.views.outfile import OutFile


class Kut(Protocol):
    def __call__(
        self, *args: str, cwd: Path = ..., env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


def error(end: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of stderr, and check that they are no traceback."""
    assert end.stdout == ""
    assert "Traceback" not in end.stderr
    return end.stderr.splitlines()


@pytest.mark.parametrize(
    ("args", "code", "message", "hint"),
    [
        (["run", "nosuch"], 2, 'no test is called "nosuch"', "`kut list` shows"),
        (["run", "ome"], 2, 'no test is called "ome"', "did you mean one?"),
        (["run", "x*"], 4, 'no test matches "x*"', "`kut list` shows"),
        (["list", "x*"], 4, 'no test matches "x*"', "`kut list` shows"),
        (["run", "--jobs", "0"], 2, "Invalid value for '-j'", "see `kut run --help`"),
        (["run", "--timeout", "0"], 2, "Invalid value for '--timeout'", "see `kut run --help`"),
        (["run", "--timeout", "nan"], 2, "Invalid value for '--timeout'", "see `kut run --help`"),
        (["run", "--nosuch"], 2, "No such option", "see `kut run --help`"),
        (["run", "--root", "."], 2, "No such option '--root'", "it goes before the command"),
        (["watch", "--tree", "."], 2, "No such option '--tree'", "only `kut run` and `kut list`"),
        (["run", "--qemu", "/nosuch", "one"], 5, "no QEMU: /nosuch", "install it"),
        (["build", "nosuch"], 2, 'no image "nosuch"', "images: one two"),
        (["build", "tow"], 2, 'no image "tow"', "did you mean two?"),
        (["build", "arm/tow.c"], 2, 'no image "tow"', "did you mean two?"),
        (["run", "arm/tow.c"], 2, 'no test has the image "tow" of arm/tow.c', "did you mean two?"),
        (["run", "-g", "secnd"], 2, 'no test is in group "secnd"', "did you mean second?"),
        (["run", "--target", "tgc"], 2, 'no target is called "tgc"', "did you mean tcg?"),
        (["run", "--target", "x"], 2, 'no target is called "x"', "the targets are tcg, kvm, lab"),
        (["build", "--compiler", "icc"], 2, "Invalid value for '--compiler'", "see `kut build"),
        (["run", "--variant", "smal"], 2, 'no variant is called "smal"', "did you mean small?"),
        (["build", "--variant", "x"], 2, 'no variant is called "x"', "`kut list --variants`"),
        (["list", "--variants", "one"], 2, "--variants and --groups take no selection", "omit it"),
        (["nosuch"], 2, 'no command is called "nosuch"', "see `kut --help`"),
        (["runn"], 2, 'no command is called "runn"', "did you mean run or rerun?"),
        (["\x1b[31m"], 2, 'no command is called "\\x1b[31m"', "see `kut --help`"),
        (["--root", "/nosuch", "list"], 2, "/nosuch is not a source tree of kut", "correct --root"),
    ],
)
def test_each_error_has_one_message_a_hint_and_its_exit_code(
    kut: Kut, args: list[str], code: int, message: str, hint: str
) -> None:
    end = kut(*args)
    assert end.returncode == code
    first, second = error(end)
    assert first.startswith(f"kut: error: {message}")
    assert second.startswith(f"kut: hint: {hint}")


def test_a_list_for_programs(kut: Kut, tree: Path) -> None:
    end = kut("list", "--json", "-", "two*")
    found = json.loads(end.stdout)
    assert (end.returncode, end.stderr, found["schema"]) == (0, "", 1)
    assert [test["name"] for test in found["tests"]] == ["two", "two-alone"]
    assert {"image": "two", "smp": 1, "machine": {"virtualization": "on"}}.items() <= found[
        "tests"
    ][0].items()
    assert found["groups"] == {"second": 1, "nodefault": 1}
    assert found["variants"] == {"small": "optimisation for size"}
    assert kut("list", "--json", "l.json").stdout == ""
    assert len(json.loads((tree / "l.json").read_text())["tests"]) == 3


TWO = ["two  second"]


@pytest.mark.parametrize(
    ("path", "place", "names"),
    [
        ("arm/two.c", ".", TWO),
        ("./arm/two.c", ".", TWO),
        ("two.c", "arm", TWO),
        ("../arm/two.c", "lib", TWO),
        ("arm/two.c", "lib", TWO),
        ("build/gcc/two.flat", ".", TWO),
        ("build/gcc/two.elf", "lib/arm64", TWO),
        ("arm/one.c", ".", ["one"]),
        ("arm/two.S", ".", TWO),
        ("arm/two-more.S", ".", TWO),
        ("arm/two/part.c", ".", TWO),
        ("two/deep/part.S", "arm", TWO),
        ("part.c", "arm/two", TWO),
    ],
)
def test_the_path_of_an_image_selects_its_tests(
    kut: Kut, tree: Path, path: str, place: str, names: list[str]
) -> None:
    (tree / place).mkdir(exist_ok=True)
    assert kut("list", path, cwd=tree / place).stdout.splitlines() == names
    found = kut("list", str(tree / place / path), cwd=tree / place)
    assert found.stdout.splitlines() == names


@pytest.mark.qemu
def test_the_path_of_an_image_can_be_built(kut: Kut, tree: Path) -> None:
    assert kut("build", "one.c", cwd=tree / "arm").stdout == "../build/gcc/one.flat\n"
    assert kut("build", "build/gcc/one.flat").stdout == "build/gcc/one.flat\n"


@pytest.mark.qemu
def test_an_image_of_another_build_or_place_is_refused(
    kut: Kut, tree: Path, tmp_path: Path
) -> None:
    kut("build", "one", "--compiler", "clang")
    end = kut("run", "build/clang/one.flat")
    assert end.returncode == 2
    assert error(end) == [
        "kut: error: build/clang/one.flat was built as clang, and this run uses gcc",
        "kut: hint: choose the build with --compiler and --variant",
    ]
    other = tmp_path / "one.flat"
    other.touch()
    end = kut("run", str(other))
    assert end.returncode == 2
    assert error(end)[0] == f"kut: error: {other} is not a file of {tree}"
    end = kut("--root", str(tree), "run", "one.flat", cwd=tmp_path)
    assert error(end)[0] == f"kut: error: one.flat is not a file of {tree}"


@pytest.mark.parametrize("args", [["run"], ["run", "one"], ["list"], ["bench"]])
def test_bad_definitions_are_all_told_at_once(kut: Kut, tree: Path, args: list[str]) -> None:
    with (tree / "configs/tests.toml").open("a") as file:
        file.write("[test.bad]\nsmp = 0\ncpu = 1\n[test.lost]\n")
    (tree / "configs/more.toml").write_text('[test.three]\nimage = "one"\nsmp = 0\n')
    end = kut(*args)
    assert end.returncode == 2
    lines = error(end)
    assert lines[0] == "kut: error: bad test configuration:"
    assert [line.split(";")[0] for line in lines[1:]] == [
        "configs/more.toml: test.three.smp: 0 is not valid",
        "configs/tests.toml: test.bad.smp: 0 is not valid",
        "configs/tests.toml: test.bad.cpu: 1 is not valid",
        "configs/tests.toml: test.bad.image: arm/bad.c does not exist",
        "configs/tests.toml: test.lost.image: arm/lost.c does not exist",
    ]


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("json", "junit", "users"),
    [
        ("r", "r", "--json and by --junit"),
        ("r", "build/../r", "--json and by --junit"),
        ("r", "link", "--json and by --junit"),
        ("build/logs/results.jsonl", "r", "--json and by kut itself"),
    ],
)
def test_one_file_for_two_kinds_of_results_is_refused_before_anything_runs(
    kut: Kut, tree: Path, json: str, junit: str, users: str
) -> None:
    (tree / "r").write_text("kept")
    (tree / "link").symlink_to("r")
    end = kut("run", "one", "--json", json, "--junit", junit)
    assert end.returncode == 2
    assert error(end)[0].endswith(f" is written by {users}")
    assert (tree / "r").read_text() == "kept"
    assert not (tree / "build/gcc").exists()


@pytest.mark.qemu
def test_results_of_an_earlier_run_do_not_outlive_a_build_that_fails(kut: Kut, tree: Path) -> None:
    (tree / "r").write_text("all passed")
    (tree / "arm/one.c").write_text("nonsense;\n")
    assert kut("run", "--json", "r").returncode == 3
    assert not (tree / "r").exists()


@pytest.mark.qemu
@pytest.mark.parametrize("command", ["build", "run"])
def test_a_build_failure_shows_the_compilers_words(kut: Kut, tree: Path, command: str) -> None:
    (tree / "arm/one.c").write_text("nonsense;\n")
    end = kut(command)
    assert end.returncode == 3
    lines = error(end)
    assert lines[0] == "kut: error: the build failed:"
    assert any(line.startswith("arm/one.c:1:1: error:") for line in lines)
    assert "\x1b" not in end.stderr
    assert lines[-1] == "kut: hint: `kut build -v` shows complete commands"


def test_a_missing_compiler_is_an_infrastructure_error(kut: Kut, tmp_path: Path) -> None:
    end = kut("build", env={"PATH": str(tmp_path)})
    assert end.returncode == 5
    assert error(end)[0].startswith("kut: error: aarch64-linux-gnu-gcc is not installed")


def test_a_tree_that_cannot_be_written_is_no_bug(kut: Kut, tree: Path) -> None:
    (tree / "build").write_text("a file")
    end = kut("build")
    assert end.returncode == 5
    assert "build" in error(end)[0]
    assert "bug" not in end.stderr


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_asks_to_be_reported(tmp_path: Path, debug: str) -> None:
    code = (
        "import sys; from kut_runner import cli; from kut_runner.definitions import config\n"
        "config.find_root = lambda start: 1 / 0\n"
        "sys.argv = ['kut', 'list']; cli.main()"
    )
    end = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"KUT_DEBUG": debug},
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 5
    assert "kut: error: unexpected: ZeroDivisionError: division by zero\n" in end.stderr
    assert "please report it" in end.stderr
    assert ("Traceback" in end.stderr) == bool(debug)


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        ("click", f"{sys.executable} -m pip install --force-reinstall click"),
        ("elftools.elf.elffile", "`kut doctor` shows how to fix it"),
    ],
)
def test_a_broken_package_is_named(tmp_path: Path, module: str, hint: str) -> None:
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from kut_runner import __main__; from kut_runner.definitions import config\n"
        "config.find_root = lambda start: __import__('elftools.elf.elffile')\n"
        "sys.argv = ['kut', 'list']; __main__.main()"
    )
    end = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stdout) == (5, "")
    message = f"a Python package that kut needs is broken: import of {module} halted; None in "
    assert end.stderr.splitlines() == [
        f"kut: error: {message}sys.modules",
        f"kut: hint: {hint}",
    ]


@pytest.mark.parametrize(
    ("code", "hint"),
    [(errno.EACCES, "doctor"), (errno.EROFS, "doctor"), (errno.ENOSPC, "space"), (errno.EIO, "")],
)
def test_what_the_system_refuses_is_said_in_words(code: int, hint: str) -> None:
    message, found = cli._describe(OSError(code, "No", "build/gcc/.lock"))
    assert message == "build/gcc/.lock: No"
    assert hint in found
    assert bool(hint) == bool(found)


@pytest.mark.parametrize("closed", [">&-", "2>&- <&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("args", "code"), [("list", 0), ("--root /nowhere list", 2)])
def test_streams_may_be_closed(tree: Path, closed: str, args: str, code: int) -> None:
    command = f"exec {sys.executable} -m kut_runner {args} {closed}"
    end = subprocess.run(["/bin/sh", "-c", command], cwd=tree, capture_output=True, check=False)
    assert end.returncode == code
    assert b"bug" not in end.stderr


def test_the_error_of_a_full_disk_names_the_file() -> None:
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'"):
        OutFile(Path("/dev/full")).write("words")


def test_outside_a_tree_the_way_in_is_named(kut: Kut, tmp_path: Path) -> None:
    end = kut("list", cwd=tmp_path)
    assert end.returncode == 2
    assert "--root DIR" in error(end)[1]


def test_a_source_tree_of_kvm_unit_tests_is_not_taken_for_that_of_kut(
    kut: Kut, tree: Path, tmp_path: Path
) -> None:
    default = f"kut: no source tree here; using {tree}\n"
    note = "kut: using kut's own tests; `--tree .` selects those of kvm-unit-tests here\n"
    environment = {"KUT_DEFAULT_ROOT": str(tree)}
    assert kut("list", cwd=tmp_path, env=environment).stderr == default
    (tmp_path / "run_tests.sh").touch()
    assert kut("list", cwd=tmp_path, env=environment).stderr == default + note
    assert kut("--root", str(tree), "list", cwd=tmp_path).stderr == ""
    (tree / "run_tests.sh").touch()
    assert kut("list", cwd=tree).stderr == ""


def test_a_tree_can_be_named(kut: Kut, tree: Path, tmp_path: Path) -> None:
    assert kut("--root", "tree", "list", cwd=tmp_path).returncode == 0
    assert kut("list", cwd=tmp_path, env={"KUT_ROOT": str(tree)}).returncode == 0
    assert kut("list", cwd=tree / "lib/arm64").returncode == 0


def test_list_shows_names_and_groups(kut: Kut) -> None:
    end = kut("list")
    assert (end.returncode, end.stderr) == (0, "")
    assert end.stdout.splitlines() == ["one", "two        second", "two-alone  nodefault"]
    assert kut("list", "two*").stdout.splitlines() == [
        "two        second",
        "two-alone  nodefault",
    ]


@pytest.mark.qemu
def test_build_names_what_it_built(kut: Kut, tree: Path) -> None:
    assert kut("build").stdout.splitlines() == ["build/gcc/one.flat", "build/gcc/two.flat"]
    end = kut("build", "one", cwd=tree / "arm")
    assert (end.stdout, end.stderr) == ("../build/gcc/one.flat\n", "")


@pytest.mark.qemu
def test_a_variant_has_its_own_directory_and_flags(kut: Kut, tree: Path) -> None:
    assert kut("list", "--variants").stdout == "small  optimisation for size\n"
    kut("build", "one")
    plain = (tree / "build/gcc/one.flat").stat()
    end = kut("build", "one", "--variant", "small")
    assert (end.stdout, end.returncode) == ("build/gcc-small/one.flat\n", 0)
    end = kut("build", "one", "--variant", "small", "--compiler", "clang")
    assert end.stdout == "build/clang-small/one.flat\n"
    manifest = (tree / "build/clang-small/build.ninja").read_text()
    assert re.search(r"^cc = .* -O2 ", manifest, re.MULTILINE)
    assert re.search(r"^variant = -Os -Oz$", manifest, re.MULTILINE)
    assert re.search(r"^  command = \$cc .*\$variant ", manifest, re.MULTILINE)
    assert re.search(r"^  command = .* -z now -T ", manifest, re.MULTILINE)
    assert (tree / "build/gcc/one.flat").stat() == plain


def test_a_bad_variant_stops_a_build_that_names_one(kut: Kut, tree: Path) -> None:
    (tree / "configs/more.toml").write_text("[variant.bad]\n")
    end = kut("build", "--variant", "small")
    assert end.returncode == 2
    assert "configs/more.toml: variant.bad.about: missing; " in end.stderr


@pytest.mark.qemu
def test_build_can_show_whole_commands(kut: Kut) -> None:
    end = kut("build", "one", "-v")
    assert re.search(r"^\[1/\d+\] /\S*gcc .*-ffreestanding", end.stderr)


def test_version_and_help(kut: Kut) -> None:
    assert kut("--version").stdout == f"kut, version {__version__}\n"
    for args in (["--help"], ["-h"], ["run", "-h"], ["build", "--help"], ["list", "--help"]):
        end = kut(*args)
        assert (end.returncode, end.stderr) == (0, "")
        assert end.stdout.startswith("Usage: ")


def test_without_a_command_the_help_is_shown_as_an_error(kut: Kut) -> None:
    end = kut()
    assert (end.returncode, end.stdout) == (2, "")
    assert end.stderr.startswith("Usage: kut [OPTIONS] COMMAND [ARGS]...\n\n")
    assert "\n  run  " in end.stderr


def test_a_reader_that_goes_away_is_no_error_to_shout_about(tree: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    end = subprocess.run(
        [sys.executable, "-m", "kut_runner", "list"],
        cwd=tree,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (end.returncode, end.stderr) == (141, "")


def on_terminal(tree: Path, *args: str) -> tuple[int, str]:
    """Run kut with stderr on a terminal; return its exit code and that output."""
    control, terminal = pty.openpty()
    end = subprocess.run(
        [sys.executable, "-m", "kut_runner", *args],
        cwd=tree,
        env={**os.environ, "TERM": "xterm"},
        stdin=terminal,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        check=False,
    )
    os.write(terminal, b"\0")  # an end, as one call reads 4 KiB of a terminal at most
    shown = b""
    while not shown.endswith(b"\0"):
        shown += os.read(control, 65536)
    os.close(control)
    os.close(terminal)
    return end.returncode, shown.removesuffix(b"\0").decode()


@pytest.mark.qemu
def test_progress_on_a_terminal_leaves_a_clean_line(tree: Path) -> None:
    code, shown = on_terminal(tree, "build", "one")
    assert code == 0
    assert "CC arm/one.c" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K")


@pytest.mark.qemu
def test_a_compile_error_on_a_terminal_has_the_compilers_colours(tree: Path) -> None:
    (tree / "arm/one.c").write_text("nonsense;\n")
    code, shown = on_terminal(tree, "build", "one")
    assert code == 3
    assert re.search(r"\x1b\[[0-9;]*m[^\n]*error: ", shown)


def is_running(process: str) -> bool:
    """Return whether a process runs; zombies without a parent that reaps them do not count."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_interrupted_build_stops_and_says_so(tree: Path, tmp_path: Path) -> None:
    for tool in ("ld", "objcopy"):
        (tmp_path / f"slow-{tool}").symlink_to(f"/usr/bin/aarch64-linux-gnu-{tool}")
    slow = tmp_path / "slow-gcc"
    slow.write_text(f"#!/bin/sh\necho $$ >>{tmp_path}/started\nexec sleep 60\n")
    slow.chmod(0o755)
    with subprocess.Popen(
        # A background job of a shell starts with SIGINT ignored, and its children would too.
        ["/usr/bin/env", "--default-signal=INT", sys.executable, "-m", "kut_runner", "build"],
        cwd=tree,
        env=os.environ | {"CROSS_COMPILE": str(tmp_path / "slow-")},
        stderr=subprocess.PIPE,
        text=True,
    ) as building:
        started = tmp_path / "started"
        deadline = time.monotonic() + 30
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)  # until it listens to ninja; what happens before is in a comment there
        building.send_signal(signal.SIGINT)
        _, output = building.communicate(timeout=30)
    assert building.returncode == 130
    assert output.endswith("kut: interrupted\n")
    assert "Traceback" not in output
    deadline = time.monotonic() + 5  # a shell may go before its child, which has the signal too
    while any(map(is_running, started.read_text().split())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


HEAVY = {"asyncio", "elftools", "json", "pexpect", "shutil", "xml", "importlib.metadata"}


@pytest.mark.qemu
def test_what_is_seldom_needed_is_not_imported(tree: Path, kut: Kut) -> None:
    kut("build")
    for command, excused in (("list", {"subprocess"}), ("build", set[str]())):
        end = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "kut_runner", command],
            cwd=tree,
            capture_output=True,
            text=True,
            check=True,
        )
        imported = {line.rpartition("|")[2].strip() for line in end.stderr.splitlines()}
        assert "click" in imported
        assert not imported & (HEAVY | excused)


def cpu_seconds() -> float:
    """Return the CPU time of all child processes, which does not depend on the load of the host."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.qemu
@pytest.mark.parametrize("command", ["build", "list"])
def test_with_nothing_to_do_it_is_over_at_once(tree: Path, kut: Kut, command: str) -> None:
    kut("build")
    argv = [sys.executable, "-m", "kut_runner", command]
    times = []
    for _ in range(12):
        start = cpu_seconds()
        subprocess.run(argv, cwd=tree, check=True, stdout=subprocess.DEVNULL)
        times.append(cpu_seconds() - start)
    assert min(times) < 0.15
