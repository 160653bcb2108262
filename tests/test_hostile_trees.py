# SPDX-License-Identifier: GPL-2.0-or-later
"""unittests.cfg of strangers: nothing is executed, and views and messages are inert."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import realtree
from click.testing import CliRunner
from test_text import is_inert

from kut_runner import cli
from kut_runner.bundle import kvm_unit_tests
from kut_runner.errors import KutError
from kut_runner.views.board import Board

GOOD = b"[good]\nfile = x.flat\n"


def entry(body: bytes, name: bytes = b"a") -> bytes:
    return b"[" + name + b"]\nfile = x.flat\n" + body + b"\n"


#: Files by kind.
FILES = {
    "escape-in-a-name": entry(b"", b"\x1b[31mred\x1b]0;title\x07"),
    "command-in-a-name": entry(b"smp = x", b"x%0A::error::pwn"),
    "name-that-is-a-command": entry(b"", b";touch owned;") + entry(b"", b"$(touch owned)"),
    "name-that-is-a-path": entry(b"", b"../../owned") + entry(b"", b"..") + entry(b"", b"/owned"),
    "long-name": entry(b"", b"x" * 100_000),
    "bidirectional-name": entry(b"smp = x", "\u202eevil\u2066".encode()),
    "carriage-return": entry(b"smp = x\r::error::pwn\r"),
    "line-separators": entry(b"smp = x\xc2\x85::error::pwn\xe2\x80\xa8::error::pwn"),
    "lines-in-options": entry(b'qemu_params = """-name "a\n::error::pwn"\n"""'),
    "lines-in-groups": entry(b'groups = """"a\n::error::pwn"\n"""'),
    "nul": entry(b"test_args = a\0b") + b"\0\0\n",
    "not-utf-8": entry(b"test_args = gr\xfc\xdfe", b"gr\xfc"),
    "utf-16": "[a]\nfile = x.flat\n".encode("utf-16"),
    "backticks": entry(b"qemu_params = `touch owned`") + entry(b"smp = `touch owned`"),
    "substitution": entry(b"test_args = $(touch owned)") + entry(b'groups = "$(touch owned)"'),
    "separators": entry(b"qemu_params = ; touch owned") + entry(b"test_args = & touch owned"),
    "redirection": entry(b"test_args = a > owned") + entry(b"qemu_params = <(touch owned)"),
    "condition-that-is-a-command": entry(b"disabled_if = touch owned"),
    "condition-and-a-command": entry(b"disabled_if = [[ x ]] && touch owned"),
    "subscript": entry(b"smp = $((a[$(touch owned)]))"),
    "arithmetic": entry(b"smp = $((9**99))")
    + entry(b"smp = $((1/0))")
    + entry(b"smp = $((1<<99))"),
    "deep-arithmetic": entry(b"smp = $((" + b"(" * 4000 + b"1" + b")" * 4000 + b"))"),
    "deep-condition": entry(b"disabled_if = [[ " + b"( " * 2000 + b"x" + b" )" * 2000 + b" ]]"),
    "many-negations": entry(b"disabled_if = [[ " + b"! " * 3000 + b"x ]]"),
    "options-of-qemu": entry(b"qemu_params = -incoming 'exec:touch owned'")
    + entry(b"qemu_params = -D owned")
    + entry(b"qemu_params = -chardev file,id=x,path=owned")
    + entry(b"qemu_params = -drive file=/etc/passwd"),
    "images-elsewhere": b"[a]\nfile = ../../etc/passwd\n[b]\nfile = /dev/zero\n",
    "long-path": b"[a]\nfile = " + b"x/" * 3000 + b"\n",
    "checks-of-secrets": entry(b"check = /proc/self/environ=x")
    + entry(b"check = /sys/../etc/shadow=x")
    + entry(b"check = /proc/self/root/etc/shadow=x")
    + entry(b"check = /proc/kmsg=x"),
    "many-sections": b"[a]\n" * 5000,
    "much-junk": b"\x1b::error::pwn\n" * 100_000,
    "no-end-of-quotes": b'qemu_params = """x\n' * 50_000,
    "numbers": entry(b"smp = 99999999999999999999") + entry(b"timeout = nan") + entry(b"smp = -1"),
    "accelerators": entry(b"accel = tcg,accel=kvm") + entry(b"qemu_params = -machine accel=kvm"),
    "brackets": b"[[a]]\n[b] # x\n[c\n]\n[]\n[ ]\n",
    "empty": b"",
}


@pytest.mark.parametrize("kind", FILES)
def test_nothing_is_executed_and_all_text_is_inert(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm/x.flat").touch()
    first = b"" if kind in ("empty", "utf-16") else GOOD  # so that problems cost a test each
    (tmp_path / "arm/unittests.cfg").write_bytes(first + FILES[kind])
    texts: list[str] = []
    try:
        tree = kvm_unit_tests.load(tmp_path, has_el2=True, environment={"MAX_SMP": "2"})
    except KutError as error:
        texts += error.message.splitlines()
    else:
        texts += tree.warnings
        for test in tree.definitions.tests:
            texts += (test.name, test.skip, test.problem, *test.groups)
            assert "/" not in test.name
            assert 0 < len(test.name) <= 100
            assert len(test.skip) <= 400
            assert not any("owned" in option for option in test.qemu_args if not test.problem)
    assert all(text.isprintable() for text in texts)
    assert not any(text.startswith("::") for text in texts)
    assert sum(map(len, texts)) < 200_000
    assert not list(tmp_path.rglob("*owned*"))


@pytest.mark.qemu
def test_views_of_a_run_are_inert(tmp_path: Path) -> None:
    (tmp_path / "arm").mkdir()
    for suffix in ("flat", "elf"):
        shutil.copy(
            realtree.build("selftest").with_suffix(f".{suffix}"), tmp_path / f"arm/x.{suffix}"
        )
    first_lines = (text.partition(b"\n")[0] for text in FILES.values())
    names = [line[1:-1] for line in first_lines if re.fullmatch(rb"\[.*[^ ].*\]", line)]
    sections = [entry(b"smp = \x1b]0;x", name) for name in names]
    (tmp_path / "arm/unittests.cfg").write_bytes(GOOD + b"".join(sections))
    reports = {"--json": "r.json", "--junit": "r.xml", "--tap": "r.tap", "--html": "r.html"}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "kut_runner", "run", "--tree", ".", "--el2", "--github"),
            *(part for option in reports.items() for part in option),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(realtree.ROOT),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    results = {test["id"]: test for test in json.loads((tmp_path / "r.json").read_text())["tests"]}
    assert results["good"]["status"] == "pass"
    assert len(results) == len(sections) + 1
    bad = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|^::error::pwn|\xe2\x80\xae", re.MULTILINE)
    for name in (*reports.values(), "summary.md"):
        assert not bad.search((tmp_path / name).read_bytes()), name
    assert not bad.search(done.stdout + done.stderr)
    others = (
        *(("list", "--tree", "."), ("list", "--tree", ".", "--groups"), ("show",)),
        *(("show", "r.json", "-v"), ("history",), ("history", "*"), ("rerun",)),
        *(("compare", "r.json", "r.json"), ("merge", "a=r.json"), ("list", "--tree", ".", "x")),
    )
    for command in others:
        again = realtree.kut(tmp_path, *command)
        assert "bug in kut" not in again.stderr, command
        assert not bad.search((again.stdout + again.stderr).encode()), command
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize("kind", FILES)
def test_lists_and_the_board_are_inert(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm/x.flat").touch()
    (tmp_path / "arm/unittests.cfg").write_bytes(GOOD + FILES[kind])
    for options in ((), ("--groups",), ("--json", "-")):
        done = CliRunner().invoke(cli.kut, ["list", "--tree", ".", *options])
        assert done.exit_code == 0 or isinstance(done.exception, KutError)
        assert is_inert(f"{done.output}{done.exception or ''}")
    try:
        tree = kvm_unit_tests.load(tmp_path, has_el2=True, environment={})
    except KutError:
        return
    stream = io.StringIO()
    board = Board(stream, is_coloured=False, clock=iter(range(10_000)).__next__)
    board.start(None)
    for test in tree.definitions.tests[:5]:
        board.begin(test.name)
        board.draw()
    board.close()
    plain = re.sub(r"\x1b\[[0-9?]*[A-Za-z]|\r", "", stream.getvalue())
    assert is_inert(plain)
