# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML page of a run, as text and in a browser."""

import base64
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import chromium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kut_runner.errors import ExitCode
from kut_runner.process.boot import ExitKind, ProcessExit
from kut_runner.records.document import RunMetadata
from kut_runner.records.run_record import Run
from kut_runner.verdict.diagnosis import CpuState, Diagnosis, Frame, Kind, Register
from kut_runner.verdict.events import parse
from kut_runner.verdict.guest_output import collect
from kut_runner.verdict.judge import judge
from kut_runner.verdict.lines import split
from kut_runner.verdict.result import TestResult, Verdict, after, skipped
from kut_runner.verdict.status import Status
from kut_runner.views.html.page import page
from kut_runner.views.html.text import Budget, shown
from kut_runner.views.report_html import Html

GOLDEN = Path(__file__).with_name("golden")
POWER_OFF = ProcessExit(ExitKind.EXITED, 0, 0.25, "")
EVIL = (
    "</pre></script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'"
    "<!--<style>*{display:none}</style>]]>&amp;\u202e\u05d0\u05d1\x00\x1b[31m\ufffe\udcff"
)
FACTS = RunMetadata(
    run="20260101-000000-000-abcd",
    started=1767225600.0,
    host={"system": "Linux", "release": EVIL, "machine": "x86_64"},
    compiler="gcc",
    variant="O3",
    version="7.2.22",
    seed=7,
)


def result(name: str, text: bytes, ended: ProcessExit = POWER_OFF, **more: object) -> TestResult:
    said = collect(parse(split([text])))
    command = ("/opt/my qemu", "-append", EVIL)
    return TestResult(name, judge(said, ended), said, ended, command, "7.2.22", **more)  # type: ignore[arg-type]


def with_log(directory: Path, name: str, log: bytes, ended: ProcessExit = POWER_OFF) -> TestResult:
    path = directory / f"{name}.log"
    path.write_bytes(log)
    (directory / "results.json").touch()  # a directory of a run
    return result(name, log, ended, log=str(path), build_id="0a1b")


def hang() -> Diagnosis:
    frames = (
        Frame(0x40, "spin", "arm/a.c", 3, f"for (;;) /* {EVIL} */"),
        *(Frame(0x44, "again", "arm/a.c", 9) for _ in range(30)),
        Frame(0x9000, is_in_image=False),
    )
    registers = (
        Register("ESR_EL2", 0x96000045, "data abort: translation fault"),
        Register("x3", 0x40080000, EVIL),
        Register("x4", 1),
    )
    return Diagnosis(
        Kind.HANG, f"hangs {EVIL}", frames, registers, (CpuState(1, EVIL, frames),), (EVIL,)
    )


def sample(directory: Path) -> list[TestResult]:
    flood = b"".join(b"line %d of a flood\n" % number for number in range(1, 5001))
    evil = b"FAIL: " + EVIL.replace("\x00", "").encode(errors="surrogateescape") + b"\n"
    passes = b"PASS: a: b\nSKIP: c\nSUMMARY: 3 tests, 1 skipped\n\nEXIT: STATUS=1\n"
    good = with_log(directory, "good", passes)
    failed = TestResult(
        "flaky", Verdict(Status.FAIL, EVIL, ExitCode.TESTS_FAILED), process_exit=POWER_OFF
    )
    return [
        good,
        *(
            with_log(directory, path.stem, path.read_bytes())
            for path in sorted(GOLDEN.glob("*.log"))
        ),
        with_log(
            directory, "flood", flood, ProcessExit(ExitKind.TIMED_OUT, 0, 2.5, f"qemu: {EVIL}")
        ),
        with_log(directory, "evil", evil),
        result(
            "hang",
            b"INFO: about to spin\n",
            ProcessExit(ExitKind.TIMED_OUT, 0, 2.0, ""),
            diagnosis=hang(),
        ),
        TestResult(EVIL, skipped(EVIL), log="\x00"),
        after((failed,), result("flaky", passes)),
        result("killed", b"", ProcessExit(ExitKind.KILLED, 6, 0.1, "qemu: assertion")),
    ]


def whole(results: list[TestResult], *, missing: int = 0) -> Run:
    count = len(results) + missing
    return Run(results, count, 0.0, 9.5, ExitCode.TESTS_FAILED, is_complete=not missing)


class Reader(HTMLParser):
    """Parser that collects the elements of a page."""

    VOID = ("meta", "input", "rect", "path")
    OPTIONAL = ("li", "td", "th", "tr", "dt", "dd", "tbody")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
            elif name in {"href", "src"}:
                self.links.append(str(value))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        while self.open[-1] != tag and self.open[-1] in self.OPTIONAL:
            self.open.pop()
        assert self.open.pop() == tag


TAGS = set(
    re.findall(
        r"\S+",
        """
        html head meta title style body header h1 h4 p ul ol li b i s a svg rect details summary div
        span nav button input output main section pre code small table tr th td dl dt dd mark
        footer script
""",
    )
)
ATTRIBUTES = set(
    re.findall(
        r"\S+",
        """
        lang charset http-equiv content name class id href open title role aria-label aria-hidden
        aria-pressed viewbox preserveaspectratio x width height rx type placeholder hidden
        data-status
""",
    )
)


def check(text: str) -> Reader:
    """Check that a page is well-formed, and has only the elements of kut."""
    reader = Reader(text)
    assert set(reader.tags) - {"title"} <= TAGS
    assert reader.tags.count("script") == reader.tags.count("style") == 1
    assert reader.attributes <= ATTRIBUTES
    assert not reader.open
    assert len(reader.ids) == len(set(reader.ids))
    assert all(link.startswith("#") and link[1:] in reader.ids for link in reader.links)
    assert text.replace("\n", "").replace("\t", "").isprintable()
    return reader


def test_a_page_is_harmless_whatever_it_shows(tmp_path: Path) -> None:
    text = page(whole(sample(tmp_path)), FACTS)
    check(text)
    assert "&lt;script&gt;window.pwned" in text
    assert "\\u202e" in text


ODD = st.text(st.characters(), max_size=30) | st.sampled_from([EVIL, "</details>", "'\"><b>"])


@settings(max_examples=50)
@given(name=ODD, reason=ODD, text=ODD, log=st.binary(max_size=200))
def test_any_words_are_harmless(name: str, reason: str, text: str, log: bytes) -> None:
    said = collect(parse(split([log])))
    frames = (Frame(1, text, text, 1, text),)
    found = Diagnosis(Kind.HANG, text, frames, (Register(text, 1, text),), (), (text,))
    verdict = Verdict(Status.CRASH, reason, ExitCode.TESTS_FAILED)
    ended = ProcessExit(ExitKind.EXITED, 0, 1.0, text)
    one = TestResult(name, verdict, said, ended, (text,), text, text, text, found)
    check(page(whole([one]), RunMetadata(run=text, compiler=text, kut=text, started=0.0)))


def test_what_failed_comes_first_and_open(tmp_path: Path) -> None:
    text = page(whole(sample(tmp_path)), FACTS)
    statuses = re.findall(r'class="test" data-status="(\w+)"( open)?', text)
    failing = [Status(status).is_failure for status, _ in statuses]
    assert failing == sorted(failing, reverse=True)
    assert sum(bool(is_open) for _, is_open in statuses) == 10
    assert statuses[0][1]
    failures = [match.start() for match in re.finditer(r'class="test" data-status', text)]
    charts = text.index('<section class="charts">')
    assert failures[sum(failing) - 1] < charts < failures[sum(failing)]
    assert text.count("<svg") == text[charts:].count("<svg")


def test_every_line_of_a_log_has_an_anchor_but_the_middle_of_a_flood(tmp_path: Path) -> None:
    flood = next(one for one in sample(tmp_path) if one.id == "flood")
    text = page(whole([flood]), FACTS)
    numbers = [int(number) for number in re.findall(r'id="t1\.(\d+)"', text)]
    assert numbers == [*range(1, 101), *range(4601, 5001)]
    assert "4500 lines left out" in text
    assert '<s id="t1.5000"><a href="#t1.5000">5000</a>line 5000 of a flood</s>' in text


def test_without_its_log_a_test_shows_the_end_of_its_output() -> None:
    text = page(whole([result("x", b"PASS: a\nlast words\n", log="/no/such/log")]), FACTS)
    assert "End of the output" in text
    assert "<s>last words</s>" in text


def test_the_size_of_a_page_is_bounded(tmp_path: Path) -> None:
    many = [one for one in sample(tmp_path) if one.id == "flood"] * 200
    text = page(whole(many), FACTS, Budget(300_000))
    assert len(text) < 300_000 + 200 * 1000 + 20_000
    assert "Left out, as the page would be too large" in text
    check(text)


def test_a_page_says_what_is_missing(tmp_path: Path) -> None:
    text = page(whole(sample(tmp_path)[:1], missing=3), FACTS)
    assert "The run was cut short: 3 tests have no result." in text
    assert '<h1 class="bad">1 test, none failed' in text
    check(page(whole([]), FACTS))


def test_shown() -> None:
    assert shown("a<b>\x1b&") == "a&lt;b&gt;\\x1b&amp;"
    assert shown("x" * 3000) == "x" * 2000 + "…"


def test_the_view_writes_it_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    view = Html(path, FACTS)
    assert not path.exists()
    view.on_end(whole(sample(tmp_path)))
    assert "2026-01-01 00:00:00 UTC" in path.read_text()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = tmp_path_factory.mktemp("page")
    view = Html(directory / "r.html", FACTS)
    view.on_end(whole(sample(directory)))
    return chromium.url(directory / "r.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Page]:
    if not chromium.PROGRAM:
        pytest.skip("no Chromium is installed (Debian: apt install chromium)")
    with chromium.browser() as page:
        yield page


def problems(browser: chromium.Page) -> list[object]:
    """Return errors of the browser, and its requests other than for the page."""
    return [
        event
        for event in browser.events
        if event["method"]
        in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}
        or (
            event["method"] == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith("file:")
        )
    ]


VISIBLE = '[...document.querySelectorAll(".test")].filter((e) => e.checkVisibility()).length'


def test_a_browser_shows_it_without_complaint(browser: chromium.Page, report: str) -> None:
    browser.events.clear()
    browser.open(report)
    assert problems(browser) == []
    assert browser.value("window.pwned === undefined")
    assert browser.value("document.scripts.length") == 1
    count = browser.value('document.querySelectorAll(".test").length')
    assert browser.value(VISIBLE) == count > 30
    assert browser.value("document.title").endswith("tests failed · kut")
    assert browser.value('document.querySelectorAll(".times rect").length') == 12


def test_a_script_in_the_page_would_not_run(browser: chromium.Page, report: str) -> None:
    browser.open(report)
    browser.events.clear()
    browser.value(
        'document.body.append(Object.assign(document.createElement("script"),'
        ' {textContent: "window.pwned = 1"}))'
    )
    assert browser.value("window.pwned === undefined")
    assert "Content Security Policy" in str(problems(browser))


def test_filters(browser: chromium.Page, report: str) -> None:
    browser.open(report)
    count = browser.value(VISIBLE)
    timeouts = browser.value('document.querySelectorAll("[data-status=timeout].test").length')
    browser.value("document.querySelector('button[data-status=timeout]').click()")
    assert browser.value(VISIBLE) == timeouts == 2
    assert browser.value("document.querySelector('output').value") == f"2 of {count}"
    browser.value("document.querySelector('button[data-status=crash]').click()")
    assert browser.value(VISIBLE) > 2
    for status in ("timeout", "crash"):
        browser.value(f"document.querySelector('button[data-status={status}]').click()")
    assert browser.value(VISIBLE) == count
    browser.value("input.value = 'FLOOD no'; input.dispatchEvent(new Event('input'))")
    browser.wait(lambda: browser.value(VISIBLE) == 1)
    assert (
        browser.value("document.querySelector('.test:not([hidden]) .name').textContent") == "flood"
    )


def test_a_link_to_a_line_opens_its_test(browser: chromium.Page, report: str) -> None:
    browser.open(report)
    ident = browser.value(
        "[...document.querySelectorAll('.test')].find((e) => e.textContent.includes('a: b')).id"
    )
    assert not browser.value(f"document.getElementById('{ident}').open")
    browser.value(f"location.hash = '{ident}.2'")
    browser.wait(lambda: browser.value(f"document.getElementById('{ident}').open"))
    line = f"document.getElementById('{ident}.2')"
    assert browser.value(f"{line}.matches(':target')")
    browser.wait(lambda: browser.value(f"{line}.getBoundingClientRect().top < innerHeight"))


@pytest.mark.parametrize("pixels", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(
    browser: chromium.Page, report: str, pixels: int, scheme: str
) -> None:
    browser.width(pixels)
    browser.scheme(scheme)
    browser.open(report)
    browser.value("document.querySelectorAll('details').forEach((e) => e.open = true)")
    assert browser.value("document.documentElement.scrollWidth") <= pixels
    found = browser.value(CONTRASTS)
    assert len(found) > 10
    assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}
    picture = base64.b64decode(browser.call("Page.captureScreenshot")["data"])
    assert len(picture) > 20_000, "it shows more than one colour"


#: The ratio of contrast (WCAG 2) of the text of each kind of element to what is behind it.
CONTRASTS = """
(() => {
	const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
	const light = (colour) => {
		const [r, g, b] = parts(colour).map((v) => v / 255)
			.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const back = (e) => {
		for (; e; e = e.parentElement) {
			const found = getComputedStyle(e).backgroundColor;
			if (!(parts(found)[3] === 0)) return found;
		}
		return getComputedStyle(document.body).backgroundColor;
	};
	const result = {};
	const kinds = "h1,h4,.metadata li,.metadata b,nav button,.name,.reason,.seconds,.headline,"
		+ ".location,.note,.pointers,.stack small,.stack li,.log s,.log a,.log mark,.log .cut,"
		+ "dt,dd,footer,.checks b,.warning";
	for (const kind of kinds.split(",").concat(
		["pass", "fail", "skip", "timeout", "crash", "error", "flaky"].map((s) => ".pill." + s)
	)) {
		const e = document.querySelector(kind);
		if (!e) continue;
		const [a, b] = [light(getComputedStyle(e).color), light(back(e))];
		result[kind] = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	}
	return result;
})()
"""


def test_it_can_be_read_without_scripts(browser: chromium.Page, report: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(report)
        root = browser.call("DOM.getDocument", depth=1)["root"]["nodeId"]

        def count(selector: str) -> int:
            found = browser.call("DOM.querySelectorAll", nodeId=root, selector=selector)
            return len(found["nodeIds"])

        assert count("html.script") == 0
        assert count(".test") == count(".test:not([hidden])") > 30
        assert count(".test[open]") == 10
        assert count("input[hidden]") == 1
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
