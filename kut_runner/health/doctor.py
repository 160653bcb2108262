# SPDX-License-Identifier: GPL-2.0-or-later
"""What kut needs of a machine, each thing tried by use, and the command that mends it.

A finding is good, a note (kut runs without) or a problem (it does not). Every probe ends in time,
whatever the tool does.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build import builder, rootless, toolchain
from kut_runner.definitions import config
from kut_runner.errors import (
    ConfigError,
    InfrastructureError,
    KutError,
    MissingToolError,
    NotUnpackedError,
)
from kut_runner.health import probe
from kut_runner.health.fixes import Fixes
from kut_runner.process import resources
from kut_runner.targets import qemu as qemus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.build.toolchain import Toolchain
    from kut_runner.definitions.config import TargetDef
    from kut_runner.health.distribution import Distribution
    from kut_runner.targets.qemu import Qemu

#: The oldest QEMU that kut has been tried with.
OLDEST: Final = (7, 2, 0)
#: Seconds that a tool may take for something that takes a moment.
TIME_LIMIT: Final = 20.0

#: MiB on the disk: less is a problem, and less is a note.
_LEAST_DISK: Final = 64
_FAIR_DISK: Final = 512
#: MiB of memory, likewise: a guest of the default size, and a few of them.
_LEAST_MEMORY: Final = 128 + resources.OVERHEAD
_FAIR_MEMORY: Final = 1024
_MIB: Final = 1 << 20

#: The module that takes most of its package to import, by package.
_PYTHON_PACKAGES: Final = {"click": "click.shell_completion", "pyelftools": "elftools.elf.elffile"}


class State(StrEnum):
    """What a finding means."""

    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    found: str
    state: State = State.GOOD
    fix: str = ""
    """One command, or words where no command helps; "" when it is good."""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine, a tree on it, and the choices of who asks."""

    environ: Mapping[str, str]
    tree: Path | None = None
    trouble: InfrastructureError | None = None
    """Why there is none, though there should be one."""
    qemu: str | None = None
    compiler: str | None = None
    """The one that has to work; None when any will do."""
    time_limit: float = TIME_LIMIT
    distribution: "Distribution | None" = None
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)

    @property
    def fixes(self) -> Fixes:
        """What can be done about what is found."""
        return Fixes(self.environ, self.distribution, self.tree, self.is_root)


def examine(host: Host) -> tuple[Finding, ...]:
    """Try everything; takes about a second."""
    with tempfile.TemporaryDirectory(prefix="kut-doctor-") as name:
        place = Path(name)
        qemu, findings = _qemu(host, place)
        return (
            *findings,
            *_targets(host, qemu),
            *_compilers(host, place, qemu),
            _ninja(host, place),
            *_python(host),
            _gdb(host, place),
            *_free_resources(host),
        )


def is_good(findings: "Iterable[Finding]") -> bool:
    """Tell whether kut can run."""
    return all(finding.state is not State.PROBLEM for finding in findings)


def document(findings: "Iterable[Finding]") -> dict[str, object]:
    """Return the findings for JSON."""
    rows = [asdict(finding) for finding in findings]
    return {"version": 1, "good": is_good(findings), "findings": rows}


def table(findings: "Iterable[Finding]", width: int | None = None) -> Iterator[str]:
    """Yield the findings as lines; the commands that mend them stand below the table.

    The table is `width` columns wide, where no word is longer; the commands are left whole.
    """
    rows = tuple(findings)
    indent = 9 + max(len(row.what) for row in rows) + 2
    for row in rows:
        begin = f"{row.state:7}  {row.what}"
        for part in _wrap(row.found, width and width - indent):
            yield f"{begin:{indent}}{part}"
            begin = ""
    for state, words in ((State.PROBLEM, "to mend"), (State.NOTE, "to have")):
        for row in rows:
            if row.state is state and row.fix:
                yield f"{words} {row.what}: {row.fix}"


def _wrap(text: str, width: int | None) -> list[str]:
    """Return the lines of a text, paths and all other words being whole."""
    from textwrap import wrap

    if width is None:
        return [text]
    return wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]


def _qemu(host: Host, place: Path) -> tuple["Qemu | None", list[Finding]]:
    """Return QEMU, when it can boot an image, and what was found."""
    try:
        qemu = qemus.find_qemu(host.qemu, cache=place / "versions", environment=host.environ)
    except InfrastructureError as error:
        fix = _fix_qemu(host, error)
        return None, [Finding("QEMU", error.message, State.PROBLEM, fix)]
    old = qemu.version < OLDEST
    about = f"{qemu.release}, {qemu.program}"
    if old:
        about += f"; the oldest that was tried is {'.'.join(map(str, OLDEST[:2]))}"
    newer = host.fixes.another_qemu(str(qemu.program))
    findings = [Finding("QEMU", about, *((State.NOTE, newer) if old else ()))]
    wrong = probe.boot(str(qemu.program), probe.IMAGE, place, host.time_limit)
    if wrong:
        fix = newer if old else host.fixes.broken("qemu", [str(qemu.program)], wrong)
        return None, [*findings, Finding("EL2 in QEMU", wrong, State.PROBLEM, fix)]
    return qemu, [*findings, Finding("EL2 in QEMU", "an image boots at EL2 and powers off")]


def _fix_qemu(host: Host, error: InfrastructureError) -> str:
    asked = qemus.asked_for(host.qemu, host.environ)
    if isinstance(error, NotUnpackedError):
        return f"{host.fixes.kut()} toolchain install {error.name}"
    found = toolchain.find_program(asked or "qemu-system-aarch64", rootless.extend(host.environ))
    if found:
        return host.fixes.broken("qemu", [found], error.message)
    if asked:
        return "leave --qemu away" if host.qemu else "unset KUT_QEMU QEMU"
    return host.fixes.missing("qemu")


def _targets(host: Host, qemu: "Qemu | None") -> Iterator[Finding]:
    """Yield a finding for each target: whether it works here, and why not."""
    from kut_runner.targets import kvm

    if qemu:
        yield Finding("target tcg", f"emulates any machine with QEMU {qemu.release}")
    else:
        yield Finding("target tcg", "needs QEMU, see above", State.NOTE)
    found = kvm.probe()
    if found.trouble:
        yield Finding("target kvm", f"not here: {found.trouble}", State.NOTE, found.hint)
    else:
        el2 = "with EL2" if found.has_el2 else "without EL2: no nested virtualization"
        yield Finding("target kvm", f"runs arm64 guests, {el2}")
    for definition in _defined_targets(host):
        yield _command_target(host, definition)


def _defined_targets(host: Host) -> "tuple[TargetDef, ...]":
    if not host.tree:
        return ()
    try:
        return config.load(host.tree / "configs").targets
    except ConfigError:  # whoever runs a test is told
        return ()


def _command_target(host: Host, definition: "TargetDef") -> Finding:
    from kut_runner.targets import command

    what = f"target {definition.name}"
    assert host.tree  # noqa: S101 - for mypy: there are definitions
    try:
        found = command.find(definition, host.tree, host.environ)
    except MissingToolError as error:
        return Finding(what, error.message, State.NOTE, error.hint)
    about = ", ".join(filter(None, (found.version, found.program)))
    return Finding(what, f"{about}; provides {', '.join(definition.provides) or 'EL1 only'}")


def _compilers(host: Host, place: Path, qemu: "Qemu | None") -> list[Finding]:
    """Try each compiler; the one to use must work, or, without one, any."""
    tried = {name: _compiler(host, place, name, qemu) for name in toolchain.NAMES}
    wanted = host.compiler
    if wanted is None:
        wanted = next((name for name, row in tried.items() if row.state is State.GOOD), "gcc")
    bad = tried[wanted]
    if bad.state is not State.GOOD:
        tried[wanted] = Finding(bad.what, bad.found, State.PROBLEM, bad.fix)
    return [*tried.values()]


def _compiler(host: Host, place: Path, name: str, qemu: "Qemu | None") -> Finding:
    """Return a finding that is good or a note."""
    what = f"compiler {name}"
    try:
        tools = toolchain.find(name, host.environ)
    except MissingToolError as error:
        return Finding(what, error.message, State.NOTE, _fix_missing(host, name))
    built = probe.build(tools, place, host.time_limit)
    if isinstance(built, str):
        wrong = built
    else:
        wrong = probe.boot(str(qemu.program), built, place, host.time_limit) if qemu else ""
    if wrong:
        found = f"{tools.compiler} {wrong}"
        return Finding(what, found, State.NOTE, _fix_broken(host, tools, wrong))
    does = "compiles, links, and what it builds boots" if qemu else "compiles and links"
    return Finding(what, f"{tools.compiler} {does}")


def _fix_missing(host: Host, name: str) -> str:
    if name == "zig":
        return host.fixes.package("ziglang", broken=False)
    if name == "gcc" and (half := toolchain.find_gnu(host.environ)):
        return host.fixes.broken(name, [half])  # its linker came with it, and went
    return host.fixes.missing(name)


def _fix_broken(host: Host, tools: "Toolchain", said: str) -> str:
    if tools.name == "zig":
        return host.fixes.package("ziglang")
    programs = [tools.compiler, tools.link[0], tools.objcopy[-1]]
    return host.fixes.broken(tools.name, programs, said)


def _ninja(host: Host, place: Path) -> Finding:
    fix = host.fixes.package("ninja")
    try:
        program = builder.find_ninja(host.environ)
    except KutError as error:
        return Finding("ninja", error.message, State.PROBLEM, fix)
    if wrong := probe.ninja(program, place, host.time_limit):
        return Finding("ninja", f"{program} {wrong}", State.PROBLEM, fix)
    return Finding("ninja", f"{program} builds")


def _python(host: Host) -> Iterator[Finding]:
    import importlib
    import importlib.metadata

    yield Finding("Python", f"{sys.version.split()[0]}, {sys.executable}")
    for package, module in _PYTHON_PACKAGES.items():
        try:
            importlib.import_module(module)
            yield Finding(f"package {package}", importlib.metadata.version(package))
        except ImportError as error:
            fix = host.fixes.package(package)
            yield Finding(f"package {package}", str(error), State.PROBLEM, fix)


def _gdb(host: Host, place: Path) -> Finding:
    environ = rootless.extend(host.environ)
    for name in ("gdb-multiarch", "gdb", "lldb"):
        program = toolchain.find_program(name, environ)
        if program and name == "lldb":
            return Finding("debugger", program)
        if program:
            argv = (program, "-nx", "-batch", "-ex", "set architecture aarch64")
            end = probe.call(argv, place, host.time_limit)
            if end.code == 0 and "Undefined item" not in end.output:
                return Finding("debugger", f"{program} knows arm64")
    words = "none that knows arm64; only needed to debug an image"
    return Finding("debugger", words, State.NOTE, host.fixes.missing("gdb"))


def _free_resources(host: Host) -> Iterator[Finding]:
    place = Path.cwd()
    if host.tree:
        place = host.tree
        yield _writable(host, host.tree / "build")
    elif host.trouble:
        yield Finding("tree", host.trouble.message, State.PROBLEM, host.trouble.hint)
    else:
        yield Finding("tree", "none here", State.NOTE, "go to a tree, or name one with --root")
    free = shutil.disk_usage(place).free // _MIB
    yield _amount("disk", free, f"{free} MiB free", (_LEAST_DISK, _FAIR_DISK))
    share = resources.available()
    yield Finding("CPUs", f"{share.cpus:g} of {os.cpu_count()} are kut's to use")
    words = "as much as it likes" if share.memory >= 1 << 19 else f"{share.memory} MiB"
    yield _amount("memory", share.memory, words, (_LEAST_MEMORY, _FAIR_MEMORY))


def _amount(what: str, available: int, words: str, bounds: tuple[int, int]) -> Finding:
    """Return a finding about a number of MiB, with the least there must and should be."""
    least, fair = bounds
    if available >= fair:
        return Finding(what, words)
    state = State.PROBLEM if available < least else State.NOTE
    wanted = least if available < least else fair
    return Finding(what, words, state, f"make room: {wanted} MiB of {what} are to be had")


def _writable(host: Host, directory: Path) -> Finding:
    """Try the directory, and look at those in it: one call as root leaves some of root's."""
    try:
        directory.mkdir(exist_ok=True)
        own = (each for each in directory.iterdir() if each.is_dir() and not each.is_symlink())
        for place in (directory, *own):
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
    except OSError as error:
        place = Path(error.filename).parent if error.filename else directory
        fix = host.fixes.unwritable(directory, error)
        return Finding("build directory", f"{place}: {error.strerror}", State.PROBLEM, fix)
    return Finding("build directory", f"{directory} can be written")
