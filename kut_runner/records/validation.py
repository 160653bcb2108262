# SPDX-License-Identifier: GPL-2.0-or-later
"""Check of a document, which anyone may have written, against its JSON Schema.

A document is checked once, where it is read, so that no other module meets a string where it
expects a number, a NaN, or text that controls a terminal. Types, limits and patterns of the schema
are checked, and strings are made printable in place, except those that kut uses as paths, command
lines or lines, which every view makes printable itself. Keys that are missing or not in the schema
are left to the reader, as documents of other versions have them.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from kut_runner.text import printable

#: Keys whose values stay as they are.
_RAW: Final = frozenset(
    (
        *("log", "trace", "program", "argv", "command", "stderr"),
        *("archive", "tree", "append", "qemu_args"),
    )
)
#: Keys of a test that `brief` leaves out.
_DETAILS: Final = frozenset(("checks", "infos", "last", "last_lines", "rows", "diagnosis"))
#: Largest number that is accepted, positive or negative.
_LARGEST: Final = 1 << 63
#: Most characters of a value in a message.
_WIDEST: Final = 40

#: Returns a valid value; raises InvalidError.
_Check = Callable[[Any], Any]


class InvalidError(ValueError):
    """A value that the schema does not allow; has the path to it."""

    def __init__(self, expected: str, value: object) -> None:
        """Store what was expected in place of `value`."""
        shown = repr(value)
        shown = shown if len(shown) <= _WIDEST else f"{shown[: _WIDEST - 3]}..."
        super().__init__(f"expected {expected}, found {shown}")
        self.path = ""

    def within(self, key: object) -> "InvalidError":
        """Add a key or an index in front of the path."""
        part = f"[{key}]" if isinstance(key, int) else f".{key}"
        self.path = f"{part}{self.path}"
        return self

    def __str__(self) -> str:
        """Return the path and the error."""
        return f"{self.path.lstrip('.')}: {super().__str__()}".removeprefix(": ")


def loads(text: bytes) -> Any:  # noqa: ANN401 - of any JSON
    """Return the value of JSON text; raises ValueError or RecursionError, also for NaN."""
    return json.loads(text, parse_constant=_refuse_constant)


def check(data: object, schema: Path, definition: str = "", *, brief: bool = False) -> None:
    """Check a document, or the part of it with this definition in the schema; raises InvalidError.

    With `brief` the details of tests are not checked.
    """
    _Compiler.of(schema, brief=brief).check(definition)(data)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Compiler:
    """Turns a schema into functions."""

    def __init__(self, schema: Mapping[str, Any], *, brief: bool) -> None:
        self._schema = schema
        self._brief = brief
        self._checks: dict[str, _Check] = {}

    @staticmethod
    @cache
    def of(schema: Path, *, brief: bool) -> "_Compiler":
        return _Compiler(json.loads(schema.read_bytes()), brief=brief)

    def check(self, definition: str) -> _Check:
        """Return the check of a definition, or of the whole document."""
        if definition not in self._checks:
            part = self._schema["$defs"][definition] if definition else self._schema
            self._checks[definition] = self._compile(part)
        return self._checks[definition]

    def _compile(self, schema: Mapping[str, Any]) -> _Check:
        if reference := schema.get("$ref"):
            name = reference.removeprefix("#/$defs/")
            return lambda value: self.check(name)(value)  # noqa: PLW0108 - it may contain itself
        types = schema.get("type")
        alternatives = schema.get("anyOf", ())
        if isinstance(types, list):
            alternatives = [{**schema, "type": each} for each in types]
        if alternatives:
            return _any_of([self._compile(each) for each in alternatives])
        return self._compile_type(types, schema)

    def _compile_type(self, name: str | None, schema: Mapping[str, Any]) -> _Check:
        match name:
            case "object":
                return self._object(schema)
            case "array":
                return _array(self._compile(schema["items"]))
            case "string":
                return _string(schema.get("pattern"))
            case "integer" | "number":
                return _number(name, schema.get("minimum", -_LARGEST))
        others = {"boolean": _boolean, "null": _null}
        return others.get(name or "", _scalar)  # an enumeration is left to the reader

    def _object(self, schema: Mapping[str, Any]) -> _Check:
        properties = {
            key: _raw(each) if key in _RAW else self._compile(each)
            for key, each in schema.get("properties", {}).items()
            if not (self._brief and key in _DETAILS)
        }
        others = schema.get("additionalProperties")
        check_other = self._compile(others) if isinstance(others, dict) else None

        def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
            if not isinstance(value, dict):
                raise InvalidError("an object", value)
            for key, each in value.items():
                if found := properties.get(key, check_other):
                    try:
                        value[key] = found(each)
                    except InvalidError as error:
                        raise error.within(printable(key)[:_WIDEST]) from None
            return value

        return check


def _raw(schema: Mapping[str, Any]) -> _Check:
    """Return the check of a string, a list of strings or null, which stays as it is."""
    is_list = schema["type"] == "array"
    may_be_null = "null" in schema["type"]

    def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
        strings = value if is_list and isinstance(value, list) else [value]
        if is_list and not isinstance(value, list):
            raise InvalidError("a list of strings", value)
        if not all(isinstance(each, str) for each in strings) and not (
            may_be_null and value is None
        ):
            raise InvalidError("a string", value)
        return value

    return check


def _any_of(checks: list[_Check]) -> _Check:
    def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
        *firsts, last = checks
        for each in firsts:
            try:
                return each(value)
            except InvalidError:
                continue
        return last(value)

    return check


def _array(check_item: _Check) -> _Check:
    def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
        if not isinstance(value, list):
            raise InvalidError("a list", value)
        for index, item in enumerate(value):
            try:
                value[index] = check_item(item)
            except InvalidError as error:
                raise error.within(index) from None
        return value

    return check


def _string(pattern: str | None) -> _Check:
    compiled = re.compile(pattern) if pattern else None

    def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
        if not isinstance(value, str):
            raise InvalidError("a string", value)
        if compiled and not compiled.search(value):
            raise InvalidError(f"a string of the form {pattern}", value)
        return value if value.isprintable() else printable(value)

    return check


def _number(kind: str, minimum: float) -> _Check:
    types = (int,) if kind == "integer" else (int, float)

    def check(value: Any) -> Any:  # noqa: ANN401 - of JSON
        if not isinstance(value, types) or isinstance(value, bool):
            raise InvalidError(f"a{'n' if kind == 'integer' else ''} {kind}", value)
        if not minimum <= value <= _LARGEST:
            raise InvalidError(f"a number from {minimum} to {_LARGEST}", value)
        return value

    return check


def _boolean(value: Any) -> Any:  # noqa: ANN401 - of JSON
    if not isinstance(value, bool):
        raise InvalidError("true or false", value)
    return value


def _null(value: Any) -> Any:  # noqa: ANN401 - of JSON
    if value is not None:
        raise InvalidError("null", value)


def _scalar(value: Any) -> Any:  # noqa: ANN401 - of JSON
    if isinstance(value, list | dict):
        raise InvalidError("a string or a number", value)
    return value
