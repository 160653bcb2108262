# SPDX-License-Identifier: GPL-2.0-or-later
"""The document of a plain run is the one that the previous release wrote, byte for byte.

Only keys that came since are left out, and what no two runs share: times, paths, the host, the
build. A stand-in for QEMU plays logs. tests/previous-release.json was written by that release:
`tests/test_previous_release.py PYTHON`, with the Python of its environment, prints it.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.qemu

TESTS = Path(__file__).parent
EXPECTED = TESTS / "previous-release.json"
#: Keys that the previous release did not write.
NEW = ("cause", "target", "migrations", "finding")
#: Keys whose values differ from run to run.
VARYING = (
    *("kut", "run", "started", "seconds", "host", "build_id"),
    *("cpu_seconds", "lost_seconds", "cpus_wanted"),
)
#: A duration in the reason of a timeout.
DURATION = re.compile(r"after [0-9.]+ s(, without a CPU for [0-9.]+ s)?")
LOGS = (
    *("pass", "pass-with-silent-checks", "pass-among-garbage", "fail", "fail-xpass", "fail-abort"),
    *("fail-by-exit-status-alone", "skip-all", "crash-no-summary", "crash-words-after-exit"),
    *("crash-failed-check-not-in-summary", "crash-gave-up-without-words"),
)
#: Plays the log that the guest's arguments name, or does what they say.
QEMU = """#!/bin/sh
[ "$1" != --version ] || { echo 'QEMU emulator version 7.2.22 (stand-in)'; exit; }
while [ "$1" != -append ]; do shift; done
case $2 in
refuse) echo "no such CPU" >&2; exit 1 ;;
break) echo here; echo "device broke" >&2; exit 2 ;;
kill) echo here; kill -SEGV $$ ;;
hang) echo here; exec sleep 60 ;;
late) echo "INFO: late"; cat LOGS/pass.log; exec sleep 60 ;;
flaky) cat LOGS/$(if mkdir first; then echo fail; else echo pass; fi 2>/dev/null).log ;;
*) cat "LOGS/$2.log" ;;
esac
"""
OTHERS = ("refuse", "break", "kill", "flaky", "late")
DEFINITIONS = (
    '[defaults]\nimage = "one"\n'
    + "".join(f'[test.{name}]\nargs = "{name}"\n' for name in (*LOGS, *OTHERS))
    + 'timeout = 30\n[test.hang]\nargs = "hang"\ntimeout = 0.5\n'
    + '[test.needy]\nneeds = ["qemu>=99"]\n'
)


def written(python: str, directory: Path) -> dict[str, Any]:
    """Run the tests by the kut of a Python; return the document without what varies."""
    tree = shutil.copytree(TESTS / "tiny_tree", directory / "tree")
    (tree / "configs/tests.toml").write_text(DEFINITIONS)
    qemu = tree / "qemu"
    qemu.write_text(QEMU.replace("LOGS", str(TESTS / "golden")))
    qemu.chmod(0o755)
    options = ("-j", "1", "--retries", "1", "--compiler", "gcc")
    done = subprocess.run(
        [python, "-m", "kut_runner", "run", "--qemu", qemu, *options, "--json", "r.json"],
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6, done.stdout + done.stderr
    text = (tree / "r.json").read_text()
    text = text.replace(json.loads(text)["run"], "RUN").replace(str(tree), "TREE")
    return dict(plain(json.loads(DURATION.sub("after N s", text))))


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out new keys, and set aside values that vary."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "..." if key in VARYING else plain(each)
        for key, each in value.items()
        if key not in NEW
    }


def test_a_plain_run_has_the_document_of_the_previous_release(tmp_path: Path) -> None:
    found = written(sys.executable, tmp_path)
    statuses = {test["status"] for test in found["tests"]}
    assert statuses == {"pass", "fail", "skip", "timeout", "crash", "flaky", "error"}
    assert f"{json.dumps(found, indent=1)}\n" == EXPECTED.read_text()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.stdout.write(f"{json.dumps(written(sys.argv[1], Path(temporary)), indent=1)}\n")
