# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium to look at a page with: its DevTools protocol over a pair of pipes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--disable-extensions", "--remote-debugging-pipe"),
)
#: Seconds to wait for an answer; a busy machine is slow, not wrong.
PATIENCE = 120

#: The protocol is spoken on the descriptors 3 and 4: puts them there, by way of safe numbers.
LAUNCH = """
import fcntl, os, sys
safe = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, descriptor in enumerate(safe, 3):
    os.dup2(descriptor, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A tab of the browser; `events` is what it told by itself."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._from = to, answers
        self._held = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:  # noqa: ANN401 - any JSON
        """Ask for something and return the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, url: str) -> None:
        """Load a page to its end."""
        before = len(self.events)
        self.call("Page.navigate", url=url)
        self.wait(
            lambda: any(event["method"] == "Page.loadEventFired" for event in self.events[before:])
        )

    def wait(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            self.call("Runtime.evaluate", expression="0")
            time.sleep(0.02)

    def value(self, expression: str) -> Any:  # noqa: ANN401 - any JSON
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def width(self, pixels: int) -> None:
        size = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 700}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def scheme(self, name: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": name}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            data = os.read(self._from, 1 << 16)
            assert data, "the browser went away"
            self._held += data
        message, _, self._held = self._held.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


@contextmanager
def browser() -> Iterator[Page]:
    """Start one with an empty profile, and end it."""
    assert PROGRAM
    ours, theirs = os.pipe(), os.pipe()
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", LAUNCH, str(ours[0]), str(theirs[1])),
                *(PROGRAM, *OPTIONS, f"--user-data-dir={profile}"),
            ],
            pass_fds=(ours[0], theirs[1]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": profile},
        )
        os.close(ours[0])
        os.close(theirs[1])
        page = Page(ours[1], theirs[0])
        try:
            page.attach()
            yield page
        finally:
            process.kill()
            process.wait()
            os.close(ours[1])
            os.close(theirs[0])


def url(path: Path) -> str:
    return path.resolve().as_uri()
