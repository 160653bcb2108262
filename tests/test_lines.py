# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes to lines, for any bytes and any division into chunks."""

from itertools import islice
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.text import decode, printable
from kut_runner.verdict.events import Abort, parse
from kut_runner.verdict.guest_output import OutputCollector, collect
from kut_runner.verdict.lines import MAX_LINE, split

#: Bytes with many line ends, words of the protocol and control characters.
serial = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"\r\n", b"PASS: ", b"SUMMARY: 2 tests", b"EXIT: STATUS=1"]),
        st.binary(max_size=40),
        st.just(b"x" * (MAX_LINE - 1)),
    ),
    max_size=12,
).map(b"".join)


@given(serial, st.lists(st.integers(0, 50), max_size=8))
def test_chunks_never_show(data: bytes, sizes: list[int]) -> None:
    chunks, rest = [], data
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    cut = split([*chunks, rest])
    assert list(parse(cut)) == list(parse(split([data])))


def plainly(data: bytes) -> list[str]:
    """Return the lines of `split`, by a simple and slow implementation."""
    lines = data.split(b"\n")
    ends = ["\n"] * (len(lines) - 1) + [""]
    kept = [decode(line[:MAX_LINE].rstrip(b"\r")) for line in lines]
    cuts = [f"[{len(line) - MAX_LINE} bytes left out]" * (len(line) > MAX_LINE) for line in lines]
    shown = ["".join(parts) for parts in zip(kept, cuts, ends, strict=True)]
    return shown if lines[-1] else shown[:-1]


@given(serial, st.integers(0, 40))
def test_lines_are_those_of_plain_splitting(data: bytes, size: int) -> None:
    assert list(split([data])) == plainly(data)
    assert list(split([data[:size], data[size:]])) == plainly(data)


@given(st.lists(st.sampled_from([*" ~\t\r\n\x0b\x1c\x7f\x85\u2028é", "ab\n"])).map("".join))
def test_only_newlines_end_lines(text: str) -> None:
    assert list(split([text.encode()])) == plainly(text.encode())


@given(st.binary(max_size=300))
def test_bytes_one_by_one_give_the_same_lines(data: bytes) -> None:
    assert list(split(bytes([byte]) for byte in data)) == list(split([data]))


@given(serial)
def test_no_bytes_make_the_parser_raise(data: bytes) -> None:
    collect(parse(split([data])))


@given(serial, st.lists(st.integers(0, 5), max_size=8))
def test_parts_of_what_is_heard_never_show(data: bytes, sizes: list[int]) -> None:
    events = list(parse(split([data])))
    listener, rest = OutputCollector(), iter(events)
    for size in sizes:
        listener.feed(islice(rest, size))
    listener.feed(rest)
    assert listener.output() == collect(events)


@given(st.lists(st.text()))
def test_no_lines_make_the_parser_raise(lines: list[str]) -> None:
    assert len(list(parse(lines))) == len(lines)


@given(serial)
def test_lines_are_safe_to_print_and_to_put_into_xml(data: bytes) -> None:
    text = "".join(split([data]))
    assert all(char.isprintable() or char in "\t\n" for char in text)
    element = ET.Element("output")
    element.text = text
    assert ET.fromstring(ET.tostring(element)).text in (text, text or None)  # noqa: S314 - ours


@given(st.text())
def test_printable_text_is_left_alone_and_the_rest_escaped_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", ["\n"]),
        (b"one\ntwo", ["one\n", "two"]),
        (b"dos\r\nodd\r\r\n", ["dos\n", "odd\n"]),
        (b"left\rright\n", ["left\\rright\n"]),
        (b"\x1b[31m\x00\x7f\n", ["\\x1b[31m\\x00\\x7f\n"]),
        (b"\xff \xc3\xa9\n", ["\\xff é\n"]),
        (b"\tSTACK: 0\n", ["\tSTACK: 0\n"]),
        ("\u202eevil\ufeff\u2028\n".encode(), ["\\u202eevil\\ufeff\\u2028\n"]),
    ],
)
def test_shapes(data: bytes, lines: list[str]) -> None:
    assert list(split([data])) == lines


def test_a_line_without_end_keeps_its_head_and_counts_the_rest() -> None:
    (line, last) = split([b"x" * MAX_LINE, b"y" * 1000, b"z\nend\n"])
    assert line == "x" * MAX_LINE + "[1001 bytes left out]\n"
    assert last == "end\n"


@pytest.mark.parametrize(
    ("log", "message", "abort"),
    [
        ("x.c:1: assert failed: a\nABORT: b\n", "x.c:1: assert failed: a", ""),
        ("ABORT: b\nx.c:1: assert failed: a\n", "", "ABORT: b"),
        ("x.c:1: assert failed: a\nx.c:2: assert failed: b\n", "x.c:1: assert failed: a", ""),
        (
            "ESR_EL2: 00000000, before\nStack overflow\nESR_EL2: 00000000, of it\nStack overflow\n",
            "Stack overflow: of it",
            "",
        ),
    ],
)
def test_the_first_fatal_message_or_abort_counts(log: str, message: str, abort: str) -> None:
    output = collect(parse(split([log.encode()])))
    last = output.latest(Abort)
    assert (output.fatal_message, last.line if last else "") == (message, abort)


def test_events_after_the_first_exit_do_not_count() -> None:
    log = b"FAIL: a\nSUMMARY: 1 tests, 1 unexpected failures\nEXIT: STATUS=3\n\n"
    later = b"PASS: b\nUnhandled exception\nABORT: c\nSUMMARY: 1 tests\nEXIT: STATUS=1\n"
    first, both = (collect(parse(split([data]))) for data in (log, log + later))
    assert (both.checks, both.last) == (first.checks, first.last)
    assert (first.after_exit, both.after_exit) == ("", "PASS: b")
    assert both.exit_statuses == {3, 1}


def test_the_lines_of_the_first_dump_are_kept_whatever_follows() -> None:
    dump = ["Load address: 40080000", "PC: 40081a1c PC offset: 1a1c", "Unhandled exception ec=0x25"]
    log = "\n".join(["PASS: a", *dump, *["more"] * 1000, "x.c:1: assert failed: b", ""])
    kept = collect(parse(split([log.encode()]))).dump_lines
    assert (kept[1:4], len(kept)) == (tuple(dump), 60)
