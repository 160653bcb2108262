# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU behind a wrapper that closes inherited descriptors, as ssh, docker and sudo do."""

import json
from pathlib import Path
from typing import Any

import pytest
import realtree

pytestmark = pytest.mark.qemu

#: Close all but stdin, stdout and stderr; bash then cannot read the script beyond this block.
WRAPPER = """#!/bin/bash
{{
	[ "$1" = --version ] || printf '%s\\n' "$*" >>{starts}
	for each in /proc/self/fd/*; do
		each=${{each##*/}}
		[ "$each" -le 2 ] || {close}
	done
	exec qemu-system-aarch64 "$@"
}}
"""
DEFINITIONS = """
[defaults]
image = "selftest"
groups = ["nodefault"]
[test.refused-cpu]
cpu = "no-such-cpu"
[test.refused-option]
qemu_args = ["-no-such-option"]
[test.small]
args = "smp=1 mem=128 el=2"
"""
HANG = ("misbehave-hang", "--timeout", "0.5")


class Wrapper:
    """Wrapper that starts QEMU and logs the arguments."""

    def __init__(self, directory: Path, *, closes: bool, banner: str = "") -> None:
        self.path = directory / "wrapper"
        self._starts = directory / "starts"
        close = 'eval "exec $each>&-"' if closes else ":"
        text = WRAPPER.format(starts=self._starts, close=close)
        if banner:  # on stdout, as of a container's image that is fetched
            text = text.replace(
                "\texec qemu", f'\t[ "$1" = --version ] || echo {banner}\n\texec qemu'
            )
        self.path.write_text(text)
        self.path.chmod(0o755)

    @property
    def starts(self) -> list[str]:
        """Arguments of each start."""
        return self._starts.read_text().splitlines() if self._starts.exists() else []


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = realtree.linked(tmp_path_factory.mktemp("tree"), DEFINITIONS)
    assert realtree.kut(top, "build", "selftest", "misbehave").returncode == 0
    return top


def results(tree: Path) -> dict[str, Any]:
    return {test["id"]: test for test in realtree.last_run(tree)["tests"]}


def test_a_wrapper_costs_one_more_start_and_no_pass(tree: Path, tmp_path: Path) -> None:
    wrapper = Wrapper(tmp_path, closes=True)
    end = realtree.kut(tree, "run", "-j", "1", "small", "selftest", "--qemu", wrapper.path)
    assert (end.returncode, end.stderr) == (0, "")
    assert {name: test["status"] for name, test in results(tree).items()} == {
        "small": "pass",
        "selftest": "pass",
    }
    first, *others = wrapper.starts
    assert "-chardev" in first
    assert len(others) == 2, "the first test again, and the second one once"
    assert "-chardev" not in " ".join(others)
    assert all("-chardev" not in test["qemu"]["argv"] for test in results(tree).values())


def test_a_wrapper_may_print_something_first(tree: Path, tmp_path: Path) -> None:
    wrapper = Wrapper(tmp_path, closes=True, banner="Pulling image")
    end = realtree.kut(tree, "run", "-j", "1", "small", "selftest", "--qemu", wrapper.path)
    assert (end.returncode, end.stderr) == (0, "")
    assert {test["status"] for test in results(tree).values()} == {"pass"}
    assert len(wrapper.starts) == 3


def test_a_wrapper_that_passes_them_on_is_as_good_as_qemu(tree: Path, tmp_path: Path) -> None:
    wrapper = Wrapper(tmp_path, closes=False)
    assert realtree.kut(tree, "run", *HANG, "--qemu", wrapper.path).returncode == 1
    (test,) = results(tree).values()
    assert test["diagnosis"]["headline"].startswith("hangs in hang()")
    assert len(wrapper.starts) == 1


def test_a_hang_behind_a_wrapper_is_a_timeout_that_says_why_no_more_is_known(
    tree: Path, tmp_path: Path
) -> None:
    wrapper = Wrapper(tmp_path, closes=True)
    end = realtree.kut(tree, "run", *HANG, "--qemu", wrapper.path)
    assert end.returncode == 1
    (test,) = results(tree).values()
    assert (test["status"], test["cause"]) == ("timeout", "timeout")
    reason = f"{wrapper.path} does not pass on file descriptors, so it is a wrapper"
    assert test["diagnosis"]["headline"] == f"where it hangs is not known: {reason}"
    assert reason in end.stdout
    assert len(wrapper.starts) == 2


def test_no_inspect_asks_for_no_descriptors(tree: Path, tmp_path: Path) -> None:
    wrapper = Wrapper(tmp_path, closes=False)
    end = realtree.kut(tree, "run", *HANG, "--no-inspect", "--qemu", wrapper.path)
    assert end.returncode == 1
    (test,) = results(tree).values()
    assert test["status"] == "timeout"
    assert test["diagnosis"]["headline"] == "where it hangs is not known: --no-inspect"
    (start,) = wrapper.starts
    assert "-chardev" not in start
    assert realtree.last_run(tree)["options"]["inspect"] is False

    assert realtree.kut(tree, "rerun").returncode == 1
    assert len(wrapper.starts) == 2
    assert "-chardev" not in json.dumps(wrapper.starts), "it runs again as it ran"


@pytest.mark.parametrize("refused", ["refused-cpu", "refused-option"])
@pytest.mark.parametrize("closes", [None, False, True])
def test_a_machine_that_is_refused_is_not_taken_for_a_wrapper(
    tree: Path, tmp_path: Path, refused: str, *, closes: bool | None
) -> None:
    """A later hang has its stack, as the first start did not mark the program as a wrapper."""
    wrapper = None if closes is None else Wrapper(tmp_path, closes=closes)
    qemu = ("--qemu", wrapper.path) if wrapper else ()
    (tree / "build/times.json").unlink(missing_ok=True)
    end = realtree.kut(tree, "run", "-j", "1", refused, *HANG, *qemu)
    assert end.returncode == 6
    tests = results(tree)
    assert [*tests] == [refused, "misbehave-hang"]
    assert (tests[refused]["status"], tests[refused]["cause"]) == ("error", "refused")
    assert "QEMU refused: " in tests[refused]["reason"]
    assert "chardev" not in tests[refused]["reason"]
    headline = tests["misbehave-hang"]["diagnosis"]["headline"]
    assert ("so it is a wrapper" in headline) is bool(closes)
    assert headline.startswith("hangs in hang()") is (not closes)
