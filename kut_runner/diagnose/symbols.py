# SPDX-License-Identifier: GPL-2.0-or-later
"""Functions, source lines and symbols of an image, from its ELF file.

Addresses are offsets from the start of the image, the address of the first segment. Only the
compilation unit with the address and its line table are decoded, and kept for later calls.

The file may come from an untrusted source (a tree, an archive, `kut parse --elf`): an invalid file,
and one that takes too much memory or time, raises SymbolsError and no other exception; all text is
printable; and only source files in the tree of the image are quoted.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, ParamSpec, TypeVar

from kut_runner.diagnose.time_limit import TimeLimitError, time_limit
from kut_runner.errors import UsageError
from kut_runner.text import decode, printable
from kut_runner.verdict.diagnosis import Frame

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_Row = tuple[int, int, tuple[str, int]]
"""Start and end address, file and line."""

#: Bytes of an instruction: the distance from a call to its return address.
_INSTRUCTION: Final = 4
_INLINED: Final = "DW_TAG_inlined_subroutine"
_SUBPROGRAM: Final = "DW_TAG_subprogram"
#: Tags that may contain inlined calls.
_SCOPES: Final = (_SUBPROGRAM, _INLINED, "DW_TAG_lexical_block")
#: SHF_EXECINSTR of an ELF section.
_EXECUTABLE: Final = 4
#: Most references followed from one DIE to another, as a file may contain a cycle.
_MOST_REFERENCES: Final = 8
#: Limits: bytes of a file, and of a section that is compressed in it; seconds of CPU time.
_LARGEST_FILE: Final = 256 << 20
_LARGEST_SECTION: Final = 256 << 20
_TIME_LIMIT: Final = 10.0
#: Source files, and the most bytes of one.
_SOURCES: Final = (".c", ".h", ".S", ".s")
_LARGEST_SOURCE: Final = 4 << 20


class SymbolsError(UsageError):
    """An invalid ELF file, or one with invalid symbols."""


class SlowSymbolsError(SymbolsError):
    """Symbols that take too long to decode."""


def _guarded(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Convert all exceptions of pyelftools about an invalid file to SymbolsError.

    Debug information may have cycles, in which pyelftools does not end.
    """

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            with time_limit(_TIME_LIMIT):
                return function(*args, **kwargs)
        except SymbolsError:
            raise
        except TimeLimitError:
            text = f"its symbols take more than {_TIME_LIMIT:g} s to decode"
            raise SlowSymbolsError(text) from None
        except Exception as error:  # noqa: BLE001 - KeyError, struct.error, AssertionError, ...
            cause = printable(f"{type(error).__name__}: {error}".rstrip(": "))
            raise SymbolsError(f"its symbols cannot be read ({cause[:200]})") from None

    return call


class _Symbol(NamedTuple):
    """A symbol; of several at the same offset the last in sort order is preferred."""

    offset: int
    is_typed: bool
    size: int
    name: str


class Symbols:
    """Symbols and debug information of an ELF file."""

    @_guarded
    def __init__(self, elf: Path, root: Path | None = None) -> None:
        """Read the symbols; `root` is the top of the source tree, by default that of the file.

        Raises SymbolsError.
        """
        from elftools.elf.elffile import ELFFile

        self._root = root
        self._sources = (root or elf.parent).resolve()
        self._elf = ELFFile(BytesIO(_content(elf)))
        _check_sections(self._elf)
        self._built = elf.stat().st_mtime
        loads = [each for each in self._elf.iter_segments() if each["p_type"] == "PT_LOAD"]
        self._base: int = min((each["p_vaddr"] for each in loads), default=0)
        self.size: int = max((each["p_vaddr"] + each["p_memsz"] for each in loads), default=0)
        """Size of the image in memory, in bytes."""
        self.size -= self._base
        self._named = sorted(self._iter_symbols())
        self._offsets = [symbol.offset for symbol in self._named]
        first = -self._base  # the offset of address 0
        self._at_zero = frozenset(each.name for each in self._named if each.offset == first)
        self._dwarf = self._elf.get_dwarf_info() if self._elf.has_dwarf_info() else None
        self._units: list[tuple[int, int, CompileUnit]] | None = None
        self._lines: dict[int, tuple[list[_Row], list[_Row]]] = {}
        self._is_slow = False

    @property
    def has_lines(self) -> bool:
        """Whether the file has debug information."""
        return self._dwarf is not None

    @property
    @_guarded
    def build_id(self) -> str:
        """Build-id in hex; "" without one."""
        section: Any = self._elf.get_section_by_name(".note.gnu.build-id")
        if section is None:
            return ""
        found = (note["n_desc"] for note in section.iter_notes() if note["n_name"] == "GNU")
        return str(next(found, ""))

    def address(self, name: str) -> int | None:
        """Return the offset of a symbol, None for an unknown name."""
        return next((each.offset for each in self._named if each.name == name), None)

    def nearest(self, offset: int) -> str:
        """Return the symbol at `offset`, as in "name+0x10"; "" outside all symbols."""
        if not 0 <= offset < self.size:
            return ""
        at = bisect_right(self._offsets, offset) - 1
        if at < 0:
            return ""
        found = self._named[at]
        distance = offset - found.offset
        if distance >= found.size:
            return ""
        return f"{found.name}+{distance:#x}" if distance else found.name

    def frames(self, offset: int, *, is_exact: bool) -> tuple[Frame, ...]:
        """Return the function at `offset` and those it is inlined into, innermost first.

        `is_exact` is False for a return address: the call is the instruction before. Outside all
        functions the frame has no function. Raises SymbolsError. Debug information that takes too
        long is not used again.
        """
        try:
            return self._decode(offset, is_exact=is_exact)
        except SlowSymbolsError:
            self._is_slow = True
            raise

    @_guarded
    def _decode(self, offset: int, *, is_exact: bool) -> tuple[Frame, ...]:
        at = offset if is_exact else max(offset - _INSTRUCTION, 0)
        calls = self._calls(at)
        if not calls:
            name = self.nearest(at).partition("+")[0]
            file, line = self._line(at)
            return (self._frame(offset, name, file, line, is_inlined=False),)
        file, line = self._line(at, has_function=True)
        found = []
        for name, call_file, call_line, is_inlined in calls:
            found.append(self._frame(offset, name, file, line, is_inlined=is_inlined))
            file, line = call_file, call_line
        return tuple(found)

    def _iter_symbols(self) -> Iterator[_Symbol]:
        """Yield symbols with a size; assembly labels extend to the end of their section."""
        table: Any = self._elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table else ():
            index, name = symbol["st_shndx"], symbol.name
            is_typed = symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")
            if isinstance(index, str) or not name or name.startswith(("$", ".L")):
                continue
            size, section = symbol["st_size"], self._elf.get_section(index)
            if not size and section["sh_flags"] & _EXECUTABLE:
                size = section["sh_addr"] + section["sh_size"] - symbol["st_value"]
            if size > 0:
                yield _Symbol(symbol["st_value"] - self._base, is_typed, size, printable(name))

    def _frame(self, offset: int, name: str, file: str, line: int, *, is_inlined: bool) -> Frame:
        return Frame(
            address=offset,
            function=name,
            file=file,
            line=line,
            source=self._source(file, line),
            is_inlined=is_inlined,
        )

    def _source(self, file: str, line: int) -> str:
        """Return the text of a line; "" if unknown, not of the tree, or newer than the image."""
        try:
            path = (self._sources / file).resolve()
            is_source = path.suffix in _SOURCES and path.is_relative_to(self._sources)
            if not line or not is_source or not path.is_file():
                return ""
            status = path.stat()
            if status.st_mtime > self._built or status.st_size > _LARGEST_SOURCE:
                return ""
            return printable(_lines_of(path)[line - 1].rstrip())
        except (OSError, IndexError, ValueError, RuntimeError):  # RuntimeError: a cycle of links
            return ""

    def _unit(self, address: int) -> "CompileUnit | None":
        """Return the compilation unit with code at `address`, None without one."""
        if not self._dwarf or self._is_slow:
            return None
        aranges = self._dwarf.get_aranges()
        if aranges and (at := aranges.cu_offset_at_addr(address)) is not None:
            return self._dwarf.get_CU_at(at)
        if self._units is None:
            self._units = [
                (low, high, unit)
                for unit in self._dwarf.iter_CUs()
                for low, high in self._ranges(unit.get_top_DIE())
            ]
        return _best(self._units, address)

    def _ranges(self, die: "DIE") -> list[tuple[int, int]]:
        """Return the address ranges of the code of a DIE."""
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            return self._listed_ranges(die)
        if "DW_AT_low_pc" not in attributes or "DW_AT_high_pc" not in attributes:
            return []
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        is_address = high.form == "DW_FORM_addr"
        return [(low, high.value if is_address else low + high.value)]

    def _listed_ranges(self, die: "DIE") -> list[tuple[int, int]]:
        from elftools.dwarf.ranges import BaseAddressEntry

        unit = die.cu
        lists: Any = self._dwarf.range_lists() if self._dwarf else None
        top = unit.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        found = []
        for entry in lists.get_range_list_at_offset(die.attributes["DW_AT_ranges"].value, cu=unit):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            else:
                add = 0 if getattr(entry, "is_absolute", False) else base
                found.append((entry.begin_offset + add, entry.end_offset + add))
        return found

    def _calls(self, offset: int) -> list[tuple[str, str, int, bool]]:
        """Return (function, file and line of the call, is inlined) at `offset`, innermost first."""
        address = offset + self._base
        unit = self._unit(address)
        if unit is None:
            return []
        found: list[tuple[str, str, int, bool]] = []
        scope: DIE | None = unit.get_top_DIE()
        while scope is not None:
            inner = self._child_with(scope, address)
            if inner is not None and inner.tag != "DW_TAG_lexical_block":
                is_inlined = inner.tag == _INLINED
                file = self._file_name(unit, _value(inner, "DW_AT_call_file"))
                line = _value(inner, "DW_AT_call_line") or 0
                found.append((_name(inner), file, line, is_inlined))
            scope = inner
        return found[::-1]

    def _child_with(self, scope: "DIE", address: int) -> "DIE | None":
        children = (child for child in scope.iter_children() if child.tag in _SCOPES)
        ranges = [(*each, child) for child in children for each in self._ranges(child)]
        return _best((each for each in ranges if self._is_linked(each[0], each[2])), address)

    def _is_linked(self, low: int, scope: "DIE") -> bool:
        """Whether a scope at the address `low` is in the image.

        Functions that the linker dropped have the address 0. One that is there has a symbol.
        """
        return bool(low) or scope.tag != _SUBPROGRAM or _name(scope) in self._at_zero

    def _line(self, offset: int, *, has_function: bool = False) -> tuple[str, int]:
        """Return file and line at `offset`, "" and 0 if the line table has no entry.

        A sequence at the address 0 counts only for the code of a function.
        """
        address = offset + self._base
        unit = self._unit(address)
        if unit is None:
            return "", 0
        if unit.cu_offset not in self._lines:
            rows = [*self._rows(unit)]
            linked = [row[:3] for row in rows if row[3]]
            self._lines[unit.cu_offset] = linked, [row[:3] for row in rows]
        linked, every = self._lines[unit.cu_offset]
        found = _best(linked, address) or (has_function and _best(every, address))
        return found or ("", 0)

    def _rows(self, unit: "CompileUnit") -> Iterator[tuple[int, int, tuple[str, int], bool]]:
        """Yield start, end, (file, line) of each code range, and whether it surely was linked."""
        program = self._dwarf.line_program_for_CU(unit) if self._dwarf else None
        names: dict[int, str] = {}
        start, line, is_linked = 0, ("", 0), False
        for entry in program.get_entries() if program else ():
            state = entry.state
            if state is None:
                continue
            if state.file not in names:
                names[state.file] = self._file_name(unit, state.file)
            if state.address > start and line[0]:
                yield start, state.address, line, is_linked
            if not line[0]:
                is_linked = state.address > 0  # a sequence at 0 may be code that the linker dropped
            start = state.address
            line = ("", 0) if state.end_sequence else (names[state.file], state.line)

    def _file_name(self, unit: "CompileUnit", number: int | None) -> str:
        """Return a file of the unit's line table, relative to the source tree if it is inside."""
        program: Any = self._dwarf.line_program_for_CU(unit) if self._dwarf else None
        if program is None or number is None:
            return ""
        is_new = program["version"] >= 5  # noqa: PLR2004 - file numbers start at 0 since DWARF 5
        entry = program["file_entry"][number if is_new else number - 1]
        directories = program["include_directory"]
        directory = directories[entry.dir_index] if is_new else _old_directory(directories, entry)
        path = Path(_text(directory)) / _text(entry.name)
        top = unit.get_top_DIE().attributes
        if "DW_AT_comp_dir" in top and not path.is_absolute():
            path = Path(_text(top["DW_AT_comp_dir"].value)) / path
        return _shown(path, self._root)


def _best(ranges: Iterable[tuple[int, int, Result]], address: int) -> Result | None:
    """Return the item with the range of `address` that starts last, None without one.

    Ranges of code that the linker dropped start at 0.
    """
    found = [(low, item) for low, high, item in ranges if low <= address < high]
    return max(found, key=lambda each: each[0])[1] if found else None


@lru_cache(maxsize=16)
def load(elf: Path, build_id: str, root: Path | None) -> Symbols:  # noqa: ARG001 - cache key
    """Return the symbols of `elf`, cached by path and build-id.

    Raises SymbolsError.
    """
    return Symbols(elf, root)


def _content(elf: Path) -> bytes:
    """Return the content of an ELF file; raises SymbolsError for one that is too large."""
    with elf.open("rb") as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise SymbolsError(f"it has more than {_LARGEST_FILE >> 20} MiB")
    return data


def _check_sections(elf: Any) -> None:  # noqa: ANN401 - of pyelftools
    """Raise SymbolsError for a section that could take any amount of memory."""
    for section in elf.iter_sections():
        is_old = section.name.startswith(".zdebug")  # without its size in the header
        if is_old or (section.compressed and section.data_size > _LARGEST_SECTION):
            raise SymbolsError(f"its section {printable(section.name)[:100]} is compressed")


@lru_cache(maxsize=64)
def _lines_of(path: Path) -> list[str]:
    return path.read_text(errors="backslashreplace").splitlines()


def _shown(path: Path, root: Path | None) -> str:
    """Return the normalized path, relative to `root` if it is below it."""
    import os

    clean = Path(os.path.normpath(path))
    if root and clean.is_relative_to(root):
        clean = clean.relative_to(root)
    return str(clean)


def _old_directory(directories: list[bytes], entry: Any) -> bytes:  # noqa: ANN401 - of pyelftools
    """Return the directory of a file before DWARF 5; index 0 is the compilation directory."""
    return directories[entry.dir_index - 1] if entry.dir_index else b""


def _text(value: bytes | str) -> str:
    return decode(value) if isinstance(value, bytes) else printable(str(value))


def _value(die: "DIE", name: str) -> int | None:
    return die.attributes[name].value if name in die.attributes else None


def _name(die: "DIE") -> str:
    """Return the name of a function, which may be in the DIE of its abstract origin."""
    for _ in range(_MOST_REFERENCES):
        if "DW_AT_name" in die.attributes:
            return _text(die.attributes["DW_AT_name"].value)
        origin = next(
            (
                each
                for each in ("DW_AT_abstract_origin", "DW_AT_specification")
                if each in die.attributes
            ),
            "",
        )
        if not origin:
            break
        die = die.get_DIE_from_attribute(origin)
    return ""
