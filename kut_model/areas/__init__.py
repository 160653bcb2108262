# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas of the suite: each module of this package defines one as `AREA`."""

import importlib
import pkgutil

from kut_model.rows import Area


def names() -> list[str]:
    """Return the names of the areas, sorted; a module has its area's name with _ for -."""
    found = pkgutil.iter_modules(__path__)
    return sorted(module.name.replace("_", "-") for module in found)


def load(name: str) -> Area:
    """Import the area with this name, and no other one; raises KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    area = module.AREA
    assert isinstance(area, Area), f"{module.__name__}.AREA is an Area"  # noqa: S101 - a contract
    return area
