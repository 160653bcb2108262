# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of docs/configuration.md, docs/targets.md and docs/exit-codes.md against the code."""

import re
import tomllib
from pathlib import Path

from kut_runner.definitions import config, fields
from kut_runner.errors import ExitCode

DOCUMENT = (Path(__file__).parent.parent / "docs/configuration.md").read_text()


def test_every_key_is_described() -> None:
    assert re.findall(r"^\| `([a-z_]+)` \|", DOCUMENT, re.MULTILINE) == list(fields.TEST_FIELDS)


def test_every_key_of_a_target_is_described() -> None:
    page = (Path(__file__).parent.parent / "docs/targets.md").read_text()
    described = set(
        re.findall(r"`(\{?[a-z_0-9]+\}?)`", "".join(re.findall(r"^\|.*\n", page, re.MULTILINE)))
    )
    names = {*fields.TARGET_FIELDS, *fields.FEATURES, *config.BUILT_IN}
    assert {*names, *(f"{{{name}}}" for name in fields.PLACEHOLDERS)} <= described
    assert {each for each in described if each.startswith("{")} == {
        f"{{{name}}}" for name in fields.PLACEHOLDERS
    }


def test_every_exit_code_is_described() -> None:
    page = (Path(__file__).parent.parent / "docs/exit-codes.md").read_text()
    codes = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert [int(code) for code in codes] == sorted(ExitCode)


def test_the_example_is_valid(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert tomllib.loads(example)
    (tmp_path / "tests.toml").write_text(example)
    (test,) = config.load(tmp_path).tests
    assert (test.image, test.memory, test.smp) == ("stage2", 256, 2)
