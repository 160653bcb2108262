# SPDX-License-Identifier: GPL-2.0-or-later
"""`kut debug`: real debuggers and machines, and the end of all processes."""

import ast
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
import realtree
from conftest import Kut

import kut_runner
from kut_runner.debugging import debugger
from kut_runner.debugging.debugger import DebuggedImage, Debugger, DebuggerOptions
from kut_runner.errors import MissingToolError

GDB = shutil.which("gdb-multiarch")
needs_gdb = pytest.mark.skipif(
    not GDB, reason="no gdb-multiarch is installed (Debian: apt install gdb-multiarch)"
)
PAGE = realtree.ROOT / "docs/commands/debug.md"
#: Seconds after which a process hangs.
PATIENCE = 120
ENVIRONMENT = {"KUT_DEBUGGER": "gdb", "TERM": "dumb"}


def kut_debug(*args: str) -> list[str]:
    return [*realtree.KUT, "--root", str(realtree.ROOT), "debug", *args]


def batch(*args: str, code: int = 0) -> str:
    """Return the output of `kut debug ARGS --batch` without a terminal."""
    done = subprocess.run(
        [*kut_debug(*args), "--batch"],
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def gdb(*commands: str) -> list[str]:
    return [word for command in commands for word in ("-ex", command)]


def line_of(file: str, text: str) -> int:
    lines = (realtree.ROOT / file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(text))


def children(pid: int) -> set[int]:
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


class Watched:
    """Processes that a test can wait for."""

    def __init__(self, pids: set[int]) -> None:
        self._ends = {pid: os.pidfd_open(pid) for pid in pids}

    def wait_until_gone(self) -> None:
        for end in self._ends.values():
            assert select.select([end], [], [], PATIENCE)[0]
            os.close(end)


# State of the machine in a debugger.


@pytest.mark.qemu
@needs_gdb
@pytest.mark.parametrize(("name", "image"), [("selftest", "selftest"), ("smp", "smp")])
def test_gdb_stands_at_the_first_instruction_of_main(tmp_path: Path, name: str, image: str) -> None:
    serial = tmp_path / "serial"
    said = batch(
        *(name, "--serial", str(serial)),
        *gdb('printf "%lx %lx\\n", $pc, &main', "info source", "frame"),
    )
    pc, main = re.findall(r"^([0-9a-f]+) ([0-9a-f]+)$", said, re.MULTILINE)[0]
    assert pc == main
    found = re.search(rf"^#0  main \(argc=.*\) at arm/{image}\.c:(\d+)$", said, re.MULTILINE)
    assert found
    assert 0 <= int(found[1]) - line_of(f"arm/{image}.c", "int main(") <= 3  # as it was compiled
    assert f"Located in {realtree.ROOT}/arm/{image}.c" in said
    assert serial.read_bytes() == b""  # the test has not started


@pytest.mark.qemu
@needs_gdb
def test_what_the_guest_says_is_shown_and_kept() -> None:
    log = realtree.ROOT / "build/debug/selftest-small.log"
    said = batch("selftest-small", *gdb("hbreak exit", "continue"))
    kept = log.read_text().replace("\r", "")
    assert re.fullmatch(r"(?:(?:PASS|INFO): .*\n)+SUMMARY: .*\n", kept)  # the machine is in exit()
    assert set(kept.splitlines()) <= set(said.splitlines())
    assert "Breakpoint 1, exit (code=0)" in said
    assert "detached]" not in said  # which would let the machine run on


@pytest.mark.qemu
@needs_gdb
def test_a_migration_is_answered_on_the_same_machine(tmp_path: Path) -> None:
    serial = tmp_path / "serial"
    batch("migrate-continuous", "--serial", str(serial), *gdb("continue"))
    lines = serial.read_text().splitlines()
    assert lines[0] == "Begin continuous migration"
    assert lines[-1] == "EXIT: STATUS=1"


@pytest.mark.qemu
@needs_gdb
def test_the_first_instruction_of_the_machine() -> None:
    assert "$1 = 0x40000000\n" in batch("selftest", "--at-reset", *gdb("p/x $pc"))


@pytest.mark.qemu
@needs_gdb
def test_commands_of_files_come_before_others_and_their_status_counts(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("print 6*7\n")
    said = batch("selftest", "-x", str(script), *gdb("print 7*7", "quit 3"), code=1)
    assert said.index("$1 = 42") < said.index("$2 = 49")


# The `kut` commands.


@pytest.fixture(scope="module")
def in_handler() -> str:
    """Return the output of gdb in an exit handler."""
    if not GDB:
        pytest.skip("no gdb-multiarch is installed (Debian: apt install gdb-multiarch)")
    return batch(
        "guest-resume",
        *gdb("hbreak change_registers", "continue", "bt", "up 2", "echo [[\\n", "kut guest"),
        *gdb("echo ]]\\n", "frame 0", "print/x guest->x[30]", "print/x guest->elr_el2"),
        *gdb("print/x (int)$ESR_EL2", "print/x $SP_EL1", "print guest", "kut esr 0x5a000001"),
        *gdb("kut stage2 guest->s2mmu 0x40080000", "kut exits", "kut nothing", "kut guest 1 2"),
        *gdb("delete", "hbreak *guest_look+4", "continue", "kut guest", "kut stage2 cpu"),
    )


@pytest.mark.qemu
def test_the_stack_of_a_handler_goes_down_to_main(in_handler: str) -> None:
    frames = re.findall(
        r"^#\d +(?:0x\w+ in )?(<signal handler called>|\w+)", in_handler, re.MULTILINE
    )
    assert frames[:7] == [
        "change_registers",
        "<signal handler called>",
        "guest_run",
        "test_changes",
        "run_subtests",
        "run_subtests_unless",
        "main",
    ]
    assert "Backtrace stopped" not in in_handler


@pytest.mark.qemu
def test_a_guest_in_words(in_handler: str) -> None:
    shown = in_handler.partition("[[\n")[2].partition("]]\n")[0]
    x30, elr, esr, sp = re.findall(r"^\$[1-4] = 0x(\w+)$", in_handler, re.MULTILINE)
    assert esr == "5a000000"
    assert "  exit    HVC: #0\n  ESR_EL2 0x5a000000  FAR_EL2 0x0  HPFAR_EL2 0x0\n" in shown
    assert f"  PC      0x{elr} <guest_look+4>\n  PSTATE  0x3c5  EL1h, DAIF masked\n" in shown
    assert f"  x30 {x30:0>16}\n" in shown
    assert f"     SP_EL1 {sp:0>16}" in shown
    assert re.search(r"stage 2 at 0x[0-9a-f]+, VMID 5; ", shown)
    assert "virtual CPU 0, running\n" in shown


@pytest.mark.qemu
def test_a_guest_in_a_line(in_handler: str) -> None:
    line = r"\$5 = 0x\w+ \{guest at 0x\w+ <guest_look\+4>, EL1h, DAIF masked; last exit HVC: #0\}"
    assert re.search(line, in_handler)


@pytest.mark.qemu
@needs_gdb
def test_print_shows_a_guest_whose_registers_are_in_the_cpu() -> None:
    printed = (
        "print *guest",
        "print/x *guest",
        "print guest->sctlr_el1",
        "p nosuch",
        "print 6*7",
        "p $ + 1",
    )
    said = batch(
        "guest-resume",
        *gdb("hbreak guest_run", "continue", "print *guest", "kut guest"),
        *gdb("hbreak change_registers", "continue", "echo [[\\n", *printed),
    )
    before, _, within = said.partition("[[\n")
    assert re.search(
        r"^\$1 = \{guest at 0x\w+ <guest_look>, .*; no synchronous exit yet\}$",
        before,
        re.MULTILINE,
    )
    assert "  exit    no synchronous exit yet\n" in before
    assert re.match(
        r"\{guest at 0x\w+ <guest_look\+4>, .*; last exit HVC: #0\}\n\{\n  x = \{", within
    )
    assert "\n  esr_el2 = 0x5a000000\n" in within
    assert "\n  system registers: in the CPU, see `kut guest`\n}\n" in within
    assert "\n$2 = 42\n$3 = 43\n" in within


@pytest.mark.qemu
def test_words_for_values_and_for_mistakes(in_handler: str) -> None:
    assert "\n0x5a000001: HVC: #0x1\n" in in_handler
    assert re.search(
        r"^IPA 0x40080000, level 1: entry 1 of the table at 0x", in_handler, re.MULTILINE
    )
    assert re.search(
        r"^  page of 4 KiB, IPA 0x40080000 is at 0x40080000$", in_handler, re.MULTILINE
    )


@pytest.mark.qemu
def test_what_the_host_has_is_seen_from_inside_a_guest(in_handler: str) -> None:
    inside = in_handler.rpartition("Breakpoint 2, ")[2]
    assert " in guest_look () at arm/guest-resume.c:" in inside.partition("\n")[0]
    assert "\nrunning; the registers below are those of its last exit\n" in inside
    assert "  exit    HVC: #0\n" in inside
    assert re.search(r"^4K granule, 40 bits, level 1, 2 root tables, ", inside, re.MULTILINE)
    assert re.search(r"^\d+ leaves$", inside, re.MULTILINE)


@pytest.fixture(scope="module")
def in_lldb() -> str:
    """Return the output of lldb in guest_run()."""
    try:
        debugger.find("lldb", os.environ)
    except MissingToolError:
        pytest.skip("no lldb is installed (Debian: apt install lldb)")
    return batch(
        *("guest-resume", "--debugger", "lldb"),
        *gdb("register read pc", "breakpoint set -H -n guest_run", "continue", "kut guest", "up"),
        *gdb("kut stage2 guest 0x40080000", "kut stage2", "kut esr 0x5a000001", "detach"),
    )


@pytest.mark.qemu
def test_lldb_stands_at_main(in_lldb: str) -> None:
    assert re.search(
        r"^ +pc = 0x\w+  guest-resume.elf`main at guest-resume.c:", in_lldb, re.MULTILINE
    )
    assert re.search(r"^-> \d+ +\t\{$", in_lldb, re.MULTILINE)  # the source is found


@pytest.mark.qemu
def test_lldb_has_the_same_words(in_lldb: str) -> None:
    assert re.search(r"^struct guest at 0x\w+$", in_lldb, re.MULTILINE)
    assert "\n  PSTATE  0x3c5  EL1h, DAIF masked\n" in in_lldb
    assert re.search(r"^  PC      0x\w+ <guest_look>$", in_lldb, re.MULTILINE)
    assert "  exit    no synchronous exit yet\n" in in_lldb
    assert "  no guest_run() yet, or one that a handler of interrupts ended\n" in in_lldb
    assert "\n  page of 4 KiB, IPA 0x40080000 is at 0x40080000\n" in in_lldb
    assert re.search(r"^4K granule, 40 bits, level 1, 2 root tables, ", in_lldb, re.MULTILINE)
    assert re.search(r"^\d+ leaves$", in_lldb, re.MULTILINE)
    assert "\n0x5a000001: HVC: #0x1\n" in in_lldb


# Backtraces.

COMPILERS = pytest.mark.parametrize("compiler", ["gcc", "clang"])
HANDLERS = [
    f"arrived_ELx_LOW_{kind}_{bits}"
    for kind in ("SYNC", "IRQ", "FIQ", "ERROR")
    for bits in (64, 32)
]
#: In gdb: print the stack at each stop, up to the end of the test.
STACKS = """\
set height 0
python
while True:
    gdb.execute("continue")
    if not gdb.selected_inferior().threads() or gdb.selected_frame().name() == "exit":
        break
    gdb.execute("backtrace 20")
end
"""


def stacks(said: str) -> list[list[str]]:
    """Return the functions of each backtrace of gdb or lldb, without those of assembly."""
    found: list[list[str]] = []
    of_gdb, of_lldb = r"#(\d+) +(?:0x\w+ in )?<?(\w+)", r"[ *]+ frame #(\d+): 0x\w+ [\w.-]+`(\w+)"
    for line in said.splitlines():
        if match := re.match(of_gdb, line) or re.match(of_lldb, line):
            if match[1] == "0":
                found.append([])
            if match[2] != "signal" and ".S:" not in line:
                found[-1].append(match[2])
    return found


@pytest.mark.qemu
@needs_gdb
@COMPILERS
def test_the_stack_of_every_exit_goes_down_to_main(tmp_path: Path, compiler: str) -> None:
    script = tmp_path / "script"
    breakpoints = "".join(f"hbreak {name}\n" for name in (*HANDLERS, "exit"))
    script.write_text(breakpoints + STACKS)
    said = batch("guest-vectors", "--compiler", compiler, "-x", str(script))
    seen = {stack[stack.index("guest_run") - 1]: stack for stack in stacks(said)}
    assert seen.keys() == set(HANDLERS)
    for stack in seen.values():
        below = stack[stack.index("guest_run") :]
        assert below[:2] == ["guest_run", "__guest_check_run"]
        assert below[2:4] == ["visit_slot", "test_exit_slots"]
        assert below[-1] == "main"


#: Places on the way out of a guest and back, in the order in which guest-resume reaches them.
ON_THE_WAY = ("change_registers", "do_handle_exception", "guest_resume", "guest_own_hypercall")


@pytest.mark.qemu
@needs_gdb
@COMPILERS
def test_each_place_on_the_way_out_of_a_guest_and_back(compiler: str) -> None:
    stops = [word for name in ON_THE_WAY for word in (f"thbreak {name}", "continue", "bt 20")]
    found = stacks(batch("guest-resume", "--compiler", compiler, *gdb(*stops)))
    assert len(found) == len(ON_THE_WAY)
    for stack in found:
        assert stack[-4:] in (
            ["test_changes", "run_subtests", "run_subtests_unless", "main"],
            ["test_vttbr", "run_subtests", "run_subtests_unless", "main"],
        )
        assert "guest_run" in stack
    assert found[1][:2] == ["do_handle_exception", "change_registers"]  # the interrupted function


@pytest.mark.qemu
@needs_gdb
@pytest.mark.parametrize(
    "place",
    ["*guest_vectors+0x200", "*host_vectors_el2+0x204", "host_exception_el2", "dump_and_abort"],
)
def test_a_crash_in_a_handler_is_followed_from_the_first_instruction_of_the_vector(
    place: str,
) -> None:
    stops = ("hbreak load_from", "continue", f"hbreak {place}", "continue", "bt 20")
    (stack,) = stacks(batch("misbehave-handler-exception", *gdb(*stops)))
    expected = ["load_from", "load_in_handler", "guest_run", "handler_exception", "main"]
    assert stack[-5:] == expected


@pytest.mark.qemu
@needs_gdb
@COMPILERS
def test_a_guests_stack_ends_where_it_was_started(compiler: str) -> None:
    commands = gdb(
        "hbreak guest_load", "continue", "bt 20", "hbreak load_from", "continue", "bt 20"
    )
    said = batch("misbehave-guest-exit", "--compiler", compiler, *commands)
    assert stacks(said) == [["guest_load"], ["load_from", "guest_load"]]
    assert (
        re.findall(r"in (\w+) \(\) at \S*lib/arm64/guest-el1-code\.S", said) == ["guest_start"] * 2
    )


@pytest.mark.qemu
@COMPILERS
def test_lldb_follows_the_stack_of_a_handler_and_of_an_exception_in_it(compiler: str) -> None:
    try:
        debugger.find("lldb", os.environ)
    except MissingToolError:
        pytest.skip("no lldb is installed (Debian: apt install lldb)")
    commands = [
        word
        for name in ("load_in_handler", "dump_and_abort")
        for word in (f"breakpoint set -H -n {name}", "continue", "bt")
    ]
    options = ("--debugger", "lldb", "--compiler", compiler)
    said = batch("misbehave-handler-exception", *options, *gdb(*commands))
    below = ["load_in_handler", "guest_run", "handler_exception", "main", "start_image"]
    in_handler, in_exception = (stack for stack in stacks(said) if len(stack) > 1)
    assert in_handler == below
    assert in_exception[-6:] == ["load_from", *below]


#: Functions of arm/guest-resume.c, the first ones of the image.
FIRST = ("guest_look", "change_registers", "test_changes", "test_hcr", "test_vttbr", "main")


@pytest.mark.qemu
@needs_gdb
@COMPILERS
def test_the_first_functions_of_an_image_have_their_own_names(compiler: str) -> None:
    commands = [
        f"python print('[', gdb.block_for_pc(int(gdb.parse_and_eval('&{name}'))).function, ']')"
        for name in FIRST
    ]
    said = batch("guest-resume", "--compiler", compiler, *gdb(*commands))
    assert tuple(re.findall(r"^\[ (\w+) \]$", said, re.MULTILINE)) == FIRST


@pytest.mark.qemu
@COMPILERS
def test_they_have_their_own_names_in_lldb(compiler: str) -> None:
    try:
        debugger.find("lldb", os.environ)
    except MissingToolError:
        pytest.skip("no lldb is installed (Debian: apt install lldb)")
    commands = [f"image lookup --address `(void*)&{name}`" for name in FIRST]
    said = batch("guest-resume", "--debugger", "lldb", "--compiler", compiler, *gdb(*commands))
    found = re.findall(r"Summary: guest-resume\.elf`(\w+) at guest-resume\.c:", said)
    assert tuple(found) == FIRST


TREES = """\
hbreak s2mmu_print
commands
silent
kut stage2 mmu
continue
end
hbreak s2mmu_explain
commands
silent
kut stage2 mmu ipa
continue
end
echo [[\\n
continue
"""


@pytest.mark.qemu
@needs_gdb
def test_trees_in_the_words_of_the_image(tmp_path: Path) -> None:
    script, serial = tmp_path / "script", tmp_path / "serial"
    script.write_text(TREES)
    said = batch("stage2-raw", "-x", str(script), "--serial", str(serial))
    ours = re.findall(r"^(?:[ \dI]|0x).*", said.partition("[[\n")[2], re.MULTILINE)
    text = serial.read_text().replace("\r", "")
    theirs = re.findall(r"^INFO: descriptions: stage2: (.*)$", text, re.MULTILINE)
    assert len(theirs) > 20
    assert ours == theirs


SHAPES = """\
set height 0
hbreak s2mmu_translate
commands
silent
echo [[\\n
kut stage2 mmu
kut stage2 mmu ipa
finish
end
python
while gdb.selected_inferior().threads():
    gdb.execute("continue")
    gdb.execute("ignore 1 6")
end
"""


@pytest.mark.qemu
@needs_gdb
def test_trees_of_every_shape(tmp_path: Path) -> None:
    script, serial = tmp_path / "script", tmp_path / "serial"
    script.write_text(SHAPES)
    said = batch("stage2-geometry", "-x", str(script), "--serial", str(serial))
    shapes = set()
    for block in said.split("[[\n")[1:]:
        assert (found := re.search(r"^Value returned is \$\d+ = (\d+)$", block, re.MULTILINE))
        at = re.search(r"^  (?:page|block) of .* is at (0x[0-9a-f]+|0)$", block, re.MULTILINE)
        assert at, block
        assert int(at[1], 0) == int(found[1])
        shapes.add(block.partition(" root tables")[0])
    assert {shape.split()[0] for shape in shapes} == {"4K", "16K", "64K"}
    assert len(shapes) > 30


# --wait: debuggers that connect.


@contextmanager
def waiting(*args: str) -> Iterator[tuple[subprocess.Popen[str], int, Watched]]:
    """Start `kut debug --wait`; yield the process, the port and its children."""
    with subprocess.Popen(
        kut_debug("misbehave-hang", "--wait", "--port", "0", *args),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        lines = iter(process.stderr.readline, "")
        port = next(int(line.rpartition(":")[2]) for line in lines if "localhost:" in line)
        try:
            yield process, port, Watched(children(process.pid))
        finally:
            process.kill()


def connect(port: int, *commands: str) -> str:
    assert GDB
    done = subprocess.run(
        [GDB, "-nx", "-q", "-batch", *gdb(f"target remote localhost:{port}", *commands)],
        cwd=realtree.ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return done.stdout


@pytest.mark.qemu
@needs_gdb
def test_a_client_finds_the_machine_at_main_and_ends_it_by_leaving() -> None:
    with waiting("--serial", os.devnull) as (kut, port, others):
        said = connect(port, "source build/debug/kut.gdb", "p $pc", "kut esr 0x5a000001", "detach")
        assert re.search(r"= \(void \(\*\)\(\)\) 0x\w+ <main>$", said, re.MULTILINE)
        assert "0x5a000001: HVC: #0x1" in said
        assert kut.wait(PATIENCE) == 0
        others.wait_until_gone()


@pytest.mark.qemu
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_no_qemu_is_left_when_kut_is_told_to_end(number: signal.Signals, code: int) -> None:
    with waiting("--serial", os.devnull) as (kut, _, others):
        kut.send_signal(number)
        assert kut.wait(PATIENCE) == code
        others.wait_until_gone()


def is_accepted(port: int) -> bool:
    """Whether a connection to a local port has an inode, as it gets one when it is accepted."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, address, _, state, *_, inode = line.split()[:10]
        if (address.rpartition(":")[2], state) == (f"{port:04X}", "01") and inode != "0":
            return True
    return False


@pytest.mark.qemu
def test_a_qemu_that_dies_when_the_debugger_connects_is_an_error() -> None:
    with waiting("--serial", os.devnull) as (kut, port, others):
        (qemu,) = children(kut.pid)
        os.kill(qemu, signal.SIGSTOP)
        with socket.create_connection(("127.0.0.1", port)):
            while not is_accepted(port):
                time.sleep(0.01)
            os.kill(qemu, signal.SIGKILL)
            _, said = kut.communicate(timeout=PATIENCE)
        assert said.splitlines()[0] == (
            "kut: error: misbehave-hang: QEMU did not take the connection of the debugger:"
            " QEMU has closed the connection"
        )
        assert kut.returncode == 5
        others.wait_until_gone()


@pytest.mark.qemu
def test_nothing_is_left_beside_a_device(tmp_path: Path) -> None:
    link = tmp_path / "serial"
    link.symlink_to(os.devnull)
    with waiting("--serial", str(link)) as (kut, _, others):
        kut.send_signal(signal.SIGTERM)
        assert kut.wait(PATIENCE) == 130
        others.wait_until_gone()
    assert [*tmp_path.iterdir()] == [link]


@pytest.mark.qemu
def test_a_port_that_is_taken() -> None:
    with waiting("--serial", os.devnull) as (_, port, _):
        done = subprocess.run(
            kut_debug("selftest", "--wait", "--port", str(port)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"kut: error: cannot listen on port {port}: Address already in use" in done.stderr


@pytest.mark.qemu
@needs_gdb
def test_as_the_launch_file_of_the_documents_has_it() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    launch, tasks = (json.loads(block) for block in blocks)
    (configuration,) = launch["configurations"]
    assert configuration["miDebuggerServerAddress"] == "localhost:1234"
    (task,) = tasks["tasks"]
    assert configuration["preLaunchTask"] == task["label"]
    with waiting("--serial", os.devnull) as (kut, port, others):
        commands = [
            f"-file-exec-and-symbols {configuration['program']}",
            f"-target-select remote localhost:{port}",
            *(
                f'-interpreter-exec console "{each["text"]}"'
                for each in configuration["postRemoteConnectCommands"]
            ),
            "-break-insert -h arm/misbehave.c:main",
            "-break-insert -h hang",
            "-exec-continue",
        ]
        text = "\n".join(commands).replace("${workspaceFolder}", str(realtree.ROOT))
        assert GDB
        process = pexpect.spawn(GDB, ["-nx", "-q", "--interpreter=mi"], timeout=PATIENCE)
        for command in text.splitlines():
            process.sendline(command)
            process.expect(r"\^(done|running|connected|error)[^\r\n]*")
            assert process.match[1] != b"error", process.match[0]
        process.expect(r'\*stopped,reason="breakpoint-hit"[^\r\n]*func="hang"')
        process.sendline("-gdb-exit")
        process.expect(pexpect.EOF)
        process.close()
        assert kut.wait(PATIENCE) == 0
        others.wait_until_gone()
    matcher = task["problemMatcher"]["background"]
    assert re.search(matcher["endsPattern"], "kut: gdb stub: localhost:1234")


# The terminal, and the end of processes.


@pytest.mark.qemu
@needs_gdb
def test_ctrl_c_is_the_debuggers() -> None:
    process = pexpect.spawn(
        realtree.KUT[0],
        kut_debug("misbehave-hang")[1:],
        env=os.environ | ENVIRONMENT,
        timeout=PATIENCE,
    )
    process.expect_exact("(gdb) ")
    others = Watched(children(process.pid))
    process.sendline("continue")
    process.expect_exact("INFO: about to spin")
    process.sendintr()
    process.expect(r"hang \(\) at arm/misbehave\.c:\d+")
    process.expect_exact("(gdb) ")
    process.sendline("set confirm off")
    process.expect_exact("(gdb) ")
    process.sendline("quit")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 0
    others.wait_until_gone()


@pytest.mark.qemu
@needs_gdb
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_however_kut_dies(number: signal.Signals) -> None:
    with subprocess.Popen(
        kut_debug("selftest", "--serial", os.devnull),
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        assert any(line.startswith("main (") for line in iter(process.stdout.readline, ""))
        pids = children(process.pid)
        assert len(pids) == 2  # QEMU and gdb, which waits for commands
        others = Watched(pids)
        process.send_signal(number)
        others.wait_until_gone()
        assert process.wait(PATIENCE) == (-9 if number == signal.SIGKILL else 130)


def test_a_debugger_that_is_not_there(kut: Kut) -> None:
    done = kut("debug", "one", "--debugger", "/nowhere/gdb")
    assert done.returncode == 5
    assert "kut: error: no debugger: /nowhere/gdb not found" in done.stderr
    assert "kut: hint: install gdb-multiarch (Debian, Ubuntu)" in done.stderr


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("[ot]*",), 2, '"[ot]*" matches 3 tests'),
        (("on",), 2, "did you mean one?"),
        (("one", "--port", "1"), 2, "--port needs --wait"),
        (("one", "--wait", "--batch"), 2, "--wait starts no debugger"),
    ],
)
def test_what_makes_no_sense(kut: Kut, args: tuple[str, ...], code: int, message: str) -> None:
    done = kut("debug", *args)
    assert done.returncode == code, done.stderr
    assert message in done.stderr


@pytest.mark.qemu
@needs_gdb
def test_a_machine_that_does_not_come_to_main_is_stopped(tmp_path: Path) -> None:
    realtree.copy(tmp_path, "lib", "arm")
    (tmp_path / "configs").mkdir()
    definition = '[test.slow]\nimage = "selftest"\ntimeout = 0.000001\n'
    (tmp_path / "configs/tests.toml").write_text(definition)
    done = subprocess.run(
        [*realtree.KUT, "--root", tmp_path, "debug", "slow", "--batch", *gdb("p/x $pc")],
        env=os.environ | ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "kut: slow is stopped before main, after 1e-06 s; " in done.stderr
    assert re.search(r"^\$1 = 0x\w+$", done.stdout, re.MULTILINE)
    assert done.returncode == 0


@pytest.mark.qemu
def test_a_qemu_that_refuses(kut: Kut, tree: Path) -> None:
    qemu = tree / "qemu"
    qemu.write_text(
        '#!/bin/sh\n[ "$1" != --version ] || { echo "QEMU emulator version 7.2.0"; exit; }\n'
        "echo no such CPU >&2; exit 1\n"
    )
    qemu.chmod(0o755)
    done = kut("debug", "one", "--wait", "--port", "0", "--qemu", str(qemu))
    assert (done.returncode, done.stdout) == (6, "")
    assert "kut: error: QEMU refused: no such CPU" in done.stderr


# Selection and command line of the debugger.


def test_debuggers_by_name_and_by_path(tmp_path: Path) -> None:
    names = ("aarch64-linux-gnu-gdb", "lldb-19", "my-lldb", "other")
    for name in names:
        (tmp_path / name).touch(mode=0o755)
    environ = {"PATH": str(tmp_path)}
    first, lldb, mine, other = (str(tmp_path / name) for name in names)
    assert debugger.find(None, environ) == Debugger("gdb", first)
    assert debugger.find("lldb", environ) == Debugger("lldb", lldb)
    assert debugger.find(mine, environ) == Debugger("lldb", mine)
    assert debugger.find("other", environ) == Debugger("gdb", other)


def test_a_gdb_for_another_machine_is_none(tmp_path: Path) -> None:
    program = tmp_path / "gdb"
    program.write_text('#!/bin/sh\necho "Undefined item: \\"aarch64\\"." >&2\n')
    program.chmod(0o755)
    with pytest.raises(MissingToolError) as caught:
        debugger.find("gdb", {"PATH": str(tmp_path)})
    assert "kut toolchain install gdb" in caught.value.hint
    program.write_text("#!/bin/sh\n")
    assert debugger.find(None, {"PATH": str(tmp_path)}) == Debugger("gdb", str(program))


@pytest.mark.parametrize("kind", debugger.NAMES)
def test_paths_with_spaces_are_one_word(kind: str) -> None:
    debugged = DebuggedImage(Path('/a b/x".elf'), 0x40080000, Path("/a b"))
    debugger_options = DebuggerOptions(is_batch=True, scripts=(Path("s"),), commands=("bt",))
    arguments = debugger.arguments(Debugger(kind, "/bin/x"), debugged, 7, debugger_options)
    assert any('"/a b/x\\".elf"' in each for each in arguments)
    assert arguments[-4:-2] == (("-x", "s") if kind == "gdb" else ("-s", "s"))
    assert arguments[-1] == "bt"


HELPERS = sorted(Path(kut_runner.__file__).parent.glob("debugging/helpers/*.py"))


@pytest.mark.parametrize(
    "path",
    [
        *HELPERS,
        *(
            Path(kut_runner.__file__).parent / "diagnose" / name
            for name in ("syndrome.py", "sysregs.py")
        ),
    ],
    ids=lambda path: path.name,
)
def test_a_debugger_may_have_an_older_python(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    lazy = any(
        isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in tree.body
    )
    has_unions = " | None" in path.read_text()
    assert lazy or not has_unions
