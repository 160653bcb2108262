# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of the build: `python -m kut_model header|rows AREA OUT DEPFILE`.

`header` writes the C header of an area, `rows` its list of rows. DEPFILE becomes a rule for make
that names the modules which the file depends on. Rows that break the rules for rows are errors.
"""

import sys
from pathlib import Path

from kut_model import areas
from kut_model.header import header, row_list
from kut_model.rows import problems

_FILES = {"header": header, "rows": row_list}


def main(argv: list[str]) -> str:
    """Write the file; return the error, "" without one."""
    if len(argv) != 4 or argv[0] not in _FILES:  # noqa: PLR2004 - as the usage says
        return "usage: python -m kut_model header|rows AREA OUT DEPFILE"
    kind, name, out, depfile = argv
    try:
        area = areas.load(name)
    except KeyError:
        return f"no area {name}: the areas are {' '.join(areas.names())}"
    rows = area.rows()
    if found := "\n".join(problems(area, rows)):
        return f"area {name}:\n{found}"
    _write(Path(out), _FILES[kind](area, rows))
    Path(depfile).write_text(f"{out}: {' '.join(_modules())}\n")
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
