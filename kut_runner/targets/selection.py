# SPDX-License-Identifier: GPL-2.0-or-later
"""Selection of the target: --target, else $ACCEL as in kvm-unit-tests, else `tcg`."""

import os
from typing import TYPE_CHECKING, Final

from kut_runner.definitions import similar
from kut_runner.definitions.config import BUILT_IN, KVM_NESTED, LAB_TARGET, is_lab
from kut_runner.definitions.needs import Accelerator, parse_accelerator
from kut_runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kut_runner.definitions.config import TargetDef
    from kut_runner.targets.protocol import ExitReader, Target

_VARIABLE: Final = "ACCEL"


def accelerator(text: str, where: str) -> Accelerator:
    """Return the accelerator from text such as "tcg,thread=single".

    Raises UsageError, with the origin `where` of the text in the message.
    """
    if not (found := parse_accelerator(text)):
        raise UsageError(
            f"{where}: {text!r} is not an accelerator",
            f"give {' or '.join(BUILT_IN)}, with properties as in tcg,thread=single",
        )
    return found


def selected(name: str | None, environment: "Mapping[str, str]") -> tuple[str, Accelerator | None]:
    """Return the name of the target to use, and its accelerator if it is QEMU.

    Raises UsageError for an invalid $ACCEL, or one that contradicts `name`.
    """
    value = environment.get(_VARIABLE)
    wanted = accelerator(value, f"${_VARIABLE}") if value else None
    if name and wanted and wanted.name != name:
        raise UsageError(
            f"--target {name} and {_VARIABLE}={value} contradict each other", "leave out one"
        )
    if wanted:
        return wanted.name, wanted
    name = name or BUILT_IN[0]
    return name, Accelerator(name) if name in BUILT_IN else None


def open_target(  # noqa: PLR0913 - the choices, and their environment
    name: str | None,
    qemu: str | None,
    *,
    tree: "Path",
    definitions: "Sequence[TargetDef]",
    environment: "Mapping[str, str]",
    record: bool = False,
) -> "Target":
    """Return the target to use; `qemu` is the value of --qemu, None without.

    With `record` it records each test. Raises UsageError for an unknown name or a target that
    cannot record, TargetUnavailableError if it cannot run on this host, MissingToolError if its
    program is missing.
    """
    chosen, accel = selected(name, environment)
    if record and chosen != BUILT_IN[0]:
        raise UsageError(
            f"--record needs target {BUILT_IN[0]}, and not {chosen}",
            f"omit --target and ACCEL, or name {BUILT_IN[0]}",
        )
    if accel:
        return _qemu_target(accel, qemu, tree, environment, record=record)
    if is_lab(chosen):
        return _lab_target(chosen, qemu, tree, environment)
    by_name = {each.name: each for each in definitions}
    if chosen not in {KVM_NESTED, *by_name}:
        known = (*BUILT_IN, LAB_TARGET, KVM_NESTED, *by_name)
        hint = similar.hint(chosen, known, f"the targets are {', '.join(known)}")
        raise UsageError(f'no target is called "{chosen}"', hint)
    if qemu:
        raise UsageError(f"--qemu and --target {chosen} contradict each other", "leave out one")
    if chosen == KVM_NESTED:
        from kut_runner.targets import kvm_nested

        return kvm_nested.open_target(tree, environment)
    from kut_runner.targets import command

    return command.find(by_name[chosen], tree, environment)


def _qemu_target(
    accel: Accelerator,
    qemu: str | None,
    tree: "Path",
    environment: "Mapping[str, str]",
    *,
    record: bool,
) -> "Target":
    from kut_runner.targets.qemu import find_qemu

    if accel.name == "kvm":
        from kut_runner.targets import kvm

        host = kvm.probe()
        kvm.check(host)  # before the search for QEMU, which may be missing too
        found = find_qemu(qemu, cache=tree / "build/qemu-versions", environment=environment)
        return kvm.Kvm(found, accel, host)
    from kut_runner.targets.tcg import Tcg

    found = find_qemu(qemu, cache=tree / "build/qemu-versions", environment=environment)
    return Tcg(found, accel, record)


def _lab_target(
    name: str, qemu: str | None, tree: "Path", environment: "Mapping[str, str]"
) -> "Target":
    from kut_runner.targets import lab, lab_qemu

    return lab.open_lab(name, lab_qemu.find(qemu, tree, environment), tree, environment)


def max_smp(wanted: str, name: str | None, qemu: str | None, *, tree: "Path", has_el2: bool) -> str:
    """Return the number of CPUs that QEMU's machine may have, at most `wanted`.

    `name` and `qemu` are those of `open_target`, which also describes the errors.
    """
    from kut_runner.targets import qemu_machine

    target = open_target(name, qemu, tree=tree, definitions=(), environment=os.environ)
    while most := qemu_machine.most_cpus(target.program, target.name, wanted, has_el2=has_el2):
        if most >= int(wanted):
            break
        wanted = str(most)  # QEMU may refuse this too: it checks one limit after the other
    return wanted


def exit_reader(name: str, program: str) -> "ExitReader":
    """Return the interpreter of exit statuses of a target, which need not be available.

    `name` is the name of the target, "" in an old document; `program` is the path of its program.
    """
    if not name or name in BUILT_IN or is_lab(name):
        from kut_runner.targets.qemu_machine import QemuExits

        return QemuExits()
    if name == KVM_NESTED:
        from kut_runner.targets.kvm_nested import VmmExits

        return VmmExits()
    from kut_runner.targets.command import CommandExits

    return CommandExits(program.rpartition("/")[2])


def label(name: str) -> str:
    """Return the name of a target's program for messages; `name` is "" in old documents."""
    return "QEMU" if not name or name in BUILT_IN or is_lab(name) else name
