# SPDX-License-Identifier: GPL-2.0-or-later
"""pytest plugin that runs tests of kut: `pytest --kut-config configs/`.

Each test is an item that boots its image. Its checks are known only afterwards; each is reported
like an item, as `configs/tests.toml::stage2::MESSAGE`. It works with xdist, where each worker boots
its own images. Without --kut-config the plugin does nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from kut_runner.errors import ExitCode, KutError
from kut_runner.verdict.status import Status

if TYPE_CHECKING:
    from kut_runner.definitions.config import TestDef
    from kut_runner.records.store import RunDirectory
    from kut_runner.run.workspace import Workspace
    from kut_runner.targets.protocol import Target
    from kut_runner.verdict.events import Check
    from kut_runner.verdict.result import TestResult

#: Reasons of expected failures.
_EXPECTED: Final = {Status.XFAIL: "failed as expected", Status.KFAIL: "known to fail"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("kut", "kut tests, which boot images in QEMU")
    group.addoption(
        "--kut-config",
        metavar="PATH",
        type=Path,
        help="collect the tests of this file, or of all *.toml files in this directory",
    )
    group.addoption("--kut-qemu", metavar="PATH", help="QEMU to use")
    group.addoption(
        "--kut-compiler", choices=["gcc", "clang"], default="gcc", help="compiler to build with"
    )
    group.addoption("--kut-variant", metavar="NAME", help="variant of the build")


def pytest_configure(config: pytest.Config) -> None:
    """Load the definitions of --kut-config, and register the plugin for them."""
    path = config.getoption("--kut-config")
    if path is None:
        return
    path = (config.invocation_params.dir / path).resolve()
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files or not path.exists():
        raise pytest.UsageError(f"--kut-config {path}: no test definitions (*.toml)")
    try:
        session = _Session(config, files)
    except KutError as error:
        raise pytest.UsageError(f"{error.message}\n{error.hint}".strip()) from None
    config.pluginmanager.register(session, "kut-session")


class _Session:
    """State shared by all items of a process: workspace, target, directory of the run."""

    def __init__(self, config: pytest.Config, files: list[Path]) -> None:
        from kut_runner.definitions import config as definitions
        from kut_runner.run import workspace as workspaces

        root = definitions.find_root(files[0].parent)
        self.workspace: Workspace = workspaces.of_tree(
            root, config.getoption("--kut-compiler"), config.getoption("--kut-variant")
        )
        self.target: Target = self.workspace.target(qemu=config.getoption("--kut-qemu"))
        self.files = {file: f"{file.parent.name}/{file.name}" for file in files}
        self._is_worker = hasattr(config, "workerinput")
        self._exit_stack = ExitStack()
        self._run: RunDirectory | None = None
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = []
        named = {argument.partition("::")[0] for argument in config.args}
        if not named & {str(file) for file in files} and not any("::" in a for a in config.args):
            config.args += [str(file) for file in files if str(file) not in config.args]

    @property
    def log_dir(self) -> Path:
        """The directory of the run, created on first use."""
        if not self._run:
            self._run = self._exit_stack.enter_context(self.workspace.begin_run())
        return self._run.path

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> "_File | None":
        """Collect the files with definitions."""
        if file_path in self.files:
            return _File.from_parent(parent, path=file_path, kut=self)
        return None

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselect tests of group "nodefault" unless they are named."""
        from kut_runner.definitions.config import NODEFAULT

        named = {argument.split("::")[1] for argument in config.args if "::" in argument}
        left_out = [
            item
            for item in items
            if isinstance(item, _Item)
            and NODEFAULT in item.test.groups
            and item.test.name not in named
        ]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Report the checks of a test after the test, when output is not captured."""
        done = yield
        if isinstance(item, _Item):
            item.report_checks()
        return done

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Disable the percentage, as the number of checks is not known."""
        if reporter := session.config.pluginmanager.get_plugin("terminalreporter"):
            reporter._show_progress_info = False  # noqa: SLF001 - pytest has no option for it

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Append the check to the node ID; not on a worker, whose reports must name the item."""
        check = getattr(report, "kut_check", "")
        if check and not self._is_worker and not report.nodeid.endswith(check):
            report.nodeid = f"{report.nodeid}::{check}"

    def pytest_unconfigure(self) -> None:
        """Close the directory of the run."""
        self._exit_stack.close()

    def run(self, test: "TestDef") -> "TestResult":
        """Build and boot the image of a test; raises KutError and KeyboardInterrupt."""
        from kut_runner.run import bench
        from kut_runner.run.execute import execute
        from kut_runner.run.options import RunOptions

        collector = bench.Collector()
        code = execute(
            self.workspace,
            lambda: self.workspace.cases([test], self.target),
            RunOptions(),
            lambda *_: [collector],
            metadata=self.workspace.metadata(self.target),
            log_dir=self.log_dir,
        )
        if code is ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        return collector.results[0]


class _File(pytest.File):
    """File with definitions."""

    def __init__(self, *, kut: _Session, **others: Any) -> None:  # noqa: ANN401 - of pytest
        super().__init__(**others)
        self.kut = kut

    def collect(self) -> Iterator["_Item"]:
        """Yield the tests of this file."""
        for test in self.kut.workspace.definitions.tests:
            if test.origin == self.kut.files[self.path]:
                yield _Item.from_parent(self, name=test.name, kut=self.kut, test=test)


class _Item(pytest.Item):
    """Test, which passes when all its checks pass."""

    def __init__(self, *, kut: _Session, test: "TestDef", **others: Any) -> None:  # noqa: ANN401
        super().__init__(**others)
        self.kut = kut
        self.test = test
        self.checks: tuple[Check, ...] = ()
        for group in test.groups:
            self.config.addinivalue_line("markers", f"{group}: a group of kut's tests")
            self.add_marker(group)

    def runtest(self) -> None:
        """Boot the image, keep its checks, and raise for a failure or a skip."""
        result = self.kut.run(self.test)
        self.checks = result.output.checks
        self.user_properties += [
            ("status", result.status.value),
            ("qemu", result.version),
            ("log", result.log),
        ]
        if result.status is Status.SKIP:
            pytest.skip(result.verdict.reason)
        if result.status.is_failure:
            raise _Failed(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: object) -> Any:  # noqa: ANN401
        """Return the report of kut for a failed test or an error of kut."""
        error = excinfo.value
        if isinstance(error, _Failed):
            return _terminal_report(error.result)
        if isinstance(error, KutError):
            return f"{error.message}\n{error.hint}".strip()
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return the file of the definition, and a headline for failures."""
        return self.path, None, f"kut: {self.test.name}"

    def report_checks(self) -> None:
        """Report each check by its text, followed by a number if the text is not unique."""
        seen: dict[str, int] = {}
        for check in self.checks:
            count = seen[check.text] = seen.get(check.text, 0) + 1
            name = check.text if count == 1 else f"{check.text} #{count}"
            self.ihook.pytest_runtest_logreport(report=self._report(check, name))

    def _report(self, check: "Check", name: str) -> pytest.TestReport:
        report = pytest.TestReport(
            nodeid=self.nodeid,
            location=self.location,
            keywords={},
            outcome="passed",
            longrepr=None,
            when="call",
            kut_check=name,
        )
        if check.status.is_failure:
            report.outcome, report.longrepr = "failed", "\n".join(check.lines)
        elif check.status is not Status.PASS:
            report.outcome, report.longrepr = "skipped", (str(self.path), 0, check.line)
        if reason := _EXPECTED.get(check.status):
            report.wasxfail = reason
        return report


@dataclass
class _Failed(Exception):  # noqa: N818 - a test failure rather than an error
    """A test that failed."""

    result: "TestResult"


def _terminal_report(result: "TestResult") -> str:
    """Return the lines that `kut run` prints for a result."""
    from kut_runner.views.report_terminal import Terminal

    stream = StringIO()
    Terminal(stream=stream).on_result(result)
    return stream.getvalue().rstrip()
