"""What telling RNA types is worth: from k-mers, from `mini`, and from a network trained end to end.

    python benchmarks/rna_types.py --data FOLDER --held-out MADE [--sets nrc mncr] [--methods ...] [--unknown]

FOLDER holds NAME.tsv.gz with the columns id, type, source_split and sequence, NAME being nrc_13class or
mncr_rnacentral_6class; MADE is what ``encoder_data.py`` made of them. One table a set and split:

published   the split of the source, as it is (nrc)
no copies   the same, but test RNAs whose sequence is in train taken out
clusters    80:20, as in MADE: no test RNA has a relative in train, nor among the RNAs that `mini` has learned from;
            RNAs that share a quarter of their 15-mers, directly or through others, are on one side. Methods with `mini`
            have rows here alone

Of train, a tenth is held out by clusters again, to choose what is kept and to calibrate. Intervals, 95 %, are those of
a bootstrap that draws clusters of test RNAs, the same for all methods, so that differences to the first method are of
equal replicates. A sequence with two types is left out; copies within train count once.

With --unknown what the threshold of `unknown` does is printed in place of that, for the first method on clusters: which
share of the tested RNAs is unknown, F1 of the others, and, each type having been left out of train in its turn, which
share of the tested RNAs of that type is unknown.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cupid_tools.evaluation.bootstrap import interval
from cupid_tools.evaluation.type_calibration import probabilities
from cupid_tools.evaluation.type_metrics import ALL, Metrics, TypeAnswers, answers_of, type_replicates
from cupid_tools.io.fasta import read_fasta
from cupid_tools.io.store import Vectors
from cupid_tools.io.streams import read_lines
from cupid_tools.models.classifiers import SEQUENCES, VECTORS
from cupid_tools.models.dataset import Rnas
from cupid_tools.models.encoders import load_encoder
from cupid_tools.models.encoders.settings import WINDOW, EncoderSettings
from cupid_tools.models.types import UNKNOWN_BELOW
from cupid_tools.models.types.base import TypeClassifier
from cupid_tools.models.types.choice import Choice, choose
from cupid_tools.models.types.data import TypeData
from cupid_tools.models.types.holdout import held_out
from cupid_tools.models.types.network import NetworkOfTypes
from cupid_tools.sampling.relatives import Groups, related_groups
from cupid_tools.sampling.seeds import rng_for
from cupid_tools.vocab import Rna

FILES = {"nrc": "nrc_13class", "mncr": "mncr_rnacentral_6class"}
PUBLISHED_TEST = "dataset_nRC_test"
CLUSTERS = "clusters"
MINI_NAME = "mini"
METHODS = ("kmer logistic", "kmer boosting", "mini logistic", "mini boosting", "network", "mini network")
"""What is read and the classifier; "mini network" goes on from `mini`, "network" begins with random numbers."""
VALID = 0.1
REPLICATES, LEVEL = 1000, 0.95
THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
SHOWN = ("f1_micro", "f1_macro", "ece")
SEED = 1


class World(NamedTuple):
    """A set of RNAs of one type each.

    Attributes:
        sequences: N distinct ones.
        types: str [N].
        clusters: int64 [N], of relatives.
        rows: int64 [rows of the file], places of their sequences.
        tested: bool [rows], those of the published test set.
    """

    sequences: list[str]
    types: NDArray[np.str_]
    clusters: Groups
    rows: NDArray[np.int64]
    tested: NDArray[np.bool_]


class Trial(NamedTuple):
    """What is learned and what is tested: places of sequences, of a test RNA as often as it is there."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def read_world(path: Path, limit: int | None) -> World:
    """Read a set, or *limit* of its rows at random."""
    lines = [line.split("\t") for line in read_lines(path)][1:]
    if limit is not None and limit < len(lines):
        chosen = np.sort(rng_for(SEED, "benchmarks.rna_types", "limit").permutation(len(lines))[:limit])
        lines = [lines[place] for place in chosen.tolist()]
    found: dict[str, set[str]] = defaultdict(set)
    for _, kind, _, sequence in lines:
        found[sequence].add(kind)
    types = {sequence: min(kinds) for sequence, kinds in found.items() if len(kinds) == 1}
    place = {sequence: number for number, sequence in enumerate(types)}
    kept = [(place[sequence], split) for _, _, split, sequence in lines if sequence in place]
    print(
        f"{path.name}: {len(lines):,} rows, {len(found):,} sequences, {len(found) - len(types)} of two types left out"
    )
    return World(
        list(types),
        np.array(list(types.values())),
        related_groups([Rna("", sequence) for sequence in types]),
        np.array([number for number, _ in kept], dtype=np.int64),
        np.array([split == PUBLISHED_TEST for _, split in kept], dtype=bool),
    )


def places_of(world: World, path: Path) -> NDArray[np.int64]:
    """The places of the RNAs of a FASTA, as far as they are in the set."""
    place = {sequence: number for number, sequence in enumerate(world.sequences)}
    found = [place[rna.sequence] for rna in read_fasta(path) if rna.sequence in place]
    return np.array(sorted(found), dtype=np.int64)


def trials(world: World, made: Path, name: str) -> Iterator[Trial]:
    """All splits of a set."""
    if world.tested.any():
        train, test = np.unique(world.rows[~world.tested]), world.rows[world.tested]
        yield Trial("published", train, test)
        yield Trial("no copies", train, test[~np.isin(test, train)])
    train, test = (places_of(world, made / f"types_{name}_{side}.fa") for side in ("train", "test"))
    yield Trial(CLUSTERS, train, test)


def embedded(world: World, name: str) -> Vectors:
    """The vectors of all sequences of a set; RNAs above the context in windows."""
    settings = EncoderSettings() if name == "kmer" else EncoderSettings(long=WINDOW)
    return load_encoder(name, settings).embed(world.sequences)


def chosen(method: str, epochs: int | None) -> Choice:
    """The classifier of a row."""
    encoder, _, kind = method.rpartition(" ")
    if kind != "network":
        return choose(kind, VECTORS, {})
    return choose(kind, SEQUENCES, {"epochs": epochs} if epochs else {}, encoder or None)


def read_by(method: str) -> str:
    """The encoder whose vectors a method reads; none where it reads sequences."""
    encoder, _, kind = method.rpartition(" ")
    return "" if kind == "network" else encoder


class Fitted(NamedTuple):
    """A classifier of *names* that was fitted to the train RNAs of a trial."""

    names: list[str]
    classifier: TypeClassifier
    temperature: float


def read(world: World, places: NDArray[np.int64], vectors: Vectors | None) -> Rnas:
    """The RNAs at *places*, as a classifier reads them."""
    return [world.sequences[place] for place in places.tolist()] if vectors is None else vectors[places]


def fitted(world: World, trial: Trial, choice: Choice, vectors: Vectors | None) -> Fitted:
    """Learn from the train RNAs."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    names, codes = np.unique(world.types[trial.train], return_inverse=True)
    rng = rng_for(SEED, "benchmarks.rna_types", "valid")
    valid = held_out(codes, world.clusters[trial.train], VALID, rng)
    data = TypeData(read(world, trial.train, vectors), codes, tuple(names.tolist()), valid, {})
    dim = 0 if vectors is None else vectors.shape[1]
    learner = choice.kind(choice.config, dim, len(names))
    if choice.start is not None and isinstance(learner, NetworkOfTypes):
        learner.start_from(choice.start.model.encoder)
    fit = learner.fit(data, choice.training, device=device, seed=SEED)
    classifier = choice.kind(choice.config, dim, len(names))
    classifier.load(fit.tensors, device)
    return Fitted(names.tolist(), classifier, fit.best.temperature)


def answers_to(world: World, trial: Trial, model: Fitted, vectors: Vectors | None) -> TypeAnswers:
    """What a model says of the test RNAs."""
    found = probabilities(model.classifier.logits(read(world, trial.test, vectors)), model.temperature)
    return answers_of(world.types[trial.test].tolist(), found, model.names)


def judged(world: World, trial: Trial, model: Fitted, vectors: Vectors | None) -> tuple[Metrics, Metrics]:
    """The metrics of the test RNAs, and those of all replicates."""
    answers = answers_to(world, trial, model, vectors)
    clusters = np.unique(world.clusters[trial.test], return_inverse=True)[1]
    return type_replicates(answers, UNKNOWN_BELOW, clusters, replicates=REPLICATES, seed=SEED)


def shown(value: float, drawn: NDArray[np.float64], sign: str = "") -> str:
    """A number with its interval."""
    low, high = interval(drawn, LEVEL)
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def row(name: str, found: tuple[Metrics, Metrics], first: tuple[Metrics, Metrics], seconds: float) -> str:
    """A line of the table."""
    (point, drawn), (other, others) = found, first
    cells = [shown(float(point[ALL, metric]), drawn[ALL, metric]) for metric in SHOWN]
    for metric in SHOWN:
        difference = float(point[ALL, metric] - other[ALL, metric])
        same = point is other
        cells.append("" if same else shown(difference, drawn[ALL, metric] - others[ALL, metric], "+"))
    unknown, answered = (float(point[ALL, metric]) for metric in ("unknown", "f1_micro_answered"))
    return " | ".join(["", name, *cells, f"{100 * unknown:.1f} %", f"{answered:.3f}", f"{seconds:.0f}", ""]).strip()


def head(name: str, world: World, trial: Trial) -> str:
    """What stands above the rows of a table."""
    clusters = len(np.unique(world.clusters[trial.test]))
    sizes = f"{len(trial.train):,} to learn from, {len(trial.test):,} tested ({clusters:,} clusters)"
    columns = ["", *("F1 micro", "F1 macro", "ECE"), *("Δ F1 micro", "Δ F1 macro", "Δ ECE")]
    columns += ["unknown", "F1 micro of the others", "s to fit"]
    return f"\n{name}, {trial.name}: {sizes}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}"


def compare(args: argparse.Namespace, name: str) -> None:
    """Print the tables of one set."""
    world = read_world(args.data / f"{FILES[name]}.tsv.gz", args.limit)
    vectors: dict[str, Vectors] = {}
    models: dict[tuple[str, bytes], tuple[Fitted, float]] = {}  # published tests share what is learned
    for trial in trials(world, args.held_out, name):
        print(head(name, world, trial), flush=True)
        first: tuple[Metrics, Metrics] | None = None
        for method in args.methods:
            if trial.name != CLUSTERS and method.startswith(MINI_NAME):
                continue  # it may have learned from relatives of what is tested
            encoder = read_by(method)
            if encoder and encoder not in vectors:
                vectors[encoder] = embedded(world, encoder)
            key = method, trial.train.tobytes()
            if key not in models:
                start = time.perf_counter()
                model = fitted(world, trial, chosen(method, args.epochs), vectors.get(encoder))
                models[key] = model, time.perf_counter() - start
            model, seconds = models[key]
            found = judged(world, trial, model, vectors.get(encoder))
            first = first or found
            print(row(method, found, first, seconds), flush=True)


def tell_unknown(args: argparse.Namespace, name: str) -> None:
    """Print what the threshold does."""
    world = read_world(args.data / f"{FILES[name]}.tsv.gz", args.limit)
    *_, trial = trials(world, args.held_out, name)
    method, choice = args.methods[0], chosen(args.methods[0], args.epochs)
    encoder = read_by(method)
    vectors = embedded(world, encoder) if encoder else None
    answers = answers_to(world, trial, fitted(world, trial, choice, vectors), vectors)
    foreign = []
    for kind in np.unique(world.types).tolist():
        of_kind = [
            part[(world.types[part] == kind) == same] for part, same in ((trial.train, False), (trial.test, True))
        ]
        without = Trial(kind, *of_kind)
        foreign.append(answers_to(world, without, fitted(world, without, choice, vectors), vectors).confidence)
    print(f"\n{name}, {trial.name}, {method}\n")
    print("| threshold | unknown | F1 micro of the others | unknown of types that were left out: mean, least, most |")
    print("|---|---|---|---|")
    alone = np.arange(len(answers))
    for threshold in THRESHOLDS:
        point = type_replicates(answers, threshold, alone, replicates=0, seed=SEED)[0]
        unknown, answered = (float(point[ALL, metric]) for metric in ("unknown", "f1_micro_answered"))
        shares = [100 * float((confidence < threshold).mean()) for confidence in foreign]
        spread = f"{np.mean(shares):.0f} %, {min(shares):.0f} %, {max(shares):.0f} %"
        print(f"| {threshold:g} | {100 * unknown:.1f} % | {answered:.3f} | {spread} |", flush=True)


def main(args: argparse.Namespace) -> None:
    """Print a Markdown table a set and split."""
    for name in args.sets:
        (tell_unknown if args.unknown else compare)(args, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--held-out", type=Path, required=True, metavar="MADE")
    parser.add_argument("--sets", nargs="+", choices=FILES, default=list(FILES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--limit", type=int, metavar="N", help="rows of a set, at random")
    parser.add_argument("--unknown", action="store_true", help="tell what the threshold of unknown does")
    parser.add_argument("--epochs", type=int, help="of the network, at most; left out: its own number")
    warnings.simplefilter("ignore")
    main(parser.parse_args())
