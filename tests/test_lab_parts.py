# SPDX-License-Identifier: GPL-2.0-or-later
"""Parts of the lab: pins, kernels, archives, and directories made once."""

import gzip
import io
import os
import re
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import realtree

from kut_runner.errors import ConfigError, MissingToolError, SetupError, UsageError
from kut_runner.lab import assembly, inventory, kernel, packages, pins, store
from kut_runner.lab.cpio import Archive

GOOD = """release = "trixie-backports"
kernel = "7.3"
[kernels]
"7.3" = "linux-binary-7.3.4+deb13-arm64=7.3.4-1~bpo13+1"
[packages]
busybox = "busybox-static=1:1.37.0-6+b9"
libc = "musl-dev=1"
headers = "linux-libc-dev=7.3"
"""
IMAGE = bytes(56) + b"ARM\x64" + b"Linux version 7.3.4-mine (a@b)" + bytes(64)


def tree_with(directory: Path, text: str) -> Path:
    (directory / "configs").mkdir(parents=True)
    (directory / "configs/lab.toml").write_text(text)
    return directory


def test_the_pins_of_kut_are_valid_and_the_default_kernel_is_one_of_them() -> None:
    found = pins.load(realtree.ROOT)
    assert found.kernel in found.kernels
    assert set(pins.USES) == set(found.packages)


def test_a_source_tree_without_pins_has_those_of_kut(tmp_path: Path) -> None:
    assert pins.load(tmp_path) == pins.load(realtree.ROOT)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("trixie-backports", "a b", 'release: give a release of Debian, as in "trixie-backports"'),
        ('kernel = "7.3"', 'kernel = "6.1"', "kernel: give one of 7.3"),
        ('"7.3" =', '"new" =', 'kernels.new: give a version of Linux, as in "7.3"'),
        ("musl-dev=1", "musl-dev", 'packages.libc: give "PACKAGE=VERSION", as apt-get takes it'),
        ('libc = "musl-dev=1"\n', "", "packages.libc: missing; give its package"),
        ("[packages]", "[paquets]", "packages: missing; give a table [packages]"),
        ("release", "[", "not TOML"),
    ],
)
def test_a_wrong_pin_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    tree = tree_with(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        pins.load(tree)
    assert any(problem in each for each in caught.value.problems), caught.value.problems
    assert all(each.startswith("configs/lab.toml: ") for each in caught.value.problems)


def test_an_archive_has_the_format_newc() -> None:
    archive = Archive()
    archive.add_directory("bin")
    archive.add_file("bin/run", b"#!/bin/sh\n", executable=True)
    archive.add_file("data", b"12345")
    archive.add_character_device("console", 5, 1)
    found = entries(archive.finish())
    assert found == {
        "bin": (stat.S_IFDIR | 0o755, b"", (0, 0)),
        "bin/run": (stat.S_IFREG | 0o755, b"#!/bin/sh\n", (0, 0)),
        "data": (stat.S_IFREG | 0o644, b"12345", (0, 0)),
        "console": (stat.S_IFCHR | 0o600, b"", (5, 1)),
    }


def entries(data: bytes) -> dict[str, tuple[int, bytes, tuple[int, int]]]:
    """Read an archive by its format: fields of 8 hex digits, parts padded to 4 bytes."""
    file = io.BytesIO(data)
    found: dict[str, tuple[int, bytes, tuple[int, int]]] = {}
    while True:
        header = file.read(110)
        assert header[:6] == b"070701"
        fields = [int(header[at : at + 8], 16) for at in range(6, 110, 8)]
        name = file.read(fields[11]).rstrip(b"\0").decode()
        file.seek(-file.tell() % 4, os.SEEK_CUR)
        content = file.read(fields[6])
        file.seek(-file.tell() % 4, os.SEEK_CUR)
        if name == "TRAILER!!!":
            return found
        found[name] = (fields[1], content, (fields[9], fields[10]))


def config_without(option: str) -> str:
    return "".join(f"CONFIG_{each}=y\n" for each in kernel.NEEDED if each != option)


@pytest.mark.parametrize("place", [".config", "config", "config-Image", "../../../.config"])
def test_a_missing_option_of_a_kernel_is_named(tmp_path: Path, place: str) -> None:
    image = tmp_path / "arch/arm64/boot/Image"
    image.parent.mkdir(parents=True)
    image.write_bytes(IMAGE)
    (image.parent / place).write_text(config_without("VIRTIO_CONSOLE") + "CONFIG_VIRTIO_CONSOLE=m")
    with pytest.raises(UsageError, match=r"the lab needs CONFIG_VIRTIO_CONSOLE=y$"):
        kernel.of_file(image)
    (image.parent / place).write_text(config_without(""))
    assert kernel.of_file(image).release == "7.3.4-mine"


def test_the_configuration_in_an_image_has_precedence(tmp_path: Path) -> None:
    image = tmp_path / "Image"
    inside = gzip.compress(config_without("KVM").encode())
    image.write_bytes(IMAGE + b"IKCFG_ST" + inside + b"IKCFG_ED")
    (tmp_path / ".config").write_text(config_without(""))
    with pytest.raises(UsageError, match=r"the lab needs CONFIG_KVM=y$"):
        kernel.of_file(image)


def test_a_kernel_without_a_known_configuration_is_taken(tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(IMAGE + b"IKCFG_ST\x1f\x8bbroken IKCFG_ED")
    assert kernel.of_file(tmp_path / "Image").name == str(tmp_path / "Image")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x7fELF" + bytes(100), "an ELF file, which QEMU does not boot as Linux"),
        (b"text", "not a kernel image for arm64"),
        (b"", "not a kernel image for arm64"),
    ],
)
def test_a_file_that_is_no_kernel_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "Image").write_bytes(data)
    with pytest.raises(UsageError, match=problem):
        kernel.of_file(tmp_path / "Image")
    with pytest.raises(UsageError, match="no such file"):
        kernel.of_file(tmp_path / "other")


def test_kernels_of_packages_are_found_where_debian_has_them(tmp_path: Path) -> None:
    for name, release in (
        ("boot/vmlinuz-6.16.12+deb13-arm64", "6.16.12+deb13-arm64"),
        ("usr/lib/modules/7.3.4+deb13-arm64/vmlinuz", "7.3.4+deb13-arm64"),
    ):
        image = tmp_path / release / name
        image.parent.mkdir(parents=True)
        image.touch()
        found = kernel.of_package("7.3", tmp_path / release)
        assert (found.image, found.release) == (image, release)
    with pytest.raises(UsageError, match=r"the package of kernel 7\.3 has no image"):
        kernel.of_package("7.3", tmp_path / "none")


def test_a_directory_is_made_once_by_parallel_calls(tmp_path: Path) -> None:
    calls = []

    def make(directory: Path) -> None:
        calls.append(directory)
        (directory / "file").write_text("content")

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: store.made(tmp_path, "name", make), range(8)))
    assert found == {tmp_path / "name"}
    assert len(calls) == 1
    assert (tmp_path / "name/file").read_text() == "content"


def test_a_directory_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "part").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        store.made(tmp_path, "name", fail)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".new.1").mkdir()
    (tmp_path / ".new.1/part").touch()
    store.made(tmp_path, "name", lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "name"]


def test_keys_differ_where_parts_do() -> None:
    assert store.key(["ab", "c"]) != store.key(["a", "bc"])
    assert store.key(["a", b"b"]) == store.key([b"a", "b"])


def test_contents_are_listed_and_removed(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    assert inventory.contents(environ) == ()
    for name in ("packages/musl-dev_1", "vmm/1", "boots/2", "boots/.new.3"):
        (tmp_path / "kut/lab" / name).mkdir(parents=True)
    (tmp_path / "kut/lab/boots/2/boot.log").write_bytes(b"x" * 3_000_000)
    (tmp_path / "kut/lab/boots/2/about").write_text("kernel 7.3, QEMU 11.1.3\n")
    found = [(each.kind, each.name, each.megabytes) for each in inventory.contents(environ)]
    assert found == [
        ("package", "musl-dev_1", 0),
        ("vmm", "1", 0),
        ("boot", "2 kernel 7.3, QEMU 11.1.3", 3),
    ]
    inventory.remove(environ, with_packages=False)
    assert [each.kind for each in inventory.contents(environ)] == ["package"]
    inventory.remove(environ, with_packages=True)
    assert inventory.contents(environ) == ()


def test_a_lab_that_is_not_built_names_the_command(tmp_path: Path) -> None:
    tree = tree_with(tmp_path / "tree", GOOD)
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    for version, command in (("", "`kut lab build`"), ("6.18", "`kut lab build --kernel 6.18`")):
        with pytest.raises(MissingToolError) as caught:
            assembly.find_kernel(version, tree, environ)
        assert caught.value.hint == command
    with pytest.raises(MissingToolError, match="its packages are not fetched"):
        assembly.initramfs(tree, environ)
    with pytest.raises(SetupError, match="no directory for the lab"):
        store.directory({})


#: `apt-get -q -c FILE ...` with packages that the test has put into PLACE.
APT = """#!/bin/sh
echo "$*" >>"$PLACE/calls"
case "$*" in
*print-uris*update*)
    . /etc/os-release
    echo "'http://m/debian/dists/$VERSION_CODENAME/InRelease' m 0" ;;
*update*) printf '%s' "${UPDATE_SAYS:-}"; exit "${UPDATE_EXITS:-0}" ;;
*print-uris*) ;;
*download*) printf '%b' "${SAYS:-}"; cp "$PLACE"/*.deb . 2>/dev/null; exit "${EXITS:-0}" ;;
esac
"""
CACHE = """#!/bin/sh
echo linux-image-6.16.12+deb13-arm64
echo linux-image-6.16.3+deb13-arm64
echo linux-image-7.0.4+deb13-arm64
echo linux-binary-7.0.4+deb13-arm64
echo linux-binary-7.0.13+deb13-arm64-16k
echo linux-image-7.0.13+deb13-arm64-dbg
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with stand-ins for apt-get and apt-cache."""
    if not Path("/etc/debian_version").exists():
        pytest.skip("packages can be unpacked only on Debian and its derivatives")
    for name, text in (("apt-get", APT), ("apt-cache", CACHE)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PLACE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tree_with(tmp_path / "tree", GOOD)
    return tmp_path


def make_package(site: Path, name: str, file: str) -> None:
    control = site / name / "DEBIAN/control"
    control.parent.mkdir(parents=True)
    package, version = name.split("_")[:2]
    control.write_text(
        f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: a\nDescription: a\n"
    )
    (site / name / file).parent.mkdir(parents=True, exist_ok=True)
    (site / name / file).write_text(name)
    target = f"{site}/{name}.deb"
    build = ["dpkg-deb", "-Znone", "--build", str(site / name), target]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)


def test_packages_are_unpacked_each_in_its_directory(site: Path) -> None:
    make_package(site, "musl-dev_1_arm64", "usr/lib/libc.a")
    make_package(site, "linux-libc-dev_7.3_all", "usr/include/kvm.h")
    found, wanted = pins.load(site / "tree"), ["musl-dev=1", "linux-libc-dev=7.3"]
    packages.fetch(found, wanted, os.environ)
    for package, file in zip(wanted, ("usr/lib/libc.a", "usr/include/kvm.h"), strict=True):
        assert (packages.path(package, os.environ) / file).is_file()
    calls = (site / "calls").read_text()
    packages.fetch(found, wanted, os.environ)
    assert (site / "calls").read_text() == calls


def test_a_missing_package_and_a_missing_network_are_told_apart(
    site: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = pins.load(site / "tree")
    gone = r"E: Version '1' for 'musl-dev' was not found\n"
    for variables, message in (
        ({"SAYS": gone, "EXITS": "100"}, "the mirror has no musl-dev=1: http://m/debian, release"),
        ({"UPDATE_SAYS": "Could not resolve", "UPDATE_EXITS": "100"}, "cannot reach its mirrors"),
    ):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            with pytest.raises(SetupError):
                packages.fetch(found, ["musl-dev=1"], os.environ)
        assert message in capfd.readouterr().err
    assert not packages.path("musl-dev=1", os.environ).exists()


def test_the_newest_kernel_of_a_version_is_found(site: Path) -> None:
    found = pins.load(site / "tree")
    for version, package in (
        ("6.16", "linux-image-6.16.12+deb13-arm64"),
        ("6.16.3", "linux-image-6.16.3+deb13-arm64"),
        ("7.0", "linux-binary-7.0.4+deb13-arm64"),
    ):
        assert packages.kernel_package(found, version, os.environ) == package
    with pytest.raises(UsageError) as caught:
        packages.kernel_package(found, "6.17", os.environ)
    assert caught.value.hint == "it has 6.16, 7.0; or give a file: --kernel PATH/Image"
    with pytest.raises(UsageError, match="neither a version of Linux nor a file"):
        packages.kernel_package(found, "Image", os.environ)


def test_the_nightly_job_runs_all_pinned_kernels() -> None:
    text = (realtree.ROOT / ".github/workflows/lab.yml").read_text()
    listed = re.findall(r'^ +- "([\d.]+)"$', text.partition("kernel:\n")[2], re.MULTILINE)
    assert listed == list(pins.load(realtree.ROOT).kernels)
