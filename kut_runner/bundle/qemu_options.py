# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of QEMU in definitions of unknown origin: only those that stay inside the machine.

An option of QEMU can start programs (`-incoming exec:`), write files (`-D`) and open connections
(`-netdev`). From an archive and from an unittests.cfg, only the options, devices, objects and
properties in the tables of this module are accepted. They are parsed as QEMU parses them
(util/keyval.c and util/qemu-option.c of QEMU): `-option` or `--option`, then a value of parts
`key=value`, where `,,` is a comma.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef

#: Most characters of an option in a message.
_WIDEST: Final = 80

#: Options without a value.
_FLAGS: Final = (
    *("nodefaults", "no-acpi", "no-hpet", "no-reboot", "no-shutdown", "no-user-config"),
    *("nographic", "only-migratable", "usb"),
)
#: Options with a value that is never a file: text, numbers, or one of a set of keywords.
_PLAIN: Final = {
    "append": re.compile(r".*", re.DOTALL),
    "display": re.compile("none"),
    "monitor": re.compile("none"),
    "name": re.compile(r".*", re.DOTALL),
    "net": re.compile("none"),
    "nic": re.compile("none"),
    "parallel": re.compile("none|null"),
    "seed": re.compile("[0-9]+"),
    "serial": re.compile("none|null"),
    "uuid": re.compile("[0-9A-Fa-f-]+"),
    "vga": re.compile("none"),
    "watchdog-action": re.compile("[a-z-]+"),
}
#: Options whose value is a file that the machine gets, which must be below the source tree.
_FILES: Final = ("initrd", "dtb")

_MACHINE: Final = re.compile(
    "acpi|aux-ram-share|compact-highmem|default-bus-bypass-iommu|dt-compatible|dtb-kaslr-seed"
    "|dtb-randomness|dump-guest-core|gic-version|graphics|highmem(-ecam|-mmio|-mmio-size|-redists)?"
    "|hmat|iommu|its|kernel-irqchip|mem-merge|memory-backend|msi|mte|nvdimm|phandle-start|ras"
    r"|secure|suppress-vmdesc|usb|virtio-mmio-transports|virtualization|(memory|smp)\.[a-z-]+"
)
_DEVICES: Final = re.compile(
    "[a-z0-9-]*-testdev|virtio-testdev|edu|pvpanic(-pci)?|vmcoreinfo|vmgenid|i6300esb|diag288"
    "|loader|virtconsole|virtserialport|pc-dimm|nvdimm|virtio-mem(-pci)?|arm-smmuv3"
    "|virtio-(serial|net|rng|balloon|iommu|keyboard|mouse|tablet)-(device|pci|ccw)"
    "|virtio-(serial|net|rng|balloon)-pci-(non-)?transitional|e1000e?|igb|rtl8139"
    "|pcie-root-port|pcie-pci-bridge|pci-bridge|pxb|pxb-pcie|ioh3420|x3130-upstream"
    "|xio3130-downstream|qemu-xhci|nec-usb-xhci|usb-(kbd|mouse|tablet|hub)"
    "|[A-Za-z0-9.]+(-[A-Za-z0-9.]+)*-cpu"
)
#: Devices of the machine itself, whose properties `-global` may set.
_BOARD: Final = re.compile(
    r"virtio-(mmio|pci|device)|pl011|pl031|pl061|arm[-_]gic[a-z0-9_-]*|kvm-arm-gic[a-z0-9_-]*"
    r"|gpex-pcihost|arm-[a-z0-9-]+|[A-Za-z0-9.]+(-[A-Za-z0-9.]+)*-arm-cpu"
)
#: Properties of these devices that name a file, a program or a descriptor of the host.
_HOST_PROPERTIES: Final = re.compile(
    "(.*[-_.])?(file|filename|path|dir|rootdir|device|fds?|vhostfd|host|kernel|initrd|dtb|drive)"
    "|romfile|mem-path|pcap"
)
#: Properties that are text; all others are numbers, sizes, addresses or keywords of `_VALUE`.
_TEXTS: Final = re.compile(
    "id|bus|addr|mac|chardev|memdev|netdev|rng|iothread|primary-bus|failover_pair_id|name|guid"
    "|serial|display|port|tx|duplex|stage|granule|mode"
)
_VALUE: Final = re.compile(
    "|on|off|true|false|yes|no|auto|y|n"
    r"|-?(0[xX][0-9A-Fa-f]+|[0-9]+([._][0-9]+)?[BKMGTPEbkmgtpe]?)"
)
_OBJECTS: Final = {
    "memory-backend-ram": re.compile(
        "id|size|share|merge|dump|reserve|policy|host-nodes(\\..*)?|x-use-canonical-path.*"
    ),
    "rng-builtin": re.compile("id"),
    "iothread": re.compile("id|poll-[a-z-]+|aio-max-batch|thread-pool-(min|max)"),
    "acpi-generic-initiator": re.compile("id|pci-dev|node"),
    "acpi-generic-port": re.compile("id|pci-bus|node"),
    "can-bus": re.compile("id"),
}
_CHARDEVS: Final = {
    "null": re.compile("id"),
    "testdev": re.compile("id"),
    "ringbuf": re.compile("id|size"),
}
#: Key of a part. In other text, as in JSON, QEMU may see other parts than `_parse`.
_KEY: Final = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]*")
#: Short form of the value of `-global`; a comma in it is part of the value.
_GLOBAL: Final = re.compile(
    r"(?P<driver>[^.=]{1,63})\.(?P<property>[^=]{1,63})=(?P<value>.*)", re.DOTALL
)
#: Prefix of the ids that kut gives to its own chardevs and objects.
_RESERVED: Final = "kut-"

_Parts = list[tuple[str, str]]


def refusal(options: Sequence[str], tree: Path) -> str:
    """Return the first of QEMU's options that is not accepted, "" if all are.

    The result is the option with the part that is refused, as in "-device vfio-pci". `tree` is the
    directory whose files `-initrd` and `-dtb` may name, absolute or relative to the
    current directory.
    """
    rest = iter(options)
    for option in rest:
        if found := _refused(option, rest, tree):
            return found if len(found) <= _WIDEST else f"{found[: _WIDEST - 3]}..."
    return ""


def machine_refusal(test: "TestDef", tree: Path) -> str:
    """Return the first part of a test's machine that is not accepted, "" if all are."""
    machine = ",".join(f"{key}={value}" for key, value in test.machine)
    accelerator = test.accelerator.properties if test.accelerator else ""
    if "device" in (key for key, _ in _parse(accelerator, "")):
        return f"-accel {test.accelerator}"
    return refusal(
        ("-machine", f"virt,{machine}" if machine else "virt", "-cpu", test.cpu, *test.qemu_args),
        tree,
    )


def explain(refused: str) -> str:
    """Return the message about a refused option."""
    return (
        f"QEMU option {refused} is refused: it is not among those known to reach no file, program"
        " or network of the host; --trust allows all options"
    )


def without_refused(tests: "Iterable[TestDef]", tree: Path) -> "Iterator[TestDef]":
    """Yield the tests; one with an option that is not accepted has a `problem`."""
    for test in tests:
        refused = "" if test.problem else machine_refusal(test, tree)
        yield replace(test, problem=explain(refused)) if refused else test


def _refused(option: str, rest: Iterator[str], tree: Path) -> str:
    """Return the part of one option that is refused, "" for none; takes its value from `rest`."""
    if not option.startswith("-"):
        return f'"{option}" (a disk image)'
    name = option.removeprefix("-").removeprefix("-")
    if name in _FLAGS:
        return ""
    if name not in _PLAIN and name not in _FILES and name not in _CHECKS:
        return f"-{name}"
    if (value := next(rest, None)) is None:
        return f"-{name} without a value"
    refused = _refused_part(name, value, tree)
    return f"-{name} {refused}" if refused else ""


def _refused_part(name: str, value: str, tree: Path) -> str:
    """Return the part of an option's value that is refused, "" for none."""
    if name in _PLAIN:
        return "" if _PLAIN[name].fullmatch(value) else value
    if name in _FILES:
        return "" if _is_below(value, tree) else f"{value} (not below {tree})"
    implied, check = _CHECKS[name]
    is_short = _GLOBAL.fullmatch(value) if name == "global" else None
    parts = [*is_short.groupdict().items()] if is_short else _parse(value, implied)
    return _reaching_out(parts) or check(parts)


def _parse(text: str, implied: str) -> _Parts:
    """Return the parts of a value; `implied` is the key of a first part that has none."""
    parts: _Parts = []
    at = 0
    while at < len(text):
        end = _find(text, "=,", at)
        if text[end : end + 1] == "=":
            key = text[at:end]
            value, at = _value(text, end + 1)
            parts.append((key, value))
        elif implied and not parts:
            value, at = _value(text, at)
            parts.append((implied, value))
        else:
            parts += _flag(text[at:end])
            at = end + 1
    return parts


def _flag(key: str) -> _Parts:
    """Return a part without value, which is "on"; older versions of QEMU take "noKEY" as "off"."""
    return [(key, "on"), *([(key[2:], "off")] if key.startswith("no") else [])]


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value that starts at `at`, and the start of the next part."""
    value = ""
    while True:
        end = _find(text, ",", at)
        value += text[at:end]
        if text[end : end + 2] != ",,":
            return value, end + 1
        value += ","
        at = end + 2


def _find(text: str, characters: str, start: int) -> int:
    """Return the first index of one of some characters, the length of the text without one."""
    found = (text.find(each, start) for each in characters)
    return min((at for at in found if at >= 0), default=len(text))


def _is_below(path: str, tree: Path) -> bool:
    try:
        return Path(path).resolve().is_relative_to(tree.resolve())
    except (OSError, ValueError, RuntimeError):  # a cycle of links, or not a path
        return False


def _reaching_out(parts: _Parts) -> str:
    """Return a part with a path or JSON in it, or that names something of kut; "" for none."""
    found = (part for part in parts if _reaches_out(*part))
    return next(map(_show, found), "")


def _reaches_out(key: str, value: str) -> bool:
    is_strange = "/" in value or "{" in value or not _KEY.fullmatch(key)
    return is_strange or value.startswith(_RESERVED)


def _show(part: tuple[str, str]) -> str:
    return f"{part[0]}={part[1]}"


def _keys(allowed: "re.Pattern[str] | None") -> Callable[[_Parts], str]:
    """Return a check that accepts only these keys, all keys for None."""

    def check(parts: _Parts) -> str:
        unknown = (part for part in parts if allowed and not allowed.fullmatch(part[0]))
        return next(map(_show, unknown), "")

    return check


def _check_machine(parts: _Parts) -> str:
    known = ((key.replace("_", "-"), value) for key, value in parts)
    unknown = (part for part in known if part[0] != "type" and not _MACHINE.fullmatch(part[0]))
    return next(map(_show, unknown), "")


def _check_device(parts: _Parts) -> str:
    drivers = [value for key, value in parts if key == "driver"]
    unknown = next((each for each in drivers if not _DEVICES.fullmatch(each)), None)
    if unknown is not None or not drivers:
        return unknown or "without a driver"
    properties = (part for part in parts if part[0] != "driver")
    return next((f"{drivers[0]},{_show(part)}" for part in properties if _is_of_host(*part)), "")


def _is_of_host(key: str, value: str) -> bool:
    """Return whether a property of a device names something of the host, or may do so."""
    if not value:
        return False
    is_plain = _VALUE.fullmatch(value) or _TEXTS.fullmatch(key)
    return bool(_HOST_PROPERTIES.fullmatch(key)) or not is_plain


def _check_global(parts: _Parts) -> str:
    """Check the parts driver, property and value; each may be there once."""
    setting = dict(parts)
    driver, name, value = (setting.get(key, "") for key in ("driver", "property", "value"))
    is_known = _BOARD.fullmatch(driver) or _DEVICES.fullmatch(driver)
    is_once = len(setting) == len(parts)
    return "" if is_known and is_once and not _is_of_host(name, value) else f"{driver}.{name}"


def _kinds(implied: str, kinds: "dict[str, re.Pattern[str]]") -> Callable[[_Parts], str]:
    """Return a check that accepts only these kinds, each with its keys."""

    def check(parts: _Parts) -> str:
        names = [value for key, value in parts if key == implied]
        if not names or any(name not in kinds for name in names):
            return next((name for name in names if name not in kinds), f"without {implied}")
        unknown = (part for part in parts if part[0] != implied)
        keys: Collection[re.Pattern[str]] = [kinds[name] for name in names]
        bad = (part for part in unknown if not all(each.fullmatch(part[0]) for each in keys))
        return next((f"{names[0]},{_show(part)}" for part in bad), "")

    return check


#: Options whose value has parts: the implied key of the first one, and their check.
_CHECKS: "Final[dict[str, tuple[str, Callable[[_Parts], str]]]]" = {
    "M": ("type", _check_machine),
    "machine": ("type", _check_machine),
    "action": ("", _keys(re.compile("reboot|shutdown|panic|watchdog"))),
    "chardev": ("backend", _kinds("backend", _CHARDEVS)),
    "cpu": ("model", _keys(None)),
    "device": ("driver", _check_device),
    "global": ("", _check_global),
    "icount": ("shift", _keys(re.compile("shift|align|sleep"))),
    "m": ("size", _keys(re.compile("size|slots|maxmem"))),
    "numa": ("type", _keys(None)),
    "object": ("qom-type", _kinds("qom-type", _OBJECTS)),
    "overcommit": ("", _keys(re.compile("cpu-pm"))),
    "rtc": ("", _keys(re.compile("base|clock|driftfix"))),
    "smp": ("cpus", _keys(None)),
}
