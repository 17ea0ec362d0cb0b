"""What users may tell the programs: presets, and arguments of their own.

Arguments are taken apart as the program itself would do it; IntaRNA's are seen to in its own module. Only
those that are known to change nothing but energies pass: whatever selects, adds or drops results, or reads and writes
files, would make an answer mean something else. Options with their values are dicts, in the order in which they are
given; a flag has an empty value.
"""

from __future__ import annotations

import getopt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import UsageError
from cupid_tools.io.streams import file_digest

INTEGER = r"0|[1-9][0-9]*"
"""Without leading zeros, which some programs take for octal."""
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)"
FLAG = ""
"""Pattern of an option that takes no value."""
FILE = r".+"
"""Pattern of a file, or of a name that the program knows."""


def preset_arguments(engine: str, preset: str | None, presets: Mapping[str, dict[str, str]]) -> dict[str, str]:
    """The program's options that a preset stands for; none for no preset.

    Args:
        engine: as users name it.
        preset: what they ask for.
        presets: the personalities of this engine -> options.

    Raises:
        UsageError: the engine has no such preset.
    """
    if preset is None:
        return {}
    if preset not in presets:
        known = f"it knows: {', '.join(presets)}" if presets else "it knows no preset"
        raise UsageError(f"--preset {preset} means nothing to the engine {engine}", hint=known)
    return presets[preset]


def refuse_all(engine: str, settings: EngineSettings) -> None:
    """Raise UsageError where an engine that has no presets and no program is given either."""
    preset_arguments(engine, settings.preset, {})
    if settings.args:
        raise UsageError(f"the engine {engine} takes no arguments", hint="leave out --engine-args")


def known_arguments(program: str, arguments: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """Arguments of the user's as options with values, where all are known and well-formed.

    Args:
        program: for the message.
        arguments: as a shell would split them; long options may be shortened.
        known: names of an option, as ``-T --temp``, -> pattern that its value must match; ``FLAG`` for one without.

    Returns:
        The first of the names -> value.

    Raises:
        UsageError: an argument is not known, is no option, occurs twice, or has another value.
    """
    allowed = f"allowed: {', '.join(known)}"
    patterns = {name: (names.split()[0], pattern) for names, pattern in known.items() for name in names.split()}
    given: dict[str, str] = {}
    for option, value in _split(program, arguments, patterns, allowed):
        name, pattern = patterns[option]
        if name in given:
            raise UsageError(f"--engine-args for {program}: {option} is given twice")
        if not re.fullmatch(pattern, value):
            raise UsageError(f"--engine-args for {program}: {option} cannot be {value!r}", hint=allowed)
        given[name] = _absolute(value) if pattern == FILE else value
    return given


def flat(options: Mapping[str, str]) -> list[str]:
    """Options as the words of a command line."""
    words = []
    for option, value in options.items():
        words += [option] if not value else [f"{option}={value}"] if option.startswith("--") else [option, value]
    return words


def fingerprint(options: Mapping[str, str]) -> str:
    """Options as one text, in which the digest of what it holds stands for a file."""
    return " ".join(f"{option} {_identity(value)}".strip() for option, value in sorted(options.items()))


def _split(
    program: str, arguments: Sequence[str], names: Mapping[str, tuple[str, str]], allowed: str
) -> list[tuple[str, str]]:
    short = "".join(name[1:] + (":" if pattern else "") for name, (_, pattern) in names.items() if name[1] != "-")
    long = [name[2:] + ("=" if pattern else "") for name, (_, pattern) in names.items() if name[1] == "-"]
    try:
        pairs, rest = getopt.gnu_getopt(list(arguments), short, long)
    except getopt.GetoptError as error:
        raise UsageError(f"--engine-args for {program}: {error.msg}", hint=allowed) from error
    if rest:
        raise UsageError(f"--engine-args for {program}: {rest[0]!r} is no option", hint=allowed)
    return pairs


def _absolute(value: str) -> str:
    """A file's path that holds in any working directory; a name that is no file stays what it is."""
    return str(Path(value).resolve()) if Path(value).is_file() else value


def _identity(value: str) -> str:
    return file_digest(value) if Path(value).is_file() else value
