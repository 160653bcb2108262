# SPDX-License-Identifier: GPL-2.0-or-later
"""Evaluation of the shell syntax in a unittests.cfg, without a shell.

kvm-unit-tests passes the values of its files to bash. This module supports quotes, variables of a
given environment, integer arithmetic and conditions; any other syntax is an error. A value cannot
run a program or access a file.

    words        'a b' "c $MAX_SMP" d # e   quotes, variables, escapes, comments; no globs or $(...)
    number       $((($MAX_SMP < 8)?$MAX_SMP:8))
    condition    [[ "$TARGET" != qemu && -n $X ]] || [[ $N -gt 4 ]]
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

#: Arithmetic of bash has 64 bits; overflow is an error here.
_BITS: Final = 63
_WIDEST: Final = 1 << _BITS
_DEEPEST: Final = 50

_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_PLAIN: Final = re.compile(r"[^\s'\"\\$`;&|<>(){}*?\[\]~#!]+|[\[\]{}*?~#!]")
#: Text within double quotes up to a character with a meaning, and what a backslash escapes there.
_WITHIN_QUOTES: Final = re.compile(r'[^"\\$`]+')
_ESCAPED_WITHIN_QUOTES: Final = '$`"\\'
_SPACE: Final = re.compile(r"(?:\s|(?:(?<=\s)|^)#[^\n]*)+")
#: Characters that no argument of a program may have, or that are no text.
_NOT_TEXT: Final = re.compile(r"[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_ARITHMETIC: Final = re.compile(
    r"\s*(0[xX][0-9a-fA-F]+|[0-9]+|\$\{[A-Za-z_]\w*\}|\$?[A-Za-z_]\w*"
    r"|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>!?:()~])"
)
_CONDITION: Final = re.compile(r"\s*(\[\[|\]\]|&&|\|\||\(\(|[()]|!(?![=\w]))")

Environment = Mapping[str, str]


class ShellError(Exception):
    """Unsupported or invalid syntax; the text describes it."""


def words(text: str, environment: Environment) -> list[str]:
    """Split a value into words, with quotes removed and variables expanded.

    Raises ShellError for any other syntax.
    """
    if match := _NOT_TEXT.search(text):
        raise ShellError(f"character U+{ord(match[0]):04X} is not supported")
    reader = _Reader(text, environment)
    found: list[str] = []
    while parts := reader.parts():
        found += _fields(parts)
    reader.end()
    return found


def assigned(text: str, environment: Environment) -> str:
    """Return the value of an assignment, in which spaces do not split variables."""
    reader = _Reader(text, environment)
    found = []
    while (word := reader.word()) is not None:
        found.append(word[0])
    reader.end()
    return " ".join(found)


def number(text: str, environment: Environment) -> int:
    """Return the integer value of a number, a variable or $((...))."""
    text = text.strip()
    inner = text[3:-2] if text.startswith("$((") and text.endswith("))") else None
    if inner is None:
        text = " ".join(words(text, environment))
        if not re.fullmatch(r"-?[0-9]{1,18}", text):
            raise ShellError(f'"{text}" is not a number')
        return int(text)
    return _Arithmetic(inner, environment).value()


def condition(text: str, environment: Environment) -> bool:
    """Return whether a condition holds, made of [[ ]], (( )), and [ ] or test with one operator."""
    test = _Condition(text, environment)
    holds = test.any_of(test.command)
    test.reader.end()
    return holds


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a word."""

    text: str
    is_quoted: bool = False
    is_variable: bool = False
    """Whether it is a variable without quotes, which spaces in its value split."""


def _fields(parts: Iterable[_Part]) -> list[str]:
    """Return the words that the parts of a word expand to; a variable may be none or several."""
    fields: list[str] = []
    is_open = False
    for part in parts:
        pieces = part.text.split() if part.is_variable else [part.text]
        if is_open and pieces and not (part.is_variable and part.text[:1].isspace()):
            fields[-1] += pieces.pop(0)
        fields += pieces
        if part.text or not part.is_variable:
            is_open = not (part.is_variable and part.text[-1].isspace())
    return fields


class _Reader:
    """Reader of words and variables."""

    def __init__(self, text: str, environment: Environment) -> None:
        self.text = text
        self.at = 0
        self.environment = environment

    def word(self) -> tuple[str, bool] | None:
        """Read a word, and whether any part of it is quoted; return None if none begins here."""
        if not (parts := self.parts()):
            return None
        return "".join(part.text for part in parts), any(part.is_quoted for part in parts)

    def parts(self) -> list[_Part]:
        """Read the parts of a word; return none if no word begins here."""
        self.space()
        parts = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in "'\"":
                parts.append(_Part(self.quoted(character), is_quoted=True))
            elif character == "$":
                parts.append(_Part(self.variable(), is_variable=True))
            elif character == "\\":
                parts.append(_Part(self.escaped(), is_quoted=True))
            elif match := _PLAIN.match(self.text, self.at):
                parts.append(_Part(match[0]))
                self.at = match.end()
            else:
                break
        return parts

    def escaped(self) -> str:
        """Return the character after a backslash, which has no meaning; "" for a line break."""
        character = self.text[self.at + 1 : self.at + 2]
        if not character:
            raise ShellError("a backslash at the end is not supported")
        self.at += 2
        return "" if character == "\n" else character

    def quoted(self, quote: str) -> str:
        if quote == '"':
            return self.double_quoted()
        end = self.text.find(quote, self.at + 1)
        if end < 0:
            raise ShellError(f"a closing {quote} is missing")
        inner = self.text[self.at + 1 : end]
        self.at = end + 1
        return inner

    def double_quoted(self) -> str:
        """Return the text up to the closing quote, with variables expanded."""
        parts = []
        self.at += 1
        while (character := self.text[self.at : self.at + 1]) != '"':
            if not character:
                raise ShellError('a closing " is missing')
            if character == "`":
                raise ShellError('` within "..." is not supported')
            if character == "$":
                parts.append(self.variable())
            elif character == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                is_kept = following not in {*_ESCAPED_WITHIN_QUOTES, "\n"}
                parts.append(("\\" if is_kept else "") + self.escaped())
            elif match := _WITHIN_QUOTES.match(self.text, self.at):
                parts.append(match[0])
                self.at = match.end()
        self.at += 1
        return "".join(parts)

    def variable(self) -> str:
        if self.text.startswith("$((", self.at):
            self.at += len("$((")
            return str(_Arithmetic(self.until_double(), self.environment).value())
        match = _VARIABLE.match(self.text, self.at)
        if not match:
            raise ShellError(f'"{self.text[self.at :][:20]}" is not supported: only $NAME is')
        self.at = match.end()
        return self.environment.get(match[1] or match[2], "")

    def until_double(self) -> str:
        """Read up to the matching "))", which is consumed; return the text before it."""
        depth = 2
        for at in range(self.at, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[at], 0)
            if depth == 0:
                inner = self.text[self.at : at - 1]
                self.at = at + 1
                if self.text[at - 1] == ")":
                    return inner
                break
        raise ShellError('a closing "))" is missing')

    def space(self) -> None:
        if match := _SPACE.match(self.text, self.at):
            self.at = match.end()

    def end(self) -> None:
        """Raise ShellError if any text is left."""
        self.space()
        if self.at < len(self.text):
            raise ShellError(f'"{self.text[self.at :][:20]}" is not supported')


class _Arithmetic:
    """Evaluator of 64-bit integer expressions with variables, without assignments."""

    #: Binary operators by precedence, lowest first.
    LEVELS: Final[tuple[tuple[str, ...], ...]] = (
        ("||",),
        ("&&",),
        ("==", "!="),
        ("<", "<=", ">", ">="),
        ("<<", ">>"),
        ("+", "-"),
        ("*", "/", "%"),
    )

    def __init__(self, text: str, environment: Environment, depth: int = 0) -> None:
        self.environment = environment
        self.depth = depth
        self.tokens = deque[str]()
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _ARITHMETIC.match(text, at)
            if not match:
                raise ShellError(f'"{text[at:].strip()[:20]}" is not supported in arithmetic')
            self.tokens.append(match[1])
            at = match.end()

    def value(self) -> int:
        result = self.choice()
        if self.tokens:
            raise ShellError(f'"{self.tokens[0]}" is not expected in arithmetic')
        return result

    def choice(self) -> int:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ShellError(f"more than {_DEEPEST} levels of arithmetic")
        result = self.binary(0)
        if self.take("?"):
            yes = self.choice()
            if not self.take(":"):
                raise ShellError('a ":" is missing in arithmetic')
            no = self.choice()
            result = yes if result else no
        self.depth -= 1
        return result

    def binary(self, level: int) -> int:
        if level == len(self.LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.tokens and self.tokens[0] in self.LEVELS[level]:
            operator = self.tokens.popleft()
            left = _apply(operator, left, self.binary(level + 1))
        return left

    def unary(self) -> int:
        signs = []
        while self.tokens and self.tokens[0] in "-+!~":
            signs.append(self.tokens.popleft())
        result = self.operand()
        for sign in reversed(signs):
            result = {"-": -result, "+": result, "!": int(not result), "~": ~result}[sign]
        return result

    def operand(self) -> int:
        if self.take("("):
            result = self.choice()
            if not self.take(")"):
                raise ShellError('a ")" is missing in arithmetic')
            return result
        if not self.tokens:
            raise ShellError("a number is missing in arithmetic")
        token = self.tokens.popleft()
        if token[0].isdigit():
            return self.literal(token)
        name = token.strip("${}")
        if not name.isidentifier():
            raise ShellError(f'a number is missing before "{token}" in arithmetic')
        value = self.environment.get(name, "").strip() or "0"
        if not re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|[0-9]+)", value):
            raise ShellError(f'{name} is "{value}", which is not a number')
        return -self.literal(value[1:]) if value.startswith("-") else self.literal(value)

    @staticmethod
    def literal(text: str) -> int:
        is_octal = len(text) > 1 and text.isdigit() and text.startswith("0")
        try:
            result = int(text, 8 if is_octal else 0)
        except ValueError:
            raise ShellError(f'"{text}" is not a number') from None
        if result >= _WIDEST:
            raise ShellError(f'"{text}" is wider than 64 bits')
        return result

    def take(self, token: str) -> bool:
        is_next = bool(self.tokens) and self.tokens[0] == token
        if is_next:
            self.tokens.popleft()
        return is_next


def _apply(operator: str, left: int, right: int) -> int:
    if operator in {"/", "%"}:
        if right == 0:
            raise ShellError("a division by 0")
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return quotient if operator == "/" else left - quotient * right
    if operator in {"<<", ">>"} and not 0 <= right < _BITS:
        raise ShellError(f"a shift by {right}")
    result = _OPERATORS[operator](left, right)
    if not -_WIDEST <= result < _WIDEST:
        raise ShellError("a number wider than 64 bits")
    return result


_OPERATORS: Final[Mapping[str, Callable[[int, int], int]]] = {
    "||": lambda left, right: int(bool(left or right)),
    "&&": lambda left, right: int(bool(left and right)),
    "==": lambda left, right: int(left == right),
    "!=": lambda left, right: int(left != right),
    "<": lambda left, right: int(left < right),
    "<=": lambda left, right: int(left <= right),
    ">": lambda left, right: int(left > right),
    ">=": lambda left, right: int(left >= right),
    "<<": lambda left, right: left << right,
    ">>": lambda left, right: left >> right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
}
_COMPARISONS: Final[Mapping[str, str]] = {
    "-eq": "==",
    "-ne": "!=",
    "-lt": "<",
    "-le": "<=",
    "-gt": ">",
    "-ge": ">=",
}


class _Condition:
    """Evaluator of conditions: as in bash, && binds tighter than || only inside [[ ]]."""

    def __init__(self, text: str, environment: Environment) -> None:
        self.environment = environment
        self.reader = _Reader(text, environment)
        self.depth = 0

    def any_of(self, operand: Callable[[], bool]) -> bool:
        """Evaluate `operand { (&& | ||) operand }` from left to right, as between commands."""
        holds = operand()
        while operator := self.take("&&") or self.take("||"):
            right = operand()
            holds = (holds and right) if operator == "&&" else (holds or right)
        return holds

    def command(self) -> bool:
        is_negated = self.negations()
        if self.take("(("):
            return self.arithmetic() != is_negated
        if self.take("[["):
            holds = self.either()
            if not self.take("]]"):
                raise ShellError('a "]]" is missing')
            return holds != is_negated
        return self.builtin() != is_negated

    def builtin(self) -> bool:
        """Evaluate `[ ... ]` or `test ...` with one comparison."""
        found: list[str] = []
        while (parts := self.reader.parts()) and parts != [_Part("]")]:
            found += _fields(parts)
        if found[:1] != (["["] if parts else ["test"]):
            commands = "[[ ... ]], [ ... ], test and (( ... ))"
            raise ShellError(f"only {commands} are supported as a condition")
        is_negated = found[1:2] == ["!"]
        return self.of_words(found[2:] if is_negated else found[1:]) != is_negated

    def of_words(self, operands: list[str]) -> bool:
        match operands:
            case []:
                return False
            case [word]:
                return word != ""
            case ["-n" | "-z" as operator, word]:
                return (word == "") == (operator == "-z")
            case [left, "=" | "==", right]:
                return left == right
            case [left, "!=", right]:
                return left != right
            case [left, operator, right] if operator in _COMPARISONS:
                return self.compared(left, operator, right)
        raise ShellError(f'"{" ".join(operands)[:40]}" is not supported in a condition')

    def compared(self, left: str, operator: str, right: str) -> bool:
        sides = (_Arithmetic(side, self.environment).value() for side in (left, right))
        return bool(_OPERATORS[_COMPARISONS[operator]](*sides))

    def arithmetic(self) -> bool:
        return _Arithmetic(self.reader.until_double(), self.environment).value() != 0

    def either(self) -> bool:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ShellError(f"more than {_DEEPEST} levels of conditions")
        holds = self.both()
        while self.take("||"):
            right = self.both()
            holds = holds or right
        self.depth -= 1
        return holds

    def both(self) -> bool:
        holds = self.primary()
        while self.take("&&"):
            right = self.primary()
            holds = holds and right
        return holds

    def primary(self) -> bool:
        is_negated = self.negations()
        if self.take("("):
            holds = self.either()
            if not self.take(")"):
                raise ShellError('a ")" is missing')
            return holds != is_negated
        left, is_quoted = self.word()
        if left in {"-n", "-z"} and not is_quoted:
            return ((self.word()[0] == "") == (left == "-z")) != is_negated
        return self.comparison(left) != is_negated

    def negations(self) -> bool:
        """Consume each "!"; return whether their number is odd."""
        is_negated = False
        while self.take("!"):
            is_negated = not is_negated
        return is_negated

    def comparison(self, left: str) -> bool:
        for sign in ("==", "!=", "="):
            self.reader.space()
            if self.reader.text.startswith(sign, self.reader.at):
                self.reader.at += len(sign)
                right, is_quoted = self.word()
                is_equal = left == right if is_quoted else fnmatchcase(left, right)
                return is_equal != (sign == "!=")
        self.reader.space()
        if re.match(r"-[a-z]+\s", self.reader.text[self.reader.at :]):
            operator, _ = self.word()
            if operator not in _COMPARISONS:
                raise ShellError(f"{operator} is not supported in a condition")
            right, _ = self.word()
            return self.compared(left, operator, right)
        return left != ""

    def word(self) -> tuple[str, bool]:
        self.reader.space()
        if _CONDITION.match(self.reader.text, self.reader.at):
            raise ShellError("an operand is missing in a condition")
        if (word := self.reader.word()) is None:
            raise ShellError("an operand is missing in a condition")
        return word

    def take(self, token: str) -> str:
        """Consume the next token if it is `token`; return it, or ""."""
        match = _CONDITION.match(self.reader.text, self.reader.at)
        if not match or match[1] != token:
            return ""
        self.reader.at = match.end()
        return token
