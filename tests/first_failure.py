# SPDX-License-Identifier: GPL-2.0-or-later
"""Target `tcg` that stops a machine at its first failing check, where one is all that matters."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kut_runner.process.harness import Finding, FindingKind
from kut_runner.targets.tcg import Tcg
from kut_runner.verdict.cause import Cause

if TYPE_CHECKING:
    from pathlib import Path

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import TestDef
    from kut_runner.process.boot import Launch
    from kut_runner.process.harness import Stage

_FAILURE: Final = re.compile(rb"(?:^|\n)FAIL: [^\n]*\n")


class StopAtFailure(Tcg):
    """Stops a test when it has printed a complete line "FAIL: ".

    Not one with rows, some of which fail as the emulator is known to be wrong, and not one with a
    harness of its own.
    """

    def launch(
        self, test: TestDef, image: Image, log: Path, timeout: float, *, inspect: bool
    ) -> Launch:
        """Return the QEMU process that boots @image for @test."""
        launch = super().launch(test, image, log, timeout, inspect=inspect)
        if launch.harness or image.row_list.exists():
            return launch
        return replace(launch, harness=_Watch)


class _Watch:
    """Harness that ends the machine at the first failing check."""

    moves = 0
    descriptors = ()
    options = ()

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._line = b""
        self._has_failed = False

    def attach(self) -> _Watch:
        return self

    def on_started(self) -> None:
        pass

    def on_output(self, data: bytes) -> None:
        text = self._line + data
        if not self._has_failed and _FAILURE.search(text):
            self._has_failed = True
            self._stage.give_up()
        self._line = text[text.rfind(b"\n") + 1 :]

    def on_spare_exit(self, code: int, stderr: str) -> None:
        raise AssertionError(f"there is no spare: {code} {stderr}")

    def finish(self, stderr: str) -> Finding | None:
        """Return what lets the failed check decide."""
        if not self._has_failed:
            return None
        return Finding(FindingKind.PASSED, Cause.CHECKS_FAILED.value, stderr)

    def close(self) -> None:
        pass
