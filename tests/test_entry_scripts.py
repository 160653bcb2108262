# SPDX-License-Identifier: GPL-2.0-or-later
"""Entry scripts on various hosts, each simulated by stand-ins in PATH."""

import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.qemu

REPOSITORY = Path(__file__).parent.parent

#: POSIX programs that the scripts use.
BASICS = ("sh", "env", "mkdir", "tail", "flock", "sleep", "touch", "chmod", "cat", "rm")

COMPILER = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-ld", "aarch64-linux-gnu-objcopy")
CLANG = ("clang", "ld.lld", "llvm-objcopy")
QEMU = ("qemu-system-aarch64",)
PACKAGES = "gcc-aarch64-linux-gnu qemu-system-arm python3 python3-venv"

#: Message before pip is called, by the group of optional dependencies.
PIP = {
    extra: f"{what} into .venv with pip (up to {amount} to fetch)"
    for extra, what, amount in (
        ("", "kut: installing kut", "10 packages, 1 MB"),
        ("dev", "kut: installing kut and the packages for its tests", "59 packages, 58 MB"),
        ("watch", "kut: installing kut and its packages for watch", "14 packages, 2 MB"),
        ("zig", "kut: installing kut and its packages for zig", "11 packages, 102 MB"),
    )
}

#: `python3 -m venv DIR` creates a python with `-m pip`, which creates a kut.
PYTHON = """
case "$1 $2" in
"-c import os.path"*) echo "$3" ;;
"-c import"*) exit 0 ;;
"-m venv") eval "venv=\\${$#}"; rm -rf "$venv"; mkdir -p "$venv/bin"
    cat "$0" >"$venv/bin/python"; chmod +x "$venv/bin/python" ;;
"-m pip")
    sleep "${PIP_TAKES:-0}"
    echo "python3 -m pip was told PIP_CACHE_DIR=$PIP_CACHE_DIR" >>"$MACHINE/told"
    [ -e "$PIP_CONSTRAINT" ] && [ -e "$PIP_BUILD_CONSTRAINT" ] || exit 1
    [ -z "${PIP_FAILS:-}" ] || { echo "pip says: $PIP_FAILS"; exit 1; }
    printf '#!/bin/sh\\necho "kut of ${KUT_ROOT:-$KUT_DEFAULT_ROOT} got:" "$@"\\n' >"${0%/*}/kut"
    chmod +x "${0%/*}/kut" ;;
"- "*) echo "what pip needs" ;;
*"/tests/"*) echo "ran:" "$@" ;;
*) exit 9 ;;
esac
"""

#: `apt-get install` needs package lists, and then installs all tools. It would fetch two packages,
#: or the content of APT_FETCHES.
APT = """
case "$*" in
*print-uris*)
    [ -e "$MACHINE/lists" ] || exit 100
    printf '%%s\\n' "${APT_FETCHES-'http://mirror/a.deb' a.deb 48600000 SHA256:0
'http://mirror/b%%3a1.deb' b_1%%3a1.deb 400000 SHA256:0}" ;;
*update*) touch "$MACHINE/lists" ;;
*install*)
    case "$*" in
    *"APT::Status-Fd=1"*) printf '%%b' "${APT_SHOWS:-}" ;;
    esac
    [ -z "${APT_FAILS:-}" ] || { echo "apt says: $APT_FAILS"; exit 100; }
    [ -e "$MACHINE/lists" ] || { echo "E: Unable to locate package"; exit 100; }
    for tool in %s; do touch "$MACHINE/bin/$tool"; chmod +x "$MACHINE/bin/$tool"; done ;;
esac
""" % " ".join((*COMPILER, *CLANG, *QEMU))  # noqa: UP031 - many braces


@dataclass(frozen=True, slots=True)
class Machine:
    """Host with basic programs only, and a clone of the source tree."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "clone"

    def add(self, *names: str, script: str = "") -> None:
        """Install programs that log each call and then run `script`."""
        for name in names:
            program = self.home / "bin" / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >>"$MACHINE/calls"\n{script}')
            program.chmod(0o755)

    def call(
        self,
        script: str = "kut",
        *args: str,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "scripts" / script, *args],
            env={"PATH": str(self.home / "bin"), "MACHINE": str(self.home), **(env or {})},
            cwd=cwd or self.home,
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, program: str) -> list[str]:
        """Return the calls of a program so far, but for those that ask what apt-get would fetch."""
        log = self.home / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        return [
            line for line in lines if line.startswith(f"{program} ") and "--print-uris" not in line
        ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    shutil.copytree(REPOSITORY / "scripts", made.root / "scripts")
    (made.root / "kut_runner/build").mkdir(parents=True)
    for name in ("rootless.sh", "private-apt.sh", "to-fetch.sh", "apt-progress.sh"):
        shutil.copy(REPOSITORY / "kut_runner/build" / name, made.root / "kut_runner/build")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, made.root)
    (tmp_path / "bin").mkdir()
    for name in BASICS:
        path = shutil.which(name)
        assert path
        (tmp_path / "bin" / name).symlink_to(path)
    made.add("id", script="echo 0")
    return made


@pytest.fixture
def complete(machine: Machine) -> Machine:
    """Host with all requirements, after a first call."""
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    assert machine.call().returncode == 0
    (machine.home / "calls").unlink()
    return machine


def test_a_bare_machine_is_set_up_and_then_kut_runs(machine: Machine) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    machine.add("dpkg")
    end = machine.call("kut", "run", "a b", "*")
    assert (end.returncode, end.stdout) == (0, f"kut of {machine.root} got: run a b *\n")
    assert end.stderr.splitlines() == [
        "kut: installing with apt-get: gcc-aarch64-linux-gnu qemu-system-arm",
        "kut: updating the package lists of apt-get",
        "kut: apt-get has new package lists (2 packages, 49 MB to fetch)",
        PIP[""],
    ]
    assert [call.split()[-1] for call in machine.calls("apt-get")] == [
        "qemu-system-arm",
        "update",
        "qemu-system-arm",
    ]
    again = machine.call("kut", "list")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"kut of {machine.root} got: list\n"


def test_lists_that_are_there_are_not_fetched_again(machine: Machine) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    (machine.home / "lists").touch()
    assert machine.call().returncode == 0
    assert len(machine.calls("apt-get")) == 1


@pytest.mark.parametrize(
    ("uris", "amount"),
    [
        (None, " (2 packages, 49 MB to fetch)"),
        ("'http://mirror/a.deb' a.deb 210000000 SHA256:0", " (1 package, 210 MB to fetch)"),
        ("'http://mirror/a.deb' a.deb 1 SHA256:0", " (1 package, 1 MB to fetch)"),
        ("", " (nothing to fetch)"),
        ("W: of no interest", " (nothing to fetch)"),
        ("'http://mirror/a.deb' a.deb", ""),
        ("'http://mirror/a.deb' a.deb 1G SHA256:0", ""),
    ],
)
def test_what_apt_is_to_fetch_is_said_where_it_can_tell(
    machine: Machine, uris: str | None, amount: str
) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    (machine.home / "lists").touch()
    end = machine.call(env={} if uris is None else {"APT_FETCHES": uris})
    assert end.stderr.splitlines() == [
        f"kut: installing with apt-get: gcc-aarch64-linux-gnu qemu-system-arm{amount}",
        PIP[""],
    ]


SHOWS = (
    r"Get:1 http://mirror gcc\ndlstatus:1:0.0000:Retrieving file 1 of 2\n"
    r"dlstatus:1:24.9:Retrieving file 1 of 2\ndlstatus:1:30.5:Retrieving file 1 of 2\n"
    r"dlstatus:1:40.0:Retrieving file 2 of 2\ndlstatus:2:100.0000:Retrieving file 2 of 2\n"
    r"(Reading database ...\r\npmstatus:dpkg-exec:0.0000:Running dpkg\n"
    r"pmstatus:gcc:garbage:Unpacking\npmstatus:gcc:50.0000:Unpacking gcc (amd64)\n"
)


def test_progress_of_apt_is_shown_in_steps(machine: Machine) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    (machine.home / "lists").touch()
    end = machine.call(env={"APT_SHOWS": SHOWS})
    assert end.returncode == 0
    assert end.stderr.splitlines()[1:-1] == [
        "kut: fetched 30 %: Retrieving file 1 of 2",
        "kut: fetched 100 %: Retrieving file 2 of 2",
        "kut: installed 50 %: Unpacking gcc (amd64)",
    ]
    assert "status:" not in end.stderr


def test_progress_of_apt_is_one_line_on_a_terminal(machine: Machine) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    (machine.home / "lists").touch()
    control, terminal = pty.openpty()
    end = subprocess.run(
        [machine.root / "scripts/kut"],
        env={"PATH": f"{machine.home}/bin", "MACHINE": str(machine.home), "APT_SHOWS": SHOWS},
        cwd=machine.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        check=False,
    )
    shown = os.read(control, 1 << 16).decode()
    os.close(control)
    os.close(terminal)
    assert end.returncode == 0
    first, *middle, last = shown.split("\r\x1b[K")
    assert first.startswith("kut: installing with apt-get: ")
    assert middle[1] == "kut: fetched 24 %: Retrieving file 1 of 2"
    assert middle[-1] == "kut: installed 50 %: Unpacking gcc (amd64)"
    assert last.startswith("kut: installing kut into .venv")


def test_apt_that_fails_after_its_progress_has_failed(machine: Machine) -> None:
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    (machine.home / "lists").touch()
    end = machine.call(env={"APT_SHOWS": SHOWS, "APT_FAILS": "dpkg is broken"})
    assert end.returncode == 7
    assert "apt says: dpkg is broken" in end.stderr


def test_what_pip_is_to_fetch_is_not_said_where_nobody_noted_it(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    (machine.root / "constraints.txt").write_text("click==8.5.1\n")
    assert machine.call().stderr == "kut: installing kut into .venv with pip\n"


def test_apt_is_not_called_where_the_tools_are(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    assert machine.call().returncode == 0
    assert machine.calls("apt-get") == []


@pytest.mark.parametrize("works", [True, False])
def test_a_browser_and_debuggers_are_tried_and_not_needed(machine: Machine, *, works: bool) -> None:
    machine.add(*COMPILER, *QEMU, *CLANG, script="")
    machine.add("python3", script=PYTHON)
    machine.add("id", script="echo 0")
    uris = "'http://mirror/a.deb' a.deb 81000000 SHA256:0"
    fetches = f'case "$*" in *print-uris*) echo "{uris}" ;; esac'
    machine.add("apt-get", script=fetches if works else "exit 100")
    end = machine.call("test")
    amount = " (1 package, 81 MB to fetch)" if works else ""
    assert (
        f"kut: installing with apt-get, for tests of HTML pages: chromium{amount}\n" in end.stderr
    )
    calls = machine.calls("apt-get")
    for package in ("chromium", "gdb-multiarch", "lldb"):
        assert any(call.endswith(f"install --no-install-recommends {package}") for call in calls)
    for tests in ("tests of HTML pages", "tests with gdb", "tests with lldb"):
        assert (f"{tests} are skipped" in end.stderr) is not works
    assert "parameter not set" not in end.stderr
    machine.add("chromium", "gdb-multiarch", "lldb-14")
    assert "installing" not in machine.call("test").stderr


def test_a_browser_is_not_asked_a_password_for(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU, *CLANG, "sudo", "apt-get")
    machine.add("python3", script=PYTHON)
    machine.add("id", script="echo 1000")
    assert "chromium" not in machine.call("test").stderr
    assert machine.calls("apt-get") + machine.calls("sudo") == []


def test_a_cross_compiler_of_another_name_is_enough(machine: Machine) -> None:
    machine.add(*(name.replace("linux-gnu", "none-elf") for name in COMPILER), *QEMU)
    machine.add("python3", script=PYTHON)
    assert machine.call().returncode == 0
    assert machine.call(env={"CROSS_COMPILE": "mine-"}).returncode == 7


def test_only_what_is_missing_is_installed(machine: Machine) -> None:
    machine.add(*COMPILER)
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    end = machine.call()
    assert "kut: installing with apt-get: qemu-system-arm\n" in end.stderr


@pytest.mark.parametrize(
    ("env", "args"),
    [
        ({"QEMU": "/opt/qemu"}, []),
        ({"KUT_QEMU": "/opt/qemu"}, []),
        ({}, ["run", "--qemu", "/opt/qemu"]),
        ({}, ["run", "--qemu=/opt/qemu"]),
    ],
)
def test_another_qemu_is_enough(machine: Machine, env: dict[str, str], args: list[str]) -> None:
    machine.add(*COMPILER)
    machine.add("python3", script=PYTHON)
    assert machine.call("kut", *args, env=env).returncode == 0
    assert machine.call("kut").returncode == 7


@pytest.mark.parametrize("args", [["build", "--compiler", "clang"], ["build", "--compiler=clang"]])
def test_clang_needs_no_gcc(machine: Machine, args: list[str]) -> None:
    machine.add(*CLANG, *QEMU)
    machine.add("python3", script=PYTHON)
    assert machine.call("kut", *args).returncode == 0
    assert machine.call("kut", "build").returncode == 7


def test_the_compiler_of_the_environment_and_of_the_tree_is_the_one_to_have(
    machine: Machine,
) -> None:
    machine.add(*CLANG, *QEMU)
    machine.add("python3", script=PYTHON)
    assert machine.call("kut", env={"KUT_COMPILER": "clang"}).returncode == 0
    assert machine.call("kut").returncode == 7
    (machine.root / "build/compiler").write_text("clang\n")
    assert machine.call("kut").returncode == 0
    assert machine.call("kut", "run", "--compiler", "gcc").returncode == 7
    other = tree_in(machine.home / "other")
    assert machine.call("kut", cwd=other).returncode == 7
    assert machine.call("kut", cwd=other, env={"KUT_ROOT": str(machine.root)}).returncode == 0
    (other / "build").mkdir()
    (other / "build/compiler").write_text("clang\n")
    assert machine.call("kut", cwd=other / "arm").returncode == 0


def tree_in(directory: Path) -> Path:
    """Create the outline of a source tree without a library of its own."""
    for name in ("configs", "arm"):
        (directory / name).mkdir(parents=True)
    (directory / "kut.toml").write_text('library = "kut>=0.1"\n')
    return directory


@pytest.mark.parametrize("inside", ["", "arm"])
def test_kut_of_a_checkout_works_on_the_tree_around_the_current_directory(
    tmp_path: Path, inside: str
) -> None:
    script = REPOSITORY / "scripts/kut"
    made = subprocess.run([script, "new", "--tree", "mine"], cwd=tmp_path, check=False)
    assert made.returncode == 0
    mine = tmp_path / "mine"
    end = subprocess.run(
        [script, "run"], cwd=mine / inside, capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stderr) == (0, "")
    assert re.fullmatch(r"PASS     first .*\n1 test in .*: 1 pass\n", end.stdout)
    assert (mine / "build/logs/results.json").is_file()


def test_kut_of_a_checkout_works_on_its_own_tree_elsewhere(tmp_path: Path) -> None:
    script = REPOSITORY / "scripts/kut"
    end = subprocess.run(
        [script, "list", "stage2"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stdout.split()[0]) == (0, "stage2")
    assert end.stderr == f"kut: no source tree here; using {REPOSITORY}\n"


def test_kut_of_a_checkout_shows_the_runs_of_the_current_directory(tmp_path: Path) -> None:
    (tmp_path / "build/runs").mkdir(parents=True)
    script = REPOSITORY / "scripts/kut"
    end = subprocess.run(
        [script, "show"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (end.returncode, end.stdout) == (2, "")
    assert end.stderr.startswith("kut: error: no run latest: 0 runs are kept\n")


@pytest.mark.parametrize("name", ["doctor", "toolchain"])
def test_to_learn_what_is_missing_nothing_is_installed(machine: Machine, name: str) -> None:
    machine.add("python3", script=PYTHON)
    assert machine.call("kut", name).returncode == 0
    assert machine.call("kut", "list").returncode == 7


def test_what_watch_needs_comes_from_pip(machine: Machine) -> None:
    machine.add(*QEMU, *COMPILER)
    machine.add("python3", script=PYTHON)
    machine.call("kut", "watch")
    assert machine.calls("python3 -m pip")[-1].endswith(f"-e {machine.root}[watch]")


@pytest.mark.parametrize("args", [["--compiler", "zig"], ["--compiler=zig"]])
def test_zig_comes_from_pip(machine: Machine, args: list[str]) -> None:
    machine.add(*QEMU)
    machine.add("python3", script=PYTHON)
    end = machine.call("kut", "build", *args)
    assert (end.returncode, end.stderr) == (
        0,
        f"{PIP['zig']}\n",
    )
    assert machine.calls("python3 -m pip")[-1].endswith(f"-e {machine.root}[zig]")
    assert machine.call("kut", "build", *args).stderr == ""


def test_without_root_sudo_installs(machine: Machine) -> None:
    machine.add("id", script="echo 1000")
    machine.add("sudo", script='[ "$1" != -n ] || shift; "$@"')
    machine.add("true", "dpkg")
    machine.add("python3", script=PYTHON)
    machine.add("apt-get", script=APT)
    end = machine.call()
    assert end.returncode == 0
    assert end.stderr.startswith("kut: installing with sudo apt-get: ")
    assert len(machine.calls("sudo env")) == 2
    assert len(machine.calls("sudo apt-get")) == 1


@pytest.fixture
def terminal() -> Iterator[int]:
    """End of a terminal for the stdin of a process."""
    ours, theirs = os.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_on_a_terminal_sudo_may_ask(machine: Machine, terminal: int) -> None:
    machine.add("id", script="echo 1000")
    machine.add("sudo", script='case $1 in -n) exit 1 ;; -v) exit 0 ;; esac; "$@"')
    machine.add("python3", "dpkg", script=PYTHON)
    machine.add("apt-get", script=APT)
    end = machine.call(stdin=terminal)
    assert end.returncode == 0
    assert end.stderr.startswith("kut: sudo will install with apt-get: gcc-aarch64-linux-gnu ")
    assert machine.calls("sudo")[:2] == ["sudo -n true", "sudo -v"]


def test_whom_sudo_refuses_unpacks(user: Machine, terminal: int) -> None:
    user.add("sudo", script="exit 1")
    end = user.call(env={"HOME": str(user.home)}, stdin=terminal)
    assert end.returncode == 0
    assert "kut: not root, and sudo failed: unpacking gcc-" in end.stderr
    assert user.calls("sudo") == ["sudo -n true", "sudo -v"]


@pytest.mark.parametrize(
    "message",
    [
        "  Temporary failure resolving 'mirror.example'",
        "Err: Could not connect to mirror.example:80, connection timed out",
        "Retrying after connection broken by 'NewConnectionError(': Failed to establish",
    ],
)
def test_without_network_that_is_what_is_said(machine: Machine, message: str) -> None:
    machine.add("python3", "dpkg", script=PYTHON)
    machine.add("apt-get", script=APT)
    end = machine.call(env={"APT_FAILS": message})
    assert end.returncode == 7
    assert "; apt-get cannot reach its mirrors, see " in end.stderr
    assert message not in end.stderr
    machine.add(*COMPILER, *QEMU)
    end = machine.call(env={"PIP_FAILS": message})
    assert end.returncode == 7
    assert "into .venv: pip cannot reach its package index, see " in end.stderr
    assert message not in end.stderr
    end = machine.call(env={"PIP_FAILS": "no idea"})  # without the message of an earlier failure
    assert "pip cannot reach" not in end.stderr


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({}, "apt-get is not available"),
        (
            {"apt-get": "", "id": "echo 1000"},
            "not root, and sudo is missing, and the packages could not be unpacked\n",
        ),
        (
            {"apt-get": "", "id": "echo 1000", "sudo": "exit 1"},
            "not root, and sudo needs a password, and the packages could not be unpacked\n",
        ),
        ({"apt-get": APT + "exit 100", "dpkg": ""}, "apt-get failed, see "),
    ],
)
def test_where_nothing_can_be_installed_the_packages_are_named(
    machine: Machine, there: dict[str, str], why: str
) -> None:
    machine.add("python3", script=PYTHON)
    for name, script in there.items():
        machine.add(name, script=script)
    end = machine.call("kut", "run", env={"APT_FAILS": "no idea"})
    assert (end.returncode, end.stdout) == (7, "")
    assert f"kut: error: missing: GCC for arm64, QEMU for arm64; {why}" in end.stderr
    for line in (
        "apt-get install --no-install-recommends gcc-aarch64-linux-gnu qemu-system-arm\n",
        "dnf install gcc-aarch64-linux-gnu qemu-system-aarch64\n",
        "pacman -S aarch64-linux-gnu-gcc qemu-system-aarch64\n",
        "brew install aarch64-elf-gcc qemu\n",
    ):
        assert line in end.stderr
    assert ("apt says: no idea" in end.stderr) == why.startswith("apt-get failed")


#: Stand-in for rootless.sh: creates the tools of each requested set.
UNPACKER = """
echo "rootless.sh $*" >>"$MACHINE/calls"
tools=$1
shift
for set; do
    mkdir -p "$tools/$set/bin"
    case $set in
    gcc) programs="%s" ;;
    clang) programs="%s" ;;
    qemu) programs="%s" ;;
    python) programs=; cat "$MACHINE/a-python" >"$tools/$set/bin/python3"
        chmod +x "$tools/$set/bin/python3" ;;
    esac
    for tool in $programs; do touch "$tools/$set/bin/$tool"; chmod +x "$tools/$set/bin/$tool"; done
done
exit "${UNPACKER_EXITS:-0}"
""" % (" ".join(COMPILER), " ".join(CLANG), " ".join(QEMU))  # noqa: UP031 - many braces


@pytest.fixture
def user(machine: Machine) -> Machine:
    """Bare host of a user without root and sudo."""
    machine.add("id", script="echo 1000")
    machine.add("apt-get")
    machine.add("a-python", script=PYTHON)
    (machine.home / "bin/a-python").rename(machine.home / "a-python")
    (machine.root / "kut_runner/build/rootless.sh").write_text(UNPACKER)
    return machine


def test_without_root_and_sudo_packages_are_unpacked_into_the_cache(user: Machine) -> None:
    cache = user.home / "a cache"
    tools = cache / "kut/tools"
    env = {"XDG_CACHE_HOME": str(cache), "HOME": "/nowhere"}
    why = "kut: not root, and sudo is missing"
    end = user.call("kut", "run", env=env)
    assert (end.returncode, end.stdout) == (0, f"kut of {user.root} got: run\n")
    assert end.stderr.splitlines() == [
        f"{why}: unpacking {PACKAGES} into {tools}",
        PIP[""],
    ]
    assert user.calls("rootless.sh") == [f"rootless.sh {tools} gcc qemu python"]
    assert user.calls("apt-get") == []
    again = user.call("kut", "list", env=env)
    assert (again.returncode, again.stderr) == (0, "")
    assert len(user.calls("rootless.sh")) == 1
    end = user.call("test", env=env)  # needs clang too
    assert user.calls("rootless.sh")[1:] == [f"rootless.sh {tools} clang"]


def test_kut_finds_what_was_unpacked_along_path_after_all_else(user: Machine) -> None:
    env = {"HOME": str(user.home)}
    assert user.call(env=env).returncode == 0
    (user.root / ".venv/bin/kut").write_text('#!/bin/sh\necho "$PATH"\n')
    tools = user.home / ".cache/kut/tools"
    assert user.call(env=env).stdout.split(":") == [
        str(user.home / "bin"),
        str(tools / "gcc/bin"),
        str(tools / "qemu/bin\n"),
    ]
    user.add(*COMPILER, *QEMU)
    assert user.call(env=env).stdout == f"{user.home}/bin\n"


def test_nothing_but_the_cache_and_the_tree_is_written(user: Machine) -> None:
    home = user.home / "home"
    home.mkdir()
    before = {path.name for path in user.home.iterdir()}
    assert user.call(env={"HOME": str(home)}).returncode == 0
    assert {str(path.relative_to(home)) for path in home.rglob("*")} >= {".cache/kut/tools/gcc"}
    assert [path.name for path in home.iterdir()] == [".cache"]
    assert [path.name for path in (home / ".cache").iterdir()] == ["kut"]
    assert {path.name for path in user.home.iterdir()} == {*before, "calls", "told"}
    assert f"PIP_CACHE_DIR={home}/.cache/kut/pip\n" in (user.home / "told").read_text()


def test_what_was_unpacked_is_found_without_starting_a_process(user: Machine) -> None:
    env = {"HOME": str(user.home)}
    assert user.call(env=env).returncode == 0
    (user.home / "calls").unlink()
    for name in (*BASICS, "id", "apt-get"):
        if name != "sh":
            (user.home / "bin" / name).unlink()
    end = user.call(env=env)
    assert (end.returncode, end.stderr) == (0, "")
    assert not (user.home / "calls").exists()


def test_with_a_prefix_of_ones_own_another_compiler_is_no_help(user: Machine) -> None:
    env = {"HOME": str(user.home)}
    assert user.call(env=env).returncode == 0
    end = user.call(env=env | {"CROSS_COMPILE": "mine-"})
    assert user.calls("rootless.sh")[1:] == [f"rootless.sh {user.home}/.cache/kut/tools gcc"]
    assert end.returncode == 0


def test_unpacking_that_fails_names_what_to_install(user: Machine) -> None:
    end = user.call(env={"HOME": str(user.home), "UNPACKER_EXITS": "7"})
    assert end.returncode == 7
    assert "apt-get install --no-install-recommends gcc-aarch64-linux-gnu" in end.stderr


def test_unpacking_that_is_interrupted_ends_the_call(user: Machine) -> None:
    end = user.call(env={"HOME": str(user.home), "UNPACKER_EXITS": "130"})
    assert end.returncode == 130
    assert "hint" not in end.stderr


def test_an_old_python_is_no_python(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script="exit 1")
    end = machine.call()
    assert end.returncode == 7
    assert "missing: Python 3.11 with venv" in end.stderr
    assert "apt-get install --no-install-recommends python3 python3-venv\n" in end.stderr


def test_a_newer_python_of_another_name_is_taken(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script="exit 1")
    machine.add("python3.12", script=PYTHON)
    assert machine.call().returncode == 0


def test_pips_words_are_shown(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    end = machine.call(env={"PIP_FAILS": "no idea"})
    assert end.returncode == 7
    assert "pip says: no idea\n" in end.stderr
    assert "kut: error: kut could not be installed into .venv, see " in end.stderr
    assert end.stderr.endswith(", with these packages and their dependencies:\n  what pip needs\n")
    assert machine.call().returncode == 0


def test_without_an_index_exactly_what_pip_needs_is_named(machine: Machine) -> None:
    machine.add(*COMPILER, *CLANG, *QEMU)
    machine.add("python3", script=f'[ "$1" != - ] || exec {sys.executable} "$@"\n{PYTHON}')
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    needed = project["build-system"]["requires"] + project["project"]["dependencies"]
    dev = project["project"]["optional-dependencies"]["dev"]
    for script, names in (("kut", needed), ("test", needed + dev)):
        end = machine.call(script, env={"PIP_FAILS": "no idea"})
        assert end.returncode == 7
        pins = ["-c", f"{machine.root}/constraints.txt"]
        assert shlex.split(end.stderr.splitlines()[-1]) == [*pins, *names]


def test_a_tree_that_cannot_be_written_is_one_error(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    (machine.root / "build").write_text("a file")
    end = machine.call()
    assert end.returncode == 7
    assert end.stderr.splitlines() == [
        f"kut: error: cannot write to {machine.root}/build",
        "kut: hint: use a clone that you own",
    ]


@pytest.mark.parametrize(
    ("script", "module", "extra"),
    [("mutants", "mutants", "dev"), ("bench-run", "bench_run", "watch")],
)
def test_the_other_scripts_set_up_the_tree_as_well(
    machine: Machine, script: str, module: str, extra: str
) -> None:
    machine.add(*COMPILER)
    machine.add("python3", script=PYTHON)
    end = machine.call(script)
    assert end.returncode == 7
    assert "missing: QEMU for arm64;" in end.stderr
    machine.add(*QEMU)
    end = machine.call(script, "a b")
    assert end.stderr == f"{PIP[extra]}\n"
    assert end.stdout == f"ran: {machine.root}/tests/{module}.py a b\n"


def test_every_script_is_checked_by_shellcheck() -> None:
    scripts = sorted(f"scripts/{path.name}" for path in (REPOSITORY / "scripts").iterdir())
    for file in ("scripts/test", ".pre-commit-config.yaml"):
        (checked,) = re.findall(
            r"shellcheck -x (.*?/run)", (REPOSITORY / file).read_text(), re.DOTALL
        )
        assert checked.replace("\\", "").split() == [
            *(script for script in scripts if script != "scripts/setup.sh"),
            "kut_runner/build/rootless.sh",
            "kut_runner/lab/fetch.sh",
            ".ci/run",
        ]


def test_a_set_up_that_was_killed_heals(complete: Machine) -> None:
    (complete.root / ".venv/ready").unlink()
    (complete.root / ".venv/bin/kut").unlink()
    (complete.root / ".venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
    end = complete.call()
    assert (end.returncode, end.stderr) == (0, f"{PIP['']}\n")


def test_another_python_in_its_place_makes_a_new_environment(complete: Machine) -> None:
    python = complete.root / ".venv/bin/python"
    python.rename(complete.home / "python3.11")
    python.symlink_to(complete.home / "python3.11")
    stamp = complete.root / ".venv/ready"
    stamp.write_text(f"{complete.root}\n{complete.home}/python3.11\n")
    assert complete.call().stderr == ""
    (complete.home / "python3.13").write_bytes((complete.home / "python3.11").read_bytes())
    (complete.home / "python3.13").chmod(0o755)
    python.unlink()
    python.symlink_to(complete.home / "python3.13")
    assert complete.call().stderr == f"{PIP['']}\n"
    assert complete.call().stderr == ""


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_changed_dependencies_are_installed(complete: Machine, changed: str) -> None:
    time.sleep(0.02)
    (complete.root / changed).touch()
    assert complete.call().stderr == f"{PIP['']}\n"
    assert complete.call().stderr == ""


def test_a_tree_that_moved_is_set_up_again(complete: Machine) -> None:
    complete.root.rename(complete.home / "away")
    shutil.copytree(complete.home / "away", complete.root.with_name("new"), symlinks=True)
    (complete.home / "away").rename(complete.root)
    assert complete.call().stderr == ""
    complete.root.rename(complete.home / "old")
    (complete.home / "new").rename(complete.root)
    assert complete.call().stderr == ""
    (complete.root / ".venv/ready").write_text("/elsewhere\n")
    assert complete.call().stderr == f"{PIP['']}\n"


def test_two_first_calls_at_once_install_once(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda _: machine.call(env={"PIP_TAKES": "0.3"}), range(3)))
    assert [end.returncode for end in ends] == [0, 0, 0]
    assert len(machine.calls("python3 -m pip")) == 1


def test_a_link_to_the_script_leads_to_its_tree(complete: Machine) -> None:
    complete.add("readlink", script=f"echo {complete.root}/scripts/kut")
    link = complete.home / "bin/kut"
    link.symlink_to(complete.root / "scripts/kut")
    end = complete.call("../../bin/kut", "list")
    assert end.stdout == f"kut of {complete.root} got: list\n"


def test_kut_is_told_the_tree_unless_the_user_names_one(complete: Machine) -> None:
    assert complete.call("kut", env={"KUT_ROOT": "/x"}).stdout == "kut of /x got:\n"


def test_interrupts_are_blocked_until_kut_handles_them(complete: Machine) -> None:
    for name in ("env", "true"):
        (complete.home / "bin" / name).unlink(missing_ok=True)
        (complete.home / "bin" / name).symlink_to(f"/usr/bin/{name}")
    kut = complete.root / ".venv/bin/kut"
    kut.unlink()
    kut.symlink_to("/usr/bin/grep")  # not a shell, which would unblock signals at its start
    found = complete.call("kut", "SigBlk", "/proc/self/status").stdout
    assert int(found.split()[1], 16) == 1 << signal.SIGINT - 1


def test_the_exit_code_of_kut_comes_through(complete: Machine) -> None:
    (complete.root / ".venv/bin/kut").write_text("#!/bin/sh\nexit 42\n")
    assert complete.call().returncode == 42


def test_with_nothing_missing_no_process_is_started(complete: Machine) -> None:
    for name in (*BASICS, "id", "python3"):
        if name != "sh":
            (complete.home / "bin" / name).unlink()
    end = complete.call()
    assert (end.returncode, end.stderr) == (0, "")
    assert not (complete.home / "calls").exists()


def test_the_test_script_needs_clang_and_the_development_packages(machine: Machine) -> None:
    machine.add(*COMPILER, *QEMU)
    machine.add("python3", script=PYTHON)
    end = machine.call("test")
    assert end.returncode == 7
    assert "missing: clang and lld;" in end.stderr
    assert "apt-get install --no-install-recommends clang lld llvm\n" in end.stderr


@pytest.mark.parametrize(
    ("failing", "code"),
    [("none", 0), ("ruff", 1), ("mypy", 1), ("shellcheck", 1), ("clang-format", 1), ("pytest", 3)],
)
def test_the_test_script_runs_every_check_and_pytest_last(
    machine: Machine, failing: str, code: int
) -> None:
    machine.add(*COMPILER, *CLANG, *QEMU)
    machine.add("python3", script=PYTHON)
    checks = ("ruff", "mypy", "shellcheck", "clang-format", "pytest")
    machine.add(*checks)
    machine.add("find", script=f'exec {shutil.which("find")} "$@"')
    formatted = ("arm/one.c", "kut_runner/lab/vmm/one.c", "lib/arm64/asm/one.h", "lib/one.c")
    for source in (*formatted, "arm/one.S"):
        (machine.root / source).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / source).touch()
    machine.add(failing, script=f"exit {code}")
    end = machine.call("test", "-k", "some thing")
    assert end.returncode == code
    assert end.stderr == f"{PIP['dev']}\n"
    calls = (machine.home / "calls").read_text().splitlines()
    assert set(checks) <= {call.split()[0] for call in calls}
    (call,) = [call for call in calls if call.startswith("clang-format ")]
    assert tuple(sorted(call.split()[3:])) == formatted
    assert calls[-1].startswith("pytest ")
    assert calls[-1].endswith(" -k some thing")
    assert machine.call("kut").stderr == ""
