# SPDX-License-Identifier: GPL-2.0-or-later
"""Foreign text in lines of output and in errors: no control characters, no workflow commands."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import kut_runner
from kut_runner.commands.output import echo
from kut_runner.errors import BuildError, ConfigError, KutError, UsageError, describe
from kut_runner.text import coloured_line, line, printable
from kut_runner.verdict.result import skipped, undefined

PACKAGE = Path(kut_runner.__file__).parent
COMMANDS = PACKAGE / "commands"
#: Text that is a command for GitHub Actions, or controls a terminal, if it is printed as it is.
HOSTILE = "a\x1b]0;title\a\x1b[2J\n::error::x\r\n  ::add-mask::y\n##[error]z\x00\x7f\u202e\x85"


def is_inert(text: str) -> bool:
    """Return whether lines of output neither control a terminal nor are workflow commands."""
    lines = text.split("\n")
    is_command = any(each.strip().startswith("::") or "##[" in each for each in lines)
    return not is_command and all(each.replace("\t", "").isprintable() for each in lines)


@given(st.text(st.sampled_from("a:#[ \t\n\r\x1b\x00é\u2028")))
@example(HOSTILE)
def test_a_line_is_inert_and_stays_as_it_is_the_second_time(text: str) -> None:
    assert is_inert(line(text))
    assert "\n" not in line(text)
    assert line(line(text)) == line(text)


@pytest.mark.parametrize("text", ["plain text", "a::b", "x: y ::", "é ü", "#[a]", "\ttab"])
def test_other_lines_are_left_alone(text: str) -> None:
    assert line(text) == text


def test_colours_of_a_tool_are_kept_and_end_with_the_line() -> None:
    text = "\x1b[01m\x1b[Kx.c:1:\x1b[m\x1b[K error"
    assert coloured_line(text) == f"{text}\x1b[m"
    assert coloured_line("no colours") == "no colours"


@pytest.mark.parametrize("text", ["\x1b[1m::error::", "\x1b[1m\x1b]0;t\a", "\x1b[2J", HOSTILE])
def test_colours_are_not_kept_in_a_line_with_more(text: str) -> None:
    assert is_inert(coloured_line(text))


@pytest.mark.parametrize(
    "error",
    [
        KutError(HOSTILE, HOSTILE),
        UsageError(HOSTILE, HOSTILE),
        ConfigError([HOSTILE, HOSTILE]),
        BuildError(HOSTILE, HOSTILE, [HOSTILE, HOSTILE]),
        KutError("a", "b", [HOSTILE]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_are_inert(error: KutError) -> None:
    assert is_inert(error.message)
    assert is_inert(error.hint)
    assert is_inert(str(error))
    assert "\n" not in error.hint


def test_each_problem_is_a_line() -> None:
    assert ConfigError(["a: b\nc", "d"]).message == "bad test configuration:\na: b\\nc\nd"
    assert BuildError("failed:", "", ["x", "", "y"]).message == "failed:\nx\n\ny"


def test_commands_print_lines(capsys: pytest.CaptureFixture[str]) -> None:
    echo(HOSTILE)
    echo(HOSTILE, err=True)
    out, err = capsys.readouterr()
    assert is_inert(out)
    assert is_inert(err)
    assert out == err


@pytest.mark.parametrize("path", sorted(COMMANDS.glob("*.py")), ids=lambda path: path.stem)
def test_commands_print_through_echo_only(path: Path) -> None:
    """The source of a completion script is code, and the progress rewrites its line."""
    printed = re.findall(r"\b(?:click\.secho|print|click\.echo)\(.*", path.read_text())
    allowed = {"output.py": 1, "completion.py": 1, "progress.py": 2}
    assert len(printed) == allowed.get(path.name, 0), printed


def test_reasons_that_quote_a_definition_are_printable() -> None:
    for verdict in (skipped(HOSTILE), undefined(HOSTILE)):
        assert verdict.reason == printable(HOSTILE)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_errors_of_the_system_are_described(path: Path) -> None:
    """The text of some OSErrors has "PosixPath('...')" in it; see `errors.describe`."""
    tree = ast.parse(path.read_text())
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler) and handler.name and handler.type:
            is_of_system = "OSError" in ast.unparse(handler.type)
            shown = "".join(map(ast.unparse, handler.body))
            name = handler.name
            assert not is_of_system or f"{{{name}}}" not in shown, handler.lineno
            assert not is_of_system or f"str({name})" not in shown, handler.lineno


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(2, "No such file", Path("a/b")), "a/b: No such file"),
        (OSError(2, "No such file"), "No such file"),
        (OSError("timed out"), "timed out"),
    ],
)
def test_description_of_an_error(error: OSError, text: str) -> None:
    assert describe(error) == text
