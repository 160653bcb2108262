# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of the build: `python -m kut_model AREA HEADER ROWS DEPFILE`.

HEADER becomes the C header of an area, ROWS its list of rows, and DEPFILE a rule for make that
names the modules which both depend on. Rows that break the rules for rows are errors.
"""

import sys
from pathlib import Path

from kut_model import areas
from kut_model.header import header, row_list
from kut_model.rows import problems


def main(argv: list[str]) -> str:
    """Write the files; return the error, "" without one."""
    if len(argv) != 4:  # noqa: PLR2004 - as the usage says
        return "usage: python -m kut_model AREA HEADER ROWS DEPFILE"
    name, header_path, rows_path, depfile = argv
    try:
        area = areas.load(name)
    except KeyError:
        return f"no area {name}: the areas are {' '.join(areas.names())}"
    rows = area.rows()
    if found := "\n".join(problems(area, rows)):
        return f"area {name}:\n{found}"
    _write(Path(header_path), header(area, rows))
    _write(Path(rows_path), row_list(area, rows))
    Path(depfile).write_text(f"{header_path}: {' '.join(_modules())}\n")
    return ""


def _write(path: Path, text: str) -> None:
    """Replace the file, unless it has this text already: a build then compiles nothing."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _modules() -> list[str]:
    """Return the files of this package that were imported."""
    found = (module.__file__ for name, module in sys.modules.items() if _is_own(name))
    own = {path for path in found if path} | {__file__}
    return sorted(path.replace(" ", "\\ ") for path in own)


def _is_own(name: str) -> bool:
    return name.partition(".")[0] == __package__


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
