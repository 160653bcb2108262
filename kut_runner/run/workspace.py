# SPDX-License-Identifier: GPL-2.0-or-later
"""A workspace: test definitions with their images and targets, and the store of past runs."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kut_runner.build import builder, toolchain
from kut_runner.definitions import config, image_paths, plan, shards
from kut_runner.errors import NothingSelectedError, UsageError
from kut_runner.records.document import RunMetadata, host_metadata
from kut_runner.run.times import RunTimes
from kut_runner.targets import selection
from kut_runner.targets.case import Case

if TYPE_CHECKING:
    from kut_runner.build.builder import Image
    from kut_runner.build.toolchain import Toolchain
    from kut_runner.definitions.config import Config, TestDef
    from kut_runner.definitions.plan import Selection
    from kut_runner.records.store import RunDirectory, Store
    from kut_runner.run.options import RunOptions
    from kut_runner.targets.protocol import Target
    from kut_runner.verdict.row_list import RowList

#: Context manager that yields a function to show a line of build progress, None to show nothing.
Progress = Callable[[], AbstractContextManager[Callable[[str], None] | None]]


@contextmanager
def no_progress() -> Iterator[None]:
    """Show no build progress."""
    yield None


@dataclass(frozen=True, slots=True)
class Workspace:
    """A source tree with a toolchain, or images that were built elsewhere."""

    tree: Path
    """Directory whose `build/` has the results."""
    definitions: "Config"
    compiler: str
    """Compiler and variant of the images, as in "gcc" or "clang-O0"."""
    supply: "Callable[[Sequence[str]], Mapping[str, Image]]"
    """Returns images by name; in a source tree it builds them first."""
    shard_times: Path
    """File with the times by which shards are cut."""
    origin: "Mapping[str, Any]" = field(default_factory=dict)
    """Options in a document from which `again` can restore this workspace."""
    adapt: "Callable[[Iterable[TestDef], Target], tuple[TestDef, ...]] | None" = None
    """Returns tests with the options that depend on the target; None if none do."""
    warnings: tuple[str, ...] = ()
    """Problems of the definitions that are no errors."""
    tools: "Toolchain | None" = None
    """Toolchain of a source tree."""

    @property
    def store(self) -> "Store":
        """The store of past runs."""
        from kut_runner.records.store import Store

        return Store(self.tree / "build")

    def select(self, selection: "Selection") -> "tuple[TestDef, ...]":
        """Return the selected tests; raises UsageError for the path of an image elsewhere.

        Other errors are those of `plan.select`.
        """
        elsewhere = self.origin.get("tree")
        tops = (Path(elsewhere), self.tree) if elsewhere else (self.tree,)
        image_paths.check(selection.patterns, tops, self.compiler)
        return plan.select(self.definitions, selection)

    def begin_run(self) -> "RunDirectory":
        """Create the directory of a new run, for its logs and results; raises OSError."""
        return self.store.begin()

    def target(
        self,
        name: str | None = None,
        *,
        qemu: str | None = None,
        accel: str | None = None,
        record: bool = False,
    ) -> "Target":
        """Return the target by name, else the one that $ACCEL names, else `tcg`.

        `qemu` is the QEMU to use, `accel` overrides $ACCEL, `record` makes the target record each
        test. Raises KutError when the target cannot run; see `targets.selection.open_target`.
        """
        return selection.open_target(
            name,
            qemu,
            tree=self.tree,
            definitions=self.definitions.targets,
            environment=os.environ if accel is None else {**os.environ, "ACCEL": accel},
            record=record,
        )

    def cases(
        self, tests: "Iterable[TestDef]", target: "Target", *, changed: bool = False
    ) -> tuple[Case, ...]:
        """Build the images of `tests` and return the cases; raises BuildError.

        With `changed` only cases whose images the build has linked are returned; raises
        NothingSelectedError when it has linked none.
        """
        tests = self.adapt(tests, target) if self.adapt else tuple(tests)
        images = self.supply(sorted({test.image for test in tests}))
        if changed:
            tests = plan.of_images(tests, builder.relinked(self.tree, self.compiler))
        file = self.definitions.errata
        cases = tuple(Case(test, target, images[test.image], errata=file) for test in tests)
        if not file or not any(image.row_list.exists() for image in images.values()):
            return cases
        from kut_runner.definitions import errata
        from kut_runner.run import skipped_rows

        listed = errata.load(file)
        return tuple(skipped_rows.without(case, listed) for case in cases)

    def row_lists(self, patterns: "Sequence[str]" = ()) -> "dict[str, RowList]":
        """Return the lists of rows of the conformance suite by image; nothing is compiled.

        Those without a row that `patterns` may select are left out. Raises KutError if they cannot
        be made, and UsageError for images that were built elsewhere.
        """
        from kut_runner.run import row_selection
        from kut_runner.verdict import row_list

        if not self.tools:
            raise UsageError(
                "only a source tree has lists of rows", "leave out --archive or --tree"
            )
        images = row_selection.images(self.definitions.tests, patterns)
        lists = builder.row_lists(self.tree, self.tools, images)
        return {image: row_list.load(path) for image, path in lists.items()}

    def select_rows(
        self, patterns: "Sequence[str]", *, strict: bool = True
    ) -> "tuple[TestDef, ...]":
        """Return the tests of the suite for the rows of `patterns`, as `row_selection.select`."""
        from kut_runner.run import row_selection

        lists = self.row_lists(patterns)
        return row_selection.select(self.definitions.tests, lists, patterns, strict=strict)

    def shard(
        self, tests: "Sequence[TestDef]", text: str, *, allow_empty: bool
    ) -> "tuple[TestDef, ...]":
        """Return the tests of shard `text`, as in "2/4".

        Raises UsageError for a malformed shard, and NothingSelectedError for an empty one unless
        `allow_empty`.
        """
        shard = shards.parse(text)
        mine = shards.take(tests, shard, shards.load_times(self.shard_times))
        if not mine and not allow_empty:
            raise NothingSelectedError(
                f"shard {shard} is empty: only {len(tests)} tests are selected",
                "use fewer shards, or --allow-empty",
            )
        return mine

    def times(self) -> RunTimes:
        """Return the times of tests on this host, with those of the source tree as defaults.

        Raises ConfigError when the file in the source tree is malformed.
        """
        defaults = shards.load_times(self.shard_times)
        return RunTimes(self.tree / "build/times.json", self.compiler, defaults)

    def metadata(
        self, target: "Target", options: "RunOptions | None" = None, **extra: object
    ) -> RunMetadata:
        """Return the metadata of a run that has not started yet; `extra` are further options."""
        compiler, _, variant = self.compiler.partition("-")
        chosen = options.to_json() if options else {}
        accel = {"accel": f"{target.name},{target.properties}"} if target.properties else {}
        return RunMetadata(
            host=host_metadata(),
            compiler=compiler,
            variant=variant,
            target=target.name,
            program=target.program,
            version=target.version,
            options={"archive": None, "tree": None, "el2": None}
            | extra
            | chosen
            | accel
            | dict(self.origin),
            seed=options.seed if options else None,
        )


def of_tree(
    tree: Path,
    compiler: str,
    variant: str | None,
    *,
    progress: Progress = no_progress,
    check_for_stop: Callable[[], None] | None = None,
) -> Workspace:
    """Return the workspace of a source tree; raises KutError.

    `check_for_stop` is called repeatedly during a build; an exception from it stops the build.
    """
    definitions = config.load(tree / "configs", tree / "arm")
    tools = toolchain.find(compiler, os.environ, plan.variant(definitions, variant))

    def supply(names: "Sequence[str]") -> "Mapping[str, Image]":
        with progress() as show:

            def on_line(line: str) -> None:
                if check_for_stop:
                    check_for_stop()
                if show:
                    show(line)

            return builder.build(tree, tools, names, progress=on_line)

    times = tree / shards.TIMES
    return Workspace(tree, definitions, tools.name, supply, times, tools=tools)


def again(
    old: RunMetadata,
    find_tree: Callable[[], Path],
    progress: Progress = no_progress,
    *,
    trust: bool = False,
) -> Workspace:
    """Return the workspace of a past run; raises KutError.

    `find_tree` returns the source tree; it is called only if the images were built from one.
    `trust` is that of `of_archive`.
    """
    if archive := old.options.get("archive"):
        return of_archive(Path(archive), trust=trust)
    if tree := old.options.get("tree"):
        el2 = bool(old.options.get("el2"))
        return of_kvm_unit_tests(Path(tree), TreeOptions(el2, old.target or None, trust))
    compiler = old.compiler or "gcc"
    return of_tree(find_tree(), compiler, old.variant or None, progress=progress)


def of_archive(path: Path, *, trust: bool = False) -> Workspace:
    """Return a workspace in the current directory with the images of an archive.

    Without `trust` its targets are ignored, and tests with options of QEMU that may reach the host
    are errors; see `bundle.qemu_options`. Raises UsageError for a malformed archive, ConfigError
    for malformed definitions in it.
    """
    from kut_runner.bundle import archive, qemu_options

    tree = Path.cwd()
    unpacked = archive.unpack(path, tree / "build/archives")
    definitions = config.load(unpacked.definitions)
    packed = (test for test in definitions.tests if test.name in unpacked.tests)
    tests = tuple(map(unpacked.with_image, packed))
    offered = replace(definitions, tests=tests)
    if not trust:
        checked = qemu_options.without_refused(tests, unpacked.directory)
        offered = replace(offered, tests=tuple(checked), targets=())
    times = unpacked.directory / shards.TIMES
    origin = {"archive": str(path.absolute())}

    def supply(names: "Sequence[str]") -> "Mapping[str, Image]":
        return {name: unpacked.image(name) for name in names}

    return Workspace(tree, offered, unpacked.compiler, supply, times, origin)


@dataclass(frozen=True, slots=True)
class TreeOptions:
    """Choices for a kvm-unit-tests build."""

    el2: bool | None = None
    """Whether machines have EL2; None reads $EL2."""
    target: str | None = None
    """Name of the target, which decides which tests are skipped; None for that of $ACCEL."""
    trust: bool = False
    """As for `of_archive`."""
    is_strict: bool = False
    """Whether any problem of unittests.cfg is an error."""
    probes_max_smp: bool = False
    """Whether to ask QEMU how many CPUs a machine may have, and to lower MAX_SMP."""
    qemu: str | None = None
    """QEMU to ask, the argument of --qemu."""


def of_kvm_unit_tests(directory: Path, options: TreeOptions) -> Workspace:
    """Return a workspace in the current directory with the images of a kvm-unit-tests build.

    Raises UsageError when `directory` has no such build, ConfigError for a unittests.cfg without a
    test that can run, and KutError when QEMU has to be asked and is missing.
    """
    from kut_runner.bundle import kvm_unit_tests, tree_variables
    from kut_runner.bundle.guest_environment import Emulator

    here = Path.cwd()
    has_el2 = kvm_unit_tests.wants_el2(os.environ) if options.el2 is None else options.el2
    accelerator, _ = selection.selected(options.target, os.environ)
    most = tree_variables.max_smp(os.environ, os.cpu_count() or 1)
    warnings: tuple[str, ...] = ()
    if options.probes_max_smp:
        wanted = most
        most = selection.max_smp(wanted, options.target, options.qemu, tree=here, has_el2=has_el2)
        if most != wanted:
            warnings = (f"MAX_SMP is {most} instead of {wanted}: QEMU's limit",)
    tree = kvm_unit_tests.load(
        directory,
        has_el2=has_el2,
        environment={**os.environ, tree_variables.MAX_SMP: most},
        accelerator=accelerator,
        trust=options.trust,
        is_strict=options.is_strict,
    )

    def adapt(tests: "Iterable[TestDef]", on: "Target") -> "tuple[TestDef, ...]":
        emulator = Emulator(on.name, on.version)
        return tree.adapted(tests, emulator, os.environ, here / "build")

    origin = {"tree": str(directory.absolute()), "el2": has_el2}
    times = here / shards.TIMES
    return Workspace(
        here,
        tree.definitions,
        "",
        lambda _: tree.images,
        times,
        origin,
        adapt,
        (*warnings, *tree.warnings),
    )
