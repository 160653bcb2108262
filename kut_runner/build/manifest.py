# SPDX-License-Identifier: GPL-2.0-or-later
"""Manifest of a build for ninja, and its compile_commands.json."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kut_runner.build.toolchain import SOURCE_FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kut_runner.build.layout import Layout
    from kut_runner.build.sources import Sources
    from kut_runner.build.toolchain import Toolchain

#: Model of the architecture, installed beside this package: one module for each area of the suite.
_AREAS: Final = Path(__file__).parents[2] / "kut_model/areas"
#: Beginning of the name of an image of the conformance suite, before its area.
_CONFORM: Final = "conform-"

#: Lines in the output of the offsets source: `->NAME value`, or with # or $ before the value, and
#: `->#ifdef NAME` and `->#endif`.
_OFFSETS_SED: Final = (
    r"s/.*->\([A-Za-z0-9_]*\) [#$]*\(-*[0-9]*\).*/#define \1 \2/p;"
    r's/.*->\(#[a-z]* *[A-Z_]*\)".*/\1/p'
)


def _compile(layout: "Layout", toolchain: "Toolchain") -> list[str]:
    return [
        *toolchain.compile,
        f"-I{layout.library}",
        f"-I{layout.library}/arm64",
        f"-I{layout.include}",
    ]


def _all_sources(sources: "Sources") -> "Iterator[tuple[str, bool]]":
    """Yield each source, and whether it is one of a test."""
    yield from ((path, False) for path in sources.library)
    for paths in sources.images.values():
        yield from ((path, True) for path in paths)


def manifest(
    root: Path, layout: "Layout", sources: "Sources", toolchain: "Toolchain"
) -> "Iterator[str]":
    """Yield the text of build.ninja in parts."""
    yield _rules(root, layout, sources, toolchain)
    offsets = ""
    if sources.has_offsets:
        offsets = f" || {_path(layout.offsets)}"
        yield f"build {_path(layout.offsets)}: offsets {layout.offsets_source} | {layout.stamp}\n"
    yield from _objects(layout, sources, offsets)
    for name in sources.images:
        yield from _image(layout, sources, name, offsets)


def _rules(root: Path, layout: "Layout", sources: "Sources", toolchain: "Toolchain") -> str:
    link = [*toolchain.link, "-T", layout.linker_script]
    # No command has the tree's own path: the same sources give the same bytes anywhere, and a tree
    # that is copied with its build directory is built already. For the compile commands it matters.
    return f"""\
# Written by kut in {root}; changes here are lost.
ninja_required_version = 1.10
builddir = {layout.directory}
cc = {_shell(_compile(layout, toolchain))} -ffile-prefix-map="$$PWD"=.
flags = {_shell(SOURCE_FLAGS[""])}
flags_of_tests = {_shell(SOURCE_FLAGS[sources.origin])}
variant = {_shell(toolchain.variant)}

rule cc
  command = $cc $flags $variant -MMD -MF $out.d -c $in -o $out
  depfile = $out.d
  deps = gcc
  description = CC $in
rule offsets
  command = $cc $flags $variant -MMD -MF $out.d -MT $out -S $in -o $out.s && $
      sed -n {_shell([_OFFSETS_SED])} $out.s >$out.new && $
      if cmp -s $out.new $out; then rm $out.new; else mv $out.new $out; fi
  depfile = $out.d
  deps = gcc
  restat = 1
  description = OFFSETS $in
rule model
  command = {_shell([sys.executable, "-P", "-m", "kut_model"])} $area $header $rows $header.d
  depfile = $header.d
  deps = gcc
  restat = 1
  description = MODEL $area
rule link
  command = {_shell(link)} $in -o $out
  description = LD $out
rule flat
  command = {_shell(toolchain.objcopy)} -O binary $in $out.new && mv $out.new $out
  description = FLAT $out

"""


def _objects(layout: "Layout", sources: "Sources", offsets: str) -> "Iterator[str]":
    """Yield the edges of the objects of all sources."""
    headers = _area_headers(layout, sources)
    for source, of_tests in _all_sources(sources):
        output, first = _path(layout.object(source)), offsets
        if header := headers.get(source):
            first = f"{offsets or ' ||'} {header}"
        yield f"build {output}: cc {_path(source)} | {layout.stamp}{first}\n"
        flags = "$flags_of_tests" if of_tests and sources.origin else ""
        if source.endswith(".S"):
            flags = f"{flags or '$flags'} -D__ASSEMBLY__"
        if flags:
            yield f"  flags = {flags}\n"


def _image(layout: "Layout", sources: "Sources", name: str, offsets: str) -> "Iterator[str]":
    """Yield the edges of an image, without those of its objects."""
    files = [layout.object(path) for path in (*sources.images[name], *sources.library)]
    if sources.has_auxinfo:
        files.append(layout.auxinfo(name))
        source = f"{layout.auxinfo_source} | {layout.stamp}{offsets}"
        yield f"build {_path(layout.auxinfo(name))}: cc {source}\n"
        yield f"  flags = $flags {_shell(_progname(name))}\n"
    objects = " ".join(map(_path, files))
    elf, flat = _path(layout.elf(name)), _path(layout.flat(name))
    yield f"build {elf}: link {objects} | {layout.linker_script} {layout.stamp}\n"
    area = area_of(name)
    rows = f" || {_path(layout.area_rows(area))}" if area else ""
    yield f"build {flat}: flat {elf}{rows}\n"
    if area:
        header, list_ = _path(layout.area_header(area)), _path(layout.area_rows(area))
        yield f"build {header} {list_}: model | {layout.stamp}\n"
        yield f"  area = {area}\n  header = {header}\n  rows = {list_}\n"


def area_of(image: str) -> str:
    """Return the area of an image of the conformance suite that the model has; "" for others."""
    area = image.removeprefix(_CONFORM)
    if area == image:
        return ""
    module = area.replace("-", "_")
    has_area = (_AREAS / f"{module}.py").is_file() or (_AREAS / module).is_dir()
    return area if has_area else ""


def _area_headers(layout: "Layout", sources: "Sources") -> dict[str, str]:
    """Return the generated header that each source of the conformance suite includes."""
    return {
        path: _path(layout.area_header(area))
        for name, paths in sources.images.items()
        if (area := area_of(name))
        for path in paths
    }


def commands(
    root: Path, layout: "Layout", sources: "Sources", toolchain: "Toolchain"
) -> "Iterator[dict[str, object]]":
    """Yield the entries of compile_commands.json."""
    compile_ = [*_compile(layout, toolchain), f"-ffile-prefix-map={root}=."]
    for source, of_tests in _all_sources(sources):
        flags = [*SOURCE_FLAGS[sources.origin if of_tests else ""], *toolchain.variant]
        flags += ["-D__ASSEMBLY__"] if source.endswith(".S") else []
        arguments = [*compile_, *flags, "-c", source, "-o", layout.object(source)]
        yield {"directory": str(root), "file": source, "arguments": arguments}


def _progname(image: str) -> list[str]:
    """Return the flag that has auxinfo.c name an image as kvm-unit-tests does."""
    return [f'-DPROGNAME="arm/{image}.flat"']


def _ninja(text: str) -> str:
    return text.replace("$", "$$")


def _path(text: str) -> str:
    return _ninja(text).replace(" ", "$ ").replace(":", "$:")


def _shell(argv: "Sequence[str]") -> str:
    return _ninja(shlex.join(argv))
