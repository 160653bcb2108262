# SPDX-License-Identifier: GPL-2.0-or-later
"""Findings: errata with rows, with what runs show of them; as text, JSON and docs/findings.md."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kut_runner.definitions.errata import LINUX, QEMU, Erratum, where
from kut_runner.records.findings import Difference, Record, Seen

#: Changes when a program that reads the old one would misread the new one.
SCHEMA: Final = 1

_QEMU: Final = """# Findings

Differences between emulators and the architecture that rows of the
[conformance suite](conformance.md) show, each ready to be sent upstream.
`kut findings --markdown` writes this page from `configs/errata.toml` and from runs on QEMU
{versions}; [errata.md](errata.md) describes the file.

A finding is reproduced by its command, with `--qemu PATH` for another QEMU than the installed one;
[toolchain.md](commands/toolchain.md#qemus-of-other-releases) has names for those of Debian.
`kut conform --explain ROW` shows the expected outcome with its rule and section. Where the
architecture leaves a choice, a row accepts every alternative.
"""
_LINUX: Final = """# Findings in Linux KVM

Differences between nested virtualization of Linux KVM and the architecture that rows of the
[conformance suite](conformance.md) and the [tests of nested hypervisors](nested.md) show, each
ready to be sent to kvmarm@lists.linux.dev. `kut findings --markdown --program linux` writes this
page from `configs/errata.toml` and from runs in the [lab](lab.md) on Linux {versions}.

A finding is reproduced by its command, with `--target lab@VERSION` for another kernel. The lab is
an emulated machine: what is an error of its emulator is in [findings.md](findings.md). A
finding without a number in the table is shown by its command alone.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """An erratum with rows, and what runs show of it."""

    erratum: Erratum
    seen: Mapping[str, Seen]
    """By version, the oldest first; at least one, if rows show it and not a test."""

    @property
    def newest(self) -> Seen:
        """What the newest version shows that has it."""
        known = self.erratum
        of_test = Seen(0, "", f"expected {known.expected}, found {known.found}")
        return [of_test, *self.seen.values()][-1]

    @property
    def versions(self) -> str:
        """Versions that have it, with the number of rows that fail."""
        return ", ".join(f"{name} ({each.failed} rows)" for name, each in self.seen.items())

    @property
    def outcomes(self) -> Mapping[str, Sequence[str]]:
        """Outcomes at the row of the newest version, with the versions that have each."""
        found: dict[str, list[str]] = {}
        for version, each in self.seen.items():
            if each.row == self.newest.row:
                found.setdefault(each.outcome, []).append(version)
        return found

    @property
    def verdict(self) -> str:
        """Who is wrong."""
        program = where(replace(self.erratum, versions="", cpus=()))
        return self.erratum.verdict or f"error of {program}"

    @property
    def _options(self) -> str:
        return " --target lab" if self.erratum.program == LINUX else ""

    @property
    def facts(self) -> Mapping[str, str]:
        """The facts in their order, without those that it lacks."""
        facts = {"row": self.newest.row}
        for outcome, versions in self.outcomes.items():
            expected, seen = split(outcome)
            facts["expected"] = expected
            facts[f"seen with {', '.join(versions)}"] = seen
        if self.erratum.command:
            facts |= {"expected": self.erratum.expected, "found": self.erratum.found}
        facts |= {
            "reproducer": self.erratum.command or f"kut conform {self.newest.row}{self._options}",
            "rule": self.erratum.rule,
            "verdict": self.verdict,
            "source": self.erratum.source,
            "patch": self.erratum.patch,
            "report": self.erratum.link,
            "effect": self.erratum.effect,
        }
        return {name: text for name, text in facts.items() if text}

    def to_json(self) -> dict[str, Any]:
        """Return the finding for `kut findings --json`."""
        newest, erratum = self.newest, self.erratum
        expected, found = split(newest.outcome)
        return {
            "name": erratum.name,
            "program": erratum.program,
            "versions": {version: each.failed for version, each in self.seen.items()},
            "cpus": list(erratum.cpus),
            "reason": erratum.reason,
            "rule": erratum.rule,
            "verdict": self.verdict,
            "source": erratum.source,
            "patch": erratum.patch,
            "link": erratum.link,
            "row": newest.row,
            "expected": expected,
            "seen": found,
            "rows": list(erratum.rows),
        }


def split(outcome: str) -> tuple[str, str]:
    """Return what was expected and what was found; a machine that died has no expectation."""
    expected, found, seen = outcome.partition(", found ")
    return (expected.removeprefix("expected "), seen) if found else ("", outcome)


def findings(errata: Sequence[Erratum], record: Record, program: str = QEMU) -> list[Finding]:
    """Return the findings in a program, in the order of the errata: of its record or of tests."""
    return [
        Finding(each, record.seen.get(each.name, {}))
        for each in errata
        if each.program == program and (each.name in record.seen or each.command)
    ]


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding."""
    width = max((len(each.erratum.name) for each in found), default=0)
    for each in found:
        yield f"{each.erratum.name:{width}}  {where(each.erratum)}: {each.erratum.reason}"


def details(found: Sequence[Finding]) -> Iterator[str]:
    """Yield everything about findings."""
    for each in found:
        yield each.erratum.name
        yield f"  {each.erratum.reason}"
        facts = {"versions": each.versions, **each.facts}
        width = max(map(len, facts))
        yield from (f"  {name:{width}}  {text}" for name, text in facts.items())


def as_json(found: Sequence[Finding], record: Record) -> dict[str, Any]:
    """Return all findings; docs/commands/findings.md describes the keys."""
    return {
        "schema": SCHEMA,
        "versions": list(record.versions),
        "findings": [each.to_json() for each in found],
    }


def markdown(found: Sequence[Finding], record: Record) -> str:
    """Return docs/findings.md."""
    of_linux = any(each.erratum.program == LINUX for each in found)
    introduction = _LINUX if of_linux else _QEMU
    parts = [introduction.format(versions=_enumerated(record.versions))]
    parts += _overview(found, record)
    parts += [text for each in found for text in _section(each)]
    if len(record.versions) > 1:
        parts += _differences(record)
    return "\n".join(parts)


def _overview(found: Sequence[Finding], record: Record) -> Iterator[str]:
    counts = zip(record.versions, record.verified, strict=True)
    ran = ", ".join(f"{verified:,} on {version}" for version, verified in counts)
    yield f"Rows that ran to a verdict: {ran}."
    yield "Numbers are rows that fail, or at which the machine dies; a row that several findings"
    yield "explain counts for one of them.\n"
    yield f"| finding | {' | '.join(record.versions)} |"
    yield f"|---|{'--:|' * len(record.versions)}"
    for each in found:
        name = each.erratum.name
        numbers = [
            str(each.seen[version].failed) if version in each.seen else ""
            for version in record.versions
        ]
        yield f"| [{name}](#{name}) | {' | '.join(numbers)} |"
    yield ""


def _section(finding: Finding) -> Iterator[str]:
    yield f"## {finding.erratum.name}\n"
    yield f"{_sentence(finding.erratum.reason)}\n"
    yield f"- versions: {finding.versions or where(finding.erratum)}"
    plain = {"rule", "verdict", "source", "patch", "effect"}
    for name, text in finding.facts.items():
        yield f"- {name}: {text if name in plain else _code(text)}"
    yield ""


def _differences(record: Record) -> Iterator[str]:
    count = sum(each.rows for each in record.differences)
    yield f"## Differences between {_enumerated(record.versions)}\n"
    yield f"{count:,} rows that one of these versions passes and another one fails, as"
    yield f"{len(record.differences)} kinds of rows with the same outcomes. Empty: the"
    yield "row did not run, for lack of a feature.\n"
    yield f"| row | rows | {' | '.join(record.versions)} | finding |"
    yield f"|---|--:|{'---|' * len(record.versions)}---|"
    for each in record.differences:
        yield _difference(each)
    yield ""


def _difference(each: Difference) -> str:
    outcomes = ["" if outcome in {"skip", "none"} else outcome for outcome in each.outcomes]
    fields = (f"`{each.row}`", str(each.rows), *outcomes, f"[{each.erratum}](#{each.erratum})")
    return f"| {' | '.join(fields)} |"


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _sentence(text: str) -> str:
    """Return text as a sentence; a name in code or with capitals stays as it is."""
    return f"{text[:1].upper()}{text[1:]}."


def _enumerated(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
