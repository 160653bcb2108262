# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests for a migration in the output of a guest: the lines of `lib/migrate.c`.

They are those of kvm-unit-tests. After each of them, except the second line of the end of a
continuous migration, the guest waits for a key.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final


class Request(Enum):
    """Request of a guest, or its end; the value is in the line that makes it."""

    MIGRATE = "Now migrate the VM"
    SKIP = "Skipped VM migration"
    BEGIN = "Begin continuous migration"
    END = "End continuous migration"
    EXIT = "EXIT: STATUS="


#: Most bytes of the part of a line in which a request is found.
_LONGEST_LINE: Final = 4096
_LINE: Final = re.compile(
    rf"({'|'.join(request.value for request in Request)})([^\n]*)\n".encode("ascii")
)
#: Second line of an end: run_tests.sh needs it if a migration splits the first one.
_SECOND_LINE: Final = b" (quiet)"


class RequestReader:
    """Finds requests in output that arrives in parts."""

    def __init__(self) -> None:
        """Begin at the start of a line."""
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[Request]:
        """Yield the requests whose lines end in `data`."""
        complete, newline, rest = data.rpartition(b"\n")
        if not newline:
            self._pending = (self._pending + data)[-_LONGEST_LINE:]
            return
        text, self._pending = self._pending + complete + newline, rest[-_LONGEST_LINE:]
        for match in _LINE.finditer(text):
            request = Request(match[1].decode("ascii"))
            if request is not Request.END or not match[2].startswith(_SECOND_LINE):
                yield request
