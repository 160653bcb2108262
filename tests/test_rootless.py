# SPDX-License-Identifier: GPL-2.0-or-later
"""Unpacking without root: real packages, created here, from a stand-in for apt-get."""

import json
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import emulators
import pytest
import realtree
from conftest import Kut

from kut_runner.build import rootless
from kut_runner.errors import MissingToolError, UsageError
from kut_runner.targets import qemu

SCRIPT: Final = realtree.ROOT / "kut_runner/build/rootless.sh"
NEEDED: Final = ("dpkg-deb", "flock")
#: What is said before the packages of the stand-in are fetched.
FETCHES: Final = "2 packages, 2 MB to fetch"
LOADERS: Final = [
    path for path in Path("/lib").glob("*-linux-gnu/ld-linux*.so.*") if path.is_file()
]

pytestmark = [
    pytest.mark.qemu,
    pytest.mark.skipif(
        not LOADERS or not all(map(shutil.which, NEEDED)),
        reason="packages can be unpacked only on Debian and its derivatives",
    ),
]

#: `apt-get -q -c FILE ... install PACKAGE` copies the files in PACKAGES and logs each call.
APT = """#!/bin/sh
echo "$*" >>"$PLACE/calls"
work=$(sed -n 's/^Dir::Cache "\\(.*\\)";/\\1/p' "$3")
case "$*" in
*print-uris*update*) echo "'http://mirror/debian/dists/$CODE/InRelease' mirror 0" ;;
*print-uris*install*)
    for deb in libc_1.deb tools_1.deb; do
        echo "'http://mirror/$deb' $deb 600000 SHA256:0"
    done ;;
*update*)
    cp "$3" "$PLACE/conf"
    printf '%s' "${UPDATE_SAYS:-}"
    [ ! -e "$work/sources.list" ] || cp "$work/sources.list" "$PLACE"
    exit "${UPDATE_EXITS:-0}" ;;
*install*)
    sleep "${APT_TAKES:-0}"
    case "$*" in
    *Status-Fd=1*) printf '%b' "${APT_SHOWS:-}" ;;
    esac
    [ -z "${APT_HANGS:-}" ] || { touch "$PLACE/hangs"; exec sleep 1000; }
    cp "$PLACE"/*.deb "$work/archives"
    exit "${APT_EXITS:-0}" ;;
esac
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory with packages: a loader, the C library and programs."""
    directory = tmp_path_factory.mktemp("packages")
    loader = LOADERS[0]
    libraries = directory / "libc" / str(loader.parent)[1:]
    libraries.mkdir(parents=True)
    for name in (loader.name, "libc.so.6"):
        shutil.copy(loader.parent / name, libraries)
    programs = directory / "tools/usr/bin"
    programs.mkdir(parents=True)
    for name in ("qemu-system-aarch64", "aarch64-linux-gnu-gcc-12"):
        shutil.copy(shutil.which("printf") or "", programs / name)
    (programs / "aarch64-linux-gnu-gcc").symlink_to("aarch64-linux-gnu-gcc-12")
    (programs / "aarch64-linux-gnu-script").write_text("#!/bin/sh\necho /ld-linux\n")
    (programs / "aarch64-linux-gnu-script").chmod(0o755)
    (directory / "tools/usr/share/doc").mkdir(parents=True)
    (directory / "tools/usr/share/data").write_text("data")
    (directory / "tools/usr/share/link").symlink_to("/usr/share/data")
    for name in ("libc", "tools"):
        control = directory / name / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(
            f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n"
        )
        build: list[str | Path] = [
            "dpkg-deb",
            "-Znone",
            "--build",
            directory / name,
            directory / f"{name}_1.deb",
        ]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(directory / name)
    return directory


class Site:
    """Host with a stand-in for apt-get, and a cache."""

    def __init__(self, directory: Path, packages: Path) -> None:
        self.directory = directory
        self.tools = directory / "a cache/kut/tools"
        for package in packages.iterdir():
            (directory / package.name).symlink_to(package)
        (directory / "bin").mkdir()
        (directory / "bin/apt-get").write_text(APT)
        (directory / "bin/apt-get").chmod(0o755)

    def start(self, *names: str, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["/bin/sh", SCRIPT, self.tools, *names],
            env=os.environ
            | {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}
            | {"PLACE": str(self.directory), "HOME": str(self.directory / "home")}
            | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call(self, *names: str, **env: str) -> tuple[int, str]:
        """Run the script; return its exit code and output."""
        process = self.start(*names, **env)
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err

    def unpack(self, *names: str, **env: str) -> None:
        """Unpack tools that are missing; that works, and says what it fetches."""
        said = "".join(f"kut: {name}: {FETCHES}\n" for name in names)
        assert self.call(*names, **env) == (0, said)

    def calls(self) -> list[str]:
        """Return the calls of apt-get, but for those that only ask what it would do."""
        path = self.directory / "calls"
        lines = path.read_text().splitlines()
        asked = (line.partition("apt.conf ")[2] for line in lines if "print-uris" not in line)
        return [line.removeprefix("-o APT::Status-Fd=1 ") for line in asked]

    def left(self) -> set[str]:
        return {path.name for path in self.tools.iterdir()} - {".lock", "log"}


@pytest.fixture
def place(tmp_path: Path, packages: Path) -> Site:
    return Site(tmp_path, packages)


def run(*argv: object) -> str:
    return subprocess.run([*map(str, argv)], check=True, capture_output=True, text=True).stdout


def test_programs_run_with_their_own_libraries(place: Site) -> None:
    place.unpack("qemu", "gcc")
    assert place.left() == {"qemu", "gcc"}
    program = place.tools / "gcc/bin/aarch64-linux-gnu-gcc"
    assert run(program, "%s-", "a b", "*") == "a b-*-"
    link = place.directory / "link"
    link.symlink_to(program)
    assert run(link, "%s", "it's") == "it's"
    wrapper = program.read_text()
    assert f"{place.tools}/gcc/root/{str(LOADERS[0])[1:]}" in wrapper
    assert f"--library-path '{place.tools}/gcc/root{LOADERS[0].parent}'" in wrapper


def test_what_apt_cannot_tell_is_not_said(place: Site) -> None:
    apt = place.directory / "bin/apt-get"
    apt.write_text(APT.replace("600000 SHA256:0", "?"))
    assert place.call("qemu") == (0, "")


def test_a_script_among_the_programs_stays_as_it_is(place: Site) -> None:
    place.unpack("gcc")
    assert run(place.tools / "gcc/bin/aarch64-linux-gnu-script") == "/ld-linux\n"


def test_links_lead_to_what_was_unpacked(place: Site) -> None:
    place.unpack("gcc")
    assert (place.tools / "gcc/root/usr/share/link").read_text() == "data"


def test_packages_and_size_are_noted(place: Site) -> None:
    place.unpack("gcc")
    assert (place.tools / "gcc/packages").read_text() == "libc_1\ntools_1\n"
    assert int((place.tools / "gcc/size").read_text()) > 1000


def test_apt_is_kept_from_the_machine(place: Site) -> None:
    place.unpack("qemu", "gcc")
    assert place.calls() == [
        "update",
        "-y --download-only install qemu-system-arm",
        "-y --download-only install gcc-aarch64-linux-gnu",
    ]
    conf = (place.directory / "conf").read_text()
    work = f'"{place.tools}/.work'
    for line in conf.splitlines():
        assert not line.startswith("Dir::") or work in line
    for hook in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success"):
        assert f"#clear APT::Update::{hook};\n" in conf


def test_progress_of_the_download_is_shown(place: Site) -> None:
    shows = "dlstatus:1:10.0:file 1\\ndlstatus:2:51.5:file 2\\nGet:1 libc\\n"
    code, said = place.call("qemu", APT_SHOWS=shows)
    assert (code, said.splitlines()) == (0, [f"kut: qemu: {FETCHES}", "kut: fetched 51 %: file 2"])
    log = (place.tools / "log").read_text()
    assert "Get:1 libc\n" in log
    assert "dlstatus" not in log


def test_nothing_is_written_but_in_the_cache(place: Site) -> None:
    (place.directory / "home").mkdir()
    before = {path for path in place.directory.rglob("*") if "cache" not in str(path)}
    place.unpack("qemu")
    after = {path for path in place.directory.rglob("*") if "cache" not in str(path)}
    assert {path.name for path in after - before} == {"calls", "conf"}  # of the stand-in


def test_what_is_there_is_left_alone(place: Site) -> None:
    place.unpack("qemu")
    assert place.call("qemu") == (0, "")
    assert len(place.calls()) == 2


def test_another_release_comes_from_the_same_mirror(place: Site) -> None:
    code = run("sh", "-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"')
    name = "qemu@trixie-backports"
    place.unpack(name, CODE=code)
    assert place.left() == {name}
    assert place.calls() == [
        "update",
        "-y --download-only -t trixie-backports install qemu-system-arm",
    ]
    sources = (place.directory / "sources.list").read_text().splitlines()
    assert [line.partition("http")[2] for line in sources] == [
        "://mirror/debian trixie main",
        "://mirror/debian trixie-backports main",
    ]
    conf = (place.directory / "conf").read_text()
    assert f'Dir::Etc::sourcelist "{place.tools}/.work/sources.list";' in conf


def test_a_release_that_the_mirror_does_not_have_is_named(place: Site) -> None:
    code = run("sh", "-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"')
    says = "E: The repository 'http://mirror/debian x Release' does not have a Release file.\n"
    env = {"CODE": code, "UPDATE_EXITS": "100", "UPDATE_SAYS": says}
    end, said = place.call("qemu@nosuch", **env)
    assert (end, said.splitlines()) == (
        7,
        [
            'kut: error: the mirror has no release "nosuch": http://mirror/debian',
            "kut: hint: give a release such as bookworm, trixie or trixie-backports",
        ],
    )
    assert place.left() == set()


def test_without_apt_a_path_is_the_way(place: Site) -> None:
    (place.directory / "bin/apt-get").unlink()
    code, said = place.call("qemu@trixie", PATH=f"{place.directory}/bin")
    assert code == 7
    assert said.startswith(
        "kut: error: apt-get is missing\nkut: hint: packages can be unpacked on "
    )
    assert said.endswith(" and name a QEMU with --qemu PATH\n")


def test_a_machine_without_mirror_is_told_so(place: Site) -> None:
    code, output = place.call("qemu@trixie", CODE="another")
    assert code == 7
    assert "kut: error: no mirror of " in output
    assert place.left() == set()


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"UPDATE_EXITS": "100"}, "the package lists cannot be fetched"),
        ({"APT_EXITS": "100"}, "the packages for qemu cannot be fetched"),
    ],
)
def test_apt_that_fails_leaves_nothing(place: Site, env: dict[str, str], message: str) -> None:
    code, output = place.call("qemu", **env)
    assert code == 7
    assert f"kut: error: {message}, see {place.tools}/log\n" in output
    assert place.left() == set()


def test_a_damaged_package_is_named(place: Site) -> None:
    (place.directory / "tools_1.deb").unlink()
    (place.directory / "tools_1.deb").write_text("half")
    code, output = place.call("qemu")
    assert code == 7
    assert "tools_1.deb cannot be unpacked" in output
    assert place.left() == set()


def test_packages_that_lack_the_program_are_no_tools(place: Site) -> None:
    (place.directory / "tools_1.deb").unlink()
    code, output = place.call("qemu")
    assert code == 7
    assert "the packages for qemu have no qemu-system-aarch64" in output
    assert place.left() == set()


def test_a_program_that_does_not_run_here_is_no_tool(place: Site) -> None:
    (place.directory / "libc_1.deb").unlink()
    code, output = place.call("qemu")
    assert code == 7
    assert "the packages for qemu have no loader" in output


@pytest.mark.parametrize("name", ["vim", "qemu@", "qemu@a b", "qemu@../x", "../gcc", "gcc@x@y"])
def test_other_names_are_refused(place: Site, name: str) -> None:
    code, output = place.call(name)
    assert code == 7
    assert "kut: hint: " in output
    assert not place.tools.exists()


def test_a_cache_with_a_name_that_scripts_cannot_hold_is_refused(place: Site) -> None:
    place.tools = place.directory / "it's"
    assert place.call("qemu")[0] == 7
    assert not place.tools.exists()


def test_a_cache_that_cannot_be_made_is_one_error(place: Site) -> None:
    place.tools.parent.parent.write_text("a file")
    code, output = place.call("qemu")
    assert (code, output.splitlines()[0]) == (7, f"kut: error: cannot write to {place.tools}")


def test_two_at_once_take_turns(place: Site) -> None:
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda _: place.call("qemu", APT_TAKES="0.3"), range(3)))
    assert sorted(ends) == [(0, ""), (0, ""), (0, f"kut: qemu: {FETCHES}\n")]
    assert len(place.calls()) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_leaves_nothing_half_done(place: Site, number: signal.Signals) -> None:
    process = place.start("qemu", APT_HANGS="1")
    while not (place.directory / "hangs").exists():
        assert process.poll() is None
    os.killpg(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == {2: 130, 15: 143, 9: -9}[number]
    assert not (place.tools / "qemu").exists()
    assert (place.tools / ".work").exists() == (number == signal.SIGKILL)
    place.unpack("qemu")
    assert place.left() == {"qemu"}


def test_kut_lists_and_removes_what_is_unpacked(place: Site) -> None:
    place.unpack("qemu", "gcc")
    environ = {"XDG_CACHE_HOME": str(place.tools.parent.parent)}
    assert [each.name for each in rootless.unpacked(environ)] == ["gcc", "qemu"]
    assert all(each.packages == ("libc_1", "tools_1") for each in rootless.unpacked(environ))
    with pytest.raises(UsageError, match='"vim" is not unpacked'):
        rootless.remove(["gcc", "vim"], environ)
    assert [each.name for each in rootless.remove(["gcc"], environ)] == ["gcc"]
    assert place.left() == {"qemu"}
    assert [each.name for each in rootless.remove([], environ)] == ["qemu"]
    assert place.left() == set()
    assert rootless.unpacked(environ) == ()


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("qemu-system-arm_1%3a10.0.2+ds-2+deb13u1_amd64", "10.0.2+ds-2+deb13u1"),
        ("qemu-system-arm_9.1_amd64", "9.1"),
        ("qemu-system-arm", ""),
        ("qemu-system-arm-data_1_all", ""),
    ],
)
def test_the_version_of_a_set_is_that_of_its_main_package(package: str, version: str) -> None:
    packages = ("libc6_2.36_amd64", package)
    assert rootless.Unpacked("qemu@trixie", Path("/t"), 1, packages).version == version


def test_qemu_of_another_release_is_named_as_it_was_unpacked(place: Site, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(place.tools.parent.parent), "PATH": ""}
    with pytest.raises(MissingToolError) as caught:
        qemu.find_qemu("qemu@x", cache=tmp_path / "versions", environment=environ)
    assert caught.value.hint == "`kut toolchain install qemu@x`"
    program = place.tools / "qemu@x/bin/qemu-system-aarch64"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n# Unpacked by kut: always\necho QEMU emulator version 9.1.2\n")
    program.chmod(0o755)
    found = qemu.find_qemu("qemu@x", cache=tmp_path / "versions", environment=environ)
    assert (found.program, found.release) == (program, "9.1.2")
    assert str(program) in (tmp_path / "versions").read_text()  # cached


def test_the_command_installs_shows_and_removes(place: Site, kut: Kut) -> None:
    env = {
        "PATH": f"{place.directory}/bin:{os.environ['PATH']}",
        "PLACE": str(place.directory),
        "XDG_CACHE_HOME": str(place.tools.parent.parent),
    }
    end = kut("toolchain", "install", "qemu", env=env)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith("  qemu: ")
    assert end.stdout.endswith(f" MiB, 2 packages in {place.tools}/qemu\n")
    assert end.stdout in kut("toolchain", env=env).stdout
    assert kut("toolchain", "remove", env=env).stdout.startswith("removed qemu: ")
    end = kut("toolchain", "install", "gcc", env=env | {"APT_EXITS": "100"})
    assert end.returncode == 7
    assert "kut: error: gcc could not be unpacked\n" in end.stderr
    end = kut("toolchain", "install", "vim@sid", env=env)
    assert (end.returncode, end.stderr.splitlines()[0]) == (
        2,
        'kut: error: unknown tools "vim@sid"',
    )


def test_the_command_keeps_a_choice(kut: Kut, tree: Path) -> None:
    end = kut("toolchain", "use", "clang", env={"KUT_COMPILER": ""})
    assert "\n* clang " in end.stdout
    kut("build", "one", env={"KUT_COMPILER": ""})
    assert (tree / "build/clang/one.flat").exists()
    kut("build", "one", env={"KUT_COMPILER": "gcc"})
    assert (tree / "build/gcc/one.flat").exists()
    assert "* clang" not in kut("toolchain", "use", "any", env={"KUT_COMPILER": ""}).stdout


def test_a_test_runs_on_the_qemu_of_another_release() -> None:
    path = emulators.unpacked()
    env = {"XDG_CACHE_HOME": str(emulators.CACHE)}
    shown = realtree.kut(realtree.ROOT, "toolchain", env=env).stdout
    version = f"  {emulators.NEWEST}: version "
    assert version in shown
    done = realtree.kut(
        realtree.ROOT, "run", "--qemu", emulators.NEWEST, "selftest", "--json", "-", env=env
    )
    document = json.loads(done.stdout)
    assert (document["exit_code"], document["qemu"]["program"]) == (0, path)
    assert f"{version}{document['qemu']['version']}+" in shown
