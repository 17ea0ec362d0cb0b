"""The command line of a tool: a parser that knows its files, and what is refused before any work."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cupid_tools.errors import EXIT_USAGE, UsageError


class ToolParser(argparse.ArgumentParser):
    """A parser that knows which of its options are files.

    Attributes:
        inputs: names of the options that are read.
        outputs: names of the options that are written.
        folders: those of *outputs* that are folders.
        places: names of the options that are folders to look into; a report does not tell them.
        commands: the parsers of subcommands by name; empty for most tools.
    """

    def __init__(self, prog: str, description: str, **options: Any) -> None:
        super().__init__(
            prog=prog, description=description, allow_abbrev=False, formatter_class=_HelpFormatter, **options
        )
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.folders: list[str] = []
        self.places: list[str] = []
        self.commands: dict[str, ToolParser] = {}

    def add_commands(self, summaries: Mapping[str, str]) -> None:
        """Add a subcommand for each name with its one-clause summary; ``args.command`` is the chosen name."""
        group = self.add_subparsers(
            title="commands", dest="command", metavar="COMMAND", required=True, help="each has its own --help"
        )
        for name, summary in summaries.items():
            self.commands[name] = group.add_parser(
                name, prog=f"{self.prog} {name}", description=f"{summary.capitalize()}.", help=summary
            )

    def chosen(self, args: argparse.Namespace) -> ToolParser:
        """The parser of the subcommand that was given, or this one where there are none."""
        return self.commands[args.command] if self.commands else self

    def read(self, argv: Sequence[str] | None) -> argparse.Namespace:
        """Parse *argv*; options may stand between positional arguments, as in ``RECIPE -o FOLDER PAIRS``."""
        return self.parse_args(argv) if self.commands else self.parse_intermixed_args(argv)

    def error(self, message: str) -> NoReturn:
        """Print the usage and one ERROR line, and exit 2."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog.partition(' ')[0]}: ERROR: {message}\n")


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


def check_files(parser: ToolParser, args: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written, or that would replace an input or each other.

    Raises:
        UsageError: a value is empty, a file is named twice, or one lies in a folder that is written.
        CupidError: an output cannot be written.
    """
    from cupid_tools.io.atomic import check_writable, is_stream
    from cupid_tools.io.streams import STDIN

    _check_values(args)
    read = [path for name in parser.inputs for path in _files(args, name)]
    written = [path for name in parser.outputs for path in _files(args, name)]
    folders = [path for name in parser.folders for path in _files(args, name)]
    _check_standard_streams(read, written, folders)
    taken = {os.path.realpath(path) for path in read if path != STDIN}
    for path in (path for path in written if not is_stream(path)):  # /dev/null may well be named twice
        if path not in folders:
            check_writable(path)
        if os.path.realpath(path) in taken:
            raise UsageError(f"{path} is named twice", hint="an output must be a file of its own")
        taken.add(os.path.realpath(path))
    for folder in map(os.path.realpath, folders):
        for path in taken - {folder}:
            if Path(path).is_relative_to(folder):
                raise UsageError(f"{path} lies in the folder {folder}, which is written", hint="name another folder")


def _check_values(args: argparse.Namespace) -> None:
    for name, value in vars(args).items():
        if value == "":  # as of an unset variable, which must not change what is done
            raise UsageError(f"--{name.replace('_', '-')} is empty", hint="give a value, or leave it out")


def _check_standard_streams(read: list[str], written: list[str], folders: list[str]) -> None:
    from cupid_tools.io.atomic import STDOUT
    from cupid_tools.io.streams import STDIN

    if read.count(STDIN) > 1:
        raise UsageError("stdin can be read only once", hint="give a file for all but one input")
    if written.count(STDOUT) > 1:
        raise UsageError("stdout can be written only once", hint="give a file for all but one output")
    if STDOUT in folders:
        raise UsageError("a folder cannot be written to stdout", hint="name the folder")


def described(parser: ToolParser, args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[str | None]]]:
    """What ``--report`` says of the command line: settings by name, and the SHA-256 of inputs by option; no path."""
    from cupid_tools.io.streams import STDIN, input_digest

    digests: dict[str, list[str | None]] = {}
    untold = {*parser.outputs, *parser.places, "quiet", "log_level"}
    for name in sorted(parser.inputs):
        files = [path for path in _files(args, name) if path == STDIN or Path(path).exists()]
        if files or getattr(args, name) is None:  # else it is a name, such as that of a published recipe
            digests[name] = [input_digest(path) for path in files]
            untold.add(name)
    return {name: value for name, value in sorted(vars(args).items()) if name not in untold}, digests


def _files(args: argparse.Namespace, name: str) -> list[str]:
    """The files that an option names; an embedding store is two, its vectors and its table, or more."""
    value = getattr(args, name)
    paths = [value] if isinstance(value, str) else list(value or [])
    stores = [path for path in paths if path.endswith(".npy")]
    if stores:
        from cupid_tools.io.store import files_of_store, table_path

        for path in stores:
            paths += [str(file) for file in (table_path(path), *files_of_store(path)) if file != Path(path)]
    return paths
