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
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner import build, distribution, machine, probe, resources, rootless, toolchain
from kut_runner.errors import InfrastructureError, KutError, MissingToolError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kut_runner.machine import Qemu

#: The oldest QEMU that kut has been tried with.
OLDEST: Final = (7, 2, 0)
#: Seconds that a tool may take for something that takes a moment.
PATIENCE: Final = 20.0

#: MiB on the disk: less is a problem, and less is a note.
_LEAST_DISK: Final = 64
_FAIR_DISK: Final = 512
#: MiB of memory, likewise: a guest of the default size, and a few of them.
_LEAST_MEMORY: Final = 128 + resources.OVERHEAD
_FAIR_MEMORY: Final = 1024
_MIB: Final = 1 << 20

_PYTHON_PACKAGES: Final = {"click": "click", "elftools": "pyelftools"}


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
class Patient:
    """A machine, a tree on it, and the choices of who asks."""

    environ: Mapping[str, str]
    tree: Path | None = None
    qemu: str | None = None
    compiler: str | None = None
    """The one that has to work; None when any will do."""
    patience: float = PATIENCE
    distribution: "distribution.Distribution | None" = None

    def fix(self, what: str, *, broken: bool = False) -> str:
        """Return the command that installs `what`."""
        return distribution.fix(what, self.distribution, self.environ, broken=broken)


def examine(patient: Patient) -> tuple[Finding, ...]:
    """Try everything; takes about a second."""
    with tempfile.TemporaryDirectory(prefix="kut-doctor-") as name:
        place = Path(name)
        qemu, findings = _qemu(patient, place)
        return (
            *findings,
            *_compilers(patient, place, qemu),
            _ninja(patient, place),
            *_python(),
            _gdb(patient, place),
            *_room(patient),
        )


def is_good(findings: "Iterable[Finding]") -> bool:
    """Tell whether kut can run."""
    return all(finding.state is not State.PROBLEM for finding in findings)


def document(findings: "Iterable[Finding]") -> dict[str, object]:
    """Return the findings for JSON."""
    rows = [asdict(finding) for finding in findings]
    return {"version": 1, "good": is_good(findings), "findings": rows}


def table(findings: "Iterable[Finding]") -> Iterator[str]:
    """Yield the findings as lines; the commands that mend them stand below the table."""
    rows = tuple(findings)
    width = max(len(row.what) for row in rows)
    for row in rows:
        yield f"{row.state:7}  {row.what:{width}}  {row.found}"
    for state, words in ((State.PROBLEM, "to mend"), (State.NOTE, "to have")):
        for row in rows:
            if row.state is state and row.fix:
                yield f"{words} {row.what}: {row.fix}"


def _qemu(patient: Patient, place: Path) -> tuple["Qemu | None", list[Finding]]:
    """Return QEMU, when it can boot an image, and what was found."""
    try:
        qemu = machine.find_qemu(
            patient.qemu, cache=place / "versions", environment=patient.environ
        )
    except InfrastructureError as error:
        missing = isinstance(error, MissingToolError) and "no QEMU" in error.message
        fix = patient.fix("qemu", broken=not missing)
        return None, [Finding("QEMU", error.message, State.PROBLEM, fix)]
    old = qemu.version < OLDEST
    about = f"{qemu.release}, {qemu.program}"
    if old:
        about += f"; the oldest that was tried is {'.'.join(map(str, OLDEST[:2]))}"
    newer = "take a newer one: kut toolchain install qemu@RELEASE, then --qemu qemu@RELEASE"
    findings = [Finding("QEMU", about, *((State.NOTE, newer) if old else ()))]
    wrong = probe.boot(str(qemu.program), probe.IMAGE, place, patient.patience)
    if wrong:
        fix = newer if old else patient.fix("qemu", broken=True)
        return None, [*findings, Finding("EL2 in QEMU", wrong, State.PROBLEM, fix)]
    return qemu, [*findings, Finding("EL2 in QEMU", "an image boots at EL2 and powers off")]


def _compilers(patient: Patient, place: Path, qemu: "Qemu | None") -> list[Finding]:
    """Try each compiler; the one to use must work, or, without one, any."""
    tried = {name: _compiler(patient, place, name, qemu) for name in toolchain.NAMES}
    wanted = patient.compiler
    if wanted is None:
        wanted = next((name for name, row in tried.items() if row.state is State.GOOD), "gcc")
    bad = tried[wanted]
    if bad.state is not State.GOOD:
        tried[wanted] = Finding(bad.what, bad.found, State.PROBLEM, bad.fix)
    return [*tried.values()]


def _compiler(patient: Patient, place: Path, name: str, qemu: "Qemu | None") -> Finding:
    """Return a finding that is good or a note."""
    what = f"compiler {name}"
    try:
        tools = toolchain.find(name, patient.environ)
    except MissingToolError as error:
        return Finding(what, error.message, State.NOTE, _compiler_fix(patient, name, broken=False))
    built = probe.build(tools, place, patient.patience)
    if isinstance(built, str):
        wrong = built
    else:
        wrong = probe.boot(str(qemu.program), built, place, patient.patience) if qemu else ""
    if wrong:
        found = f"{tools.compiler} {wrong}"
        return Finding(what, found, State.NOTE, _compiler_fix(patient, name, broken=True))
    does = "compiles, links, and what it builds boots" if qemu else "compiles and links"
    return Finding(what, f"{tools.compiler} {does}")


def _compiler_fix(patient: Patient, name: str, *, broken: bool) -> str:
    if name != "zig":
        return patient.fix(name, broken=broken)
    return f"{sys.executable} -m pip install{' --force-reinstall' if broken else ''} ziglang"


def _ninja(patient: Patient, place: Path) -> Finding:
    fix = f"{sys.executable} -m pip install --force-reinstall ninja"
    try:
        program = build.find_ninja(patient.environ)
    except KutError as error:
        return Finding("ninja", error.message, State.PROBLEM, fix)
    if wrong := probe.ninja(program, place, patient.patience):
        return Finding("ninja", f"{program} {wrong}", State.PROBLEM, fix)
    return Finding("ninja", f"{program} builds")


def _python() -> Iterator[Finding]:
    import importlib
    import importlib.metadata

    yield Finding("Python", f"{sys.version.split()[0]}, {sys.executable}")
    for module, package in _PYTHON_PACKAGES.items():
        try:
            importlib.import_module(module)
            yield Finding(f"package {package}", importlib.metadata.version(package))
        except ImportError as error:
            fix = f"{sys.executable} -m pip install --force-reinstall {package}"
            yield Finding(f"package {package}", str(error), State.PROBLEM, fix)


def _gdb(patient: Patient, place: Path) -> Finding:
    environ = rootless.extend(patient.environ)
    for name in ("gdb-multiarch", "gdb", "lldb"):
        program = toolchain.find_program(name, environ)
        if program and name == "lldb":
            return Finding("debugger", program)
        if program:
            argv = (program, "-nx", "-batch", "-ex", "set architecture aarch64")
            end = probe.call(argv, place, patient.patience)
            if end.code == 0 and "Undefined item" not in end.words:
                return Finding("debugger", f"{program} knows arm64")
    words = "none that knows arm64; only needed to debug an image"
    return Finding("debugger", words, State.NOTE, patient.fix("gdb"))


def _room(patient: Patient) -> Iterator[Finding]:
    place = Path.cwd()
    if patient.tree:
        place = patient.tree
        yield _writable(patient.tree / "build")
    else:
        yield Finding("tree", "none here", State.NOTE, "go to a tree, or name one with --root")
    free = shutil.disk_usage(place).free // _MIB
    yield _amount("disk", free, f"{free} MiB free", (_LEAST_DISK, _FAIR_DISK))
    share = resources.available()
    yield Finding("CPUs", f"{share.cpus:g} of {os.cpu_count()} are kut's to use")
    words = "as much as it likes" if share.memory >= 1 << 19 else f"{share.memory} MiB"
    yield _amount("memory", share.memory, words, (_LEAST_MEMORY, _FAIR_MEMORY))


def _amount(what: str, there: int, words: str, bounds: tuple[int, int]) -> Finding:
    """Return a finding about a number of MiB, with the least there must and should be."""
    least, fair = bounds
    if there >= fair:
        return Finding(what, words)
    state = State.PROBLEM if there < least else State.NOTE
    wanted = least if there < least else fair
    return Finding(what, words, state, f"make room: {wanted} MiB of {what} are to be had")


def _writable(directory: Path) -> Finding:
    try:
        directory.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=directory) as file:
            file.write(b"x")
    except OSError as error:
        fix = f"chown -R {os.geteuid()} {directory}, or a clone that is yours"
        return Finding("build directory", f"{directory}: {error.strerror}", State.PROBLEM, fix)
    return Finding("build directory", f"{directory} can be written")
