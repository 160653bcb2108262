# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of everything that kut needs of a host, each with a command to fix it.

A finding is good, a note (kut runs without it) or a problem (kut does not run). Every probe has a
time limit.
"""

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    TargetUnavailableError,
)
from kut_runner.health import probe
from kut_runner.health.fixes import Advice, Fixes
from kut_runner.process import resources
from kut_runner.process.program import call
from kut_runner.targets import qemu as qemus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.build.toolchain import Toolchain
    from kut_runner.definitions.config import TargetDef
    from kut_runner.health.distribution import Distribution
    from kut_runner.targets.kvm import KvmHost
    from kut_runner.targets.qemu import Qemu

#: The oldest QEMU with which kut is tested.
OLDEST: Final = (7, 2, 0)
#: Time limit of a call of a tool in seconds.
TIME_LIMIT: Final = 20.0

#: MiB of free disk space below which it is a problem, and a note.
_REQUIRED_DISK: Final = 64
_RECOMMENDED_DISK: Final = 512
#: The same for memory: one guest of the default size, and several of them.
_REQUIRED_MEMORY: Final = 128 + resources.OVERHEAD
_RECOMMENDED_MEMORY: Final = 1024
#: MiB of available memory from which it is not limited at all.
_UNLIMITED_MEMORY: Final = 1 << 19
_MIB: Final = 1 << 20

#: By package, the module whose import loads most of it.
_PYTHON_PACKAGES: Final = {"click": "click.shell_completion", "pyelftools": "elftools.elf.elffile"}


class State(StrEnum):
    """State of a finding."""

    GOOD = "good"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check."""

    what: str
    """Subject of the check."""
    found: str
    state: State = State.GOOD
    fix: str = ""
    """A shell command that fixes it, or `Advice` if no command can; "" when it is good."""


@dataclass(frozen=True, slots=True)
class Host:
    """The host, a source tree on it, and the choices of the user."""

    environ: Mapping[str, str]
    tree: Path | None = None
    tree_error: InfrastructureError | None = None
    """Reason why the source tree cannot be used."""
    qemu: str | None = None
    """QEMU to check; None for the default one."""
    compiler: str | None = None
    """Compiler that has to work; None for any."""
    time_limit: float = TIME_LIMIT
    """Seconds for each call of a tool."""
    distribution: "Distribution | None" = None
    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)

    @property
    def fixes(self) -> Fixes:
        """Fixes for this host."""
        return Fixes(self.environ, self.distribution, self.tree, self.is_root)


def examine(host: Host) -> tuple[Finding, ...]:
    """Run all checks, which takes about a second."""
    with tempfile.TemporaryDirectory(prefix="kut-doctor-") as name:
        scratch = Path(name)
        qemu, findings = _qemu(host, scratch)
        return (
            *findings,
            *_targets(host, qemu, scratch),
            *_compilers(host, scratch, qemu),
            _ninja(host, scratch),
            *_python(host),
            _gdb(host, scratch),
            *_free_resources(host),
        )


def is_good(findings: "Iterable[Finding]") -> bool:
    """Return whether kut can run: no finding is a problem."""
    return all(finding.state is not State.PROBLEM for finding in findings)


def document(findings: "Iterable[Finding]") -> dict[str, object]:
    """Return the findings as JSON values; docs/commands/doctor.md describes the keys."""
    rows = [
        {
            "what": each.what,
            "found": each.found,
            "state": each.state.value,
            "fix": "" if _is_advice(each) else each.fix,
            "advice": each.fix if _is_advice(each) else "",
        }
        for each in findings
    ]
    return {"version": 1, "good": is_good(findings), "findings": rows}


def table(findings: "Iterable[Finding]", width: int | None = None) -> Iterator[str]:
    """Yield the findings as lines of a table, and the fixes below it.

    The table is wrapped at `width` columns, without splitting words. A command is a line by
    itself, which is not wrapped.
    """
    rows = tuple(findings)
    indent = 9 + max(len(row.what) for row in rows) + 2
    for row in rows:
        begin = f"{row.state:7}  {row.what}"
        for part in _wrap(row.found, width and width - indent):
            yield f"{begin:{indent}}{part}"
            begin = ""
    for state, purpose in ((State.PROBLEM, "to fix"), (State.NOTE, "to get")):
        for row in rows:
            if row.state is state and row.fix:
                begin = f"{purpose} {row.what}:"
                yield from (f"{begin} {row.fix}",) if _is_advice(row) else (begin, f"  {row.fix}")


def _is_advice(finding: Finding) -> bool:
    return isinstance(finding.fix, Advice)


def _wrap(text: str, width: int | None) -> list[str]:
    """Return the lines of a text, without splitting paths or other words."""
    from textwrap import wrap

    if width is None:
        return [text]
    return wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]


def _qemu(host: Host, scratch: Path) -> tuple["Qemu | None", list[Finding]]:
    """Return QEMU if it can boot an image, else None, and the findings about it."""
    try:
        qemu = qemus.find_qemu(host.qemu, cache=scratch / "versions", environment=host.environ)
    except InfrastructureError as error:
        fix = _fix_qemu(host, error)
        return None, [Finding("QEMU", error.message, State.PROBLEM, fix)]
    is_old = qemu.version < OLDEST
    about = f"{qemu.release}, {qemu.program}"
    if is_old:
        about += f"; the oldest tested version is {'.'.join(map(str, OLDEST[:2]))}"
    newer = host.fixes.newer_qemu(str(qemu.program))
    findings = [Finding("QEMU", about, *((State.NOTE, newer) if is_old else ()))]
    wrong = probe.boot(str(qemu.program), probe.IMAGE, scratch, host.time_limit)
    if wrong:
        fix = newer if is_old else host.fixes.broken("qemu", [str(qemu.program)], wrong)
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
        return Advice("omit --qemu") if host.qemu else "unset KUT_QEMU QEMU"
    return host.fixes.missing("qemu")


def _targets(host: Host, qemu: "Qemu | None", scratch: Path) -> Iterator[Finding]:
    """Yield a finding for each target: it works on this host, or the reason why not."""
    from kut_runner.targets import kvm

    if qemu:
        yield Finding("target tcg", f"emulates any machine with QEMU {qemu.release}")
    else:
        yield Finding("target tcg", "needs QEMU, see above", State.NOTE)
    found = kvm.probe()
    if found.trouble:
        trouble = f"not on this host: {found.trouble}"
        yield Finding("target kvm", trouble, State.NOTE, _fix_kvm(found))
    else:
        el2 = "with EL2" if found.has_el2 else "without EL2: no nested virtualization"
        yield Finding("target kvm", f"runs arm64 guests, {el2}")
    yield _lab(host, scratch)
    yield _kvm_nested(host, found, scratch)
    for definition in _defined_targets(host):
        yield _command_target(host, definition)


def _fix_kvm(found: "KvmHost") -> str:
    return found.command or Advice(found.hint)


def _lab(host: Host, scratch: Path) -> Finding:
    """Return whether the lab can boot; the VMM is not built, and nothing boots."""
    from kut_runner.lab import assembly
    from kut_runner.targets import lab_qemu

    what = f"target {config.LAB_TARGET}"
    tree = host.tree or scratch
    try:
        qemu = lab_qemu.find(host.qemu, tree, host.environ)
        kernel = assembly.fetched(tree, host.environ)
    except MissingToolError as error:
        option = f" --qemu {shlex.quote(host.qemu)}" if host.qemu else ""
        fix = f"{host.fixes.kut()} lab build{option}"
        return Finding(what, error.message, State.NOTE, fix)
    except KutError as error:  # an old QEMU, a bad lab.toml, no directory for the packages
        reason = error.message.removeprefix(f"{what}: ")
        return Finding(what, reason, State.NOTE, Advice(error.hint))
    return Finding(what, f"Linux {kernel.release} on a CPU that QEMU {qemu.release} emulates")


def _kvm_nested(host: Host, found: "KvmHost", scratch: Path) -> Finding:
    """Return whether this host has nested virtualization, and a VMM for it."""
    from kut_runner.targets import kvm_nested

    what = f"target {config.KVM_NESTED}"
    try:
        kvm_nested.check(found)
    except TargetUnavailableError as error:
        reason = error.message.removeprefix(f"{what}: ")
        return Finding(what, f"not on this host: {reason}", State.NOTE, Advice(error.hint))
    from kut_runner.lab import assembly

    try:
        assembly.vmm_packages(host.tree or scratch, host.environ)
    except KutError as error:
        return Finding(what, error.message, State.NOTE, f"{host.fixes.kut()} lab build --vmm")
    return Finding(what, f"runs images at EL2 on Linux {os.uname().release}")


def _defined_targets(host: Host) -> "tuple[TargetDef, ...]":
    if not host.tree:
        return ()
    try:
        return config.load(host.tree / "configs").targets
    except ConfigError:  # reported by each command that needs them
        return ()


def _command_target(host: Host, definition: "TargetDef") -> Finding:
    from kut_runner.targets import command

    what = f"target {definition.name}"
    assert host.tree  # noqa: S101 - for mypy: there are definitions
    try:
        found = command.find(definition, host.tree, host.environ)
    except MissingToolError as error:
        return Finding(what, error.message, State.NOTE, Advice(error.hint))
    about = ", ".join(filter(None, (found.version, found.program)))
    return Finding(what, f"{about}; provides {', '.join(definition.provides) or 'EL1 only'}")


def _compilers(host: Host, scratch: Path, qemu: "Qemu | None") -> list[Finding]:
    """Check all compilers; a problem is that the chosen one, or without a choice each, fails."""
    tried = {name: _compiler(host, scratch, name, qemu) for name in toolchain.NAMES}
    wanted = host.compiler
    if wanted is None:
        wanted = next((name for name, row in tried.items() if row.state is State.GOOD), "gcc")
    bad = tried[wanted]
    if bad.state is not State.GOOD:
        tried[wanted] = Finding(bad.what, bad.found, State.PROBLEM, bad.fix)
    return [*tried.values()]


def _compiler(host: Host, scratch: Path, name: str, qemu: "Qemu | None") -> Finding:
    """Check a compiler; the finding is good or a note."""
    what = f"compiler {name}"
    try:
        tools = toolchain.find(name, host.environ)
    except MissingToolError as error:
        return Finding(what, error.message, State.NOTE, _fix_missing(host, name))
    built = probe.build(tools, scratch, host.time_limit)
    if isinstance(built, str):
        wrong = built
    else:
        wrong = probe.boot(str(qemu.program), built, scratch, host.time_limit) if qemu else ""
    if wrong:
        found = f"{tools.compiler} {wrong}"
        return Finding(what, found, State.NOTE, _fix_broken(host, tools, wrong))
    works = "compiles and links; the image boots" if qemu else "compiles and links"
    return Finding(what, f"{tools.compiler} {works}")


def _fix_missing(host: Host, name: str) -> str:
    if name == "zig":
        return host.fixes.package("ziglang", broken=False)
    if name == "gcc" and (half := toolchain.find_gnu(host.environ)):
        return host.fixes.broken(name, [half])  # only its linker is missing
    return host.fixes.missing(name)


def _fix_broken(host: Host, tools: "Toolchain", message: str) -> str:
    if tools.name == "zig":
        return host.fixes.package("ziglang")
    programs = [tools.compiler, tools.link[0], tools.objcopy[-1]]
    return host.fixes.broken(tools.name, programs, message)


def _ninja(host: Host, scratch: Path) -> Finding:
    fix = host.fixes.package("ninja")
    try:
        program = builder.find_ninja(host.environ)
    except KutError as error:
        return Finding("ninja", error.message, State.PROBLEM, fix)
    if wrong := probe.ninja(program, scratch, host.time_limit):
        return Finding("ninja", f"{program} {wrong}", State.PROBLEM, fix)
    return Finding("ninja", f"{program} works")


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


def _gdb(host: Host, scratch: Path) -> Finding:
    environ = rootless.extend(host.environ)
    for name in ("gdb-multiarch", "gdb", "lldb"):
        program = toolchain.find_program(name, environ)
        if program and name == "lldb":
            return Finding("debugger", program)
        if program:
            argv = (program, "-nx", "-batch", "-ex", "set architecture aarch64")
            outcome = call(argv, host.time_limit, scratch)
            if outcome.code == 0 and "Undefined item" not in outcome.output:
                return Finding("debugger", f"{program} supports arm64")
    found = "none that supports arm64; only needed for `kut debug`"
    return Finding("debugger", found, State.NOTE, host.fixes.missing("gdb"))


def _free_resources(host: Host) -> Iterator[Finding]:
    directory = Path.cwd()
    if host.tree:
        directory = host.tree
        yield _writable(host, host.tree / "build")
    elif host.tree_error:
        yield Finding("tree", host.tree_error.message, State.PROBLEM, Advice(host.tree_error.hint))
    else:
        fix = Advice("change to a source tree, or name one with --root")
        yield Finding("tree", "none here", State.NOTE, fix)
    free = shutil.disk_usage(directory).free // _MIB
    yield _amount("disk", free, f"{free} MiB free", (_REQUIRED_DISK, _RECOMMENDED_DISK))
    available = resources.available()
    yield Finding("CPUs", f"{available.cpus:g} of {os.cpu_count()} available")
    is_unlimited = available.memory >= _UNLIMITED_MEMORY
    found = "unlimited" if is_unlimited else f"{available.memory} MiB"
    yield _amount("memory", available.memory, found, (_REQUIRED_MEMORY, _RECOMMENDED_MEMORY))


def _amount(what: str, available: int, found: str, bounds: tuple[int, int]) -> Finding:
    """Return a finding about a number of MiB, whose required and recommended values are given."""
    required, recommended = bounds
    if available >= recommended:
        return Finding(what, found)
    if available < required:
        fix = Advice(f"free up {what}: {required} MiB are required")
        return Finding(what, found, State.PROBLEM, fix)
    advice = Advice(f"free up {what}: {recommended} MiB are recommended")
    return Finding(what, found, State.NOTE, advice)


def _writable(host: Host, directory: Path) -> Finding:
    """Check the build directory and its subdirectories; a call as root leaves some of root's."""
    try:
        directory.mkdir(exist_ok=True)
        own = (each for each in directory.iterdir() if each.is_dir() and not each.is_symlink())
        for each in (directory, *own):
            with tempfile.TemporaryFile(dir=each) as file:
                file.write(b"x")
    except OSError as error:
        failed = Path(error.filename).parent if error.filename else directory
        fix = host.fixes.unwritable(directory, error)
        return Finding("build directory", f"{failed}: {error.strerror}", State.PROBLEM, fix)
    return Finding("build directory", f"{directory} is writable")
