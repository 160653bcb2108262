# SPDX-License-Identifier: GPL-2.0-or-later
"""Paths of a build, relative to the source tree."""

from dataclasses import dataclass
from typing import Final

#: Paths relative to the library.
_OFFSETS_SOURCE: Final = "arm64/asm-offsets.c"
_LINKER_SCRIPT: Final = "arm64/image.lds"
#: Compiled for each image, with its name.
_AUXINFO_SOURCE: Final = "auxinfo.c"


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of a build, relative to the source tree; `variant` is the name of its toolchain."""

    variant: str
    library: str = "lib"

    @property
    def offsets_source(self) -> str:
        """C source that defines the offsets for assembly."""
        return f"{self.library}/{_OFFSETS_SOURCE}"

    @property
    def linker_script(self) -> str:
        """Linker script of all images."""
        return f"{self.library}/{_LINKER_SCRIPT}"

    @property
    def auxinfo_source(self) -> str:
        """C source that is compiled for each image, with PROGNAME defined as its name."""
        return f"{self.library}/{_AUXINFO_SOURCE}"

    @property
    def directory(self) -> str:
        """Directory of the build."""
        return f"build/{self.variant}"

    @property
    def manifest(self) -> str:
        """Manifest for ninja."""
        return f"{self.directory}/build.ninja"

    @property
    def stamp(self) -> str:
        """File that is newer than all objects after a change of the toolchain."""
        return f"{self.directory}/toolchain.txt"

    @property
    def relinked(self) -> str:
        """File with the names of the images that the last build which linked any has linked."""
        return f"{self.directory}/relinked"

    @property
    def include(self) -> str:
        """Directory of generated headers."""
        return f"{self.directory}/include"

    @property
    def offsets(self) -> str:
        """Generated header with the offsets for assembly."""
        return f"{self.include}/asm/asm-offsets.h"

    def area_header(self, area: str) -> str:
        """Return the generated header of an area of the conformance suite."""
        return f"{self.include}/conform/{area}.h"

    def area_rows(self, area: str) -> str:
        """Return the generated list of rows of an area, beside its image."""
        return f"{self.directory}/conform-{area}.rows"

    def object(self, source: str) -> str:
        """Return the object file of a source."""
        return f"{self.directory}/obj/{source}.o"

    def auxinfo(self, image: str) -> str:
        """Return the object file with the name of an image."""
        return f"{self.directory}/obj/arm/{image}.auxinfo.o"

    def elf(self, image: str) -> str:
        """Return the linked image, with symbols."""
        return f"{self.directory}/{image}.elf"

    def flat(self, image: str) -> str:
        """Return the image to boot."""
        return f"{self.directory}/{image}.flat"
