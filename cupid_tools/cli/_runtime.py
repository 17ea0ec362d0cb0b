"""The one place where a tool meets the process: logging, exit codes, signals, ``--report``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from cupid_tools import __version__
from cupid_tools.cli._parser import ToolParser, check_files, described
from cupid_tools.errors import (
    EXIT_CLOSED_PIPE,
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_OUT_OF_MEMORY,
    EXIT_USAGE,
    CupidError,
)

if TYPE_CHECKING:
    from cupid_tools.io.report import Report

LOG_LEVELS = ("debug", "info", "warning", "error")
log = logging.getLogger("cupid_tools")

__all__ = ["LOG_LEVELS", "ToolParser", "log", "run_tool"]

_NO_MEMORY = "out of memory (run it where there is more)"

Run = Callable[[argparse.Namespace, "Report"], None]


def run_tool(parser: ToolParser, run: Run, argv: Sequence[str] | None) -> int:
    """Parse *argv*, run the tool, and turn whatever happens into an exit code.

    Args:
        parser: the tool's own.
        run: does the work; raises ``CupidError`` for what the user can mend.
        argv: arguments without the program's name; None takes those of the process.
    """
    _set_up_logging(parser.prog, "error")
    previous = _raise_on_termination()
    try:
        code = _parse_and_run(parser, run, argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except CupidError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted; no output is half written", EXIT_INTERRUPTED)
    except MemoryError:
        return _fail(_NO_MEMORY, EXIT_OUT_OF_MEMORY)
    except BrokenPipeError:  # the reader of our stdout has left, as ``head`` does: no message
        return EXIT_CLOSED_PIPE
    except OSError as error:
        if _is_shortage(error):
            return _fail(_NO_MEMORY, EXIT_OUT_OF_MEMORY)
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{(error.strerror or str(error)).lower()}", EXIT_FAILURE)
    except Exception as error:
        if _is_shortage(error):
            return _fail(_NO_MEMORY, EXIT_OUT_OF_MEMORY)
        log.debug("traceback", exc_info=True)
        hint = "this is a bug in cupid-tools; --log-level debug shows where, please report it"
        return _fail(f"{type(error).__name__}: {error} ({hint})", EXIT_FAILURE)
    finally:
        _let_go_of_stdout()
        _restore(previous)


def _parse_and_run(parser: ToolParser, run: Run, argv: Sequence[str] | None) -> int:
    try:
        args = parser.read(argv)
    except SystemExit as stop:  # --help, --version, or a mistake that argparse has told
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    _set_up_logging(parser.prog, "error" if args.quiet else args.log_level)
    _run(parser, run, args)
    return EXIT_OK


def _run(parser: ToolParser, run: Run, args: argparse.Namespace) -> None:
    from cupid_tools.io.report import Report, write_dropped

    chosen = parser.chosen(args)
    check_files(chosen, args)
    report = Report()
    run(args, report)
    if getattr(args, "dropped", None):
        write_dropped(args.dropped, report.dropped)
    if args.report:
        settings, inputs = described(chosen, args)
        report.write(args.report, tool=parser.prog, version=__version__, settings=settings, inputs=inputs)


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


def _is_shortage(error: Exception) -> bool:
    """Whether a library could not be loaded for want of memory, which has no exception of its own."""
    return "failed to map segment" in str(error) or "cannot allocate memory" in str(error).lower()


def _fail(message: str, code: int) -> int:
    log.error("%s", " ".join(message.split()))
    return code


def _let_go_of_stdout() -> None:
    """What stdout does not take is not tried again at exit, where Python tells it anew and has a code of its own."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
