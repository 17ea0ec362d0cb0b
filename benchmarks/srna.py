"""What energies and classifiers are worth on bacterial sRNAs and mRNAs.

    python benchmarks/srna.py DATA [--sets ...] [--engines ...] [--seeds 1 2 3 4 5]

DATA is as for ``learning.py``.

intarna  149 pairs of E. coli and Salmonella with windows of 300 nt, to which IntaRNA was tuned
ecoli    E. coli sRNAs with coding sequences, with the negatives of the source; 38 pairs are in the next set too
many     745 pairs of many bacteria, with whole mRNAs; a quarter of each side's RNAs is tested, relatives kept whole:
         the mean over splits. The others are too small to be split, so in this set alone something is learned

Negatives, where the source has none, are all other pairs of the sRNAs and mRNAs of one bacterium, which are not known
to be none; in ``many`` of those RNAs that known pairs connect, since names do not tell the bacterium. AUROC and average
precision are over all pairs, with the 95 % interval under a bootstrap over groups of relatives; beside them stands the
mean average precision of the sRNAs that have pairs of both classes.
"""

from __future__ import annotations

import argparse
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from learning import Judged, Trial, World, cells, group_weights, judge, split
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cupid_tools.energy.engines import ENGINES
from cupid_tools.energy.engines.base import for_engines
from cupid_tools.energy.engines.choice import choose_engine
from cupid_tools.energy.engines.settings import EngineSettings
from cupid_tools.errors import MissingError
from cupid_tools.evaluation.baselines import BASELINES
from cupid_tools.evaluation.baselines.data import Pairs, Training
from cupid_tools.evaluation.metrics import Floats, average_precision
from cupid_tools.evaluation.rnas import RnaTable
from cupid_tools.io.fasta import load_rnas
from cupid_tools.io.pairs import SPLIT, read_pairs
from cupid_tools.models.classifiers.blend import MEMBERS, Blend, BlendConfig, BlendTraining
from cupid_tools.models.classifiers.duplex import Duplex, DuplexConfig
from cupid_tools.models.dataset import LabelledPairs, TrainingData
from cupid_tools.sampling.coded import code_pairs
from cupid_tools.sampling.relatives import related_groups
from cupid_tools.vocab import SPLITS

INTARNA, ECOLI, MANY = "srna_mrna_intarna_benchmark", "srna_mrna_ecoli_graphrna_test", "srna_mrna_srnarftarget745"
SETS = {"intarna": INTARNA, "ecoli": ECOLI, "many": MANY}
NOTHING = LabelledPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int8))
TESTED = "tested"


def read_trials(data: Path, name: str, seeds: list[int]) -> tuple[World, list[tuple[int, Trial]]]:
    """A set, and what is tested in it, by seed."""
    folder = data / SETS[name]
    known = load_rnas(str(folder / "sequences.fasta"))
    table = read_pairs(folder / "pairs.tsv")
    rnas = code_pairs(table, known, folder).rnas
    world = World(table, rnas, related_groups(rnas), np.zeros(len(table), dtype=bool))
    if name == "many":
        return world, [(seed, unseen(world, seed)) for seed in seeds]
    pairs = world.pairs(table)
    if name == "intarna":
        genomes = np.unique([rna.id.rpartition("|")[2] for rna in rnas], return_inverse=True)[1]
        pairs = with_others(pairs, genomes, world)
    return world, [(0, Trial(NOTHING, NOTHING, {TESTED: pairs}))]


def unseen(world: World, seed: int) -> Trial:
    """Neither RNA of a test pair has a relative in train."""
    table = split(world, seed, "unseen-both")
    known = world.pairs(world.table)
    graph = coo_array((np.ones(len(known)), (known.first, known.second)), shape=(len(world.rnas), len(world.rnas)))
    bacteria = connected_components(graph, directed=False)[1]
    train, valid, test = (
        with_others(world.pairs(table.where(table.column(SPLIT) == part)), bacteria, world) for part in SPLITS
    )
    return Trial(train, valid, {TESTED: test})


def with_others(positives: LabelledPairs, bacteria: NDArray[np.integer], world: World) -> LabelledPairs:
    """*positives*, and all pairs of their RNAs that are of one bacterium and not known in *world*."""
    known, size = world.pairs(world.table), len(world.rnas)
    first, second = (side.ravel() for side in np.meshgrid(np.unique(positives.first), np.unique(positives.second)))
    keys = first * size + second
    positive = np.isin(keys, positives.first * size + positives.second)
    other = (bacteria[first] == bacteria[second]) & ~np.isin(keys, known.first * size + known.second)
    wanted = positive | other
    return LabelledPairs(first[wanted], second[wanted], positive[wanted].astype(np.int8))


def sequences(world: World) -> list[str]:
    """Of all RNAs."""
    return [rna.sequence for rna in world.rnas]


def energies(world: World, pairs: LabelledPairs, name: str) -> Floats:
    """The energies of an engine, negated; 0 where there is no interaction. The shorter RNA is the query.

    Raises:
        MissingError: the engine is not there.
    """
    engine = choose_engine(name, EngineSettings())
    texts = [for_engines(sequence) for sequence in sequences(world)]
    lengths = np.array([len(text) for text in texts])
    turned = lengths[pairs.first] > lengths[pairs.second]
    queries, targets = np.where(turned, pairs.second, pairs.first), np.where(turned, pairs.first, pairs.second)
    scores = np.zeros(len(pairs))
    for target in np.unique(targets):
        rows = np.flatnonzero(targets == target)
        found = engine.duplexes(texts[target], [texts[query] for query in queries[rows]])
        scores[rows] = [0 if duplex is None else -duplex.energy for duplex in found]
    engine.close()
    return scores


def baseline(world: World, trial: Trial, pairs: LabelledPairs, name: str) -> Floats:
    """The scores of one of ``BASELINES``, fitted to train."""
    training = Training(Pairs(trial.train.first, trial.train.second), trial.train.labels, 0)
    table = RnaTable(world.rnas, world.groups)
    return np.asarray(BASELINES.load(name)(training, Pairs(pairs.first, pairs.second), table))


def learned(world: World, trial: Trial, pairs: LabelledPairs, seed: int) -> Iterator[tuple[str, Floats]]:
    """The scores of the blend and of each of its members, which are fitted as they are alone."""
    device = torch.device("cpu")
    data = TrainingData(rnas=sequences(world), groups=world.groups, train=trial.train, valid=trial.valid, digests={})
    blend = Blend(BlendConfig(), 0)
    blend.load(blend.fit(data, BlendTraining(), device=device, seed=seed).tensors, device)
    scorer = blend.scorer(data.rnas)
    yield from zip(MEMBERS, scorer.members(pairs.first, pairs.second), strict=True)
    yield "blend", scorer.scores(pairs.first, pairs.second)


def answers(world: World, trial: Trial, engines: list[str], seed: int) -> Iterator[tuple[str, Floats]]:
    """All methods and their scores of the tested pairs."""
    pairs = trial.tests[TESTED]
    yield "seed match", baseline(world, trial, pairs, "seed-match")
    untrained = Duplex(DuplexConfig(), 0).scorer(sequences(world))
    yield "`duplex`, untrained", untrained.scores(pairs.first, pairs.second)
    for name in engines:
        try:
            yield f"energy: {name}", energies(world, pairs, name)
        except MissingError:
            yield f"energy: {name}", np.empty(0)
    if len(trial.train):
        yield "nearest-neighbour", baseline(world, trial, pairs, "nearest-neighbour")
        yield from ((f"`{name}`, trained", scores) for name, scores in learned(world, trial, pairs, seed))


def by_srna(pairs: LabelledPairs, scores: Floats) -> float:
    """The mean average precision of the first RNAs that have pairs of both classes."""
    found = []
    for first in np.unique(pairs.first):
        rows = pairs.first == first
        if len(np.unique(pairs.labels[rows])) == 2:
            found.append(average_precision(pairs.labels[rows], scores[rows]))
    return float(np.mean(found))


def row(name: str, method: str, weights: NDArray[np.float32], world: World, found: list[tuple[Trial, Floats]]) -> str:
    """A line of the table."""
    results, per_srna = [], []
    for trial, scores in found:
        pairs = trial.tests[TESTED]
        if not len(scores):
            return f"| {name} | {method} | not installed | | |"
        groups = world.groups[np.stack([pairs.first, pairs.second])]
        results.append(judge(weights, Judged(groups, pairs.labels, scores)))
        per_srna.append(by_srna(pairs, scores))
    return f"| {name} | {method} | {' | '.join(cells(results))} | {np.mean(per_srna):.3f} |"


def main(args: argparse.Namespace) -> None:
    """Print a Markdown table, set by set."""
    print("| set | method | AUROC | average precision | mean of sRNAs |\n|---|---|---|---|---|")
    for name in args.sets:
        world, trials = read_trials(args.data, name, args.seeds)
        tests = [trial.tests[TESTED] for _, trial in trials]
        counts = " + ".join(f"{test.labels.sum()} of {len(test)}" for test in tests)
        print(f"| {name} | positives of pairs tested: {counts} | | | |", flush=True)
        weights = group_weights(world, name)
        found: dict[str, list[tuple[Trial, Floats]]] = defaultdict(list)
        for seed, trial in trials:
            for method, scores in answers(world, trial, args.engines, seed):
                found[method].append((trial, scores))
        for method, scored in found.items():
            print(row(name, method, weights, world, scored), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument(
        "--engines", nargs="*", choices=list(ENGINES), default=["seed", "rnahybrid", "viennarna", "intarna"]
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    warnings.simplefilter("ignore")
    main(parser.parse_args())
