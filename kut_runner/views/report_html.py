# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a page for a browser; `views.html` makes it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.records.document import RunMetadata
from kut_runner.records.view import View
from kut_runner.views.html.page import page
from kut_runner.views.outfile import OutFile

if TYPE_CHECKING:
    from kut_runner.records.run_record import Run


class Html(View):
    """Written once, at the end: until then there is no file, so none can be mistaken for it."""

    def __init__(self, path: Path, metadata: RunMetadata | None = None) -> None:
        """Check that the file can be written; raises UsageError when not."""
        self._out = OutFile(path)
        self._facts = metadata or RunMetadata()

    def on_end(self, run: "Run") -> None:
        """Write the whole."""
        self._out.write(page(replace(run, started=self._facts.started), self._facts))
