# SPDX-License-Identifier: GPL-2.0-or-later
"""What every command that boots images goes through first: tree, definitions, tools, images."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kut_runner.build import builder, toolchain
from kut_runner.commands import options
from kut_runner.definitions import config, plan, shards
from kut_runner.errors import NothingSelectedError
from kut_runner.records.document import RunMetadata, host_metadata
from kut_runner.run.times import Times
from kut_runner.targets import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kut_runner.build.builder import Image
    from kut_runner.definitions.config import Config, TestDef
    from kut_runner.records.store import RunDirectory, Store
    from kut_runner.targets.machine import Qemu


@dataclass(frozen=True, slots=True)
class Workspace:
    """A tree with the tools to build and to boot its images."""

    tree: Path
    definitions: "Config"
    compiler: str
    """What builds the images, or has built them, as in "gcc" or "clang-O0"."""
    supply: "Callable[[Sequence[str]], Mapping[str, Image]]"
    """Gives the images of these names, brought up to date where there is a compiler."""
    times: Path
    """The file with the times that shards are cut by."""
    origin: "Mapping[str, object]" = field(default_factory=dict)
    """What `again` needs to give it once more, by keys of a document's options."""

    @property
    def store(self) -> "Store":
        """The runs that there were."""
        from kut_runner.records.store import Store

        return Store(self.tree / "build")

    def begin_run(self) -> "RunDirectory":
        """Return the directory of a new run, for its logs and results; raises OSError."""
        return self.store.begin()

    def qemu(self, explicit: str | None) -> "Qemu":
        """Return the QEMU to use; raises MissingToolError."""
        return machine.find_qemu(explicit, cache=self.tree / "build/qemu-versions")

    def shard(
        self, tests: "Sequence[TestDef]", text: str, *, allow_empty: bool
    ) -> "tuple[TestDef, ...]":
        """Return the part of `tests` that "i/n" names.

        Raises UsageError for a bad one, NothingSelectedError for an empty one.
        """
        shard = shards.parse(text)
        mine = shards.take(tests, shard, shards.load_times(self.times))
        if not mine and not allow_empty:
            raise NothingSelectedError(
                f"shard {shard} is empty: only {len(tests)} tests are selected",
                "take fewer shards, or --allow-empty",
            )
        return mine

    def own_times(self, qemu: "Qemu") -> Times:
        """Return the times of tests on this machine, with those that the tree keeps behind them.

        Raises ConfigError when the file of the tree is none of times.
        """
        key = f"{self.compiler} {qemu.release}"
        return Times(self.tree / "build/times.json", key, shards.load_times(self.times))

    def images(self, tests: "Iterable[TestDef]") -> "Mapping[str, Image]":
        """Bring the images of `tests` up to date; raises BuildError."""
        return self.supply(sorted({test.image for test in tests}))


def metadata(
    run: str, place: Workspace, qemu: "Qemu", *, seed: int | None = None, **options: object
) -> RunMetadata:
    """Return what is known about a run before it starts; `options` are those of RunRequest."""
    compiler, _, variant = place.compiler.partition("-")
    return RunMetadata(
        run=run,
        host=host_metadata(),
        compiler=compiler,
        variant=variant,
        qemu=str(qemu.program),
        qemu_version=qemu.release,
        options={"archive": None, "tree": None, "el2": None} | options | dict(place.origin),
        seed=seed,
    )


def workplace(
    root: Path | None,
    compiler: str,
    variant: str | None,
    *,
    check_for_stop: "Callable[[], None] | None" = None,
) -> Workspace:
    """Return the workplace that the options name; raises KutError.

    `check_for_stop` is called again and again while images are built; what it raises ends that.
    """
    tree = options.tree_of(root)
    definitions = config.load(tree / "configs", tree / "arm")
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))

    def supply(names: "Sequence[str]") -> "Mapping[str, Image]":
        with options.progress_line(verbose=False) as progress:

            def tell(line: str) -> None:
                if check_for_stop:
                    check_for_stop()
                if progress:
                    progress(line)

            return builder.build(tree, tools, names, progress=tell)

    return Workspace(tree, definitions, tools.name, supply, tree / shards.TIMES)


def again(root: Path | None, old: RunMetadata) -> Workspace:
    """Return the workplace of an earlier run; raises KutError."""
    if archive := old.options.get("archive"):
        return from_archive(Path(archive))
    if tree := old.options.get("tree"):
        return from_kvm_unit_tests(Path(tree), el2=bool(old.options.get("el2")))
    return workplace(root, old.compiler or "gcc", old.variant or None)


def from_archive(path: Path) -> Workspace:
    """Return a workplace in the current directory, with the images of an archive.

    Raises UsageError for a bad archive, ConfigError for bad definitions in it.
    """
    from kut_runner.bundle import archive

    tree = Path.cwd()
    unpacked = archive.unpack(path, tree / "build/archives")
    definitions = config.load(unpacked.definitions)
    tests = tuple(test for test in definitions.tests if test.name in unpacked.tests)
    times = unpacked.directory / shards.TIMES
    offered = replace(definitions, tests=tests)
    origin = {"archive": str(path.absolute())}
    return Workspace(tree, offered, unpacked.compiler, lambda _: unpacked.images, times, origin)


def from_kvm_unit_tests(directory: Path, *, el2: bool | None) -> Workspace:
    """Return a workplace in the current directory, with the images of a tree built elsewhere.

    `el2` is whether machines have EL2; $EL2 says it when None. Raises UsageError for what is no
    such tree, ConfigError for a file that is not understood.
    """
    from kut_runner.bundle import kvm_unit_tests

    here = Path.cwd()
    has_el2 = kvm_unit_tests.wants_el2(os.environ) if el2 is None else el2
    tree = kvm_unit_tests.load(
        directory,
        has_el2=has_el2,
        environment=os.environ,
        cpus=os.cpu_count() or 1,
        scratch=here / "build",
    )
    origin = {"tree": str(directory.absolute()), "el2": has_el2}
    times = here / shards.TIMES
    return Workspace(here, tree.definitions, "", lambda _: tree.images, times, origin)
