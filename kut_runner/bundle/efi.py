# SPDX-License-Identifier: GPL-2.0-or-later
"""EFI builds of kvm-unit-tests: the firmware that starts their images.

QEMU passes an image to the firmware as a kernel (-bios, -kernel), which loads it without the UEFI
shell; upstream's arm/efi/run does so with EFI_DIRECT=y. The firmware also has the device tree.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.errors import MissingToolError
from kut_runner.text import printable

if TYPE_CHECKING:
    from kut_runner.bundle.shell import Environment

#: Names the firmware, as in kvm-unit-tests.
VARIABLE: Final = "EFI_UEFI"
#: Seconds that the firmware may take, in addition to the timeout of a test.
BOOT_SECONDS: Final = 10
#: Paths of the packages of Debian, Fedora and QEMU itself.
_PATHS: Final = (
    "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
    "/usr/share/edk2/aarch64/QEMU_EFI.silent.fd",
    "/usr/share/edk2/aarch64/QEMU_EFI.fd",
    "/usr/share/qemu/edk2-aarch64-code.fd",
)
_INSTALL: Final = f"install it (Debian: apt install qemu-efi-aarch64), or set {VARIABLE}=PATH"


def firmware(environment: "Environment") -> Path:
    """Return the UEFI firmware: $EFI_UEFI, else that of a package; raises MissingToolError."""
    if given := environment.get(VARIABLE):
        if Path(given).is_file():
            return Path(given).absolute()
        raise MissingToolError(f"${VARIABLE}: {printable(given)} is not a file", _INSTALL)
    found = next((path for path in map(Path, _PATHS) if path.is_file()), None)
    if not found:
        raise MissingToolError(
            "the tree is an EFI build, and its images need the UEFI firmware QEMU_EFI.fd", _INSTALL
        )
    return found
