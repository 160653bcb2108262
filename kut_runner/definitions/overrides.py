# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that change the machine of every test of one run, instead of its definition."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from kut_runner.definitions.config import TestDef
from kut_runner.definitions.fields import TEST_FIELDS, BadValueError, accelerator_option
from kut_runner.errors import UsageError
from kut_runner.text import printable

#: An option of QEMU together with its value.
_TOGETHER: Final = re.compile(r"-{1,2}[a-z][a-z0-9_-]*\s+\S")


@dataclass(frozen=True, slots=True)
class Overrides:
    """Values that replace those of each test; None keeps them."""

    cpu: str | None = None
    """Model and features, as QEMU's -cpu takes them."""
    smp: int | None = None
    """Number of CPUs."""
    memory: int | None = None
    """Memory in MiB."""
    append: str | None = None
    """Command line of the image."""
    qemu_args: tuple[str, ...] = ()
    """Options of QEMU after those of the test."""

    def __post_init__(self) -> None:
        """Check each value as that of a definition; raises UsageError."""
        keys = {"cpu": "cpu", "smp": "smp", "memory": "memory", "append": "args"}
        for name, key in keys.items():
            value, field = getattr(self, name), TEST_FIELDS[key]
            try:
                if value is not None:
                    field.check(value)
            except BadValueError:
                message = f"--{name} {printable(str(value))}: not valid"
                raise UsageError(message, f"give {field.expected}") from None
        if together := next((arg for arg in self.qemu_args if _TOGETHER.match(arg)), None):
            parts = " ".join(f"--qemu-arg={part}" for part in together.split())
            raise UsageError(
                f"--qemu-arg {printable(together)!r} has an option and its value in one argument",
                f"give each by itself: {printable(parts)}",
            )
        if option := accelerator_option(self.qemu_args):
            raise UsageError(
                f"--qemu-arg {option} may choose the accelerator",
                "use --target, or ACCEL in the environment, as in ACCEL=tcg,thread=single",
            )

    def apply(self, tests: Iterable[TestDef]) -> tuple[TestDef, ...]:
        """Return the tests with these values."""
        return tuple(
            replace(
                test,
                cpu=test.cpu if self.cpu is None else self.cpu,
                smp=test.smp if self.smp is None else self.smp,
                topology=test.topology if self.smp is None else "",
                memory=test.memory if self.memory is None else self.memory,
                args=test.args if self.append is None else self.append,
                qemu_args=(*test.qemu_args, *self.qemu_args),
            )
            for test in tests
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values for the document of a run, those that were given."""
        values: dict[str, Any] = {
            "cpu": self.cpu,
            "smp": self.smp,
            "memory": self.memory,
            "append": self.append,
            "qemu_args": list(self.qemu_args) or None,
        }
        return {key: value for key, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the values that `to_json` wrote among the options of a run; raises UsageError."""
        return cls(
            cpu=data.get("cpu"),
            smp=data.get("smp"),
            memory=data.get("memory"),
            append=data.get("append"),
            qemu_args=tuple(data.get("qemu_args") or ()),
        )


#: No changes.
NO_OVERRIDES: Final = Overrides()
