"""The whole chain on a small real set, run once a session, and the command line of every tool on its files."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path


def executable(tool):
    """The command that a module of ``cupid_tools.cli`` becomes."""
    return {"intarna_compare": "intarna-compare"}.get(tool, f"cupid-{tool}")


TINY = (
    *("--architecture", "masked", "--width", "16", "--layers", "1", "--heads", "2"),
    *("--max-length", "400", "--epochs", "1"),
)
_NETWORK = ("train", "--method", "network", "--width", "16", "--layers", "1", "--heads", "2", "--epochs", "1")
KMER = ("--encoder", "kmer")
"""For cupid-embed: no weights, and equal bits on any machine."""
RNAS_ALONE = {"embed": KMER, "pretrain": TINY, "classify": (*_NETWORK, "--warmup-epochs", "0", "--max-length", "100")}
"""Tools that read RNAs and no pairs, with what they are told."""
FOLDERS = ("evaluate", "explain", "reproduce")
"""Tools whose output is a folder."""


@dataclass(frozen=True)
class Chain:
    """The folder that holds the files of one run; each tool's command reads what the tool before it wrote."""

    folder: Path

    def path(self, name):
        return str(self.folder / name)

    def argv(self, tool, *, output, **inputs):
        """The arguments of *tool* that write *output*; *inputs* replace files: ``pairs=``, ``fasta=``, ``store=``."""
        pairs = {"filter": "pairs.tsv", "split": "kept.tsv", "augment": "split.tsv", "negatives": "augmented.tsv"}
        pairs |= {"evaluate": "scores.tsv", "reproduce": "kept.tsv"}
        fasta = {"filter": "rnas.fa", **dict.fromkeys(("negatives", "embed", "explain", "intarna_compare"), "all.fa")}
        files = {
            "pairs": self.path(pairs.get(tool, "dataset.tsv")),
            "fasta": self.path(fasta.get(tool, "kept.fa")),
            "store": self.path("all.npy"),
            "model": self.path("model.safetensors"),
            **inputs,
        }
        if tool in RNAS_ALONE:
            return [*RNAS_ALONE[tool], "-o", output, *(["-f"] if tool == "classify" else []), files["fasta"]]
        options = {
            "filter": ["-f", files["fasta"]],
            "split": ["-f", files["fasta"], "--by", "random"],
            "augment": ["-f", files["fasta"], "--fasta-out", str(Path(output).with_suffix(".fa"))],
            "negatives": ["-f", files["fasta"], "--per-positive", "2"],
            "train": ["-e", files["store"], "--epochs", "2", "--hidden-size", "16"],
            "score": ["-m", files["model"], "-e", files["store"], "--precision", "fp32"],
            "evaluate": ["-f", files["fasta"], "--bootstrap", "20"],
            "explain": ["-m", files["model"], "-e", files["store"], "-f", files["fasta"], "--top", "2"],
            "intarna_compare": ["-f", files["fasta"], "--engine", "seed"],
            "reproduce": [
                *("mirinter-trans", "-f", files["fasta"], "--encoder", "kmer", "--engine", "seed"),
                *("--variants", "AVG,IntaRNA", "--epochs", "2", "--per-positive", "2", "--bootstrap", "10"),
            ],
        }[tool]
        return [*options, "-o", output, files["pairs"]]

    def target(self, tool, folder):
        """The name of an output that suits *tool*."""
        return str(
            Path(folder)
            / {
                "embed": "out.npy",
                **dict.fromkeys(("train", "pretrain", "classify"), "out.safetensors"),
                **dict.fromkeys(FOLDERS, "out"),
            }.get(tool, "out.tsv")
        )


STEPS = [
    ("filter", "kept.tsv"),
    ("split", "split.tsv"),
    ("augment", "augmented.tsv"),
    ("negatives", "dataset.tsv"),
    ("embed", "all.npy"),
    ("train", "model.safetensors"),
    ("score", "scores.tsv"),
]


def run_chain(source, folder):
    """Run all tools up to cupid-score in this process, from the RNAs and pairs of *source*."""
    chain = Chain(folder)
    for name in ("rnas.fa", "pairs.tsv"):
        (folder / name).write_bytes((source / name).read_bytes())
    for tool, output in STEPS:
        argv = chain.argv(tool, output=chain.path(output))
        if tool == "filter":
            argv += ["--fasta-out", chain.path("kept.fa")]
        if tool == "augment":
            argv[argv.index("--fasta-out") + 1] = chain.path("all.fa")
        code = importlib.import_module(f"cupid_tools.cli.{tool}").main([*argv, "--quiet"])
        assert code == 0, (tool, argv)
    return chain
