# SPDX-License-Identifier: GPL-2.0-or-later
"""Saved logs as CI, mail and consoles have them, and logs of several tests."""

import base64
import gzip
import lzma
import quopri
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.errors import UsageError
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records import saved_log
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult
from kut_runner.verdict.status import Status

PASS = "PASS: a: b\nINFO: a: c\nSUMMARY: 1 tests\n\nEXIT: STATUS=1\n"  # noqa: S105 - no password
FAIL = "FAIL: a: b\n    at arm/a.c:3\nSUMMARY: 1 tests, 1 unexpected failures\n\nEXIT: STATUS=3\n"
CRASH = (
    "Load address: 40080000\nPC: 40081a1c PC offset: 1a1c\nUnhandled exception ec=0x25 (DABT_EL1)\n"
    "Vector: 4 (el1h_sync)\nESR_EL1:         96000046, ec=0x25 (DABT_EL1)\n"
    "FAR_EL1: 0000000000000010 (valid)\n\tSTACK: @1a1c 1050 \n\nEXIT: STATUS=127\n"
)
QEMU = (
    "qemu-system-aarch64 -nodefaults -machine virt -accel tcg -cpu max -kernel arm/{}.flat -smp 1"
)
TIMEOUT = "timeout -k 1s --foreground 90s /usr/bin/" + QEMU + " # -initrd /tmp/tmp.U5LjNp"
MAIL = (
    "From: A <a@example.org>\nSubject: x\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {}\n\n"
)
MULTIPART = 'Content-Type: multipart/mixed; boundary="b{0}"\n\n--b{0}\n'


def results(text: str | bytes) -> list[TestResult]:
    data = text if isinstance(text, bytes) else text.encode()
    return [*saved_log.results(saved_log.STDIN, data)]


def statuses(text: str | bytes) -> list[str]:
    return [result.status.value for result in results(text)]


def each(add: Callable[[int, str], str]) -> Callable[[str], str]:
    """Return a function that converts each line, with its number."""
    return lambda text: "".join(add(n, line) + "\n" for n, line in enumerate(text.splitlines()))


#: What people save serial output with, and what that makes of its lines.
RECORDERS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "BOM": lambda text: "\ufeff" + text,
    "indented": each(lambda _, line: f"    {line}".rstrip(" ")),
    "indented by a tab": each(lambda _, line: f"\t{line}"),
    "GitHub": each(lambda n, line: f"2026-01-02T03:04:05.{n:07}Z {line}"),
    "GitHub, trimmed": each(lambda n, line: f"2026-01-02T03:04:05.{n:07}Z {line}".rstrip(" ")),
    "GitHub, a job": lambda text: each(lambda n, line: f"2026-01-02T03:04:05.{n:07}Z {line}")(
        "##[group]Run ./run\n./run\nshell: /usr/bin/bash -e {0}\n##[endgroup]\n"
        + text
        + "##[error]Process completed with exit code 1.\nPost job cleanup.\nCleaning up orphans\n"
    ),
    "GitLab": lambda text: (
        "Running with gitlab-runner 16.1.0 (b72e108d)\r\n"
        "section_start:1560896352:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting\x1b[0;m\r\n"
        "\x1b[32;1m$ ./run\x1b[0;m\n"
        + text
        + "\nsection_end:1560896353:step_script\r\x1b[0K\n"
        + "\x1b[0KCleaning up project directory and file based variables\n"
        + "\x1b[32;1mJob succeeded\x1b[0;m\n"
    ),
    "GitLab, time stamps": each(lambda n, line: f"2024-05-22T12:43:46.{n:06}Z 00O {line}"),
    "Jenkins": lambda text: (
        f"[Pipeline] sh\n+ ./run --all\n{text}[Pipeline] }}\nFinished: SUCCESS\n"
    ),
    "Jenkins, Timestamper": each(lambda n, line: f"09:14:{n:02}  {line}"),
    "Jenkins, ISO": each(lambda n, line: f"[2024-03-22T09:14:{n:02}.512Z] {line}"),
    "Azure": each(lambda n, line: f"2024-03-22T09:14:{n:02}.5120000Z {line}"),
    "LAVA": each(lambda n, line: f"2024-03-22T09:14:{n:02}.512 {line}"),
    "LAVA, YAML": lambda text: (
        '- {"dt": "2024-03-22T09:14:03.512", "lvl": "info", "msg": "lava-dispatcher, 2024.01"}\n'
        + each(
            lambda n, line: (
                f'- {{"dt": "2024-03-22T09:14:{n:02}.5", "lvl": "target", "msg": "'
                + line.replace("\t", "\\t")
                + '"}'
            )
        )(text)
        + '- {"dt": "2024-03-22T09:15:03.512", "lvl": "results", "msg": {"case": "job"}}\n'
    ),
    "Linux console": each(lambda n, line: f"[    0.{n:06}] {line}"),
    "LAVA and Linux": each(lambda n, line: f"2024-03-22T09:14:03.5 [    0.{n:06}] {line}"),
    "dmesg -T": each(lambda n, line: f"[Fri Mar 22 09:14:{n:02} 2024] {line}"),
    "ts": each(lambda n, line: f"Mar 22 09:14:{n:02} {line}"),
    "ts %.s": each(lambda n, line: f"1711098843.{n:06} {line}"),
    "ts -i": each(lambda n, line: f"00:00:{n:02} {line}"),
    "journalctl": each(lambda n, line: f"Mar 22 09:14:{n:02} host qemu-test[123]: {line}"),
    "journalctl -o short-iso": each(
        lambda n, line: f"2024-03-22T09:14:{n:02}+0100 host run.sh[123]: {line}"
    ),
    "gh run view --log, with its byte order mark": each(
        lambda n, line: (
            f"arm64 / tests\tRun kut\t{'' if n else chr(0xFEFF)}2024-05-22T12:43:46.{n:07}Z {line}"
        )
    ),
    "kut, in a mail": each(lambda _, line: f"         | {line}"),
    "docker compose": each(lambda _, line: f"kut-1  | {line}"),
    "picocom": each(lambda n, line: f"[09:14:{n:02}.512] {line}"),
    "colours": each(lambda _, line: f"\x1b[1m{line}\x1b[0m"),
    "script": lambda text: (
        f"Script started on 2024-03-22 09:14:03+01:00\nme@host:~/kvm$ ./run\n{text}"
        "me@host:~/kvm$ exit\n\nScript done on 2024-03-22 09:14:03+01:00\n"
    ),
    "Markdown": lambda text: f"```\n{text}```\n",
    "quoted": each(lambda _, line: f"> {line}".rstrip(" ")),
    "quoted twice": each(lambda _, line: f"> > {line}"),
    "quoted without spaces": each(lambda _, line: f">>{line}"),
    "mail": lambda text: (
        "From: A <a@example.org>\nSubject: Re: [kvm-unit-tests PATCH] arm64: x\n\n"
        "On Fri, Mar 22, 2024 at 09:14:03AM +0100, B wrote:\n> With this I get\n>\n"
        + each(lambda _, line: f"> {line}")(text)
        + "\nThanks, that is a bug indeed.\n\nA\n"
    ),
    "gh run view --log": each(
        lambda n, line: f"test (arm64)\tRun tests\t2026-01-02T03:04:05.{n:07}Z {line}"
    ),
    "GitLab, a job that failed": lambda text: (
        "$ ./run\n"
        + text
        + "Uploading artifacts for failed job\n\x1b[31;1mERROR: Job failed: exit code 1\n\x1b[0;m"
    ),
    "Jenkins, Timestamper and steps": lambda text: (
        each(lambda n, line: f"[2024-03-22T09:14:{n:02}.512Z] {line}")("+ ./run\n" + text)
        + "[Pipeline] }\n[Pipeline] // node\nFinished: SUCCESS\n"
    ),
    "Jenkins, parallel": each(lambda _, line: f"[arm64] {line}"),
    "Jenkins, freestyle": lambda text: (
        f"Started by user admin\n+ ./run\n{text}Archiving artifacts\nFinished: FAILURE\n"
    ),
    "TeamCity": each(lambda n, line: f"[09:14:{n:02}]W:\t [Step 1/1] {line}"),
    "Buildkite": each(lambda n, line: f"\x1b_bk;t=17110988431{n:02}\x07{line}"),
    "Google Cloud Build": each(lambda _, line: f'Step #1 - "test": {line}'),
    "kubectl": each(lambda _, line: f"[pod/kut-x/test] {line}"),
    "Linux, callers": each(lambda n, line: f"<6>[    0.{n:06}][    T1] {line}"),
    "grabserial": each(lambda n, line: f"[1.{n:06} 0.{n:06}] {line}"),
    "journalctl -o short-monotonic": each(
        lambda n, line: f"[ 1234.{n:06}] host qemu-test[123]: {line}"
    ),
    "journalctl -o short-unix": each(
        lambda n, line: f"1711098843.{n:06} host qemu-test[123]: {line}"
    ),
    "journalctl -o short-full": each(
        lambda n, line: f"Fri 2024-03-22 09:14:{n:02} CET host qemu-test[123]: {line}"
    ),
    "journalctl of two boots": lambda text: (
        "-- Logs begin at Fri 2024-03-22 09:00:00 CET, end at Fri 2024-03-22 10:00:00 CET. --\n"
        + each(lambda n, line: f"Mar 22 09:14:{n:02} host qemu-test[123]: {line}")(text)
        + "-- Boot 1c2d3e4f --\n"
    ),
    "picocom, all of it": lambda text: (
        f"picocom v3.1\n\nport is        : /dev/ttyUSB0\nTerminal ready\n{text}"
        "\nTerminating...\nThanks for using picocom\n"
    ),
    "minicom": lambda text: (
        "\n\nWelcome to minicom 2.8\n\nPort /dev/ttyUSB0\n\n" + text.replace("\n", "\r\n")
    ),
    "conserver": lambda text: f"{text}[-- MARK -- Fri Mar 22 10:00:00 2024]\n",
    "newlines before returns": lambda text: text.replace("\n", "\n\r"),
    "returns only": lambda text: text.replace("\n", "\r"),
    "script of bash": lambda text: (
        "Script started on 2024-03-22 09:14:03+01:00\n"
        "\x1b[?2004h\x1b]0;me@host: ~/k\x07\x1b[01;32mme@host\x1b[00m:~/k$ ./run\r\n\x1b[?2004l\r"
        + text.replace("\n", "\r\n")
        + "\x1b[?2004hme@host:~/k$ exit\r\nexit\r\n\nScript done on 2024-03-22\n"
    ),
    "prompts of Fedora": lambda text: f"[root@host kvm]# ./run\n{text}[root@host kvm]# \n",
    "Markdown in text": lambda text: (
        f"Here it is:\n\n```console\n{text}```\n\n</details>\n\nAny idea?\n"
    ),
    "tildes": lambda text: f"~~~\n{text}~~~\n",
    "Jira": lambda text: f"It fails:\n{{noformat}}\n{text}{{noformat}}\nSo?\n",
    "Jira, code": lambda text: f"It fails:\n{{code:title=log}}\n{text}{{code}}\nSo?\n",
    "mail, indented": lambda text: (
        "From: A <a@example.org>\nSubject: x\n\nHi,\n\nI see this:\n\n"
        + each(lambda _, line: f"    {line}")(text)
        + "\nThanks,\nA\n"
    ),
    "mail in French": lambda text: (
        "Le ven. 22 mars 2024 à 09:14, B <b@example.org> a écrit :\n"
        + each(lambda _, line: f"> {line}")(text)
        + "\nMerci\n"
    ),
    "mail that quotes time stamps": lambda text: (
        "On Fri, Mar 22, 2024 at 09:14:03AM +0100, B wrote:\n"
        + each(lambda n, line: f"> [    0.{n:06}] {line}")(text)
        + "\nOops\n"
    ),
    "mail, quoted-printable": lambda text: (
        MAIL.format("quoted-printable") + quopri.encodestring(text.encode()).decode()
    ),
    "mail, base64": lambda text: MAIL.format("base64") + base64.encodebytes(text.encode()).decode(),
    "mail, multipart": lambda text: (
        "From: A <a@example.org>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'
        f"Content-Type: text/plain\n\n{text}\n--b--\n"
    ),
    "a banner before the stamps": lambda text: (
        "U-Boot 2024.01\n\nStarting kernel ...\n\n"
        + each(lambda n, line: f"[    0.{n:06}] {line}")(text)
    ),
}


@pytest.mark.parametrize("recorder", RECORDERS)
def test_the_verdict_is_that_of_the_output_alone(recorder: str) -> None:
    record = RECORDERS[recorder]
    for text, status, reason in (
        (PASS, "pass", ""),
        (FAIL, "fail", "1 of 1 check failed"),
        (CRASH, "crash", "Unhandled exception ec=0x25 (DABT_EL1)"),
    ):
        (found,) = results(record(text))
        assert (found.status.value, found.verdict.reason) == (status, reason)
        if status == "fail":
            assert found.output.failed[0].place == "arm/a.c:3"
        if status == "crash":
            assert found.diagnosis
            assert found.diagnosis.headline.endswith("level 2, write; address 0x10")
            assert [frame.address for frame in found.diagnosis.frames] == [0x1A1C, 0x1050]


@pytest.mark.parametrize("recorder", RECORDERS)
@pytest.mark.parametrize("log", [PASS + FAIL, FAIL + PASS, CRASH + PASS, PASS + PASS + CRASH])
def test_each_test_of_a_log_is_judged(recorder: str, log: str) -> None:
    assert statuses(RECORDERS[recorder](log)) == statuses(log)
    assert len(statuses(log)) == log.count("EXIT")


def test_utf_16_of_powershell() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        data = ("\ufeff" + PASS.replace("\n", "\r\n")).encode(encoding)
        assert statuses(data) == ["pass"]


def test_a_guest_that_prints_prefixes_has_passed_no_check() -> None:
    """A prefix counts only if every line has it, to the end."""
    for recorder in ("Linux console", "GitHub", "LAVA", "ts", "quoted", "docker compose"):
        forged = RECORDERS[recorder](PASS)
        for before, after in (("", "the end\n"), ("FAIL: a\n", ""), (FAIL, ""), (CRASH, "")):
            assert "pass" not in statuses(before + forged + after), recorder


@pytest.mark.parametrize(
    "text",
    [
        MAIL.format("base64") + "=====\xff",
        MAIL.format("quoted-printable") + "=ZZ=\n=",
        MAIL.format("base64").replace("utf-8", "no-such-charset") + "AAAA",
        MAIL.format("base64").replace("text/plain", "multipart/mixed") + "AAAA",
        MAIL.format("base64").replace("From: A", 'From: =?x?y?=\xff\x00<<"') + "AAAA",
        "A: b\n" + "".join(map(MULTIPART.format, range(2000))),
    ],
)
def test_a_damaged_mail_is_no_error(text: str) -> None:
    assert statuses(text.encode("latin-1")) == ["crash"]


def test_a_guest_that_prints_fences_or_indents_hides_no_line() -> None:
    indented = RECORDERS["indented"](PASS)
    for block in (f"```\n{PASS}```\n", f"{{code}}\n{PASS}{{code}}\n", f"> a\n{indented}"):
        for before, after in (("FAIL: a\n", ""), (FAIL, ""), ("", FAIL), ("", "ABORT: a\n")):
            found = statuses("Subject: x\n" + before + block + after)
            assert found != ["pass"], block


def test_one_prefix_is_for_all_lines() -> None:
    lines = PASS.splitlines(keepends=True)
    assert statuses("[    0.100] " + "2024-03-22T09:14:03 ".join(lines)) == ["crash"]
    for other in ("[    0.100] FAIL: b\n", "> FAIL: b\n", "  FAIL: b\n"):
        assert statuses(other + RECORDERS["GitHub"](PASS)) == ["crash"]


@given(
    st.lists(
        st.sampled_from(
            [
                *("PASS: a\n", "FAIL: a\n", "SUMMARY: 1 tests\n", "EXIT: STATUS=1\n"),
                *("SUMMARY: 1 tests, 1 unexpected failures\n", "EXIT: STATUS=3\n", "\n", "word\n"),
                *("[    1.000] PASS: a\n", "[    1.000] SUMMARY: 1 tests\n"),
                *("[    1.000] EXIT: STATUS=1\n", "> PASS: a\n", "> EXIT: STATUS=1\n"),
                *("Unhandled exception\n", "ABORT: a\n", "```\n", "\x1b[0m\n"),
            ]
        ),
        max_size=9,
    )
)
def test_what_does_not_pass_when_it_runs_passes_in_no_log(lines: list[str]) -> None:
    """Except a log of several tests, each of which passes, or with nothing but prefixes."""
    log = "".join(lines)
    output = collect(parse(split([log.encode()])))
    alone = judge(output, ProcessExit(ExitKind.EXITED, 0, 0.0, ""))
    found = [result.status for result in results(log)]
    if len(found) == 1 and not any(line.startswith(("[", ">")) for line in lines):
        is_passed = found == [Status.PASS]
        assert not is_passed or alone.status is Status.PASS or lines[-1] in ("```\n", "\x1b[0m\n")
    if any(line.startswith(("FAIL", "ABORT", "Unhandled")) for line in lines):
        assert any(status.is_failure for status in found)


def test_names_come_from_command_lines() -> None:
    log = "".join(
        f"{command.format(image)}\n{text}"
        for command, image, text in (
            (TIMEOUT, "selftest", PASS),
            (QEMU, "timer", FAIL),
            (TIMEOUT, "selftest", PASS),
        )
    )
    found = results(log)
    assert [result.id for result in found] == ["selftest#1", "timer", "selftest#2"]
    assert [result.status.value for result in found] == ["pass", "fail", "pass"]


def test_messages_of_qemu_before_the_next_command_line_are_not_output() -> None:
    messages = "qemu: module ui-ui-gtk not found\nqemu-system-aarch64: warning: unused\n"
    log = "".join(messages + TIMEOUT.format(name) + "\n" + PASS for name in "ab")
    assert [(result.id, result.status.value) for result in results(log)] == [
        ("a", "pass"),
        ("b", "pass"),
    ]


def test_a_test_without_exit_ends_where_the_next_one_begins() -> None:
    begun, silent = TIMEOUT.format("a") + "\n", TIMEOUT.format("b") + "\n"
    log = begun + "PASS: a\nhalf a li\n" + silent + begun + PASS
    found = results(log)
    assert [result.id for result in found] == ["a#1", "b", "a#2"]
    assert [result.status.value for result in found] == ["crash", "crash", "pass"]
    assert found[0].verdict.reason == "the log has no EXIT line; last words: half a li"
    assert found[1].verdict.reason == "the log has no EXIT line, without any output"


def test_the_console_of_run_tests_with_v_names_the_tests() -> None:
    begun = (
        "TESTNAME={0} TIMEOUT=90s MACHINE= ACCEL=tcg ./arm/run arm/x.flat -smp 1\n"
        + QEMU.format("x")
        + "\n"
    )
    log = (
        begun.format("setup")
        + PASS
        + "\x1b[32mPASS\x1b[0m setup (1 tests)\n"
        + begun.format("timer")
        + "PASS: timer: a\n"
        + "qemu-system-aarch64: terminating on signal 15 from pid 42 (timeout)\n"
        + "\x1b[31mFAIL\x1b[0m timer (timeout; duration=90s)\n"
        + begun.format("gic")
        + FAIL
        + "\x1b[31mFAIL\x1b[0m gic (1 tests, 1 unexpected failures)\n"
    )
    found = results(log)
    assert [(result.id, result.status.value) for result in found] == [
        ("setup", "pass"),
        ("timer", "timeout"),
        ("gic", "fail"),
    ]


def test_begin_lines_name_the_tests() -> None:
    found = results(f"=== BEGIN: one ===\n{PASS}=== BEGIN: two ===\n{FAIL}")
    assert [(result.id, result.status.value) for result in found] == [
        ("one", "pass"),
        ("two", "fail"),
    ]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("PASS: a\n", "no verdict before timeout(1) ended QEMU after 90 s; last words: PASS: a"),
        (PASS, "no power-off after EXIT: STATUS=1, until timeout(1) ended QEMU after 90 s"),
    ],
)
def test_what_timeout_ended_is_a_timeout(output: str, reason: str) -> None:
    ended = "qemu-system-aarch64: terminating on signal 15 from pid 4242 ({})\n"
    for program in ("timeout", "/usr/bin/timeout"):
        log = TIMEOUT.format("timer") + "\n" + output + ended.format(program)
        (found,) = results(log)
        assert (found.status.value, found.verdict.reason) == ("timeout", reason)
    (found,) = results(f"PASS: a\n{ended.format('bash')}")
    assert found.status.value == "crash"


@pytest.mark.parametrize(
    "after", ["and goes on\n", "half a li", "PASS: b\n", "\nLoad address: 0\n"]
)
def test_output_after_the_exit_is_no_pass(after: str) -> None:
    for log in (
        PASS + after,
        TIMEOUT.format("a") + "\n" + PASS + after,
        f"```\n{PASS}{after}```\n",
        f"It fails:\n\n```\n{PASS}{after}```\n\nAny idea?\n",
    ):
        assert any(result.status.is_failure for result in results(log))


def test_what_qemu_printed_after_the_exit_may_be_an_error() -> None:
    qemu = "qemu-system-aarch64: "
    assert statuses(f"{PASS}{qemu}warning: a\n{qemu}terminating on signal 2\n") == ["pass"]
    module = "qemu: module ui-ui-gtk not found, do you want to install qemu-system-gui package?\n"
    one = f"{module}{TIMEOUT.format('a')}\n{PASS}"
    assert statuses(one + one) == ["pass", "pass"]
    for error in (f"{qemu}../a.c:1: f: Assertion `x' failed.\n", "Bail out! ERROR:../a.c\n"):
        assert statuses(PASS + error) == ["crash"]


@pytest.mark.parametrize(
    ("report", "texts"),
    [
        (
            "\x1b[32mPASS\x1b[0m a (3 tests)\n\x1b[31mFAIL\x1b[0m b (timeout)\nSKIP c (no)\n",
            ["run_tests.sh (1 PASS, 1 FAIL, 1 SKIP)", "logs/b.log"],
        ),
        ("PASS gicv2-ipi (3 tests)\n", ["run_tests.sh (1 PASS)", "logs/gicv2-ipi.log"]),
        (
            "TAP version 13\nok 1 - a: b\nnot ok 2 - gic: c\n1..2\n",
            ["run_tests.sh (1 ok, 1 not ok)", "logs/gic.log"],
        ),
        ("PASS     stage2     0.16 s  449 checks\n", ["report of kut", "build/logs/stage2.log"]),
    ],
)
def test_a_report_is_no_log(report: str, texts: list[str]) -> None:
    for record in (RECORDERS["as it is"], RECORDERS["GitHub"], RECORDERS["CRLF"]):
        with pytest.raises(UsageError) as told:
            results(record(report))
        message = f"{told.value.message} {told.value.hint}"
        assert all(each in message for each in texts), message


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"\x7fELF\x02\x01", ["an ELF file", "--elf"]),
        (gzip.compress(PASS.encode(), mtime=0), ["compressed", "zcat FILE | kut parse -"]),
        (lzma.compress(PASS.encode()), ["compressed", "xzcat FILE | kut parse -"]),
        (b"\x28\xb5\x2f\xfd\x04", ["compressed", "zstdcat FILE | kut parse -"]),
        (b"PK\x03\x04\x14", ["an archive", "unpack it"]),
    ],
)
def test_a_binary_file_is_no_log(data: bytes, texts: list[str]) -> None:
    with pytest.raises(UsageError) as told:
        results(data)
    message = f"{told.value.message} {told.value.hint}"
    assert all(each in message for each in texts), message


def test_bytes_of_any_kind_are_no_report() -> None:
    for data in (b"", b"\x00\xff", base64.b64encode(bytes(100)), b"\n\n"):
        assert statuses(data) == ["crash"]
