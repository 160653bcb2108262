# SPDX-License-Identifier: GPL-2.0-or-later
"""Keys of definitions, each with its check, a description of valid values, and its default."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kut_runner.definitions.needs import Accelerator, QemuVersion, parse_accelerator
from kut_runner.definitions.needs import parse as parse_need
from kut_runner.definitions.no_checks import NoChecks

#: Seconds of a day, the longest timeout.
DAY: Final = 24 * 60 * 60
#: Most CPUs of a machine, the limit of QEMU's `virt`.
MOST_CPUS: Final = 512
#: Largest factor of timeouts.
_LARGEST_FACTOR: Final = 1000
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
#: Placeholders in the command of a target, without braces.
PLACEHOLDERS: Final = ("image", "elf", "args", "smp", "memory", "dtb", "virtualization")
#: Values of QEMU's property `thread` of the accelerator tcg.
THREADS: Final = ("single", "multi")
#: Features that a target may provide.
FEATURES: Final = ("el2", "gicv2", "gicv3", "gicv4")


_Item = TypeVar("_Item")


class BadValueError(Exception):
    """An invalid value; the text, if any, replaces the general message."""


def _text(value: object) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise BadValueError
    return value


def _word(value: object) -> str:
    if not (text := _text(value)):
        raise BadValueError
    return text


def _name(value: object) -> str:
    if not NAME.fullmatch(text := _text(value)):
        raise BadValueError
    return text


def _need(value: object) -> QemuVersion:
    if not (need := parse_need(_text(value))):
        raise BadValueError
    return need


def _accelerator(value: object) -> Accelerator | None:
    if not (text := _text(value)):
        return None
    if not (accelerator := parse_accelerator(text)):
        raise BadValueError
    return accelerator


def _threads(value: object) -> str:
    if _text(value) not in THREADS:
        raise BadValueError
    return _text(value)


def _no_checks(value: object) -> NoChecks:
    try:
        return NoChecks(value)
    except ValueError:
        raise BadValueError from None


def _integer(low: int, high: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadValueError
        return value

    return check


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValueError
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= DAY:
        raise BadValueError
    return float(value)


def _tuple_of(check: Callable[[object], _Item]) -> Callable[[object], tuple[_Item, ...]]:
    def check_all(value: object) -> tuple[_Item, ...]:
        if not isinstance(value, list):
            raise BadValueError
        return tuple(check(item) for item in value)

    return check_all


def _property(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return str(value)
    if "," in (text := _word(value)):
        raise BadValueError
    return text


def _properties(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise BadValueError
    if "accel" in value:
        raise BadValueError(_USE_ACCEL.format("the property accel"))
    return tuple((_name(key), _property(item)) for key, item in value.items())


#: Options of QEMU that select the accelerator.
_ACCEL_OPTIONS: Final = ("accel", "enable-kvm", "readconfig")
_USE_ACCEL: Final = '{} may choose the accelerator; use the key accel, as in accel = "kvm"'


def accelerator_option(options: Collection[str]) -> str:
    """Return the option of QEMU that selects an accelerator, "" if there is none."""
    before = ""
    for option in options:
        name = option.lstrip("-").partition("=")[0] if option.startswith("-") else ""
        if name in _ACCEL_OPTIONS:
            return option
        if before.lstrip("-") in ("machine", "M") and re.search(r"(?:^|,)accel=", option):
            return f"{before} {option}"
        before = option
    return ""


def _qemu_options(value: object) -> tuple[str, ...]:
    options = _tuple_of(_word)(value)
    if found := accelerator_option(options):
        raise BadValueError(_USE_ACCEL.format(found))
    return options


def _command(value: object) -> tuple[str, ...]:
    argv = _tuple_of(_word)(value)
    fields = [field for argument in argv for field in placeholders(argument)]
    unknown = next((field for field in fields if field not in PLACEHOLDERS), None)
    if unknown is not None:  # it may be empty
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise BadValueError(
            f"{{{unknown}}} is not a placeholder; these are {known}, and {{{{ stands for a brace"
        )
    if not {"image", "elf"} & set(fields):
        raise BadValueError("the image is missing; pass {image} (flat) or {elf} to the program")
    return argv


def placeholders(argument: str) -> list[str]:
    """Return the names in braces in one argument of a command; raises BadValueError."""
    import string

    try:
        parts = [*string.Formatter().parse(argument)]
    except ValueError as error:
        raise BadValueError(f"{argument!r}: {error}; write {{{{ for a brace") from None
    return [
        f"{field}{f'!{conversion}' if conversion else ''}{f':{spec}' if spec else ''}"
        for _, field, spec, conversion in parts
        if field is not None
    ]


def _feature(value: object) -> str:
    if _text(value) not in FEATURES:
        raise BadValueError
    return _text(value)


def _factor(value: object) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 < value <= _LARGEST_FACTOR
    ):
        raise BadValueError
    return float(value)


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a table."""

    check: Callable[[object], Any]
    """Convert a TOML value to that of the definition; raises BadValueError."""
    expected: str
    """Description of valid values, for the message about an invalid one."""
    default: Any


#: Keys of a test and of [defaults]; the default of `image` is the name of the test.
TEST_FIELDS: Final[Mapping[str, Field]] = {
    "image": Field(_name, 'the name of a source under arm/, as in "stage2"', None),
    "args": Field(_text, "a string without control characters", ""),
    "smp": Field(_integer(1, MOST_CPUS), f"a number of CPUs, 1 to {MOST_CPUS}", 1),
    "memory": Field(_integer(16, 1 << 20), "a number of MiB, 16 to 1048576", 128),
    "cpu": Field(_word, 'a CPU model, as in "max" or "max,sve=off"', "max"),
    "machine": Field(
        _properties,
        'a table of properties, as in { virtualization = "on" }',
        {"virtualization": "on"},
    ),
    "groups": Field(_tuple_of(_name), 'a list of names, as in ["stage2"]', []),
    "timeout": Field(_seconds, "a number of seconds, above 0 and up to 86400", 30.0),
    "needs": Field(_tuple_of(_need), 'a list such as ["qemu>=8.0"]', []),
    "qemu_args": Field(_qemu_options, 'a list of options, as in ["-icount", "0"]', []),
    "no_checks": Field(_no_checks, '"fail" or "pass"', "fail"),
    "accel": Field(_accelerator, 'an accelerator, as in "tcg,thread=single" or "kvm"', ""),
    "threads": Field(_threads, " or ".join(f'"{each}"' for each in THREADS), "multi"),
    "migration": Field(_flag, "true or false", False),  # noqa: FBT003 - a default
    "panic": Field(_flag, "true or false", False),  # noqa: FBT003
}

_FLAGS: Final = Field(_tuple_of(_word), 'a list of flags, as in ["-O0"]', [])
VARIANT_FIELDS: Final[Mapping[str, Field]] = {
    "about": Field(_word, "a description of the purpose", None),
    "compile": _FLAGS,
    "compile-gcc": _FLAGS,
    "compile-clang": _FLAGS,
    "link": _FLAGS,
}
TARGET_FIELDS: Final[Mapping[str, Field]] = {
    "command": Field(_command, 'a list, as in ["my-vmm", "--kernel", "{image}"]', None),
    "provides": Field(_tuple_of(_feature), f"a list of {', '.join(FEATURES)}", []),
    "timeout_factor": Field(_factor, "a number above 0 and up to 1000", 1.0),
    "version": Field(_tuple_of(_word), 'a command, as in ["my-vmm", "--version"]', []),
    "dtb": Field(_text, "the path of a device tree blob", ""),
}
#: Names of attributes that differ from their keys.
ATTRIBUTES: Final = {"accel": "accelerator"}
