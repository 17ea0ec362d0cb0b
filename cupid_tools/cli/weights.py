"""Bring the weights of language models into a folder of their own, and look after them.

Weights come from the file that a model's authors publish (import), or straight from where they publish it (fetch). They
are kept as one safetensors file a model; nothing in a published file is executed.
"""

from __future__ import annotations

import argparse
import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cupid_tools import __version__
from cupid_tools.cli import _options as options
from cupid_tools.cli._progress import progress_bar
from cupid_tools.cli._runtime import ToolParser, run_tool
from cupid_tools.models.weights import WEIGHTS

if TYPE_CHECKING:
    from cupid_tools.io.report import Report
    from cupid_tools.models.weights.importing import Imported

log = logging.getLogger("cupid_tools")


def get_parser() -> ToolParser:
    """The options of cupid-weights."""
    parser = ToolParser("cupid-weights", __doc__)
    parser.add_argument("--version", action="version", version=__version__, help="print the version and exit")
    parser.add_commands(
        {
            "import": "convert a published checkpoint, and keep it",
            "fetch": "download a checkpoint from its authors, and import it",
            "list": "tell which weights are there, as a table",
            "verify": "read all of the weights again, and compare them with their fingerprints",
            "where": "print the path of weights, or the folders that are searched",
        }
    )
    _add_import(parser.commands["import"])
    _add_fetch(parser.commands["fetch"])
    names = ", ".join(WEIGHTS)
    parser.commands["verify"].add_argument(
        "names", nargs="*", type=_name, metavar="NAME", help=f"{names} (default: all that are there)"
    )
    parser.commands["where"].add_argument(
        "name", nargs="?", choices=list(WEIGHTS), metavar="NAME", help=f"{names} (default: print the folders)"
    )
    for command in parser.commands.values():
        options.add_weights_dir(command, command)
        options.add_common(command)
    return parser


def run(args: argparse.Namespace, report: Report) -> None:
    """Do what the subcommand says."""
    commands = {"import": _import, "fetch": _fetch, "list": _list, "verify": _verify, "where": _where}
    commands[args.command](args, report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run cupid-weights and return its exit code."""
    return run_tool(get_parser(), run, argv)


def _add_import(parser: ToolParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="the checkpoint as its authors publish it, or its parts in their order; or a file of the folder of "
        "weights of another machine",
    )
    parser.inputs.append("files")
    parser.add_argument(
        "--as", dest="name", required=True, choices=list(WEIGHTS), help=f"which model: {WEIGHTS.help()}"
    )
    _add_kept(parser, "needed for generrna")


def _add_fetch(parser: ToolParser) -> None:
    parser.add_argument("name", choices=list(WEIGHTS), metavar="NAME", help=WEIGHTS.help())
    parser.add_argument(
        "--url", type=_url, metavar="URL", help="another place of the checkpoint, or of a file that import has made"
    )
    parser.add_argument(
        "--sha256",
        type=_sha256,
        metavar="HEX",
        help="refuse a file that has another SHA-256, and weights that came from one",
    )
    _add_kept(parser, "default: download what the authors publish")


def _add_kept(parser: ToolParser, when: str) -> None:
    parser.add_argument(
        "--tokenizer", metavar="PATH", help=f"tokenizer.json of the model, or the folder that holds it ({when})"
    )
    parser.inputs.append("tokenizer")
    parser.add_argument("--replace", action="store_true", help="put the weights in place of others of this name")


def _import(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.models.weights.importing import import_weights

    done = import_weights(
        args.name, args.files, weights_dir=args.weights_dir, tokenizer=args.tokenizer, replace=args.replace
    )
    _tell(args.name, done, report)


def _fetch(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.models.weights.fetching import fetch

    with progress_bar("bytes", quiet=args.quiet) as progress:
        done = fetch(
            args.name,
            weights_dir=args.weights_dir,
            url=args.url,
            sha256=args.sha256,
            tokenizer=args.tokenizer,
            replace=args.replace,
            progress=progress,
        )
    _tell(args.name, done, report)


def _list(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.atomic import STDOUT, atomic_write

    with atomic_write(STDOUT) as table:
        table.write("\t".join(("name", "state", "bytes", "fingerprint", "licence", "path")) + "\n")
        table.writelines("\t".join(_row(name, args.weights_dir)) + "\n" for name in WEIGHTS)


def _row(name: str, weights_dir: str | None) -> tuple[str, ...]:
    from cupid_tools.errors import InputError
    from cupid_tools.models.weights import library

    path = library.find(name, weights_dir)
    if path is None:
        return name, "missing", "", "", "", ""
    size = str(path.stat().st_size)
    try:
        facts = library.facts(path, name)
    except InputError as error:
        log.warning("%s", error)
        return name, "damaged", size, "", "", str(path)
    return name, "there", size, facts["fingerprint"], facts["licence"], str(path)


def _verify(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.errors import MissingError
    from cupid_tools.models.weights import library

    names = args.names or [name for name in WEIGHTS if library.find(name, args.weights_dir)]
    if not names:
        raise MissingError("there are no weights", hint="bring them with cupid-weights fetch or import")
    for name in names:
        path = library.locate(name, args.weights_dir)
        facts = library.verify(path, name)[1]
        log.info("%s is whole: fingerprint %s", path, facts["fingerprint"])
        report.details[name] = {"fingerprint": facts["fingerprint"]}


def _where(args: argparse.Namespace, report: Report) -> None:
    from cupid_tools.io.atomic import STDOUT, atomic_write
    from cupid_tools.models.weights import library

    paths = library.folders(args.weights_dir) if args.name is None else [library.locate(args.name, args.weights_dir)]
    with atomic_write(STDOUT) as text:
        text.writelines(f"{path}\n" for path in paths)


def _tell(name: str, done: Imported, report: Report) -> None:
    state = "kept in" if done.new else "there already, in"
    log.info("the weights of %s are %s %s: fingerprint %s", name, state, done.path, done.fingerprint)
    report.details["weights"] = {"name": name, "fingerprint": done.fingerprint, "new": done.new}


def _name(text: str) -> str:
    """A registry name, for argparse, whose choices do not allow for none at all."""
    if text not in WEIGHTS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(WEIGHTS)}")
    return text


def _url(text: str) -> str:
    """An address, for argparse."""
    if not re.match(r"https?://[^/]", text):
        raise argparse.ArgumentTypeError(f"{text!r} does not start with https:// or http://")
    return text


def _sha256(text: str) -> str:
    """A SHA-256 in hexadecimal, for argparse."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no SHA-256 of 64 hexadecimal digits")
    return text.lower()
