# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions as JSON, for `kut list --json`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from kut_runner.definitions.config import Config, TestDef

#: Version of the format.
SCHEMA: Final = 1


def sizes(tests: "Iterable[TestDef]") -> Mapping[str, int]:
    """Return the number of tests of each group, in the order of the tests."""
    return Counter(group for test in tests for group in test.groups)


def dumps(tests: "Iterable[TestDef]", definitions: "Config") -> str:
    """Return tests as JSON, with all groups and variants."""
    import json  # slow to import, and seldom needed

    document = {
        "schema": SCHEMA,
        "tests": [_test(test) for test in tests],
        "groups": sizes(definitions.tests),
        "variants": {each.name: each.about for each in definitions.variants},
    }
    return json.dumps(document, indent=1) + "\n"


def _test(test: "TestDef") -> dict[str, Any]:
    """Return the keys of a definition, with the values that the test has."""
    return {
        "name": test.name,
        "image": test.image,
        "args": test.args,
        "smp": test.smp,
        "memory": test.memory,
        "cpu": test.cpu,
        "machine": dict(test.machine),
        "groups": list(test.groups),
        "timeout": test.timeout,
        "needs": [str(need) for need in test.needs],
        "qemu_args": list(test.qemu_args),
        "accel": str(test.accelerator or ""),
        "threads": test.threads,
        "origin": test.origin,
    }
