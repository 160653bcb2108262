# SPDX-License-Identifier: GPL-2.0-or-later
"""A stand-in for QEMU with an image of the conformance suite, which dies at rows.

The file after -kernel has a letter for each row: P, F and S are verdicts; A aborts, E is an error
of QEMU, H hangs, D is a dump of the guest, O aborts unless the row is traced. A letter after a / is
for the time before the first row, one after a second / for that after the last.
"""

import os
import sys
import time
from pathlib import Path

BLOCK = 4
DUMP = "Unhandled exception: vector 4 (el1h_sync)\nEXIT: STATUS=255"


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - it is the serial line


def option(name: str) -> str:
    """Return the value of an option of QEMU, "" without it."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


def die(letter: str, *, is_traced: bool) -> None:
    """Die as the letter says, or not at all."""
    if letter == "A" or (letter == "O" and not is_traced):
        sys.stderr.write("qemu: assertion failed\n")
        sys.stderr.flush()
        os.abort()
    if letter == "E":
        sys.exit("qemu: no such device")
    if letter == "H":
        end = time.process_time() + 60
        while time.process_time() < end:
            pass
    if letter == "D":
        say(DUMP)
        sys.exit(0)


def main() -> None:
    """Run the rows that the arguments select."""
    rows, _, ends = Path(option("-kernel")).read_text().strip().partition("/")
    before, _, after = ends.partition("/")
    arguments = option("-append").split()
    traced = [int(each.removeprefix("trace=")) for each in arguments if each.startswith("trace=")]
    left = traced[-1] if traced else 0
    is_traced = left > 0
    starts = [int(each.removeprefix("start=")) for each in arguments if each.startswith("start=")]
    start = starts[-1] if starts else 0
    say(f"AREA: some {len(rows)} 0123456789abcdef")
    die(before, is_traced=is_traced)
    block = ""
    has_reason = False
    counts = dict.fromkeys("PFS", 0)
    for number, letter in list(enumerate(rows))[start:]:
        is_traced = left > 0
        left -= is_traced
        if is_traced:
            say(f"ROW: some {number}")
        die(letter, is_traced=is_traced)
        verdict = letter if letter in counts else "P"
        counts[verdict] += 1
        if verdict == "F":
            say(f"FAIL: some: some.{number}: expected 1, found 2")
        if verdict == "S" and not has_reason:
            has_reason = True
            say(f"REASON: some 1 FEAT_X{number % 2} ID_X_EL1.X")
        block += f" {verdict}{'1' if verdict == 'S' else ''}"
        if is_traced or (number + 1) % BLOCK == 0 or number + 1 == len(rows):
            say(f"ROWS: some {number + 1 - len(block.split())}{block}")
            block = ""
    die(after, is_traced=is_traced)
    failed = f", {counts['F']} unexpected failures" if counts["F"] else ""
    skipped = f", {counts['S']} skipped" if counts["S"] else ""
    say(f"SUMMARY: {sum(counts.values())} tests{failed}{skipped}\n")
    all_skipped = counts["S"] == sum(counts.values())
    say(f"EXIT: STATUS={77 if all_skipped else 3 if failed else 1}")


main()
