"""The one place where options meet the process: parsing, logging, exit codes, signals, ``--report``."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from cupid_tools import __version__
from cupid_tools.errors import (
    EXIT_CLOSED_PIPE,
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_OUT_OF_MEMORY,
    EXIT_USAGE,
    CupidError,
    UsageError,
)

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

LOG_LEVELS = ("debug", "info", "warning", "error")
log = logging.getLogger("cupid_tools")

Run = Callable[[argparse.Namespace, "Report"], None]


class ToolParser(argparse.ArgumentParser):
    """A parser that knows which of its options are files.

    Attributes:
        inputs: names of the options that are read.
        outputs: names of the options that are written.
        folders: those of *outputs* that are folders.
    """

    def __init__(self, prog: str, description: str, **options: Any) -> None:
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=_HelpFormatter, **options
        )
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.folders: list[str] = []

    def error(self, message: str) -> NoReturn:
        """Print the usage and one ERROR line, and exit 2."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: ERROR: {message}\n")


class _HelpFormatter(argparse.HelpFormatter):
    """Help as wide as the terminal up to 100 columns, descriptions kept in paragraphs."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=min(100, _terminal_width()))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.strip().split("\n\n")
        return "\n\n".join(super(_HelpFormatter, self)._fill_text(part, width, indent) for part in paragraphs)


def _terminal_width() -> int:
    try:
        return os.get_terminal_size().columns - 2
    except OSError:
        return 100


def run_tool(parser: ToolParser, run: Run, argv: Sequence[str] | None) -> int:
    """Parse *argv*, run the tool, and turn whatever happens into an exit code.

    Args:
        parser: the tool's own.
        run: does the work; raises ``CupidError`` for what the user can mend.
        argv: arguments without the program's name; None takes those of the process.
    """
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # --help, --version, or a mistake that argparse has told
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    _set_up_logging(parser.prog, "error" if args.quiet else args.log_level)
    previous = _raise_on_termination()
    try:
        _run(parser, run, args)
        sys.stdout.flush()
        return EXIT_OK
    except CupidError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; outputs are as they were before", EXIT_INTERRUPTED)
    except MemoryError:
        return _fail("out of memory (run it where there is more)", EXIT_OUT_OF_MEMORY)
    except BrokenPipeError:
        return _close_quietly()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _close_quietly()
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{(error.strerror or str(error)).lower()}", EXIT_FAILURE)
    except Exception as error:
        log.debug("traceback", exc_info=True)
        hint = "this is a bug in cupid-tools; --log-level debug shows where, please report it"
        return _fail(f"{type(error).__name__}: {error} ({hint})", EXIT_FAILURE)
    finally:
        _restore(previous)


def _run(parser: ToolParser, run: Run, args: argparse.Namespace) -> None:
    from cupid_tools.io.report import Report, write_dropped

    _check_files(parser, args)
    report = Report()
    run(args, report)
    if getattr(args, "dropped", None):
        write_dropped(args.dropped, report.dropped)
    if args.report:
        from cupid_tools.io.streams import input_digest

        files = {*parser.inputs, *parser.outputs, "report", "quiet", "log_level"}
        settings = {name: value for name, value in sorted(vars(args).items()) if name not in files}
        inputs = {name: [input_digest(path) for path in _paths(args, name)] for name in sorted(parser.inputs)}
        report.write(args.report, tool=parser.prog, version=__version__, settings=settings, inputs=inputs)


def _paths(args: argparse.Namespace, name: str) -> list[str]:
    value = getattr(args, name)
    return [value] if isinstance(value, str) else list(value or [])


def _check_files(parser: ToolParser, args: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written, or that would replace an input or each other."""
    from cupid_tools.io.atomic import check_writable

    read = [path for name in parser.inputs for path in _with_tables(_paths(args, name))]
    written = [(name, path) for name in parser.outputs for path in _with_tables(_paths(args, name))]
    if read.count("-") > 1:
        raise UsageError("stdin can be read only once (give a file for all but one input)")
    if [path for _, path in written].count("-") > 1:
        raise UsageError("stdout can be written only once (give a file for all but one output)")
    taken = {os.path.realpath(path) for path in read if path != "-"}
    for name, path in written:
        if path == "-" or (Path(path).exists() and not Path(path).is_file() and name not in parser.folders):
            check_writable(path)
            continue
        if os.path.realpath(path) in taken:
            raise UsageError(f"{path} is named twice (an output must be a file of its own)")
        taken.add(os.path.realpath(path))
        if name not in parser.folders:
            check_writable(path)


def _with_tables(paths: list[str]) -> list[str]:
    """An embedding store NAME.npy is two files: its table NAME.tsv is read or written with it."""
    return paths + [str(Path(path).with_suffix(".tsv")) for path in paths if path.endswith(".npy")]


def _set_up_logging(prog: str, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogFormatter(prog))
    log.handlers[:] = [handler]
    log.setLevel(level.upper())
    log.propagate = False


class _LogFormatter(logging.Formatter):
    """``tool: message``, with the level in capitals from WARNING upwards."""

    def __init__(self, prog: str) -> None:
        super().__init__()
        self._prog = prog

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname}: " if record.levelno >= logging.WARNING else ""
        text = f"{self._prog}: {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _fail(message: str, code: int) -> int:
    log.error("%s", " ".join(message.split()))
    return code


def _close_quietly() -> int:
    """The reader of our stdout has left, as ``head`` does: no message, and no second try at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_CLOSED_PIPE


def _raise_on_termination() -> Any:
    """Let SIGTERM, as schedulers send it, end the run like Ctrl-C, so that half-written files are removed."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        return signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread, where no signal arrives
        return None


def _restore(previous: Any) -> None:
    if previous is not None:
        signal.signal(signal.SIGTERM, previous)
