# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut watch` on a terminal: real images of a small tree, built and run again when files change."""

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

pytestmark = pytest.mark.qemu

#: Boots at EL2, calls main() and powers off.
START = """\
	.section .text.start, "ax"
	.globl start
start:
	mov	x0, #0x44000000
	mov	sp, x0
	bl	main
	ldr	w0, =0x84000008
	smc	#0
	b	.
"""
HELPER = """\
#include "helper.h"
void say(const char *text)
{
	while (*text)
		*(volatile unsigned int *)0x09000000 = *text++;
}
"""
HELPERS = """\
void say(const char *text);
#define PASSES "PASS: it\\nSUMMARY: 1 tests\\n\\nEXIT: STATUS=1\\n"
#define FAILS "FAIL: it\\nSUMMARY: 1 tests, 1 unexpected failures\\n\\nEXIT: STATUS=3\\n"
"""
TEST = """\
#include "helper.h"
int main(void);
int main(void)
{
	say(PASSES);
	return 0;
}
"""
HANG = 'say("INFO: it hangs\\n"); for (;;) ;'
#: Runs the real QEMU under a name that identifies its processes.
EMULATOR = """\
#!/bin/sh
[ "$1" != --version ] || exec qemu-system-aarch64 --version
exec qemu-system-aarch64 -name {mark} "$@"
"""


def save(path: Path, text: str) -> None:
    """Replace a file, once the clock of the file system has advanced.

    Editors do so too. One that is written in place is empty for a moment, which on a busy machine
    may be long enough to be built.
    """
    time.sleep(0.02)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.rename(path)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file."""
    text = path.read_text()
    assert old in text
    save(path, text.replace(old, new))


def processes(mark: str) -> list[int]:
    """Return the processes with `mark` in an argument."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except (OSError, UnicodeDecodeError):
            continue
    return found


def lives(process: str) -> bool:
    """Return whether a process runs, and is not a zombie."""
    try:
        return bool(Path("/proc", process, "cmdline").read_bytes())
    except OSError:
        return False


def wait_until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


class Watch:
    """`kut watch` on a terminal."""

    def __init__(self, tree: Path, *args: str, term: str = "dumb") -> None:
        self.tree = tree
        self.mark = f"kut-watch-{tree.parent.name}-{os.getpid()}"
        emulator = tree / "qemu"
        emulator.write_text(EMULATOR.format(mark=self.mark))
        emulator.chmod(0o755)
        self.kut = pexpect.spawn(
            sys.executable,
            ["-m", "kut_runner", "watch", "-j", "2", "--qemu", str(emulator), *args],
            cwd=str(tree),
            env=os.environ | {"TERM": term, "LC_ALL": "C"},
            encoding="utf-8",
            timeout=60,
            maxread=65536,
        )
        self.kut.delaybeforesend = None
        self.before = termios.tcgetattr(self.kut.child_fd)

    def expect(self, pattern: str) -> str:
        """Wait for a line that ends with a pattern; return the output up to it."""
        self.kut.expect(f"(?:{pattern})\r\n".replace(".*", r"[^\r\n]*"))
        return f"{self.kut.before}{self.kut.after}".replace("\r\n", "\n")

    def round(self, first: str, last: str) -> list[str]:
        """Wait for the round with this first line; return its lines up to `last`, without times."""
        self.expect(re.escape(first))
        output = re.sub(r" +\d+\.\d\d s", "", self.expect(last))
        return [re.sub(" +", " ", line) for line in output.splitlines()]

    def end(self) -> int:
        """Wait for its end; return the exit code, and check that no process is left."""
        self.kut.expect(pexpect.EOF)
        assert termios.tcgetattr(self.kut.child_fd) == self.before
        self.kut.close()
        assert self.running() == []
        code: int = self.kut.exitstatus
        return code

    def interrupt(self) -> int:
        self.kut.sendintr()
        return self.end()

    def running(self) -> list[int]:
        return processes(self.mark)


Start = Callable[..., Watch]


@pytest.fixture
def tree(tree: Path) -> Path:
    """Return the small source tree, with images that print something and power off."""
    (tree / "lib/arm64/start.S").write_text(START)
    (tree / "lib/helper.c").write_text(HELPER)
    (tree / "lib/helper.h").write_text(HELPERS)
    for name in ("one", "two"):
        (tree / f"arm/{name}.c").write_text(TEST)
    return tree


@pytest.fixture
def start(tree: Path) -> Iterator[Start]:
    started: list[Watch] = []

    def begin(*args: str, term: str = "dumb") -> Watch:
        started.append(Watch(tree, *args, term=term))
        return started[-1]

    yield begin
    for each in started:
        each.kut.close(force=True)


def test_a_round_runs_what_links_the_change_and_nothing_else(start: Start, tree: Path) -> None:
    watch = start()
    first = watch.expect("2 pass in .*; all 2 good")
    assert "PASS     one" in first
    assert "PASS     two" in first

    for name in (".one.c.swp", "4913", "one.c~", "notes.md"):  # files of editors are not sources
        (tree / "arm" / name).write_text("")
    edit(tree / "arm/one.c", "return 0", "return 1")
    lines = watch.round("arm/one.c changed", "all 2 good")
    assert lines[0] == "PASS one 1 check"
    assert re.fullmatch("1 pass; from save to verdict, of it for the build; all 2 good", lines[1])

    save(tree / "arm/two.c", TEST.replace("PASSES", "FAILS"))
    lines = watch.round("arm/two.c changed", "1 of 2 bad: two")
    assert [line.split()[:2] for line in lines[:2]] == [["FAIL", "two"], ["FAIL:", "it"]]

    edit(tree / "arm/one.c", "return 1", "return 2")
    lines = watch.round("arm/one.c changed", "1 of 2 bad: two")  # it counts until it passes
    assert lines[0] == "PASS one 1 check"
    assert lines[1].startswith("1 pass; from save")

    (tree / "lib/unused.h").write_text("")
    assert watch.round("lib/unused.h changed", "bad: two")[0].startswith("nothing to run; ")

    edit(tree / "lib/helper.h", "PASS: it", "PASS: that")
    lines = watch.round("lib/helper.h changed", "1 of 2 bad: two")
    assert {line.split()[1] for line in lines if line.startswith(("PASS", "FAIL "))} == {
        "one",
        "two",
    }
    runs = subprocess.run(
        [sys.executable, "-m", "kut_runner", "history"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(runs.stdout.splitlines()) >= 5  # each round with tests is a run
    assert watch.interrupt() == 130


def test_what_failed_comes_first_and_keys_ask_for_more(start: Start, tree: Path) -> None:
    edit(tree / "arm/two.c", "PASSES", "FAILS")
    watch = start("-j", "1")
    watch.expect("1 of 2 bad: two")
    edit(tree / "lib/helper.h", "PASS: it", "PASS: that")
    lines = watch.round("lib/helper.h changed", "1 of 2 bad: two")
    assert [line for line in lines if line.endswith((" check", " failed"))] == [
        "FAIL two 1 of 1 check failed",
        "PASS one 1 check",
    ]
    watch.kut.send("f")
    assert watch.round("failed tests", "bad: two")[-1].startswith("1 fail")
    watch.kut.send("x\r")  # x is ignored, Enter runs all tests
    assert watch.round("all tests", "bad: two")[-1].startswith("1 pass, 1 fail")
    watch.kut.send("q")
    assert watch.end() == 1


def test_the_compiler_has_its_say_and_the_loop_goes_on(start: Start, tree: Path) -> None:
    edit(tree / "arm/two.c", "say(", "sya(")
    watch = start()
    output = watch.expect("build failed; built in .*")
    assert "kut: error: the build failed:" in output
    assert "arm/two.c:5:" in output
    edit(tree / "arm/two.c", "sya(", "say(")
    lines = watch.round("arm/two.c changed", "all 2 good")
    assert sorted(line.split()[1] for line in lines[:2]) == ["one", "two"]
    edit(tree / "lib/helper.h", "void say", "void sy")
    watch.expect("build failed; .*")
    watch.kut.send("q")
    assert watch.end() == 3


def test_a_save_stops_the_run_in_progress(start: Start, tree: Path) -> None:
    edit(tree / "arm/two.c", "say(PASSES);", f'say("FAIL: too early\\n"); {HANG}')
    watch = start("--timeout", "600")
    watch.expect("PASS     one .*")
    log = tree / "build/logs/two.log"
    wait_until(lambda: log.exists() and "it hangs" in log.read_text())
    save(tree / "arm/two.c", TEST)
    lines = watch.expect(" +log: build/logs/two.log")
    assert "CUT      two " in lines
    assert "restarting: stopping 1 test" in lines
    assert "FAIL: too early" in lines  # output up to then is shown
    assert watch.round("arm/two.c changed", "all 2 good")[0] == "PASS two 1 check"
    assert watch.running() == []
    watch.kut.send("q")
    assert watch.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_tests_run_leaves_nothing(
    start: Start, tree: Path, number: signal.Signals
) -> None:
    edit(tree / "arm/two.c", "say(PASSES);", HANG)
    watch = start("two")
    wait_until(watch.running)
    if number is signal.SIGINT:
        watch.kut.sendintr()
    else:
        watch.kut.kill(number)
    assert "interrupted: stopping 1 test" in watch.expect("1 error in .*")
    assert watch.end() == 130


def test_definitions_are_sources_too(start: Start, tree: Path) -> None:
    watch = start()
    watch.expect("all 2 good")
    definitions = tree / "configs/tests.toml"
    edit(definitions, "[test.one]\n", "[test.one]\nsmp = 0\n")
    output = watch.expect("no test could run; .* from save to verdict")
    assert "tests.toml: test.one.smp: 0" in output
    edit(definitions, "smp = 0", "smp = 2")
    assert watch.round("configs/tests.toml changed", "all 2 good")[0] == "PASS one 1 check"
    edit(definitions, "[test.two]\n", '[test.three]\nimage = "two"\n\n[test.two]\n')
    lines = watch.round("configs/tests.toml changed", "all 3 good")
    assert lines[0] == "PASS three 1 check"
    assert lines[1].startswith("1 pass; ")
    assert watch.interrupt() == 130


def test_a_checkout_of_many_files_and_files_from_elsewhere(start: Start, tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    (outside / "extra.h").write_text("#define MORE 1\n")
    edit(tree / "arm/one.c", "int main", '#include "../../outside/extra.h"\nint main')
    watch = start("--postpone")
    watch.expect("nothing to run; built in .*; all 2 good")
    edit(outside / "extra.h", "1", "2")
    lines = watch.round("../outside/extra.h changed", "; .*")
    assert lines[0] == "PASS one 1 check"
    time.sleep(0.02)
    for number in range(300):
        (tree / f"lib/header-{number}.h").write_text("")
    for name in ("one", "two"):
        (tree / f"arm/{name}.c").write_text(TEST)
    watch.expect("[0-9]+ files changed: .* and [0-9]+ more")
    watch.expect("[12] pass; .*; all 2 good")
    watch.kut.send("q")
    assert watch.end() == 0


def test_on_a_live_terminal_a_line_says_what_the_keys_do(start: Start, tree: Path) -> None:
    watch = start("one", "--clear", term="xterm")
    watch.kut.expect_exact("watching sources; Enter: run all tests, f: run failed tests, q: quit\r")
    edit(tree / "arm/one.c", "return 0", "return 1")
    watch.kut.expect_exact("\r\x1b[K\x1b[H\x1b[2Jarm/one.c changed")
    watch.expect(".*all 1 good.*")
    edit(tree / "arm/one.c", "say(", "sya(")
    output = watch.expect(".*build failed.*verdict.*")
    assert "arm/one.c:5:" in output
    assert "-ffreestanding" not in output  # the whole command is for `kut build -v`
    assert watch.interrupt() == 130


def test_kill_9_leaves_nothing(start: Start, tree: Path) -> None:
    edit(tree / "arm/two.c", "say(PASSES);", HANG)
    watch = start("two")
    wait_until(watch.running)
    children = Path(f"/proc/{watch.kut.pid}/task/{watch.kut.pid}/children").read_text().split()
    assert len(children) == 2  # QEMU and the watcher process
    watch.kut.kill(signal.SIGKILL)
    wait_until(lambda: not any(map(lives, children)))


def test_what_is_wrong_at_the_start_ends_it(
    kut: Callable[..., "subprocess.CompletedProcess[str]"],
) -> None:
    done = kut("watch", "ones")
    assert done.returncode == 2
    assert "did you mean one" in done.stderr
    done = kut("watch", "--qemu", "/nonexistent")
    assert done.returncode == 5


def test_without_the_library_it_says_what_to_install(tree: Path) -> None:
    code = "import sys; sys.modules['watchfiles'] = None; import kut_runner.__main__ as m; m.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "watch"], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 5
    assert "watchfiles is not installed" in done.stderr
    assert "pip install" in done.stderr
