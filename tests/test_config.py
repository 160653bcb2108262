# SPDX-License-Identifier: GPL-2.0-or-later
"""Test definitions: valid values, and messages about invalid ones."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kut_runner.definitions import config, fields
from kut_runner.definitions.config import Config, TargetDef, TestDef, VariantDef
from kut_runner.definitions.needs import Accelerator, QemuVersion
from kut_runner.definitions.no_checks import NoChecks
from kut_runner.errors import ConfigError, UsageError

TABLES = "[defaults], [test.NAME], [variant.NAME] and [target.NAME]"


def load(tmp_path: Path, **files: str) -> Config:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return config.load(tmp_path)


def problems(tmp_path: Path, **files: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **files)
    return caught.value.problems


def test_a_table_is_a_test_with_defaults_for_all_it_does_not_say(tmp_path: Path) -> None:
    assert load(tmp_path, tests="[test.stage2]").tests == (
        TestDef(
            name="stage2",
            image="stage2",
            args="",
            smp=1,
            memory=128,
            cpu="max",
            machine=(("virtualization", "on"),),
            groups=(),
            timeout=30.0,
            needs=(),
            qemu_args=(),
            origin=f"{tmp_path.name}/tests.toml",
        ),
    )


def test_every_key_can_be_given(tmp_path: Path) -> None:
    (test,) = load(
        tmp_path,
        tests="""
        [test.all]
        image = "stage2"
        args = "demand pages=8"
        smp = 4
        memory = 512
        cpu = "max,sve=off"
        machine = { virtualization = true, gic-version = 3, mte = "off" }
        groups = ["stage2", "nodefault"]
        timeout = 2
        needs = ["qemu>=8.0"]
        qemu_args = ["-icount", "shift=0", "-machine", "gic-version=3"]
        accel = "tcg,thread=single"
        threads = "single"
        no_checks = "pass"
        """,
    ).tests
    assert (test.image, test.args, test.smp, test.memory) == ("stage2", "demand pages=8", 4, 512)
    assert test.cpu == "max,sve=off"
    assert test.machine == (("virtualization", "on"), ("gic-version", "3"), ("mte", "off"))
    assert test.groups == ("stage2", "nodefault")
    assert (test.timeout, test.needs) == (2.0, (QemuVersion((8, 0)),))
    assert test.qemu_args == ("-icount", "shift=0", "-machine", "gic-version=3")
    assert test.accelerator == Accelerator("tcg", "thread=single")
    assert test.threads == "single"
    assert test.no_checks is NoChecks.PASS


def test_defaults_hold_for_the_tests_of_their_file_only(tmp_path: Path) -> None:
    tests = load(
        tmp_path,
        a='[defaults]\nsmp = 2\nimage = "common"\n[test.a1]\n[test.a2]\nsmp = 3',
        b="[test.b1]",
    ).tests
    assert [(test.name, test.image, test.smp) for test in tests] == [
        ("a1", "common", 2),
        ("a2", "common", 3),
        ("b1", "b1", 1),
    ]


def test_a_test_is_migrated_or_panics(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[test.t]\nimage = 'a'\nmigration = true\npanic = true\n")
    with pytest.raises(ConfigError, match="migration and panic exclude each other"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("smp = 0", "smp: 0 is not valid; give a number of CPUs, 1 to 512"),
        ("smp = true", "smp: True is not valid; give a number of CPUs, 1 to 512"),
        ('smp = "2"', "smp: '2' is not valid; give a number of CPUs, 1 to 512"),
        ("memory = 8", "memory: 8 is not valid; give a number of MiB, 16 to 1048576"),
        ("migration = 1", "migration: 1 is not valid; give true or false"),
        ("threads = 1", 'threads: 1 is not valid; give "single" or "multi"'),
        ('threads = "one"', 'threads: \'one\' is not valid; give "single" or "multi"'),
        ('panic = "yes"', "panic: 'yes' is not valid; give true or false"),
        ("timeout = 0", "timeout: 0 is not valid; give a number of seconds, above 0 and up to 864"),
        ("timeout = nan", "timeout: nan is not valid; give a number of seconds"),
        ("timeout = inf", "timeout: inf is not valid; give a number of seconds"),
        ('args = "a\\u0000b"', "args: 'a\\x00b' is not valid; give a string without control"),
        ('image = "../x"', "image: '../x' is not valid; give the name of a source under arm/"),
        ('image = ""', "image: '' is not valid; give the name of a source under arm/"),
        ('cpu = ""', "cpu: '' is not valid; give a CPU model"),
        ('groups = "one"', "groups: 'one' is not valid; give a list of names"),
        ('groups = ["a b"]', "groups: ['a b'] is not valid; give a list of names"),
        ('needs = ["qemu>8"]', "needs: ['qemu>8'] is not valid; give a list such as"),
        ('machine = "virt"', "machine: 'virt' is not valid; give a table of properties"),
        ('machine = { a = "b,c" }', "machine: {'a': 'b,c'} is not valid; give a table"),
        ('machine = { "a,b" = 1 }', "machine: {'a,b': 1} is not valid; give a table"),
        ('qemu_args = [""]', "qemu_args: [''] is not valid; give a list of options"),
        ("qemu_args = [1]", "qemu_args: [1] is not valid; give a list of options"),
        (
            'qemu_args = ["-accel", "kvm"]',
            "qemu_args: -accel may choose the accelerator; use",
        ),
        ('qemu_args = ["--accel=kvm"]', "qemu_args: --accel=kvm may choose the accelerator; use"),
        ('qemu_args = ["-m", "64", "-enable-kvm"]', "qemu_args: -enable-kvm may choose the acc"),
        ('qemu_args = ["-machine", "accel=kvm"]', "qemu_args: -machine accel=kvm may choose the"),
        ('qemu_args = ["-M", "virt,accel=kvm"]', "qemu_args: -M virt,accel=kvm may choose the"),
        (
            'machine = { accel = "kvm" }',
            "machine: the property accel may choose the accelerator",
        ),
        ('accel = "kvm,accel=tcg"', "accel: 'kvm,accel=tcg' is not valid; give an accelerator"),
        ('qemu_args = ["-readconfig", "x"]', "qemu_args: -readconfig may choose the accelerator"),
        ('no_checks = "skip"', 'no_checks: \'skip\' is not valid; give "fail" or "pass"'),
        ("no_checks = true", "no_checks: True is not valid; give"),
        ('accel = "hvf"', "accel: 'hvf' is not valid; give an accelerator, as in"),
        ('accel = "tcg,thread"', "accel: 'tcg,thread' is not valid; give an accelerator, as in"),
        ("accel = true", "accel: True is not valid; give an accelerator, as in"),
        ("timout = 1", 'timout: unknown key; did you mean "timeout"?'),
        ("xyzzy = 1", "xyzzy: unknown key; the keys are image, args, smp, memory, cpu,"),
        ('"a\\nb" = 1', "'a\\nb': unknown key; the keys are"),
    ],
)
def test_a_bad_value_is_named_with_file_key_and_fix(
    tmp_path: Path, line: str, problem: str
) -> None:
    for table in ("test.x", "defaults"):
        (found,) = problems(tmp_path, tests=f"[{table}]\n{line}\n[test.y]")
        assert found.startswith(f"{tmp_path.name}/tests.toml: {table}.{problem}")
        assert len(found.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[test.a]\n[test.a]", "not TOML: Cannot declare ('test', 'a') twice (at line 2, col"),
        ("smp 2", "not TOML: Expected '=' after a key in a key/value pair (at line 1, column 5)"),
        ("a = " + "[" * 100_000, "not TOML: "),
        ("a = " + "9" * 10_000, "not TOML: "),
        ("test = 3", "test: expected tables [test.NAME]"),
        ("[test]\na = 3", "test.a: expected a table of keys"),
        ("defaults = 3", "defaults: expected a table of keys"),
        (
            "[tset.a]",
            f"tset: unknown table; a file holds {TABLES}",
        ),
        ('[test."a*"]', "test.'a*': bad name; use letters, digits and"),
        ('[test.""]', "test.'': bad name; use letters, digits and"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, tests=text)
    assert found.startswith(f"{tmp_path.name}/tests.toml: {problem}")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path, a="[test.x]\nsmp = 0\nmemory = 0\n[test.y]\ncpu = 1", b="[test.z]\nfoo = 1"
    )
    keys = [problem.split(": ")[1] for problem in found]
    assert keys == ["test.x.smp", "test.x.memory", "test.y.cpu", "test.z.foo"]


def test_an_image_without_source_is_one_problem_of_all(tmp_path: Path) -> None:
    (tmp_path / "arm").mkdir()
    (tmp_path / "arm/there.c").touch()
    (tmp_path / "a.toml").write_text(
        '[test.there]\n[test.gone]\n[test.x]\nimage = "there"\nsmp = 0\n'
        '[test.y]\nimage = "lost"\nsmp = 0\n[test.z]\nimage = 3'
    )
    (tmp_path / "b.toml").write_text('[defaults]\nimage = "none"\n[test.b1]\n[test.b2]')
    (tmp_path / "c.toml").write_text("[defaults]\nimage = 3\n[test.c]")
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path, tmp_path / "arm")
    assert [problem.split("; ")[0].partition("/")[2] for problem in caught.value.problems] == [
        "a.toml: test.gone.image: arm/gone.c does not exist",
        "a.toml: test.x.smp: 0 is not valid",
        "a.toml: test.y.smp: 0 is not valid",
        "a.toml: test.y.image: arm/lost.c does not exist",
        "a.toml: test.z.image: 3 is not valid",
        "b.toml: defaults.image: arm/none.c does not exist",
        "c.toml: defaults.image: 3 is not valid",
    ]


def test_a_name_in_two_files_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, a="[test.x]", b="[test.x]")
    where = tmp_path.name
    assert found == f"{where}/b.toml: test.x: also defined in {where}/a.toml; rename one of them"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    (tmp_path / "b.toml").write_bytes(b"# \xff")
    found = problems(tmp_path)
    assert found[0] == f"{tmp_path.name}/a.toml: cannot be read: Is a directory"
    assert found[1] == f"{tmp_path.name}/b.toml: not UTF-8 at byte 2; save the file as UTF-8"


def test_a_directory_without_definitions_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path)
    assert found == f"{tmp_path}: no test definitions (*.toml); add a file tests.toml"


def test_a_variant_is_a_table_of_flags(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        tests="[test.x]",
        variants="""
        [variant.plain]
        about = "nothing"
        [variant.all]
        about = "every key"
        compile = ["-O0", "-g3"]
        compile-gcc = ["-fg"]
        compile-clang = ["-fc"]
        link = ["-z", "now"]
        """,
    )
    origin = f"{tmp_path.name}/variants.toml"
    assert [test.name for test in loaded.tests] == ["x"]
    assert loaded.variants == (
        VariantDef("plain", "nothing", (), (), (), (), origin),
        VariantDef("all", "every key", ("-O0", "-g3"), ("-fg",), ("-fc",), ("-z", "now"), origin),
    )


def test_all_problems_of_variants_are_told_with_those_of_tests(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        a='[test.x]\nsmp = 0\n[variant.v]\nabout = "a"',
        b='[variant.v]\nabout = ""\ncompile = "-O0"\nlnk = []\n[variant."a b"]\n[variant.w]\n'
        'link = [""]',
        c="variant = 3",
        d='[variant.v]\nabout = "b"',
    )
    assert [problem.partition("/")[2] for problem in found] == [
        "a.toml: test.x.smp: 0 is not valid; give a number of CPUs, 1 to 512",
        "b.toml: variant.v.about: '' is not valid; give a description of the purpose",
        "b.toml: variant.v.compile: '-O0' is not valid; give a list of flags, as in [\"-O0\"]",
        'b.toml: variant.v.lnk: unknown key; did you mean "link"?',
        "b.toml: variant.'a b': bad name; use letters, digits and _ . + -, at most 100",
        "b.toml: variant.w.link: [''] is not valid; give a list of flags, as in [\"-O0\"]",
        "b.toml: variant.w.about: missing; describe the purpose of the variant",
        "c.toml: variant: expected tables [variant.NAME]",
        f"d.toml: variant.v: also defined in {tmp_path.name}/a.toml; rename one of them",
    ]


def test_the_root_is_found_from_below(tree: Path) -> None:
    assert config.find_root(tree) == tree
    assert config.find_root(tree / "lib/arm64") == tree


def test_outside_a_tree_the_way_in_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not inside a kut source tree") as caught:
        config.find_root(tmp_path)
    assert "--root" in caught.value.hint


def toml(document: dict[str, Any]) -> str:
    return "\n".join(f"{text(key)} = {value(item)}" for key, item in document.items())


def text(content: str) -> str:
    return json.dumps(content, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(item: object) -> str:
    match item:
        case dict():
            return (
                f"{{ {', '.join(f'{text(key)} = {value(each)}' for key, each in item.items())} }}"
            )
        case list():
            return f"[{', '.join(map(value, item))}]"
        case str():
            return text(item)
        case _:
            return str(item).lower()


WORDS = st.one_of(
    st.sampled_from(["defaults", "test", "x", *fields.TEST_FIELDS]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)


def load_or_refuse(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "tests.toml").write_bytes(content)
        try:
            found: tuple[object, ...] = config.load(Path(directory)).tests
        except ConfigError as error:
            found = error.problems
    assert isinstance(found, tuple)
    for each in found:
        assert isinstance(each, TestDef) or (isinstance(each, str) and each.isprintable())


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_no_document_gives_anything_but_tests_or_problems(document: dict[str, Any]) -> None:
    load_or_refuse(toml(document).encode())


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_no_table_of_a_test_gives_anything_but_tests_or_problems(table: dict[str, Any]) -> None:
    load_or_refuse(toml({"test": {"x": table}, "defaults": table}).encode())


@given(st.binary(max_size=64))
def test_no_bytes_give_anything_but_tests_or_problems(content: bytes) -> None:
    load_or_refuse(content)


def test_a_table_is_a_target_with_defaults_for_all_it_does_not_say(tmp_path: Path) -> None:
    loaded = load(tmp_path, t="[test.x]\n[target.vmm]\ncommand = ['vmm', '{image}']")
    assert loaded.targets == (
        TargetDef(
            name="vmm",
            command=("vmm", "{image}"),
            provides=(),
            timeout_factor=1.0,
            version=(),
            dtb="",
            origin=f"{tmp_path.name}/t.toml",
        ),
    )


def test_every_key_of_a_target_can_be_given(tmp_path: Path) -> None:
    (target,) = load(
        tmp_path,
        t="""
        [test.x]
        [target.vmm]
        command = [
            "vmm", "--kernel={image}", "-v{virtualization}", "{elf}", "{args}", "{smp}{memory}",
            "{dtb}", "{{}}",
        ]
        provides = ["el2", "gicv2", "gicv3", "gicv4"]
        timeout_factor = 100
        version = ["vmm", "--version"]
        dtb = "board.dtb"
        """,
    ).targets
    assert target.command[-1] == "{{}}"
    assert target.provides == ("el2", "gicv2", "gicv3", "gicv4")
    assert (target.timeout_factor, target.version) == (100.0, ("vmm", "--version"))
    assert target.dtb == "board.dtb"


IMAGE = "command = ['v', '{image}']"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "command: missing; give the program and its arguments"),
        ("command = 'vmm {image}'", "command: 'vmm {image}' is not valid; give a list, as in"),
        ("command = ['v']", "command: the image is missing; pass {image} (flat) or {elf} to the"),
        ("command = ['v', '{args}']", "command: the image is missing; pass {image} (flat) or"),
        (
            "command = ['v', '{image}', '{kernel}']",
            "command: {kernel} is not a placeholder; these are {image}, {elf}, {args}, {smp}, {me",
        ),
        ("command = ['v', '{image!r}']", "command: {image!r} is not a placeholder; these are"),
        ("command = ['v', '{image:>9}']", "command: {image:>9} is not a placeholder; these are"),
        ("command = ['v', '{image.name}']", "command: {image.name} is not a placeholder; these"),
        ("command = ['v', '{image}', '{}']", "command: {} is not a placeholder; these are"),
        ("command = ['v', '{image}', '{']", "command: '{': Single '{' encountered in format"),
        ("command = ['v', '{image}', '}']", "command: '}': Single '}' encountered in format"),
        ("command = ['v', '{image}', '']", "command: ['v', '{image}', ''] is not valid; give a"),
        ("command = ['v', '{image}', '{dtb}']", "dtb: missing, and command has {dtb}; give its"),
        (f"{IMAGE}\nprovides = ['el3']", "provides: ['el3'] is not valid; give a list of el2, g"),
        (f"{IMAGE}\nprovides = 'el2'", "provides: 'el2' is not valid; give a list of el2, gicv2"),
        (f"{IMAGE}\ntimeout_factor = 0", "timeout_factor: 0 is not valid; give a number above 0"),
        (f"{IMAGE}\ntimeout_factor = inf", "timeout_factor: inf is not valid; give a number abo"),
        (f"{IMAGE}\ntimeout_factor = nan", "timeout_factor: nan is not valid; give a number abo"),
        (f"{IMAGE}\ntimeout_factor = true", "timeout_factor: True is not valid; give a number"),
        (f"{IMAGE}\nversion = 'v'", "version: 'v' is not valid; give a command, as in"),
        (f"{IMAGE}\ndtb = 3", "dtb: 3 is not valid; give the path of a device tree blob"),
        (f"{IMAGE}\ntimout_factor = 1", 'timout_factor: unknown key; did you mean "timeout_fac'),
    ],
)
def test_a_bad_value_of_a_target_is_named_with_file_key_and_fix(
    tmp_path: Path, lines: str, problem: str
) -> None:
    (found,) = problems(tmp_path, t=f"[test.x]\n[target.vmm]\n{lines}")
    assert found.startswith(f"{tmp_path.name}/t.toml: target.vmm.{problem}")
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize("name", ["tcg", "kvm"])
def test_a_target_of_kut_itself_cannot_be_defined(tmp_path: Path, name: str) -> None:
    (found,) = problems(tmp_path, t=f"[test.x]\n[target.{name}]\n{IMAGE}")
    assert "the name of a built-in target; choose another one" in found


def test_a_target_that_two_files_define(tmp_path: Path) -> None:
    a, b = (f"[test.{x}]\n[target.vmm]\n{IMAGE}" for x in "xy")
    (found,) = problems(tmp_path, a=a, b=b)
    assert found.endswith(f"target.vmm: also defined in {tmp_path.name}/a.toml; rename one of them")


@given(st.dictionaries(st.sampled_from([*fields.TARGET_FIELDS, "x"]), VALUES, max_size=4))
def test_no_table_of_a_target_gives_anything_but_targets_or_problems(table: dict[str, Any]) -> None:
    load_or_refuse(toml({"test": {"x": {}}, "target": {"v": table}}).encode())
