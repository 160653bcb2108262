# SPDX-License-Identifier: GPL-2.0-or-later
"""A new test to start from: a source that passes, and its definition."""

from pathlib import Path
from typing import Final

from kut_runner import config
from kut_runner.errors import InfrastructureError, UsageError

_SOURCE: Final = """\
/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libcflat.h>
#include <asm/guest.h>

/* Runs in the guest, at EL1 */
static u64 add(u64 a, u64 b)
{
	return a + b;
}

/* Runs in the host, at EL2 */
int main(void)
{
	struct guest *guest = guest_create(1, (void (*)(void))add, S2_PAGE_4K);

	guest->x[0] = 40;
	guest->x[1] = 2;
	report(guest_run(guest) == GUEST_EXIT_RETURNED && guest->exit_code == 42,
	       "40 + 2 in a guest: %lu", guest->exit_code);
	return report_summary();
}
"""  # noqa: E101 - C is indented by tabs and aligned by spaces


def new_test(tree: Path, name: str) -> tuple[Path, Path]:
    """Write `arm/NAME.c` and `configs/NAME.toml` under `tree`; return their paths.

    Nothing is overwritten, and one is not left without the other. Raises UsageError for a bad or
    taken name, ConfigError for bad definitions in the tree, InfrastructureError when a file
    cannot be written.
    """
    if not config.is_name(name) or name.endswith((".c", ".S")):
        raise UsageError(
            f"{name!r} is no name for a test",
            "a letter or digit, then letters, digits and _.+-; at most 100, without a suffix",
        )
    source, definition = tree / "arm" / f"{name}.c", tree / "configs" / f"{name}.toml"
    _refuse_taken(tree, name, (source, definition))
    written: list[Path] = []
    try:
        for path, text in ((source, _SOURCE), (definition, f'[test."{name}"]\nmemory = 256\n')):
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise InfrastructureError(f"a file of the new test is not written: {error}") from None
    return source, definition


def _refuse_taken(tree: Path, name: str, files: tuple[Path, ...]) -> None:
    for path in (*files, tree / "arm" / f"{name}.S", tree / "arm" / name):
        if path.exists():
            raise UsageError(f"{path.relative_to(tree)} is already there", "choose another name")
    if not any((tree / "configs").glob("*.toml")):
        return  # the first test of a tree
    if any(test.name == name for test in config.load(tree / "configs", tree / "arm").tests):
        raise UsageError(f"a test {name!r} is already defined", "choose another name")
