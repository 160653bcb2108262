# SPDX-License-Identifier: GPL-2.0-or-later
"""Scaffolding: a new test that passes, and a new source tree."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kut_runner import __version__
from kut_runner.definitions import config
from kut_runner.errors import InfrastructureError, UsageError, describe

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
	report(guest_run(guest) == GUEST_EXIT_RETURNED && guest->return_value == 42,
	       "40 + 2 in a guest: %lu", guest->return_value);
	return report_summary();
}
"""  # noqa: E101 - C is indented by tabs and aligned by spaces

_MARK: Final = f"""\
# Source tree of tests that uses the library of kut, with the minimum version of kut.
library = "kut>={__version__}"
"""

_IGNORED: Final = "/build/\n"

_README: Final = """\
# Tests of hypervisor-level arm64 code

Test images that boot at EL2 in QEMU. kut builds and runs them, and provides their library.

    kut run         build changed sources and run all tests
    kut list        list the tests
    kut new NAME    create a new test

- `arm/NAME.c` is the source of an image, with `arm/NAME-*.S` and `arm/NAME/` if they exist.
- `configs/*.toml` define the tests and their machines.
- `kut.toml` has the minimum version of kut.
- `build/` has images, logs and past runs, and `compile_commands.json` for editors. It may be
  removed at any time.
"""


def new_tree(tree: Path, name: str, sources: str = "") -> tuple[Path, ...]:
    """Create a source tree with one test in a new or empty directory; return its files.

    It has no library of its own but uses kut's; `sources` is the key of its kut.toml, "" for none.
    No file is overwritten, and after an error no file is left. Raises UsageError for an invalid
    name or a directory that is not empty, InfrastructureError if a file cannot be written.
    """
    _check_name(name)
    mark = f'{_MARK}sources = "{sources}"\n' if sources else _MARK
    texts = {config.MARK: mark, ".gitignore": _IGNORED, "README.md": _README}
    new = [path for path in (tree, tree / "arm", tree / "configs") if not path.exists()]
    try:
        if tree.exists() and any(tree.iterdir()):
            raise UsageError(f"{tree} is not empty", "name an empty or a new directory")
        for directory in (tree / "arm", tree / "configs"):
            directory.mkdir(parents=True)
        written = _write({tree / file: text for file, text in texts.items()})
    except OSError as error:
        _remove(reversed(new))
        raise InfrastructureError(
            f"the new source tree cannot be written: {describe(error)}"
        ) from None
    return (*written, *new_test(tree, name))


def new_test(tree: Path, name: str) -> tuple[Path, Path]:
    """Write `arm/NAME.c` and `configs/NAME.toml` below `tree`; return their paths.

    No file is overwritten, and either both are written or none. Raises UsageError for an invalid
    or existing name, ConfigError for invalid definitions in the source tree, InfrastructureError
    if a file cannot be written.
    """
    _check_name(name)
    source, definition = tree / "arm" / f"{name}.c", tree / "configs" / f"{name}.toml"
    _check_is_new(tree, name, (source, definition))
    try:
        _write({source: _SOURCE, definition: f'[test."{name}"]\nmemory = 256\n'})
    except OSError as error:
        raise InfrastructureError(f"the new test cannot be written: {describe(error)}") from None
    return source, definition


def _write(texts: dict[Path, str]) -> tuple[Path, ...]:
    """Write new files, either all or none; raises OSError."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return tuple(written)


def _remove(directories: Iterable[Path]) -> None:
    for directory in directories:
        with suppress(OSError):
            directory.rmdir()


def _check_name(name: str) -> None:
    if not config.is_name(name) or name.endswith((".c", ".S")):
        raise UsageError(
            f"{name!r} is not a valid name of a test",
            "a letter or digit, then letters, digits and _.+-; at most 100, without a suffix",
        )


def _check_is_new(tree: Path, name: str, files: tuple[Path, ...]) -> None:
    for path in (*files, tree / "arm" / f"{name}.S", tree / "arm" / name):
        if path.exists():
            raise UsageError(f"{path.relative_to(tree)} already exists", "choose another name")
    if not any((tree / "configs").glob("*.toml")):
        return  # the first test of a source tree
    if any(test.name == name for test in config.load(tree / "configs", tree / "arm").tests):
        raise UsageError(f"a test {name!r} is already defined", "choose another name")
