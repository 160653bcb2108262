# SPDX-License-Identifier: GPL-2.0-or-later
"""Saved output of tests as consoles, CI and mail have it, back to the lines of the guest.

Time stamps and other prefixes, quoting, indentation, colours, encodings of mail, byte order marks
and UTF-16 are removed. A prefix counts only if every line has it from the first one to the end,
except those of CI itself, so that a line with a prefix among lines without one stays what it is: a
guest that prints "[ 1.0] PASS: a" has not passed a check. This is for saved logs only: the output
of a running guest is taken as it is.
"""

import json
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kut_runner.verdict.events import Info, Output, parse
from kut_runner.verdict.lines import split

_ESCAPES: Final = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_=>]"
)
_LEADING_RETURNS: Final = re.compile(rb"^\r+(?!\n)", re.MULTILINE)
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_ISO: Final = rf"{_DATE}[T ]{_TIME}(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
_WEEKDAY: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DAY: Final = rf"(?:{_WEEKDAY} )?[A-Z][a-z]{{2}} [ 0-9][0-9]"
_PROCESS: Final = r"[\w.-]+ [\w./-]+(?:\[[0-9]+\])?:"
_SECONDS: Final = r"[0-9]{1,10}\.[0-9]{3,9}"
#: Prefixes of lines.
_PREFIXES: Final = (
    re.compile(r"[0-9]{2}[OE](?:[ +]|$)"),  # GitLab, after its time stamp
    re.compile(r"<[0-9]{1,3}>(?=\[)"),  # Linux, dmesg -r
    re.compile(rf"[^\t]+\t[^\t]+\t(?:\\ufeff)?{_ISO}(?: |$)"),  # gh run view --log
    *(
        re.compile(rf"(?:{pattern})(?: |$)")
        for pattern in (
            rf"\[?{_ISO}\]? {_PROCESS}",  # journalctl -o short-iso
            rf"\[?{_ISO}\]?",  # GitHub, GitLab, LAVA, Azure, Jenkins
            rf"\[{_TIME}\]\w?:\s*\[Step [0-9]+/[0-9]+\]",  # TeamCity
            rf"\[?{_TIME}\]?",  # Jenkins, consoles
            rf"\[ *{_SECONDS}\] {_PROCESS}",  # journalctl -o short-monotonic
            rf"\[ *{_SECONDS}(?: +{_SECONDS})?\](?: ?\[ *[TC][0-9]+\])?",  # Linux, grabserial
            rf"{_SECONDS} {_PROCESS}",  # journalctl -o short-unix
            _SECONDS,  # ts %.s
            rf"{_WEEKDAY} {_DATE} {_TIME} \S+ {_PROCESS}",  # journalctl -o short-full
            rf"{_DAY} {_TIME} {_PROCESS}",  # syslog, journalctl
            rf"{_DAY} {_TIME}",  # ts
            rf"\[{_DAY} {_TIME} [0-9]{{4}}\]",  # dmesg -T
            r"[\w.-]* *\|",  # docker compose, kut's own reports
            r'Step #[0-9]+(?: - "[^"]*")?:',  # Google Cloud Build
            r"\[[\w./:-]*[a-zA-Z][\w./:-]*\]",  # a branch of Jenkins, kubectl logs --prefix
            r"[\w.]+ [\w.]+ +L[0-9]{4} [A-Z]+ *\|(?: \[\w+\])?",  # Avocado, after its time stamp
        )
    ),
)
#: Lines that CI, terminals and Markdown add.
_ADDED: Final = re.compile(
    r"##\[[a-z-]+\].*|::[a-z-]+(?: [^:]*)?::.*"
    r"|section_(?:start|end):[0-9]+:.*|Cleaning up project directory.*|Job succeeded"
    r"|\[Pipeline\].*|Finished: [A-Z]+|<LAVA_[A-Z_]+.*>|\+ [\w./-]+ .*"
    r"|[\w.-]+@[\w.-]+:\S*[$#](?: .*)?|\[[\w.-]+@[\w.-]+ [^]]*\][$#](?: .*)?|\$ \S.*|[$#]"
    r"|Script (?:started|done) .*|-- (?:Logs|Journal) begins? .* --|-- Boot \w+ --"
    r"|\[-- MARK -- .*\]|Thanks for using picocom"
)
#: Line before those of a test which shows that more than a test was recorded.
_RECORDED: Final = re.compile(
    r"##\[group\].*|section_start:.*|Running with gitlab-runner .*|Started by .*|\[Pipeline\].*"
    r"|Script started .*|[$+] \S.*|[\w.-]+@[\w.-]+:\S*[$#] .*|\[[\w.-]+@[\w.-]+ [^]]*\][$#] .*"
    r"|picocom v[0-9].*|Welcome to minicom .*|Connected to domain .*"
)
_FENCE: Final = re.compile(r"(```|~~~)[\w-]*|\{(?:noformat|code)(?::[^}]*)?\}")
_MARGINS: Final = ("    ", "\t")
_QUOTE: Final = re.compile(r">(?: ?>)*")
_MAIL: Final = re.compile(
    r"(?:From|To|Cc|Date|Subject|Message-ID|In-Reply-To): .*"
    r"|.*\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto) ?:"
)
_ENCODED_MAIL: Final = re.compile(
    rb"^(?:Content-Transfer-Encoding: (?:base64|quoted-printable)|Content-Type: multipart/.*)",
    re.IGNORECASE | re.MULTILINE,
)
#: Most parts of a mail; they may be nested.
_MOST_PARTS: Final = 50
_LAVA: Final = re.compile(r'- (\{"dt": .*\})')
#: Most prefixes of one line.
_LAYERS: Final = 4


@dataclass(frozen=True, slots=True)
class Saved:
    """Lines of a saved log, each with its newline, without their surroundings."""

    lines: Sequence[str]
    is_recorded: bool
    """Whether CI, mail or a terminal recorded it: not every line is of a guest."""


def lines_of(data: bytes) -> Saved:
    """Return the lines of a saved log of any origin."""
    text = _LEADING_RETURNS.sub(b"", _ESCAPES.sub(b"", _decoded_mail(_in_utf8(data))))
    lines = [*split([text if b"\n" in text else text.replace(b"\r", b"\n")])]
    lines, was_lava = _without_lava(lines)
    is_recorded = was_lava or _is_recorded(lines)
    lines, was_quoted = _without_quotes(_without_added(lines))
    lines, had_prefix = _without_prefixes(lines)
    is_recorded |= was_quoted or had_prefix
    if is_recorded and lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"  # such records are made of whole lines
    return Saved(_without_added(_excerpt(_dedented(lines), is_recorded=is_recorded)), is_recorded)


def _without_added(lines: list[str]) -> list[str]:
    return [line for line in lines if not _ADDED.fullmatch(line.strip())]


def _is_recorded(lines: list[str]) -> bool:
    """Return whether a line before those of a test is of mail, CI or a terminal."""
    for line in lines:
        text = _bare(line).strip()
        if _RECORDED.fullmatch(text) or _MAIL.fullmatch(text):
            return True
        if _importance([text]):
            break
    return False


def _excerpt(lines: list[str], *, is_recorded: bool) -> list[str]:
    """Return the lines of a block within other text if those of tests are all in it.

    A block has the fences of Markdown or Jira around it; that of a mail may be indented.
    """
    inside: list[str] = []
    outside: list[str] = []
    end = ""
    for line in lines:
        text = line.strip()
        fence = _FENCE.fullmatch(text)
        if fence and not end:
            end = fence[1] or "{" + text.strip("{}").partition(":")[0] + "}"
        elif text and text == end:
            end = ""
        elif end or (is_recorded and line.startswith(_MARGINS)):
            inside.append(line)
        else:
            outside.append(line)
    is_all = _importance(_dedented(inside)) and not _importance(outside)
    return _dedented(inside) if is_all else lines


def _decoded_mail(data: bytes) -> bytes:
    """Return the text of a mail that is encoded as base64 or quoted-printable."""
    text = data.replace(b"\r\n", b"\n")
    headers, _, body = text.partition(b"\n\n")
    if not _ENCODED_MAIL.search(headers) or body.count(b"\nContent-Type:") > _MOST_PARTS:
        return data
    from email import message_from_bytes

    parts = message_from_bytes(text).walk()
    found = (part for part in parts if part.get_content_type() == "text/plain")
    payload = next((part.get_payload(decode=True) for part in found), None)
    return headers + b"\n\n" + payload if isinstance(payload, bytes) else data


def _in_utf8(data: bytes) -> bytes:
    """Return the text without byte order mark, in UTF-8."""
    for mark, encoding in ((BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").encode()
    return data.removeprefix(BOM_UTF8)


def _without_lava(lines: list[str]) -> tuple[list[str], bool]:
    """Return the output of the target in a YAML log of LAVA."""
    found = [_LAVA.fullmatch(line.rstrip()) for line in lines if not line.isspace()]
    if not found or not all(found):
        return lines, False
    messages = []
    for match in found:
        try:
            entry = json.loads(match[1]) if match else {}
        except ValueError:
            return lines, False
        if entry.get("lvl") == "target" and isinstance(entry.get("msg"), str):
            messages.append(entry["msg"])
    return [*split([f"{message}\n".encode() for message in messages])], True


def _without_quotes(lines: list[str]) -> tuple[list[str], bool]:
    """Return the lines of a mail that are of tests: for each depth of quotes, the deepest first."""
    text = [line for line in lines if not line.isspace()]
    if not any(line.startswith(">") for line in text):
        return lines, False
    if any(line[0] != ">" and not line.isspace() for line in text) and not any(
        _MAIL.fullmatch(line.strip()) for line in text
    ):
        return lines, False
    by_depth: dict[int, list[str]] = {}
    for line in lines:
        quote = _QUOTE.match(line)
        by_depth.setdefault(quote[0].count(">") if quote else 0, []).append(
            line[quote.end() :] if quote else line
        )
    found = [_spaced_out(by_depth[depth]) for depth in sorted(by_depth, reverse=True)]
    kept = [each for each in found if _importance([_bare(line) for line in each])]
    return [line for each in kept for line in each] or lines, True


def _spaced_out(lines: list[str]) -> list[str]:
    """Return the lines without the space after the quotes, if all have it."""
    if all(line.startswith(" ") for line in lines if not line.isspace()):
        return [line.removeprefix(" ") for line in lines]
    return lines


def _importance(lines: list[str]) -> int:
    """Return the number of lines that a test prints."""
    return sum(not isinstance(event, Output | Info) for event in parse(lines))


def _without_prefixes(lines: list[str]) -> tuple[list[str], bool]:
    """Return the lines without the prefixes that all have from the first of them to the end.

    Lines of a test before the first prefix show that the prefixes are the guest's own.
    """
    had_any = False
    first = 0
    for _ in range(_LAYERS):
        found = next(filter(None, (_stripped(lines[first:], each) for each in _PREFIXES)), None)
        if not found or (had_any and not all(map(str.isspace, lines[first : first + found[0]]))):
            break
        start, block = found
        if _importance([_bare(line) for line in lines[: first + start]]):
            break
        lines = [*lines[: first + start], *_dedented(block)]
        first += start
        had_any = True
    return (lines, True) if had_any and _importance(lines[first:]) else (lines, False)


def _bare(line: str) -> str:
    """Return a line without any prefixes, quotes, or white space before it."""
    for _ in range(_LAYERS):
        line = next((each.sub("", line) for each in _PREFIXES if each.match(line)), line)
    return _QUOTE.sub("", line.lstrip(), count=1).lstrip()


def _stripped(lines: list[str], prefix: re.Pattern[str]) -> tuple[int, list[str]] | None:
    """Return the number of lines before the first prefix, and the others without it."""
    start = next((i for i, line in enumerate(lines) if prefix.match(line)), None)
    if start is None:
        return None
    if not all(prefix.match(line) or line.isspace() for line in lines[start:]):
        return None
    return start, [prefix.sub("", line, count=1) for line in lines[start:]]


def _dedented(lines: list[str]) -> list[str]:
    """Return the lines without the white space with which all begin."""
    text = [line for line in lines if not line.isspace()]
    margins = sorted(line[: len(line) - len(line.lstrip())] for line in text)
    if not margins or not margins[0] or not margins[-1].startswith(margins[0]):
        return lines
    return [line.removeprefix(margins[0]) for line in lines]
