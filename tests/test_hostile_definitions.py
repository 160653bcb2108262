# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions of unknown origin: an error that names file and key, or names that are inert."""

from pathlib import Path

import click
import pytest
from test_text import is_inert

from kut_runner import cli
from kut_runner.commands import complete
from kut_runner.definitions import config
from kut_runner.errors import ConfigError

#: Files, each with a part of the error.
FILES = {
    r'[test."\u001b[2J\n::error::x"]': "bad name",
    '[test."a b"]': "bad name",
    '[test."../owned"]': "bad name",
    f"[test.{'a' * 100_000}]": "bad name",
    '[test.a]\n"\\u001b[2J\\n::error::x" = 1': "unknown key",
    '[test.a]\nimage = "\\u001b[2J"': "image",
    '[test.a]\nimage = "../../owned"': "image",
    '[test.a]\ngroups = ["::error::x", "\\u202e"]': "groups",
    "[test.a]\ntimeout = nan": "timeout",
    "[test.a]\ntimeout = inf": "timeout",
    "[test.a]\ntimeout = 2300-01-01": "timeout",
    '[test.a]\nargs = "a\\u0000b"': "args",
    '[test.a]\nmachine = { "a,b" = "c" }': "machine",
    '[test.a]\nmachine = { a = "on,firmware=x" }': "machine",
    '[test.a]\nqemu_args = ["-accel", "kvm"]': "qemu_args",
    "[test.a]\nsmp = 99999999999999999999": "smp",
    f"[test.a]\nsmp = {'9' * 5000}": "not TOML",
    f"a = {'[' * 5000}{']' * 5000}": "not TOML",
    "[test.a]\n[test.a]": "not TOML",
    "\x1b]0;x\x07": "not TOML",
    "test = 3": "tables",
    '[defaults]\ncpu = "\\u0007"': "defaults.cpu",
    '[target.tcg]\ncommand = ["{image}"]': "built-in",
    '[target.a]\ncommand = ["{image.__class__}"]': "placeholder",
    '[target.a]\ncommand = ["{image!r:>999999999}"]': "placeholder",
    '[variant."\\u001b[2J"]\nabout = "x"': "bad name",
    "".join(f'[test."{number} x"]\n' for number in range(5000)): "more",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("lib", "arm", "configs"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize(("text", "message"), FILES.items(), ids=range(len(FILES)))
def test_an_error_is_inert(tree: Path, text: str, message: str) -> None:
    (tree / "configs/a.toml").write_text(f"{text}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(tree / "configs")
    assert "a.toml" in caught.value.message
    assert is_inert(caught.value.message)
    assert len(caught.value.message) < 110_000
    assert names(tree) == []


def test_names_are_completed(tree: Path) -> None:
    (tree / "configs/a.toml").write_text('[test.a]\nimage = "b"\ngroups = ["g"]\n')
    (tree / "arm/b.c").touch()
    assert names(tree) == ["a", "g", "b"]


def names(tree: Path) -> list[str]:
    """Return the names of tests, groups and images that a shell is offered."""
    context = click.Context(cli.kut)
    context.params["root"] = tree
    option = click.Argument(["x"])
    kinds = (complete.tests, complete.groups, complete.images)
    return [name for complete_names in kinds for name in complete_names(context, option, "")]
