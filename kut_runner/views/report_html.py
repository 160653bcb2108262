# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as an HTML page, made by `views.html`."""

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
    """View that writes the page at the end of the run; until then the file does not exist."""

    def __init__(self, path: Path, metadata: RunMetadata | None = None) -> None:
        """Check that the file can be written; raises UsageError if not."""
        self._out = OutFile(path)
        self._metadata = metadata or RunMetadata()

    def on_end(self, run: "Run") -> None:
        """Write the page."""
        self._out.write(page(replace(run, started=self._metadata.started), self._metadata))
