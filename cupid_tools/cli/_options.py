"""Options that several tools share: one spelling, one help text, one default."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

from cupid_tools import __version__
from cupid_tools.cli._runtime import LOG_LEVELS, ToolParser
from cupid_tools.io.blocks import Block
from cupid_tools.io.fasta import FASTA, FORMATS
from cupid_tools.models.builtin import BUILTIN, DEFAULT_MODEL, builtin_names
from cupid_tools.models.encoders import ENCODERS, WITH_PATH
from cupid_tools.recipes import DEFAULT_RECIPE, recipe_names
from cupid_tools.vocab import SPLITS

DEFAULT_SEED = 1

Setting = tuple[Callable[[str], Any], str, str]
"""Type, metavar and help of an option that takes the place of a number in a recipe or a classifier."""


def add_pairs(parser: ToolParser, help: str = "pair table") -> None:
    """The stream: a pair table as positional argument, stdin by default."""
    parser.add_argument("pairs", nargs="?", default="-", metavar="PAIRS", help=f"{help} (default: stdin)")
    parser.inputs.append("pairs")


def add_fasta(parser: ToolParser, *, required: bool = True, help: str = "the RNAs that the pairs name") -> None:
    """``-f/--fasta`` with ``--format`` and ``--types``."""
    group = parser.add_argument_group("RNAs")
    group.add_argument("-f", "--fasta", required=required, metavar="FASTA", help=f"{help}; plain or gzip")
    parser.inputs.append("fasta")
    add_fasta_format(parser, group)


def add_fasta_format(parser: ToolParser, group: argparse._ArgumentGroup) -> None:
    """``--format`` and ``--types``, for tools whose RNAs are not ``-f``."""
    group.add_argument(
        "--format",
        choices=FORMATS,
        default=FASTA,
        help="format of the RNAs; all but fasta are read by Biopython (default: %(default)s)",
    )
    group.add_argument("--types", metavar="TSV", help="table of id and type that overrides type= in the headers")
    parser.inputs.append("types")


def add_output(parser: ToolParser, help: str = "where to write the pair table") -> None:
    """``-o/--output``, stdout by default."""
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help=f"{help} (default: stdout)")
    parser.outputs.append("output")


def add_required_output(parser: ToolParser, metavar: str, help: str) -> None:
    """``-o/--output`` for tools whose output is not a stream."""
    parser.add_argument("-o", "--output", required=True, metavar=metavar, help=help)
    parser.outputs.append("output")


def add_fasta_out(parser: ToolParser, *, required: bool, help: str) -> None:
    """``--fasta-out``."""
    parser.add_argument("--fasta-out", required=required, metavar="FASTA", help=help)
    parser.outputs.append("fasta_out")


def add_embeddings(parser: ToolParser, *, required: bool = True) -> None:
    """``-e/--embeddings``, repeatable."""
    parser.add_argument(
        "-e",
        "--embeddings",
        action="append",
        required=required,
        metavar="NPY",
        help="embedding store made by cupid-embed; give it several times to read several stores as one",
    )
    parser.inputs.append("embeddings")


def add_model(parser: ToolParser, *, required: bool = True) -> None:
    """``-m/--model``."""
    known = ", ".join(f"{BUILTIN}:{name}" for name in builtin_names())
    parser.add_argument(
        "-m",
        "--model",
        required=required,
        metavar="MODEL",
        help=f"model made by cupid-train, or one that comes with the package: {known}; {BUILTIN} is "
        f"{BUILTIN}:{DEFAULT_MODEL}",
    )
    parser.inputs.append("model")


def add_seed(parser: ToolParser) -> None:
    """``--seed``, fixed by default."""
    parser.add_argument(
        "--seed",
        type=whole_number,
        default=DEFAULT_SEED,
        metavar="N",
        help="seed of all random choices (default: %(default)s)",
    )


def add_device(parser: ToolParser, *, several: bool = False) -> argparse._ArgumentGroup:
    """``--device`` and ``--threads``, for a tool that can use one device or *several*; the group of both."""
    names = "auto, cpu, cuda, cuda:N, or several as in cuda:0,1" if several else "auto, cpu, cuda or cuda:N"
    group = parser.add_argument_group("computing")
    group.add_argument(
        "--device",
        default="auto",
        metavar="NAME",
        help=f"{names}; auto takes a GPU where there is one and says so (default: %(default)s)",
    )
    group.add_argument(
        "--threads", type=positive_int, metavar="N", help="CPU threads (default: all that the process may use)"
    )
    return group


def add_weights_dir(parser: ToolParser, group: argparse._ActionsContainer) -> None:
    """``--weights-dir``."""
    group.add_argument(
        "--weights-dir",
        metavar="FOLDER",
        help="where the weights of language models lie (default: the folders that 'cupid-weights where' names)",
    )
    parser.places.append("weights_dir")


def add_sharing(parser: ToolParser, metavar: str, *, blocks: str, merge: str) -> None:
    """``--blocks``, one of those that jobs of a cluster share, and ``--merge``, what was written for all of them."""
    group = parser.add_argument_group("sharing the work")
    group.add_argument("--blocks", type=block_of, metavar="I/N", help=f"{blocks}, as in 2/8")
    group.add_argument("--merge", nargs="+", metavar=metavar, help=merge)
    parser.inputs.append("merge")


def add_common(parser: ToolParser, *, drops: bool = False) -> None:
    """What every tool has: ``--report``, ``--quiet``, ``--log-level``, ``--version``; ``--dropped`` where it drops."""
    group = parser.add_argument_group("reporting")
    if drops:
        group.add_argument("--dropped", metavar="TSV", help="list every RNA and pair that was left out, and why")
        parser.outputs.append("dropped")
    group.add_argument("--report", metavar="JSON", help="write settings, input digests and counts")
    parser.outputs.append("report")
    group.add_argument("--quiet", action="store_true", help="print nothing but errors")
    group.add_argument(
        "--log-level", choices=LOG_LEVELS, default="info", help="how much to tell (default: %(default)s)"
    )
    group.add_argument("--version", action="version", version=__version__, help="print the version and exit")


def add_recipe(parser: ToolParser, group: argparse._ArgumentGroup, help: str) -> None:
    """``--recipe``: the name of a published recipe, or a TOML file of the user's own."""
    group.add_argument(
        "--recipe",
        default=DEFAULT_RECIPE,
        metavar="NAME",
        help=f"{help}: {', '.join(recipe_names())}, or the path of a TOML file like them (default: %(default)s)",
    )
    parser.inputs.append("recipe")


def some_of(names: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of names separated by commas, for argparse; it gives those chosen in the order of *names*."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = text.split(",")
        for name in chosen:
            if name not in names:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
        return tuple(name for name in names if name in chosen)

    return parse


splits = some_of(SPLITS)
"""A parser of split names, for argparse: one object, since it means the same in all tools."""


def encoder(text: str) -> str:
    """The name of an encoder, for argparse."""
    kind, colon, path = text.partition(":")
    if kind not in ENCODERS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(ENCODERS)}")
    if bool(path) != (kind in WITH_PATH) or (colon and not path):
        known = ", ".join(f"{name}:{what}" for name, what in WITH_PATH.items())
        raise argparse.ArgumentTypeError(f"{text!r}: a path belongs to {known}, and to no other")
    return text


def positive_int(text: str) -> int:
    """An integer of at least 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


def block_of(text: str) -> Block:
    """Which of how many blocks, as in ``2/8``, for argparse."""
    number, slash, count = text.partition("/")
    if not slash or not number.isdecimal() or not count.isdecimal() or not 1 <= int(number) <= int(count):
        raise argparse.ArgumentTypeError(f"{text!r} is no block (give it as 2/8, the second of eight)")
    return Block(int(number), int(count))


def whole_number(text: str) -> int:
    """An integer of at least 0, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def finite(text: str) -> float:
    """A number that is neither NaN nor infinite, for argparse."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text} is not finite")
    return value


def fraction(text: str) -> float:
    """A number between 0 and 1, both excluded, for argparse."""
    value = finite(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


NETWORK_SIZES: dict[str, Setting] = {
    "--width": (positive_int, "N", "channels of a nucleotide's state"),
    "--layers": (positive_int, "N", "layers"),
    "--heads": (positive_int, "N", "heads of the attention in each"),
    "--feed-forward": (positive_int, "N", "channels inside a layer, as a multiple of --width"),
    "--dropout": (finite, "P", "share of channels left out while training"),
    "--stem": (whole_number, "NT", "nucleotides, an odd number, that a convolution sees first; 0 for none"),
    "--readout": (whole_number, "N", "channels read off the last layer, to be averaged; 0 for none"),
}
"""Of a network that reads nucleotides; see ``models.pretraining.network.NetworkSettings``."""
