# SPDX-License-Identifier: GPL-2.0-or-later
"""This tree itself: its definitions are valid, and both compilers take its sources."""

import os
from pathlib import Path

import pytest

from kut_runner.build import builder, sources, toolchain
from kut_runner.definitions import config

ROOT = Path(__file__).parent.parent


def test_every_definition_is_valid_and_has_its_image() -> None:
    assert config.load(ROOT / "configs", ROOT / "arm").tests


def test_every_image_is_run_by_a_test() -> None:
    used = {test.image for test in config.load(ROOT / "configs").tests}
    assert used == set(sources.find_sources(ROOT).images)


@pytest.mark.qemu
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_image_builds_without_a_warning(compiler: str) -> None:
    images = builder.build(ROOT, toolchain.find(compiler, os.environ))
    assert images
    for image in images.values():
        assert len(image.build_id) == 40
        assert image.flat.stat().st_size > 0
